"""phusong region, audit."""

from math import isnan
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from phusong.cli.options import console, errors, following, slim_table, tell_notices, wrote
from phusong.errors import InputError, Problem, counted

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
) -> None:
    """Build a region from public packages, and your own layers where you have them.

    Example: phusong region build vietnam --province "Tuyên Quang" --out regions/tuyen-quang
    """
    if country.casefold() not in {"vietnam", "viet nam", "viet-nam", "vn"}:
        raise InputError(
            Problem("region build", "is no country that phusong can build (vietnam)", value=country)
        )
    from phusong.compute.executor import Threads  # noqa: PLC0415
    from phusong.errors import refuse  # noqa: PLC0415
    from phusong.region.importers.run import said_of_owners  # noqa: PLC0415
    from phusong.region.read.raster import Limits  # noqa: PLC0415
    from phusong.region.replace import replace_layers  # noqa: PLC0415
    from phusong.region.validate import check_region  # noqa: PLC0415
    from phusong.region.vietnam import build_vietnam  # noqa: PLC0415

    limits = Limits(least_covered, fill_m, most_scaled)
    said, wrong = said_of_owners(operator or (), "region build")
    refuse([*limits.problems(), *wrong])
    names = ("all",) if all_ else tuple(province or ())
    region = build_vietnam(
        names, cell_m=cell_m, seed=seed, progress=lambda s: errors.print(f"[dim]· {s}[/dim]")
    )
    region = replace_layers(
        region, elevation=elevation, population=population, clutter=clutter, clutter_legend=clutter_legend,
        sites=sites, cells=cells, links=links,
        power_nodes=power, power_lines=power_lines, operators=said, crew=Threads(workers), limits=limits,
    )  # fmt: skip
    refuse(check_region(region))
    tell_notices(region.notices)
    region.write(out)
    _describe(region)
    wrote(out)
    following(f"phusong run default --set region.path={out}")


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
) -> None:
    """Put a source in place of modelled layers: OpenCelliD, OpenStreetMap, WorldPop, boundaries, your own tables …

    Example: phusong region import regions/tuyen-quang opencellid 452.csv.gz --out regions/tuyen-quang-real
    """
    from phusong.region.importers import IMPORTERS  # noqa: PLC0415

    if kind == "list":
        _list_importers()
        return
    from phusong.compute.executor import Threads  # noqa: PLC0415
    from phusong.region.folder import Region  # noqa: PLC0415
    from phusong.region.importers.run import import_files, options_of  # noqa: PLC0415
    from phusong.region.read.raster import Limits  # noqa: PLC0415

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
        crew=Threads(workers),
        operators=operator or (),
        left_out_share=left_out_share,
        limits=Limits(least_covered, fill_m, most_scaled, band, unit),
    )
    found = import_files(Region.read(path), kind, files or [], options, totals=totals)
    tell_notices(found.notices)
    target = out if out is not None else path
    found.region.write(target)
    if roads is not None and "roads" in found.beside:
        found.beside["roads"].to_file(roads, layer="roads", driver="GPKG")
        wrote(roads)
    _describe(found.region)
    wrote(target)
    following(f"phusong audit {target}")


def _list_importers() -> None:
    from phusong.region.importers import IMPORTERS  # noqa: PLC0415

    table = slim_table(
        "Sources that `phusong region import REGION KIND FILE...` reads", left=("kind", "source", "layers")
    )
    for importer in IMPORTERS.values():
        table.add_row(importer.kind, importer.title, ", ".join(importer.layers))
    console.print(table)


@app.command("check")
def region_check(path: Annotated[Path, typer.Argument(help="Region folder.")]) -> None:
    """Say everything that is wrong with a region, and what reading it converts or fills in.

    Example: phusong region check regions/tuyen-quang
    """
    from phusong.region.folder import Region  # noqa: PLC0415

    region = Region.read(path)
    tell_notices(region.notices)
    console.print(f"{path}: nothing wrong found", highlight=False, markup=False, soft_wrap=True)
    following(f"phusong audit {path}")


@app.command("info")
def region_info(path: Annotated[Path, typer.Argument(help="Region folder.")]) -> None:
    """Describe a region: its layers, where they come from, what was repaired.

    Example: phusong region info regions/tuyen-quang
    """
    from phusong.region.folder import Region  # noqa: PLC0415

    region = Region.read(path)
    tell_notices(region.notices)
    _describe(region)
    following(f"phusong run default --set region.path={path}")


def _describe(region: Any) -> None:  # noqa: ANN401 - a Region
    table = slim_table(
        f"{escape(region.name)}: {counted(len(region.communes), 'commune')}, {int(region.demand['population'].sum()):,} people",
        left=("layer",), right=("rows",),
    )  # fmt: skip
    for name in ("kind", "source"):
        table.add_column(name, overflow="fold")
    for source in region.sources:
        layer = getattr(region, source.layer)
        table.add_row(source.layer, f"{len(layer):,}", region.kind_said(source.layer), escape(source.source))
    console.print(table)
    residual = (
        (region.communes["area_shape_km2"] / region.communes["area_km2"]).describe()
        if "area_shape_km2" in region.communes
        else None
    )
    if residual is not None:
        console.print(
            f"Polygon area over stated area: median {residual['50%']:.2f}, middle half {residual['25%']:.2f} to {residual['75%']:.2f}",
            highlight=False,
        )
    if len(region.repairs):
        counts = region.repairs.groupby(["layer", "column"]).size()
        text = ", ".join(f"{n} {layer} {column}".rstrip() for (layer, column), n in counts.items())
        console.print(f"Repairs and doubts (repairs.csv says why): {escape(text)}", highlight=False)


_LISTED_CHANGES = 20
_NAMED = 3


@app.command("diff")
def region_diff(
    before: Annotated[Path, typer.Argument(help="Region folder as it was.")],
    after: Annotated[Path, typer.Argument(help="Region folder as it is.")],
    moved_m: Annotated[float, typer.Option(help="Nearer than this is not moved. [m]", min=0)] = 20.0,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what changed between two regions: sites, communes, people, pixels, sources.

    Example: phusong region diff regions/tuyen-quang-2025 regions/tuyen-quang-2026
    """
    from phusong.region.diff import difference  # noqa: PLC0415 - --help must be quick
    from phusong.region.folder import Region  # noqa: PLC0415

    found = difference(Region.read(before), Region.read(after), moved_m=moved_m)
    if json:
        typer.echo(found.to_json(), nl=False)
        return
    if found.empty:
        console.print("Nothing changed.", highlight=False)
        return
    console.print(
        f"[bold]{escape(found.before)}[/bold] → [bold]{escape(found.after)}[/bold]", highlight=False
    )
    changed = found.layers[found.layers[["added", "removed", "changed"]].any(axis=1)]
    _print("Layers", changed)
    _print("Communes", found.communes)
    _changes(found.rows)
    was, now = found.totals["people_before"], found.totals["people_after"]
    console.print(
        f"People: {was:,} → {now:,} ({now - was:+,}) in {counted(len(found.people), 'commune')}",
        highlight=False,
    )
    _print(
        "People by commune",
        found.people.reindex(found.people["change"].abs().sort_values(ascending=False).index),
    )
    for row in found.rasters.to_dict("records"):
        if row["share_changed"] or not row["same_grid"]:
            grid = "" if row["same_grid"] else " (compared over the ground that both cover)"
            mean = "" if isnan(row["mean_difference"]) else f", by {row['mean_difference']:+.2f} on the mean"
            console.print(
                f"{row['layer']}: {row['share_changed']:.1%} of the pixels differ{mean}{grid}",
                highlight=False,
            )
    _print("Sources", found.sources)
    following(f"phusong run default --set region.path={after}")


def _changes(rows: Any) -> None:  # noqa: ANN401 - a frame
    """Print one line a layer and kind of change, with the first few."""
    kinds = rows[["layer", "change"]].drop_duplicates()
    for layer, change in zip(kinds["layer"], kinds["change"], strict=True):
        mine = rows[(rows["layer"] == layer) & (rows["change"] == change)]
        told = [
            f"{key} ({detail})" if detail else key
            for key, detail in zip(mine["key"].head(_NAMED), mine["detail"].head(_NAMED), strict=True)
        ]
        more = f", … {len(mine) - len(told):,} more" if len(mine) > len(told) else ""
        console.print(f"{layer}: {len(mine):,} {change}: {escape('; '.join(told))}{more}", highlight=False)


def _print(title: str, frame: Any) -> None:  # noqa: ANN401 - a frame
    if len(frame) == 0:
        return
    table = slim_table(
        f"{title} ({len(frame)})" if len(frame) > _LISTED_CHANGES else title,
        left=tuple(map(str, frame.columns)),
    )
    for row in frame.head(_LISTED_CHANGES).itertuples(index=False):
        table.add_row(*(escape(f"{v:,}" if isinstance(v, int) else str(v)) for v in row))
    console.print(table)
