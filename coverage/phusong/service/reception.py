"""What is received where people live: every station heard at every demand cell, strongest first."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Reception", "reception_at"]


@dataclass(frozen=True)
class Reception:
    """Pairs of demand cell and station, sorted by falling RSRP, then cell, then station.

    Parameters
    ----------
    cell, station : ndarray of int32, shape (n,)
        Position of the demand cell and of the station.
    rsrp_dbm : ndarray of float32, shape (n,)
        Reference signal received power. [dBm]
    sinr_ddb : ndarray of int16, shape (n,)
        Signal over noise and interference. [tenths of a dB]
    n_cells : int
        Number of demand cells, heard or not.
    """

    cell: npt.NDArray[np.int32]
    station: npt.NDArray[np.int32]
    rsrp_dbm: npt.NDArray[np.float32]
    sinr_ddb: npt.NDArray[np.int16]
    n_cells: int


def reception_at(
    demand_pixel: npt.NDArray[np.int64],
    *,
    indptr: npt.NDArray[np.int64],
    pixel: npt.NDArray[np.int32],
    rsrp_ddbm: npt.NDArray[np.int16],
    sinr_ddb: npt.NDArray[np.int16],
    n_pixels: int,
) -> Reception:
    """Return the footprints' entries that fall on demand cells.

    Parameters
    ----------
    demand_pixel : ndarray, shape (n_cells,)
        Flat pixel of each demand cell.
    indptr, pixel, rsrp_ddbm, sinr_ddb : ndarray
        Footprints in rows by station: offsets, flat pixels, RSRP in tenths of a dBm and SINR in tenths of a dB.
    n_pixels : int
        Pixels of the grid.
    """
    cell_of = np.full(n_pixels, -1, np.int32)
    cell_of[demand_pixel] = np.arange(demand_pixel.size, dtype=np.int32)
    on = cell_of[pixel]
    kept = np.flatnonzero(on >= 0)
    station = np.repeat(np.arange(indptr.size - 1, dtype=np.int32), np.diff(indptr))[kept]
    cell = on[kept]
    level = rsrp_ddbm[kept]
    order = np.lexsort((station, cell, -level.astype(np.int32)))
    return Reception(
        cell[order],
        station[order],
        (level[order].astype(np.float32) / np.float32(10.0)),
        sinr_ddb[kept][order],
        int(demand_pixel.size),
    )
