"""Units in which users' files state what a column holds, and how they become the column's own."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

__all__ = ["UNITS", "convert"]

Floats = npt.NDArray[np.float64]


def _times(factor: float) -> Callable[[Floats], Floats]:
    return lambda values: values * factor


def _decibels(offset_db: float) -> Callable[[Floats], Floats]:
    return lambda watts: 10.0 * np.log10(watts) + offset_db


UNITS: Mapping[str, Mapping[str, Callable[[Floats], Floats]]] = {
    "m": {
        "ft": _times(0.3048),
        "km": _times(1000.0),
        "cm": _times(0.01),
        "dm": _times(0.1),
        "mm": _times(0.001),
    },
    "km": {"m": _times(0.001), "mi": _times(1.609344), "ft": _times(0.0003048)},
    "km²": {"m2": _times(1e-6), "ha": _times(0.01), "mi2": _times(1.609344**2)},
    "kW": {"W": _times(0.001), "MW": _times(1000.0)},
    "dBm": {"W": _decibels(30.0), "mW": _decibels(0.0), "kW": _decibels(60.0), "dBW": lambda v: v + 30.0},
    "MHz": {"GHz": _times(1000.0), "kHz": _times(0.001), "Hz": _times(1e-6)},
    "GHz": {"MHz": _times(0.001)},
    "dB": {"Np": _times(20.0 / np.log(10.0))},
    "Mbit/s": {"Gbit/s": _times(1000.0), "kbit/s": _times(0.001)},
    "h": {"min": _times(1 / 60), "s": _times(1 / 3600), "day": _times(24.0)},
    "share": {"%": _times(0.01)},
    "°": {"rad": _times(180.0 / np.pi)},
    "people": {"thousand": _times(1000.0)},
}
"""For each unit of the schema, the units that may be given instead."""


def convert(values: Floats, unit: str, given: str) -> Floats:
    """Return values in the schema's unit.

    Parameters
    ----------
    values : ndarray, [given]
        Any shape.
    unit, given : str
        The schema's unit and the file's; the same one changes nothing.

    Examples
    --------
    >>> convert(np.array([100.0]), "m", "ft"), convert(np.array([20.0]), "dBm", "W").round(2)
    (array([30.48]), array([43.01]))
    """
    if unit == given:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        # what cannot be converted (no power in decibels) is not finite, and refused by row later
        return UNITS[unit][given](values)
