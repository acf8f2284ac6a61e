"""NTIA extended Hata.

Okumura's curves are met where he printed them: three points of each, joined by a parabola in the logarithm.

Hata's formula after Okumura, carried to 3 GHz and beyond 20 km, with his corrections for the ground: effective heights,
rolling hills, general slope, an isolated ridge, sea along the way. The fit is of 1.5 to 3 GHz; NTIA used it at 3.5.

References
----------
E. Drocella and others, "3.5 GHz Exclusion Zone Analyses and Methodology", NTIA Technical Report TR-15-517 (2015),
appendix A; Y. Okumura and others, "Field Strength and Its Variability in VHF and UHF Land-Mobile Radio Service" (1968).
"""

import math

import numpy as np
import numpy.typing as npt

from phusong.compute.kernels import nb
from phusong.errors import InputError, Problem, refuse
from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain
from phusong.radio.models.empirical import ENVIRONMENTS, Environment, environment_of, window_of
from phusong.radio.models.itm_terms import curvature, deviate, fit, free_space_db, surface_refractivity
from phusong.radio.ranges import GROUND_M, RANGES, checked
from phusong.radio.terrain_profile import SIDES, Fan, fan_slopes, foot, receivers, trace

__all__ = [
    "EHATA",
    "ENVIRONMENT_CODES",
    "RURAL",
    "SUBURBAN",
    "URBAN",
    "Environment",
    "effective_heights",
    "environment_of_nlcd",
    "fine_rolling",
    "general_slope",
    "isolated_ridge",
    "location_sd_db",
    "loss",
    "loss_on_profile",
    "median_loss",
    "median_rolling",
    "mixed_path",
    "mobile_slope_mrad",
    "ridge",
    "sea_share",
    "undulation",
]

_MEDIAN_LEAST_M, _FINE_LEAST_M = 15.0, 10.0  # flatter ground counts as this flat, or as flat altogether

# isolated ridge of 200 m: rows by distance base station to ridge, columns ridge to mobile, whole km
_RIDGE_KM = np.array([15.0, 30.0, 60.0])
_RIDGE = np.array(
    [
        [4.0, -13.0, -17.5, -17.5, -15.0, -12.5, -10.0, -8.0, -6.0],
        [12.0, -8.5, -13.0, -12.0, -10.0, -8.0, -6.5, -5.0, -4.0],
        [20.0, -4.0, -6.5, -6.0, -4.5, -3.5, -2.5, -2.0, -1.0],
    ]
)
_RIDGE_M = 200.0
_SHADOW_KM = 2.0  # so far behind a ridge there is no more gain by it

# general slope: dB a milliradian at these path lengths, ground falling or rising towards the mobile
_FALLING_KM, _FALLING = np.array([10.0, 30.0]), np.array([0.25, 0.8])
_RISING_KM, _RISING = np.array([10.0, 30.0, 60.0]), np.array([0.125, 0.35, 0.6])

# mixed paths: sea share of the path, correction with the sea at the base station's end and at the mobile's
_SEA_30 = np.array([0.0, 0.15, 0.35, 0.45, 0.6, 0.65, 0.725, 0.775, 0.85, 1.0])
_BASE_30 = np.array([0.0, 1.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0])
_MOBILE_30 = np.array([0.0, 4.0, 5.5, 7.0, 8.5, 9.0, 9.5, 9.8, 10.25, 11.0])
_SEA_60 = np.array([0.0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.725, 0.85, 0.9, 1.0])
_BASE_60 = np.array([0.0, 2.0, 4.0, 5.5, 7.0, 9.0, 11.0, 13.0, 14.0, 15.0])
_MOBILE_60 = np.array([0.0, 4.25, 6.25, 9.2, 10.5, 11.75, 13.0, 14.0, 14.25, 15.0])


@nb.njit(cache=True, nogil=True)
def median_rolling(delta_h):  # type: ignore[no-untyped-def]
    """Return the correction of rolling hilly ground, by its undulation Δh in m."""
    log = math.log10(max(delta_h, _MEDIAN_LEAST_M))
    return -1.5072013 + log * (8.458676 - 6.102538 * log)


@nb.njit(cache=True, nogil=True)
def fine_rolling(delta_h, ground, top, middle, low):  # type: ignore[no-untyped-def]
    """Return what a mobile high or low on its hill gains or loses; heights in m as `undulation` gives them."""
    if delta_h < _FINE_LEAST_M:
        return 0.0
    log = math.log10(delta_h)
    most = -11.728795 + log * (15.544272 - 1.8154766 * log)
    if ground >= top:
        return most
    if ground <= low:
        return -most
    if ground >= middle:
        return most * (ground - middle) / (top - middle)
    return -most * (middle - ground) / (middle - low)


@nb.njit(cache=True, nogil=True)
def general_slope(slope_mrad, km):  # type: ignore[no-untyped-def]
    """Return the correction of the ground's general slope at the mobile on a path of a length."""
    if slope_mrad <= 0.0:
        return slope_mrad * np.interp(km, _FALLING_KM, _FALLING)
    return slope_mrad * np.interp(km, _RISING_KM, _RISING)


@nb.njit(cache=True, nogil=True)
def isolated_ridge(base_km, mobile_km, height, limited):  # type: ignore[no-untyped-def]
    """Return the correction of one ridge of a height (m) between the ends.

    Okumura's curves are carried straight on outside 15 to 60 km and beyond 8 km; `limited` holds them there.
    """
    row = 1 if base_km >= _RIDGE_KM[1] else 0
    col = 0
    while col < _RIDGE.shape[1] - 2 and mobile_km > col + 1:
        col += 1
    along = mobile_km - col
    lower = _RIDGE[row, col] + (_RIDGE[row, col + 1] - _RIDGE[row, col]) * along
    upper = _RIDGE[row + 1, col] + (_RIDGE[row + 1, col + 1] - _RIDGE[row + 1, col]) * along
    share = (base_km - _RIDGE_KM[row]) / (_RIDGE_KM[row + 1] - _RIDGE_KM[row])
    if limited:
        share = min(max(share, 0.0), 1.0)
    gain = lower + (upper - lower) * share
    if limited and mobile_km > _SHADOW_KM:
        gain = min(gain, 0.0)
    return math.sqrt(height / _RIDGE_M) * gain


@nb.njit(cache=True, nogil=True)
def mixed_path(share, side, km):  # type: ignore[no-untyped-def]
    """Return the correction of a path partly over sea: its share, 1 if most lies at the mobile, 0 if not, ½ even."""
    if share == 0.0:
        return 0.0
    short = (1.0 - side) * np.interp(share, _SEA_30, _BASE_30) + side * np.interp(share, _SEA_30, _MOBILE_30)
    far = (1.0 - side) * np.interp(share, _SEA_60, _BASE_60) + side * np.interp(share, _SEA_60, _MOBILE_60)
    return short + (far - short) * min(max((km - 30.0) / 30.0, 0.0), 1.0)


URBAN, SUBURBAN, RURAL = 0, 1, 2

_LIGHT_M_S = 299_792_458.0
_KM_M = 1000.0


def _parabola(x: list[float], y: list[float]) -> tuple[float, float, float]:
    """Coefficients of 1, log x and log² x through three points."""
    a, b, c = np.linalg.solve(np.vander(np.log10(x), 3, increasing=True), y).tolist()
    return a, b, c


# basic median attenuation relative to free space, antennas 200 m and 3 m above ground. [MHz -> dB]
_MHZ = [1500.0, 2000.0, 3000.0]
_AT_1_KM = _parabola(_MHZ, [22.0, 23.5, 25.85])
_AT_100_KM = _parabola(_MHZ, [63.5, 65.75, 69.5])
# what suburbs and open land lose less than towns
_SUBURBAN_LESS = _parabola(_MHZ, [11.5, 12.4, 14.0])
_RURAL_LESS = (40.94, -18.33, 4.78)
# half the power by which loss grows with distance beyond 20 km, by the base station's height. [m]
_HALF_POWER = _parabola([24.5, 70.0, 200.0], [2.5, 3.0, 3.22])
_BASE_REFERENCE_M, _MOBILE_REFERENCE_M = 200.0, 3.0
# standard deviation between locations in towns, by frequency; suburbs and open land add 2 dB
_SD = (4.0976291, -1.2255656, 0.68350345)
_SD_RURAL_DB = 2.0


@nb.njit(cache=True, nogil=True)
def _at(coefficients, x):  # type: ignore[no-untyped-def]
    log = math.log10(x)
    return coefficients[0] + log * (coefficients[1] + log * coefficients[2])


@nb.njit(cache=True, nogil=True)
def _base_gain(height):  # type: ignore[no-untyped-def]
    return 13.82 * math.log10(height)


@nb.njit(cache=True, nogil=True)
def _mobile_gain(height):  # type: ignore[no-untyped-def]
    return 3.2 * math.log10(11.75 * height) ** 2 - 4.97


@nb.njit(cache=True, nogil=True)
def median_loss(f, base, mobile, km, environment):  # type: ignore[no-untyped-def]
    """Return the median basic transmission loss. [dB]

    Parameters
    ----------
    f : float
        Frequency. [MHz]
    base, mobile : float
        Effective antenna heights, 30 to 200 and 1 to 10. [m]
    km : float
        Path length.
    environment : int
        :data:`URBAN`, :data:`SUBURBAN` or :data:`RURAL`.
    """
    near, far = _at(_AT_1_KM, f), _at(_AT_100_KM, f)
    gains = _base_gain(_BASE_REFERENCE_M) + _mobile_gain(_MOBILE_REFERENCE_M)
    gains -= _base_gain(base) + _mobile_gain(mobile)
    wave = 4.0 * math.pi * f * 1e6 / _LIGHT_M_S
    near_power = 0.1 * (44.9 - 6.55 * math.log10(base))
    far_power = 2.0 * _at(_HALF_POWER, base)
    # where the two powers of distance meet
    turn = 10.0 ** ((2.0 * (far_power - 2.0) + 0.1 * (near - far)) / (far_power - near_power))
    if km <= turn:
        slant = math.hypot(_KM_M, _BASE_REFERENCE_M - _MOBILE_REFERENCE_M)
        urban = near + gains + 20.0 * math.log10(wave * slant) + 10.0 * near_power * math.log10(km)
    else:
        slant = math.hypot(_KM_M * km, base - mobile)
        urban = (
            far + gains + 20.0 * math.log10(wave * slant) + 10.0 * (far_power - 2.0) * (math.log10(km) - 2.0)
        )
    if environment == SUBURBAN:
        return urban - _at(_SUBURBAN_LESS, f)
    if environment == RURAL:
        return urban - _at(_RURAL_LESS, f)
    return urban


@nb.njit(cache=True, nogil=True)
def location_sd_db(f, environment):  # type: ignore[no-untyped-def]
    """Return the standard deviation of loss between locations; frequency in MHz. [dB]"""
    sd = _at(_SD, f)
    return sd if environment == URBAN else sd + _SD_RURAL_DB


_NEAR_KM, _FAR_KM = 3.0, 15.0  # ground between these distances sets an antenna's effective height
_UNDULATION_KM = 10.0
_SHORTEST_FIT_M, _LONGEST_FIT_M, _FIT_STEP_M = 5000.0, 10000.0, 1000.0
_SEA_LEVEL_N = 301.0


@nb.njit(cache=True, nogil=True)
def _mean(h, first, last):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(first, last + 1):
        total += h[i]
    return total / (last - first + 1)


@nb.njit(cache=True, nogil=True)
def effective_heights(h, n, step, mobile, base):  # type: ignore[no-untyped-def]
    """Return the heights of mobile and base over the ground 3 to 15 km away; their own below 3 km. [m]"""
    step_km = step * 0.001
    km = n * step_km
    if km < _NEAR_KM:
        return mobile, base
    near, far, weight = int(_NEAR_KM / step_km), n, 1.0
    if km <= _FAR_KM:
        weight = (km - _NEAR_KM) / (_FAR_KM - _NEAR_KM)
    else:
        far = int(_FAR_KM / step_km)
    return (
        mobile + weight * (h[0] - _mean(h, near, far)),
        base + weight * (h[n] - _mean(h, n - far, n - near)),
    )


@nb.njit(cache=True, nogil=True)
def undulation(h, n, step, work):  # type: ignore[no-untyped-def]
    """Return the heights that 10, 50 and 90 % of the ground near the mobile exceed, and first less last (Δh). [m]

    The last 10 km count; of a shorter path all, and the values are those expected of 10 km.
    """
    step_km = step * 0.001
    km = n * step_km
    count = (n if km < _UNDULATION_KM else int(_UNDULATION_KM / step_km)) + 1
    for i in range(count):
        work[i] = -h[i]
    work[:count].sort()
    top = -work[max(int(0.1 * count - 1.0), 0)]
    middle = -work[max(int(0.5 * count - 1.0), 0)]
    low = -work[max(int(0.9 * count - 1.0), 0)]
    grown = 1.0
    if km < _UNDULATION_KM:
        grown = (1.0 - 0.8 * math.exp(-0.02 * _UNDULATION_KM)) / (1.0 - 0.8 * math.exp(-0.02 * km))
    return top * grown, middle * grown, low * grown, (top - low) * grown


@nb.njit(cache=True, nogil=True)
def mobile_slope_mrad(h, n, step):  # type: ignore[no-untyped-def]
    """Return the ground's general slope at the mobile: falling towards the base station is positive. [mrad]"""
    metres = n * step
    steepest, flattest, at_five = -1e31, 1e31, 0.0
    reach = _SHORTEST_FIT_M
    while metres >= reach and reach <= _LONGEST_FIT_M:
        first, last = fit(h, int(reach / step), step, 0.0, reach)
        slope = -1000.0 * (last - first) / reach
        steepest, flattest = max(steepest, slope), min(flattest, slope)
        if reach == _SHORTEST_FIT_M:
            at_five = slope
        reach += _FIT_STEP_M
    # no clear direction, or hardly a path
    if metres <= _SHORTEST_FIT_M or steepest * flattest < 0.0:
        return at_five
    return steepest if steepest >= 0.0 else flattest


@nb.njit(cache=True, nogil=True)
def sea_share(sea, n):  # type: ignore[no-untyped-def]
    """Return the share of points over sea, and how much of it lies towards the mobile: 1, 0, or ½ if balanced."""
    near, far = 0, 0
    for i in range(n + 1):
        if sea[i]:
            if i < n // 2:
                near += 1
            else:
                far += 1
    side = 0.5 if near == far else (1.0 if near > far else 0.0)
    return (near + far) / (n + 1), side


@nb.njit(cache=True, nogil=True)
def ridge(h, n, step, mobile, base):  # type: ignore[no-untyped-def]
    """Return how far the one horizon of both ends is from mobile and base (-1: there are two), and how high. [m]"""
    metres = n * step
    gamma = curvature(surface_refractivity(_SEA_LEVEL_N, _mean(h, 0, n)))
    bulge = 0.5 * gamma
    low, high = h[0] + mobile, h[n] + base
    up_1, up_2 = (high - low) / metres - bulge * metres, (low - high) / metres - bulge * metres
    far_1, far_2 = metres, metres
    x_1, x_2 = 0.0, metres
    # distances are summed as in NTIA's code: their rounding decides at which point it reads the ridge's height
    for i in range(1, n):
        x_1 += step
        x_2 -= step
        rise = h[i] - (bulge * x_1 + up_1) * x_1 - low
        if rise > 0.0:
            up_1 += rise / x_1
            far_1 = x_1
        # the base station's horizon lies behind the mobile's first one, never before it
        if far_1 < metres:
            rise = h[i] - (bulge * x_2 + up_2) * x_2 - high
            if rise > 0.0:
                up_2 += rise / x_2
                far_2 = x_2
    if abs(metres - far_1 - far_2) > 0.5 * step:
        return -1.0, -1.0, 0.0
    # each end's height counts with the distance to its own horizon: so NTIA has it
    over = h[int(far_1 / step)] - (high * far_2 + low * far_1) / metres + bulge * far_1 * far_2
    return far_1, far_2, max(over, 0.0)


ENVIRONMENT_CODES: dict[str, int] = {"urban": URBAN, "suburban": SUBURBAN, "rural": RURAL}

# legend of the NLCD, 2001 to 2021, with Alaska's own classes
_NLCD = (11, 12, 21, 22, 23, 24, 31, 41, 42, 43, 51, 52, 71, 72, 73, 74, 81, 82, 90, 95)
_BASE_M, _MOBILE_M = (30.0, 200.0), (1.0, 10.0)  # effective heights are held to what Okumura measured


@checked("ehata")
def environment_of_nlcd(code: int) -> Environment:
    """Return what eHata takes a class of the US National Land Cover Database for.

    23 and 24, developed with medium and high intensity, are urban; 22, with low intensity, is suburban; all others
    are rural.
    """
    if code not in _NLCD:
        told = f"is no class of the National Land Cover Database: {', '.join(map(str, _NLCD))}"
        raise InputError(Problem("ehata", told, column="code", value=code))
    if code in (23, 24):
        return "urban"
    return "suburban" if code == 22 else "rural"


@checked("ehata", yes_no=("sea",))
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
    wet = heights == 0.0 if sea is None else np.asarray(sea)
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
    if (
        heights.ndim != 1
        or heights.size < 2
        or not ((heights >= GROUND_M[0]) & (heights <= GROUND_M[1])).all()
    ):
        told = f"must be at least 2 heights from {GROUND_M[0]:g} to {GROUND_M[1]:g} m"
        problems.append(Problem("ehata", told, column="height_m"))
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


_KIND = np.array([ENVIRONMENT_CODES[name] for name in ENVIRONMENTS])
_LIMITED = True  # ridges far from the receiver give no gain, as in NTIA's present code


def _window(
    terrain: Terrain, mast: Mast, ghz: npt.NDArray[np.float64], conditions: Conditions
) -> npt.NDArray[np.float32]:
    radius = mast.radius_px(terrain.cell_m)
    cover = window_of(terrain.surface - terrain.ground, mast, terrain.cell_m, 0.0)
    fan = Fan(mast.row_f, mast.col_f, radius, mast.radius_m / terrain.cell_m, fan_slopes(radius))
    out: npt.NDArray[np.float32] = _sweep(
        terrain.ground, _KIND[environment_of(cover)], fan, terrain.cell_m, mast.tx_height_m, mast.rx_height_m,
        ghz * 1000.0, deviate(conditions.location_percent / 100.0),
    )  # fmt: skip
    return out


@nb.njit(cache=True, nogil=True)
def _sweep(ground, kind, fan, cell_m, tx_height_m, rx_height_m, mhz, location):  # type: ignore[no-untyped-def]
    row_f, col_f, radius_px = fan.row_f, fan.col_f, fan.radius_px
    side_px = 2 * radius_px + 1
    out = np.full((mhz.size, side_px, side_px), np.nan, np.float32)
    row_c, col_c = int(np.rint(row_f)), int(np.rint(col_f))
    if row_c < 0 or col_c < 0 or row_c >= ground.shape[0] or col_c >= ground.shape[1]:
        return out
    n_max = radius_px + 4
    h, back, work, rx = np.empty(n_max), np.empty(n_max), np.empty(n_max), receivers(n_max)
    sea = np.empty(n_max, np.bool_)
    foot_m = foot(ground, row_f, col_f)
    for side in range(SIDES):
        for ray in range(fan.slopes.size):
            _, m = trace(side, ray, fan, ground, h, rx)
            for k in range(m):
                # the model reads from the mobile at equal steps: those of the ray, stretched to end there
                n = rx.after[k] + 1
                back[0], back[n] = ground[rx.row[k], rx.col[k]], foot_m
                for i in range(1, n):
                    back[i] = h[n - i]
                for i in range(n + 1):
                    sea[i] = back[i] == 0.0
                metres = rx.px[k] * cell_m
                drop = foot_m + tx_height_m - back[0] - rx_height_m
                slant = np.sqrt(metres * metres + drop * drop)
                r, c = rx.row[k] - row_c + radius_px, rx.col[k] - col_c + radius_px
                for f in range(mhz.size):
                    lost = loss_on_profile(
                        back, sea, n, metres / n, mhz[f], tx_height_m, rx_height_m, kind[r, c], location,
                        _LIMITED, work,
                    )  # fmt: skip
                    out[f, r, c] = max(lost, free_space_db(mhz[f], slant))
    drop = foot_m + tx_height_m - ground[row_c, col_c] - rx_height_m
    slant = np.hypot(max(np.hypot(row_c - row_f, col_c - col_f), 0.25) * cell_m, drop)
    for f in range(mhz.size):
        out[f, radius_px, radius_px] = free_space_db(mhz[f], slant)
    return out


def _path(
    profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
) -> float:
    metres = float(profile.distance_km[-1]) * 1000.0
    lost = loss(
        profile.ground_m[::-1],
        metres / (profile.ground_m.size - 1),
        frequency_mhz=frequency_ghz * 1000.0,
        base_height_m=tx_height_m,
        mobile_height_m=rx_height_m,
        environment=ENVIRONMENTS[int(environment_of(profile.clutter_m[-1]))],
        location_percent=conditions.location_percent,
        ridge_limits=_LIMITED,
    )
    drop_m = float(profile.ground_m[0] - profile.ground_m[-1]) + tx_height_m - rx_height_m
    return max(lost, float(free_space_db(frequency_ghz * 1000.0, float(np.hypot(metres, drop_m)))))


EHATA = Model(
    "ehata",
    _window,
    _path,
    "NTIA TR-15-517, appendix A (extended Hata)",
    reads_cover=True,
)
