"""Which country a region lies in, and its mobile country codes."""

import json
import sqlite3
import zlib
from functools import lru_cache
from importlib.resources import as_file, files

import shapely
from pyproj import Transformer

from phusong.region.facts import table
from phusong.region.grid import Grid

__all__ = ["country_at", "country_of_grid", "mobile_country_codes", "name_of_country"]


def country_of_grid(grid: Grid) -> str:
    """Return the country in which the middle of a grid lies (ISO 3166 alpha-2); empty: none, or at sea."""
    west, south, east, north = grid.bounds
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform((west + east) / 2, (south + north) / 2)
    return country_at(float(lon), float(lat))


@lru_cache(maxsize=64)
def country_at(lon_deg: float, lat_deg: float) -> str:
    """Return the country at a place (ISO 3166 alpha-2); empty where there is none.

    Examples
    --------
    >>> country_at(105.8, 21.0)
    'VN'
    """
    point = shapely.Point(lon_deg, lat_deg)
    resource = files("pyworldatlas_mapdata_standard") / "data" / "maps.sqlite3"
    with as_file(resource) as path:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            for code, packed in connection.execute("select alpha2, payload from country_map order by alpha2"):
                for ring in json.loads(zlib.decompress(packed))["boundary"]:
                    xs, ys = [p[0] for p in ring], [p[1] for p in ring]
                    near = min(xs) <= lon_deg <= max(xs) and min(ys) <= lat_deg <= max(ys)
                    if near and shapely.contains(shapely.make_valid(shapely.Polygon(ring)), point):
                        return str(code)
        finally:
            connection.close()
    return ""


def mobile_country_codes(country: str) -> tuple[int, ...]:
    """Return the mobile country codes of a country (ISO 3166 alpha-2).

    Examples
    --------
    >>> mobile_country_codes("LA"), mobile_country_codes("IN")
    ((457,), (404, 405, 406))
    """
    codes = table("mcc")
    return tuple(int(m) for m in codes["mcc"][codes["country"] == country])


def name_of_country(mcc: int) -> str:
    """Return the country of a mobile country code (ISO 3166 alpha-2); empty: none is known."""
    codes = table("mcc")
    found = codes["country"][codes["mcc"] == mcc]
    return str(found.iloc[0]) if len(found) else ""
