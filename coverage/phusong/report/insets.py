"""Which parts of a region lie so far from the rest that a map shows them in boxes of their own."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

__all__ = ["Bounds", "Frames", "Inset", "map_frames"]

Bounds = tuple[float, float, float, float]
"""West, south, east, north. [m]"""

_APART_M = 20_000.0  # parts nearer than this to each other lie in one frame
_MOST_GROWTH = 1.3  # a part that would widen the map's longer side by more goes to an inset
_LEAST_INSET_M = 12_000.0  # side of an inset, at least: a rock in the sea still shows the sea around it
_MOST_INSETS = 4
_MARGIN = 0.03  # of the longer side, round the map
_WINDS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")


@dataclass(frozen=True)
class Inset:
    """A box beside the map.

    Parameters
    ----------
    names : tuple of str
        The communes in it, most people first.
    bounds : Bounds
        Square. [m]
    distance_m : float
        From the middle of the map's frame. [m]
    wind : str
        In which direction: ``"SE"``.
    """

    names: tuple[str, ...]
    bounds: Bounds
    distance_m: float
    wind: str


@dataclass(frozen=True)
class Frames:
    """What the map covers, and what its insets cover."""

    main: Bounds
    insets: tuple[Inset, ...] = ()


def map_frames(communes: gpd.GeoDataFrame) -> Frames:
    """Return the frame of the map and of its insets, special zones far at sea above all.

    Parameters
    ----------
    communes : GeoDataFrame
        Polygons in metres with ``name`` and ``population``.

    Notes
    -----
    Parts of communes nearer than 20 km to each other are one group. The group with most people makes the map; the
    others join it, nearest first, as long as they do not widen its longer side by more than 30 %.
    """
    parts, row = shapely.get_parts(communes.geometry.to_numpy(), return_index=True)
    parts, row = parts[~shapely.is_empty(parts)], row[~shapely.is_empty(parts)]
    if parts.size == 0:
        return Frames((0.0, 0.0, 1000.0, 1000.0))
    bounds = shapely.bounds(parts)
    people = communes["population"].to_numpy(np.float64)
    groups = [np.flatnonzero(g) for g in _groups(parts)]
    weight = [(people[np.unique(row[g])].sum(), shapely.area(parts[g]).sum()) for g in groups]
    first = max(range(len(groups)), key=lambda k: weight[k])
    main = _around(bounds[groups[first]])
    far: list[npt.NDArray[np.int64]] = []
    others = [g for k, g in enumerate(groups) if k != first]
    middle = shapely.box(*main)
    for group in sorted(others, key=lambda g: float(shapely.distance(middle, shapely.union_all(parts[g])))):
        wider = _around(np.vstack([[main], bounds[group]]))
        if _side(wider) <= _MOST_GROWTH * _side(main):
            main = wider
        else:
            far.append(group)
    insets = [_inset(g, communes, row, bounds, people, main) for g in _one_a_commune(far, row)]
    insets.sort(key=lambda i: i.distance_m)
    margin = _MARGIN * _side(main)
    west, south, east, north = main
    return Frames(
        (west - margin, south - margin, east + margin, north + margin), tuple(insets[:_MOST_INSETS])
    )


def _groups(parts: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    # outlines of neighbours mostly begin near each other, which costs no look along them
    begin = shapely.get_coordinates(shapely.get_point(shapely.get_exterior_ring(parts), 0))
    a, b = cKDTree(begin).query_pairs(_APART_M, output_type="ndarray").T
    label = _joined(a, b, parts.size)
    open_ = np.flatnonzero(label != np.bincount(label).argmax())
    c, d = shapely.STRtree(parts).query(parts[open_], predicate="dwithin", distance=_APART_M)
    label = _joined(np.r_[a, open_[c]], np.r_[b, d], parts.size)
    return np.asarray(label[None, :] == np.arange(label.max() + 1)[:, None])


def _joined(a: npt.NDArray[np.intp], b: npt.NDArray[np.intp], n: int) -> npt.NDArray[np.int32]:
    near = coo_matrix((np.ones(a.size), (a, b)), shape=(n, n))
    return np.asarray(connected_components(near, directed=False)[1], np.int32)


def _one_a_commune(
    groups: list[npt.NDArray[np.int64]], row: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.int64]]:
    # the islands of one special zone stay together, however far they lie from each other
    merged: list[npt.NDArray[np.int64]] = []
    for group in groups:
        own = set(row[group].tolist())
        same = [k for k, other in enumerate(merged) if own & set(row[other].tolist())]
        joined = np.concatenate([group, *(merged[k] for k in same)])
        merged = [m for k, m in enumerate(merged) if k not in same] + [joined]
    return merged


def _inset(
    group: npt.NDArray[np.int64],
    communes: gpd.GeoDataFrame,
    row: npt.NDArray[np.int64],
    bounds: npt.NDArray[np.float64],
    people: npt.NDArray[np.float64],
    main: Bounds,
) -> Inset:
    west, south, east, north = _around(bounds[group])
    half = max(1.15 * max(east - west, north - south), _LEAST_INSET_M) / 2
    x, y = (west + east) / 2, (south + north) / 2
    dx, dy = x - (main[0] + main[2]) / 2, y - (main[1] + main[3]) / 2
    wind = _WINDS[int(np.round(np.arctan2(dy, dx) / (np.pi / 4))) % 8]
    own = pd.unique(row[group])
    names = communes["name"].astype(str).to_numpy()[own[np.argsort(-people[own], kind="stable")]]
    return Inset(tuple(names), (x - half, y - half, x + half, y + half), float(np.hypot(dx, dy)), wind)


def _around(bounds: npt.NDArray[np.float64]) -> Bounds:
    low, high = bounds[:, :2].min(axis=0), bounds[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _side(bounds: Bounds) -> float:
    return max(bounds[2] - bounds[0], bounds[3] - bounds[1])
