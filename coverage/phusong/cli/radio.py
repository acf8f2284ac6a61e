"""phusong radio: sweep a network, look at one path."""

from pathlib import Path
from typing import Annotated

import typer

from phusong.cli.options import (
    CoordinateCommand,
    LangOption,
    console,
    errors,
    following,
    known_name,
    spoken,
    wrote,
)
from phusong.io.atomic import write_whole

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Sweep a network's signal, look at one path.")


@app.command("profile", cls=CoordinateCommand)
def radio_profile(
    region: Annotated[Path, typer.Argument(help="Region folder.")],
    transmitter: Annotated[
        str,
        typer.Argument(metavar="LAT,LON", help="Where the transmitter stands; south and west are negative."),
    ],
    receiver: Annotated[str, typer.Argument(metavar="LAT,LON", help="Where the receiver stands.")],
    model: Annotated[str, typer.Option(help="The model marked among the losses.")] = "p1812",
    frequency_mhz: Annotated[float, typer.Option(min=30, max=6000)] = 900.0,
    tx_height_m: Annotated[float, typer.Option(help="Above ground.", min=0.5, max=3000)] = 42.0,
    rx_height_m: Annotated[float, typer.Option(help="Above ground.", min=0.5, max=3000)] = 1.5,
    time_percent: Annotated[float, typer.Option(min=1, max=50)] = 50.0,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("path.png"),
    lang: LangOption = None,
    *,
    clutter: Annotated[bool, typer.Option(help="Whether trees and houses stand on the ground.")] = True,
) -> None:
    """Show one path: ground, earth bulge, Fresnel zone, obstacles, and the loss by mechanism and model.

    Example: phusong radio profile regions/tuyen-quang 21.82,105.21 21.90,105.30 --frequency-mhz 900
    """
    from phusong.radio.models import MODELS  # noqa: PLC0415
    from phusong.region.folder import Region  # noqa: PLC0415
    from phusong.report.radio import (  # noqa: PLC0415
        path_picture,
        path_text,
        study_region_path,
    )

    text = spoken(lang)
    known_name(model, MODELS, "--model", "problem.no_model", text)
    transmitter, receiver = transmitter.strip(), receiver.strip()
    place = Region.read(region)
    study, note = study_region_path(
        place, transmitter, receiver, frequency_ghz=frequency_mhz / 1000.0, tx_height_m=tx_height_m,
        rx_height_m=rx_height_m, time_percent=time_percent, clutter=clutter, text=text,
    )  # fmt: skip
    mhz = text.number(frequency_mhz, "figure")
    title = text.say("path.picture", transmitter=transmitter, receiver=receiver, mhz=mhz)
    picture = path_picture(study, model, title=title, note=note, text=text)
    console.print(path_text(study, model, text), highlight=False, markup=False, soft_wrap=True)
    write_whole(out, picture)
    console.print(note, highlight=False, markup=False, soft_wrap=True)
    wrote(out, text)
    following("phusong radio sweep default --set radio.model=p1812", text)


@app.command("sweep")
def radio_sweep(
    scenario: Annotated[str, typer.Argument(help="A file, or the name of a shipped scenario.")] = "default",
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("sweep"),
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, e.g. radio.model=p1812.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Threads; the result does not depend on them.", min=1)] = 2,
    lang: LangOption = None,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the last lines.")] = False,
) -> None:
    """Compute the radio alone: servers, levels, SINR and rate of each operator and technology as GeoTIFF.

    Example: phusong radio sweep default --set radio.model=p1812 --out sweeps/p1812
    """
    from rich.progress import Progress  # noqa: PLC0415 - --help must be quick

    from phusong.report.radio import write_radio_maps  # noqa: PLC0415
    from phusong.scenario import Scenario  # noqa: PLC0415
    from phusong.stages.radio import sweep  # noqa: PLC0415

    asked = Scenario.read(scenario, overrides=tuple(set_ or ()))
    text = spoken(lang, asked.report.lang)
    with Progress(console=errors, transient=True, disable=quiet) as progress:
        task = progress.add_task(text.code("stage", "radio"), total=1.0)
        done = sweep(asked, workers=workers, progress=lambda share: progress.update(task, completed=share))
    write_radio_maps(done.heard, done.facts(), out)
    swept = text.say(
        "sweep.told", cells=done.cells, n=done.sites, receivers=done.heard.swept,
        seconds=text.number(done.seconds), pace=text.number(done.heard.swept / max(done.seconds, 1e-9) / 1e6, "decimal"),
        workers=workers, entries=done.heard.pixel.size, gib=text.number(done.peak_gib, "decimal"),
    )  # fmt: skip
    console.print(swept, highlight=False)
    wrote(out, text, text.say("sweep.open", files=f"{out}/*/rate.tif"))
    following(f"phusong run {scenario}", text)
