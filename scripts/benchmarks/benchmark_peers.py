"""The open peers that benchmark_radio.py finds installed: each answers on our terrain, with its time and difference.

itmlogic and pycraf answer path by path; SPLAT! (Debian's `splat`) sweeps an area. Each is compared with our own
implementation of the same model on the same profiles.
"""

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from phusong.radio.models.itm import point_to_point
from phusong.radio.p1812 import loss_breakdown

TX_M, RX_M, GHZ = 30.0, 1.5, 0.9
ITM_N0, PERMITTIVITY, CONDUCTIVITY_S_M, CLIMATE = 301.0, 15.0, 0.005, 5
LATITUDE_DEG = 20.0
SPLAT_PX = 1200  # its pixels a degree, 3 seconds of arc
SPLAT_CELL_M = 6371e3 * np.pi / 180.0 / SPLAT_PX
Paths = list[tuple[float, np.ndarray]]
"""Step [m] and heights of each path."""


@dataclass(frozen=True)
class Answer:
    """What a peer took for how many receivers, how it differs from what, and which model of ours is like it."""

    name: str
    seconds: float
    receivers: int
    difference: str
    against: str
    like: str


def found() -> dict[str, bool]:
    """Return which peers are installed here."""
    modules = {name: find_spec(name) is not None for name in ("itmlogic", "pycraf")}
    return modules | {"splat": shutil.which("splat") is not None}


def path_peers(paths: Paths, delta_n: float, n0: float) -> list[Answer]:
    """Return the answers of the peers that go path by path."""
    answers = []
    if found()["itmlogic"]:
        seconds, theirs = timed(lambda: [itmlogic_loss(step, h) for step, h in paths])
        off = np.array([our_itm(step, h) for step, h in paths]) - theirs
        # of two horizons far apart its qlrpfl reads the ground one step before the receiver, not the receiver's:
        # with the index mended the two agree to 0.03 dB rms on these paths
        beyond = np.array([not horizons_overlap(step, h) for step, h in paths])
        words = f"{apart(off)}; {apart(off[beyond])} where its slip with the receiver's ground has no say"
        answers.append(Answer("itmlogic", seconds, len(paths), words, "our ITM, same paths", "ITM"))
    if found()["pycraf"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it starts astropy's test runner, which warns of its own end
            seconds, theirs = timed(lambda: [pycraf_diffraction(step, h, delta_n, n0) for step, h in paths])
        ours = np.array([our_diffraction(step, h, delta_n, n0) for step, h in paths])
        answers.append(
            Answer(
                "pycraf (P.452)",
                seconds,
                len(paths),
                apart(ours - theirs),
                "our diffraction, same paths",
                "P.1812",
            )
        )
    return answers


def area_peers(ground: np.ndarray, row_f: float, col_f: float, radius_px: float) -> list[Answer]:
    """Return the answers of the peers that sweep an area, over these heights in whole metres on their own pixels."""
    if not found()["splat"] or max(ground.shape) >= SPLAT_PX:
        return []
    tile, north, west = splat_tile(ground, row_f, col_f)
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        (there / "0:1:0:1.sdf").write_text("1\n0\n0\n1\n" + "\n".join(map(str, tile.ravel())) + "\n")
        (there / "tx.qth").write_text(f"tx\n{north / SPLAT_PX:.9f}\n{west / SPLAT_PX:.9f}\n{TX_M}m\n")
        (there / "tx.lrp").write_text(
            f"{PERMITTIVITY}\n{CONDUCTIVITY_S_M}\n{ITM_N0}\n{GHZ * 1000}\n{CLIMATE}\n0\n0.5\n0.5\n0\n"
        )
        radius_km = radius_px * SPLAT_CELL_M / 1000.0
        command = [
            "splat", "-t", "tx.qth", "-L", str(RX_M), "-R", f"{radius_km:.3f}", "-metric", "-olditm", "-N", "-d", ".",
            "-ano", "loss.txt", "-o", "map.ppm",
        ]  # fmt: skip
        seconds, _ = timed(
            lambda: subprocess.run(command, cwd=there, check=True, capture_output=True)  # noqa: S603 - fixed words
        )
        lines = (there / "loss.txt").read_text().replace("*", "").splitlines()[2:]
    loss = np.array([[float(word) for word in line.split(",")] for line in lines if line.strip()])
    off = splat_difference(loss, tile, north, west)
    words = f"{apart(off)}, {off.size} of its points"
    return [
        Answer("SPLAT! -olditm, area", seconds, len(loss), words, "our ITM, profiles as it takes them", "ITM")
    ]


def splat_tile(ground: np.ndarray, row_f: float, col_f: float) -> tuple[np.ndarray, float, float]:
    """Return a degree of heights northwards, then westwards, and the transmitter's place on it in pixels."""
    height, width = ground.shape
    south, east = (SPLAT_PX - height) // 2, (SPLAT_PX - width) // 2
    tile = np.zeros((SPLAT_PX, SPLAT_PX), np.int64)
    tile[south : south + height, east : east + width] = np.rint(ground[::-1, ::-1])
    return tile, south + height - 1 - row_f, east + width - col_f


def splat_difference(loss: np.ndarray, tile: np.ndarray, north: float, west: float) -> np.ndarray:
    """Return our ITM less SPLAT!'s at some of its points, on the profiles that it takes. [dB]

    The nearest pixels' heights, a pixel's side apart; the loss that it writes down for a point is that of the profile
    which ends one pixel before.
    """
    off = []
    for latitude, longitude, _, _, theirs in np.random.default_rng(3).choice(loss, 400):
        up, left = latitude * SPLAT_PX - north, longitude * SPLAT_PX - west
        away = np.hypot(up, left)
        share = np.arange(round(away)) / away
        if share.size > 10:
            rows, cols = np.rint(north + share * up).astype(int), np.rint(west + share * left).astype(int) - 1
            off.append(our_itm(SPLAT_CELL_M, tile[rows, cols].astype(float)) - theirs)
    return np.array(off)


def our_itm(step_m: float, heights: np.ndarray) -> float:
    """Return our ITM's median. [dB]"""
    return point_to_point(
        heights, step_m, frequency_mhz=GHZ * 1000, tx_height_m=TX_M, rx_height_m=RX_M, horizontal=True,
        climate=CLIMATE, n0=ITM_N0, permittivity=PERMITTIVITY, conductivity_s_m=CONDUCTIVITY_S_M,
    )  # fmt: skip


def our_diffraction(step_m: float, heights: np.ndarray, delta_n: float, n0: float) -> float:
    """Return P.1812's median diffraction. [dB]"""
    return loss_breakdown(
        np.arange(heights.size) * step_m / 1000.0, heights, frequency_ghz=GHZ, tx_height_m=TX_M, rx_height_m=RX_M,
        delta_n=delta_n, n0=n0, latitude_deg=LATITUDE_DEG,
    ).diffraction_median_db  # fmt: skip


def itmlogic_loss(step_m: float, heights: np.ndarray) -> float:
    """Return ITM's median by itmlogic. [dB]"""
    from itmlogic.preparatory_subroutines.qlrpfl import qlrpfl  # noqa: PLC0415 - a peer, where it is installed
    from itmlogic.preparatory_subroutines.qlrps import qlrps  # noqa: PLC0415
    from itmlogic.statistics.avar import avar  # noqa: PLC0415

    n = len(heights) - 1
    tenth = int(0.1 * n)
    mean_m = float(np.mean(heights[tenth : n - tenth + 1]))
    wn, gme, ens, zgnd = qlrps(GHZ * 1000, mean_m, ITM_N0, 0, PERMITTIVITY, CONDUCTIVITY_S_M)
    prop = {
        "fmhz": GHZ * 1000, "hg": [TX_M, RX_M], "pfl": [n, step_m, *heights.tolist()], "klimx": CLIMATE,
        "klim": CLIMATE, "mdvarx": 12, "mdvar": 12, "lvar": 5, "kwx": 0, "wls": 0, "wn": wn, "gme": gme, "ens": ens,
        "zgnd": zgnd,
    }  # fmt: skip
    attenuation, _ = avar(0.0, 0.0, 0.0, qlrpfl(prop))
    return float(32.45 + 20 * np.log10(GHZ * n * step_m) + attenuation)


def horizons_overlap(step_m: float, heights: np.ndarray) -> bool:
    """Return whether both horizons together reach half as far again as the path: ITM takes it for clear."""
    from itmlogic.preparatory_subroutines.hzns import hzns  # noqa: PLC0415

    n = len(heights) - 1
    tenth = int(0.1 * n)
    mean_m = float(np.mean(heights[tenth : n - tenth + 1]))
    curvature = 157e-9 * (1 - 0.04665 * np.exp(ITM_N0 * np.exp(-mean_m / 9460) / 179.3))
    _, far_m = hzns([n, step_m, *heights.tolist()], n * step_m, [TX_M, RX_M], curvature)
    return bool(far_m[0] + far_m[1] >= 1.5 * n * step_m)


def pycraf_diffraction(step_m: float, heights: np.ndarray, delta_n: float, n0: float) -> float:
    """Return P.452's median diffraction by pycraf, its whole loss computed as well. [dB]"""
    from astropy import units as u  # noqa: PLC0415
    from pycraf import conversions as cnv  # noqa: PLC0415
    from pycraf import pathprof  # noqa: PLC0415

    d_km = np.arange(heights.size) * step_m / 1000.0
    path = pathprof.PathProp(
        GHZ * u.GHz, 290 * u.K, 1e-6 * u.hPa, 0 * u.deg, LATITUDE_DEG * u.deg, 0 * u.deg,
        (LATITUDE_DEG + d_km[-1] / 111.195) * u.deg, TX_M * u.m, RX_M * u.m, step_m * u.m, 50 * u.percent,
        polarization=1, version=16, delta_N=delta_n * cnv.dimless / u.km, N0=n0 * cnv.dimless, hprof_dists=d_km * u.km,
        hprof_heights=heights * u.m, hprof_bearing=0 * u.deg, hprof_backbearing=0 * u.deg,
    )  # fmt: skip
    pathprof.loss_complete(path)
    return float(pathprof.loss_diffraction(path)[0].value)


def timed(work: Callable[[], object]) -> tuple[float, np.ndarray]:
    """Return the processor's time for the second of two runs, programs started included, and its answer. [s]"""
    work()
    before = os.times()
    answer = work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4]), np.asarray(answer)


def apart(off: np.ndarray) -> str:
    """Return root mean square and median of some differences, in words."""
    if off.size == 0:
        return "no paths"
    return f"{np.sqrt(np.mean(off**2)):.3f} dB rms, {np.median(np.abs(off)):.3f} median"
