"""Map of the page."""

import base64
import io
import json
from itertools import pairwise
from typing import Any

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from PIL import Image
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.transform import array_bounds
from rasterio.warp import calculate_default_transform, reproject

from phusong.compute.array_types import Floats
from phusong.region import Grid
from phusong.report.compare_measures import gained_by_commune
from phusong.report.map_style import CLASS_HEX, GAP_HEX, OWNER_HEX
from phusong.result.model import EMPTY_NO_SIGNAL, EMPTY_SIGNAL, ResultData
from phusong.result.schema import GAP_PARTS

__all__ = [
    "RSRP_EDGES_DBM",
    "RSRP_HEX",
    "SHARE_EDGES_PERCENT",
    "map_data",
    "raster_pictures",
    "remaining_people",
]

RSRP_EDGES_DBM = (-110.0, -105.0, -100.0, -90.0, -80.0, -70.0, -60.0)
"""Borders of the classes of the strongest signal. [dBm]"""

RSRP_HEX = [to_hex(c) for c in mpl.colormaps["cividis"](np.linspace(0.0, 1.0, len(RSRP_EDGES_DBM) + 1))]
"""Colour of each class, weakest first."""

_MAP_CRS = "EPSG:3857"
_MOST_PIXELS = 1600  # along the longer side of a picture


def raster_pictures(result: ResultData) -> dict[str, dict[str, Any]]:
    """Return the pictures ``access`` and ``rsrp``: ``url`` (data URI) and ``corners`` (degrees, clockwise from NW).

    A raster without a single value has no picture.
    """
    heard = np.isfinite(result.rsrp_dbm)
    levels = np.where(heard, np.digitize(np.nan_to_num(result.rsrp_dbm, nan=-999.0), RSRP_EDGES_DBM) + 1, 0)
    rasters = {
        "access": (result.access_class, ["#000000", *CLASS_HEX[1:]]),
        "rsrp": (levels.astype(np.uint8), ["#000000", *RSRP_HEX]),
    }
    return {
        name: _picture(codes, result.grid, colours)
        for name, (codes, colours) in rasters.items()
        if codes.any()
    }


def _picture(codes: npt.NDArray[np.uint8], grid: Grid, colours: list[str]) -> dict[str, Any]:
    bounds = array_bounds(grid.height, grid.width, grid.transform)
    transform, width, height = calculate_default_transform(
        grid.crs, _MAP_CRS, grid.width, grid.height, *bounds
    )
    shrink = max(width, height) / _MOST_PIXELS
    if shrink > 1:
        size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        transform, width, height = calculate_default_transform(
            grid.crs, _MAP_CRS, grid.width, grid.height, *bounds, dst_width=size[0], dst_height=size[1]
        )
    drawn = np.zeros((height, width), np.uint8)
    reproject(
        codes, drawn, src_transform=grid.transform, src_crs=grid.crs, dst_transform=transform, dst_crs=_MAP_CRS,
        resampling=Resampling.mode if shrink > 1 else Resampling.nearest, src_nodata=0, dst_nodata=0,
    )  # fmt: skip
    west, south, east, north = array_bounds(height, width, transform)
    to_degrees = Transformer.from_crs(_MAP_CRS, "EPSG:4326", always_xy=True)
    corners = [
        to_degrees.transform(x, y) for x, y in ((west, north), (east, north), (east, south), (west, south))
    ]
    return {"url": _png(drawn, colours), "corners": [[round(x, 6), round(y, 6)] for x, y in corners]}


def _png(codes: npt.NDArray[np.uint8], colours: list[str]) -> str:
    image = Image.fromarray(codes, mode=None)
    image.putpalette([round(255 * part) for colour in colours for part in to_rgb(colour)])
    out = io.BytesIO()
    # code 0 is no data: the ground shows through
    image.save(out, format="PNG", optimize=True, transparency=0)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


Layer = dict[str, Any]

SHARE_EDGES_PERCENT = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Borders of the classes of a share of people. [%]"""

_HOUR_EDGES = (4.0, 9.0, 18.0, 44.0, 88.0, 175.0)
_READY_EDGES_PERCENT = (10.0, 25.0, 50.0, 75.0, 90.0, 97.0)
_LOCK_REASONS = ("structural", "contract", "technical", "security", "legal", "unknown")
_EMPTY_LAND = (("empty_signal", EMPTY_SIGNAL), ("empty_no_signal", EMPTY_NO_SIGNAL))
_NO_DATA_HEX, _FINE_HEX = "#d9d9d9", "#e6edf3"
_MOST_POINTS = 3000
_MARKED_OPTIONS = 20
_VIEW_PIXELS = 1600.0  # a simplification below half a pixel of a whole screen is not seen
_DIGITS = 5  # of a degree: about a metre


def map_data(result: ResultData) -> dict[str, Any]:
    """Return what the page's map is drawn from.

    ``shapes`` (GeoJSON, one feature a commune, in the order of the table), ``bounds`` (west, south, east, north),
    ``layers`` (each with its classes, and the class of each commune or place, or the name of a picture),
    ``pictures`` (data URIs with their corners), ``points`` (places by name of the layer), ``marks`` (the best
    options), ``names`` (communes by people, most first, each with the place of its name), ``after`` (class of each commune once the plan is built, in the classes of the first layer).

    Parameters
    ----------
    result : ResultData
        What to draw; places that were withheld are left out.
    """
    communes = result.communes
    if communes.empty:
        return {
            "shapes": None,
            "bounds": None,
            "layers": [],
            "pictures": {},
            "points": {},
            "marks": [],
            "names": [],
            "after": [],
        }
    shapes = _outlines(result)
    west, south, east, north = (round(float(v), _DIGITS) for v in shapes.total_bounds)
    points = {"locks": _locked_points(result), "power": _power_points(result)}
    layers = _layers(result)
    pictures = raster_pictures(result)
    layers += [layer for layer in _picture_layers() if layer["picture"] in pictures]
    layers += [layer for layer in _point_layers() if points[layer["points"]]["xy"]]
    percent = _percent(remaining_people(result), communes["population"].to_numpy(np.float64))
    return {
        "shapes": _geojson(shapes),
        "bounds": [west, south, east, north],
        "layers": layers,
        "pictures": pictures,
        "points": points,
        "marks": _marks(result),
        "names": _names(communes, shapes),
        "after": _codes(percent, SHARE_EDGES_PERCENT),
    }


def remaining_people(result: ResultData) -> Floats:
    """Return the people of each commune whom the plan leaves without stable service, at least none.

    Communes that carry ``people_served_with_plan`` say so themselves. Otherwise people count where they live, wherever
    the works stand that serve them.
    """
    communes = result.communes
    if "people_served_with_plan" in communes:
        left = communes["population"] - communes["people_served_with_plan"]
        return np.asarray(np.maximum(left.to_numpy(np.float64), 0.0))
    lost = communes[list(GAP_PARTS)].sum(axis=1).to_numpy(np.float64)
    return np.asarray(np.maximum(lost - gained_by_commune(result), 0.0))


def _outlines(result: ResultData) -> gpd.GeoSeries:
    """Return the communes in degrees, simplified together so that no slivers open between neighbours."""
    communes = result.communes.to_crs(result.grid.crs)
    west, south, east, north = communes.total_bounds
    shapes = communes.geometry.to_numpy()
    if np.isin(shapely.get_type_id(shapes), (3, 6)).all() and shapely.is_valid(shapes).all():
        shapes = shapely.coverage_simplify(shapes, max(east - west, north - south) / _VIEW_PIXELS / 2)
    return gpd.GeoSeries(shapes, crs=communes.crs).to_crs("EPSG:4326")


def _geojson(shapes: gpd.GeoSeries) -> dict[str, Any]:
    rounded = shapely.set_precision(shapes.to_numpy(), 10.0**-_DIGITS, mode="pointwise")
    drawn = [json.loads(text) for text in shapely.to_geojson(rounded)]
    features = [
        {"type": "Feature", "id": i, "properties": {}, "geometry": geometry}
        for i, geometry in enumerate(drawn)
    ]
    return {"type": "FeatureCollection", "features": features}


def _layers(result: ResultData) -> list[Layer]:
    communes = result.communes
    people = communes["population"].to_numpy(np.float64)
    parts = communes[list(GAP_PARTS)].to_numpy(np.float64)
    ramp = _ramp("YlOrBr")
    layers = [_binned("not_served", _percent(parts.sum(axis=1), people), SHARE_EDGES_PERCENT, ramp)]
    cause = np.where(parts.sum(axis=1) > 0, parts.argmax(axis=1) + 1, 0)
    classes = [_named("cause.none", _FINE_HEX), *(_named(f"cause.{p}", GAP_HEX[p]) for p in GAP_PARTS)]
    layers.append({"key": "cause", "kind": "areas", "classes": classes, "codes": cause.tolist()})
    for k, part in enumerate(GAP_PARTS):
        hue = LinearSegmentedColormap.from_list(part, ["#f7f7f7", GAP_HEX[part]])
        colours = [to_hex(c) for c in hue(np.linspace(0, 1, 7))]
        layers.append(_binned(part, _percent(parts[:, k], people), SHARE_EDGES_PERCENT, colours))
    hours = communes["hours_lost_year"].to_numpy(np.float64)
    layers.append(_binned("hours", np.where(people > 0, hours, np.nan), _HOUR_EDGES, _ramp("PuBu")))
    if "ready_share" in communes:
        ready = np.where(people > 0, 100 * communes["ready_share"].to_numpy(np.float64), np.nan)
        layers.append(_binned("ready", ready, _READY_EDGES_PERCENT, _ramp("YlGnBu")))
    return layers


def _picture_layers() -> list[Layer]:
    access = [_named("cause.served", CLASS_HEX[5])]
    access += [_named(f"cause.{p}", CLASS_HEX[k]) for k, p in enumerate(GAP_PARTS, start=1)]
    access += [_named(f"cause.{name}", CLASS_HEX[k]) for name, k in _EMPTY_LAND]
    steps = [*_range_classes(RSRP_EDGES_DBM, RSRP_HEX)][::-1]
    return [
        {"key": "access", "kind": "picture", "picture": "access", "classes": access},
        {"key": "rsrp", "kind": "picture", "picture": "rsrp", "classes": steps},
    ]


def _point_layers() -> list[Layer]:
    locks = [_named(f"lock.{r}", c) for r, c in zip(_LOCK_REASONS, OWNER_HEX, strict=False)]
    hours = _range_classes(_HOUR_EDGES, _ramp("plasma_r"))
    return [
        {"key": "locks", "kind": "points", "points": "locks", "classes": locks},
        {"key": "power", "kind": "points", "points": "power", "classes": hours},
    ]


def _locked_points(result: ResultData) -> dict[str, Any]:
    assets = result.locked_assets
    if assets.empty:
        return {"xy": [], "codes": [], "sizes": [], "ids": [], "people": []}
    shown = assets[assets["lock_reason"].isin(_LOCK_REASONS) & (assets["people_behind"] > 0)]
    shown = shown.sort_values(["people_behind", "site_id"], ascending=[False, True], kind="stable").head(
        _MOST_POINTS
    )
    codes = shown["lock_reason"].map({r: k for k, r in enumerate(_LOCK_REASONS)})
    people = shown["people_behind"].to_numpy(np.float64)
    return _points(result, shown["site_id"].astype(str), codes.to_numpy().astype(np.int64), people)


def _power_points(result: ResultData) -> dict[str, Any]:
    sites = result.sites
    column = next((c for c in ("hours_lost_power", "hours_lost_year") if c in sites), None)
    if column is None or sites.empty:
        return {"xy": [], "codes": [], "sizes": [], "ids": [], "people": []}
    upstream = sites.get("hours_lost_upstream", 0.0)
    hours = sites[column] + upstream
    at = hours[hours > 0].sort_values(ascending=False, kind="stable").head(_MOST_POINTS).index
    codes = np.digitize(hours[at].to_numpy(np.float64), _HOUR_EDGES).astype(np.int64)
    return _points(result, sites.loc[at, "site_id"].astype(str), codes, hours[at].to_numpy(np.float64))


def _points(
    result: ResultData, ids: "pd.Series[str]", codes: npt.NDArray[np.int64], sizes: Floats
) -> dict[str, Any]:
    """Return places in degrees with their class and size, the largest size 1; withheld places fall out."""
    places = (
        result.sites.geometry.set_axis(result.sites["site_id"].astype(str)).to_crs("EPSG:4326").reindex(ids)
    )
    seen = places.notna().to_numpy() & ~places.is_empty.to_numpy()
    places, sizes = places[seen], sizes[seen]
    top = max(float(sizes.max()), 1e-9) if sizes.size else 1.0
    return {
        "xy": np.c_[places.x, places.y].round(_DIGITS).tolist(),
        "codes": codes[seen].tolist(),
        "sizes": np.sqrt(sizes / top).round(3).tolist(),
        "ids": ids.to_numpy(str)[seen].tolist(),
        "people": sizes.round(1).tolist(),
    }


def _marks(result: ResultData) -> list[list[Any]]:
    """Return rank, longitude and latitude of the best options, best first."""
    best = result.options.sort_values("rank", kind="stable").head(_MARKED_OPTIONS)
    if best.empty:
        return []
    if {"east_m", "north_m"} <= set(best.columns):
        places = gpd.GeoSeries(gpd.points_from_xy(best["east_m"], best["north_m"]), crs=result.grid.crs)
    else:
        inner = result.communes.geometry.representative_point().set_axis(
            result.communes["commune_code"].astype(str)
        )
        places = inner.reindex(best["commune_code"].astype(str)).reset_index(drop=True)
    places = places.to_crs("EPSG:4326")
    return [
        [int(rank), round(float(p.x), _DIGITS), round(float(p.y), _DIGITS)]
        for rank, p in zip(best["rank"], places, strict=True)
        if p is not None and not p.is_empty and np.isfinite([p.x, p.y]).all()
    ]


def _names(communes: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> list[list[float]]:
    """Return place in the table, longitude and latitude of each commune's name, most people first."""
    order = np.argsort(-communes["population"].to_numpy(np.float64), kind="stable")
    inner = shapes.representative_point()
    return [[int(i), round(float(inner.iloc[i].x), 4), round(float(inner.iloc[i].y), 4)] for i in order]


def _binned(key: str, values: Floats, edges: tuple[float, ...], colours: list[str]) -> Layer:
    classes = _range_classes(edges, colours)
    if np.isnan(values).any():
        classes.append(_named("class.no_people", _NO_DATA_HEX))
    return {"key": key, "kind": "areas", "classes": classes, "codes": _codes(values, edges)}


def _codes(values: Floats, edges: tuple[float, ...]) -> list[int]:
    codes = np.where(np.isnan(values), len(edges) + 1, np.digitize(np.nan_to_num(values), edges))
    return [int(c) for c in codes]


def _range_classes(edges: tuple[float, ...], colours: list[str]) -> list[dict[str, Any]]:
    first = {"t": "class.below", "b": edges[0], "c": colours[0]}
    inner = [
        {"t": "class.between", "a": a, "b": b, "c": c}
        for (a, b), c in zip(pairwise(edges), colours[1:], strict=False)
    ]
    return [first, *inner, {"t": "class.above", "a": edges[-1], "c": colours[len(edges)]}]


def _named(key: str, colour: str) -> dict[str, Any]:
    return {"t": key, "c": colour}


def _ramp(name: str) -> list[str]:
    return [to_hex(c) for c in mpl.colormaps[name](np.linspace(0.04, 0.95, 7))]


def _percent(part: Floats, whole: Floats) -> Floats:
    percent = np.full(part.shape, np.nan)
    np.divide(100 * part, whole, out=percent, where=whole > 0)
    return percent
