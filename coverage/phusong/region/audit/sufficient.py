"""Sufficient: every layer is there, every commune covered, every value given."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import shapely

from phusong.region.audit.case import Case
from phusong.region.audit.check import Check, Rows, Whole
from phusong.region.audit.evidence import RASTERS
from phusong.region.audit.unified import JOINS
from phusong.region.schema import LAYERS, Column

__all__ = ["SUFFICIENT"]

Flags = npt.NDArray[np.bool_]

# text that every row needs although the dictionary has a default for it
_NEEDED_TEXT = {"sites": ("owner", "structure", "power_source", "status"), "links": ("owner", "medium"),
                "cells": ("technology",), "communes": ("province_code", "province", "kind"),
                "power_nodes": ("kind",), "settlements": ("kind",)}  # fmt: skip
_UNKNOWN = ("", "unknown", "nan", "none", "null")
_FACILITY_KINDS = ("commune office", "clinic", "school")


def _needed(layer: str) -> tuple[str, ...]:
    return _NEEDED_TEXT.get(layer, ())


def _present(case: Case, layer: str) -> Whole:
    if case.evidence.has(layer):
        return Whole(0.0)
    stray = case.evidence.stray.get(layer)
    why = "is missing" if stray is None else f"cannot be read ({layer}.{stray})"
    if layer in case.evidence.sheets or layer in case.evidence.rasters:
        why = "is empty"
    return Whole(1.0, [(layer, f"the layer {why}")])


def _columns(case: Case, layer: str) -> Whole | None:
    if layer not in case.evidence.sheets:
        return None
    known = case.evidence.sheets[layer].columns
    # text that is empty by default may well be left out, unless it points to another layer
    keys = {column for column, _, _ in JOINS.get(layer, ())}
    asked = [c for c in LAYERS[layer] if c.default != "" or c.name in keys or c.name in _needed(layer)]
    wanted = [c for c in asked if c.name not in known]
    told = [
        (
            c.name,
            f"no column {c.name} ({c.meaning})" + ("" if c.default is None else f"; {c.default!r} is used"),
        )
        for c in wanted
    ]
    return Whole(len(wanted) / len(asked), told)


def _values(case: Case, layer: str) -> list[Rows]:
    sheet = case.evidence.sheets[layer]
    found = []
    for column in LAYERS[layer]:
        if column.name not in sheet.columns or column.kind == "flag":
            continue
        values = sheet.frame[column.name]
        if column.kind == "text":
            needed = column.default is None or column.name in _needed(layer)
            bad = values.str.casefold().isin(_UNKNOWN).to_numpy(bool) & needed
        else:
            unread = sheet.unread.get(column.name, np.zeros(len(values), bool))
            bad = values.isna().to_numpy(bool) & ~unread
        found.append(Rows(bad, _missing(column), column.name))
    return found


def _missing(column: Column) -> Callable[[int], str]:
    used = "" if column.default in (None, "") else f"; {column.default!r} is used"
    return lambda _i: f"{column.name} is not stated ({column.meaning}){used}"


def _not_all_default(case: Case, layer: str) -> Whole | None:
    names = case.rubric.defaults.get(layer, ())
    frame, limits = case.table(layer), case.rubric.limits
    if not names or len(frame) < limits.least_rows:
        return None
    told = []
    for column in LAYERS[layer]:
        if column.name in names:
            share = float((frame[column.name] == column.default).mean())
            if share >= limits.default_share:
                text = f"{share:.0%} of the rows have {column.name} = {column.default!r}, the default: never filled?"
                told.append((column.name, text))
    return Whole(len(told) / len(names), told)


def _every_commune(case: Case, layer: str) -> Rows | None:
    if not case.evidence.has("communes"):
        return None
    _, people, commune = case.cells
    n = len(case.table("communes"))
    lived = np.bincount(commune[commune >= 0], people[commune >= 0], n) > 0
    if layer == "demand":
        lived = np.ones(n, bool)  # a commune without a populated square is the defect itself
    at = case.commune_of(layer)
    if layer == "facilities":
        kinds = case.table(layer)["kind"].to_numpy(object)
        has = {k: np.isin(np.arange(n), at[kinds == k]) for k in _FACILITY_KINDS}
    else:
        has = {_NAMED[layer]: np.isin(np.arange(n), at)}
    lacks = ~np.all(list(has.values()), axis=0)
    names = case.commune_names
    return Rows(
        lived & lacks,
        lambda i: (
            f"{names[i]} has no {', no '.join(k for k, there in has.items() if not there[i])} in the layer"
        ),
        of="communes",
    )


_NAMED = {"demand": "populated square", "settlements": "settlement", "sites": "site",
          "power_nodes": "power node"}  # fmt: skip


def _on_air(case: Case, layer: str) -> Rows | None:
    if not case.evidence.has("cells"):
        return None
    sites = case.table(layer)
    silent = ~sites["site_id"].isin(set(case.table("cells")["site_id"])).to_numpy(bool)
    radio = (sites["structure"] != "exchange").to_numpy(bool) & case.active_sites
    return Rows(silent & radio, lambda _i: "is active, yet no cell of the layer cells stands on it")


def _covers(case: Case, layer: str) -> Rows | None:
    grid = case.evidence.grid
    if grid is None or not case.evidence.has("communes"):
        return None
    outside = shapely.area(shapely.difference(case.borders, shapely.box(*grid.bounds)))
    area = shapely.area(case.borders)
    share = np.divide(outside, area, out=np.zeros_like(area), where=area > 0)
    names = case.commune_names
    return Rows(
        share > 1e-6,
        lambda i: f"{share[i]:.1%} of {names[i]} lies outside {layer}.tif",
        of="communes",
    )


def _no_voids(case: Case, layer: str) -> Whole | None:
    values = case.evidence.rasters.get(layer)
    if values is None:
        return None
    void = ~np.isfinite(values)
    told = [(layer, f"{void.sum():,} of {void.size:,} pixels are void")] if void.any() else []
    return Whole(float(void.mean()), told)


_TABLES = tuple(LAYERS)

SUFFICIENT = (
    Check("layer-present", "sufficient", (*_TABLES, *RASTERS), "the layer is there and not empty",
          "add the layer (phusong data list says where it can come from)", _present, absent=True),
    Check("columns-present", "sufficient", _TABLES, "the file has every column of the data dictionary",
          "add the column; until then the default stands in for it", _columns, absent=True),
    Check("values-given", "sufficient", _TABLES, "no value is left empty",
          "fill it in; until then the default stands in for it", _values),
    Check("not-all-default", "sufficient", ("sites", "cells", "links", "power_lines"),
          "columns differ from row to row, as the world does", "fill the column from the owner's records",
          _not_all_default),
    Check("every-commune", "sufficient", ("demand", "settlements", "facilities", "sites", "power_nodes"),
          "every populated commune has some", "ask the commune, or confirm that it has none", _every_commune),
    Check("site-on-air", "sufficient", ("sites",), "every active site carries a cell",
          "add its cells, or mark it planned or retired", _on_air),
    Check("covers-the-communes", "sufficient", ("elevation",), "the raster reaches over all communes",
          "take a larger cut", _covers),
    Check("no-voids", "sufficient", ("elevation",), "every pixel has a value",
          "fill voids from another elevation model", _no_voids),
)  # fmt: skip
