"""What a defect does to the answer: the people whose answer reads the defective row.

An upper bound, stated as such: everybody who stands on the row, whether or not mending it changes what they get.
People are those of the demand cells. A commune's are its own; a demand cell's its own; those of a site the people
to whom it is the nearest active one within reach; of a cell, those of its site; of a link or a broken backhaul,
those of its site and of all that hang on it; of a power node or line, those of all sites it feeds; of a settlement
or facility, those to whom it is the nearest (of its kind). A layer that fails as a whole affects everybody.
Several records may share people: sums over records count them again, the figure of a check does not.
"""

import numpy as np
import numpy.typing as npt

from phusong.region.audit.case import Case, nearest_of
from phusong.region.audit.trees import below, positions, sums_below

__all__ = ["METHOD", "cells_touched", "people_of_rows"]

METHOD = " ".join(str(__doc__).split())
"""The method in words, for reports."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_NETWORK = ("sites", "cells", "links", "power_nodes", "power_lines")


def cells_touched(case: Case, layer: str, bad: Flags, *, hanging: bool = False) -> Flags:
    """Return the demand cells whose answer reads one of the flagged rows.

    Parameters
    ----------
    case : Case
        The audit.
    layer : str
        Layer of the rows.
    bad : ndarray of bool
        One a row.
    hanging : bool
        For sites: also the people of the sites that hang on them by backhaul.
    """
    xy, _, commune = case.cells
    if layer == "communes":
        return _flagged(bad, commune)
    if layer == "demand":
        return bad if len(bad) == len(xy) else np.zeros(len(xy), bool)
    if layer in {"settlements", "facilities"}:
        return np.asarray(np.any([_flagged(bad, at) for at in _nearest_labels(case, layer)], axis=0))
    if layer in _NETWORK:
        return _flagged(_sites_touched(case, layer, bad, hanging=hanging), case.cell_site)
    return np.full(len(xy), bool(bad.any()))


def people_of_rows(case: Case, layer: str, *, hanging: bool = False) -> Floats:
    """Return for each row of a layer the people whose answer reads it; parameters as above."""
    _, people, commune = case.cells
    n = len(case.table(layer))
    if layer == "communes":
        return _summed(commune, people, n)
    if layer == "demand":
        return people if len(people) == n else np.zeros(n)
    if layer in {"settlements", "facilities"}:
        return np.asarray(np.sum([_summed(at, people, n) for at in _nearest_labels(case, layer)], axis=0))
    if layer in _NETWORK:
        return _network_people(case, layer, people, hanging=hanging)
    return np.full(n, people.sum())


def _network_people(case: Case, layer: str, people: Floats, *, hanging: bool) -> Floats:
    sites = case.table("sites")
    own = _summed(case.cell_site, people, len(sites))
    if layer == "sites":
        return sums_below(case.site_parent, own) if hanging else own
    if layer == "cells":
        return _at(own, positions(case.table(layer)["site_id"], sites["site_id"]))
    if layer == "links":
        carried = sums_below(case.site_parent, own)
        return _at(carried, positions(case.table(layer)["from_id"], sites["site_id"]))
    keys = case.table("power_nodes")["node_id"]
    fed = _summed(positions(sites["power_node_id"], keys), own, len(keys))
    carried = sums_below(case.node_parent, fed)
    return carried if layer == "power_nodes" else _at(carried, positions(case.table(layer)["to_id"], keys))


def _sites_touched(case: Case, layer: str, bad: Flags, *, hanging: bool) -> Flags:
    sites = case.table("sites")
    keys = sites["site_id"]
    if layer == "sites":
        return below(case.site_parent, bad) if hanging else bad
    if layer in {"cells", "links"}:
        column = "site_id" if layer == "cells" else "from_id"
        hit = _flagged_rows(positions(case.table(layer)[column], keys)[bad], len(sites))
        return below(case.site_parent, hit) if layer == "links" else hit
    nodes = case.table("power_nodes")["node_id"]
    dark = bad
    if layer == "power_lines":
        dark = _flagged_rows(positions(case.table(layer)["to_id"], nodes)[bad], len(nodes))
    return _flagged(below(case.node_parent, dark), positions(sites["power_node_id"], nodes))


def _nearest_labels(case: Case, layer: str) -> list[Ints]:
    """Return for each kind of facility, or once for settlements, the nearest row to each demand cell."""
    xy, _, _ = case.cells
    kinds = case.table(layer)["kind"].to_numpy(object) if layer == "facilities" else None
    places = case.xy(layer)
    pools = [np.ones(len(places), bool)] if kinds is None else [kinds == k for k in sorted(set(kinds))]
    found = [nearest_of(xy, places, pool, np.inf) for pool in pools]
    return found or [np.full(len(xy), -1, np.int64)]


def _flagged(flags: Flags, at: Ints) -> Flags:
    if flags.size == 0:
        return np.zeros(at.size, bool)
    return np.asarray(flags[np.maximum(at, 0)] & (at >= 0))


def _flagged_rows(at: Ints, n: int) -> Flags:
    out = np.zeros(n, bool)
    out[at[at >= 0]] = True
    return out


def _summed(label: Ints, values: Floats, n: int) -> Floats:
    known = label >= 0
    return np.bincount(label[known], values[known], minlength=n).astype(np.float64)[:n]


def _at(values: Floats, at: Ints) -> Floats:
    if values.size == 0:
        return np.zeros(at.size)
    return np.where(at >= 0, values[np.maximum(at, 0)], 0.0)
