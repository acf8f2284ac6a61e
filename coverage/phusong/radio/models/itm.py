"""The Irregular Terrain Model on every pixel: a cross-check, one profile at a time."""

import numpy as np
import numpy.typing as npt

from phusong.errors import Problem, refuse
from phusong.kernel_cache import nb
from phusong.radio.fan import SIDES, fan_slopes, foot, trace
from phusong.radio.itm import loss_on_profile, point_to_point
from phusong.radio.itm.limits import LIMITS, refuse_internal
from phusong.radio.itm.surface import surface_refractivity
from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain
from phusong.radio.p1812.mechanisms import inverse_normal

__all__ = ["ITM"]

# average ground, as NTIA's examples have it
_PERMITTIVITY, _CONDUCTIVITY_S_M = 15.0, 0.005
_AVERAGE_GROUND = 1.0 + 0.0j  # more real than imaginary at any frequency of the range
_BROADCAST_ALL_SITUATIONS = 3
_LEAST_POINTS = 3


def _window(
    terrain: Terrain, mast: Mast, ghz: npt.NDArray[np.float64], conditions: Conditions
) -> npt.NDArray[np.float32]:
    n0 = conditions.n0
    low, high = LIMITS["n0"]
    refuse(
        []
        if low <= n0 <= high
        else [Problem("itm", f"must be from {low:g} to {high:g}", column="n0", value=n0)]
    )
    # a path's middle lies between the lowest and the highest ground
    for height_m in (float(terrain.ground.min()), float(terrain.ground.max())):
        refuse_internal(float(surface_refractivity(n0, height_m)), _AVERAGE_GROUND)
    radius = mast.radius_px(terrain.cell_m)
    shares = (conditions.time_percent, conditions.location_percent, 50.0)
    deviates = np.array([inverse_normal(p / 100.0) for p in shares])
    loss: npt.NDArray[np.float32] = _sweep(
        terrain.ground, mast.row_f, mast.col_f, terrain.cell_m, radius, mast.radius_m / terrain.cell_m,
        fan_slopes(radius), mast.tx_height_m, mast.rx_height_m, ghz * 1000.0, conditions.horizontal,
        conditions.climate, n0, deviates,
    )  # fmt: skip
    return loss


@nb.njit(cache=True, nogil=True)
def _sweep(  # type: ignore[no-untyped-def]
    ground, row_f, col_f, cell_m, radius_px, reach_px, slopes, tx_height_m, rx_height_m, mhz, horizontal, climate,
    n0, deviates,
):  # fmt: skip
    side_px = 2 * radius_px + 1
    loss = np.full((mhz.size, side_px, side_px), np.nan, np.float32)
    row_c, col_c = int(np.rint(row_f)), int(np.rint(col_f))
    if row_c < 0 or col_c < 0 or row_c >= ground.shape[0] or col_c >= ground.shape[1]:
        return loss
    n_max = radius_px + _LEAST_POINTS + 2
    h, px = np.empty(n_max), np.empty(n_max)
    rx_row, rx_col, after = np.empty(n_max, np.int64), np.empty(n_max, np.int64), np.empty(n_max, np.int64)
    work, work2 = np.empty(260), np.empty(260)
    foot_m = foot(ground, row_f, col_f)
    for side in range(SIDES):
        for ray in range(slopes.size):
            _, m = trace(
                side, ray, slopes, ground, row_f, col_f, radius_px, reach_px, h, px, rx_row, rx_col, after
            )
            h[0] = foot_m
            for k in range(m):
                # the model wants equal steps: those of the ray, stretched to end at the receiver
                last = after[k] + 1
                kept = h[last]
                h[last] = ground[rx_row[k], rx_col[k]]
                for f in range(mhz.size):
                    loss[f, rx_row[k] - row_c + radius_px, rx_col[k] - col_c + radius_px] = loss_on_profile(
                        h, last, px[k] * cell_m / last, tx_height_m, rx_height_m, mhz[f], horizontal, climate, n0,
                        _PERMITTIVITY, _CONDUCTIVITY_S_M, deviates, _BROADCAST_ALL_SITUATIONS, work, work2,
                    )  # fmt: skip
                h[last] = kept
    km = max(np.hypot(row_c - row_f, col_c - col_f), 0.25) * cell_m / 1000.0
    for f in range(mhz.size):
        loss[f, radius_px, radius_px] = 32.45 + 20.0 * np.log10(mhz[f]) + 20.0 * np.log10(km)
    return loss


def _path(
    profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
) -> float:
    return point_to_point(
        profile.ground_m,
        float(profile.distance_km[-1]) * 1000.0 / (profile.ground_m.size - 1),
        frequency_mhz=frequency_ghz * 1000.0,
        tx_height_m=tx_height_m,
        rx_height_m=rx_height_m,
        horizontal=conditions.horizontal,
        climate=conditions.climate,
        n0=conditions.n0,
        permittivity=_PERMITTIVITY,
        conductivity_s_m=_CONDUCTIVITY_S_M,
        time_percent=conditions.time_percent,
        location_percent=conditions.location_percent,
        variability=_BROADCAST_ALL_SITUATIONS,
    )


ITM = Model("itm", _window, _path, "Longley-Rice, ITS Irregular Terrain Model 1.2.2")
