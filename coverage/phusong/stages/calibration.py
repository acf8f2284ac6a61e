"""Calibration: the model beside public facts, and the layers that an answer stands on."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import uniform_filter

from phusong.access.gaps import GAP_PARTS
from phusong.compute.array_types import Bools, Floats
from phusong.compute.arrays import nearest
from phusong.io.resources import fact
from phusong.region.folder import Region
from phusong.region.read.columns import RECORD_LAYERS
from phusong.region.relink import codes_of_places

__all__ = [
    "KNOWN_KINDS",
    "CoverageFound",
    "Footing",
    "calibrate",
    "footing",
    "known_by_commune",
    "known_shares",
    "layer_is_known",
    "layers_behind_options",
    "share_measured",
    "unknown_behind",
    "village_signal",
    "weak_remedies",
]

_HALL_M = 400.0  # the clusters of a village lie about this far round its hall
_WHITE_SHARE = 0.3
_HOLLOW_SHARE = 0.85


@dataclass(frozen=True)
class CoverageFound:
    """What the calibration looks at.

    Parameters
    ----------
    region : Region
        The layers.
    rsrp_dbm : ndarray, on the grid
        Best server; NaN where nothing is heard. [dBm]
    land : ndarray of bool, on the grid
        Pixels of the communes.
    station_ids : ndarray of str
        ``site_id/operator``.
    """

    region: Region
    rsrp_dbm: npt.NDArray[np.float32]
    land: npt.NDArray[np.bool_]
    station_ids: npt.NDArray[np.str_]


def village_signal(heard: CoverageFound) -> gpd.GeoDataFrame:
    """Return the settlements with `white` (no signal at hall and clusters) and `hollow` (partial).

    The press counts villages, not area: the hall is the village's point, the clusters the people within 400 m.
    White: no signal at the hall, nor for more than three in ten of them. Hollow: for less than 85 %.
    """
    region = heard.region
    grid = region.grid
    covered = np.isfinite(heard.rsrp_dbm)
    people = np.zeros(grid.shape)
    people[region.demand["row"], region.demand["col"]] = region.demand["population"]
    size = max(1, int(_HALL_M / grid.cell_m)) * 2 + 1
    reached = uniform_filter(people * covered, size, mode="constant")
    around = uniform_filter(people, size, mode="constant")
    out = region.settlements.copy()
    row, col = grid.rowcol(out.geometry.x, out.geometry.y)
    row, col = np.clip(row, 0, grid.height - 1), np.clip(col, 0, grid.width - 1)
    share = np.where(
        around[row, col] > 1e-9, reached[row, col] / np.maximum(around[row, col], 1e-9), covered[row, col]
    )
    hall = covered[row, col]
    white = ~hall & (share < _WHITE_SHARE)
    out["signal_share"] = np.clip(share, 0.0, 1.0)
    out["white"] = white
    out["hollow"] = ~white & ((share < _HOLLOW_SHARE) | ~hall)
    return out


def calibrate(heard: CoverageFound, settlements: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return model and facts side by side: what, fact, model, unit, source, note."""
    region = heard.region
    covered = np.isfinite(heard.rsrp_dbm)
    people = region.demand["population"].to_numpy(np.float64)
    on = covered[region.demand["row"], region.demand["col"]]
    national = len(set(region.communes["province"])) >= 30
    scope = "" if national else "the fact is national; this region may differ"
    rows = [
        _row(
            "people inside coverage",
            fact("coverage_people").value,
            float(people[on].sum() / people.sum()),
            "share",
            "coverage_people",
            scope,
        ),
        _row(
            "land inside coverage",
            fact("coverage_land").value,
            float(covered[heard.land].mean()),
            "share",
            "coverage_land",
            scope,
        ),
    ]
    stations = heard.station_ids.size
    share = people.sum() / 113_571_926.0
    for key, what in (
        ("stations_4g_low", "4G stations by the lower source"),
        ("stations_4g_high", "4G stations by the higher source"),
    ):
        note = (
            "the national figure in proportion to registered people"
            if not national
            else "two sources disagree"
        )
        rows.append(_row(what, fact(key).value * share, float(stations), "stations", key, note))
    owners = pd.Series([s.rsplit("/", 1)[1] for s in heard.station_ids]).value_counts(normalize=True)
    for name, part in owners.sort_index().items():
        rows.append(
            {
                "what": f"stations of {name}",
                "fact": np.nan,
                "model": float(part),
                "unit": "share",
                "source": "no public figure",
                "note": "",
            }
        )
    if set(region.communes["province"]) == {"Tuyên Quang"}:
        white = settlements["white"].to_numpy(bool)
        off_grid = (
            white & ~settlements["on_grid"].to_numpy(bool) if "on_grid" in settlements else white & False
        )
        rows += [
            _row(
                "villages",
                fact("villages_tuyen_quang").value,
                float(len(settlements)),
                "villages",
                "villages_tuyen_quang",
                "",
            ),
            _row(
                "villages with no signal",
                fact("villages_white").value,
                float(white.sum()),
                "villages",
                "villages_white",
                "hall and clusters",
            ),
            _row(
                "villages partly covered",
                fact("villages_hollow").value,
                float(settlements["hollow"].sum()),
                "villages",
                "villages_hollow",
                "",
            ),
            _row(
                "villages with no signal and off the grid",
                fact("villages_white_off_grid").value,
                float(off_grid.sum()),
                "villages",
                "villages_white_off_grid",
                "",
            ),
        ]
    hours = _grid_minutes(region)
    rows.append(
        _row(
            "minutes a year without mains at a village's transformer",
            fact("saidi_min").value,
            hours,
            "minutes a year",
            "saidi_min",
            "remote communes: 1.5 to 4 times the national mean (assumed)",
        )
    )
    return pd.DataFrame(rows, columns=["what", "fact", "model", "unit", "source", "note"])


def _row(what: str, value: float, model: float, unit: str, key: str, note: str) -> dict[str, object]:
    known = fact(key)
    return {
        "what": what,
        "fact": float(value),
        "model": model,
        "unit": unit,
        "source": f"{known.source} ({known.as_of}, {known.sureness})",
        "note": note,
    }


def _grid_minutes(region: Region) -> float:
    """Return the mean outage of a transformer by itself and by everything above it. [minutes a year]"""
    nodes = region.power_nodes["node_id"].to_numpy(str)
    at = {name: k for k, name in enumerate(nodes.tolist())}
    hours = (region.power_nodes["saifi"] * region.power_nodes["caidi_h"]).to_numpy(np.float64)
    lines = region.power_lines
    above = np.full(nodes.size, -1, np.int64)
    lost = hours.copy()
    for upper, lower, km, rate, repair in zip(
        lines["from_id"],
        lines["to_id"],
        lines["length_km"],
        lines["failures_per_km_year"],
        lines["repair_h"],
        strict=True,
    ):
        if upper in at and lower in at:
            above[at[lower]] = at[upper]
            lost[at[lower]] += km * rate * repair
    total = lost.copy()
    up = above.copy()
    for _ in range(nodes.size):
        on = up >= 0
        if not on.any():
            break
        total[on] += lost[up[on]]
        up[on] = above[up[on]]
    served = (region.power_nodes["kind"] == "transformer").to_numpy()
    return float(total[served].mean() * 60.0) if served.any() else float("nan")


KNOWN_KINDS = ("measured", "official")

_PEOPLE = ("communes", "demand")
_SIGNAL = (*_PEOPLE, "sites", "cells", "elevation", "clutter")
_RIGHTS = (*_SIGNAL, "operators")
_STABLE = (*_RIGHTS, "power_nodes", "power_lines", "links")
# the gap parts are tested in this order: each rests on its own layers and those of all tests before it
_BEHIND_PART: Mapping[str, tuple[str, ...]] = {
    "gap_no_signal": _SIGNAL,
    "gap_locked": _RIGHTS,
    "gap_unstable": _STABLE,
    "gap_congested": _STABLE,
    "people_served": _STABLE,
}
# what a remedy rests on besides the people it gains
_POWER, _BACKHAUL = ("power_nodes", "power_lines"), ("links",)
_BEHIND_REMEDY: Mapping[str, tuple[str, ...]] = {
    "battery_backup": _POWER,
    "solar_backup": _POWER,
    "diesel_backup": _POWER,
    "extend_grid": (*_POWER, "elevation"),
    "feeder": (*_POWER, "elevation"),
    "fibre_link": _BACKHAUL,
    "fibre_route": (*_BACKHAUL, "elevation"),
    "microwave_link": (*_BACKHAUL, "elevation"),
    "satellite_link": _BACKHAUL,
}


_LEAST_PIXELS = 0.95  # of a raster: with fewer measured ones an option may stand on filled ground
_UPSTREAM = "sites upstream"  # of what rests on backhaul: every site on the way to the core


def layer_is_known(region: Region) -> dict[str, bool]:
    """Return for each layer whether all of it is measured or official; one of no stated kind is neither.

    A raster may have one pixel in twenty filled in.
    """
    return {
        layer: share >= (1.0 if layer in RECORD_LAYERS else _LEAST_PIXELS)
        for layer, share in known_shares(region).items()
    }


def known_shares(region: Region) -> dict[str, float]:
    """Return for each layer the share of its records, or of its pixels, that is measured or official."""
    return {layer: _share(region, layer) for layer in _STABLE}


def known_by_commune(region: Region) -> dict[str, Floats]:
    """Return for each layer the share of its records in each commune that is measured or official.

    Where a commune has none of a layer's records, and of rasters, the share is that of the region. Sites and power nodes
    lie in the commune that holds them, cells and links in that of their site, lines in that of the node they feed.
    """
    n = len(region.communes)
    out = {layer: np.full(n, share) for layer, share in known_shares(region).items()}
    mixed = [layer for layer in _STABLE if layer in RECORD_LAYERS and 0.0 < out[layer][:1].sum() < 1.0]
    if "communes" in mixed:
        out["communes"] = _known(region, "communes").astype(np.float64)
    if not set(mixed) - {"communes"}:
        return out
    row_of = {c: i for i, c in enumerate(region.communes["commune_code"].astype(str))}

    def commune(table: Any) -> npt.NDArray[np.int64]:  # noqa: ANN401 - geopandas carries no types
        codes = codes_of_places(table.geometry, np.full(len(table), ""), region.communes)
        return np.array([row_of.get(str(c), -1) for c in codes], np.int64)

    def by_key(
        keys: pd.Series, table: pd.DataFrame, key: str, place: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        found = pd.Index(table[key].astype(str)).get_indexer(pd.Index(keys.astype(str)))
        return np.where(found >= 0, np.append(place, -1)[found], -1)

    at_site, at_node = commune(region.sites), commune(region.power_nodes)
    places = {
        "sites": at_site,
        "cells": by_key(region.cells["site_id"], region.sites, "site_id", at_site),
        "links": by_key(region.links["from_id"], region.sites, "site_id", at_site),
        "power_nodes": at_node,
        "power_lines": by_key(region.power_lines["to_id"], region.power_nodes, "node_id", at_node),
    }
    for layer in mixed:
        if layer == "communes":
            continue
        at = places[layer]
        inside = at >= 0
        count = np.bincount(at[inside], minlength=n)
        known = np.bincount(at[inside], _known(region, layer)[inside], n)
        out[layer] = np.where(count > 0, known / np.maximum(count, 1), out[layer])
    return out


@dataclass(frozen=True)
class Footing:
    """Which layers are known throughout, and of those that are known in part, on which records one does not stand firm.

    Parameters
    ----------
    known : mapping of str to bool
        From :func:`layer_is_known`.
    weak_sites : mapping of str to frozenset of str
        By layer that is known in part: sites that stand on a record of it that is modelled or assumed, be it their own,
        or one that their supply or backhaul comes by.
    weak_communes : frozenset of str
        Communes whose own record is modelled or assumed.
    site_ids : ndarray of str, shape (n_sites,)
        All sites.
    site_xy_m : ndarray of float64, shape (n_sites, 2)
        Where they stand. [m]
    """

    known: Mapping[str, bool]
    weak_sites: Mapping[str, frozenset[str]]
    weak_communes: frozenset[str]
    site_ids: npt.NDArray[np.str_]
    site_xy_m: Floats


def footing(region: Region) -> Footing:
    """Return what the answers of a region stand on."""
    known, shares = layer_is_known(region), known_shares(region)
    mixed = {layer for layer in RECORD_LAYERS if 0.0 < shares.get(layer, 0.0) < 1.0}
    ids = region.sites["site_id"].to_numpy(object).astype(str)
    xy = np.c_[region.sites.geometry.x, region.sites.geometry.y].astype(np.float64)
    weak: dict[str, frozenset[str]] = {}
    communes = region.communes["commune_code"].to_numpy(object).astype(str)
    soft = frozenset(communes[~_known(region, "communes")].tolist()) if "communes" in mixed else frozenset()
    parent = {
        **dict(zip(ids.tolist(), region.sites["backhaul_parent_id"].astype(str), strict=True)),
        **dict(zip(region.links["from_id"].astype(str), region.links["to_id"].astype(str), strict=True)),
    }
    if "sites" in mixed:
        own = set(ids[~_known(region, "sites")].tolist())
        weak["sites"] = frozenset(own)
        weak[_UPSTREAM] = frozenset(_hanging(ids.tolist(), parent, own))
    if "cells" in mixed:
        weak["cells"] = frozenset(region.cells["site_id"].astype(str)[~_known(region, "cells")])
    if "links" in mixed:
        own = set(region.links["from_id"].astype(str)[~_known(region, "links")])
        weak["links"] = frozenset(_hanging(ids.tolist(), parent, own))
    node_of = dict(zip(ids.tolist(), region.sites["power_node_id"].astype(str), strict=True))
    above = dict(
        zip(region.power_lines["to_id"].astype(str), region.power_lines["from_id"].astype(str), strict=True)
    )
    for layer, key in (("power_nodes", "node_id"), ("power_lines", "to_id")):
        if layer in mixed:
            own = set(getattr(region, layer)[key].astype(str)[~_known(region, layer)])
            dark = _hanging(list(dict.fromkeys(node_of.values())), above, own)
            weak[layer] = frozenset(site for site, node in node_of.items() if node in dark)
    return Footing(known, weak, soft, ids, xy)


def weak_remedies(remedies: pd.DataFrame, on: Footing) -> list[frozenset[str]]:
    """Return for each remedy the layers, of those known in part, of which it stands on a record that is not.

    A remedy stands on the sites it is done at or leads to; one that names none, on the nearest.
    """
    if not on.weak_sites or not len(remedies):
        return [frozenset()] * len(remedies)
    standing = set(on.site_ids.tolist())
    place = remedies[["east_m", "north_m"]].to_numpy(np.float64)
    _, near = nearest(on.site_xy_m, np.nan_to_num(place))
    out = []
    for k, (site, to) in enumerate(
        zip(remedies["site_id"].astype(str), remedies["to_id"].astype(str), strict=True)
    ):
        sites = {s for s in (site, to) if s in standing} or {str(on.site_ids[near[k]])}
        out.append(frozenset(layer for layer, weak in on.weak_sites.items() if sites & weak))
    return out


def share_measured(
    communes: pd.DataFrame, known: Mapping[str, float] | Mapping[str, Floats] | Mapping[str, bool]
) -> Floats:
    """Return the share of each commune's result that stands on measured or official data.

    Parameters
    ----------
    communes : DataFrame
        population, people_served and the gap parts.
    known : mapping
        Share of each layer that is known, for all communes or for each: from :func:`known_by_commune`.

    Returns
    -------
    ndarray, shape (n_communes,)
        Mean over the people: of each, the share of the layers that decided what they get. A commune without people
        rests on its boundary alone.
    """
    people = communes[["people_served", *GAP_PARTS]].to_numpy(np.float64)
    n = len(communes)
    part = np.column_stack(
        [
            np.mean(
                [np.broadcast_to(np.asarray(known[layer], np.float64), n) for layer in _BEHIND_PART[name]],
                axis=0,
            )
            for name in ("people_served", *GAP_PARTS)
        ]
    )
    total = people.sum(axis=1)
    share = (people * part).sum(axis=1) / np.maximum(total, 1.0)
    return np.asarray(
        np.where(total > 0, share, np.broadcast_to(np.asarray(known["communes"], np.float64), n))
    )


def layers_behind_options(kinds: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the layers that each option rests on: who is without, and what its remedies build upon.

    Parameters
    ----------
    kinds : sequence of str
        Remedies of each option, joined by ``;``.
    """
    out = []
    for words in kinds:
        behind = dict.fromkeys(_STABLE if set(words.split(";")) & set(_BEHIND_REMEDY) else _RIGHTS)
        for kind in words.split(";"):
            behind |= dict.fromkeys(_BEHIND_REMEDY.get(kind, ()))
        out.append(tuple(behind))
    return out


def unknown_behind(
    kinds: Sequence[str],
    on: Footing | Mapping[str, bool],
    weak: Sequence[AbstractSet[str]] | None = None,
    communes: Sequence[str] | None = None,
) -> list[str]:
    """Return the layers behind each option that are modelled or assumed, joined by ``;``: empty is trustworthy.

    Parameters
    ----------
    kinds : sequence of str
        Remedies of each option, joined by ``;``.
    on : Footing or mapping
        What the region stands on; of a mapping of whole layers, whether each is known.
    weak : sequence of set, optional
        For each option the union of :func:`weak_remedies` over its remedies. Left out, a layer known in part counts as
        unknown.
    communes : sequence of str, optional
        Communes of each option, joined by ``;``.
    """
    known = on.known if isinstance(on, Footing) else on
    mixed = set(on.weak_sites) if isinstance(on, Footing) and weak is not None else set()
    out = []
    for k, layers in enumerate(layers_behind_options(kinds)):
        found = []
        for layer in layers:
            if layer in mixed and weak is not None:
                bad = layer in weak[k] or (layer == "sites" and "links" in layers and _UPSTREAM in weak[k])
            elif (
                layer == "communes" and isinstance(on, Footing) and on.weak_communes and communes is not None
            ):
                bad = bool(on.weak_communes & set(communes[k].split(";")))
            else:
                bad = not known[layer]
            if bad:
                found.append(layer)
        out.append(";".join(found))
    return out


def _known(region: Region, layer: str) -> Bools:
    return np.asarray(np.isin(region.record_kinds(layer), KNOWN_KINDS))


def _share(region: Region, layer: str) -> float:
    source = region.source_of(layer)
    if layer in RECORD_LAYERS:
        rows = _known(region, layer)
        return float(rows.mean()) if rows.size else float(source.kind in KNOWN_KINDS)
    return source.share if source.kind in KNOWN_KINDS else 0.0


def _hanging(names: Sequence[str], parent: Mapping[str, str], own: AbstractSet[str]) -> set[str]:
    """Return which of the names are among `own`, or have one of those on their way up."""
    said: dict[str, bool] = {}
    for name in names:
        path = []
        at = name
        while at and at not in said and at not in own and at not in path:
            path.append(at)
            at = parent.get(at, "")
        bad = at in own or said.get(at, False)
        said.update(dict.fromkeys(path, bad))
        if at in own:
            said[at] = True
    return {name for name in names if said.get(name, False)}
