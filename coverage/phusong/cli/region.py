"""phusong region: build, import, check, describe and compare regions."""

from collections.abc import Mapping
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from phusong.cli.options import (
    LangOption,
    console,
    errors,
    following,
    known_name,
    slim_table,
    spoken,
    tell_notices,
    wrote,
)

if TYPE_CHECKING:
    from phusong.io.text import Text

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Build, check and describe regions.")

Workers = Annotated[
    int,
    typer.Option(help="Threads that draw rasters onto the grid; the region does not depend on them.", min=1),
]
LeastCovered = Annotated[
    float,
    typer.Option(help="Share of the region that a raster must cover; the rest keeps the layer of before."),
]
FillM = Annotated[
    float, typer.Option(help="How far voids of heights are filled from the nearest height, in metres.")
]
MostScaled = Annotated[
    float,
    typer.Option(help="By how much a raster's people may be multiplied or divided to become the region's."),
]
WhoseCells = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OWNER=OPERATOR",
        help="Whose cells an owner's masts carry, e.g. VNPT=vinaphone; OWNER=none: masts without cells. Again for several.",
    ),
]
Layer = Annotated[Path | None, typer.Option(help="Replaces the modelled layer by this file.")]


@app.command("build")
def region_build(
    country: Annotated[str, typer.Argument(help="Only vietnam so far.")],
    out: Annotated[Path, typer.Option(help="Region folder.")],
    province: Annotated[list[str] | None, typer.Option(help="Name; give it again for several.")] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="All 34 provinces.")] = False,
    cell_m: Annotated[float, typer.Option(help="Side of a grid square.", min=50, max=5000)] = 250.0,
    seed: Annotated[int, typer.Option(min=0)] = 2025,
    elevation: Layer = None,
    population: Layer = None,
    clutter: Layer = None,
    clutter_legend: Annotated[
        Path | None, typer.Option(help="CSV code,class of the land cover; ESA WorldCover's when left out.")
    ] = None,
    sites: Layer = None,
    cells: Layer = None,
    links: Layer = None,
    power: Annotated[Path | None, typer.Option(help="Power nodes; replaces the modelled ones.")] = None,
    power_lines: Layer = None,
    least_covered: LeastCovered = 0.5,
    fill_m: FillM = 2000.0,
    most_scaled: MostScaled = 2.0,
    operator: WhoseCells = None,
    workers: Workers = 2,
    lang: LangOption = None,
) -> None:
    """Build a region from public packages, and your own layers where you have them.

    Example: phusong region build vietnam --province "Tuyên Quang" --out regions/tuyen-quang
    """
    text = spoken(lang)
    if country.casefold() not in {"viet nam", "viet-nam", "vn"}:
        known_name(country.casefold(), ["vietnam"], "region build", "problem.no_country", text)
    from phusong.compute.executor import Threads  # noqa: PLC0415
    from phusong.errors import refuse  # noqa: PLC0415
    from phusong.region.importers.run import said_of_owners  # noqa: PLC0415
    from phusong.region.read.raster import RasterLimits  # noqa: PLC0415
    from phusong.region.replace import replace_layers  # noqa: PLC0415
    from phusong.region.validate import check_region  # noqa: PLC0415
    from phusong.region.vietnam import build_vietnam  # noqa: PLC0415

    limits = RasterLimits(least_covered, fill_m, most_scaled)
    said, wrong = said_of_owners(operator or (), "region build")
    refuse([*limits.problems(), *wrong])
    names = ("all",) if all_ else tuple(province or ())
    region = build_vietnam(
        names,
        cell_m=cell_m,
        seed=seed,
        progress=lambda s: errors.print(f"[dim]· {escape(text.code('stage', s))}[/dim]"),
    )
    region = replace_layers(
        region, elevation=elevation, population=population, clutter=clutter, clutter_legend=clutter_legend,
        sites=sites, cells=cells, links=links,
        power_nodes=power, power_lines=power_lines, operators=said, executor=Threads(workers), limits=limits,
    )  # fmt: skip
    refuse(check_region(region))
    tell_notices(region.notices)
    region.write(out)
    _describe(region, text)
    wrote(out, text)
    following(f"phusong run default --set region.path={out}", text)


@app.command("import")
def region_import(
    path: Annotated[Path, typer.Argument(metavar="REGION", help="Region folder.")],
    kind: Annotated[str, typer.Argument(help="Kind of source; `list` shows them.")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE...", help="Files of the source.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write a new region there; left out: into REGION.")] = None,
    columns: Annotated[Path | None, typer.Option(help="How tables name what the layers name (TOML).")] = None,
    layer: Annotated[list[str] | None, typer.Option(help="Take only this layer; again for several.")] = None,
    totals: Annotated[
        str, typer.Option(help="Whose numbers people are brought to: province or commune.")
    ] = "province",
    crs: Annotated[str, typer.Option(help="CRS of files that state none, e.g. EPSG:4326.")] = "",
    as_of: Annotated[str, typer.Option(help="Date of the data, for region.toml.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the data, for region.toml.")] = "",
    source: Annotated[str, typer.Option(help="Name of the source, for region.toml.")] = "",
    roads: Annotated[
        Path | None, typer.Option(help="Write the roads of an OpenStreetMap extract there (.gpkg).")
    ] = None,
    operator: WhoseCells = None,
    left_out_share: Annotated[
        float,
        typer.Option(
            help="Share of a list's rows that may be left out because they cannot be used.", min=0, max=1
        ),
    ] = 0.05,
    least_covered: LeastCovered = 0.5,
    fill_m: FillM = 2000.0,
    most_scaled: MostScaled = 2.0,
    band: Annotated[int | None, typer.Option(help="Band of a raster that has several, from 1.")] = None,
    unit: Annotated[
        str,
        typer.Option(help="Unit of a raster whose own tag is missing or wrong: m, dm, cm, ft, thousands …"),
    ] = "",
    workers: Workers = 2,
    lang: LangOption = None,
) -> None:
    """Put a source in place of modelled layers: OpenCelliD, OpenStreetMap, WorldPop, boundaries, your own tables …

    Example: phusong region import regions/tuyen-quang opencellid 452.csv.gz --out regions/tuyen-quang-real
    """
    from phusong.region.importers import IMPORTERS  # noqa: PLC0415

    text = spoken(lang)
    if kind == "list":
        _list_importers(text)
        return
    known_name(kind, IMPORTERS, "region import", "problem.no_importer", text)
    from phusong.compute.executor import Threads  # noqa: PLC0415
    from phusong.region.folder import Region  # noqa: PLC0415
    from phusong.region.importers.run import import_files, options_of  # noqa: PLC0415
    from phusong.region.read.raster import RasterLimits  # noqa: PLC0415

    wanted = tuple(layer or ()) + (("roads",) if roads is not None and layer else ())
    if roads is not None and not layer:
        wanted = tuple(n for n in (*IMPORTERS["osm"].layers,) if n != "sites")
    options = options_of(
        kind,
        layers=wanted,
        columns=columns,
        crs=crs,
        as_of=as_of,
        licence=licence,
        source=source,
        executor=Threads(workers),
        operators=operator or (),
        left_out_share=left_out_share,
        limits=RasterLimits(least_covered, fill_m, most_scaled, band, unit),
    )
    found = import_files(Region.read(path), kind, files or [], options, totals=totals)
    tell_notices(found.notices)
    target = out if out is not None else path
    found.region.write(target)
    if roads is not None and "roads" in found.beside:
        found.beside["roads"].to_file(roads, layer="roads", driver="GPKG")
        wrote(roads, text)
    _describe(found.region, text)
    wrote(target, text)
    following(f"phusong audit {target}", text)


def _list_importers(text: "Text") -> None:
    from phusong.region.importers import IMPORTERS  # noqa: PLC0415

    heads = (text.say("place.kind_head"), text.say("column.source"), text.say("place.layers"))
    table = slim_table(text.say("place.importers"), left=heads)
    for importer in IMPORTERS.values():
        table.add_row(importer.kind, text.note(importer.title), ", ".join(importer.layers))
    console.print(table)


@app.command("check")
def region_check(
    path: Annotated[Path, typer.Argument(help="Region folder.")], lang: LangOption = None
) -> None:
    """Say everything that is wrong with a region, and what reading it converts or fills in.

    Example: phusong region check regions/tuyen-quang
    """
    from phusong.region.folder import Region  # noqa: PLC0415

    text = spoken(lang)
    region = Region.read(path)
    tell_notices(region.notices)
    told = text.say("place.nothing_wrong", path=str(path))
    console.print(told, highlight=False, markup=False, soft_wrap=True)
    following(f"phusong audit {path}", text)


@app.command("info")
def region_info(
    path: Annotated[Path, typer.Argument(help="Region folder.")], lang: LangOption = None
) -> None:
    """Describe a region: its layers, where they come from, what was repaired.

    Example: phusong region info regions/tuyen-quang
    """
    from phusong.region.folder import Region  # noqa: PLC0415

    text = spoken(lang)
    region = Region.read(path)
    tell_notices(region.notices)
    _describe(region, text)
    following(f"phusong run default --set region.path={path}", text)


def _describe(region: Any, text: "Text") -> None:  # noqa: ANN401 - a Region
    people = text.number(region.demand["population"].sum())
    title = text.say("place.title", region=region.name, n=len(region.communes), people=people)
    table = slim_table(escape(title), left=(text.say("column.layer"),), right=(text.say("place.rows"),))
    for name in ("place.made", "column.source"):
        table.add_column(text.say(name), overflow="fold")
    for source in region.sources:
        rows = text.number(len(getattr(region, source.layer)))
        made = escape(_made(region, source, text))
        table.add_row(text.code("input", source.layer), rows, made, escape(text.note(source.source)))
    console.print(table)
    residual = (
        (region.communes["area_shape_km2"] / region.communes["area_km2"]).describe()
        if "area_shape_km2" in region.communes
        else None
    )
    if residual is not None:
        parts = {
            name: text.number(residual[of], "hundredths")
            for name, of in (("median", "50%"), ("low", "25%"), ("high", "75%"))
        }
        console.print(text.say("place.areas", **parts), highlight=False)
    if len(region.repairs):
        counts = region.repairs.groupby(["layer", "column"]).size()
        listed = ", ".join(
            f"{text.number(n)} {layer} {column}".rstrip() for (layer, column), n in counts.items()
        )
        console.print(escape(text.say("place.repairs", listed=listed)), highlight=False)


def _made(region: Any, source: Any, text: "Text") -> str:  # noqa: ANN401 - a Region and a Source
    """Return how a layer came to be: one word, or counts where its records or pixels differ."""
    from phusong.region.read.columns import RECORD_LAYERS  # noqa: PLC0415

    counts = region.kind_counts(source.layer) if source.layer in RECORD_LAYERS else {}
    if len(counts) > 1:
        return ", ".join(f"{text.number(n)} {text.code('quality', kind)}" for kind, n in counts.items())
    kind = text.code("quality", next(iter(counts), source.kind))
    if source.layer in RECORD_LAYERS or source.share >= 1.0:
        return kind
    return text.say("place.partly", kind=kind, share=text.number(1.0 - source.share, "percent"))


_LISTED_CHANGES = 20
_NAMED = 3


@app.command("diff")
def region_diff(
    before: Annotated[Path, typer.Argument(help="Region folder as it was.")],
    after: Annotated[Path, typer.Argument(help="Region folder as it is.")],
    moved_m: Annotated[float, typer.Option(help="Nearer than this is not moved. [m]", min=0)] = 20.0,
    lang: LangOption = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what changed between two regions: sites, communes, people, pixels, sources.

    Example: phusong region diff regions/tuyen-quang-2025 regions/tuyen-quang-2026
    """
    from phusong.region.diff import difference  # noqa: PLC0415 - --help must be quick
    from phusong.region.folder import Region  # noqa: PLC0415

    text = spoken(lang)
    found = difference(Region.read(before), Region.read(after), moved_m=moved_m)
    if json:
        typer.echo(found.to_json(), nl=False)
        return
    if found.empty:
        console.print(text.say("diff.nothing"), highlight=False)
        return
    console.print(
        f"[bold]{escape(found.before)}[/bold] → [bold]{escape(found.after)}[/bold]", highlight=False
    )
    changed = found.layers[found.layers[["added", "removed", "changed"]].any(axis=1)]
    _print("diff.layers", changed, text)
    _list("diff.communes", [_event_said(row, text) for row in found.communes.to_dict("records")], text)
    _changes(found.rows, text)
    was, now = found.totals["people_before"], found.totals["people_after"]
    people = {"before": was, "after": now, "change": text.number(now - was, "change")}
    console.print(text.say("diff.people", n=len(found.people), **people), highlight=False)
    _print(
        "diff.people_title",
        found.people.reindex(found.people["change"].abs().sort_values(ascending=False).index),
        text,
    )
    for row in found.rasters.to_dict("records"):
        if row["share_changed"] or not row["same_grid"]:
            console.print(_raster_said(row, text), highlight=False)
    _list("diff.sources", [_source_said(row, text) for row in found.sources.to_dict("records")], text)
    following(f"phusong run default --set region.path={after}", text)


def _raster_said(row: Mapping[Any, Any], text: "Text") -> str:
    told = text.say(
        "diff.pixels",
        layer=text.code("input", row["layer"]),
        share=text.number(row["share_changed"], "percent"),
    )
    if not isnan(row["mean_difference"]):
        told += text.say("diff.mean", mean=text.number(row["mean_difference"], "signed_hundredths"))
    return told if row["same_grid"] else told + text.say("diff.other_grid")


def _changes(rows: Any, text: "Text") -> None:  # noqa: ANN401 - a frame
    """Print one line a layer and kind of change, with the first few."""
    kinds = rows[["layer", "change"]].drop_duplicates()
    for layer, change in zip(kinds["layer"], kinds["change"], strict=True):
        mine = rows[(rows["layer"] == layer) & (rows["change"] == change)]
        told = [
            f"{key} ({detail})" if detail else key
            for key, detail in zip(mine["key"].head(_NAMED), mine["detail"].head(_NAMED), strict=True)
        ]
        if len(mine) > len(told):
            told.append(text.say("diff.more", n=len(mine) - len(told)))
        said = text.say(
            "diff.change", layer=text.code("input", layer), n=len(mine), change=text.code("change", change),
            told="; ".join(told),
        )  # fmt: skip
        console.print(escape(said), highlight=False, soft_wrap=True)


def _event_said(row: Mapping[Any, Any], text: "Text") -> str:
    places = " → ".join(str(row[k]) for k in ("before", "after") if row[k])
    detail = f" ({text.note(row['detail'])})" if row["detail"] else ""
    return f"{text.code('change', row['event'])}: {places}{detail}"


def _source_said(row: Mapping[Any, Any], text: "Text") -> str:
    was, now = (
        text.code("quality", row[k]) if row["what"] == "kind" and row[k] else text.note(row[k]) or "–"
        for k in ("before", "after")
    )
    return f"{text.code('input', row['layer'])}, {text.code('diff_column', row['what'])}: {was} → {now}"


def _list(title: str, lines: list[str], text: "Text") -> None:
    """Print what has names that are copied, a line each, unbroken."""
    if not lines:
        return
    console.print(_titled(title, len(lines), text), highlight=False)
    for line in lines[:_LISTED_CHANGES]:
        console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)


def _titled(title: str, count: int, text: "Text") -> str:
    return f"{text.say(title)} ({text.number(count)})" if count > _LISTED_CHANGES else text.say(title)


def _print(title: str, frame: Any, text: "Text") -> None:  # noqa: ANN401 - a frame
    from pandas.api.types import is_numeric_dtype  # noqa: PLC0415 - --help must be quick

    if len(frame) == 0:
        return
    columns = [str(c) for c in frame.columns]
    table = slim_table(_titled(title, len(frame), text), left=())
    for column in columns:
        number = is_numeric_dtype(frame[column])
        # codes and names stay whole, to be copied
        table.add_column(
            text.code("diff_column", column), overflow="fold", no_wrap=column != "columns",
            justify="right" if number else "left",
        )  # fmt: skip
    for row in frame.head(_LISTED_CHANGES).to_dict("records"):
        table.add_row(*(escape(_cell(c, row[c], text)) for c in columns))
    console.print(table)


def _cell(column: str, value: object, text: "Text") -> str:
    if column == "layer":
        return text.code("input", value)
    return (
        str(value)
        if isinstance(value, str)
        else text.number(value, "change" if column == "change" else "people")
    )
