"""The picture of the laws: a panel an axis, each measurement with the law fitted to it."""

from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmark_scale_laws import NOISE_MIB, Law, laws_of

__all__ = ["draw"]

_TIME, _MEMORY = "#0072B2", "#D55E00"  # told apart by the colour-blind, and by their marks


def draw(part: dict[str, Any], folder: Path) -> None:
    """Write scale.svg and scale.png."""
    import matplotlib as mpl  # noqa: PLC0415 - only the picture needs it

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "phusong"
    import matplotlib.pyplot as plt  # noqa: PLC0415

    axes = part["axes"]
    rows = -(-len(axes) // 3)
    fig, panels = plt.subplots(rows, 3, figsize=(13, 3.9 * rows), layout="constrained", squeeze=False)
    for panel in panels.flat[len(axes) :]:
        panel.set_axis_off()
    for (name, axis), panel in zip(axes.items(), panels.flat, strict=False):
        points = axis["points"]
        spent, memory = laws_of(axis)
        beside = panel.twinx()
        sizes = [p["size"] for p in points]
        for p in points:
            panel.plot([p["size"]] * len(p["cpu_s"]), p["cpu_s"], "_", color=_TIME, ms=9, alpha=0.6)
        _series(panel, sizes, [median(p["cpu_s"]) for p in points], spent, _TIME, "o", "-")
        above = [p for p in points if p["mib"] >= NOISE_MIB]
        _series(beside, [p["size"] for p in above], [p["mib"] for p in above], memory, _MEMORY, "s", "--")
        if not above:
            beside.set(yscale="log", ylim=(NOISE_MIB, 100 * NOISE_MIB))
        panel.set_xlabel(axis["unit"])
        panel.set_ylabel("processor time, s", color=_TIME)
        beside.set_ylabel("memory, MiB", color=_MEMORY)
        panel.set_title(
            f"{name}: {axis['work']}\n{_told('time', spent, 's')}\n{_told('memory', memory, 'MiB')}",
            fontsize=8.5,
        )
    m = part["machine"]
    fig.suptitle(
        "How processor time (●, left) and memory (■, right) grow with a country\n"
        f"phusong, scripts/benchmarks/benchmark_scale.py; measured {m['date']} on {m['cores']} cores, {m['gib']:.0f} GiB, "
        f"other processes took {m['others']:.0%} of the cores\n– single runs, ● their median; "
        f"memory below {NOISE_MIB:.0f} MiB left out",
        fontsize=10.5,
    )
    for end in ("png", "svg"):
        fig.savefig(folder / f"scale.{end}", dpi=130, metadata={"Date": None} if end == "svg" else None)
    plt.close(fig)


def _series(
    panel: Any, sizes: list[float], values: list[float], law: Law | None, colour: str, mark: str, style: str  # noqa: ANN401
) -> None:  # fmt: skip
    panel.set(xscale="log", yscale="log")
    panel.tick_params(axis="y", colors=colour, which="both")
    if not sizes:
        return
    panel.plot(sizes, values, mark, color=colour, ms=5.5)
    panel.set_ylim(min(values) / 2.5, max(values) * 2.5)
    if law is not None:
        line = np.geomspace(law.first, law.last, 60)
        panel.plot(line, [law(x) for x in line], style, color=colour, lw=1.3)


def _told(what: str, law: Law | None, unit: str) -> str:
    if law is None:
        return f"{what}: no law, too few sizes above the noise"
    shown = f"{what} = {law.fixed:.2g} {unit} + c·n^{law.exponent:.2f} ({law.low:.2f}–{law.high:.2f})"
    return shown if law.known else f"{shown}: not known"
