"""What was measured, as the tables of docs/scale.md: figures pass from the measurement to the page without a hand between."""

import re
from pathlib import Path
from statistics import median
from typing import Any

from benchmark_scale_axes import AXES
from benchmark_scale_country import STEPS
from benchmark_scale_laws import NOISE_MIB, Law, laws_of
from benchmark_scale_measure import when
from benchmark_scale_price import priced
from benchmark_scale_ratios import ratio

__all__ = ["blocks", "write_page"]

Found = dict[str, Any]


def write_page(page: Path, found: Found) -> None:
    """Put what was measured between the marks of a page; what stands around it stays.

    Raises
    ------
    SystemExit
        If the page lacks a mark.
    """
    text = page.read_text(encoding="utf-8")
    for name, block in blocks(found).items():
        mark = re.compile(rf"(<!-- measured: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not mark.search(text):
            raise SystemExit(f"{page} has no <!-- measured: {name} --> … <!-- end -->")
        text = mark.sub(lambda m, block=block: f"{m[1]}{block}\n{m[2]}", text)
    page.write_text(text, encoding="utf-8")


def blocks(found: Found) -> dict[str, str]:
    """Return the tables of all that was measured, by the names of their places in the page."""
    made = {"laws": _laws, "crews": _crews, "runs": _runs, "country": _country, "ten": _ten, "price": priced}
    return {name: make(found) for name, make in made.items()}


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _not_yet(what: str) -> str:
    return f"*Not measured yet: {what}.*"


def law_text(law: Law | None) -> tuple[str, str]:
    """Return the fixed part and the exponent with its interval."""
    if law is None:
        return "", "no law: too few sizes"
    shown = f"{law.exponent:.2f} ({law.low:.2f}–{law.high:.2f})"
    return f"{law.fixed:.2g}", shown if law.known else f"not known ({shown})"


def _laws(found: Found) -> str:
    part = found.get("laws")
    if part is None:
        return _not_yet("`python scripts/benchmarks/benchmark_scale.py`")
    rows = []
    for axis in AXES:
        if axis.name not in part["axes"]:
            continue
        mine = part["axes"][axis.name]
        points, (spent, memory) = mine["points"], laws_of(mine)
        used = sum(p["mib"] >= NOISE_MIB for p in points)
        fixed_s, time_law = law_text(spent)
        fixed_mib, memory_law = law_text(memory)
        rows.append(
            [
                f"{axis.name}: {mine['work']}", f"{points[0]['size']:,}–{points[-1]['size']:,} {mine['unit']}{_law_from(mine)}",
                f"{median(points[0]['cpu_s']):.3g}–{median(points[-1]['cpu_s']):.3g}", fixed_s, time_law,
                f"{100 * spent.miss:.0f} %" if spent else "",
                f"{points[0]['mib']:.0f}–{points[-1]['mib']:.0f}", fixed_mib, memory_law,
                f"{used} of {len(points)}",
            ]
        )  # fmt: skip
    head = ["axis", "sizes", "processor s", "fixed s", "time ∝ n^ (95 %)", "law misses by at most", "MiB", "fixed MiB",
            "memory ∝ n^ (95 %)", f"sizes ≥ {NOISE_MIB:.0f} MiB"]  # fmt: skip
    return f"{when(part)} The model of radio: {part['model']}.\n\n{_table(head, rows)}"


def _law_from(axis: Found) -> str:
    return f"; law from {axis['law_from']:,}" if axis.get("law_from") else ""


def _ratio_text(found: list[float], base: list[float]) -> str:
    middle, low, high = ratio(found, base)
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def _crews(found: Found) -> str:
    parts = found.get("crews")
    if parts is None:
        return _not_yet("`python scripts/benchmarks/benchmark_scale.py`")
    rows = []
    for part in parts:
        for name, seconds in part["wall_s"].items():
            rows.append(
                [
                    f"{part['sites']:,} sites at {part['step_m']} m", name, f"{median(seconds):.2f}",
                    f"{median(part['cpu_s'][name]):.2f}" if "cluster" not in name else "",
                    _ratio_text(seconds, part["wall_s"]["1 thread"]),
                ]
            )  # fmt: skip
    starts = ", ".join(f"{p['start_s']:.1f} and {p['first_s']:.1f}" for p in parts)
    rounds = len(parts[0]["wall_s"]["1 thread"])
    return (
        f"{when(parts[-1])} {rounds} rounds.\n\n"
        + _table(["sweep", "by", "wall s", "processor s", "of 1 thread (range)"], rows)
        + f"\n\nApart: seconds to start the two workers, and their first sweep, which loads kernels there: {starts}."
    )


def _runs(found: Found) -> str:
    part = found.get("runs")
    if part is None:
        return _not_yet("`python scripts/benchmarks/benchmark_scale.py`")
    stages, rows = part["stages"], []
    cold = stages["cold"]
    for stage in cold:
        row = [stage, f"{median(cold[stage][0]):.2f}"]
        for name in ("warm", "one site moved"):
            wall = stages[name][stage][0]
            row += [f"{median(wall):.2f}", _ratio_text(wall, cold[stage][0])]
        rows.append(row)
    total = {
        name: [sum(each) for each in zip(*(s[0] for s in stages[name].values()), strict=True)]
        for name in stages
    }
    rows.append(
        ["**all**", f"{median(total['cold']):.2f}"]
        + [
            text
            for name in ("warm", "one site moved")
            for text in (f"{median(total[name]):.2f}", _ratio_text(total[name], total["cold"]))
        ]
    )
    why = "; ".join(
        f"{n['run']}, {n['stage']}: {n['kept']} ({n['why']})" for n in part["notes"] if n["run"] != "cold"
    )
    head = ["stage", "cold s", "warm s", "of cold (range)", "one site moved s", "of cold (range)"]
    return (
        f"{when(part)} {len(total['cold'])} rounds, each with another of the {part['sites']:,} sites moved by 300 m.\n\n"
        f"{_table(head, rows)}\n\nWhat `--why-recompute` says: {why}."
    )


def _country(found: Found) -> str:
    part = found.get("country")
    if part is None:
        return _not_yet("`python scripts/benchmarks/benchmark_scale.py --country`")
    c = part["counts"]
    rows = [
        [
            stage,
            f"{part['wall_s'][stage]:.1f}",
            f"{part['cpu_s'][stage]:.1f}",
            f"{part['mib'][stage] / 1024:.2f}",
        ]
        for stage in part["wall_s"]
    ]
    rows.append(
        ["**all**", f"{sum(part['wall_s'].values()):.0f}", f"{sum(part['cpu_s'].values()):.0f}",
         f"{max(part['mib'].values()) / 1024:.2f}"]
    )  # fmt: skip
    return (
        f"{when(part)} `phusong run {part['scenario']}`, nothing kept before: {c['communes']:,} communes, {c['sites']:,} "
        f"sites, {c['cells']:,} cells, {c['pixels']:,} pixels with people, {c['receivers']:,} receivers, {c['pairs']:,} "
        f"pairs of a station and a pixel that hears it, {c['bundles']:,} bundles.\n\n"
        + _table(["stage", "wall s", "processor s", "most GiB"], rows)
    )


def _ten(found: Found) -> str:
    part = found.get("ten")
    if part is None:
        return _not_yet("`python scripts/benchmarks/benchmark_scale.py --ten`, after `--country`")
    rows = []
    for stage, (what, unit, _) in STEPS.items():
        runs = part["steps"][stage]
        base = runs.get("1", {})
        for factor, run in runs.items():
            if "broke" in run:
                rows.append(
                    [f"{stage}: {what}", f"× {factor}", "", f"**did not fit:** {run['broke']}", "", ""]
                )
                continue
            rows.append(
                [
                    f"{stage}: {what}", f"× {factor}: {run['n']:,} {unit}", f"{run['wall_s']:.1f}",
                    f"{run['cpu_s']:.1f}", f"{run['gib']:.1f}",
                    f"{run['cpu_s'] / base['cpu_s']:.1f}" if "cpu_s" in base and run is not base else "",
                ]
            )  # fmt: skip
    gaps = ", ".join(
        f"{100 * r['gap']:.2f} % (× {f})" for f, r in part["steps"]["invest"].items() if "gap" in r
    )
    country = found.get("country")
    radio = ""
    if country is not None:
        cpu, wall = country["cpu_s"]["radio"], country["wall_s"]["radio"]
        radio = (
            f"\n\nRadio, a tenth measured and carried on: {wall:.0f} s wall and {cpu:.0f} s processor for one country, "
            f"so {10 * wall / 3600:.1f} h and {10 * cpu / 3600:.1f} processor hours for ten."
        )
    head = ["stage", "size", "wall s", "processor s", "most GiB", "times the processor s of × 1"]
    return f"{when(part)}\n\n{_table(head, rows)}\n\nPlans are proved within {gaps} of the best.{radio}"
