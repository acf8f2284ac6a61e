"""One path looked at closely: the ground under it, its Fresnel zone, what stands in the way, and the loss by model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem, refuse
from phusong.radio.models import MODELS, Conditions, Profile
from phusong.radio.models.p1812 import break_down
from phusong.radio.p1812 import LossBreakdown
from phusong.radio.ranges import checked
from phusong.radio.terrain_profile import as_ground, foot
from phusong.region import Grid
from phusong.region.terrain_check import as_heights, empty_problems, ground_problems, refuse_pixels

__all__ = ["PathStudy", "profile_between", "study_path"]


_LIGHT_M_GHZ = 0.299792458
_LEAST_STEP_M = 0.5  # no terrain model is finer
_FREE_ZONE = 0.6  # of the first Fresnel zone: what must be clear for the path to count as free


@dataclass(frozen=True)
class PathStudy:
    """One path.

    Parameters
    ----------
    profile : Profile
        Ground and what stands on it.
    frequency_ghz, tx_height_m, rx_height_m : float
        As asked.
    conditions : Conditions
        As asked.
    bulge_m : ndarray, shape (n,)
        Rise of the Earth over the chord, median refraction.
    ray_m : ndarray, shape (n,)
        Straight line between the antennas, above sea level.
    fresnel_m : ndarray, shape (n,)
        Radius of the first Fresnel zone.
    obstacles : DataFrame
        distance_km, top_m, above_ray_m, zone_share (clearance over the zone's radius), most obstructing first.
    split : LossBreakdown
        P.1812 by mechanism.
    losses : DataFrame
        model, loss_db, over_free_space_db, source, notice (what lies beyond what the source states, a line each).
    """

    profile: Profile
    frequency_ghz: float
    tx_height_m: float
    rx_height_m: float
    conditions: Conditions
    bulge_m: Floats
    ray_m: Floats
    fresnel_m: Floats
    obstacles: pd.DataFrame
    split: LossBreakdown
    losses: pd.DataFrame

    @property
    def top_m(self) -> Floats:
        """Return ground, cover and bulge together: what the straight ray has to clear. [m]"""
        cover = self.profile.clutter_m.copy()
        cover[0] = cover[-1] = 0.0
        return np.asarray(self.profile.ground_m + cover + self.bulge_m)


@checked("path", gaps=("elevation", "clutter_m"))
def profile_between(
    elevation: npt.ArrayLike,
    grid: Grid,
    tx_xy: tuple[float, float],
    rx_xy: tuple[float, float],
    *,
    clutter_m: npt.ArrayLike | None = None,
    step_m: float | None = None,
) -> Profile:
    """Return the ground between two points at equal steps of about a pixel, interpolated bilinearly.

    Parameters
    ----------
    elevation, clutter_m : array_like, on the grid
        Ground, NaN being the open sea, and height of what stands on it (of the pixel it falls in). [m]
    grid : Grid
        Where they lie.
    tx_xy, rx_xy : tuple of float
        Easting and northing of both ends. [m]
    step_m : float, optional
        Longest step; a pixel when left out.

    Raises
    ------
    InputError
        If a point lies off the grid, both are the same, the grid is not in metres, or the ground round the path holds
        heights that no place on Earth has, or voids that are no sea (see :func:`phusong.radio.area_loss`).
    """
    refuse_pixels(grid.crs, grid.cell_m, "grid")
    heights = as_heights(elevation, "elevation")
    told_shape = f"must have the shape of the grid, {grid.shape}"
    refuse(
        [Problem("elevation", told_shape, value=f"shape {heights.shape}")]
        if heights.shape != grid.shape
        else []
    )
    ends = {"transmitter": tx_xy, "receiver": rx_xy}
    refuse(
        Problem("path", f"the {name} must be two finite numbers", value=str(xy))
        for name, xy in ends.items()
        if not np.isfinite(np.asarray(xy, np.float64)).all()
    )
    refuse(
        Problem("path", f"the {name} lies outside the region", value=f"{east:.0f} m E, {north:.0f} m N")
        for name, (east, north) in ends.items()
        if not bool(grid.inside(*grid.rowcol(east, north)))
    )
    if step_m is not None and not _LEAST_STEP_M <= step_m < np.inf:
        told = f"must be at least {_LEAST_STEP_M:g} m"
        raise InputError(Problem("path", told, column="step_m", value=step_m))
    cover_m = None if clutter_m is None else as_heights(clutter_m, "clutter_m")
    if cover_m is not None and cover_m.shape != grid.shape:
        raise InputError(Problem("clutter_m", told_shape, value=f"shape {cover_m.shape}"))
    length_m = float(np.hypot(rx_xy[0] - tx_xy[0], rx_xy[1] - tx_xy[1]))
    refuse([Problem("path", "transmitter and receiver are the same point")] if length_m < 1.0 else [])
    n = max(2, int(np.ceil(length_m / (step_m or grid.cell_m)))) + 1
    share = np.linspace(0.0, 1.0, n)
    east, north = (tx_xy[k] + share * (rx_xy[k] - tx_xy[k]) for k in (0, 1))
    row_f, col_f = (grid.north_m - north) / grid.cell_m - 0.5, (east - grid.west_m) / grid.cell_m - 0.5
    # the ground round the path alone: a country's would be copied for every hop
    top, left = (max(int(np.floor(f.min())) - 2, 0) for f in (row_f, col_f))
    near = heights[top : int(row_f.max()) + 4, left : int(col_f.max()) + 4]
    # no height near the path is open sea, if there is ground elsewhere
    at_sea = bool(np.isnan(near).all())
    refuse(
        empty_problems(heights, "elevation") if at_sea else ground_problems(near, "elevation round the path")
    )
    ground = as_ground(near)
    row, col = grid.rowcol(east, north)
    row, col = np.clip(row, 0, grid.height - 1), np.clip(col, 0, grid.width - 1)
    cover = np.zeros(n) if cover_m is None else cover_m[row, col].astype(np.float64)
    return Profile(
        share * length_m / 1000.0,
        np.array([foot(ground, r - top, c - left) for r, c in zip(row_f, col_f, strict=True)]),
        cover,
        np.where(np.isnan(heights[row, col]), 1, 4).astype(np.int64),
    )


@checked("path")
def study_path(
    profile: Profile, *, frequency_ghz: float, tx_height_m: float, rx_height_m: float, conditions: Conditions
) -> PathStudy:
    """Return everything an engineer wants to see of one path.

    Raises
    ------
    InputError
        If a value is outside the range of the model.
    """
    split = break_down(profile, frequency_ghz, tx_height_m, rx_height_m, conditions)
    d = profile.distance_km
    rest = d[-1] - d
    bulge = 500.0 / conditions.earth_km * d * rest
    tx, rx = float(profile.ground_m[0]) + tx_height_m, float(profile.ground_m[-1]) + rx_height_m
    ray = (tx * rest + rx * d) / d[-1]
    fresnel = np.sqrt(1000.0 * _LIGHT_M_GHZ / frequency_ghz * d * rest / d[-1])
    losses = pd.DataFrame(
        [
            {
                "model": name,
                "loss_db": model.path(profile, frequency_ghz, tx_height_m, rx_height_m, conditions),
                "source": model.source,
                "notice": "\n".join(
                    model.notices(
                        frequency_ghz, tx_height_m, rx_height_m, distance_km=float(profile.distance_km[-1])
                    )
                ),
            }
            for name, model in MODELS.items()
            if model.holds(frequency_ghz)
        ]
    )
    losses["over_free_space_db"] = losses["loss_db"] - split.free_space_db
    study = PathStudy(
        profile,
        frequency_ghz,
        tx_height_m,
        rx_height_m,
        conditions,
        bulge,
        ray,
        fresnel,
        pd.DataFrame(),
        split,
        losses,
    )
    return PathStudy(**{**vars(study), "obstacles": _obstacles(study)})


def _obstacles(study: PathStudy) -> pd.DataFrame:
    """Every peak that reaches into the part of the zone that should be clear, the worst first."""
    above = study.top_m - study.ray_m
    inner = slice(1, -1)
    reach = above[inner] / np.maximum(study.fresnel_m[inner], 1e-9)
    peak = np.r_[True, reach[1:] >= reach[:-1]] & np.r_[reach[:-1] > reach[1:], True] & (reach > -_FREE_ZONE)
    at = np.flatnonzero(peak) + 1
    found = pd.DataFrame(
        {
            "distance_km": study.profile.distance_km[at],
            "top_m": (study.profile.ground_m + study.profile.clutter_m)[at],
            "above_ray_m": above[at],
            "zone_share": -above[at] / study.fresnel_m[at],
        }
    )
    return found.sort_values(["zone_share", "distance_km"], kind="stable").reset_index(drop=True)
