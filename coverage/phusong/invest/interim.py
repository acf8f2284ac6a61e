"""What serves people until the permanent remedy stands: terminals at village halls, mobile cells, roaming, generators.

An interim remedy serves only people whom its permanent one will serve, so nobody is counted twice: it brings them
service some years earlier. No bundle needs one, and no plan can end with one alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.invest.costs import Cost, Costs
from phusong.invest.drawer import elements_of
from phusong.invest.energy import generator_cost, generator_litres_year
from phusong.invest.feeds import SATELLITE_LOST, SATELLITE_MBPS, Terrain
from phusong.invest.offers import Offers
from phusong.invest.remedy import Remedy, Works

__all__ = ["Interim", "bridged", "interim_of_new_site", "interim_of_site"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_HALL_M = 400.0  # reach of Wi-Fi and of a walk to the hall (assumed)
_MOBILE_M = 2000.0  # of a mobile cell on a mast of 15 m, in sight (assumed)
_MOBILE_LIFE, _TERMINAL_LIFE = 10.0, 5.0


@dataclass(frozen=True)
class Interim:
    """A remedy for some years.

    Parameters
    ----------
    remedy : Remedy
        What is bought.
    follows : str
        Id of the permanent remedy that takes its place.
    elements : ndarray of int
        Whom it serves until then.
    """

    remedy: Remedy
    follows: str
    elements: Ints


def interim_of_new_site(
    terrain: Terrain,
    name: str,
    follows: str,
    place: tuple[float, float],
    remote: int,
    cells: Ints,
    people: Ints,
    years: float,
) -> list[Interim]:
    """Return what may serve the people of a new site until it stands: a hall terminal, a mobile cell.

    Parameters
    ----------
    terrain : Terrain
        The ground and what works cost on it.
    name, follows : str
        Of the site, and the permanent remedy that takes its place.
    place : tuple of float
        Easting and northing of the site. [m]
    remote : int
        Remoteness class.
    cells, people : ndarray of int
        Demand cells in reach, and people without service in each.
    years : float
        How long it stands.
    """
    s = terrain.situation
    costs = terrain.costs_at(*place, remote)
    east, north = s.grid.centres(*np.divmod(s.cell_pixel[cells], s.grid.width))
    everyone = np.arange(s.weights.shape[1])
    top = int(np.argmax(people))
    hall = (float(east[top]), float(north[top]))
    near = np.hypot(east - hall[0], north - hall[1]) <= _HALL_M
    link = {"medium": "satellite", "capacity_mbps": SATELLITE_MBPS, "availability": 1.0 - SATELLITE_LOST}
    terminal = _for_years(costs, costs.of(hall_terminal=1.0, hall_terminal_opex=1.0), years, _TERMINAL_LIFE)
    out = [
        Interim(
            Remedy("satellite_terminal", name, terminal, *hall, Works(name, **link)),  # type: ignore[arg-type] # words and numbers by name
            follows,
            elements_of(cells[near], everyone, everyone.size),
        )
    ]
    close = np.hypot(east - place[0], north - place[1]) <= _MOBILE_M
    if close.any():
        parts = costs.of(mobile_bts=1.0, satellite=1.0, satellite_opex=1.0, generator_hire=1.0)
        parts += costs.energy(litres_year=generator_litres_year(8760.0))
        cost = _for_years(costs, parts, years, _MOBILE_LIFE) + costs.of(mobile_bts_move=1.0)
        works = Works(name, power_source="diesel", litres_year=generator_litres_year(8760.0), **link)  # type: ignore[arg-type] # as above
        out.append(
            Interim(
                Remedy("mobile_bts", name, cost, *place, works),
                follows,
                elements_of(cells[close], everyone, everyone.size),
            )
        )
    return out


def interim_of_site(
    terrain: Terrain, site: int, kind: str, follows: str, elements: Ints, years: float
) -> Interim:
    """Return what may serve the people of a standing site until it is mended or opened: `generator` or `roaming`."""
    s = terrain.situation
    name = str(s.network.site_ids[site])
    place = float(s.site_east_m[site]), float(s.site_north_m[site])
    costs = terrain.costs_at(*place, int(s.network.remote[site]))
    if kind == "roaming":
        cost = _for_years(costs, costs.of(open_roaming=1.0, open_roaming_opex=1.0), years, years)
        return Interim(Remedy(kind, name, cost, *place, Works(name)), follows, elements)
    hours = float(s.stability.own_power_h[site])
    parts = generator_cost(costs, hours) + costs.of(generator_hire=1.0)
    works = Works(name, autonomy_h=48.0, litres_year=generator_litres_year(hours))
    return Interim(
        Remedy(kind, name, _for_years(costs, parts, years, _MOBILE_LIFE), *place, works), follows, elements
    )


def bridged(offers: Offers, bought: Bools, interim: Sequence[int]) -> Floats:
    """Return the people each interim remedy serves early in a plan, nobody twice.

    Parameters
    ----------
    offers : Offers
        What there is to buy.
    bought : ndarray of bool, shape (n_remedies,)
        The plan, permanent remedies only.
    interim : sequence of int
        Interim remedies, in the order in which they begin; of two that serve the same people the first counts.

    Returns
    -------
    ndarray, shape (len(interim),)
        Only people whom the plan serves in the end, and only while their permanent remedy is in the plan.
    """
    served = offers.model.served(bought)
    position = {r: k for k, r in enumerate(offers.remedies["remedy_id"])}
    follows = offers.remedies["follows"].to_numpy(str)
    out = np.zeros(len(interim))
    if offers.bridges is None:
        return out
    left = served.copy()
    for i, k in enumerate(interim):
        if not bought[position[follows[k]]]:
            continue
        on = offers.bridges.indices[offers.bridges.indptr[k] : offers.bridges.indptr[k + 1]]
        fresh = on[left[on]]
        left[fresh] = False
        out[i] = float(offers.model.weights[fresh].sum())
    return out


def _for_years(costs: Costs, whole: Cost, years: float, life: float) -> Cost:
    """Return the cost of what is used for some years and then goes to another place: its wear and its running cost."""
    worn = min(years / life, 1.0)
    kept = whole.capex_musd * (1.0 - worn) * (1.0 + costs.discount_rate) ** -years
    base = whole.capex_musd - kept
    # low and high move with the base, in the proportion of the whole
    running = costs.running(whole.opex_musd_year, years)
    now = base + running
    times = now / max(whole.npv_musd, 1e-12)
    return Cost(whole.capex_musd, whole.opex_musd_year, now, whole.low_musd * times, whole.high_musd * times)
