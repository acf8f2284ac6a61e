"""How the atmosphere bends radio waves, by latitude."""

from dataclasses import dataclass

import numpy as np

from phusong.region.facts import table

__all__ = ["Refractivity", "refractivity"]


@dataclass(frozen=True)
class Refractivity:
    """Average annual refractivity.

    Parameters
    ----------
    n0 : float
        Sea-level surface refractivity. [N-units]
    delta_n : float
        Its fall through the lowest kilometre. [N-units/km]
    """

    n0: float
    delta_n: float

    @property
    def earth_km(self) -> float:
        """Return the median effective Earth radius, P.1812-7 equations (6), (7)."""
        return 6371.0 * 157.0 / (157.0 - self.delta_n)


def refractivity(latitude_deg: float) -> Refractivity:
    """Return the average annual refractivity at a latitude, interpolated in a small table.

    The table is computed from the reference atmospheres of ITU-R P.835-6; the ITU's own digital maps are finer
    but may not be shipped: give ``delta_n`` and ``n0`` from them where you have them.

    Examples
    --------
    >>> refractivity(21.0)
    Refractivity(n0=374.0, delta_n=52.1)
    """
    rows = table("refractivity")
    at = abs(latitude_deg)
    latitudes = rows["latitude_deg"].to_numpy(np.float64)
    return Refractivity(
        float(np.interp(at, latitudes, rows["n0"].to_numpy(np.float64))),
        float(np.interp(at, latitudes, rows["delta_n"].to_numpy(np.float64))),
    )
