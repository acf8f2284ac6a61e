"""Together or not at all: ready is one site with everything; cut points and single homes by hand and by brute force."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.access.communes import CORE, commune_graph, commune_homes
from phusong.access.readiness import isolated_builds, readiness_by_commune, requirements, stranded_sites
from phusong.pipeline import run_region
from phusong.scenario import Scenario
from phusong.service.availability import site_stability
from phusong.service.network import build_network
from small_region import small_region


def network(seed=1):
    r = small_region(seed=seed)
    return build_network(
        sites=r.sites, cells=r.cells, operators=r.operators, links=r.links, power_nodes=r.power_nodes,
        power_lines=r.power_lines, site_remote=np.ones(len(r.sites), np.int64),
    )  # fmt: skip


def answer(region, *settings_):
    asked = Scenario.read("default", overrides=("invest.samples=0", "invest.budget_musd=0.1", *settings_))
    return run_region(asked, region)


@pytest.fixture(scope="module")
def result():
    return answer(small_region())


def test_ready_is_never_more_than_each_of_the_three(result):
    ready = result.readiness
    for name in ("has_signal", "has_power", "has_backhaul"):
        assert (ready["ready_share"] <= ready[name] + 1e-12).all()
        assert ready[name].between(0.0, 1.0).all()
    assert (ready["ready_share"] <= ready["mean_of_three"] + 1e-12).all()
    assert (result.communes["ready_share"].to_numpy() == ready["ready_share"].to_numpy()).all()
    assert (ready["ready_people"] >= result.communes["people_served"].to_numpy()).all()


def test_power_here_and_backhaul_there_serve_nobody():
    """Half the sites have power alone, the others backhaul alone: all have each, nobody has both."""
    region = small_region()
    n = len(region.sites)
    odd = np.arange(n) % 2 == 1
    dark = replace(
        region,
        sites=region.sites.assign(
            power_source=np.where(odd & (np.arange(n) > 0), "none", "grid_battery"), autonomy_h=0.0
        ),
        links=region.links.assign(availability=np.where(odd[1:], 1.0, 0.5)),
        power_nodes=region.power_nodes.assign(saifi=0.0),
        power_lines=region.power_lines.assign(failures_per_km_year=0.0),
    )
    found = answer(dark)
    ready = found.readiness
    assert ready["ready_people"].sum() == 0
    assert (ready["has_power"] * ready["population"]).sum() > 0.6 * ready["population"].sum()
    assert (ready["has_backhaul"] * ready["population"]).sum() > 0.6 * ready["population"].sum()
    stranded = found.stranded.set_index("asset_id")
    assert set(stranded.index[stranded["kind"] == "site"]) == set(region.sites["site_id"][1:])
    sites = stranded[stranded["kind"] == "site"]
    assert {"power", "backhaul"} <= set(sites["missing"])
    assert (sites["value_musd"] > 0).all()
    links = stranded[stranded["kind"] == "link"]
    assert set(links.index) == {f"l{k}" for k in range(1, n) if k % 2 == 1}
    assert (links["missing"] == "power").all()
    assert ready["stranded_musd"].sum() == pytest.approx(found.stranded["value_musd"].sum())


def test_a_whole_network_strands_nothing():
    net = network()
    stability = site_stability(net)
    calm = replace(
        stability,
        own_power_h=np.zeros(net.n_sites),
        chain_power_h=np.zeros(net.n_sites),
        link_h=np.zeros(net.n_sites),
    )
    has = requirements(net, calm, hours_allowed=17.5)
    status = np.full(net.n_sites, "active")
    none = stranded_sites(
        net, has, status, waiting=np.zeros(net.n_sites, int), value_musd=np.ones(net.n_sites)
    )
    assert none.empty
    assert has.complete[1:].all()


def test_nobody_ready_where_nobody_lives():
    ready = readiness_by_commune(
        np.array(["a"]), np.empty(0, np.int64), weights=np.empty((0, 2), np.int64), usable=np.empty((0, 2), bool),
        stable=np.empty((0, 2), bool), heard=_nothing(), has=requirements(network(), site_stability(network()), hours_allowed=17.5),
        cell_xy_m=np.empty((0, 2)), site_xy_m=np.zeros((network().n_sites, 2)), within_m=1000.0,
    )  # fmt: skip
    assert ready["population"].tolist() == [0]
    assert ready["ready_share"].tolist() == [1.0]


def _nothing():
    from phusong.access.locked_sites import HeardSites

    return HeardSites(
        np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2), bool), network().n_sites, 0
    )


def test_homes_of_a_chain_a_ring_and_a_double_link():
    """Communes 0-1-2 in a ring with the core, 3 behind 2, 4 on two links of its own, 5 on one, 6 alone."""
    commune = np.array([-1, 0, 1, 2, 3, 4, 5, 6])
    core = np.array([True, *[False] * 7])
    edges = [(1, 0), (1, 2), (2, 3), (3, 0), (4, 3), (5, 0), (5, 0), (6, 0)]
    a, b = np.array(edges).T
    homes = commune_homes(commune_graph(commune, core, a, b), np.arange(10, 80, 10))
    assert homes["single_homed"].tolist() == [False, False, False, True, False, True, False]
    assert homes["reaches_core"].tolist() == [True] * 6 + [False]
    assert homes["cut_point"].tolist() == [False, False, True, False, False, False, False]
    assert homes["people_behind"].tolist() == [0, 0, 40, 0, 0, 0, 0]
    assert homes["links_out"].tolist() == [2, 2, 3, 1, 2, 1, 0]


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 8), st.lists(st.tuples(st.integers(-1, 7), st.integers(-1, 7)), max_size=20))
def test_homes_are_those_found_by_cutting_everything_in_turn(n, pairs):
    graph = nx.MultiGraph()
    graph.add_nodes_from([CORE, *range(n)])
    graph.add_edges_from((u, v) for u, v in pairs if u != v and max(u, v) < n)
    homes = commune_homes(graph, np.full(n, 100))

    def reached(g):
        return nx.node_connected_component(g, CORE)

    for node in range(n):
        assert homes.loc[node, "reaches_core"] == (node in reached(graph))
        if node not in reached(graph):
            continue
        by_link = any(node not in reached(_without_edge(graph, e)) for e in graph.edges(keys=True))
        by_commune = any(
            node not in reached(nx.restricted_view(graph, [k], [])) for k in range(n) if k != node
        )
        assert homes.loc[node, "single_homed"] == (by_link or by_commune)
        lost = reached(graph) - {node} - reached(nx.restricted_view(graph, [node], []))
        assert homes.loc[node, "cut_point"] == bool(lost)
        assert homes.loc[node, "people_behind"] == 100 * len(lost)


def _without_edge(graph, edge):
    cut = graph.copy()
    cut.remove_edge(*edge)
    return cut


def test_twins_are_near_unlocked_with_room_and_anothers():
    net = network()
    n = net.n_sites
    xy = np.c_[np.arange(n) * 100.0, np.zeros(n)]
    # tenants as the owners, so that neighbours carry other operators
    owner = np.arange(n) % 2
    net = replace(
        net,
        owner=owner,
        station_operator=owner[net.station_site],
        shareable=np.ones(n, bool),
        spare_slots=np.ones(n, int),
    )
    found = isolated_builds(net, xy, standing=np.ones(n, bool), within_m=150.0)
    assert len(found) == n - 1  # all but the exchange
    assert (found["distance_m"] == 100.0).all()
    assert (found["owner"] != found["twin_owner"]).all()
    full = replace(net, spare_slots=np.zeros(n, int))
    assert isolated_builds(full, xy, standing=np.ones(n, bool), within_m=150.0).empty
    locked = replace(net, shareable=np.zeros(n, bool))
    assert isolated_builds(locked, xy, standing=np.ones(n, bool), within_m=150.0).empty
    assert isolated_builds(net, xy, standing=np.ones(n, bool), within_m=99.0).empty


def test_traffic_grows_into_congestion():
    region = small_region()
    served = [
        answer(region, f"service.year={year}", "service.growth_year=0.5").summary["people_served"]
        for year in (2026, 2028)
    ]
    assert served[1] < served[0]


def test_a_stated_rate_stands_for_the_three_keys():
    derived = answer(small_region())
    stated = answer(
        small_region(), f"service.busy_hour_mbps_per_person={0.6 * 8 * 8000 / (365.25 / 12) * 0.06 / 3600}"
    )
    assert derived.summary["people_served"] == stated.summary["people_served"]


def test_compared_plans_tell_people_money_and_what_one_operator_pays():
    found = answer(small_region(), "sharing.compare_plans=true", 'sharing.compare=["none", "mocn"]')
    for row in found.policies.to_dict("records"):
        assert row["plan_cost_musd"] <= 0.1 + 1e-9
        assert row["people_served_with_plan"] == row["people_served"] + row["plan_people_gained"]
        assert row["plan_people_per_musd"] == pytest.approx(row["plan_people_gained"] / row["plan_cost_musd"])
        both = row["policy_cost_musd"] + row["plan_cost_musd"]
        assert row["people_per_musd_with_plan"] == pytest.approx(row["people_gained_with_plan"] / both)
        assert 0 < row["plan_operator_musd"] <= row["plan_cost_musd"] + 1e-9
    assert found.policies["policy"].tolist() == ["none", "mocn"]


def test_an_agreement_stands_beside_the_policies(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(
        'extends = "default"\n[invest]\nsamples = 0\n[[sharing.agreements]]\npolicy = "mocn"\nclasses = [2, 3]\n'
    )
    found = run_region(Scenario.read(path), small_region())
    served = found.policies.set_index("policy")["people_served"]
    assert served["none"] <= served["none with agreements"] <= served["mocn"]
    assert found.summary["policy"] == "none with agreements"
    assert found.summary["people_served"] == served["none with agreements"]
