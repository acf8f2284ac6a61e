"""phusong radio: look at radio paths."""

from pathlib import Path
from typing import Annotated

import typer

from phusong.commands.terminal import console, write_whole

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Look at radio paths.")


@app.command("profile")
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
    console.print(path_text(study, model), highlight=False, markup=False, soft_wrap=True)
    write_whole(out, picture)
    console.print(f"{note}\nWrote {out}", highlight=False, markup=False, soft_wrap=True)
