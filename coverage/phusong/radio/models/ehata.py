"""The extended Hata model on every pixel: each receiver's own profile, its surroundings by what stands there."""

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.radio.ehata import ENVIRONMENT_CODES, loss, loss_on_profile
from phusong.radio.fan import SIDES, fan_slopes, foot, trace
from phusong.radio.itm.surface import free_space_db
from phusong.radio.itm.variability import deviate
from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain
from phusong.radio.models.surroundings import ENVIRONMENTS, environment_of, window_of

__all__ = ["EHATA"]

_KIND = np.array([ENVIRONMENT_CODES[name] for name in ENVIRONMENTS])
_LIMITED = True  # ridges far from the receiver give no gain, as in NTIA's present code


def _window(
    terrain: Terrain, mast: Mast, ghz: npt.NDArray[np.float64], conditions: Conditions
) -> npt.NDArray[np.float32]:
    radius = mast.radius_px(terrain.cell_m)
    cover = window_of(terrain.surface - terrain.ground, mast, terrain.cell_m, 0.0)
    out: npt.NDArray[np.float32] = _sweep(
        terrain.ground, _KIND[environment_of(cover)], mast.row_f, mast.col_f, terrain.cell_m, radius,
        mast.radius_m / terrain.cell_m, fan_slopes(radius), mast.tx_height_m, mast.rx_height_m, ghz * 1000.0,
        deviate(conditions.location_percent / 100.0),
    )  # fmt: skip
    return out


@nb.njit(cache=True, nogil=True)
def _sweep(  # type: ignore[no-untyped-def]
    ground, kind, row_f, col_f, cell_m, radius_px, reach_px, slopes, tx_height_m, rx_height_m, mhz, location
):
    side_px = 2 * radius_px + 1
    out = np.full((mhz.size, side_px, side_px), np.nan, np.float32)
    row_c, col_c = int(np.rint(row_f)), int(np.rint(col_f))
    if row_c < 0 or col_c < 0 or row_c >= ground.shape[0] or col_c >= ground.shape[1]:
        return out
    n_max = radius_px + 4
    h, px, back, work = np.empty(n_max), np.empty(n_max), np.empty(n_max), np.empty(n_max)
    rx_row, rx_col, after = np.empty(n_max, np.int64), np.empty(n_max, np.int64), np.empty(n_max, np.int64)
    sea = np.empty(n_max, np.bool_)
    foot_m = foot(ground, row_f, col_f)
    for side in range(SIDES):
        for ray in range(slopes.size):
            _, m = trace(
                side, ray, slopes, ground, row_f, col_f, radius_px, reach_px, h, px, rx_row, rx_col, after
            )
            for k in range(m):
                # the model reads from the mobile at equal steps: those of the ray, stretched to end there
                n = after[k] + 1
                back[0], back[n] = ground[rx_row[k], rx_col[k]], foot_m
                for i in range(1, n):
                    back[i] = h[n - i]
                for i in range(n + 1):
                    sea[i] = back[i] == 0.0
                metres = px[k] * cell_m
                drop = foot_m + tx_height_m - back[0] - rx_height_m
                slant = np.sqrt(metres * metres + drop * drop)
                r, c = rx_row[k] - row_c + radius_px, rx_col[k] - col_c + radius_px
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
