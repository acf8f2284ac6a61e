"""How time and memory grow with a country: measured along six axes over two decades, fitted, drawn, written down.

    python scripts/benchmarks/benchmark_scale.py [--quick] [--out DIR] [--docs]     the laws, threads and cluster, cold and warm runs
    python scripts/benchmarks/benchmark_scale.py --country [--out DIR] [--docs]     a whole national run, stage by stage
    python scripts/benchmarks/benchmark_scale.py --ten [--result DIR] [--docs]      what grows, on ten times the country

What is measured goes into DIR/scale.json, each part with its date and the load of the machine then; `--docs` writes the
tables and the picture of docs/scale.md from it (`--write-only`: without measuring anything). Run it on a machine that
does nothing else.

Every size runs in a process of its own. Time is processor time (user and system, all threads); memory is the greatest
that came on top of the libraries, after the kernels were loaded by a size far below the smallest. The law is
fixed + factor · n^exponent, and the exponent is told with the interval that holds it in 95 of 100 cases.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from benchmark_scale_axes import AXES, MODEL, Axis, province
from benchmark_scale_country import country, ten
from benchmark_scale_measure import in_a_child, machine, peak_mib, repeated, resident_mib
from benchmark_scale_page import blocks, write_page
from benchmark_scale_picture import draw
from benchmark_scale_ratios import crews, runs

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_QUIET = 0.5  # a load above it is said
_SWEEPS = ((2000, 500), (250, 100))  # sites and step of the sweeps that threads and a cluster share


def point(axis: Axis, size: int, *, least: int) -> dict[str, Any]:
    """Measure one size of one axis: seconds of each run, and memory above that of the libraries. [s, MiB]"""

    def measure() -> dict[str, Any]:
        axis.prepare(axis.warm)()
        start = resident_mib()
        peak_mib(anew=True)
        work = axis.prepare(size)
        times = repeated(work, least=least)
        return {
            "size": size, "cpu_s": [cpu for cpu, _ in times], "wall_s": [wall for _, wall in times],
            "mib": peak_mib() - start,
        }  # fmt: skip

    found: dict[str, Any] = in_a_child(measure)
    return found


def measured_laws(names: list[str], *, quick: bool) -> dict[str, Any]:
    """Return the measurements of each axis."""
    part: dict[str, Any] = {"axes": {}, "model": MODEL}
    with machine(part):
        for axis in AXES:
            if axis.name not in names:
                continue
            print(f"· {axis.name}: {axis.work}", flush=True)
            # a decade in four sizes has a law, but hardly a certain one
            sizes = axis.sizes[:4] if quick else axis.sizes
            points = []
            for size in sizes:
                points.append(point(axis, size, least=1 if quick else 3))
                last = points[-1]
                print(f"  {size:,}: {min(last['cpu_s']):.3g} s, {last['mib']:.0f} MiB", flush=True)
            part["axes"][axis.name] = {
                "work": axis.work, "unit": axis.unit, "law_from": axis.law_from, "points": points,
            }  # fmt: skip
    return part


def main() -> None:
    """Measure what is asked for, keep it, and write it down."""
    asked = _asked()
    place = asked.out / "scale.json"
    asked.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    found["usd_per_core_hour"] = asked.usd_per_core_hour
    if os.getloadavg()[0] > _QUIET and not asked.write_only:
        print(
            f"The machine is busy (load {os.getloadavg()[0]:.1f}): wall times and ratios mean little.",
            flush=True,
        )

    def keep(name: str, part: Any) -> None:  # noqa: ANN401
        found[name] = part
        written = place.with_suffix(".tmp")
        written.write_text(json.dumps(found, indent=1), encoding="utf-8")
        written.replace(place)

    if asked.country:
        keep("country", country(asked.out / "country", asked.scenario))
    if asked.ten:
        if "country" not in found:
            raise SystemExit(f"{place} holds no country yet: run with --country first")
        times = tuple(float(x) for x in asked.times.split(","))
        keep(
            "ten",
            ten(found["country"]["counts"], asked.result or asked.out / "country" / "result", times=times),
        )
    if not (asked.country or asked.ten or asked.write_only):
        province()  # built once, before the children
        keep("laws", measured_laws(asked.only or [a.name for a in AXES], quick=asked.quick))
        if not asked.only:
            print("· threads and a cluster", flush=True)
            sweeps, rounds = (_SWEEPS[:1], 2) if asked.quick else (_SWEEPS, 5)
            keep("crews", [crews(sites=n, step_m=step, rounds=rounds) for n, step in sweeps])
        if not (asked.only or asked.quick):
            print("· cold, warm, one site moved", flush=True)
            keep("runs", runs(rounds=3))
    keep("usd_per_core_hour", asked.usd_per_core_hour)
    for name, text in blocks(found).items():
        print(f"\n{name}\n{text}")
    if "laws" in found:
        draw(found["laws"], asked.out)
    if asked.docs:
        write_page(_DOCS / "scale.md", found)
        (_DOCS / "scale.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        if "laws" in found:
            (_DOCS / "scale.svg").write_bytes((asked.out / "scale.svg").read_bytes())


def _asked() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument(
        "--quick", action="store_true", help="a trial of a minute or two: one decade, no whole runs"
    )
    ask.add_argument("--only", choices=[a.name for a in AXES], action="append", help="these axes, no ratios")
    ask.add_argument("--country", action="store_true", help="a whole national run; a quarter of an hour")
    ask.add_argument("--scenario", default="vietnam", help="of --country")
    ask.add_argument("--ten", action="store_true", help="one and ten times what --country counted")
    ask.add_argument("--times", default="1,10", help="of --ten")
    ask.add_argument("--result", type=Path, help="result folder whose book of remedies --ten copies")
    ask.add_argument("--out", type=Path, default=Path("results/scale"))
    ask.add_argument("--docs", action="store_true", help="write docs/scale.md, scale.svg and scale.json")
    ask.add_argument("--write-only", action="store_true", help="measure nothing, write what was measured")
    ask.add_argument("--usd-per-core-hour", type=float, default=0.05, help="assumed price of a rented core")
    return ask.parse_args()


if __name__ == "__main__":
    main()
