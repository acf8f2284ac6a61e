"""Maps of a result as files: `phusong map`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phusong.commands.terminal import LangOption, console, following, spoken, wrote
from phusong.errors import InputError, Problem, nearest_name
from phusong.whole_file import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from phusong.report.folder import Result
    from phusong.report.text import Text

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_OVER = ("years", "policies", "results")


@app.command("map")
def map_(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    layer: Annotated[
        str, typer.Argument(help="gap, access, rsrp, options, network or locked; all for each of them.")
    ] = "gap",
    kind: Annotated[
        str,
        typer.Option(
            "--format", help="png, svg or pdf; gis for a styled GeoPackage and styles of the rasters."
        ),
    ] = "png",
    out: Annotated[
        Path | None,
        typer.Option(help="File to write (folder, for gis and all); else beside the maps of the result."),
    ] = None,
    over: Annotated[
        str, typer.Option(help="Small maps side by side: over years, policies, or results named by --beside.")
    ] = "",
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="A further result for --over results or policies; may be repeated."),
    ] = None,
    lang: LangOption = None,
) -> None:
    """Draw a map of a result for print (PNG, SVG, PDF) or write it for GIS, with its styles.

    Example: phusong map results/default access --format svg
    """
    from phusong.report.folder import Result  # noqa: PLC0415
    from phusong.report.pictures import FORMATS, picture_bytes  # noqa: PLC0415

    kinds = (*FORMATS, "gis")
    if kind not in kinds:
        hint = nearest_name(kind, kinds)
        raise InputError(Problem("--format", f"is no format{hint}; there are {', '.join(kinds)}", value=kind))
    if over and over not in _OVER:
        raise InputError(
            Problem("--over", f"is none of {', '.join(_OVER)}{nearest_name(over, _OVER)}", value=over)
        )
    if beside and not over:
        raise InputError(Problem("--beside", "goes with --over results or --over policies"))
    found = Result.read(result)
    if kind == "gis":
        _write_gis(found, out or result / "gis")
        return
    text = spoken(lang, found.lang)
    names = _names(layer) if not over else [f"over_{over}"]
    figures = {name: _figure(found, name, over, result, beside or [], text) for name in names}
    several = len(names) > 1
    for name, figure in figures.items():
        file = f"{name}.{kind}"
        path = (out / file if several else out) if out is not None else result / "maps" / file
        write_whole(path, picture_bytes(figure, kind))
        wrote(path)
    following(
        f"phusong map {result} all --format pdf" if layer != "all" else f"phusong map {result} --format gis"
    )


def _names(layer: str) -> list[str]:
    from phusong.report.maps import MAPS  # noqa: PLC0415

    if layer == "all":
        return list(MAPS)
    if layer not in MAPS:
        known = [*MAPS, "all"]
        raise InputError(
            Problem(
                "map", f"is no map{nearest_name(layer, known)}; there are {', '.join(known)}", value=layer
            )
        )
    return [layer]


def _figure(found: "Result", name: str, over: str, path: Path, beside: list[Path], text: "Text") -> "Figure":
    from phusong.report.folder import Result  # noqa: PLC0415
    from phusong.report.maps import draw_map, for_print  # noqa: PLC0415
    from phusong.report.multiples import draw_multiples, policy_panels, result_panels, year_panels  # noqa: PLC0415

    if not over:
        return draw_map(for_print(found), name, text.lang)
    share = text.say("drawn.share_subtitle")
    if over == "years":
        return draw_multiples(
            for_print(found),
            year_panels(found, text),
            text.say("drawn.years_title"),
            text.say("drawn.years_subtitle"),
            text=text,
        )
    if over == "policies" and not beside:
        return draw_multiples(
            for_print(found), policy_panels(found, text), text.say("drawn.policies_title"), share, text=text
        )
    from phusong.commands.compare import result_labels  # noqa: PLC0415

    if not beside:
        raise InputError(Problem("--over results", "needs further results: --beside DIR"))
    every = [found, *(Result.read(p) for p in beside)]
    labels = result_labels([path, *beside])
    if over == "policies":
        policies = [text.code("policy", r.summary.get("policy", "")) for r in every]
        labels = policies if len(set(policies)) == len(policies) else labels
    title = text.say(f"drawn.{over}_title")
    return draw_multiples(
        for_print(found),
        result_panels(dict(zip(labels, every, strict=True)), text=text),
        title,
        share,
        text=text,
    )


def _write_gis(found: "Result", folder: Path) -> None:
    from phusong.report.files import GIS_FILES  # noqa: PLC0415
    from phusong.report.gis import write_gis_folder  # noqa: PLC0415

    write_gis_folder(found, folder)
    console.print(
        f"Wrote {folder}: {', '.join(GIS_FILES)} and the rasters; open gis.gpkg in QGIS, it is styled",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
    following(f"qgis {folder / 'gis.gpkg'}")
