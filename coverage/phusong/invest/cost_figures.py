"""Figures behind the prices: energy, and what steep ground and far places cost more."""

from functools import cache

import numpy as np
import numpy.typing as npt

from phusong.region.facts import table

__all__ = ["Span", "energy_figure", "multiplier", "slope_multiplier"]

Span = tuple[float, float, float]
"""Low, base, high."""


@cache
def _energy() -> dict[str, Span]:
    rows = table("energy").to_dict("records")
    return {str(r["key"]): (float(r["low"]), float(r["base"]), float(r["high"])) for r in rows}


@cache
def _multipliers() -> dict[str, tuple[tuple[float, float, Span], ...]]:
    out: dict[str, tuple[tuple[float, float, Span], ...]] = {}
    for r in table("terrain_multipliers").to_dict("records"):
        span = float(r["low"]), float(r["base"]), float(r["high"])
        name = str(r["kind"])
        out[name] = (*out.get(name, ()), (float(r["least"]), float(r["below"]), span))
    return out


def energy_figure(key: str) -> Span:
    """Return low, base and high of a line of geodata/energy.csv."""
    return _energy()[key]


def multiplier(kind: str, value: float) -> tuple[int, Span]:
    """Return the class that a value falls in, and its multipliers, by geodata/terrain_multipliers.csv.

    Parameters
    ----------
    kind : str
        `ground` (value: slope in degrees), `haul` or `fuel` (value: remoteness class).
    value : float
        Beyond the last class it counts as in the last.
    """
    rows = _multipliers()[kind]
    at = next((k for k, (_, below, _) in enumerate(rows) if value < below), len(rows) - 1)
    return at, rows[at][2]


def slope_multiplier(slope_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return what works on ground of these slopes cost over flat ground.

    Examples
    --------
    >>> slope_multiplier([2.0, 25.0]).tolist()
    [1.0, 1.28]
    """
    rows = _multipliers()["ground"]
    at = np.clip(
        np.digitize(np.asarray(slope_deg, np.float64), [least for least, _, _ in rows]) - 1, 0, len(rows) - 1
    )
    return np.asarray(np.array([span[1] for _, _, span in rows])[at], np.float64)
