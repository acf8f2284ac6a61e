"""The model beside public facts: coverage of people and land, stations, villages without signal, outages."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import uniform_filter

from phusong.region.facts import fact
from phusong.region.store import Region

__all__ = ["Heard", "calibrate", "village_signal"]

_HALL_M = 400.0  # the clusters of a village lie about this far round its hall
_RESIDENTS = 101.3e6
_WHITE_SHARE = 0.3
_HOLLOW_SHARE = 0.85


@dataclass(frozen=True)
class Heard:
    """What the calibration looks at.

    Parameters
    ----------
    region : Region
        The layers.
    rsrp_dbm : ndarray, on the grid
        Best server; NaN where nothing is heard. [dBm]
    land : ndarray of bool, on the grid
        Pixels of the communes.
    station_ids : ndarray of str
        ``site_id/operator``.
    """

    region: Region
    rsrp_dbm: npt.NDArray[np.float32]
    land: npt.NDArray[np.bool_]
    station_ids: npt.NDArray[np.str_]


def village_signal(heard: Heard) -> gpd.GeoDataFrame:
    """Return the settlements with `white` (no signal at hall and clusters) and `hollow` (partial).

    The press counts villages, not area: the hall is the village's point, the clusters the people within 400 m.
    White: no signal at the hall, nor for more than three in ten of them. Hollow: for less than 85 %.
    """
    region = heard.region
    grid = region.grid
    covered = np.isfinite(heard.rsrp_dbm)
    people = np.zeros(grid.shape)
    people[region.demand["row"], region.demand["col"]] = region.demand["population"]
    size = max(1, int(_HALL_M / grid.cell_m)) * 2 + 1
    reached = uniform_filter(people * covered, size, mode="constant")
    around = uniform_filter(people, size, mode="constant")
    out = region.settlements.copy()
    row, col = grid.rowcol(out.geometry.x, out.geometry.y)
    row, col = np.clip(row, 0, grid.height - 1), np.clip(col, 0, grid.width - 1)
    share = np.where(
        around[row, col] > 1e-9, reached[row, col] / np.maximum(around[row, col], 1e-9), covered[row, col]
    )
    hall = covered[row, col]
    white = ~hall & (share < _WHITE_SHARE)
    out["signal_share"] = np.clip(share, 0.0, 1.0)
    out["white"] = white
    out["hollow"] = ~white & ((share < _HOLLOW_SHARE) | ~hall)
    return out


def calibrate(heard: Heard, settlements: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return model and facts side by side: what, fact, model, unit, source, note."""
    region = heard.region
    covered = np.isfinite(heard.rsrp_dbm)
    people = region.demand["population"].to_numpy(np.float64)
    on = covered[region.demand["row"], region.demand["col"]]
    national = len(set(region.communes["province"])) >= 30
    scope = "" if national else "the fact is national; this region may differ"
    rows = [
        _row(
            "people inside coverage",
            fact("coverage_people").value,
            float(people[on].sum() / people.sum()),
            "share",
            "coverage_people",
            scope,
        ),
        _row(
            "land inside coverage",
            fact("coverage_land").value,
            float(covered[heard.land].mean()),
            "share",
            "coverage_land",
            scope,
        ),
    ]
    stations = heard.station_ids.size
    share = people.sum() / 113_571_926.0
    for key in ("stations_4g_low", "stations_4g_high"):
        note = (
            "the national figure in proportion to registered people"
            if not national
            else "two sources disagree"
        )
        rows.append(_row("4G stations", fact(key).value * share, float(stations), "stations", key, note))
    owners = pd.Series([s.rsplit("/", 1)[1] for s in heard.station_ids]).value_counts(normalize=True)
    for name, part in owners.sort_index().items():
        rows.append(
            {
                "what": f"stations of {name}",
                "fact": np.nan,
                "model": float(part),
                "unit": "share",
                "source": "no public figure",
                "note": "",
            }
        )
    if set(region.communes["province"]) == {"Tuyên Quang"}:
        white = settlements["white"].to_numpy(bool)
        off_grid = (
            white & ~settlements["on_grid"].to_numpy(bool) if "on_grid" in settlements else white & False
        )
        rows += [
            _row(
                "villages",
                fact("villages_tuyen_quang").value,
                float(len(settlements)),
                "villages",
                "villages_tuyen_quang",
                "",
            ),
            _row(
                "villages with no signal",
                fact("villages_white").value,
                float(white.sum()),
                "villages",
                "villages_white",
                "hall and clusters",
            ),
            _row(
                "villages partly covered",
                fact("villages_hollow").value,
                float(settlements["hollow"].sum()),
                "villages",
                "villages_hollow",
                "",
            ),
            _row(
                "villages with no signal and off the grid",
                fact("villages_white_off_grid").value,
                float(off_grid.sum()),
                "villages",
                "villages_white_off_grid",
                "",
            ),
        ]
    hours = _grid_minutes(region)
    rows.append(
        _row(
            "minutes a year without mains at a village's transformer",
            fact("saidi_min").value,
            hours,
            "minutes a year",
            "saidi_min",
            "remote communes: 1.5 to 4 times the national mean (assumed)",
        )
    )
    return pd.DataFrame(rows, columns=["what", "fact", "model", "unit", "source", "note"])


def _row(what: str, value: float, model: float, unit: str, key: str, note: str) -> dict[str, object]:
    known = fact(key)
    return {
        "what": what,
        "fact": float(value),
        "model": model,
        "unit": unit,
        "source": f"{known.source} ({known.as_of}, {known.sureness})",
        "note": note,
    }


def _grid_minutes(region: Region) -> float:
    """Return the mean outage of a transformer by itself and by everything above it. [minutes a year]"""
    nodes = region.power_nodes["node_id"].to_numpy(str)
    at = {name: k for k, name in enumerate(nodes.tolist())}
    hours = (region.power_nodes["saifi"] * region.power_nodes["caidi_h"]).to_numpy(np.float64)
    lines = region.power_lines
    above = np.full(nodes.size, -1, np.int64)
    lost = hours.copy()
    for upper, lower, km, rate, repair in zip(
        lines["from_id"],
        lines["to_id"],
        lines["length_km"],
        lines["failures_per_km_year"],
        lines["repair_h"],
        strict=True,
    ):
        if upper in at and lower in at:
            above[at[lower]] = at[upper]
            lost[at[lower]] += km * rate * repair
    total = lost.copy()
    up = above.copy()
    for _ in range(nodes.size):
        on = up >= 0
        if not on.any():
            break
        total[on] += lost[up[on]]
        up[on] = above[up[on]]
    served = (region.power_nodes["kind"] == "transformer").to_numpy()
    return float(total[served].mean() * 60.0) if served.any() else float("nan")
