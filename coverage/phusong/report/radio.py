"""Radio path picture and radio maps."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pyproj import Transformer

from phusong.errors import InputError, Problem
from phusong.io.atomic import whole_folder
from phusong.io.resources import table
from phusong.io.text import Text
from phusong.radio.footprints import Footprints
from phusong.radio.link_budget import refractivity
from phusong.radio.models import Conditions
from phusong.radio.path import PathStudy, profile_between, study_path
from phusong.region.folder import Region
from phusong.report.gis import stepped_raster_qml
from phusong.report.map_style import INK, MUTED, SERVED_HEX, style
from phusong.report.maps import RSRP_EDGES_DBM, RSRP_HEX
from phusong.result.files import write_cog, write_csv, write_json

__all__ = ["path_picture", "path_text", "read_point", "study_region_path", "write_radio_maps"]

_GROUND_HEX, _COVER_HEX, _ZONE_HEX, _BLOCK_HEX = "#c9b79c", "#009E73", "#56B4E9", "#D55E00"
_SHOWN_STEP_DB = 12.0  # a narrower part of the bar has no room for its words
_PROFILE_IN, _BAR_IN = 4.6, 0.2  # height of the profile, and of each model's bar
_MOST_OBSTACLES = 5


def path_text(study: PathStudy, model: str, text: Text | None = None) -> str:
    """Return what an engineer wants to read of one path; ``model`` is marked among the losses."""
    said = text or Text()
    lines = [*_geometry_lines(study, said), "", _clearance(study, said), *_obstacle_lines(study, said)]
    lines += ["", *_mechanism_lines(study, said), "", *_model_lines(study, model, said)]
    told = [line for notice in study.losses["notice"] for line in notice.splitlines()]
    if told:
        lines += ["", said.say("path.beyond"), *(f"  {said.note(line)}" for line in told)]
    return "\n".join(lines)


def _geometry_lines(study: PathStudy, text: Text) -> list[str]:
    path, air = study.split.path, study.conditions
    geometry = text.say(
        "path.geometry", km=text.number(float(study.profile.distance_km[-1]), "hundredths"),
        mhz=text.number(study.frequency_ghz * 1000), tx=study.tx_height_m, rx=study.rx_height_m,
        tx_sea=text.number(path.tx_m), rx_sea=text.number(path.rx_m),
    )  # fmt: skip
    told = text.say(
        "path.air", delta_n=text.number(air.delta_n, "decimal"), n0=text.number(air.n0), earth_km=text.number(path.earth_km),
        bulge=text.number(float(study.bulge_m.max()), "decimal"),
    )  # fmt: skip
    return [geometry, told]


def _obstacle_lines(study: PathStudy, text: Text) -> list[str]:
    lines = []
    for km, top, above, share in study.obstacles.head(_MOST_OBSTACLES).itertuples(index=False):
        told = text.say(
            "path.above" if above > 0 else "path.below", km=f"{text.number(km, 'hundredths'):>7}", top=text.number(top),
            metres=text.number(abs(above), "decimal"), share=text.number(share, "signed_hundredths"),
        )  # fmt: skip
        lines.append(f"  {'·' if share > 0 else '▲'} {told}")
    if len(study.obstacles) > _MOST_OBSTACLES:
        lines.append("    " + text.say("path.lesser", n=len(study.obstacles) - _MOST_OBSTACLES))
    return lines


def _mechanism_lines(study: PathStudy, text: Text) -> list[str]:
    split, path = study.split, study.split.path
    median = text.say("path.median", median=text.number(split.diffraction_median_db, "hundredths"))
    rows = (
        ("free_space", split.free_space_db, "hundredths", ""),
        ("multipath", split.line_of_sight_db - split.free_space_db, "signed_hundredths", ""),
        ("diffraction", split.diffraction_db, "signed_hundredths", f"   {median}"),
        ("troposcatter", split.troposcatter_db, "hundredths", ""),
        ("ducting", split.ducting_db, "hundredths", ""),
        ("together", split.combined_db, "hundredths", ""),
        ("places", split.location_db, "signed_hundredths", ""),
        ("loss", split.loss_db, "hundredths", ""),
    )
    width = max(len(text.say(f"path.{key}")) for key, *_ in rows)
    head = text.say(
        "path.split", time=text.number(study.conditions.time_percent, "figure"),
        places=text.number(study.conditions.location_percent, "figure"),
    )  # fmt: skip
    horizons = text.say(
        "path.horizons", tx=text.number(path.tx_horizon_km, "hundredths"), rx=text.number(path.rx_horizon_km, "hundredths"),
        angle=text.number(path.angle_mrad, "hundredths"), roughness=text.number(path.roughness_m),
    )  # fmt: skip
    return [
        head,
        *(
            f"  {text.say(f'path.{key}'):<{width}} {text.number(db, form):>8} dB{after}"
            for key, db, form, after in rows
        ),
        f"  {horizons}",
    ]


def _model_lines(study: PathStudy, model: str, text: Text) -> list[str]:
    lines = [text.say("path.by_model")]
    for row in study.losses.itertuples(index=False):
        over = text.say("path.over", over=text.number(row.over_free_space_db, "signed_hundredths"))
        loss = text.number(row.loss_db, "hundredths")
        mark = "►" if row.model == model else " "
        lines.append(f"  {mark} {row.model:<11} {loss:>8} dB  {over}  {text.note(row.source)}")
    return lines


def path_picture(study: PathStudy, model: str, *, title: str, note: str, text: Text | None = None) -> bytes:
    """Return the path as a PNG: ground with the Earth's bulge, cover, ray, Fresnel zone, obstacles, losses."""
    said = text or Text()
    d = study.profile.distance_km
    bare = study.profile.ground_m + study.bulge_m
    top = study.top_m
    with style():
        lower_in = 0.8 + _BAR_IN * len(study.losses)
        figure = Figure(figsize=(11.0, _PROFILE_IN + lower_in), layout="constrained")
        axes, bars = figure.subplots(2, 1, height_ratios=[_PROFILE_IN, lower_in])
        floor = float(bare.min()) - 0.08 * float(np.ptp(np.r_[top, study.ray_m]) + 10.0)
        axes.fill_between(d, floor, bare, color=_GROUND_HEX, lw=0, label=said.say("path.ground"))
        if (study.profile.clutter_m > 0).any():
            axes.fill_between(d, bare, top, color=_COVER_HEX, alpha=0.6, lw=0, label=said.say("path.cover"))
        axes.plot(d, study.bulge_m + floor, color=MUTED, lw=0.9, ls=":", label=said.say("path.bulge"))
        axes.fill_between(
            d, study.ray_m - study.fresnel_m, study.ray_m + study.fresnel_m, color=_ZONE_HEX, alpha=0.35, lw=0,
            label=said.say("path.zone"),
        )  # fmt: skip
        axes.plot(d, study.ray_m, color=SERVED_HEX, lw=1.4, label=said.say("path.ray"))
        for end, height in ((0, study.tx_height_m), (-1, study.rx_height_m)):
            axes.plot(d[[end, end]], [bare[end], bare[end] + height], color=INK, lw=3, solid_capstyle="butt")
        worst = study.obstacles.head(_MOST_OBSTACLES)
        if len(worst):
            at = np.searchsorted(d, worst["distance_km"].to_numpy() - 1e-9)
            axes.plot(d[at], top[at], "^", color=_BLOCK_HEX, ms=8, label=said.say("path.in_zone"), zorder=5)
        axes.set_xlim(0, d[-1])
        axes.set_ylim(
            floor,
            max(float((study.ray_m + study.fresnel_m).max()), float(top.max()))
            + 5
            + 0.04 * float(np.ptp(top)),
        )
        axes.set_xlabel(said.say("path.x"))
        axes.set_ylabel(said.say("path.y"))
        axes.set_title(title, loc="left")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=6, fontsize=8, frameon=False)
        rows = study.losses.sort_values("loss_db", kind="stable")
        colours = [SERVED_HEX if name == model else "#9aa5b1" for name in rows["model"]]
        drawn = bars.barh(rows["model"], rows["loss_db"], color=colours)
        bars.bar_label(
            drawn, labels=[f"{said.number(v, 'decimal')} dB" for v in rows["loss_db"]], padding=3, fontsize=8
        )
        _split_bar(bars, study, rows["model"].tolist().index("p1812"), said)
        bars.set_xlim(0, float(rows["loss_db"].max()) * 1.12)
        bars.set_xlabel(said.say("path.loss_axis"))
        bars.tick_params(axis="y", labelsize=8)
        figure.supxlabel(note, fontsize=7.5, color=MUTED, x=0.01, ha="left")
        out = io.BytesIO()
        with mpl.rc_context({"savefig.bbox": None}):
            figure.savefig(out, format="png", dpi=140, metadata={"Software": None})
    return out.getvalue()


def _split_bar(bars: Axes, study: PathStudy, place: int, text: Text) -> None:
    """Mark on P.1812's bar what its mechanisms add one after the other."""
    split = study.split
    steps = {
        "free_space": split.free_space_db,
        "focusing": split.line_of_sight_db - split.free_space_db,
        "diffraction": split.diffraction_db,
        "duct": split.combined_db - split.line_of_sight_db - split.diffraction_db,
        "bar_places": split.location_db,
    }
    at = 0.0
    for key, more_db in steps.items():
        if abs(more_db) >= _SHOWN_STEP_DB:
            more = text.number(round(more_db, 1), "signed_decimal")
            bars.text(
                at + more_db / 2.0, place, f"{text.say(f'path.{key}')} {more}", color="white", fontsize=7.5, ha="center",
                va="center",
            )  # fmt: skip
            bars.barh(place, more_db, left=at, fill=False, edgecolor="white", lw=1.0)
        at += more_db


def _clearance(study: PathStudy, text: Text) -> str:
    if study.obstacles.empty:
        return text.say("path.clear")
    blocked = int((study.obstacles["above_ray_m"] > 0).sum())
    return text.say("path.blocked", n=blocked) if blocked else text.say("path.grazed")


_NODATA = -9999.0
_SIGN = "sweep.json"
_SIX_HEX = ("#7a0403", "#d55e00", "#e69f00", "#cfd8dc", "#56b4e9", "#0072b2")  # weak to strong
_STEPS = {
    "dBm": (RSRP_EDGES_DBM, RSRP_HEX),
    "dB": ((0.0, 5.0, 10.0, 15.0, 20.0), _SIX_HEX),
    "Mbit/s": ((1.0, 4.0, 10.0, 30.0, 100.0), _SIX_HEX),
}


def write_radio_maps(heard: Footprints, facts: Mapping[str, object], folder: Path) -> Path:
    """Write the maps of a sweep to a folder in one piece.

    Parameters
    ----------
    heard : Footprints
        With maps.
    facts : mapping
        What to write to ``sweep.json``: what was swept, how long it took.
    folder : Path
        An older sweep there is replaced, any other folder refused.

    Raises
    ------
    InputError
        If the folder holds something else.

    Notes
    -----
    Per operator and technology: ``rsrp_N.tif`` [dBm] and ``server_N.tif`` (row of ``stations.csv``, from 0) of the
    N-th strongest server, ``sinr.tif`` [dB] and ``rate.tif`` [Mbit/s] of one phone alone in the best server's cell;
    a ``.qml`` beside each raster of figures is the style that QGIS opens it with.
    """
    with whole_folder(folder, kind="a radio sweep", is_ours=lambda old: (old / _SIGN).is_file()) as new:
        _write(heard, new)
        write_json(dict(facts), new / _SIGN)
    return folder


def _write(heard: Footprints, folder: Path) -> None:
    maps = heard.servers
    stations = pd.DataFrame({"row": np.arange(heard.station_ids.size), "station": heard.station_ids})
    stations[["site_id", "operator"]] = (
        stations["station"].str.rsplit("/", n=1, expand=True).reindex(columns=[0, 1])
    )
    write_csv(stations, folder / "stations.csv")
    for k, layer in enumerate(maps.layers):
        place = folder / _file_name(f"{layer.operator}-{layer.technology}")
        if place.exists():  # two names that differ only in letters no file may have
            place = folder / f"{place.name}-{k}"
        place.mkdir()
        for n in range(maps.level_ddbm.shape[1]):
            _singles(heard, maps.server_dbm(k, n), place / f"rsrp_{n + 1}.tif", "dBm")
            write_cog(
                maps.station[k, n].reshape(maps.grid.shape), maps.grid, place / f"server_{n + 1}.tif", nodata=-1,
                nearest=True,
            )  # fmt: skip
        _singles(heard, maps.layer_sinr_db(k), place / "sinr.tif", "dB")
        _singles(heard, maps.rate_mbps(k), place / "rate.tif", "Mbit/s")


def _singles(heard: Footprints, values: npt.NDArray[np.float32], path: Path, unit: str) -> None:
    filled = np.where(np.isnan(values), np.float32(_NODATA), values).astype(np.float32)
    write_cog(filled, heard.grid, path, nodata=_NODATA, unit=unit)
    edges, colours = _STEPS[unit]
    path.with_suffix(".qml").write_text(
        stepped_raster_qml(edges, colours, unit), encoding="utf-8", newline="\n"
    )


def _file_name(text: str) -> str:
    """Return a name that is safe on every file system, the same for the same text."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "operator"


_APART = re.compile(r"\s*[,;]\s*|\s+")


def study_region_path(
    region: Region,
    transmitter: str,
    receiver: str,
    *,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    time_percent: float = 50.0,
    clutter: bool = True,
    text: Text | None = None,
) -> tuple[PathStudy, str]:
    """Return a path between two points ``"LAT,LON"`` and a line that says what its ground stands on.

    Raises
    ------
    InputError
        If a point cannot be read or lies outside the region.
    """
    ends = [read_point(name, text) for name, text in (("transmitter", transmitter), ("receiver", receiver))]
    project = Transformer.from_crs("EPSG:4326", region.grid.crs, always_xy=True)
    tx_xy, rx_xy = (project.transform(lon, lat) for lat, lon in ends)
    heights = table("clutter").set_index("class")["height_m"].astype(float)
    by_class = np.zeros(256)
    by_class[heights.index.to_numpy(np.int64)] = heights.to_numpy(np.float64)
    profile = profile_between(
        region.elevation, region.grid, tx_xy, rx_xy, clutter_m=by_class[region.clutter] if clutter else None
    )
    latitude = (ends[0][0] + ends[1][0]) / 2.0
    air = refractivity(latitude)
    study = study_path(
        profile,
        frequency_ghz=frequency_ghz,
        tx_height_m=tx_height_m,
        rx_height_m=rx_height_m,
        conditions=Conditions(
            time_percent=time_percent, delta_n=air.delta_n, n0=air.n0, latitude_deg=latitude
        ),
    )
    source = region.source_of("elevation")
    said = text or Text()
    note = said.say(
        "path.heights",
        kind=said.code("quality", source.kind),
        source=said.note(source.source),
        cell=region.grid.cell_m,
    )
    return study, note


def read_point(name: str, text: str) -> tuple[float, float]:
    """Return latitude and longitude of ``"LAT,LON"``, south and west negative.

    Raises
    ------
    InputError
        If it is no such pair.
    """
    try:
        lat, lon = (float(part) for part in _APART.split(text.strip()))
    except ValueError:
        told = "must be LAT,LON in degrees, e.g. 21.82,105.21 or -21.82,105.21"
        raise InputError(Problem(name, told, value=text)) from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise InputError(
            Problem(name, "must be a latitude of -90 to 90 and a longitude of -180 to 180", value=text)
        )
    return lat, lon
