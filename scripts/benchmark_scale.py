"""How time and memory grow with a country: measured along six axes over two decades, fitted, drawn, and carried on.

    python scripts/benchmark_scale.py [--quick] [--out DIR] [--usd-per-core-hour 0.05] [--national-core-s N --national-gib N]

Every size runs in a process of its own, whose greatest memory is its own. Time is processor time (user and system, all
threads), so that other work on the machine disturbs it least. Laws are least squares on logarithms. `--quick` measures
three sizes an axis over one decade: about a minute on a free machine. With what a national run
took (`--national-…`, from its last line) it also says what ten such countries would take, by the laws.
"""

import argparse
import csv
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from shapely.affinity import translate

from benchmark_scale_axes import AXES, Axis, province, sweep, whole_run
from phusong.engine.crew import Threads, cluster
from phusong.engine.keeping import Keeper
from phusong.engine.store import Store

MIB = 2**20
COUNTRIES = 10
# cores of the machine a country is rented on, and the share of them that a run keeps busy
RENTED_CORES, BUSY_SHARE = 16, 0.6


@dataclass(frozen=True)
class Point:
    """One measurement: processor and wall seconds, and memory above that of the libraries. [MiB]"""

    axis: str
    size: int
    cpu_s: float
    wall_s: float
    memory_mib: float


@dataclass(frozen=True)
class Law:
    """y = factor · size^exponent, and the share of the logarithms' variance it explains."""

    exponent: float
    factor: float
    r2: float

    def __call__(self, size: float) -> float:
        """Return what the law says of a size."""
        return float(self.factor * size**self.exponent)


def fit(sizes: list[int], values: list[float]) -> Law:
    """Return the power law that fits best on logarithms."""
    x, y = np.log(sizes), np.log(np.maximum(values, 1e-9))
    slope, start = np.polyfit(x, y, 1)
    left = float(((y - slope * x - start) ** 2).sum())
    spread = float(((y - y.mean()) ** 2).sum())
    return Law(float(slope), float(np.exp(start)), 1.0 - left / spread if spread > 0 else 1.0)


def in_a_child(measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Return what a function gives in a process of its own, forked before any thread has started."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            with os.fdopen(write, "w") as pipe:
                json.dump(measure(), pipe)
        except BaseException as error:  # noqa: BLE001 - a child must not return into the parent's code
            print(f"failed: {type(error).__name__}: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("a measurement failed")
    found: dict[str, float] = json.loads(text)
    return found


def resident_mib(name: str) -> float:
    """Return VmRSS or VmHWM of this process. [MiB]"""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name)) / 1024


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor and wall seconds of some work."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - wall


def point(axis: Axis, size: int, repeat: int) -> Point:
    """Measure one size of one axis."""

    def measure() -> dict[str, float]:
        axis.prepare(axis.sizes[0])()  # kernels are compiled and loaded
        start = resident_mib("VmRSS")
        work = axis.prepare(size)
        Path("/proc/self/clear_refs").write_text(
            "5", encoding="utf-8"
        )  # the greatest memory counts from here
        times = [timed(work) for _ in range(repeat)]
        cpu, wall = min(times)
        return {"cpu_s": cpu, "wall_s": wall, "memory_mib": max(resident_mib("VmHWM") - start, 0.1)}

    return Point(axis.name, size, **in_a_child(measure))


def ratios(console: Console) -> dict[str, float]:
    """Return seconds of threads and a cluster, and of a cold, a warm and a one-site-changed run."""

    def kept() -> dict[str, float]:
        _, region = province()
        whole_run()()  # kernels
        with tempfile.TemporaryDirectory() as place:
            sites = region.sites.copy()
            sites.loc[sites.index[0], "geometry"] = translate(sites.geometry.iloc[0], 300.0, 0.0)
            moved = replace(region, sites=sites)
            found = {}
            for name, there in (("cold", region), ("warm", region), ("one site moved", moved)):
                keeper = Keeper(Store(Path(place)))
                found[name] = timed(whole_run(keeper, there))[1]
                found[f"{name}: radio"] = sum(n.seconds for n in keeper.notes if n.stage == "radio")
        return found

    def crews() -> dict[str, float]:
        found = {}
        sweep(20)()
        for workers in (1, 2):
            found[f"{workers} thread(s)"] = timed(sweep(600, crew=Threads(workers)))[1]
        start = time.perf_counter()
        with cluster("local", workers=2) as crew:
            sweep(20, crew=crew)()
            found["cluster of 2: start and kernels"] = time.perf_counter() - start
            found["cluster of 2"] = timed(sweep(600, crew=crew))[1]
        return found

    found = in_a_child(kept) | in_a_child(crews)
    table = Table("run", "wall s", "of", "ratio")
    bases = {"cold": "cold", "warm": "cold", "one site moved": "cold"}
    for name, seconds in found.items():
        if name.endswith(": radio"):
            base = "cold: radio"
        elif name in bases:
            base = "cold"
        else:
            base = "1 thread(s)"
        table.add_row(name, f"{seconds:.2f}", base, f"{seconds / found[base]:.3f}")
    console.print(table)
    return found


def carried_on(asked: argparse.Namespace, laws: dict[str, tuple[Law, Law]], console: Console) -> None:
    """Print what ten countries would take by the laws, and what a rented machine costs."""
    # a country ten times as large has ten times the sites, pixels, people and candidates; its slowest law rules
    slowest = max(max(time_law.exponent, 1.0) for time_law, _ in laws.values())
    largest = max(max(memory.exponent, 1.0) for _, memory in laws.values())
    table = Table("country", "core hours", "GiB", "hours on the rented machine", "USD")
    for name, times in (("Việt Nam, measured", 1), (f"{COUNTRIES} of it, by the laws", COUNTRIES)):
        core_h = asked.national_core_s / 3600 * times**slowest
        hours = core_h / (RENTED_CORES * BUSY_SHARE)
        table.add_row(
            name, f"{core_h:.2f}", f"{asked.national_gib * times**largest:.1f}", f"{hours:.2f}",
            f"{hours * RENTED_CORES * asked.usd_per_core_hour:.2f}",
        )  # fmt: skip
    console.print(table)
    console.print(
        f"Exponents used: time {slowest:.2f}, memory {largest:.2f}. Assumed: {asked.usd_per_core_hour} USD a core-hour, "
        f"{RENTED_CORES} cores, {BUSY_SHARE:.0%} of them busy."
    )


def draw(points: list[Point], laws: dict[str, tuple[Law, Law]], folder: Path) -> None:
    """Write the picture: a panel an axis, time and memory with their laws."""
    import matplotlib as mpl  # noqa: PLC0415 - only the picture needs it

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    fig, panels = plt.subplots(2, 3, figsize=(12, 7.2), layout="constrained")
    for axis, panel in zip(AXES, panels.flat, strict=True):
        mine = [p for p in points if p.axis == axis.name]
        line = np.geomspace(mine[0].size, mine[-1].size, 20)
        beside = panel.twinx()
        parts = (
            (panel, [p.cpu_s for p in mine], laws[axis.name][0], "#0072B2", "o", "-"),
            (beside, [p.memory_mib for p in mine], laws[axis.name][1], "#D55E00", "s", "--"),
        )
        for where, values, law, colour, mark, style in parts:
            where.plot([p.size for p in mine], values, mark, color=colour, ms=6)
            where.plot(line, [law(x) for x in line], style, color=colour, lw=1.2)
            where.set(xscale="log", yscale="log")
            where.tick_params(axis="y", colors=colour, which="both")
            where.set_ylim(min(values) / 2, max(values) * 2)
        panel.set_xlabel(axis.name)
        panel.set_ylabel("processor time, s", color="#0072B2")
        beside.set_ylabel("memory, MiB", color="#D55E00")
        time_law, memory = laws[axis.name]
        panel.set_title(
            f"{axis.work}\ntime ∝ n^{time_law.exponent:.2f} (R² {time_law.r2:.2f}), "
            f"memory ∝ n^{memory.exponent:.2f} (R² {memory.r2:.2f})",
            fontsize=8,
        )
    fig.suptitle(
        "How time (●, left) and memory (■, right) grow\nphusong, scripts/benchmark_scale.py; "
        f"{os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}; {time.strftime('%Y-%m-%d')}",
        fontsize=11,
    )
    for end in ("png", "svg"):
        fig.savefig(folder / f"scale.{end}", dpi=130, metadata={"Date": None} if end == "svg" else None)


def main() -> None:
    """Measure, fit, draw."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--quick", action="store_true", help="one decade, about a minute")
    ask.add_argument("--repeat", type=int, default=2, help="the shortest of so many")
    ask.add_argument("--out", type=Path, default=Path("results/scale"))
    ask.add_argument("--only", choices=[a.name for a in AXES], action="append")
    ask.add_argument("--no-ratios", action="store_true")
    ask.add_argument("--national-core-s", type=float, help="processor seconds of a national run")
    ask.add_argument("--national-gib", type=float, help="its greatest memory")
    ask.add_argument("--usd-per-core-hour", type=float, default=0.05, help="assumed price of a rented core")
    asked = ask.parse_args()
    console = Console(width=118)
    province()  # built once, before the children
    points: list[Point] = []
    laws: dict[str, tuple[Law, Law]] = {}
    table = Table("axis", "sizes", "processor s", "MiB", "time ∝ n^", "R²", "memory ∝ n^", "R² ")
    for axis in AXES:
        if asked.only and axis.name not in asked.only:
            continue
        sizes = axis.sizes[:3] if asked.quick else axis.sizes
        console.print(f"[dim]· {axis.name}: {axis.work}[/dim]")
        mine = []
        for size in sizes:
            mine.append(point(axis, size, 1 if asked.quick else asked.repeat))
            console.print(f"[dim]  {mine[-1]}[/dim]")
        points += mine
        laws[axis.name] = (
            fit([p.size for p in mine], [p.cpu_s for p in mine]),
            fit([p.size for p in mine], [p.memory_mib for p in mine]),
        )
        spent, memory = laws[axis.name]
        table.add_row(
            axis.name, f"{sizes[0]:,}–{sizes[-1]:,}", f"{mine[0].cpu_s:.3f}–{mine[-1].cpu_s:.2f}",
            f"{mine[0].memory_mib:.0f}–{mine[-1].memory_mib:.0f}", f"{spent.exponent:.2f}", f"{spent.r2:.3f}",
            f"{memory.exponent:.2f}", f"{memory.r2:.3f}",
        )  # fmt: skip
    console.print(table)
    asked.out.mkdir(parents=True, exist_ok=True)
    with (asked.out / "scale.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, list(Point.__dataclass_fields__))
        rows.writeheader()
        rows.writerows(asdict(p) for p in points)
    if not asked.only:
        draw(points, laws, asked.out)
    if not asked.no_ratios:
        ratios(console)
    if asked.national_core_s and asked.national_gib:
        carried_on(asked, laws, console)


if __name__ == "__main__":
    main()
