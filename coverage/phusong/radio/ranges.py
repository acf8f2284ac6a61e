"""For what each propagation model holds: one row a model, read by the Python functions, the sweeps and the commands.

Two limits for each quantity. Outside `refused` there is no answer. Between it and `stated` the formula is carried on,
or the value held to the range, as the source allows or its users do; whoever asks is told.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Real

from phusong.errors import Problem

__all__ = ["COVER_M", "GROUND_M", "RANGES", "Range", "Reach"]

GROUND_M, COVER_M = (-12_000.0, 9_000.0), (0.0, 400.0)
"""Heights of a profile, from the floor of the deepest sea to Mount Everest, and of what stands on it."""


@dataclass(frozen=True)
class Reach:
    """Limits of one quantity.

    Parameters
    ----------
    refused : tuple of float
        Lowest and highest value with an answer.
    stated : tuple of float, optional
        What the source states or measured, where that is less.
    beyond : str
        What is done between the two.
    """

    refused: tuple[float, float]
    stated: tuple[float, float] | None = None
    beyond: str = "the formula is carried on"

    def answers(self, value: float) -> bool:
        """Return whether there is an answer for a value; never for one that is no number."""
        low, high = self.refused
        return low <= value <= high

    def covers(self, value: float) -> bool:
        """Return whether a value lies where the source itself has been."""
        low, high = self.stated or self.refused
        return low <= value <= high


# what no mobile network leaves, whatever the model
_ANY_KM, _ANY_HEIGHT_M, _ANY_PERCENT = (1e-4, 3000.0), (0.1, 3000.0), (0.01, 99.99)


def _heights(low: float, high: float, beyond: str = "it is held to the range") -> Reach:
    return Reach(_ANY_HEIGHT_M, (low, high), beyond)


@dataclass(frozen=True)
class Range:
    """For what one model holds.

    Parameters
    ----------
    source : str
        Where the source says so.
    frequency_ghz, distance_km, tx_height_m, rx_height_m : Reach
        Antenna heights above ground.
    time_percent, location_percent : Reach
        Shares of time and of places.
    """

    source: str
    frequency_ghz: Reach
    distance_km: Reach = field(default=Reach(_ANY_KM))
    tx_height_m: Reach = field(default=Reach(_ANY_HEIGHT_M))
    rx_height_m: Reach = field(default=Reach(_ANY_HEIGHT_M))
    time_percent: Reach = field(default=Reach(_ANY_PERCENT))
    location_percent: Reach = field(default=Reach(_ANY_PERCENT))

    def problems(self, where: str, **values: float) -> Iterator[Problem]:
        """Yield one problem for each value without an answer; names are those of the fields, or with another unit.

        ``frequency_mhz`` and ``distance_m`` are told in their own units.
        """
        for name, value in values.items():
            reach, scale = self._reach(name)
            if not reach.answers(_number(value) * scale):
                low, high = (f"{limit / scale:g}" for limit in reach.refused)
                yield Problem(
                    where, f"must be from {low} to {high} ({self.source})", column=name, value=value
                )

    def notices(self, where: str, **values: float) -> Iterator[str]:
        """Yield one sentence for each value beyond what the source states, saying what was done."""
        for name, value in values.items():
            reach, scale = self._reach(name)
            if reach.answers(value * scale) and not reach.covers(value * scale):
                low, high = (f"{limit / scale:g}" for limit in reach.stated or reach.refused)
                yield (
                    f"{where}: {name} {value:g} lies outside {low} to {high} ({self.source}); {reach.beyond}"
                )

    def _reach(self, name: str) -> tuple[Reach, float]:
        return {
            "frequency_ghz": (self.frequency_ghz, 1.0),
            "frequency_mhz": (self.frequency_ghz, 1e-3),
            "distance_km": (self.distance_km, 1.0),
            "distance_m": (self.distance_km, 1e-3),
            "radius_m": (self.distance_km, 1e-3),
            "tx_height_m": (self.tx_height_m, 1.0),
            "base_height_m": (self.tx_height_m, 1.0),
            "bs_height_m": (self.tx_height_m, 1.0),
            "rx_height_m": (self.rx_height_m, 1.0),
            "mobile_height_m": (self.rx_height_m, 1.0),
            "ut_height_m": (self.rx_height_m, 1.0),
            "time_percent": (self.time_percent, 1.0),
            "location_percent": (self.location_percent, 1.0),
        }[name]


def _number(value: object) -> float:
    """Return a value as a number; what is none has no answer."""
    return math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)


_RMA = Range(
    "3GPP TR 38.901 V17, table 7.4.1-1, RMa",
    Reach((0.5, 30.0)),
    Reach(_ANY_KM, (0.01, 10.0)),
    _heights(10.0, 150.0),
    _heights(1.0, 10.0),
)

RANGES: Mapping[str, Range] = {
    "free_space": Range("ITU-R P.525-4, section 2", Reach((0.03, 100.0))),
    "bullington": Range("ITU-R P.526-15, section 4.5.1", Reach((0.03, 100.0))),
    "p1812": Range(
        "ITU-R P.1812-7, section 1 and annex 1, table 1",
        Reach((0.03, 6.0)),
        Reach(_ANY_KM, (0.25, 3000.0)),
        time_percent=Reach((1.0, 50.0)),
        location_percent=Reach((1.0, 99.0)),
    ),
    "itm": Range(
        "NTIA, ITM: input parameters, errors and warnings",
        Reach((0.02, 20.0), (0.04, 10.0)),
        Reach((1e-4, 2000.0), (1.0, 1000.0)),
        Reach((0.5, 3000.0), (1.0, 1000.0), "the formula is carried on"),
        Reach((0.5, 3000.0), (1.0, 1000.0), "the formula is carried on"),
    ),
    "ehata": Range(
        "NTIA TR-15-517, appendix A",
        Reach((0.1, 6.0), (1.5, 3.0)),
        Reach(_ANY_KM, (1.0, 100.0)),
        Reach((0.0, 3000.0), (30.0, 200.0), "its effective height is held to the range"),
        Reach((0.0, 3000.0), (1.0, 10.0), "its effective height is held to the range"),
    ),
    "hata": Range(
        "Hata 1980, table I; COST 231 final report, section 4.4.1",
        Reach((0.15, 2.2), (0.15, 2.0)),
        Reach(_ANY_KM, (1.0, 20.0)),
        _heights(30.0, 200.0),
        _heights(1.0, 10.0),
    ),
    "rma": _RMA,
    "rma_terrain": _RMA,
    "uma": Range(
        "3GPP TR 38.901 V17, table 7.4.1-1, UMa",
        Reach((0.5, 100.0)),
        Reach(_ANY_KM, (0.01, 5.0)),
        Reach(_ANY_HEIGHT_M, (25.0, 25.0), "it is taken as it is from 10 m up"),
        _heights(1.5, 22.5),
    ),
    "umi": Range(
        "3GPP TR 38.901 V17, table 7.4.1-1, UMi",
        Reach((0.5, 100.0)),
        Reach(_ANY_KM, (0.01, 5.0)),
        Reach(_ANY_HEIGHT_M, (10.0, 10.0), "it is taken as it is"),
        Reach(_ANY_HEIGHT_M, (1.5, 22.5), "it is taken as it is"),
    ),
}
"""By the model's name; `umi` is a function of its own and no model."""
