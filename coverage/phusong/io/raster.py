"""A raster of other people, opened by the driver of its ending alone, and a virtual one only over files."""

import html
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from rasterio._err import CPLE_BaseError

from phusong.errors import InputError, Problem, refuse
from phusong.io.limits import read_bytes

__all__ = ["MOST_PIXELS", "MOST_SOURCE_PIXELS", "RASTER_ERRORS", "open_raster"]

MOST_PIXELS = 500_000_000
"""Largest raster of a region; Viet Nam at 100 m has a fifth of it."""

MOST_SOURCE_PIXELS = 5_000_000_000
"""Largest raster from which a region's squares are drawn; a tile of ESA WorldCover has a quarter of it."""

RASTER_ERRORS = (rasterio.errors.RasterioError, CPLE_BaseError, ValueError, OSError)
"""What a broken file makes rasterio raise; some of its calls let GDAL's own errors through as they are."""

_DRIVERS = {
    ".tif": "GTiff", ".tiff": "GTiff", ".hgt": "SRTMHGT", ".dt0": "DTED", ".dt1": "DTED", ".dt2": "DTED",
    ".vrt": "VRT",
}  # fmt: skip
_MOST_VRT_BYTES = 50_000_000
_FILE = re.compile(r"<(?:SourceFilename|SourceDataset)\b[^>]*>([^<]*)<", re.IGNORECASE)
_CODE = re.compile(r"<!|<PixelFunction|VRTDerivedRasterBand|VRTRawRasterBand|<MDArray", re.IGNORECASE)


@contextmanager
def open_raster(path: Path) -> Iterator[Any]:
    """Give a raster that stands open as long as the context.

    Parameters
    ----------
    path : Path
        .tif, .tiff, .hgt, .dt0, .dt1, .dt2 or .vrt. Whatever its bytes say, no other driver looks at it: GDAL's own
        choice by content would let a file named .tif fetch others over the network.

    Raises
    ------
    InputError
        If the ending is unknown, it states more pixels than are read, or a virtual raster names anything but raster
        files, or holds code.
    """
    driver = _DRIVERS.get(path.suffix.lower())
    if driver is None:
        raise InputError(
            Problem(path.name, f"is no raster that is read; expected one of {', '.join(_DRIVERS)}")
        )
    if not path.is_file():
        raise InputError(Problem(path.name, "cannot be read: there is no such file"))
    if driver == "VRT":
        refuse(_unsafe_vrt(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        source = rasterio.open(path, driver=driver)
    with source:
        if any(str(d).startswith("complex") for d in source.dtypes):
            raise InputError(
                Problem(path.name, "holds complex numbers, which are no heights, people or classes")
            )
        if driver != "VRT" and source.width * source.height > MOST_SOURCE_PIXELS:
            told = f"states {source.width:,} × {source.height:,} pixels; at most {MOST_SOURCE_PIXELS:,} are read: cut it to the region"
            raise InputError(Problem(path.name, told))
        yield source


def _unsafe_vrt(path: Path) -> list[Problem]:
    text = read_bytes(path, _MOST_VRT_BYTES).decode("utf-8", errors="replace")
    if _CODE.search(text):
        return [Problem(path.name, "holds code, raw bytes or entities; build it with gdalbuildvrt")]
    problems = []
    for name in dict.fromkeys(html.unescape(n).strip() for n in _FILE.findall(text)):
        place = path.parent / name
        driver = _DRIVERS.get(place.suffix.lower(), "VRT")
        if driver == "VRT" or not place.is_file() or not _looks_like(place, driver):
            told = "names what is no raster file beside it; give the files themselves, or their folder"
            problems.append(Problem(path.name, told, value=name))
    return problems[:20]


def _looks_like(path: Path, driver: str) -> bool:
    if driver != "GTiff":
        return True
    with path.open("rb") as file:
        return file.read(2) in {b"II", b"MM"}
