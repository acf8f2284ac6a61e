"""Unified: one set of codes, one CRS, one grid, one vocabulary; keys join across layers."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from phusong.errors import nearest_name
from phusong.region.audit.case import Case
from phusong.region.audit.check import Check, Rows, Whole
from phusong.region.audit.evidence import RASTERS
from phusong.region.audit.official import official_communes, successor
from phusong.region.audit.reading import same_crs
from phusong.region.facts import table
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, Column

__all__ = ["JOINS", "UNIFIED"]

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


def _joins(case: Case, layer: str) -> list[Rows]:
    found = []
    for column, other, optional in JOINS[layer]:
        values = case.table(layer)[column]
        known = set(case.table(other).iloc[:, 0])
        lost = ~values.isin(known).to_numpy(bool)
        if optional:
            lost &= (values != "").to_numpy(bool)
        found.append(Rows(lost, _unknown(values, column, other), column))
    return found


def _unknown(values: "pd.Series[Any]", column: str, other: str) -> Callable[[int], str]:
    return lambda i: f"{column} {values.iloc[i]!r} does not exist in {other}"


def _code(case: Case, layer: str) -> Rows:
    codes = case.table(layer)["commune_code"].to_numpy(object)
    known = official_communes()
    names = known["name"]

    def tell(i: int) -> str:
        now = successor(str(codes[i]))
        if now is None:
            return f"{codes[i]!r} is no code of a commune, today's or former"
        return f"{codes[i]!r} is a code from before July 2025; today it is in {names[now]} ({now})"

    return Rows(~np.isin(codes.astype(str), known.index.to_numpy(str)), tell, "commune_code")


def _name(case: Case, layer: str) -> Rows:
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

    return Rows(renamed | moved | ~listed, tell, "name", told=listed)


def _words(case: Case, layer: str) -> list[Rows] | None:
    found = []
    for column in LAYERS[layer]:
        if column.among:
            values = case.table(layer)[column.name]
            empty = (values == "").to_numpy(bool)  # an empty one is missing: another check says so
            found.append(
                Rows(~values.isin(column.among).to_numpy(bool) & ~empty, _word(values, column), column.name)
            )
    return found or None


def _word(values: "pd.Series[Any]", column: Column) -> Callable[[int], str]:
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


def _region_wide(case: Case, layer: str) -> Rows | None:
    """Communes of one code each stand for one province code: a province has one name."""
    communes = case.table(layer)
    usual = communes.groupby("province_code")["province"].transform(lambda s: s.mode().iloc[0])
    off = (communes["province"] != usual).to_numpy(bool)
    names, by_code = communes["province"].to_numpy(object), usual.to_numpy(object)
    return Rows(
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
