"""Free space, Bullington, Okumura-Hata: distance-only and single-diffraction models."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Floats, Singles
from phusong.errors import Problem, refuse
from phusong.radio.models.base import (
    Conditions,
    Mast,
    Model,
    Profile,
    Terrain,
    bullington_on,
    free_space_loss,
)
from phusong.radio.ranges import RANGES, checked
from phusong.radio.terrain_profile import ENOUGH_RAYS, Fan, fan_slopes, foot, free_space_diffraction, sweep_nu

__all__ = [
    "BULLINGTON",
    "ENVIRONMENTS",
    "FREE_SPACE",
    "HATA",
    "City",
    "DistanceLoss",
    "Environment",
    "by_distance",
    "environment_of",
    "free_space_loss",
    "hata_loss",
    "mast_distance_m",
    "okumura_hata_loss",
    "window_of",
]


def _window(
    terrain: Terrain, mast: Mast, ghz: npt.NDArray[np.float64], conditions: Conditions
) -> npt.NDArray[np.float32]:
    radius, cell_km = mast.radius_px(terrain.cell_m), terrain.cell_m / 1000.0
    fan = Fan(mast.row_f, mast.col_f, radius, mast.radius_m / terrain.cell_m, fan_slopes(radius, ENOUGH_RAYS))
    nu = sweep_nu(
        terrain.surface, fan, cell_km, mast.tx_height_m, terrain.ground, mast.rx_height_m, conditions.earth_km
    )
    tx_m = foot(terrain.ground, mast.row_f, mast.col_f) + mast.tx_height_m
    loss: npt.NDArray[np.float32] = free_space_diffraction(
        nu, terrain.ground, mast.row_f, mast.col_f, cell_km, ghz, tx_m, mast.rx_height_m
    )
    return loss


def _path(
    profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
) -> float:
    drop_m = float(profile.ground_m[0] - profile.ground_m[-1]) + tx_height_m - rx_height_m
    free = free_space_loss(
        profile.distance_km[-1:] * 1000.0, frequency_ghz=frequency_ghz, tx_height_m=drop_m, rx_height_m=0.0
    )
    return float(free[0]) + bullington_on(
        profile, frequency_ghz, tx_height_m, rx_height_m, conditions.earth_km
    )


BULLINGTON = Model("bullington", _window, _path, "ITU-R P.525-4 and P.526-15, section 4.5.1")


Environment = Literal["urban", "suburban", "rural"]
City = Literal["small", "large"]

_ENVIRONMENTS, _CITIES = ("urban", "suburban", "rural"), ("small", "large")
_COST_231_MHZ = 1500.0  # from here on its intercept holds
_METROPOLITAN_DB = 3.0
_LARGE_CITY_MHZ = 300.0  # between Hata's two formulas for large cities


@checked("okumura_hata")
def okumura_hata_loss(
    distance_m: npt.ArrayLike,
    *,
    frequency_mhz: float,
    base_height_m: float,
    mobile_height_m: float,
    environment: Environment = "urban",
    city: City = "small",
) -> npt.NDArray[np.float64]:
    """Return the median basic transmission loss. [dB]

    Parameters
    ----------
    distance_m : array_like
        Above 0; measured from 1 to 20 km, nearer and farther the formula is carried on. [m]
    frequency_mhz : float
        150 to 2,200; above 1,500 by COST 231, whose range ends at 2,000.
    base_height_m, mobile_height_m : float
        Effective antenna heights, measured from 30 to 200 m and 1 to 10 m.
    environment : str
        ``urban``, ``suburban`` or ``rural`` (Hata's open area); the last two lose less, above 1,500 MHz too.
    city : str
        ``small`` or medium, or ``large``, with buildings of more than 15 m; COST 231 adds 3 dB in large ones.

    Raises
    ------
    InputError
        Listing every argument outside its range.

    References
    ----------
    M. Hata, "Empirical Formula for Propagation Loss in Land Mobile Radio Services", IEEE Transactions on Vehicular
    Technology 29 (1980); COST Action 231, final report (1999), section 4.4.1.

    Examples
    --------
    >>> round(float(okumura_hata_loss(2000, frequency_mhz=869, base_height_m=30, mobile_height_m=1, city="large")), 2)
    137.93
    """
    distance = np.asarray(distance_m, np.float64)
    words = {"environment": (environment, _ENVIRONMENTS), "city": (city, _CITIES)}
    refuse(
        [
            *RANGES["hata"].problems(
                "okumura_hata",
                frequency_mhz=frequency_mhz,
                base_height_m=base_height_m,
                mobile_height_m=mobile_height_m,
            )
        ]
        + [
            Problem("okumura_hata", f"must be one of {', '.join(known)}", column=name, value=value)
            for name, (value, known) in words.items()
            if value not in known
        ]
        + (
            []
            if np.all((distance > 0) & np.isfinite(distance))
            else [Problem("okumura_hata", "must be greater than 0, and finite", column="distance_m")]
        )
    )
    log_f, log_b = np.log10(frequency_mhz), np.log10(base_height_m)
    if frequency_mhz <= _COST_231_MHZ:
        start = 69.55 + 26.16 * log_f
    else:
        start = 46.3 + 33.9 * log_f + (_METROPOLITAN_DB if city == "large" else 0.0)
    gain = 13.82 * log_b + _mobile_gain_db(frequency_mhz, mobile_height_m, city)
    urban = start - gain + (44.9 - 6.55 * log_b) * np.log10(distance / 1000.0)
    if environment == "suburban":
        urban = urban - 2.0 * np.log10(frequency_mhz / 28.0) ** 2 - 5.4
    elif environment == "rural":
        urban = urban - 4.78 * log_f**2 + 18.33 * log_f - 40.94
    return np.asarray(urban)


def _mobile_gain_db(mhz: float, height_m: float, city: str) -> float:
    """Correction a(h_m) for the mobile's height."""
    if city == "small":
        log_f = np.log10(mhz)
        return float((1.1 * log_f - 0.7) * height_m - (1.56 * log_f - 0.8))
    if mhz < _LARGE_CITY_MHZ:
        return float(8.29 * np.log10(1.54 * height_m) ** 2 - 1.1)
    return float(3.2 * np.log10(11.75 * height_m) ** 2 - 4.97)


# open ground, houses and gardens, closed rows of houses
ENVIRONMENTS: tuple[Environment, ...] = ("rural", "suburban", "urban")
_SUBURBAN_M, _URBAN_M = 2.0, 6.0


def environment_of(cover_m: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the place in :data:`ENVIRONMENTS` by the height of what stands round a receiver. [m]

    Below 2 m rural, from 6 m urban, suburban between. Woods count as towns: the models measured none, and a phone
    under trees is as shaded as one between houses.
    """
    return np.asarray(np.digitize(np.asarray(cover_m), [_SUBURBAN_M, _URBAN_M]), np.int64)


def window_of(values: Singles, mast: Mast, cell_m: float, outside: float = np.nan) -> Singles:
    """Return the part of a raster that a mast's window covers; `outside` off the raster."""
    radius = mast.radius_px(cell_m)
    top, left = round(mast.row_f) - radius, round(mast.col_f) - radius
    out = np.full((2 * radius + 1, 2 * radius + 1), outside, np.float32)
    r0, r1 = max(top, 0), min(top + out.shape[0], values.shape[0])
    c0, c1 = max(left, 0), min(left + out.shape[1], values.shape[1])
    if r0 < r1 and c0 < c1:
        out[r0 - top : r1 - top, c0 - left : c1 - left] = values[r0:r1, c0:c1]
    return out


DistanceLoss = Callable[..., Floats]


def mast_distance_m(mast: Mast, cell_m: float) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return distances over the window, never below a quarter of a pixel, and its rows and columns. [m]"""
    radius = mast.radius_px(cell_m)
    rows = np.rint(mast.row_f).astype(np.int64) + np.arange(-radius, radius + 1)
    cols = np.rint(mast.col_f).astype(np.int64) + np.arange(-radius, radius + 1)
    # no pixel's middle is nearer than a quarter of a pixel on average: the loss at the mast means nothing
    distance = np.hypot((rows - mast.row_f)[:, None], (cols - mast.col_f)[None, :]) * cell_m
    return np.maximum(distance, 0.25 * cell_m), rows, cols


def by_distance(
    name: str,
    distance_loss: DistanceLoss,
    source: str,
    *,
    over_terrain: bool,
    reads_cover: bool = False,
) -> Model:
    """Return a model whose loss depends on distance alone, or on it and on the terrain in the way.

    Parameters
    ----------
    distance_loss : callable
        ``f(distance_m, *, frequency_ghz, tx_height_m, rx_height_m) -> loss_db``; must not fall with distance.
    over_terrain : bool
        Whether Bullington's diffraction over the terrain counts, in excess of what `distance_loss` holds above free
        space already; see the notes.
    reads_cover : bool
        Whether `distance_loss` also takes ``environment``, an array of places in :data:`ENVIRONMENTS` as long as
        `distance_m`; diffraction is then over the bare ground, what stands on it being in the loss already.

    Notes
    -----
    Measured medians hold the obstruction of ordinary ground, and two-ray formulas the ground's reflection: diffraction
    in full on top would count both twice. Only its excess over what the formula has above free space is added, as
    ITU-R P.1546-6, annex 5, section 11 takes off the curves' own clearance before it adds a path's:
    L = L_d + max(0, J - (L_d - L_free)), which is the larger of L_d and L_free + J.
    """

    def window(terrain: Terrain, mast: Mast, ghz: Floats, conditions: Conditions) -> Singles:
        distance, rows, cols = mast_distance_m(mast, terrain.cell_m)
        around = {}
        if reads_cover:
            cover = window_of(terrain.surface - terrain.ground, mast, terrain.cell_m, 0.0)
            around["environment"] = environment_of(cover)
        loss = np.stack(
            [
                distance_loss(
                    distance,
                    frequency_ghz=f,
                    tx_height_m=mast.tx_height_m,
                    rx_height_m=mast.rx_height_m,
                    **around,
                )
                for f in ghz.tolist()
            ]
        )
        if over_terrain:
            bare = replace(terrain, surface=terrain.ground) if reads_cover else terrain
            loss = np.fmax(loss, BULLINGTON.window_loss(bare, mast, ghz, conditions))
        loss[:, (rows < 0) | (rows >= terrain.ground.shape[0]), :] = np.nan
        loss[:, :, (cols < 0) | (cols >= terrain.ground.shape[1])] = np.nan
        loss[:, distance > mast.radius_m] = np.nan
        return np.asarray(loss, np.float32)

    def path(
        profile: Profile, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
    ) -> float:
        around = {"environment": environment_of(profile.clutter_m[-1:])} if reads_cover else {}
        loss = distance_loss(
            profile.distance_km[-1:] * 1000.0,
            frequency_ghz=frequency_ghz,
            tx_height_m=tx_height_m,
            rx_height_m=rx_height_m,
            **around,
        )
        if not over_terrain:
            return float(loss[0])
        ground = replace(profile, clutter_m=np.zeros_like(profile.clutter_m)) if reads_cover else profile
        return max(
            float(loss[0]),
            BULLINGTON.path_loss(ground, frequency_ghz, tx_height_m, rx_height_m, conditions),
        )

    return Model(name, window, path, source, reads_cover)


FREE_SPACE = by_distance("free_space", free_space_loss, "ITU-R P.525-4", over_terrain=False)


_BASE_M, _MOBILE_M = (30.0, 200.0), (1.0, 10.0)  # what Okumura measured


def hata_loss(
    distance_m: npt.ArrayLike,
    *,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    environment: npt.ArrayLike,
) -> npt.NDArray[np.float64]:
    """Return Hata's median loss by the receiver's surroundings, never below free space. [dB]

    Heights are held to the range of the measurements (30 to 200 m and 1 to 10 m); below 1 km and beyond 20 km the
    formula is carried on.

    Parameters
    ----------
    environment : array_like of int, same shape as `distance_m`
        Place in :data:`phusong.radio.models.empirical.ENVIRONMENTS`.
    """
    base = float(np.clip(tx_height_m, *_BASE_M))
    mobile = float(np.clip(rx_height_m, *_MOBILE_M))
    kinds = [
        okumura_hata_loss(
            distance_m,
            frequency_mhz=frequency_ghz * 1000.0,
            base_height_m=base,
            mobile_height_m=mobile,
            environment=name,
        )
        for name in ENVIRONMENTS
    ]
    free = free_space_loss(
        distance_m, frequency_ghz=frequency_ghz, tx_height_m=tx_height_m, rx_height_m=rx_height_m
    )
    return np.asarray(np.maximum(np.choose(np.asarray(environment), kinds), free))


HATA = by_distance(
    "hata",
    hata_loss,
    "Hata 1980 and COST 231, or free space with ITU-R P.526-15 where that loses more",
    over_terrain=True,
    reads_cover=True,
)
