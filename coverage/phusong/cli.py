"""The command line: reads arguments, calls the library, prints. No logic of its own."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from phusong.errors import InputError, PhusongError, Problem

__all__ = ["main"]

app = typer.Typer(
    add_completion=True, no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False,
    help="Who in which commune has no stable internet, why not, and which investments buy the most coverage.",
)  # fmt: skip
region_app = typer.Typer(no_args_is_help=True, help="Build, check and describe regions.")
app.add_typer(region_app, name="region")

radio_app = typer.Typer(no_args_is_help=True, help="Look at radio paths.")
app.add_typer(radio_app, name="radio")

_out = Console()
_err = Console(stderr=True)

Layer = Annotated[Path | None, typer.Option(help="Replaces the modelled layer by this file.")]


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="A file, or the name of a shipped scenario.")] = "default",
    out: Annotated[Path | None, typer.Option(help="Result folder.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, e.g. sharing.policy=mocn.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Threads; the result does not depend on them.", min=1)] = 2,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the last lines.")] = False,
) -> None:
    """Answer a scenario.

    Example: phusong run default --set sharing.policy=mocn --out results/mocn
    """
    from phusong.pipeline import Stages  # noqa: PLC0415 - --help must be quick
    from phusong.pipeline import run as run_scenario  # noqa: PLC0415
    from phusong.scenario import Scenario  # noqa: PLC0415

    asked = Scenario.read(scenario, overrides=tuple(set_ or ()))
    folder = out or Path("results") / Path(scenario).stem
    stages = Stages(None if quiet else lambda name: _err.print(f"[dim]· {name}[/dim]"))
    result = run_scenario(asked, folder, stages=stages, workers=workers)
    if not quiet:
        _calibration(result.calibration)
        _policies(result.summary["policies"], result.summary["people"])
    _headline(result.summary)
    took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in stages.seconds.items())
    _out.print(f"Stages: {took}; {sum(stages.seconds.values()):.0f} s in all", highlight=False)
    _out.print(f"Wrote {folder}; open {folder / 'report.html'}", highlight=False, soft_wrap=True)
    _out.print(f"Next: phusong explain {folder} 1", highlight=False, soft_wrap=True)


@region_app.command("build")
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
) -> None:
    """Build a region from public packages, and your own layers where you have them.

    Example: phusong region build vietnam --province "Tuyên Quang" --out regions/tuyen-quang
    """
    if country.casefold() not in {"vietnam", "viet nam", "viet-nam", "vn"}:
        raise InputError(
            Problem("region build", "is no country that phusong can build (vietnam)", value=country)
        )
    from phusong.errors import refuse  # noqa: PLC0415
    from phusong.region.check import check_region  # noqa: PLC0415
    from phusong.region.replace import replace_layers  # noqa: PLC0415
    from phusong.region.vietnam.build import build_vietnam  # noqa: PLC0415

    names = ("all",) if all_ else tuple(province or ())
    region = build_vietnam(
        names, cell_m=cell_m, seed=seed, progress=lambda s: _err.print(f"[dim]· {s}[/dim]")
    )
    region = replace_layers(
        region, elevation=elevation, population=population, clutter=clutter, clutter_legend=clutter_legend,
        sites=sites, cells=cells, links=links,
        power_nodes=power, power_lines=power_lines,
    )  # fmt: skip
    refuse(check_region(region))
    region.write(out)
    _describe(region)
    _out.print(f"Wrote {out}", highlight=False, soft_wrap=True)
    _out.print(f"Next: phusong run default --set region.path={out}", highlight=False, soft_wrap=True)


@region_app.command("check")
def region_check(path: Annotated[Path, typer.Argument(help="Region folder.")]) -> None:
    """Say everything that is wrong with a region.

    Example: phusong region check regions/tuyen-quang
    """
    from phusong.region.store import Region  # noqa: PLC0415

    Region.read(path)
    _out.print(f"{path}: nothing wrong found", highlight=False)


@region_app.command("info")
def region_info(path: Annotated[Path, typer.Argument(help="Region folder.")]) -> None:
    """Describe a region: its layers, where they come from, what was repaired.

    Example: phusong region info regions/tuyen-quang
    """
    from phusong.region.store import Region  # noqa: PLC0415

    _describe(Region.read(path))


@radio_app.command("profile")
def radio_profile(
    region: Annotated[Path, typer.Argument(help="Region folder.")],
    transmitter: Annotated[str, typer.Argument(metavar="LAT,LON", help="Where the transmitter stands.")],
    receiver: Annotated[str, typer.Argument(metavar="LAT,LON", help="Where the receiver stands.")],
    model: Annotated[str, typer.Option(help="The model marked among the losses.")] = "p1812",
    frequency_mhz: Annotated[float, typer.Option(min=30, max=6000)] = 900.0,
    tx_height_m: Annotated[float, typer.Option(help="Above ground.", min=0.5, max=3000)] = 42.0,
    rx_height_m: Annotated[float, typer.Option(help="Above ground.", min=0.5, max=3000)] = 1.5,
    time_percent: Annotated[float, typer.Option(min=1, max=50)] = 50.0,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("path.png"),
    *,
    clutter: Annotated[bool, typer.Option(help="Whether trees and houses stand on the ground.")] = True,
) -> None:
    """Show one path: ground, earth bulge, Fresnel zone, obstacles, and the loss by mechanism and model.

    Example: phusong radio profile regions/tuyen-quang 21.82,105.21 21.90,105.30 --frequency-mhz 900
    """
    from phusong.radio.area import find_model  # noqa: PLC0415
    from phusong.region.store import Region  # noqa: PLC0415
    from phusong.report.path import path_picture, path_text  # noqa: PLC0415
    from phusong.report.study import study_region_path  # noqa: PLC0415

    find_model(model)
    place = Region.read(region)
    study, note = study_region_path(
        place, transmitter, receiver, frequency_ghz=frequency_mhz / 1000.0, tx_height_m=tx_height_m,
        rx_height_m=rx_height_m, time_percent=time_percent, clutter=clutter,
    )  # fmt: skip
    title = f"{transmitter} to {receiver}, {frequency_mhz:g} MHz"
    picture = path_picture(study, model, title=title, note=note)
    _out.print(path_text(study, model), highlight=False, markup=False, soft_wrap=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    work = out.with_name(f".{out.name}.part")
    work.write_bytes(picture)
    work.replace(out)
    _out.print(f"{note}\nWrote {out}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def explain(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    name: Annotated[str, typer.Argument(help="Commune code or name, rank, bundle, remedy or site.")],
) -> None:
    """Say why a commune is not served, or why an option stands where it does.

    Example: phusong explain results/default 1
    """
    from phusong.report.explain import explain as tell  # noqa: PLC0415
    from phusong.report.result import Result  # noqa: PLC0415

    _out.print(tell(Result.read(result), name), highlight=False, markup=False, soft_wrap=True)


@app.command()
def compare(
    results: Annotated[list[Path], typer.Argument(help="Two or more result folders.")],
    out: Annotated[Path | None, typer.Option(help="Page to write.")] = None,
) -> None:
    """Put results side by side.

    Example: phusong compare results/default results/mocn --out compare.html
    """
    from phusong.report.compare import compare as put  # noqa: PLC0415
    from phusong.report.compare import comparison_html  # noqa: PLC0415
    from phusong.report.result import Result  # noqa: PLC0415

    if len(results) < 2:
        raise InputError(Problem("compare", "needs two or more result folders"))
    comparison = put({_label(path, results): Result.read(path) for path in results})
    table = Table(title="Headline figures")
    table.add_column("")
    for column in comparison.summary.columns:
        table.add_column(escape(str(column)), justify="right")
    for key, row in comparison.summary.iterrows():
        table.add_row(escape(str(key)), *(escape(_cell(v)) for v in row))
    _out.print(table)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = out.with_name(f".{out.name}.part")
        work.write_text(comparison_html(comparison), encoding="utf-8")
        work.replace(out)
        _out.print(f"Wrote {out}", highlight=False, soft_wrap=True)


@app.command("map")
def map_(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    layer: Annotated[str, typer.Argument(help="gap, rsrp, access, options or network.")] = "gap",
) -> None:
    """Say where a map of a result is.

    Example: phusong map results/default rsrp
    """
    from phusong.errors import nearest_name  # noqa: PLC0415
    from phusong.report.maps import MAPS  # noqa: PLC0415

    if layer not in MAPS:
        raise InputError(
            Problem("map", f"is no map{nearest_name(layer, MAPS)}; there are {', '.join(MAPS)}", value=layer)
        )
    path = result / "maps" / f"{layer}.png"
    if not path.is_file():
        raise InputError(Problem(str(result), f"holds no maps/{layer}.png; run the scenario again"))
    _out.print(str(path), highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; exit 0 done, 2 bad input, 1 our fault, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., Any] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    try:
        app(standalone_mode=True)
    except InputError as error:
        for problem in error.problems:
            _err.print(f"[red]error:[/red] {escape(str(problem))}", highlight=False, soft_wrap=True)
        count = len(error.problems)
        _err.print(
            f"{count} problem{'s' if count != 1 else ''} in the input; nothing was written.", highlight=False
        )
        raise SystemExit(2) from None
    except PhusongError as error:
        _err.print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        _err.print("interrupted; nothing was written")
        raise SystemExit(130) from None


def _label(path: Path, among: list[Path]) -> str:
    same = sum(p.name == path.name for p in among) > 1
    return str(path) if same else path.name


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _headline(summary: dict[str, Any]) -> None:
    people = summary["people"]
    parts = ", ".join(
        f"{summary[f'gap_{k}']:,} {words}"
        for k, words in (
            ("no_signal", "no signal"),
            ("locked", "locked out"),
            ("unstable", "unstable"),
            ("congested", "congested"),
        )
    )
    plan = summary["plan"]
    _out.print(
        f"[bold]{escape(summary['region'])}[/bold]: {summary['people_served']:,} of {people:,} people ({summary['share_served']:.1%}) have stable internet; not: {parts}.",
        highlight=False,
    )
    vnd = plan["cost_musd"] * summary["currency"]["vnd_per_usd"] / 1000
    _out.print(
        f"A plan of {plan['cost_musd']:.2f} million USD ({vnd:,.0f} billion VND) gives it to {plan['people_gained']:,} more; "
        f"no plan of that budget reaches more than {plan['bound_people']:,.0f} (within {plan['distance_share']:.1%}).",
        highlight=False,
    )


def _calibration(calibration: Any) -> None:  # noqa: ANN401 - a frame
    table = Table(title="The model beside public facts")
    for name in ("what", "model", "fact", "unit", "source"):
        table.add_column(name, justify="right" if name in {"model", "fact"} else "left")
    for row in calibration.to_dict("records"):
        known = "" if row["fact"] != row["fact"] else _cell(row["fact"])
        table.add_row(escape(row["what"]), _cell(row["model"]), known, row["unit"], escape(row["source"]))
    _out.print(table)


def _policies(policies: list[dict[str, Any]], people: int) -> None:
    table = Table(title="Sharing policies on the same network")
    columns = ("people_served", "gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")
    for name in ("policy", "served", "no signal", "locked", "unstable", "congested", "share"):
        table.add_column(name, justify="left" if name == "policy" else "right", no_wrap=True)
    for row in policies:
        table.add_row(
            row["policy"], *(f"{row[c]:,}" for c in columns), f"{row['people_served'] / people:.2%}"
        )
    _out.print(table)


def _describe(region: Any) -> None:  # noqa: ANN401 - a Region
    table = Table(
        title=f"{region.name}: {len(region.communes)} communes, {int(region.demand['population'].sum()):,} people"
    )
    for name in ("layer", "rows", "kind", "source"):
        table.add_column(name)
    for source in region.sources:
        layer = getattr(region, source.layer)
        table.add_row(source.layer, f"{len(layer):,}", source.kind, escape(source.source))
    _out.print(table)
    residual = (
        (region.communes["area_shape_km2"] / region.communes["area_km2"]).describe()
        if "area_shape_km2" in region.communes
        else None
    )
    if residual is not None:
        _out.print(
            f"Polygon area over stated area: median {residual['50%']:.2f}, middle half {residual['25%']:.2f} to {residual['75%']:.2f}",
            highlight=False,
        )
    if len(region.repairs):
        counts = region.repairs.groupby(["layer", "column"]).size()
        text = ", ".join(f"{n} {layer} {column}" for (layer, column), n in counts.items())
        _out.print(f"Repairs and doubts (repairs.csv says why): {text}", highlight=False)


if __name__ == "__main__":
    main()
