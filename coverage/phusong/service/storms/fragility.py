"""How likely gusts break what stands in them: lognormal curves of geodata/fragility.csv."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from phusong.errors import InputError, Problem, nearest_name
from phusong.region.facts import table

__all__ = ["Fragility", "curves", "fragility", "log_survival"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fragility:
    """One row of geodata/fragility.csv.

    Parameters
    ----------
    asset : str
        Key.
    median_gust_ms, dispersion : float
        Gust (3 s, 10 m) at which one in two breaks, and the standard deviation of its logarithm.
    count : float
        Things that can break a unit (an asset, or a kilometre of it), times the share that stands in the wind.
    repair_median_h, repair_dispersion : float
        Time of one crew to mend it: lognormal.
    """

    asset: str
    median_gust_ms: float
    dispersion: float
    count: float
    repair_median_h: float
    repair_dispersion: float

    def probability(self, gust_ms: Floats, units: Floats | float = 1.0) -> Floats:
        """Return the probability that at least one of them breaks.

        Parameters
        ----------
        gust_ms : ndarray
            Strongest gust.
        units : ndarray or float
            Assets, or kilometres.
        """
        return np.asarray(-np.expm1(units * self.count * self.log_survival(gust_ms)))

    def log_survival(self, gust_ms: Floats) -> Floats:
        """Return the logarithm of the probability that one stands: ln(1 - Φ(ln(g/median)/dispersion))."""
        return log_survival(gust_ms, self.median_gust_ms, self.dispersion)


def log_survival(gust_ms: Floats, median_ms: Floats | float, dispersion: Floats | float) -> Floats:
    """Return ln(1 - Φ(ln(gust/median)/dispersion)); 0 without wind.

    Examples
    --------
    >>> np.exp(log_survival(np.array([0.0, 50.0]), 50.0, 0.3))
    array([1. , 0.5])
    """
    with np.errstate(divide="ignore"):
        z = np.log(np.asarray(gust_ms, np.float64) / median_ms) / dispersion
    return np.asarray(log_ndtr(-z))


@cache
def curves() -> dict[str, Fragility]:
    """Return every curve by the key of its asset."""
    rows = table("fragility")
    return {
        str(r["asset"]): Fragility(
            str(r["asset"]),
            float(r["median_gust_ms"]),
            float(r["dispersion"]),
            float(r["count_per_unit"]) * float(r["exposed_share"]),
            float(r["repair_median_h"]),
            float(r["repair_dispersion"]),
        )
        for r in rows.to_dict("records")
    }


def fragility(asset: str) -> Fragility:
    """Return the curve of one kind of asset.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> float(fragility("tower").probability(np.array(72.0)).round(3))
    0.5
    """
    known = curves()
    if asset not in known:
        raise InputError(
            Problem("fragility.csv", f"has no such asset{nearest_name(asset, known)}", value=asset)
        )
    return known[asset]
