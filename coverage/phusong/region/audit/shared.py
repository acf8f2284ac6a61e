"""Shared: others may use it, can open it, and more than one owner gives it."""

import numpy as np

from phusong.region.audit.case import NOBODY, Case
from phusong.region.audit.check import Check, Whole
from phusong.region.audit.evidence import RASTERS
from phusong.region.schema import LAYERS

__all__ = ["SHARED"]

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
