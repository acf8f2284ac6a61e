"""What people ask of the network in the busy hour, and how often it gives them the rate they want."""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

__all__ = ["busy_hour_mbps", "busy_hours_with_rate", "grown"]

Floats = npt.NDArray[np.float64]

_DAYS_MONTH = 365.25 / 12.0
_MBIT_GB = 8000.0
_LEAST_SPREAD = 1e-6  # below it every busy hour is the mean one


def busy_hour_mbps(*, take_up: float, gb_month: float, busy_hour_share: float) -> float:
    """Return the mean busy-hour traffic of one inhabitant. [Mbit/s]

    Parameters
    ----------
    take_up : float
        Share of inhabitants who use mobile internet.
    gb_month : float
        Traffic of one user. [GB a month]
    busy_hour_share : float
        Share of a day's traffic that falls into its busiest hour.

    Examples
    --------
    >>> round(busy_hour_mbps(take_up=0.5, gb_month=10.0, busy_hour_share=0.07), 5)
    0.02555
    """
    mbit_day = take_up * gb_month * _MBIT_GB / _DAYS_MONTH
    return mbit_day * busy_hour_share / 3600.0


def grown(mbps: float, *, growth_year: float, years: float) -> float:
    """Return traffic after some years of growth. [Mbit/s]

    Examples
    --------
    >>> round(grown(0.02, growth_year=0.2, years=5), 4)
    0.0498
    """
    return float(mbps * (1.0 + growth_year) ** years)


def busy_hours_with_rate(load: Floats, peak_mbps: Floats, *, target_mbps: float, spread: float) -> Floats:
    """Return the share of busy hours in which a user who asks for data gets the target rate.

    Parameters
    ----------
    load : ndarray
        Mean busy-hour share of the resources in use.
    peak_mbps : ndarray
        Rate of one user alone. [Mbit/s]
    target_mbps : float
        Rate that a user wants. [Mbit/s]
    spread : float
        Standard deviation of the logarithm of a busy hour's load about its mean, over the year.

    Notes
    -----
    Users share a cell as a processor-sharing queue: at load ρ one gets peak · (1 - ρ) on average, so the target is
    met while ρ ≤ 1 - target / peak. Loads of busy hours are lognormal with the given mean.

    References
    ----------
    Kleinrock, Queueing Systems II (1976), section 4.4 (processor sharing).
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        most = 1.0 - target_mbps / peak_mbps
        margin = np.log(most) - np.log(load) + spread**2 / 2.0
    reachable = most > 0.0
    calm = reachable & (load <= 0.0)
    inside = np.where(reachable & ~calm, margin, 0.0)
    share = ndtr(inside / spread) if spread > _LEAST_SPREAD else (inside >= 0).astype(np.float64)
    return np.asarray(np.where(calm, 1.0, np.where(reachable, share, 0.0)), np.float64)
