"""Communes: the gap parts, hours lost and facilities of each."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from phusong.access.gaps import GAP_PARTS, Access

__all__ = ["commune_table", "facilities_served"]

Floats = npt.NDArray[np.float64]


def commune_table(
    communes: gpd.GeoDataFrame,
    *,
    commune_of_cell: npt.NDArray[np.int64],
    access: Access,
    weights: npt.NDArray[np.int64],
) -> gpd.GeoDataFrame:
    """Return the communes with their people by gap part.

    Parameters
    ----------
    communes : GeoDataFrame
        Layer `communes`.
    commune_of_cell : ndarray, shape (n_cells,)
        Row of the commune that each demand cell lies in.
    access : Access
        People of every element by what they get.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.

    Returns
    -------
    GeoDataFrame
        `people_served` and the four gaps sum to `population`. `hours_lost_year` is the mean over people with a
        usable signal of the hours a year without it (8760 where nobody has one). `rank_remote` orders the
        communes from the most remote: class first, then the fewest people per km².
    """
    n = len(communes)
    out = communes.copy()
    for name, people in access.by_cell().items():
        out[name] = np.bincount(commune_of_cell, people, n).astype(np.int64)
    parts = out[["people_served", *GAP_PARTS]]
    out["population"] = parts.sum(axis=1).astype(np.int64)
    out["share_served"] = _share(out["people_served"], out["population"])
    with_signal = access.availability > 0
    people = np.where(with_signal, weights, 0)
    lost = (people * (1.0 - access.availability.astype(np.float64)) * 8760.0).sum(axis=1)
    total = np.bincount(commune_of_cell, people.sum(axis=1), n)
    hours = np.bincount(commune_of_cell, lost, n)
    out["hours_lost_year"] = np.where(total > 0, hours / np.maximum(total, 1), 8760.0)
    density = out["population"] / out["area_km2"].clip(lower=1e-6)
    order = np.lexsort(
        (out["commune_code"].to_numpy(str), density.to_numpy(), -out["remote"].to_numpy(np.int64))
    )
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(1, n + 1)
    out["rank_remote"] = rank
    return out


def facilities_served(
    facilities: gpd.GeoDataFrame,
    communes: gpd.GeoDataFrame,
    *,
    east_m: Floats,
    north_m: Floats,
    served_share: Floats,
    within_m: float,
) -> pd.DataFrame:
    """Return per commune how many facilities stand where most people are served.

    Parameters
    ----------
    facilities : GeoDataFrame
        Layer `facilities`.
    communes : GeoDataFrame
        Layer `communes`.
    east_m, north_m, served_share : ndarray, shape (n_cells,)
        Centres of the demand cells and the share of their people who are served.
    within_m : float
        A facility takes the nearest demand cell, at most this far away. [m]
    """
    codes = communes["commune_code"].to_numpy(str)
    counts = pd.DataFrame({"facilities": 0, "facilities_served": 0}, index=codes)
    if len(facilities) and east_m.size:
        points = np.c_[facilities.geometry.x, facilities.geometry.y]
        distance, nearest = cKDTree(np.c_[east_m, north_m]).query(points)
        served = (distance <= max(within_m, 1.0)) & (served_share[nearest] >= 0.5)
        by = facilities["commune_code"].to_numpy(str)
        counts["facilities"] = pd.Series(by).value_counts().reindex(codes, fill_value=0)
        counts["facilities_served"] = pd.Series(by[served]).value_counts().reindex(codes, fill_value=0)
    return counts.astype(np.int64).reset_index(names="commune_code")


def _share(part: "pd.Series[int]", whole: "pd.Series[int]") -> Floats:
    return np.asarray(np.where(whole > 0, part / whole.clip(lower=1), 1.0), np.float64)
