"""The rasters of a result as pictures that lie on a web map: PNG in the map's projection, with their corners."""

import base64
import io
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.colors import to_hex, to_rgb
from PIL import Image
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.transform import array_bounds
from rasterio.warp import calculate_default_transform, reproject

from phusong.region.grid import Grid
from phusong.report.result import ResultData
from phusong.report.theme import CLASS_HEX

__all__ = ["RSRP_EDGES_DBM", "RSRP_HEX", "raster_pictures"]

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
