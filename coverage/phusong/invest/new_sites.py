"""Where new sites could stand: high ground near the people nobody reaches, and what each would reach."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import gaussian_filter

from phusong.invest.situation import Situation
from phusong.radio.footprints import footprints
from phusong.radio.plan import RadioPlan, Scene

__all__ = ["Candidates", "find_candidates"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CLUSTER_M = 900.0
_CLIMB_M = 1500.0  # a mast may stand this far from the people, on higher ground
_LEAST_PEOPLE = 25
_HEIGHT_M = 42.0


@dataclass(frozen=True)
class Candidates:
    """New sites: names, places, and the demand cells each would reach.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
        Names.
    east_m, north_m : ndarray, shape (n,)
        Places.
    cells : tuple of ndarray
        Demand cells in reach of each.
    margin_db : tuple of ndarray, optional
        How far the signal at each of those cells lies above the least that covers. [dB]
    """

    ids: npt.NDArray[np.str_]
    east_m: Floats
    north_m: Floats
    cells: tuple[Ints, ...]
    margin_db: tuple[npt.NDArray[np.float32], ...] | None = None


def find_candidates(situation: Situation, scene: Scene, radio: RadioPlan, *, most: int = 3000) -> Candidates:
    """Return candidate sites round the people who hear nobody they may use, and what each would reach.

    Parameters
    ----------
    situation : Situation
        Who is left without.
    scene, radio : Scene, RadioPlan
        What lies on the grid, and how signal is computed on it.
    most : int
        Clusters looked at, the largest first; two candidates each.
    """
    grid = situation.grid
    waiting = (situation.access.no_signal + situation.access.locked).sum(axis=1)
    people = np.bincount(situation.cell_pixel, waiting, grid.size).reshape(grid.shape).astype(np.float64)
    east, north = _places(situation, people, most)
    ids = np.array([f"n{i:05d}" for i in range(east.size)], str)
    if not ids.size:
        return Candidates(ids, east, north, ())
    sites = pd.DataFrame({"site_id": ids, "east_m": east, "north_m": north})
    keep = np.zeros(grid.size, bool)
    keep[situation.cell_pixel] = True
    sectors = _cells(ids)
    found = footprints(sectors, sites, scene, radio, keep=keep)
    cell_of = np.full(grid.size, -1, np.int64)
    cell_of[situation.cell_pixel] = np.arange(situation.cell_pixel.size)
    floor_dbm = radio.budget.floor_dbm(*sectors.iloc[0][["technology", "band_mhz", "bandwidth_mhz"]])
    cells, margins = [], []
    for k in range(ids.size):
        pixel, level_ddbm = found.of(k)
        order = np.argsort(cell_of[pixel], kind="stable")
        cells.append(cell_of[pixel][order])
        # levels are kept in tenths, so one at the floor may seem to lie a little below
        margins.append(np.maximum(level_ddbm[order] / 10.0 - floor_dbm, 0.0).astype(np.float32))
    return Candidates(ids, east, north, tuple(cells), tuple(margins))


def _places(situation: Situation, people: Floats, most: int) -> tuple[Floats, Floats]:
    """Return the middle of each cluster of waiting people, and the highest ground near it."""
    grid = situation.grid
    size_px = max(_CLUSTER_M / grid.cell_m, 0.6)
    left = people.copy()
    smooth = gaussian_filter(people, size_px, mode="constant", truncate=2.0)
    order = np.argsort(-smooth.ravel(), kind="stable")
    reach = max(1, round(1.6 * size_px))
    climb = max(1, round(_CLIMB_M / grid.cell_m))
    row_out: list[int] = []
    col_out: list[int] = []
    clusters = 0
    for pixel in order:
        if smooth.ravel()[pixel] <= 0 or clusters >= most:
            break
        r, c = divmod(int(pixel), grid.width)
        window = left[max(r - reach, 0) : r + reach + 1, max(c - reach, 0) : c + reach + 1]
        if window.sum() < _LEAST_PEOPLE:
            continue
        window[:] = 0.0
        clusters += 1
        top, start = max(r - climb, 0), max(c - climb, 0)
        ground = situation.elevation[top : r + climb + 1, start : c + climb + 1]
        high_r, high_c = np.unravel_index(int(np.argmax(ground)), ground.shape)
        row_out += [r, top + int(high_r)]
        col_out += [c, start + int(high_c)]
    pixels = np.unique(np.array(row_out, np.int64) * grid.width + np.array(col_out, np.int64))
    return grid.centres(pixels // grid.width, pixels % grid.width)


def _cells(ids: npt.NDArray[np.str_]) -> pd.DataFrame:
    sectors = []
    for sector in range(3):
        frame = pd.DataFrame({"site_id": ids, "operator": "new"})
        frame["cell_id"] = [f"{i}/{sector}" for i in ids]
        frame["azimuth_deg"] = 120.0 * sector
        sectors.append(frame)
    cells = pd.concat(sectors, ignore_index=True)
    cells["technology"] = "4G"
    cells["band_mhz"] = 900.0
    cells["bandwidth_mhz"] = 10.0
    cells["eirp_dbm"] = 60.0
    cells["antenna_height_m"] = _HEIGHT_M
    cells["beamwidth_deg"] = 65.0
    cells["tilt_deg"] = 2.0
    return cells
