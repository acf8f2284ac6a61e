"""3GPP TR 38.901."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.radio.models.empirical import by_distance, free_space_loss
from phusong.radio.ranges import RANGES, checked

__all__ = [
    "RMA",
    "RMA_TERRAIN",
    "SCENARIOS",
    "UMA",
    "los_probability",
    "loss",
    "mean_loss",
    "rural_macro_loss",
    "rural_macro_loss_in_sight",
    "urban_macro_loss",
]


_C_M_S = 3.0e8  # the table's own speed of light
_BUILDING_M = 5.0  # h, average building height in RMa
_STREET_M = 20.0  # W, average street width in RMa
_SHORTEST_M = 0.1


@checked("tr38901", yes_no=("los",))
def loss(
    scenario: str,
    *,
    distance_m: npt.ArrayLike,
    frequency_ghz: float,
    bs_height_m: float,
    ut_height_m: float,
    los: npt.ArrayLike,
) -> Floats:
    """Return the median path loss. [dB]

    Parameters
    ----------
    scenario : str
        ``RMa``, ``UMa`` or ``UMi``.
    distance_m : array_like
        2-D distance between base station and terminal. [m]
    frequency_ghz, bs_height_m, ut_height_m : float
        Carrier frequency and antenna heights above ground.
    los : bool or array_like of bool
        Whether there is line of sight.

    Raises
    ------
    InputError
        For an unknown scenario, and listing every distance, frequency or height without an answer.

    Notes
    -----
    The table holds for 0.5 to 100 GHz (RMa to 30), refused outside, and for 10 m to 10 km (RMa in sight; 5 km otherwise),
    base stations of 10 to 150 m (RMa), 25 m (UMa) and 10 m (UMi), and terminals of 1 to 10 m (RMa) or 1.5 to 22.5 m;
    outside these the formulas are carried on as they stand. In UMa the effective environment is 1 m high, as for terminals below 13 m, at any height.

    References
    ----------
    3GPP TR 38.901 V17.0.0, table 7.4.1-1 and its notes 1 and 5.
    """
    formula = _formula(scenario)
    given = {"frequency_ghz": frequency_ghz, "bs_height_m": bs_height_m, "ut_height_m": ut_height_m}
    distance = np.asarray(distance_m, np.float64)
    refuse(RANGES[scenario.lower()].problems("tr38901", **given, **_ends(distance)))
    sight = np.asarray(los)
    if not _broadcast(distance, sight):
        told = f"must be one value, or one for each distance: shapes {sight.shape} and {distance.shape}"
        raise InputError(Problem("tr38901", told, column="los"))
    slant = np.hypot(distance, bs_height_m - ut_height_m)
    clear, blocked = formula(distance, slant, frequency_ghz, bs_height_m, ut_height_m)
    return np.asarray(np.where(sight, clear, np.maximum(clear, blocked)))


@checked("tr38901")
def mean_loss(
    scenario: str, *, distance_m: npt.ArrayLike, frequency_ghz: float, bs_height_m: float, ut_height_m: float
) -> Floats:
    """Return the loss averaged over line of sight and not, by how probable each is. [dB]

    Parameters are those of :func:`loss`; the terrain plays no part.
    """
    given = {"frequency_ghz": frequency_ghz, "bs_height_m": bs_height_m, "ut_height_m": ut_height_m}
    clear, blocked = (loss(scenario, distance_m=distance_m, los=los, **given) for los in (True, False))
    share = los_probability(scenario, distance_m=distance_m, ut_height_m=ut_height_m)
    return np.asarray(share * clear + (1.0 - share) * blocked)


@checked("tr38901")
def los_probability(scenario: str, *, distance_m: npt.ArrayLike, ut_height_m: float = 1.5) -> Floats:
    """Return the probability of line of sight (table 7.4.2-1), terminals outdoors.

    Parameters
    ----------
    scenario : str
        ``RMa``, ``UMa`` or ``UMi``.
    distance_m : array_like
        2-D distance. [m]
    ut_height_m : float
        Terminal height; above 13 m it raises the probability in UMa. [m]
    """
    _formula(scenario)
    distance = np.asarray(distance_m, np.float64)
    refuse(RANGES[scenario.lower()].problems("tr38901", ut_height_m=ut_height_m, **_ends(distance, 0.0)))
    d = np.maximum(distance, 1e-9)
    if scenario == "RMa":
        return np.asarray(np.where(d <= 10.0, 1.0, np.exp(-(d - 10.0) / 1000.0)))
    reach = 36.0 if scenario == "UMi" else 63.0
    p = 18.0 / d + np.exp(-d / reach) * (1.0 - 18.0 / d)
    if scenario == "UMa" and ut_height_m > 13.0:
        c = ((min(ut_height_m, 23.0) - 13.0) / 10.0) ** 1.5
        p = p * (1.0 + c * 1.25 * (d / 100.0) ** 3 * np.exp(-d / 150.0))
    return np.asarray(np.where(d <= 18.0, 1.0, np.minimum(p, 1.0)))


def _broadcast(*arrays: npt.NDArray[np.generic]) -> bool:
    try:
        np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        return False
    return True


def _ends(distance: Floats, shortest_m: float = _SHORTEST_M) -> dict[str, float]:
    """Return the distance that is likeliest to have no answer: no number, else the shortest, else the longest."""
    if distance.size == 0:
        return {}
    if not np.isfinite(distance).all():
        return {"distance_m": float("nan")}
    if distance.min() < shortest_m:
        return {"distance_m": float(distance.min())}
    return {"distance_m": max(float(distance.max()), _SHORTEST_M)}


def _formula(scenario: str) -> Callable[..., tuple[Floats, Floats]]:
    if scenario not in SCENARIOS:
        raise InputError(
            Problem(
                "tr38901",
                f"is not one of {', '.join(SCENARIOS)}{nearest_name(scenario, SCENARIOS)}",
                value=scenario,
            )
        )
    return SCENARIOS[scenario]


def _rma(d2: Floats, d3: Floats, f: float, bs: float, ut: float) -> tuple[Floats, Floats]:
    h, w = _BUILDING_M, _STREET_M
    breakpoint_m = 2.0 * np.pi * bs * ut * f * 1e9 / _C_M_S

    def near(d: Floats | float) -> Floats:
        first = 20.0 * np.log10(40.0 * np.pi * np.asarray(d) * f / 3.0)
        bend = min(0.03 * h**1.72, 10.0) * np.log10(d) - min(0.044 * h**1.72, 14.77)
        return np.asarray(first + bend + 0.002 * np.log10(h) * np.asarray(d))

    beyond = near(breakpoint_m) + 40.0 * np.log10(d3 / breakpoint_m)
    clear = np.where(d2 <= breakpoint_m, near(d3), beyond)
    blocked = (
        161.04
        - 7.1 * np.log10(w)
        + 7.5 * np.log10(h)
        - (24.37 - 3.7 * (h / bs) ** 2) * np.log10(bs)
        + (43.42 - 3.1 * np.log10(bs)) * (np.log10(d3) - 3.0)
        + 20.0 * np.log10(f)
        - (3.2 * np.log10(11.75 * ut) ** 2 - 4.97)
    )
    return np.asarray(clear), np.asarray(blocked)


def _uma(d2: Floats, d3: Floats, f: float, bs: float, ut: float) -> tuple[Floats, Floats]:
    breakpoint_m = 4.0 * (bs - 1.0) * max(ut - 1.0, 1e-3) * f * 1e9 / _C_M_S
    near = 28.0 + 22.0 * np.log10(d3) + 20.0 * np.log10(f)
    beyond = (
        28.0 + 40.0 * np.log10(d3) + 20.0 * np.log10(f) - 9.0 * np.log10(breakpoint_m**2 + (bs - ut) ** 2)
    )
    clear = np.where(d2 <= breakpoint_m, near, beyond)
    blocked = 13.54 + 39.08 * np.log10(d3) + 20.0 * np.log10(f) - 0.6 * (ut - 1.5)
    return np.asarray(clear), np.asarray(blocked)


def _umi(d2: Floats, d3: Floats, f: float, bs: float, ut: float) -> tuple[Floats, Floats]:
    breakpoint_m = 4.0 * (bs - 1.0) * max(ut - 1.0, 1e-3) * f * 1e9 / _C_M_S
    near = 32.4 + 21.0 * np.log10(d3) + 20.0 * np.log10(f)
    beyond = (
        32.4 + 40.0 * np.log10(d3) + 20.0 * np.log10(f) - 9.5 * np.log10(breakpoint_m**2 + (bs - ut) ** 2)
    )
    clear = np.where(d2 <= breakpoint_m, near, beyond)
    blocked = 35.3 * np.log10(d3) + 22.4 + 21.3 * np.log10(f) - 0.3 * (ut - 1.5)
    return np.asarray(clear), np.asarray(blocked)


SCENARIOS: dict[str, Callable[..., tuple[Floats, Floats]]] = {"RMa": _rma, "UMa": _uma, "UMi": _umi}


_RMA_NEAREST_M, _BASE_M, _RMA_MOBILE_M = 10.0, (10.0, 150.0), (1.0, 10.0)  # the table's range of validity


def rural_macro_loss(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float
) -> npt.NDArray[np.float64]:
    """Return the mean of TR 38.901 RMa over line of sight and not, never below free space. [dB]

    Heights are held to the table's range of validity (base station 10 to 150 m, terminal 1 to 10 m).
    """
    mean_db = mean_loss(
        "RMa",
        distance_m=np.maximum(np.asarray(distance_m, np.float64), _RMA_NEAREST_M),
        frequency_ghz=frequency_ghz,
        bs_height_m=float(np.clip(tx_height_m, *_BASE_M)),
        ut_height_m=float(np.clip(rx_height_m, *_RMA_MOBILE_M)),
    )
    return _at_least_free(mean_db, distance_m, frequency_ghz, tx_height_m, rx_height_m)


def rural_macro_loss_in_sight(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float
) -> npt.NDArray[np.float64]:
    """Return the line-of-sight loss of TR 38.901 RMa, never below free space; heights as above. [dB]"""
    in_sight_db = loss(
        "RMa",
        distance_m=np.maximum(np.asarray(distance_m, np.float64), _RMA_NEAREST_M),
        frequency_ghz=frequency_ghz,
        bs_height_m=float(np.clip(tx_height_m, *_BASE_M)),
        ut_height_m=float(np.clip(rx_height_m, *_RMA_MOBILE_M)),
        los=True,
    )
    return _at_least_free(in_sight_db, distance_m, frequency_ghz, tx_height_m, rx_height_m)


def _at_least_free(
    loss_db: npt.NDArray[np.float64], distance_m: npt.ArrayLike, ghz: float, tx_m: float, rx_m: float
) -> npt.NDArray[np.float64]:
    free = free_space_loss(distance_m, frequency_ghz=ghz, tx_height_m=tx_m, rx_height_m=rx_m)
    return np.asarray(np.maximum(loss_db, free))


RMA = by_distance(
    "rma",
    rural_macro_loss,
    "3GPP TR 38.901 V17, tables 7.4.1-1 and 7.4.2-1 (RMa)",
    over_terrain=False,
)
RMA_TERRAIN = by_distance(
    "rma_terrain",
    rural_macro_loss_in_sight,
    "3GPP TR 38.901 V17, table 7.4.1-1 (RMa in sight), or free space with ITU-R P.526-15 where that loses more",
    over_terrain=True,
)


_UMA_NEAREST_M, _LOWEST_BASE_M, _UMA_MOBILE_M = 10.0, 10.0, (1.5, 22.5)


def urban_macro_loss(
    distance_m: npt.ArrayLike, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float
) -> npt.NDArray[np.float64]:
    """Return the mean of TR 38.901 UMa over line of sight and not, never below free space. [dB]

    The terminal's height is held to the table's range (1.5 to 22.5 m); the base station's, 25 m there, is taken as it
    is from 10 m up.
    """
    mean_db = mean_loss(
        "UMa",
        distance_m=np.maximum(np.asarray(distance_m, np.float64), _UMA_NEAREST_M),
        frequency_ghz=frequency_ghz,
        bs_height_m=max(tx_height_m, _LOWEST_BASE_M),
        ut_height_m=float(np.clip(rx_height_m, *_UMA_MOBILE_M)),
    )
    free = free_space_loss(
        distance_m, frequency_ghz=frequency_ghz, tx_height_m=tx_height_m, rx_height_m=rx_height_m
    )
    return np.asarray(np.maximum(mean_db, free))


UMA = by_distance(
    "uma",
    urban_macro_loss,
    "3GPP TR 38.901 V17, tables 7.4.1-1 and 7.4.2-1 (UMa)",
    over_terrain=False,
)
