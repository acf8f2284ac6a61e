"""What a region holds: layers, grid, sources, corrections."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import Transformer

__all__ = ["Grid", "Repair"]


@dataclass(frozen=True)
class Grid:
    """A north-up grid of square pixels in a projected CRS in metres.

    Parameters
    ----------
    crs : str
        Authority code, e.g. ``"EPSG:32648"``.
    west_m, north_m : float
        Easting and northing of the outer corner of pixel (0, 0).
    cell_m : float
        Side of a pixel. [m]
    height, width : int
        Rows and columns.
    """

    crs: str
    west_m: float
    north_m: float
    cell_m: float
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    @property
    def transform(self) -> Affine:
        """Affine transform from (column, row) to (easting, northing)."""
        return Affine(self.cell_m, 0.0, self.west_m, 0.0, -self.cell_m, self.north_m)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north. [m]"""
        return (
            self.west_m,
            self.north_m - self.height * self.cell_m,
            self.west_m + self.width * self.cell_m,
            self.north_m,
        )

    @property
    def pixel_km2(self) -> float:
        """Area of a pixel. [km²]"""
        return (self.cell_m / 1000.0) ** 2

    @property
    def latitude_deg(self) -> float:
        """Latitude of the middle."""
        west, south, east, north = self.bounds
        to_degrees = Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True)
        return float(to_degrees.transform((west + east) / 2.0, (south + north) / 2.0)[1])

    @classmethod
    def around(
        cls, bounds: tuple[float, float, float, float], *, crs: str, cell_m: float, margin_m: float = 0.0
    ) -> "Grid":
        """Return the smallest grid aligned to multiples of ``cell_m`` that holds ``bounds`` and a margin.

        Parameters
        ----------
        bounds : tuple of float
            West, south, east, north. [m]
        crs : str
            Projected CRS of the bounds.
        cell_m, margin_m : float
            Pixel side and margin on every side. [m]
        """
        west, south, east, north = bounds
        west_m = np.floor((west - margin_m) / cell_m) * cell_m
        north_m = np.ceil((north + margin_m) / cell_m) * cell_m
        width = int(np.ceil((east + margin_m - west_m) / cell_m))
        height = int(np.ceil((north_m - south + margin_m) / cell_m))
        return cls(crs, float(west_m), float(north_m), float(cell_m), height, width)

    def centres(
        self, row: npt.ArrayLike, col: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return easting and northing of pixel centres. [m]"""
        east = self.west_m + (np.asarray(col, np.float64) + 0.5) * self.cell_m
        north = self.north_m - (np.asarray(row, np.float64) + 0.5) * self.cell_m
        return east, north

    def rowcol(
        self, east_m: npt.ArrayLike, north_m: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return row and column of the pixel that holds each point (may lie outside the grid)."""
        row = np.floor((self.north_m - np.asarray(north_m, np.float64)) / self.cell_m).astype(np.int64)
        col = np.floor((np.asarray(east_m, np.float64) - self.west_m) / self.cell_m).astype(np.int64)
        return row, col

    def inside(self, row: npt.ArrayLike, col: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Return whether each row and column lies on the grid."""
        r, c = np.asarray(row), np.asarray(col)
        return np.asarray((r >= 0) & (r < self.height) & (c >= 0) & (c < self.width))


@dataclass(frozen=True)
class Repair:
    """One row of a region's repairs: what was changed in the source, where and why."""

    layer: str
    reason: str
    key: str = ""
    name: str = ""
    column: str = ""
    old_value: str = ""
    new_value: str = ""
