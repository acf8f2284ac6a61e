"""Service and access stages: who is served, why not."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from rasterio.features import rasterize

from phusong.access.gaps import split_by_operator
from phusong.access.network_state import NetworkState
from phusong.compute.array_types import Ints
from phusong.compute.executor import Executor
from phusong.radio.footprints import Footprints
from phusong.radio.jobs import RadioPlan
from phusong.radio.link_budget import noise_dbm
from phusong.region.folder import Region
from phusong.scenario import Scenario
from phusong.service.allocation import Reception, reception_at
from phusong.service.availability import Stability, asset_causes, people_by_site, site_stability
from phusong.service.backhaul import backhaul_cuts
from phusong.service.capacity import Demand, Usage, busy_hour_mbps, grown, use_network
from phusong.service.microwave import check_hops
from phusong.service.network import Network, build_network
from phusong.service.outage_states import States, sample_states, serve_together
from phusong.service.rings import protected
from phusong.service.sharing import Agreement, Rights, grant_rights
from phusong.settings import ServiceSettings

__all__ = [
    "Ground",
    "NetworkHeard",
    "agreements_of",
    "availability_of",
    "checked_links",
    "demand_of",
    "ground_of",
    "network_heard",
    "network_of",
    "network_tables",
    "rights_under",
    "sinr_of",
    "use_of",
]


def network_tables(region: Region, state: NetworkState) -> dict[str, pd.DataFrame]:
    """Return the tables `causes`, `cuts` and `hops` of a result."""
    network, stability = state.network, state.stability
    people = people_by_site(
        state.reception, weights=state.weights, tier=state.tier, network=network, stability=stability
    )
    return {
        "causes": asset_causes(network, stability, people),
        "cuts": backhaul_cuts(network.links, network.is_exchange, network.site_ids, people),
        "hops": check_hops(region.links, region.sites, elevation=region.elevation, grid=region.grid),
    }


def checked_links(region: Region) -> Region:
    """Return the region with microwave links no better than terrain and rain let them be.

    A hop without line of sight carries nothing; any other is down at least as long as rain takes its margin.
    """
    hops = check_hops(region.links, region.sites, elevation=region.elevation, grid=region.grid)
    best = np.where(hops["line_of_sight"], 1.0 - hops["rain_unavailability"], 0.0)
    limit = (
        region.links["link_id"].map(pd.Series(best, index=hops["link_id"])).fillna(1.0).to_numpy(np.float64)
    )
    stated = region.links["availability"].to_numpy(np.float64)
    return replace(region, links=region.links.assign(availability=np.minimum(stated, limit)))


@dataclass(frozen=True)
class Ground:
    """Where demand cells and sites lie.

    Parameters
    ----------
    cell_pixel, cell_commune : ndarray of int, shape (n_cells,)
        Flat pixel and row of the commune of each demand cell.
    site_remote : ndarray of int, shape (n_sites,)
        Remoteness class where each site stands.
    land : ndarray of bool, on the grid
        Pixels of the communes.
    site_commune : ndarray of int, shape (n_sites,)
        Row of the commune where each site stands; -1 outside all.
    """

    cell_pixel: Ints
    cell_commune: Ints
    site_remote: Ints
    land: npt.NDArray[np.bool_]
    site_commune: Ints


def ground_of(region: Region) -> Ground:
    """Return where a region's demand cells and sites lie."""
    row_of = pd.Series(np.arange(len(region.communes)), index=region.communes["commune_code"].to_numpy(str))
    shapes = [(g, i) for i, g in enumerate(region.communes.geometry) if g is not None and not g.is_empty]
    burnt = rasterize(
        shapes, out_shape=region.grid.shape, transform=region.grid.transform, fill=-1, dtype="int32"
    )
    row, col = region.grid.rowcol(region.sites.geometry.x, region.sites.geometry.y)
    at = burnt[np.clip(row, 0, region.grid.height - 1), np.clip(col, 0, region.grid.width - 1)]
    remote = region.communes["remote"].to_numpy(np.int64)
    return Ground(
        (region.demand["row"] * region.grid.width + region.demand["col"]).to_numpy(np.int64),
        row_of[region.demand["commune_code"].to_numpy(str)].to_numpy(np.int64),
        np.where(at >= 0, remote[np.maximum(at, 0)], 1),
        np.asarray(burnt >= 0),
        np.where(region.grid.inside(row, col), at, -1).astype(np.int64),
    )


def network_of(region: Region, ground: Ground) -> Network:
    """Return the network of a region, on its ground."""
    network = build_network(
        sites=region.sites,
        cells=region.cells,
        operators=region.operators,
        links=region.links,
        power_nodes=region.power_nodes,
        power_lines=region.power_lines,
        site_remote=ground.site_remote,
    )
    return protected(network)


@dataclass(frozen=True)
class NetworkHeard:
    """A region's network, and what its people hear of it.

    Parameters
    ----------
    ground : Ground
        Where demand cells and sites lie.
    network : Network
        Power, backhaul and stations.
    heard : Footprints
        In the order of the network's stations.
    reception : Reception
        What is heard at each demand cell.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    """

    ground: Ground
    network: Network
    heard: Footprints
    reception: Reception
    weights: Ints


def network_heard(asked: Scenario, region: Region, radio: RadioPlan, heard: Footprints) -> NetworkHeard:
    """Return the network of a region as its people hear it, with microwave hops checked where that is asked."""
    ground = ground_of(region)
    network = network_of(checked_links(region) if asked.service.hops == "checked" else region, ground)
    if not np.array_equal(network.station_ids, heard.station_ids):
        heard = heard.in_order_of(network.station_ids)
    reception = reception_at(
        ground.cell_pixel,
        indptr=heard.indptr,
        pixel=heard.pixel,
        rsrp_ddbm=heard.rsrp_ddbm,
        sinr_ddb=sinr_of(asked, radio, heard),
        n_pixels=region.grid.size,
    )
    weights = split_by_operator(region.demand["population"].to_numpy(np.int64), network.shares)
    return NetworkHeard(ground, network, heard, reception, weights)


def use_of(
    asked: Scenario,
    there: NetworkHeard,
    stability: Stability,
    tier: npt.NDArray[np.int8],
    states: States | None,
    executor: Executor | None = None,
) -> Usage:
    """Return how people use the network when each operator's subscribers may use the stations in these rounds."""
    network, reception, weights = there.network, there.reception, there.weights
    target, demand = asked.service.availability_target, demand_of(asked.service)
    usage = use_network(
        reception,
        weights=weights,
        tier=tier,
        availability=stability.availability[network.station_site],
        availability_target=target,
        bandwidth_mhz=network.station_bandwidth_mhz,
        station_site=network.station_site,
        site_mbps=network.link_capacity_mbps,
        demand=demand,
    )
    if states is None:
        return usage
    return serve_together(
        usage, states, reception=reception, weights=weights, tier=tier, network=network, availability_target=target,
        demand=demand, executor=executor,
    ).usage  # fmt: skip


def availability_of(asked: Scenario, network: Network, executor: Executor) -> tuple[Stability, States | None]:
    """Return how long each site is off in a year, and the sampled states of the year where the scenario asks for them."""
    stability = site_stability(network)
    if asked.service.availability != "states":
        return stability, None
    return stability, sample_states(
        network, n_states=asked.service.states, seed=asked.seed, executor=executor
    )


def demand_of(asked: ServiceSettings) -> Demand:
    """Return what people ask of the network in the busy hour of the year evaluated."""
    mbps = asked.busy_hour_mbps_per_person
    if mbps is None:
        mbps = busy_hour_mbps(
            take_up=asked.take_up, gb_month=asked.gb_month, busy_hour_share=asked.busy_hour_share
        )
    years = asked.year - asked.demand_year
    return Demand(
        grown(mbps, growth_year=asked.growth_year, years=years),
        asked.max_load,
        asked.target_mbps,
        asked.busy_hour_spread,
    )


def rights_under(asked: Scenario, network: Network, policy: str, *, agreed: bool = True) -> Rights:
    """Return the rights under a policy, with the scenario's agreements or without."""
    policy = policy.split(maxsplit=1)[0]
    return grant_rights(network, policy, agreements_of(asked) if agreed else (), asked.service.year)


def agreements_of(asked: Scenario) -> list[Agreement]:
    """Return what operators agree on beyond the policy."""
    return [
        Agreement(a.policy, a.classes, a.between, a.first_year, a.until) for a in asked.sharing.agreements
    ]


def sinr_of(asked: Scenario, radio: RadioPlan, heard: Footprints) -> npt.NDArray[np.int16]:
    """Return the SINR of the footprints' entries: by the other cells, or by a margin for them. [tenths of a dB]

    With the other cells a further site may disturb more people than it serves; with a margin it never does.
    """
    if asked.radio.interference == "sinr":
        return heard.sinr_ddb
    noise = noise_dbm("4G", 900.0, radio.budget.noise_figure_db) + radio.budget.interference_margin_db
    return np.asarray(heard.rsrp_ddbm - round(noise * 10.0), np.int16)
