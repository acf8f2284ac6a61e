"""How fast the radio is, beside brute force and every peer installed, on the same terrain in one run.

    python scripts/benchmark_radio.py [--radius-km 24] [--repeat 5]

Prints receivers a second on one core, the difference from exact profiles, and what a second core brings. Real
terrain is the small grid that matplotlib carries (Jacksboro, USGS, 90 m); the others are made up, seeded.
"""

import argparse
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec

import numba as nb
import numpy as np
from matplotlib.cbook import get_sample_data
from rich.console import Console
from rich.table import Table

from phusong.radio.fan import foot
from phusong.radio.itm import point_to_point
from phusong.radio.models import MODELS, Conditions, Mast, Terrain
from phusong.radio.p1812 import basic_loss
from phusong.radio.sweep import EFFECTIVE_EARTH_KM

TX_M, RX_M, GHZ = 30.0, 1.5, 0.9
THRESHOLD_DB = 140.0
INLAND = np.full((1, 1), 4, np.int8)


@dataclass(frozen=True)
class Place:
    """Terrain with a transmitter on it."""

    name: str
    terrain: Terrain
    mast: Mast


def places(radius_km: float) -> list[Place]:
    """Return real and made-up terrain with a transmitter in the middle."""
    with get_sample_data("jacksboro_fault_dem.npz") as file:
        real = np.asarray(file["elevation"], np.float32)
    side = 2 * int(radius_km * 10) + 21
    found = [
        ("rugged, made up", fractal(side, 250.0), 100.0),
        ("near-flat, made up", fractal(side, 3.0), 100.0),
    ]
    found.insert(0, ("Jacksboro, real", real, 90.0))
    out = []
    for name, ground, cell_m in found:
        reach = min(radius_km * 1000.0, (min(ground.shape) / 2 - 2) * cell_m)
        terrain = Terrain(ground, ground, INLAND, cell_m)
        rows, cols = ground.shape
        out.append(Place(name, terrain, Mast(rows / 2 + 0.3, cols / 2 - 0.2, TX_M, RX_M, reach)))
    return out


def fractal(side: int, spread_m: float, seed: int = 1) -> np.ndarray:
    """Return seeded fractal ground with this standard deviation."""
    rng = np.random.default_rng(seed)
    waves = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    waves[0, 0] = 1.0
    ground = np.fft.irfft2(waves**-1.9 * np.exp(2j * np.pi * rng.random(waves.shape)), s=(side, side))
    ground -= ground.mean()
    return (100.0 + ground / ground.std() * spread_m).astype(np.float32)


@nb.njit(cache=True, nogil=True)
def every_profile(ground, row_f, col_f, cell_km, reach_px, tx_m, rx_m, earth_km, ghz):
    """Return free space and Bullington with a profile of its own for every receiver, every point looked at."""
    out = np.full(ground.shape, np.nan)
    top, bulge, wavelength = foot(ground, row_f, col_f) + tx_m, 500.0 / earth_km, 0.299792458 / ghz
    for r in range(ground.shape[0]):
        for c in range(ground.shape[1]):
            away = np.hypot(r - row_f, c - col_f)
            if away > reach_px or away < 0.5:
                continue
            n, d, end = max(2, int(np.ceil(away))), away * cell_km, ground[r, c] + rx_m
            up, back, nearest = -1e30, -1e30, -1e30
            for k in range(1, n):
                t = k / n
                x = t * d
                y = foot(ground, row_f + t * (r - row_f), col_f + t * (c - col_f)) + bulge * x * (d - x)
                up, back = max(up, (y - top) / x), max(back, (y - end) / (d - x))
                above = y - (top * (d - x) + end * x) / d
                nearest = max(nearest, above * np.sqrt(0.002 * d / (wavelength * x * (d - x))))
            nu = nearest
            if up >= (end - top) / d:
                x = (end - top + back * d) / (up + back)
                nu = (top + up * x - (top * (d - x) + end * x) / d) * np.sqrt(
                    0.002 * d / (wavelength * x * (d - x))
                )
            edge = 6.9 + 20 * np.log10(np.sqrt((nu - 0.1) ** 2 + 1) + nu - 0.1) if nu > -0.78 else 0.0
            slant = np.hypot(d, (top - end) / 1000.0)
            loss = 92.4 + 20 * np.log10(ghz) + 20 * np.log10(slant)
            out[r, c] = loss + edge + (1 - np.exp(-edge / 6)) * (10 + 0.02 * d)
    return out


def best_time(work: Callable[[], object], repeat: int) -> float:
    """Return the least of several times, the first (compilation) left out. [s]"""
    work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def sample_profiles(place: Place, count: int) -> list[tuple[float, np.ndarray]]:
    """Return step [m] and heights to some receivers, for the slow ones."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(count):
        away, turn = rng.uniform(10, place.mast.radius_m / place.terrain.cell_m), rng.uniform(0, 2 * np.pi)
        share = np.linspace(0.0, 1.0, int(np.ceil(away)) + 1)
        rows, cols = (
            place.mast.row_f + share * away * np.cos(turn),
            place.mast.col_f + share * away * np.sin(turn),
        )
        heights = np.array([foot(place.terrain.ground, r, c) for r, c in zip(rows, cols, strict=True)])
        found.append((away * place.terrain.cell_m / (share.size - 1), heights))
    return found


def run(place: Place, repeat: int) -> Table:
    """Return the table of one place."""
    air = Conditions(delta_n=157 * (1 - 6371 / EFFECTIVE_EARTH_KM), n0=370.0)
    table = Table(
        title=f"{place.name}: {place.terrain.cell_m:.0f} m pixels, {place.mast.radius_m / 1000:.1f} km"
    )
    for name in ("on one core", "M receivers/s", "ms", "difference", "against"):
        table.add_column(name, justify="left" if name in {"on one core", "against"} else "right")

    def sweep(model: str, bands: tuple[float, ...] = (GHZ,), percent: float = 50.0) -> np.ndarray:
        conditions = Conditions(percent, delta_n=air.delta_n, n0=air.n0)
        return MODELS[model].window(place.terrain, place.mast, np.array(bands), conditions)

    loss = sweep("bullington")[0]
    receivers = int(np.isfinite(loss).sum())
    exact = every_profile(
        place.terrain.ground, place.mast.row_f, place.mast.col_f, place.terrain.cell_m / 1000.0,
        place.mast.radius_m / place.terrain.cell_m, TX_M, RX_M, air.earth_km, GHZ,
    )  # fmt: skip
    radius = loss.shape[0] // 2
    top, left = round(place.mast.row_f) - radius, round(place.mast.col_f) - radius
    grid = np.full(exact.shape, np.nan)
    rows = slice(max(top, 0), min(top + loss.shape[0], exact.shape[0]))
    cols = slice(max(left, 0), min(left + loss.shape[1], exact.shape[1]))
    grid[rows, cols] = loss[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
    both = np.isfinite(grid) & np.isfinite(exact)
    off = (grid - exact)[both]
    same_side = np.mean((grid < THRESHOLD_DB)[both] == (exact < THRESHOLD_DB)[both])
    words = f"{np.sqrt(np.mean(off**2)):.2f} dB rms, {np.median(np.abs(off)):.3f} median, {off.mean():+.3f} bias; {same_side:.2%} same side of {THRESHOLD_DB:.0f} dB"

    def add(
        name: str, seconds: float, count: int = receivers, difference: str = "", against: str = ""
    ) -> None:
        table.add_row(name, f"{count / seconds / 1e6:.3f}", f"{seconds * 1e3:.1f}", difference, against)

    one = best_time(lambda: sweep("bullington"), repeat)
    add("free space + Bullington", one, difference=words, against="a profile for every receiver")
    four = best_time(lambda: sweep("bullington", (0.7, 0.9, 1.8, 2.1)), repeat)
    add("  the same, four bands at once", four, 4 * receivers)
    for percent in (50.0, 10.0, 1.0):
        add(f"P.1812, p = {percent:g} %", best_time(lambda p=percent: sweep("p1812", percent=p), repeat))
    add(
        "P.1812, four bands at once",
        best_time(lambda: sweep("p1812", (0.7, 0.9, 1.8, 2.1)), repeat),
        4 * receivers,
    )
    add("ITM", best_time(lambda: sweep("itm"), max(1, repeat // 3)))
    brute = best_time(
        lambda: every_profile(
            place.terrain.ground, place.mast.row_f, place.mast.col_f, place.terrain.cell_m / 1000.0,
            place.mast.radius_m / place.terrain.cell_m, TX_M, RX_M, air.earth_km, GHZ,
        ),
        1,
    )  # fmt: skip
    add("brute force: Bullington, a profile for every receiver", brute)
    samples = sample_profiles(place, 60)
    flat = [
        basic_loss(
            np.arange(h.size) * step / 1000.0, h, frequency_ghz=GHZ, tx_height_m=TX_M, rx_height_m=RX_M,
            delta_n=air.delta_n, n0=air.n0, latitude_deg=20.0,
        )
        for step, h in samples
    ]  # fmt: skip
    seconds = best_time(
        lambda: [
            basic_loss(
                np.arange(h.size) * step / 1000.0, h, frequency_ghz=GHZ, tx_height_m=TX_M, rx_height_m=RX_M,
                delta_n=air.delta_n, n0=air.n0, latitude_deg=20.0,
            )
            for step, h in samples
        ],
        1,
    )  # fmt: skip
    add("P.1812, the plain reference, path by path", seconds, len(flat))
    for name, peer in peers().items():
        seconds = best_time(lambda p=peer: [p(step, h) for step, h in samples], 1)
        ours = [
            point_to_point(
                h, step, frequency_mhz=GHZ * 1000, tx_height_m=TX_M, rx_height_m=RX_M, horizontal=True, climate=5,
                n0=301.0,
            )
            for step, h in samples
        ]  # fmt: skip
        apart = np.array(ours) - np.array([peer(step, h) for step, h in samples])
        add(
            name, seconds, len(samples),
            f"{np.sqrt(np.mean(apart**2)):.2f} dB rms, {np.median(np.abs(apart)):.3f} median", "our ITM",
        )  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        jobs = 2 * repeat
        alone = best_time(lambda: [sweep("p1812") for _ in range(jobs)], 1)
        together = best_time(lambda: list(pool.map(lambda _: sweep("p1812"), range(jobs))), 1)
    table.caption = f"Two cores: {alone / together:.2f} times one (P.1812, {jobs} transmitters)"
    return table


def peers() -> dict[str, Callable[[float, np.ndarray], float]]:
    """Return the peers found installed that answer path by path."""
    found: dict[str, Callable[[float, np.ndarray], float]] = {}
    if find_spec("itmlogic") is not None:
        found["itmlogic (ITM), path by path"] = itmlogic_loss
    return found


def itmlogic_loss(step_m: float, heights: np.ndarray) -> float:
    """Return ITM's median by itmlogic, on the path that :func:`point_to_point` is given. [dB]"""
    from itmlogic.preparatory_subroutines.qlrpfl import qlrpfl  # noqa: PLC0415 - a peer, where it is installed
    from itmlogic.preparatory_subroutines.qlrps import qlrps  # noqa: PLC0415
    from itmlogic.statistics.avar import avar  # noqa: PLC0415

    n = len(heights) - 1
    tenth = int(0.1 * n)
    wn, gme, ens, zgnd = qlrps(
        GHZ * 1000, float(np.mean(heights[tenth : n - tenth + 1])), 301.0, 0, 15, 0.005
    )
    prop = {
        "fmhz": GHZ * 1000, "hg": [TX_M, RX_M], "pfl": [n, step_m, *heights.tolist()], "klimx": 5, "klim": 5,
        "mdvarx": 12, "mdvar": 12, "lvar": 5, "kwx": 0, "wls": 0, "wn": wn, "gme": gme, "ens": ens, "zgnd": zgnd,
    }  # fmt: skip
    attenuation, _ = avar(0.0, 0.0, 0.0, qlrpfl(prop))
    return float(32.45 + 20 * np.log10(GHZ * n * step_m) + attenuation)


def main() -> None:
    """Run every place and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--radius-km", type=float, default=24.0)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    console = Console(width=200)
    for place in places(given.radius_km):
        console.print(run(place, given.repeat))
    absent = [name for name in ("itmlogic", "pycraf") if find_spec(name) is None]
    absent += [name for name in ("splat", "signalserver") if shutil.which(name) is None]
    console.print(f"Peers not installed here: {', '.join(absent) or 'none'}")


if __name__ == "__main__":
    main()
