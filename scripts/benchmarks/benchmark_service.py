"""How fast sampled states are, on a network of national size that is made up and seeded.

    python scripts/benchmarks/benchmark_service.py [--sites 100000] [--pairs 3000000] [--states 1024] [--repeat 3] [--only watch]

Prints elements × states a second, and beside it the bare read of the same words: what the machine could do at best;
then events of `phusong watch` beside a recompute of the whole network, after a check that both give the same bytes.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar

import geopandas as gpd
import numba as nb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from phusong.access.gaps import split_by_operator
from phusong.compute.executor import Threads
from phusong.live.incremental import Live
from phusong.live.recompute import everything_now
from phusong.live.state import PlaceIndex, StaticNetwork, static_network
from phusong.service.allocation import Reception
from phusong.service.availability import site_stability
from phusong.service.capacity import Demand, busy_hour_mbps
from phusong.service.network import Network, build_network
from phusong.service.outage_states import elements_of_pairs, hours_off, sample_states
from phusong.service.sharing import grant_rights

FEEDER_NODES = 45  # transformers on a feeder, in a row with side branches
OPERATORS = ("red", "blue", "green")

T = TypeVar("T")


def nation(sites: int, *, seed: int = 1, ties: bool = True) -> Network:
    """Return a made-up network: two transformers a site, feeders of 45, an exchange a hundred sites."""
    rng = np.random.default_rng(seed)
    nodes = 2 * sites
    number = np.arange(nodes)
    head = number % FEEDER_NODES == 0
    above = np.where(head, -1, number - 1 - rng.integers(0, 3, nodes) % np.maximum(number % FEEDER_NODES, 1))
    names = np.char.add("n", number.astype(str))
    lower = np.flatnonzero(~head)
    lines = pd.DataFrame(
        {
            "line_id": np.char.add("l", lower.astype(str)), "from_id": names[above[lower]], "to_id": names[lower],
            "length_km": rng.uniform(0.3, 3.0, lower.size), "failures_per_km_year": 0.03, "repair_h": 5.0,
            "normally_open": False, "switch_h": 0.0,
        }
    )  # fmt: skip
    if ties:  # the ends of every tenth pair of feeders can be joined
        last = np.flatnonzero(np.roll(head, -1))
        a, b = last[:-1:10], last[1::10]
        more = lines.iloc[: min(a.size, b.size)].assign(
            line_id=[f"tie{k}" for k in range(min(a.size, b.size))], from_id=names[a[: b.size]],
            to_id=names[b[: a.size]], normally_open=True, switch_h=1.5,
        )  # fmt: skip
        lines = pd.concat([lines, more], ignore_index=True)
    power = pd.DataFrame({"node_id": names, "capacity_kw": 0.0, "saifi": 3.0, "caidi_h": 0.7})
    k = np.arange(sites)
    ids = np.char.add("s", k.astype(str))
    exchange = k % 100 == 0
    parent = np.where(exchange, -1, k - 1 - rng.integers(0, 100, sites) % np.maximum(k % 100, 1))
    solar = rng.random(sites) < 0.02
    table = gpd.GeoDataFrame(
        {
            "site_id": ids, "owner": "red", "structure": np.where(exchange, "exchange", "tower"), "shareable": True,
            "lock_reason": "", "spare_slots": 1, "status": "active",
            "power_source": np.where(solar, "solar", "grid_battery"),
            "power_node_id": np.where(solar, "", names[2 * k]), "autonomy_h": rng.choice([1.0, 2.0, 4.0, 8.0], sites),
            "backhaul_parent_id": np.where(exchange, "", ids[np.maximum(parent, 0)]),
        },
        geometry=gpd.points_from_xy(rng.uniform(102.5, 109.0, sites), rng.uniform(9.0, 23.0, sites)), crs="EPSG:4326",
    )  # fmt: skip
    hung = np.flatnonzero(~exchange)
    wires = pd.DataFrame(
        {
            "link_id": np.char.add("k", hung.astype(str)), "from_id": ids[hung], "to_id": ids[parent[hung]],
            "medium": "fibre", "capacity_mbps": 1000.0, "availability": 0.9997,
        }
    )  # fmt: skip
    cells = pd.DataFrame({"site_id": ids, "operator": "red", "guests": "", "bandwidth_mhz": 10.0})
    return build_network(
        sites=table, cells=cells, operators=pd.DataFrame({"operator": OPERATORS, "share": [0.6, 0.25, 0.15]}),
        links=wires, power_nodes=power, power_lines=lines, site_remote=np.ones(sites, np.int64),
    )  # fmt: skip


@nb.njit(cache=True)
def read_all(live, indptr, site):  # type: ignore[no-untyped-def]
    """Return the OR of every word an element's sites have: the least work that any such count has."""
    total = np.uint64(0)
    for w in range(live.shape[0]):
        for k in range(indptr[-1]):
            total |= live[w, site[k]]
    return total


def heard_nation(network: Network, pairs: int, *, policy: str, seed: int = 2) -> StaticNetwork:
    """Return a made-up nation of 100 million people who hear three sites near one another in the list, each cell."""
    rng = np.random.default_rng(seed)
    sites, cells = network.n_sites, pairs // 3
    near = rng.integers(0, sites, cells)
    site = (np.repeat(near, 3) + rng.integers(0, 50, 3 * cells)) % sites
    key = np.unique(np.repeat(np.arange(cells), 3) * sites + site)
    cell, site = np.divmod(key, sites)
    station_of = np.empty(sites, np.int64)
    station_of[network.station_site] = np.arange(sites)
    station = station_of[site]
    level = np.round(rng.uniform(-110.0, -60.0, cell.size), 1).astype(np.float32)
    order = np.lexsort((station, cell, -level))
    reception = Reception(
        cell[order].astype(np.int32), station[order].astype(np.int32), level[order],
        np.round(10.0 * (level[order] + 105.0)).astype(np.int16), cells,
    )  # fmt: skip
    n, provinces = 3321, 34
    villages = rng.integers(0, cells, 40_000)
    places = PlaceIndex(
        np.char.zfill(np.arange(n).astype(str), 5), np.arange(n).astype(str),
        np.char.zfill(np.arange(provinces).astype(str), 2), np.arange(provinces).astype(str),
        np.arange(n) * provinces // n, near * n // sites, np.arange(sites) * n // sites, near[villages] * n // sites,
        villages,
    )  # fmt: skip
    people = rng.multinomial(100_000_000, np.full(cells, 1.0 / cells))
    return static_network(
        network=network, places=places, reception=reception, weights=split_by_operator(people, network.shares),
        availability_target=0.998, demand=Demand(busy_hour_mbps(take_up=0.6, gb_month=8.0, busy_hour_share=0.06)),
        rights_of=lambda changed: grant_rights(changed, policy), planned=np.zeros(sites, bool),
    )  # fmt: skip


def watch(network: Network, asked: argparse.Namespace, console: Console) -> None:
    """Print how long events take beside a recompute of everything, and that both agree."""
    rng = np.random.default_rng(3)
    # three carriers a site and all operators on it, as much as people ask for in most places
    wide = replace(network, station_bandwidth_mhz=np.full(network.n_stations, asked.mhz))
    there = heard_nation(wide, asked.pairs, policy="mocn")
    live = Live(there)
    live.at(0)
    seconds, _ = best_of(asked.repeat, lambda: everything_now(there, live.happened))
    parts = live.now.sums
    shares = {
        k: int(getattr(parts, k).sum()) / int(parts.population.sum())
        for k in ("people_served", "gap_congested")
    }
    console.print(
        f"watch: {there.reception.cell.size:,} pairs, {asked.mhz:g} MHz a site; served {shares['people_served']:.1%}, "
        f"congested {shares['gap_congested']:.1%}; everything anew {seconds:.2f} s"
    )
    table = Table("event", "times", "median ms", "longest ms", "cells (median)", "everything anew / median")
    sizes = {
        "site": there.network.n_sites,
        "line": int(there.lines.closed.sum()),
        "link": there.network.links.ids.size,
    }
    times: dict[str, list[float]] = {}
    cells: dict[str, list[int]] = {}
    clock = 0
    for group in np.repeat(list(sizes), asked.events):
        number = int(rng.integers(sizes[group]))
        for kind, hours in ((f"{group}_down", 0), ("batteries spent", 8), (f"{group}_up", 1)):
            if kind == "batteries spent" and group != "line":
                continue
            clock += hours * 3_600_000
            start = time.perf_counter()
            touched = live.at(clock)
            if kind != "batteries spent":
                touched = getattr(live, kind)(number)
            times.setdefault(kind, []).append(time.perf_counter() - start)
            cells.setdefault(kind, []).append(touched.cells)
    every = np.concatenate(list(times.values()))
    for kind, found in [*times.items(), ("every event", every.tolist())]:
        looked = np.median(cells.get(kind, np.concatenate(list(cells.values()))))
        middle = float(np.median(found))
        table.add_row(
            kind, f"{len(found)}", f"{1e3 * middle:.2f}", f"{1e3 * max(found):.1f}", f"{looked:,.0f}",
            f"{seconds / middle:,.0f}",
        )  # fmt: skip
    console.print(table)
    full = everything_now(there, live.happened)
    same = [f.name for f in fields(full) if isinstance(getattr(full, f.name), np.ndarray)]
    agree = all(getattr(full, k).tobytes() == getattr(live.now, k).tobytes() for k in same)
    agree &= all(
        getattr(full.sums, f.name).tobytes() == getattr(parts, f.name).tobytes() for f in fields(parts)
    )
    console.print(
        f"Mean ratio (all events' time): {seconds / every.mean():,.0f}. After {every.size} events the present and a "
        f"recompute {'are the same bytes' if agree else 'DIFFER'}."
    )
    if not agree:
        raise SystemExit(1)


def best_of(repeat: int, work: Callable[[], T]) -> tuple[float, T]:
    """Return the shortest time of some runs, after one that compiles, and what the last returned."""
    out = work()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        out = work()
        times.append(time.perf_counter() - start)
    return min(times), out


def main() -> None:
    """Print the tables."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--sites", type=int, default=100_000)
    ask.add_argument("--pairs", type=int, default=3_000_000)
    ask.add_argument("--states", type=int, default=1024)
    ask.add_argument("--repeat", type=int, default=3)
    ask.add_argument("--events", type=int, default=50, help="outages of each kind for watch")
    ask.add_argument("--mhz", type=float, default=60.0, help="bandwidth of a site for watch")
    ask.add_argument("--only", choices=("states", "watch"))
    asked = ask.parse_args()
    console = Console(width=110)
    start = time.perf_counter()
    network = nation(asked.sites)
    built = time.perf_counter() - start
    if asked.only != "watch":
        sampled_states(network, built, asked, console)
    if asked.only != "states":
        watch(network, asked, console)


def sampled_states(network: Network, built: float, asked: argparse.Namespace, console: Console) -> None:
    """Print how fast states are sampled and counted."""
    rng = np.random.default_rng(2)
    elements = asked.pairs // 3
    # an element hears sites near one another in the list, as real ones do on the ground
    near = rng.integers(0, asked.sites, elements)
    site = (np.repeat(near, 3) + rng.integers(0, 50, 3 * elements)) % asked.sites
    rows = elements_of_pairs(np.repeat(np.arange(elements), 3), site, elements)
    table = Table("what", "seconds", "rate")
    table.add_row("build the network", f"{built:.2f}", f"{asked.sites / built:,.0f} sites/s")
    seconds, closed = best_of(asked.repeat, lambda: site_stability(network))
    table.add_row("closed form, every site", f"{seconds:.3f}", f"{asked.sites / seconds:,.0f} sites/s")
    for workers in (1, 2):
        seconds, states = best_of(
            asked.repeat, lambda w=workers: sample_states(network, n_states=asked.states, executor=Threads(w))
        )
        rate = asked.sites * asked.states / seconds / 1e6
        table.add_row(
            f"states of every site, {workers} thread(s)", f"{seconds:.3f}", f"{rate:,.0f} M sites × states/s"
        )
        seconds, lost = best_of(
            asked.repeat, lambda w=workers, s=states: hours_off(s, *rows, executor=Threads(w))
        )
        rate = elements * asked.states / seconds / 1e6
        table.add_row(
            f"hours of every element, {workers} thread(s)",
            f"{seconds:.3f}",
            f"{rate:,.0f} M elements × states/s",
        )
    seconds, _ = best_of(asked.repeat, lambda: read_all(states.live, *rows))
    bare = elements * asked.states / seconds / 1e6
    table.add_row(
        "bare read of the same words, 1 thread", f"{seconds:.3f}", f"{bare:,.0f} M elements × states/s"
    )
    console.print(
        f"{asked.sites:,} sites, {network.node_ids.size:,} power nodes, {network.grid.switches.ids.size:,} open "
        f"lines, {elements:,} elements, {rows[1].size:,} element-site pairs, {asked.states:,} states"
    )
    console.print(table)
    sampled = 8760.0 * (1.0 - states.availability)
    console.print(
        f"Mean hours lost by a site: closed form {closed.hours_lost.mean():.2f}, states {sampled.mean():.2f}; "
        f"by an element with all its sites together {lost.mean():.2f}"
    )


if __name__ == "__main__":
    main()
