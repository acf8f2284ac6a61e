"""What the sampling of plans takes from a region: how sure each reach is, and where schools and clinics stand."""

import numpy as np
import numpy.typing as npt

from phusong.invest.bundles import Offers
from phusong.invest.new_sites import Candidates
from phusong.invest.reach import Reach, reach_of
from phusong.invest.situation import Situation
from phusong.radio.plan import RadioPlan
from phusong.region.near import nearest
from phusong.region.store import Region

__all__ = ["facilities_of_elements", "reach_in_region", "station_floors"]

Floats = npt.NDArray[np.float64]


def station_floors(region: Region, radio: RadioPlan, station_ids: npt.NDArray[np.str_]) -> Floats:
    """Return the least level at which each station covers: that of its most modest cell. [dBm]"""
    cells = region.cells
    kinds = ["technology", "band_mhz", "bandwidth_mhz"]
    known = {
        kind: radio.budget.floor_dbm(str(kind[0]), float(kind[1]), float(kind[2]))
        for kind in cells[kinds].drop_duplicates().itertuples(index=False, name=None)
    }
    floor = np.array([known[kind] for kind in cells[kinds].itertuples(index=False, name=None)])
    least: dict[str, float] = {}
    names = cells["site_id"].astype(str) + "/" + cells["operator"].astype(str)
    for name, level in zip(names, floor.tolist(), strict=True):
        least[name] = min(level, least.get(name, np.inf))
    return np.array([least.get(name, -np.inf) for name in station_ids.tolist()])


def reach_in_region(
    offers: Offers, situation: Situation, candidates: Candidates, region: Region, radio: RadioPlan
) -> Reach:
    """Return how surely each bundle reaches its elements; see :func:`phusong.invest.reach.reach_of`."""
    floors = station_floors(region, radio, situation.network.station_ids)
    return reach_of(offers, situation, candidates, floors, candidates.margin_db)


def facilities_of_elements(region: Region, situation: Situation, *, within_m: float) -> Floats:
    """Return how many schools, clinics and offices count as reached with each element, shape (n_elements,).

    A facility belongs to the nearest demand cell within reach, there to the operator with the most people waiting, so
    that each counts once however many operators an option brings.
    """
    n_cells, n_ops = situation.weights.shape
    out = np.zeros(n_cells * n_ops)
    if not len(region.facilities) or not n_cells:
        return out
    grid = situation.grid
    east, north = grid.centres(situation.cell_pixel // grid.width, situation.cell_pixel % grid.width)
    places = np.c_[region.facilities.geometry.x, region.facilities.geometry.y]
    far, cell = nearest(np.c_[east, north], places)
    cell = cell[far <= max(within_m, grid.cell_m)]
    waiting = situation.unserved
    np.add.at(out, cell * n_ops + np.argmax(waiting[cell], axis=1), 1.0)
    return out
