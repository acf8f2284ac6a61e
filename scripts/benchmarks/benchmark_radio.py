"""How fast the radio is, beside brute force and every peer installed, on the same terrain in one run.

    python scripts/benchmarks/benchmark_radio.py [--radius-km 24] [--repeat 5]

Prints receivers a second on one core, the difference from exact profiles, how many times as fast ours are as each peer
(itmlogic, pycraf, SPLAT!), and what a second core brings. Real terrain is the small grid that matplotlib carries
(Jacksboro, USGS, 90 m); the others are made up, seeded. SPLAT! takes the same heights on pixels of its own size, and
its time holds reading and writing files; pycraf's holds P.452 whole, its difference the diffraction of both. Times are
the processor's (a busy machine counts less), but for the two cores.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba as nb
import numpy as np
from benchmark_peers import GHZ, LATITUDE_DEG, RX_M, TX_M, area_peers, found, path_peers
from matplotlib.cbook import get_sample_data
from rich.console import Console
from rich.table import Table

from phusong.radio.models import MODELS, Conditions, Mast, Terrain
from phusong.radio.p1812 import basic_loss
from phusong.radio.terrain_profile import EFFECTIVE_EARTH_KM, foot

FOUR_GHZ = (0.7, 0.9, 1.8, 2.1)
THRESHOLD_DB = 140.0  # a 10 MHz 4G cell of 46 dBm and 15 dBi (33 dBm a subcarrier) at an RSRP of -107 dBm
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


def best_time(
    work: Callable[[], object], repeat: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the least of several times, the first (compilation) left out. [s]"""
    work()
    times = []
    for _ in range(repeat):
        start = clock()
        work()
        times.append(clock() - start)
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


def on_grid(window: np.ndarray, place: Place) -> np.ndarray:
    """Return a window round the transmitter laid on the whole grid, NaN elsewhere."""
    grid = np.full(place.terrain.ground.shape, np.nan)
    radius = window.shape[0] // 2
    top, left = round(place.mast.row_f) - radius, round(place.mast.col_f) - radius
    rows = slice(max(top, 0), min(top + window.shape[0], grid.shape[0]))
    cols = slice(max(left, 0), min(left + window.shape[1], grid.shape[1]))
    grid[rows, cols] = window[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
    return grid


def in_words(off: np.ndarray, same_side: float) -> str:
    """Return how near the sweep comes to exact profiles."""
    return (
        f"{np.sqrt(np.mean(off**2)):.2f} dB rms, {np.median(np.abs(off)):.3f} median, {off.mean():+.3f} bias; "
        f"{same_side:.2%} same side of {THRESHOLD_DB:.0f} dB"
    )


def run(place: Place, repeat: int) -> Table:
    """Return the table of one place."""
    air = Conditions(delta_n=157 * (1 - 6371 / EFFECTIVE_EARTH_KM), n0=370.0)
    terrain, mast = place.terrain, place.mast
    table = Table(title=f"{place.name}: {terrain.cell_m:.0f} m pixels, {mast.radius_m / 1000:.1f} km")
    for name in ("on one core", "M receivers/s", "ms", "ours are", "difference", "against"):
        table.add_column(name, justify="right" if name in {"M receivers/s", "ms", "ours are"} else "left")

    def sweep(model: str, bands: tuple[float, ...] = (GHZ,), percent: float = 50.0) -> np.ndarray:
        conditions = Conditions(percent, delta_n=air.delta_n, n0=air.n0)
        return MODELS[model].window(terrain, mast, np.array(bands), conditions)

    def exact() -> np.ndarray:
        return every_profile(
            terrain.ground, mast.row_f, mast.col_f, terrain.cell_m / 1000.0, mast.radius_m / terrain.cell_m, TX_M,
            RX_M, air.earth_km, GHZ,
        )  # fmt: skip

    def add(
        name: str, seconds: float, count: int, ratio: str = "", difference: str = "", against: str = ""
    ) -> None:
        table.add_row(
            name, f"{count / seconds / 1e6:.4g}", f"{seconds * 1e3:.1f}", ratio, difference, against
        )

    swept, truth = on_grid(sweep("bullington")[0], place), exact()
    receivers = int(np.isfinite(swept).sum())
    both = np.isfinite(swept) & np.isfinite(truth)
    same_side = float(np.mean((swept < THRESHOLD_DB)[both] == (truth < THRESHOLD_DB)[both]))
    words = in_words((swept - truth)[both], same_side)
    speed = {}
    for name, like, count, work in (
        ("free space + Bullington", "Bullington", receivers, lambda: sweep("bullington")),
        ("  the same, four bands at once", "", 4 * receivers, lambda: sweep("bullington", FOUR_GHZ)),
        ("P.1812, p = 50 %", "P.1812", receivers, lambda: sweep("p1812")),
        ("P.1812, p = 10 %", "", receivers, lambda: sweep("p1812", percent=10.0)),
        ("P.1812, p = 1 %", "", receivers, lambda: sweep("p1812", percent=1.0)),
        ("P.1812, p = 50 %, four bands at once", "", 4 * receivers, lambda: sweep("p1812", FOUR_GHZ)),
        ("ITM", "ITM", receivers, lambda: sweep("itm")),
    ):
        seconds = best_time(work, max(1, repeat // 3) if like == "ITM" else repeat)
        speed[like] = count / seconds
        here = like == "Bullington"
        add(name, seconds, count, "", words if here else "", "a profile for every receiver" if here else "")
    brute = best_time(exact, 1)
    add(
        "brute force: Bullington, a profile for each",
        brute,
        receivers,
        f"{speed['Bullington'] * brute / receivers:,.0f} x",
    )
    paths = sample_profiles(place, 60)
    plain = best_time(
        lambda: [
            basic_loss(
                np.arange(h.size) * step / 1000.0, h, frequency_ghz=GHZ, tx_height_m=TX_M, rx_height_m=RX_M,
                delta_n=air.delta_n, n0=air.n0, latitude_deg=LATITUDE_DEG,
            )
            for step, h in paths
        ],
        1,
    )  # fmt: skip
    add("P.1812, the plain reference", plain, len(paths), f"{speed['P.1812'] * plain / len(paths):,.0f} x")
    radius_px = mast.radius_m / terrain.cell_m
    for peer in path_peers(paths, air.delta_n, air.n0) + area_peers(
        terrain.ground, mast.row_f, mast.col_f, radius_px
    ):
        theirs = peer.receivers / peer.seconds
        ratio = f"{peer.like} {speed[peer.like] / theirs:,.0f} x"
        if peer.like == "ITM":
            ratio += f", P.1812 {speed['P.1812'] / theirs:,.0f} x"
        add(peer.name, peer.seconds, peer.receivers, ratio, peer.difference, peer.against)
    with ThreadPoolExecutor(2) as pool:
        jobs = 2 * repeat
        alone = best_time(lambda: [sweep("p1812") for _ in range(jobs)], 1, time.perf_counter)
        together = best_time(
            lambda: list(pool.map(lambda _: sweep("p1812"), range(jobs))), 1, time.perf_counter
        )
    table.caption = f"Two cores: {alone / together:.2f} times one (P.1812, {jobs} transmitters)"
    return table


def main() -> None:
    """Run every place and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--radius-km", type=float, default=24.0)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    console = Console(width=230)
    for place in places(given.radius_km):
        console.print(run(place, given.repeat))
    absent = [name for name, here in found().items() if not here]
    console.print(f"Peers not installed here: {', '.join(absent) or 'none'}")


if __name__ == "__main__":
    main()
