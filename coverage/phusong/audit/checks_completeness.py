"""Audit checks of completeness, currency and sharing."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import shapely

from phusong.audit.checks_consistency import JOINS
from phusong.audit.context import NOBODY, Case, Check, FailingRows, Whole
from phusong.audit.reading import RASTERS
from phusong.region.schema import LAYERS, LayerColumn

__all__ = ["LIVE", "SHARED", "SUFFICIENT", "period"]


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


def _values(case: Case, layer: str) -> list[FailingRows]:
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
        found.append(FailingRows(bad, _missing(column), column.name))
    return found


def _missing(column: LayerColumn) -> Callable[[int], str]:
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


def _every_commune(case: Case, layer: str) -> FailingRows | None:
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
    return FailingRows(
        lived & lacks,
        lambda i: (
            f"{names[i]} has no {', no '.join(k for k, there in has.items() if not there[i])} in the layer"
        ),
        of="communes",
    )


_NAMED = {"demand": "populated square", "settlements": "settlement", "sites": "site",
          "power_nodes": "power node"}  # fmt: skip


def _on_air(case: Case, layer: str) -> FailingRows | None:
    if not case.evidence.has("cells"):
        return None
    sites = case.table(layer)
    silent = ~sites["site_id"].isin(set(case.table("cells")["site_id"])).to_numpy(bool)
    radio = (sites["structure"] != "exchange").to_numpy(bool) & case.active_sites
    return FailingRows(silent & radio, lambda _i: "is active, yet no cell of the layer cells stands on it")


def _covers(case: Case, layer: str) -> FailingRows | None:
    grid = case.evidence.grid
    if grid is None or not case.evidence.has("communes"):
        return None
    outside = shapely.area(shapely.difference(case.borders, shapely.box(*grid.bounds)))
    area = shapely.area(case.borders)
    share = np.divide(outside, area, out=np.zeros_like(area), where=area > 0)
    names = case.commune_names
    return FailingRows(
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


_DAYS_PER_YEAR = 365.25
_STATED = re.compile(r"^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")


def period(stated: str) -> tuple[date, date] | None:
    """Return the first and last day of a stated year, month or day, or None where it is none of these.

    Examples
    --------
    >>> period("2025-07"), period("soon")
    ((datetime.date(2025, 7, 1), datetime.date(2025, 7, 31)), None)
    """
    found = _STATED.match(stated.strip()[:10])
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    try:
        if day:
            return date(year, month, day), date(year, month, day)
        if month:
            start = date(year, month, 1)
            return start, (start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return date(year, 1, 1), date(year, 12, 31)
    except ValueError:
        return None


def _age(case: Case, layer: str) -> Whole | None:
    """Grade the age against the refresh time: 0 up to it, 1 at three times it and beyond."""
    if not case.evidence.has(layer):
        return None
    stated = case.evidence.source(layer).as_of
    found = period(stated)
    if found is None:
        what = f"{stated!r} is no date" if stated else "no date"
        return Whole(1.0, [(layer, f"{what} in region.toml (as_of = YYYY, YYYY-MM or YYYY-MM-DD)")])
    start, end = found
    if start > case.as_of:
        return Whole(1.0, [(layer, f"is dated {stated}, after the audit of {case.as_of}")])
    years = max(0.0, (case.as_of - end).days / _DAYS_PER_YEAR)
    refresh = case.rubric.refresh_years[layer]
    share = float(np.clip((years - refresh) / (2.0 * refresh), 0.0, 1.0))
    told = [(layer, f"is of {stated}, {years:.1f} years old; it should be renewed every {refresh:g}")]
    return Whole(share, told if share > 0 else [])


def _life(case: Case, layer: str) -> FailingRows:
    sites = case.table(layer)
    year = sites["commissioned"].to_numpy(np.float64)
    age = case.as_of.year - year
    return FailingRows(
        case.active_sites & (age > case.rubric.limits.site_life_years),
        lambda i: f"is said to be active since {year[i]:.0f}, {age[i]:.0f} years: confirm it",
        "commissioned",
    )


def _overdue(case: Case, layer: str) -> FailingRows:
    sites = case.table(layer)
    year = sites["commissioned"].to_numpy(np.float64)
    return FailingRows(
        (sites["status"] == "planned").to_numpy(bool) & (year < case.as_of.year),
        lambda i: f"was planned for {year[i]:.0f}: built, put off or given up?",
        "status",
    )


LIVE = (
    Check("renewed-in-time", "live", (*LAYERS, *RASTERS), "the layer is not older than its refresh time",
          "ask its owner for today's, and write as_of into region.toml", _age),
    Check("site-confirmed", "live", ("sites",), "an active structure has been confirmed within its life",
          "confirm that it still stands, or mark it retired", _life),
    Check("plan-kept", "live", ("sites",), "what was planned for past years is built or given up",
          "ask the owner, and correct status and year", _overdue),
)  # fmt: skip


_ALL = (*LAYERS, *RASTERS)


def _licence(case: Case, layer: str) -> Whole | None:
    """Grade the licence: 0 when it is a known open one, a half when it is another, 1 when none is stated."""
    if not case.evidence.has(layer):
        return None
    stated = case.evidence.source(layer).licence.strip()
    if not stated:
        return Whole(1.0, [(layer, "no licence in region.toml: nobody knows who may use it")])
    folded = f" {stated.casefold()} "
    if any(word in folded for word in case.rubric.sharing.open_licences):
        return Whole(0.0)
    return Whole(0.5, [(layer, f"{stated[:60]!r} is not known as an open licence")])


def _source(case: Case, layer: str) -> Whole | None:
    if not case.evidence.has(layer):
        return None
    stated = case.evidence.sources.get(layer)
    if stated is not None and stated.source.strip():
        return Whole(0.0)
    return Whole(1.0, [(layer, "no source in region.toml: nobody knows whom to ask")])


def _format(case: Case, layer: str) -> Whole | None:
    formats = case.rubric.sharing.formats
    stray = case.evidence.stray.get(layer)
    sheet = case.evidence.sheets.get(layer)
    ending = stray or (sheet.ending if sheet is not None else case.evidence.raster_files.get(layer, ("",))[0])
    if not ending:
        return None  # in memory
    share = formats.get(ending, 1.0)
    told = [
        (layer, f".{ending} is not an open format that carries types and places (GeoPackage, GeoParquet)")
    ]
    return Whole(share, told if share > 0 else [])


def _owners(case: Case, layer: str) -> Whole | None:
    """Grade how many owners give a layer: none missing of the least number, or of the operators' subscribers."""
    if not case.evidence.has(layer):
        return None
    owners = sorted(set(case.owner_of(layer)) - {NOBODY})
    if layer == "cells" and case.evidence.has("operators"):
        operators = case.table("operators")
        silent = ~operators["operator"].isin(owners).to_numpy(bool)
        share = np.nan_to_num(operators["share"].to_numpy(np.float64))
        total = share.sum()
        lost = float(share[silent].sum() / total) if total > 0 else float(silent.mean())
        told = [
            (str(name), f"{name} ({part:.1%} of subscribers) gives no cell")
            for name, part in zip(operators["operator"][silent], share[silent], strict=True)
        ]
        return Whole(float(np.clip(lost, 0.0, 1.0)), told)
    least = case.rubric.limits.least_owners
    if len(owners) >= least:
        return Whole(0.0)
    named = ", ".join(owners) or "nobody"
    return Whole(
        1.0 - len(owners) / least, [(layer, f"given by {named} only; {least} owners or more should")]
    )


SHARED = (
    Check("licence-open", "shared", _ALL, "an open licence is stated", "agree on a licence, and write it into region.toml",
          _licence),
    Check("source-stated", "shared", _ALL, "a source is stated", "write the source into region.toml", _source),
    Check("format-open", "shared", _ALL, "the file is in an open format that carries types and places",
          "store it as GeoPackage, GeoParquet or GeoTIFF", _format, absent=True),
    Check("several-owners", "shared", ("sites", "links", "cells"), "several owners give the layer",
          "ask the owners that are missing", _owners),
)  # fmt: skip
