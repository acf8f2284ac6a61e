"""The extended Hata model (eHata) of NTIA's Institute for Telecommunication Sciences, on one terrain profile.

Hata's formula after Okumura, carried to 3 GHz and beyond 20 km, with his corrections for the ground: effective heights,
rolling hills, general slope, an isolated ridge, sea along the way. The fit is of 1.5 to 3 GHz; NTIA used it at 3.5.

References
----------
E. Drocella and others, "3.5 GHz Exclusion Zone Analyses and Methodology", NTIA Technical Report TR-15-517 (2015),
appendix A; Y. Okumura and others, "Field Strength and Its Variability in VHF and UHF Land-Mobile Radio Service" (1968).
"""

import numpy as np
import numpy.typing as npt

from phusong.errors import Problem, refuse
from phusong.kernel_cache import nb
from phusong.radio.ehata.corrections import (
    fine_rolling,
    general_slope,
    isolated_ridge,
    median_rolling,
    mixed_path,
)
from phusong.radio.ehata.median import RURAL, SUBURBAN, URBAN, location_sd_db, median_loss
from phusong.radio.ehata.terrain import effective_heights, mobile_slope_mrad, ridge, sea_share, undulation
from phusong.radio.itm.variability import deviate
from phusong.radio.okumura_hata import Environment
from phusong.radio.ranges import RANGES

__all__ = ["ENVIRONMENT_CODES", "Environment", "environment_of_nlcd", "loss", "loss_on_profile"]

ENVIRONMENT_CODES: dict[str, int] = {"urban": URBAN, "suburban": SUBURBAN, "rural": RURAL}

_BASE_M, _MOBILE_M = (30.0, 200.0), (1.0, 10.0)  # effective heights are held to what Okumura measured


def environment_of_nlcd(code: int) -> Environment:
    """Return what eHata takes a class of the US National Land Cover Database for.

    23 and 24, developed with medium and high intensity, are urban; 22, with low intensity, is suburban; all others
    are rural.
    """
    if code in (23, 24):
        return "urban"
    return "suburban" if code == 22 else "rural"


def loss(
    height_m: npt.ArrayLike,
    step_m: float,
    *,
    frequency_mhz: float,
    base_height_m: float,
    mobile_height_m: float,
    environment: Environment = "urban",
    location_percent: float = 50.0,
    sea: npt.ArrayLike | None = None,
    ridge_limits: bool = False,
) -> float:
    """Return the basic transmission loss on one profile. [dB]

    Parameters
    ----------
    height_m : array_like, shape (n,)
        Ground above sea level at equal steps, from the mobile to the base station. [m]
    step_m : float
        Distance between two points.
    frequency_mhz : float
        100 to 6,000; the fit is of 1,500 to 3,000.
    base_height_m, mobile_height_m : float
        Antennas above ground, 0 to 3,000. Effective heights are held to 30-200 m and 1-10 m.
    environment : str
        ``urban``, ``suburban`` or ``rural``; :func:`environment_of_nlcd` translates land cover.
    location_percent : float
        Share of locations at which the loss is not exceeded, 0.01 to 99.99.
    sea : array_like of bool, shape (n,), optional
        Which points are sea; those at height 0 when left out, as in NTIA's code.
    ridge_limits : bool
        Whether the correction of an isolated ridge ends where Okumura's curves end, as in NTIA's present code, rather
        than being carried straight on, as in the published cases: up to 0.8 dB apart there, tens of dB for a ridge
        more than 10 km from the mobile.

    Raises
    ------
    InputError
        Listing every argument outside its range.
    """
    heights = np.asarray(height_m, np.float64)
    wet = heights == 0.0 if sea is None else np.asarray(sea, bool)
    ranges = {
        "step_m": (step_m, 1e-3, 1e6),
    }
    problems = [
        *RANGES["ehata"].problems(
            "ehata",
            frequency_mhz=frequency_mhz,
            base_height_m=base_height_m,
            mobile_height_m=mobile_height_m,
            location_percent=location_percent,
        ),
    ]
    problems += [
        Problem("ehata", f"must be from {low:g} to {high:g}", column=name, value=value)
        for name, (value, low, high) in ranges.items()
        if not low <= value <= high
    ]
    if heights.ndim != 1 or heights.size < 2 or not np.isfinite(heights).all():
        problems.append(Problem("ehata", "must be at least 2 finite heights", column="height_m"))
    elif wet.shape != heights.shape:
        problems.append(Problem("ehata", "must be as long as height_m", column="sea", value=wet.shape))
    if environment not in ENVIRONMENT_CODES:
        known = ", ".join(ENVIRONMENT_CODES)
        problems.append(Problem("ehata", f"must be one of {known}", column="environment", value=environment))
    refuse(problems)
    return float(
        loss_on_profile(
            heights, wet, heights.size - 1, float(step_m), float(frequency_mhz), float(base_height_m),
            float(mobile_height_m), ENVIRONMENT_CODES[environment], deviate(location_percent / 100.0), ridge_limits,
            np.empty(heights.size),
        )
    )  # fmt: skip


@nb.njit(cache=True, nogil=True)
def loss_on_profile(  # type: ignore[no-untyped-def]
    h, sea, n, step, f, base, mobile, environment, location, ridge_limits, work
):
    """Return the loss on points 0 to n of a profile; arguments as for :func:`loss`, checked before."""
    km = n * step * 0.001
    mobile_eff, base_eff = effective_heights(h, n, step, mobile, base)
    mobile_eff = min(max(mobile_eff, _MOBILE_M[0]), _MOBILE_M[1])
    base_eff = min(max(base_eff, _BASE_M[0]), _BASE_M[1])
    total = median_loss(f, base_eff, mobile_eff, km, environment)
    if location != 0.0:
        total -= location * location_sd_db(f, environment)
    share, side = sea_share(sea, n)
    total -= mixed_path(share, side, km)
    mobile_far, base_far, over = ridge(h, n, step, mobile, base)
    if mobile_far >= 0.0:
        return total - isolated_ridge(base_far * 0.001, mobile_far * 0.001, over, ridge_limits)
    top, middle, low, delta_h = undulation(h, n, step, work)
    return (
        total
        - median_rolling(delta_h)
        - fine_rolling(delta_h, h[0], top, middle, low)
        - general_slope(mobile_slope_mrad(h, n, step), km)
    )
