"""Places from columns of a table: decimal degrees, degrees-minutes-seconds, or metres in a CRS."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyproj import CRS, Transformer

from phusong.compute.array_types import Bools, Floats
from phusong.errors import Notice, Problem
from phusong.region.read.encoding import fold
from phusong.region.read.values import first_rows, numbers_of

__all__ = ["PLACE_ALIASES", "Area", "area_of", "degrees_of", "place_problems", "placed"]

PLACE_ALIASES = {
    "longitude": ("longitude", "lon", "lng", "long", "x_lon", "kinh_do", "lon_deg", "longitude_deg"),
    "latitude": ("latitude", "lat", "y_lat", "vi_do", "lat_deg", "latitude_deg"),
    "east_m": ("east_m", "easting", "x"),
    "north_m": ("north_m", "northing", "y"),
}
"""Names that columns of places have in users' files, folded."""

# a transverse Mercator stays good two zones beyond its area of use: Trường Sa belongs to a region in zone 48
_MARGIN_DEG = 12.0
_PART = r"\d{1,2}(?:[.,]\d+)?"
_END = r"(?=\s*[A-ZĐa-zđ]?\s*$)"
_SEXAGESIMAL = re.compile(
    r"^\s*(?P<before>[NSEWBĐDTnsewbđdt])?\s*(?P<sign>[-−+])?"
    rf"(?P<deg>\d{{1,3}}(?:[.,]\d+)?)(?:\s*[°º˚d:]\s*|\s+|{_END})"
    rf"(?:(?P<min>{_PART})(?:\s*['’′m:]\s*|\s+|{_END})(?:(?P<sec>{_PART})\s*(?:[\"”″s]|''|’’|′′)?)?)?"
    r"\s*(?P<after>[NSEWBĐDTnsewbđdt])?\s*$"
)
_ENGLISH = {"N": 1.0, "E": 1.0, "S": -1.0, "W": -1.0}
_VIETNAMESE = {"B": 1.0, "Đ": 1.0, "D": 1.0, "N": -1.0, "T": -1.0}  # Bắc, Đông, Nam, Tây
_ONLY_VIETNAMESE = r"[BĐTbđt]\s*$|^\s*[BĐTbđt]"


@dataclass(frozen=True)
class Area:
    """Where a projected CRS may be used, in degrees, its margin included."""

    crs: str
    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: Floats, lat: Floats) -> Bools:
        """Return which places lie inside."""
        return np.asarray((lon >= self.west) & (lon <= self.east) & (lat >= self.south) & (lat <= self.north))


def area_of(crs: str) -> Area:
    """Return where a CRS may be used; the whole Earth when it does not say."""
    used = CRS.from_user_input(crs).area_of_use
    if used is None:
        return Area(crs, -180.0, -90.0, 180.0, 90.0)
    return Area(
        crs,
        used.west - _MARGIN_DEG,
        used.south - _MARGIN_DEG,
        used.east + _MARGIN_DEG,
        used.north + _MARGIN_DEG,
    )


def placed(
    frame: pd.DataFrame, where: str, crs: str, own_crs: str = ""
) -> tuple[Any, list[Problem], list[Notice]]:
    """Return a table with its columns of places turned into points in the region's CRS.

    Parameters
    ----------
    frame : DataFrame
        With ``longitude`` and ``latitude``, or ``east_m`` and ``north_m``, or names that mean the same.
    where, crs : str
        The file's name; the region's CRS.
    own_crs : str
        CRS of the columns in metres, when not the region's.
    """
    names = {fold(c): str(c) for c in frame.columns}
    lon, lat = _first(names, PLACE_ALIASES["longitude"]), _first(names, PLACE_ALIASES["latitude"])
    if lon and lat:
        return _from_degrees(frame, (lon, lat), where, crs)
    east, north = _first(names, PLACE_ALIASES["east_m"]), _first(names, PLACE_ALIASES["north_m"])
    if east and north:
        return _from_metres(frame, (east, north), where, crs, own_crs)
    told = "has no places: add columns longitude and latitude (degrees), or east_m and north_m"
    return frame, [Problem(where, told)], []


def _first(names: dict[str, str], wanted: Iterable[str]) -> str:
    return next((names[n] for n in wanted if n in names), "")


def _from_degrees(
    frame: pd.DataFrame, columns: tuple[str, str], where: str, crs: str
) -> tuple[Any, list[Problem], list[Notice]]:
    problems: list[Problem] = []
    notices: list[Notice] = []
    vietnamese = any(_has_vietnamese_letters(frame[c]) for c in columns)
    read = []
    for name, what, limit in zip(columns, ("longitude", "latitude"), (180.0, 90.0), strict=True):
        values, wrong, notes = degrees_of(
            frame[name], where, limit=limit, east=what == "longitude", vietnamese=vietnamese
        )
        problems += wrong
        notices += notes
        read.append(values)
    lon, lat = read
    problems += place_problems(lon, lat, where, area_of(crs), columns)
    # refused rows get no point, so that they cannot be taken for one
    fine = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    x, y = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    if fine.any():
        x[fine], y[fine] = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(
            lon[fine], lat[fine]
        )
    return _points(frame.drop(columns=list(columns)), x, y, crs), problems, notices


def _has_vietnamese_letters(values: "pd.Series[Any]") -> bool:
    if pd.api.types.is_numeric_dtype(values.dtype):
        return False
    text = pa.array(values.astype("str"), pa.large_string(), from_pandas=True)
    return bool(pc.any(pc.match_substring_regex(text, _ONLY_VIETNAMESE)).as_py())


def _points(frame: pd.DataFrame, x: Floats, y: Floats, crs: str) -> Any:  # noqa: ANN401
    shapes = gpd.points_from_xy(x, y, crs=crs)
    shapes[~(np.isfinite(x) & np.isfinite(y))] = None
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=crs)


def degrees_of(
    values: "pd.Series[Any]", where: str, *, limit: float, east: bool, vietnamese: bool = False
) -> tuple[Floats, list[Problem], list[Notice]]:
    r"""Return degrees from decimals or from degrees, minutes and seconds, with what is wrong and what was converted.

    Parameters
    ----------
    values : Series
        The column.
    where : str
        The file's name.
    limit : float, [deg]
        Largest value that makes sense; tells a decimal comma from a thousands mark.
    east : bool
        Whether it is the longitude, for the letters.
    vietnamese : bool
        Whether N is Nam (south), as beside B, Đ and T.

    Examples
    --------
    >>> degrees_of(pd.Series(["21°01'42\"N"]), "x.csv", limit=90.0, east=False)[0].round(4)
    array([21.0283])
    """
    name = str(values.name)
    plain = numbers_of(values, least=-limit, most=limit)
    if plain.doubt:
        return plain.number, [Problem(where, plain.doubt, column=name)], []
    out = plain.number.copy()
    notices = [Notice(where, plain.note, name)] if plain.note else []
    odd = plain.wrong.copy()
    turned = np.zeros(len(out), bool)
    if odd.any():
        letters = _VIETNAMESE if vietnamese else _ENGLISH
        own = (
            ("Đ", "D", "T")
            if vietnamese and east
            else ("E", "W")
            if east
            else ("B", "N")
            if vietnamese
            else ("N", "S")
        )
        for i in np.flatnonzero(odd):
            found = _SEXAGESIMAL.match(str(values.iloc[i]))
            value, letter = _degrees(found, letters) if found else (np.nan, "")
            turned[i] = bool(letter) and letter not in own
            out[i] = np.nan if turned[i] else value
        odd = ~np.isfinite(out) & ~plain.empty & ~turned
        count = int((plain.wrong & np.isfinite(out)).sum())
        if count:
            notices.append(
                Notice(where, "degrees, minutes and seconds were read as decimal degrees", name, count)
            )
    problems = first_rows(
        odd | plain.empty, values, where, name, "is no number and no degrees, minutes and seconds"
    )
    told = "names the other direction: latitude and longitude look swapped"
    return out, [*problems, *first_rows(turned, values, where, name, told)], notices


def _degrees(found: re.Match[str], letters: dict[str, float]) -> tuple[float, str]:
    """Return the value and its letter; not a number when its parts contradict each other."""
    deg, minute, second = (
        float(found[g].replace(",", ".")) if found[g] is not None else None for g in ("deg", "min", "sec")
    )
    letter = (found["before"] or found["after"] or "").upper()
    both = found["before"] is not None and found["after"] is not None
    signed = found["sign"] is not None and found["sign"] != "+"
    if deg is None or both or (letter and (letter not in letters or signed)):
        return np.nan, letter if letter in letters else ""
    if (minute or 0.0) >= 60 or (second or 0.0) >= 60:
        return np.nan, ""
    if (deg % 1 and minute is not None) or ((minute or 0.0) % 1 and second is not None):
        return np.nan, ""
    value = deg + (minute or 0.0) / 60.0 + (second or 0.0) / 3600.0
    return value * (letters[letter] if letter else -1.0 if signed else 1.0), letter


def place_problems(
    lon: Floats, lat: Floats, where: str, area: Area, columns: tuple[str, str] = ("geometry", "geometry")
) -> list[Problem]:
    """Return what is wrong with places in degrees: swapped, metres among degrees, off where the CRS holds.

    Parameters
    ----------
    lon, lat : ndarray, [deg]
        Not finite where already refused.
    where : str
        The file's name.
    area : Area
        Where the region's CRS may be used.
    columns : (str, str)
        Names of the columns of longitude and latitude.
    """
    known = np.isfinite(lon) & np.isfinite(lat)
    huge = known & ((np.abs(lon) > 360) | (np.abs(lat) > 360))
    there = area.holds(lon, lat)
    swapped = known & ~huge & ~there & (area.holds(lat, lon) | (np.abs(lat) > 90))
    off = known & ~huge & ~there & ~swapped
    xy = (
        pd.Series([f"{a:.6g}, {b:.6g}" for a, b in zip(lon, lat, strict=True)])
        if (huge | swapped | off).any()
        else None
    )
    lon_name, lat_name = columns
    name = lat_name if lat_name == lon_name else f"{lon_name}, {lat_name}"
    told = "is in no degrees (longitude, latitude): metres mixed among them? put those in a file of their own with their CRS"
    problems = first_rows(huge, xy, where, name, told)
    told = "(longitude, latitude) lies not here: latitude and longitude look swapped; exchange the two"
    problems += first_rows(swapped, xy, where, lat_name, told)
    told = f"(longitude, latitude) lies outside of where the region's CRS {area.crs} can be used"
    return problems + first_rows(off, xy, where, name, told)


def _from_metres(
    frame: pd.DataFrame, columns: tuple[str, str], where: str, crs: str, own_crs: str
) -> tuple[Any, list[Problem], list[Notice]]:
    problems: list[Problem] = []
    notices: list[Notice] = []
    read = []
    for name in columns:
        found = numbers_of(frame[name])
        if found.doubt:
            problems.append(Problem(where, found.doubt, column=name))
        problems += first_rows(
            found.wrong | (found.empty & (found.doubt == "")), frame[name], where, name, "is no number"
        )
        notices += [Notice(where, found.note, name)] if found.note else []
        read.append(found.number)
    x, y = read
    source = own_crs or crs
    degrees = np.isfinite(x) & np.isfinite(y) & (np.abs(x) <= 180) & (np.abs(y) <= 180)
    told = f"looks like degrees, not metres of {source}: put it in columns longitude and latitude"
    problems += first_rows(degrees, frame[columns[0]], where, columns[0], told)
    x, y = np.where(degrees, np.nan, x), np.where(degrees, np.nan, y)
    if own_crs:
        x, y, turned = _north_first(x, y, where, source, area_of(crs), columns)
        notices += turned
    problems += _metres_off(x, y, where, source, area_of(crs), columns)
    if own_crs and CRS.from_user_input(own_crs) != CRS.from_user_input(crs):
        x, y = Transformer.from_crs(own_crs, crs, always_xy=True).transform(x, y)
        notices.append(Notice(where, f"places were brought from {own_crs} to {crs}"))
    return _points(frame.drop(columns=list(columns)), x, y, crs), problems, notices


def _north_first(
    x: Floats, y: Floats, where: str, source: str, area: Area, columns: tuple[str, str]
) -> tuple[Floats, Floats, list[Notice]]:
    """Return east and north where a list has x for the northing, as VN-2000 does: told by all its places together."""
    to_degrees = Transformer.from_crs(source, "EPSG:4326", always_xy=True)
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return x, y, []
    as_is = area.holds(*to_degrees.transform(x, y)) & known
    turned = area.holds(*to_degrees.transform(y, x)) & known
    if as_is.any() or not turned.any() or not (fold(columns[0]) == "x" and fold(columns[1]) == "y"):
        return x, y, []
    told = f"x was read as the northing and y as the easting of {source}, as VN-2000 lists have them"
    return y, x, [Notice(where, told, ", ".join(columns), int(turned.sum()))]


def _metres_off(
    x: Floats, y: Floats, where: str, source: str, area: Area, columns: tuple[str, str]
) -> list[Problem]:
    to_degrees = Transformer.from_crs(source, "EPSG:4326", always_xy=True)
    known = np.isfinite(x) & np.isfinite(y)
    there = area.holds(*to_degrees.transform(x, y))
    turned = area.holds(*to_degrees.transform(y, x))
    off = known & ~there
    xy = pd.Series([f"{a:.7g}, {b:.7g}" for a, b in zip(x, y, strict=True)]) if off.any() else None
    name = ", ".join(columns)
    told = f"(east, north) look swapped: in VN-2000 lists x is the northing; they are metres of {source} here"
    problems = first_rows(off & turned, xy, where, name, told)
    told = f"(east, north) lies outside of where {area.crs} can be used; are they metres of {source}?"
    return problems + first_rows(off & ~turned, xy, where, name, told)
