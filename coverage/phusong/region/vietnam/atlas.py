"""Outline, heights and rivers of the country as the packaged world atlas carries them.

`pyworldatlas-mapdata-standard` holds Natural Earth 1:10m (public domain), ETOPO 2022 heights at 5 minutes of arc
and the main rivers, read here straight from its SQLite file. It was chosen over other carriers of the same
outline because one pinned package gives all three, with heights in whole metres.
"""

import json
import sqlite3
import zlib
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["Atlas", "read_atlas"]

_NO_HEIGHT = -0x8000
_RIVER_STEP_DEG = 0.01


@dataclass(frozen=True)
class Atlas:
    """The country in degrees (WGS 84).

    Parameters
    ----------
    outline : shapely geometry
        Land of the country, islands included.
    lon_deg, lat_deg : ndarray, ascending
        Axes of the heights.
    height_m : ndarray, shape (lat, lon)
        Ground heights; NaN outside the country. [m]
    river_points : ndarray, shape (n, 2)
        Longitude and latitude along the main rivers, a point every kilometre or so.
    """

    outline: shapely.Geometry
    lon_deg: npt.NDArray[np.float64]
    lat_deg: npt.NDArray[np.float64]
    height_m: npt.NDArray[np.float64]
    river_points: npt.NDArray[np.float64]


def read_atlas(country: str = "VN") -> Atlas:
    """Return the packaged atlas of a country (ISO 3166 alpha-2)."""
    data = _payload(country)
    outline = shapely.union_all([shapely.make_valid(shapely.Polygon(ring)) for ring in data["boundary"]])
    rows, cols = int(data["rows"]), int(data["columns"])
    values = np.frombuffer(bytes.fromhex(data["elevation"]), "<i2").reshape(rows, cols).astype(np.float64)
    values[values == _NO_HEIGHT] = np.nan
    lines = [shapely.LineString(river["points"]) for river in data["rivers"] if len(river["points"]) > 1]
    return Atlas(
        outline,
        float(data["west"]) + float(data["longitudeStep"]) * np.arange(cols, dtype=np.float64),
        float(data["south"]) + float(data["latitudeStep"]) * np.arange(rows, dtype=np.float64),
        values,
        shapely.get_coordinates(shapely.segmentize(np.array(lines), _RIVER_STEP_DEG)),
    )


def _payload(country: str) -> dict[str, Any]:
    resource = files("pyworldatlas_mapdata_standard") / "data" / "maps.sqlite3"
    with as_file(resource) as path:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            query = "select payload from country_map where alpha2 = ?"
            (payload,) = connection.execute(query, (country,)).fetchone()
        finally:
            connection.close()
    return dict(json.loads(zlib.decompress(payload)))
