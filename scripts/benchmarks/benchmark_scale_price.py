"""What a country costs on rented machines, from a measured run of one, with the arithmetic shown."""

from math import log10
from typing import Any

from benchmark_scale_laws import laws_of
from benchmark_scale_measure import when

__all__ = ["priced"]

_STAGE_AXES = {"radio": "cells", "service": "power, backhaul", "access": "elements", "invest": "candidates"}
_SHARED_STAGE = "radio"  # the one whose work any number of cores share
_MACHINES = ((2, 1.0), (16, 0.6))  # cores, and the share of them that the shared stage keeps busy
_SIZES = (("a tenth of Việt Nam", 0.1), ("Việt Nam", 1.0), ("ten of it", 10.0))

Found = dict[str, Any]


def growth(found: Found, stage: str) -> tuple[float, str]:
    """Return the exponent by which a stage grows from one country to ten, and where it comes from."""
    runs = found.get("ten", {}).get("steps", {}).get(stage, {})
    fitting = [float(factor) for factor, run in runs.items() if "cpu_s" in run]
    if "1" in runs and max(fitting, default=1.0) > 1:
        most = max(fitting)
        times = runs[f"{most:g}"]["cpu_s"] / runs["1"]["cpu_s"]
        return max(log10(times) / log10(most), 1.0), f"measured on {most:g} countries"
    axis = found.get("laws", {}).get("axes", {}).get(_STAGE_AXES.get(stage, ""))
    law = laws_of(axis)[0] if axis else None
    if law is None or not law.known:
        return 1.0, "assumed"
    return max(law.exponent, 1.0), "law"


def priced(found: Found) -> str:
    """Return the table of hours and prices, and the sums behind it."""
    country = found.get("country")
    if country is None:
        return "*Not priced yet: a country must be measured first (`--country`).*"
    usd = found["usd_per_core_hour"]
    exponents = {stage: growth(found, stage) for stage in country["wall_s"]}
    rows, sums = [], []
    for name, times in _SIZES:
        wall = {s: w * times ** exponents[s][0] for s, w in country["wall_s"].items()}
        shared_core_s = country["cpu_s"][_SHARED_STAGE] * times ** exponents[_SHARED_STAGE][0]
        rest = sum(wall.values()) - wall[_SHARED_STAGE]
        gib = max(country["mib"].values()) / 1024 * times
        for cores, busy in _MACHINES:
            # the machine it was measured on shows its own wall time
            shared = wall[_SHARED_STAGE] if cores == _MACHINES[0][0] else shared_core_s / (cores * busy)
            hours = (shared + rest) / 3600
            rows.append(
                f"| {name} | {round(country['counts']['sites'] * times):,} | {cores} | {hours:.2f} | {gib:.1f} "
                f"| {hours * cores * usd:.2f} |"
            )
            if times == 1.0:
                part = f"{shared:.0f} s" if cores == _MACHINES[0][0] else (
                    f"{shared_core_s:.0f} processor s / ({cores} × {busy:.0%})"
                )  # fmt: skip
                sums.append(
                    f"{cores} cores: ({part} for radio + {rest:.0f} s for the rest) / 3,600 = {hours:.3f} h; "
                    f"× {cores} cores × {usd} USD = {hours * cores * usd:.3f} USD"
                )
    used = ", ".join(f"{stage} {k:.2f} ({where})" for stage, (k, where) in exponents.items())
    head = "| country | sites | cores | hours | GiB | USD |\n| --- | --- | --- | --- | --- | --- |\n"
    return (
        f"From the country above. {when(country)}\n\n" + head + "\n".join(rows) + "\n\nThe sums for one Việt Nam: " + ". ".join(sums)
        + f".\n\nCarried on to other sizes by n^k, with k: {used}; memory in proportion to the size. "
        f"**Assumed, not quoted or measured:** {usd} USD a core-hour; on {_MACHINES[1][0]} cores the radio stage keeps "
        f"{_MACHINES[1][1]:.0%} of them busy and the other stages take as long as on {_MACHINES[0][0]}."
    )  # fmt: skip
