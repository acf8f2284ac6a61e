"""Correct as a network: power comes from a source, backhaul goes to a core, neither runs in circles."""

import numpy as np
import numpy.typing as npt

from phusong.region.audit.case import Case
from phusong.region.audit.check import Check, Rows
from phusong.region.audit.trees import on_cycle, positions, reached
from phusong.region.check_power import closed_lines

__all__ = ["TOPOLOGY"]

Ints = npt.NDArray[np.int64]


def _core_reached(case: Case, layer: str) -> Rows:
    """Flag active sites with cells on air that no way leads from to an exchange."""
    sites = case.table(layer)
    core = (sites["structure"] == "exchange").to_numpy(bool)
    child, parent = case.hops
    # a link carries both ways: what its owner calls from and to does not matter here
    linked = reached(len(sites), np.r_[child, parent], np.r_[parent, child], core)
    on_air = sites["site_id"].isin(set(case.table("cells")["site_id"])).to_numpy(bool)
    return Rows(
        ~linked & on_air & case.active_sites,
        lambda _i: "carries cells, yet no backhaul leads from it to an exchange",
        "backhaul_parent_id",
    )


def _power_rooted(case: Case, layer: str) -> Rows:
    nodes, lines = case.table(layer), case.table("power_lines")
    keys = nodes["node_id"]
    source = nodes["kind"].isin(["plant", "substation"]).to_numpy(bool)
    fed = reached(len(nodes), positions(lines["to_id"], keys), positions(lines["from_id"], keys), source)
    return Rows(~fed, lambda _i: "no chain of lines leads up to a substation or plant")


def _power_cycle(case: Case, layer: str) -> Rows:
    lines, keys = case.table(layer), case.table("power_nodes")["node_id"]
    # a line that stands open may close a loop: that is what it is for
    child = np.where(closed_lines(lines), positions(lines["to_id"], keys), -1)
    return _cycle(len(keys), child, positions(lines["from_id"], keys), "power lines")


def _backhaul_cycle(case: Case, layer: str) -> Rows:
    sites = case.table(layer)
    child, parent = np.arange(len(sites)), positions(sites["backhaul_parent_id"], sites["site_id"])
    return _cycle(len(sites), child, parent, "backhaul")


def _cycle(n: int, child: Ints, parent: Ints, what: str) -> Rows:
    round_ = on_cycle(n, child, parent)
    both = (child >= 0) & (parent >= 0)
    if n == 0:
        return Rows(np.zeros(child.size, bool), lambda _i: "")
    bad = both & round_[np.maximum(child, 0)] & round_[np.maximum(parent, 0)]
    return Rows(bad, lambda _i: f"closes a cycle of {what}: no supply can come from it", "from_id")


def _length(case: Case, layer: str) -> Rows:
    lines, keys = case.table(layer), case.table("power_nodes")["node_id"]
    xy = case.xy("power_nodes")
    ends = [positions(lines[c], keys) for c in ("from_id", "to_id")]
    known = (ends[0] >= 0) & (ends[1] >= 0)
    straight = np.full(len(lines), np.nan)
    a, b = ends[0][known], ends[1][known]
    straight[known] = np.hypot(*(xy[a] - xy[b]).T) / 1000.0
    stated = lines["length_km"].to_numpy(np.float64)
    limits = case.rubric.limits
    short = stated < straight - limits.line_slack_km
    long = stated > limits.line_ratio * straight + limits.line_slack_km
    return Rows(
        short | long | ~np.isfinite(straight),
        lambda i: f"is {stated[i]:g} km long; its ends lie {straight[i]:.2f} km apart",
        "length_km",
        told=np.isfinite(straight),
    )


def _fed_once(case: Case, layer: str) -> Rows:
    lines = case.table(layer)
    closed = closed_lines(lines)
    feeding = lines["to_id"].where(closed & (lines["to_id"] != "").to_numpy(bool))
    twice = (feeding.duplicated(keep="first") & feeding.notna()).to_numpy(bool)
    return Rows(twice, lambda i: f"{lines['to_id'].iloc[i]} is fed by another line already", "to_id")


TOPOLOGY = (
    Check("power-reaches-source", "correct", ("power_nodes",), "every node is fed from a substation or plant",
          "add the missing line, or mark the node that feeds the others as substation", _power_rooted),
    Check("power-no-cycle", "correct", ("power_lines",), "no line closes a cycle",
          "turn the line round, or leave out the normally open one", _power_cycle),
    Check("power-fed-once", "correct", ("power_lines",), "every node is fed by one line",
          "keep the line that feeds in normal operation", _fed_once),
    Check("line-length", "correct", ("power_lines",), "lines are about as long as their ends lie apart",
          "check metres against kilometres, and the ends", _length),
    Check("backhaul-reaches-core", "correct", ("sites",), "a way leads from every site on air to an exchange",
          "add the missing link, or mark the site planned", _core_reached, below=True),
    Check("backhaul-no-cycle", "correct", ("sites",), "no backhaul runs in a circle",
          "correct backhaul_parent_id of one of them", _backhaul_cycle, below=True),
)  # fmt: skip
