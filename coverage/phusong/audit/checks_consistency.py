"""Audit checks of uniqueness and consistency."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from phusong.audit.context import Case, Check, FailingRows, Whole, official_communes, positions, successor
from phusong.audit.reading import RASTERS, same_crs
from phusong.errors import nearest_name
from phusong.io.resources import table
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, LayerColumn
from phusong.region.vietnam.names import fold_unit_name

__all__ = ["CLEAN", "JOINS", "UNIFIED"]


# what makes two rows of a layer say the same thing, whatever their keys
_SAME = {
    "communes": ("name", "province", "kind"),
    "demand": ("row", "col"),
    "cells": ("site_id", "operator", "technology", "band_mhz", "azimuth_deg"),
    "links": ("from_id", "to_id", "medium"),
    "power_lines": ("from_id", "to_id"),
    "operators": ("name",),
}
_SAME_PLACE = {"sites": ("owner", "structure", "status"), "power_nodes": ("kind",),
               "facilities": ("kind",), "settlements": ("name",)}  # fmt: skip
_GRID_SUPPLY, _OWN_SUPPLY = ("grid", "grid_battery"), ("solar", "diesel", "none")


def _keys(case: Case, layer: str) -> FailingRows:
    keys = case.evidence.sheets[layer].raw_keys
    twice = keys.duplicated(keep="first").to_numpy(bool) & (keys != "").to_numpy(bool)
    first = positions(keys, keys)
    return FailingRows(
        twice,
        lambda i: f"the key {keys.iloc[i]} stands in row {first[i] + 1} already",
        str(keys.name),
    )


def _rows(case: Case, layer: str) -> FailingRows:
    frame = case.table(layer)
    told = frame[list(_SAME.get(layer, _SAME_PLACE.get(layer, ())))].copy()
    if layer in _SAME_PLACE:
        told[["x", "y"]] = np.round(case.xy(layer), 1)
    unclear = told.isna().any(axis=1).to_numpy(bool)
    twice = told.duplicated(keep="first").to_numpy(bool) & ~unclear
    if not twice.any():
        return FailingRows(twice, lambda _i: "")
    code = told.groupby(list(told.columns), dropna=False, sort=False).ngroup().to_numpy()
    _, first = np.unique(code, return_index=True)
    keys = case.evidence.sheets[layer].raw_keys.to_numpy(object)
    return FailingRows(
        twice, lambda i: f"says the same as {keys[first[code[i]]]} ({', '.join(told.columns[:3])})"
    )


def _near_same_owner(case: Case, layer: str) -> FailingRows:
    return _near(case, layer, same=True, within_m=case.rubric.limits.same_owner_m)


def _near_other_owner(case: Case, layer: str) -> FailingRows:
    return _near(case, layer, same=False, within_m=case.rubric.limits.other_owner_m)


def _near(case: Case, layer: str, *, same: bool, within_m: float) -> FailingRows:
    """Flag the later of two active structures that stand within metres of each other."""
    xy, owner = case.xy(layer), case.owner_of(layer)
    usable = np.flatnonzero(np.isfinite(xy).all(axis=1) & case.active_sites)
    bad, other = np.zeros(len(xy), bool), np.full(len(xy), -1, np.int64)
    if usable.size > 1:
        pairs = cKDTree(xy[usable]).query_pairs(within_m, output_type="ndarray")
        pairs = usable[np.sort(pairs, axis=1)]
        alike = owner[pairs[:, 0]] == owner[pairs[:, 1]]
        pairs = pairs[alike if same else ~alike]
        order = np.lexsort((pairs[:, 0], pairs[:, 1]))[::-1]
        bad[pairs[:, 1]] = True
        other[pairs[order, 1]] = pairs[order, 0]
    keys = case.evidence.sheets[layer].raw_keys.to_numpy(object)

    def tell(i: int) -> str:
        off = float(np.hypot(*(xy[i] - xy[other[i]])))
        whose = f"of {owner[i]} too" if same else f"of {owner[other[i]]}"
        return f"stands {off:.1f} m from {keys[other[i]]} {whose}: one structure listed twice?"

    return FailingRows(bad, tell, "geometry")


def _names(case: Case, layer: str) -> FailingRows:
    """Flag the later of two places whose names differ by diacritics or case only, in one commune and nearby."""
    frame, xy, commune = case.table(layer), case.xy(layer), case.commune_of(layer)
    folded = frame["name"].map(fold_unit_name)
    place = np.round(xy, 0)
    frame = frame.assign(folded=folded, commune=commune)
    bad, other = np.zeros(len(frame), bool), np.full(len(frame), -1, np.int64)
    named = frame[(folded != "") & np.isfinite(xy).all(axis=1)]
    for rows in named.groupby(["commune", "folded"], sort=True).indices.values():
        at = np.sort(named.index.to_numpy()[rows])
        for k in range(1, len(at)):
            off = np.hypot(*(place[at[:k]] - place[at[k]]).T)
            if off.min() <= case.rubric.limits.name_near_m:
                bad[at[k]], other[at[k]] = True, at[int(off.argmin())]
    keys = case.evidence.sheets[layer].raw_keys.to_numpy(object)
    names = frame["name"].to_numpy(object)
    return FailingRows(
        bad,
        lambda i: (
            f"{names[i]} and {names[other[i]]} ({keys[other[i]]}), {np.hypot(*(xy[i] - xy[other[i]])) / 1000:.1f} km apart: one village?"
        ),
        "name",
    )


def _lock(case: Case, layer: str) -> FailingRows:
    sites = case.table(layer)
    open_, reason = sites["shareable"].to_numpy(bool), sites["lock_reason"].to_numpy(object)
    stated = reason != ""
    return FailingRows(
        open_ == stated,
        lambda i: (
            f"is open to others, yet locked ({reason[i]})"
            if open_[i]
            else "is closed to others without a reason"
        ),
        "lock_reason",
    )


def _supply(case: Case, layer: str) -> FailingRows:
    sites = case.table(layer)
    source, node = sites["power_source"].to_numpy(object), sites["power_node_id"].to_numpy(object)
    battery = sites["autonomy_h"].to_numpy(np.float64)
    hanging = np.isin(source, _GRID_SUPPLY) & (node == "")
    needless = np.isin(source, _OWN_SUPPLY) & (node != "")
    lasting = (source == "none") & (battery > 0)

    def tell(i: int) -> str:
        if hanging[i]:
            return f"runs on {source[i]}, yet names no power node"
        if needless[i]:
            return f"runs on {source[i]}, yet names power node {node[i]}"
        return f"has no supply, yet works {battery[i]:g} h without it"

    active = case.active_sites
    return FailingRows((hanging | needless | lasting) & active, tell, "power_source")


def _parent(case: Case, layer: str) -> FailingRows | None:
    if not case.evidence.has("links"):
        return None
    sites, links = case.table(layer), case.table("links")
    keys = sites["site_id"]
    parent = positions(sites["backhaul_parent_id"], keys)
    a, b = positions(links["from_id"], keys), positions(links["to_id"], keys)
    known = (a >= 0) & (b >= 0)
    n = len(sites) + 1
    there = set((a[known] * n + b[known]).tolist()) | set((b[known] * n + a[known]).tolist())
    step = np.arange(len(sites)) * n + parent
    lacks = (parent >= 0) & np.array([s not in there for s in step.tolist()], bool)
    names = sites["backhaul_parent_id"].to_numpy(object)
    return FailingRows(lacks, lambda i: f"hangs on {names[i]}, yet no link joins them", "backhaul_parent_id")


def _overlap(case: Case, _layer: str) -> FailingRows:
    borders = case.borders
    tree = shapely.STRtree(borders)
    a, b = tree.query(borders, predicate="intersects")
    keep = a > b  # the later of two
    a, b = a[keep], b[keep]
    area = shapely.area(borders)
    shared = shapely.area(shapely.intersection(borders[a], borders[b]))
    share = np.divide(shared, np.minimum(area[a], area[b]), out=np.zeros_like(shared), where=shared > 0)
    worst = np.zeros(len(borders))
    np.maximum.at(worst, a, share)
    order = np.lexsort((b, share))
    other = np.zeros(len(borders), np.int64)
    other[a[order]] = b[order]
    names = case.commune_names
    return FailingRows(
        worst > case.rubric.limits.overlap_share,
        lambda i: f"{worst[i]:.1%} of {names[i]} or of {names[other[i]]} is covered by both",
        "geometry",
    )


_KEYED = tuple(LAYERS)

CLEAN = (
    Check("key-once", "clean", _KEYED, "every key stands once", "delete the copy, or give it a key of its own", _keys),
    Check("row-once", "clean", (*_SAME, *_SAME_PLACE), "no two rows say the same under two keys",
          "delete one, and point what refers to it at the other", _rows),
    Check("apart-same-owner", "clean", ("sites",), "one owner's structures stand metres apart",
          "merge the two rows, or measure their places", _near_same_owner),
    Check("apart-other-owner", "clean", ("sites",), "two owners do not list one structure as two",
          "agree on one owner, and list the other as a tenant (cells)", _near_other_owner),
    Check("name-once", "clean", ("settlements",), "no village stands twice under two spellings",
          "keep one spelling with diacritics", _names),
    Check("lock-agrees", "clean", ("sites",), "a site is open, or closed with a reason",
          "ask the owner which of the two holds", _lock),
    Check("supply-agrees", "clean", ("sites",), "the supply agrees with the power node and the battery",
          "correct the supply, or name the transformer", _supply),
    Check("parent-agrees", "clean", ("sites",), "a link joins every site to the one its backhaul goes to",
          "add the link, or correct backhaul_parent_id", _parent),
    Check("borders-apart", "clean", ("communes",), "no ground belongs to two communes",
          "take both polygons from one map", _overlap),
)  # fmt: skip


JOINS: Mapping[str, tuple[tuple[str, str, bool], ...]] = {
    "demand": (("commune_code", "communes", False),),
    "settlements": (("commune_code", "communes", False),),
    "facilities": (("commune_code", "communes", False),),
    "sites": (("power_node_id", "power_nodes", True), ("backhaul_parent_id", "sites", True)),
    "cells": (("site_id", "sites", False), ("operator", "operators", False)),
    "links": (("from_id", "sites", False), ("to_id", "sites", False)),
    "power_lines": (("from_id", "power_nodes", False), ("to_id", "power_nodes", False)),
}
"""By layer: a column, the layer in which its keys must be found, and whether it may be empty."""


def _joins(case: Case, layer: str) -> list[FailingRows]:
    found = []
    for column, other, optional in JOINS[layer]:
        values = case.table(layer)[column]
        known = set(case.table(other).iloc[:, 0])
        lost = ~values.isin(known).to_numpy(bool)
        if optional:
            lost &= (values != "").to_numpy(bool)
        found.append(FailingRows(lost, _unknown(values, column, other), column))
    return found


def _unknown(values: "pd.Series[Any]", column: str, other: str) -> Callable[[int], str]:
    return lambda i: f"{column} {values.iloc[i]!r} does not exist in {other}"


def _code(case: Case, layer: str) -> FailingRows:
    codes = case.table(layer)["commune_code"].to_numpy(object)
    known = official_communes()
    names = known["name"]

    def tell(i: int) -> str:
        now = successor(str(codes[i]))
        if now is None:
            return f"{codes[i]!r} is no code of a commune, today's or former"
        return f"{codes[i]!r} is a code from before July 2025; today it is in {names[now]} ({now})"

    return FailingRows(~np.isin(codes.astype(str), known.index.to_numpy(str)), tell, "commune_code")


def _name(case: Case, layer: str) -> FailingRows:
    """Compare name and province with the official ones; a row whose code is unknown fails without a record."""
    communes, known = case.table(layer), official_communes()
    there = known.reindex(communes["commune_code"].to_numpy(object))
    official = [there[c].to_numpy(object) for c in ("name", "province_code")]
    listed = there["name"].notna().to_numpy(bool)
    stated = [communes[c].to_numpy(object) for c in ("name", "province_code")]
    renamed = stated[0] != official[0]
    moved = stated[1] != official[1]

    def tell(i: int) -> str:
        parts = []
        if renamed[i]:
            parts.append(f"{stated[0][i]!r} is officially {official[0][i]!r}")
        if moved[i]:
            parts.append(f"province {stated[1][i]!r} is officially {official[1][i]!r}")
        return "; ".join(parts)

    return FailingRows(renamed | moved | ~listed, tell, "name", told=listed)


def _words(case: Case, layer: str) -> list[FailingRows] | None:
    found = []
    for column in LAYERS[layer]:
        if column.among:
            values = case.table(layer)[column.name]
            empty = (values == "").to_numpy(bool)  # an empty one is missing: another check says so
            found.append(
                FailingRows(
                    ~values.isin(column.among).to_numpy(bool) & ~empty, _word(values, column), column.name
                )
            )
    return found or None


def _word(values: "pd.Series[Any]", column: LayerColumn) -> Callable[[int], str]:
    words = [w for w in column.among if w]
    return lambda i: (
        f"{column.name} {values.iloc[i]!r} is not one of {', '.join(words)}{nearest_name(values.iloc[i], words)}"
    )


def _crs(case: Case, layer: str) -> Whole | None:
    if layer in RASTERS:
        if layer not in case.evidence.raster_files:
            return None
        stated: str | None = case.evidence.raster_files[layer][1]
    elif layer in case.evidence.sheets:
        stated = case.evidence.sheets[layer].crs
    else:
        return None
    if stated is None or (stated and same_crs(stated, case.evidence.crs)):
        return Whole(0.0)
    what = f"is in {stated[:60]}" if stated else "states no CRS"
    return Whole(1.0, [(layer, f"{what}; the region is in {case.evidence.crs}")])


def _grid(case: Case, layer: str) -> Whole | None:
    values, grid = case.evidence.rasters.get(layer), case.evidence.grid
    if values is None or grid is None:
        return None
    if values.shape == grid.shape:
        return Whole(0.0)
    return Whole(1.0, [(layer, f"has {values.shape} pixels; elevation.tif has {grid.shape}")])


def _classes(case: Case, layer: str) -> Whole | None:
    values = case.evidence.rasters.get(layer)
    if values is None:
        return None
    known = table("clutter")["class"].to_numpy(np.int64)
    lost = ~np.isin(values, known)
    if not lost.any():
        return Whole(0.0)
    codes = ", ".join(f"{c:g}" for c in np.unique(values[lost])[:8])
    return Whole(float(lost.mean()), [(layer, f"{lost.sum():,} pixels hold unknown classes ({codes})")])


def _region_wide(case: Case, layer: str) -> FailingRows | None:
    """Communes of one code each stand for one province code: a province has one name."""
    communes = case.table(layer)
    usual = communes.groupby("province_code")["province"].transform(lambda s: s.mode().iloc[0])
    off = (communes["province"] != usual).to_numpy(bool)
    names, by_code = communes["province"].to_numpy(object), usual.to_numpy(object)
    return FailingRows(
        off,
        lambda i: f"calls its province {names[i]!r}; the others of its code say {by_code[i]!r}",
        "province",
    )


UNIFIED = (
    Check("keys-join", "unified", tuple(JOINS), "every key that a row names exists in the layer it belongs to",
          "correct the key, or add the row it points to", _joins),
    Check("code-of-today", "unified", ("communes",), "codes are those of the units since July 2025",
          "convert it (vietnamadminunits), and split what was divided", _code),
    Check("name-official", "unified", ("communes",), "names and provinces are those of the official list",
          "take name and province from the official list", _name),
    Check("one-province-name", "unified", ("communes",), "a province has one name",
          "take one spelling", _region_wide),
    Check("vocabulary", "unified", tuple(LAYERS), "words are those of the data dictionary",
          "take the word of the data dictionary", _words),
    Check("one-crs", "unified", (*GEOMETRY_LAYERS, *RASTERS), "every file is in the region's CRS",
          "project the file to the CRS of region.toml", _crs),
    Check("one-grid", "unified", ("clutter",), "rasters lie on one grid", "resample to elevation.tif", _grid),
    Check("classes-known", "unified", ("clutter",), "land cover has classes of geodata/clutter.csv",
          "translate the legend (--clutter-legend)", _classes),
)  # fmt: skip
