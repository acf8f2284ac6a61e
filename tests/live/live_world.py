"""Random small regions and event sequences for the tests of what is so now."""

from dataclasses import fields, replace

import numpy as np

from phusong.live.incremental import Live, dark_nodes
from phusong.live.recompute import Now, everything_now
from phusong.live.state import NEVER, PlaceIndex, StaticNetwork, static_network
from phusong.service.allocation import Reception
from phusong.service.capacity import Demand
from phusong.service.sharing import grant_rights
from service_network import network_of

OPERATORS = ("red", "blue", "green")
LOCKS = ("", "", "", "contract", "structural", "security", "legal")
HOUR_MS = 3_600_000


def world(seed: int, policy: str = "none", *, cells: int = 40, mbps: float = 0.3) -> StaticNetwork:
    """Return a random network of two exchanges with rings, ties, planned sites and what is heard where."""
    rng = np.random.default_rng(seed)
    n = 12
    ties = [("t0", "t1", 1.0), ("t2", "t3", 2.0)][: int(rng.integers(0, 3))]
    wires = [(f"s{a:02d}", f"s{b:02d}", 0.999) for a, b in rng.integers(1, n, (4, 2)) if a != b]
    structure = np.array(["exchange", *["tower"] * (n - 1)])
    structure[5] = "exchange"
    parent = np.array(["", *["x0"] * (n - 1)])
    net = network_of(seed=seed % 50, ties=ties, links=wires, structure=structure, backhaul_parent_id=parent,
                     autonomy_h=rng.choice([0.0, 0.5, 2.0, 4.0], n))  # fmt: skip
    lock = rng.choice(LOCKS, n)
    n_st = 2 * n
    capacity = rng.choice([0.0, 2.0, 5.0, 40.0], net.links.ids.size)
    net = replace(
        net, operators=OPERATORS, shares=np.array([0.5, 0.3, 0.2]), owner=rng.integers(-1, 3, n),
        lock_reason=lock, shareable=(lock == "") & (rng.random(n) < 0.9), spare_slots=rng.integers(0, 3, n),
        remote=rng.integers(0, 4, n), station_site=np.repeat(np.arange(n), 2), autonomy_h=net.autonomy_h,
        station_operator=rng.integers(0, 3, n_st), station_guests=rng.integers(0, 8, n_st) * (rng.random(n_st) < 0.2),
        station_bandwidth_mhz=rng.choice([0.5, 2.0, 10.0], n_st),
        station_ids=np.array([f"k{k}" for k in range(n_st)]), links=replace(net.links, capacity_mbps=capacity),
    )  # fmt: skip
    cell, station = np.nonzero(rng.random((cells, n_st)) < rng.choice([0.05, 0.1, 0.2]))
    level = np.round(rng.uniform(-110, -60, cell.size), 1).astype(np.float32)
    order = np.lexsort((station, cell, -level))
    heard = Reception(
        cell[order].astype(np.int32), station[order].astype(np.int32), level[order],
        np.round(10 * (level[order] + 105)).astype(np.int16), cells,
    )  # fmt: skip
    places = PlaceIndex(
        commune_codes=np.array([f"0000{k}" for k in range(5)]),
        commune_names=np.array([f"Xã {k}" for k in range(5)]),
        province_codes=np.array(["08", "14"]),
        province_names=np.array(["Tuyên Quang", "Sơn La"]),
        province=np.array([0, 0, 1, 1, 1]),
        cell_commune=rng.integers(0, 5, cells),
        site_commune=rng.integers(-1, 5, n),
        village_commune=rng.integers(0, 5, 8),
        village_cell=rng.integers(0, cells, 8),
        as_of="2026-01",
    )  # fmt: skip
    return static_network(
        network=net,
        places=places,
        reception=heard,
        weights=rng.integers(0, 60, (cells, 3)) * (rng.random((cells, 3)) < 0.8),
        availability_target=0.9,
        demand=Demand(mbps),
        rights_of=lambda network: grant_rights(network, policy),
        planned=(rng.random(n) < 0.15) & (structure != "exchange"),
    )


def possible(live: Live) -> list[tuple[str, int]]:
    """Return every event that would not contradict what is so now."""
    s, h = live.static, live.happened
    planned = s.planned & ~h.commissioned
    out = []
    for site in range(s.network.n_sites):
        if planned[site]:
            out.append(("site_commissioned", site))
        elif not h.site_down[site]:
            out.append(("site_down", site))
        if not planned[site] and not live.now.site_on[site]:
            out.append(("site_up", site))
        if not s.network.shareable[site] and not h.opened[site]:
            out.append(("lock_opened", site))
    out += [("line_down" if up else "line_up", k) for k, up in enumerate(h.closed.tolist())]
    out += [("link_down" if up else "link_up", k) for k, up in enumerate(h.link_up.tolist())]
    return out


def differences(live: Live) -> list[str]:
    """Return what of the present is not, byte for byte, what a full recompute says."""
    full = everything_now(live.static, live.happened)
    found = _differing(live.now, full)
    dark = dark_nodes(live.static.lines, live.happened.closed)
    if not np.array_equal(dark, live.happened.dark_since_ms != NEVER):
        found.append("dark")
    return found


def _differing(one: Now, other: Now, at: str = "") -> list[str]:
    out = []
    for f in fields(one):
        a, b = getattr(one, f.name), getattr(other, f.name)
        if hasattr(a, "__dataclass_fields__"):
            out += _differing(a, b, f"{at}{f.name}.")
        elif a.dtype != b.dtype or a.tobytes() != b.tobytes():
            out.append(f"{at}{f.name}")
    return out
