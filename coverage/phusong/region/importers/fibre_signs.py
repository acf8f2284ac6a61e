"""Telling a fibre or transmission network from a list of masts or links, whatever it is given as."""

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from phusong.errors import InputError, Problem
from phusong.region.headings import known_headings
from phusong.region.names import fold

__all__ = ["NODE_TYPES", "is_spans", "node_rows", "refuse_fibre"]

NODE_TYPES = frozenset({
    "pop", "point_of_presence", "splice_closure", "splice", "closure", "cabinet", "handhole", "manhole", "odf", "exchange",
    "landing_station", "fibre_node", "fiber_node", "data_centre", "datacentre", "data_center", "tu_quang", "mang_xong", "hop_cap",
    "ixp", "coreexchange", "core_exchange", "osp", "olt", "onu", "odn", "fdt", "fat", "fdh", "splitter", "joint",
})  # fmt: skip
"""Folded words for what a node of a fibre network is."""

# what a mast may be called too, where others of the list are masts
_OF_MASTS_TOO = frozenset({
    "exchange", "cabinet", "data_centre", "datacentre", "data_center", "coreexchange", "core_exchange", "joint",
})  # fmt: skip

_SIGNS = frozenset({
    "physicalinfrastructureprovider", "networkproviders", "network_providers", "featuretype", "feature_type", "accesspoint",
    "access_point", "internationalconnections", "international_connections", "transmission_medium", "transmissionmedium",
    "node_status", "access_technologies", "backhaul_technologies", "equipped_capacity_access_mbps",
    "equipped_capacity_backhaul_mbps", "potential_capacity_backhaul_mbps", "fibrecount", "fibre_count", "fiber_count",
    "fibrelength", "fibre_length", "fibretype", "fibre_type", "darkfibre", "dark_fibre", "so_soi",
})  # fmt: skip
_OF_A_MAST = frozenset({
    "operator_name", "radio_type", "tower_height", "antenna_height", "height_m", "structure", "structure_height", "azimuth",
    "technology", "chieu_cao_cot_m", "chieu_cao_cot", "site_id",
})  # fmt: skip
_ENOUGH = 2


def refuse_fibre(frame: Any, where: str, layer: str) -> None:  # noqa: ANN401
    """Refuse nodes or spans of a fibre network given as masts or cells, or as links without their nodes.

    Raises
    ------
    InputError
        With the kind that reads them.
    """
    what = _kind_of(frame)
    if not what and layer == "links" and len(frame) and is_spans(frame):
        what = (
            ""
            if {fold(c) for c in frame.columns} & known_headings("links", ["from_id", "to_id"])
            else "spans"
        )
    if not what:
        return
    mend = "import them with their spans as kind fibre: region import REGION fibre NODES SPANS"
    if layer == "links":
        told = f"holds {what} of a fibre network, drawn or by its own nodes, not links between the region's sites; {mend}"
    else:
        told = (
            f"holds {what} of a fibre (transmission) network, which are no masts and carry no cells; {mend}"
        )
    raise InputError(Problem(where, told))


def is_spans(frame: Any) -> bool:  # noqa: ANN401
    """Return whether a table holds spans rather than nodes: lines, or a start and an end."""
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None and len(frame):
        kinds = shapely.get_type_id(np.asarray(frame.geometry.to_numpy(), dtype=object))
        return bool(np.isin(kinds, [1, 5]).mean() > 0.5)
    names = {_last(c) for c in frame.columns}
    return {"start", "end"} <= names or "route" in names


def _kind_of(frame: Any) -> str:  # noqa: ANN401
    names = {_last(c) for c in frame.columns}
    spans = is_spans(frame) and bool(len(frame))
    says = next((c for c in frame.columns if _last(c) in {"featuretype", "feature_type"}), None)
    stated = set(frame[says].dropna().map(fold)) if says is not None else set()
    if stated & {"node", "span"}:
        return "spans" if "span" in stated else "nodes"
    if names & _OF_A_MAST:
        return ""
    if len(names & _SIGNS) >= _ENOUGH:
        return "spans" if spans else "nodes"
    kind = _type_column(frame)
    if kind is not None and not spans:
        words = frame[kind].dropna()
        if len(words) and float(pd.Series([_is_node(w, NODE_TYPES) for w in words]).mean()) > 0.5:
            return "nodes"
    return ""


def node_rows(frame: Any) -> npt.NDArray[np.bool_]:  # noqa: ANN401
    """Return which rows of a list of masts are nodes of a fibre network by what the list says of their type."""
    kind = _type_column(frame)
    if kind is None:
        return np.zeros(len(frame), bool)
    known = NODE_TYPES - _OF_MASTS_TOO
    return np.array([not pd.isna(w) and _is_node(w, known) for w in frame[kind]], bool)


def _type_column(frame: Any) -> Any:  # noqa: ANN401
    return next((c for c in frame.columns if _last(c) in {"type", "node_type", "kind", "loai"}), None)


def _is_node(value: object, known: frozenset[str]) -> bool:
    parts = [
        fold(p) for p in str(value).strip("[]").replace("'", "").replace('"', "").replace(";", ",").split(",")
    ]
    return any(p in known for p in parts)


def _last(column: object) -> str:
    """Return the last part of a flattened name: nodes/0/type is type."""
    return fold(str(column).rsplit("/", 1)[-1])
