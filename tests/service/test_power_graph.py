"""The grid as a graph: open lines that feed what a fault darkened, their time, their load."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.service.availability import site_stability
from phusong.service.power_grid import power_graph
from service_network import network_of


def grid(ties=(), *, capacity_kw=0.0, load_kw=0.0):
    """ss ─ t0 ─ t2, ss ─ t1 ─ t3, with open lines between."""
    nodes = pd.DataFrame(
        {
            "node_id": ["ss", "t0", "t1", "t2", "t3"],
            "capacity_kw": capacity_kw,
            "saifi": 1.0,
            "caidi_h": 1.0,
            "load_kw": load_kw,
        }
    )
    closed = [("ss", "t0"), ("ss", "t1"), ("t0", "t2"), ("t1", "t3")]
    rows = [(a, b, False, 0.0) for a, b in closed] + [(a, b, True, h) for a, b, h in ties]
    lines = pd.DataFrame(rows, columns=["from_id", "to_id", "normally_open", "switch_h"])
    lines = lines.assign(
        line_id=[f"l{k}" for k in range(len(lines))], length_km=10.0, failures_per_km_year=0.1, repair_h=4.0
    )
    return power_graph(nodes, lines, np.zeros(5))


def test_a_tree_has_no_other_way():
    found = grid()
    assert np.isinf(found.rescue_line_h).all()
    assert np.isinf(found.rescue_node_h).all()
    assert found.above.tolist() == [-1, 0, 0, 1, 2]


def test_a_line_between_two_feeders_saves_both_from_the_faults_of_their_own():
    found = grid([("t2", "t3", 0.5)])
    assert found.rescue_line_h.tolist() == [np.inf, 0.5, 0.5, 0.5, 0.5]
    # the node above t2 or t3 may fail, but not the source of both
    assert found.rescue_node_h.tolist() == [np.inf, np.inf, np.inf, 0.5, 0.5]


def test_the_quicker_of_two_ways_is_taken():
    assert grid([("t2", "t3", 2.0), ("t0", "t3", 0.25)]).rescue_line_h[4] == 0.25


def test_a_second_source_saves_even_from_the_fault_of_the_first():
    nodes = pd.DataFrame(
        {"node_id": ["ss", "t0", "hydro"], "capacity_kw": [0.0, 0.0, 50.0], "saifi": 1.0, "caidi_h": 1.0}
    )
    lines = pd.DataFrame(
        {
            "line_id": ["a", "b"], "from_id": ["ss", "hydro"], "to_id": ["t0", "t0"], "length_km": 5.0,
            "failures_per_km_year": 0.1, "repair_h": 4.0, "normally_open": [False, True], "switch_h": 0.1,
        }
    )  # fmt: skip
    assert power_graph(nodes, lines, np.zeros(3)).rescue_node_h[1] == 0.1
    # more load than the plant can carry stays dark
    assert np.isinf(power_graph(nodes, lines, np.array([0.0, 80.0, 0.0])).rescue_node_h[1])


def test_load_is_summed_upwards_and_overload_told():
    found = grid(capacity_kw=100.0, load_kw=30.0)
    assert found.load_kw.tolist() == [150.0, 60.0, 60.0, 30.0, 30.0]
    assert found.overloaded().tolist() == [True, False, False, False, False]


def test_a_switch_cuts_the_outage_to_its_time():
    net, plain = network_of(ties=[("t0", "t1", 1.5)], autonomy_h=0.25), network_of(autonomy_h=0.25)
    saved = site_stability(plain).own_power_h - site_stability(net).own_power_h
    line = net.node_above.size + 1  # the one above t0, on which site 4 hangs
    rate, hours = net.fault_rate[line], net.fault_h[line]
    assert saved[4] == pytest.approx(rate * hours * np.exp(-1.5 / hours))
    assert saved[4] > 1.0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.floats(0.0, 12.0)), max_size=4),
    st.integers(0, 20),
)
def test_an_added_open_line_never_loses_more_hours(ties, seed):
    names = ["ss", "t0", "t1", "t2", "t3"]
    ties = [(names[a], names[b], h) for a, b, h in ties if a != b]
    before = None
    for n in range(len(ties) + 1):
        hours = site_stability(network_of(seed=seed, ties=ties[:n])).hours_lost
        assert before is None or (hours <= before + 1e-9).all()
        before = hours
