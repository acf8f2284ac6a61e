"""The list of records to mend: one row a defect, with its place, its owner and the people who stand on it."""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.region.audit.case import Case
from phusong.region.audit.effects import people_of_rows
from phusong.region.audit.evidence import Refusal
from phusong.region.audit.scores import Outcome

__all__ = ["RECORD_COLUMNS", "record_table"]

RECORD_COLUMNS = (
    "layer", "key", "check", "principle", "detail", "column", "row", "mend", "commune_code", "commune", "province",
    "owner", "people", "whole_layer", "kind", "delivered",
)  # fmt: skip
"""Columns of the records, before their geometry."""

_READER = "readable"


def record_table(case: Case, outcomes: Sequence[Outcome]) -> gpd.GeoDataFrame:
    """Return every record of the outcomes: what somebody delivered before what a model drew, each by people touched.

    What a whole layer lacks comes behind the rows, unless a run refuses it.

    Parameters
    ----------
    case : Case
        The audit.
    outcomes : sequence of Outcome
        What the checks found.
    """
    _, cell_people, _ = case.cells
    everybody = float(cell_people.sum())
    people: dict[tuple[str, bool], Any] = {}
    rows: list[dict[str, Any]] = []
    for o in outcomes:
        base = {"layer": o.layer, "check": o.check.name, "principle": o.check.principle, "mend": o.check.mend}
        if o.whole is not None:
            rows += [
                {**base, "key": key, "detail": detail, "people": everybody, **_of_whole(case, o.layer)}
                for key, detail in o.whole.told
            ]
            continue
        layer = o.rows_of
        if (layer, o.check.below) not in people:
            people[layer, o.check.below] = people_of_rows(case, layer, hanging=o.check.below)
        touched = people[layer, o.check.below]
        for part in o.parts:
            rows += [
                {**base, "detail": part.tell(i), "column": part.column, "people": float(touched[i])}
                | _of_row(case, layer, i)
                for i in part.records.tolist()
            ]
    rows += _reader_rows(case, outcomes, rows, everybody)
    return _framed(case, rows)


def _of_whole(case: Case, layer: str) -> dict[str, Any]:
    return {
        "column": "", "row": 0, "commune_code": "", "commune": "", "province": "", "owner": case.giver(layer),
        "whole_layer": True, "geometry": None, "kind": case.evidence.source(layer).kind,
        "delivered": bool(case.delivered(layer).any()),
    }  # fmt: skip


def _of_row(case: Case, layer: str, i: int) -> dict[str, Any]:
    at = int(case.commune_of(layer)[i])
    communes = case.table("communes")
    return {
        "key": str(case.evidence.sheets[layer].raw_keys.iloc[i]),
        "row": i + 1,
        "commune_code": str(communes["commune_code"].iloc[at]) if at >= 0 else "",
        "commune": str(case.commune_names[at]) if at >= 0 else "",
        "province": str(case.province_of_commune[at]) if at >= 0 else "",
        "owner": str(case.owner_of(layer)[i]),
        "whole_layer": False,
        "kind": str(case.kinds(layer)[i]),
        "delivered": bool(case.delivered(layer)[i]),
        "geometry": case.points[layer].iloc[i],
    }


def _reader_rows(
    case: Case, outcomes: Sequence[Outcome], known: list[dict[str, Any]], everybody: float
) -> list[dict[str, Any]]:
    """Return what the reader of plans refuses and no other record says."""
    check = next(o.check for o in outcomes if o.check.name == _READER)
    said = {(r["layer"], r["row"], r["column"]) for r in known}
    said |= {(r["layer"], r["row"], "") for r in known}
    # the reader names a shared cell by both its columns, a missing column by its name alone
    said |= {(r["layer"], 0, r["key"]) for r in known if r["whole_layer"]}
    rows = []
    for refusal in case.evidence.refusals:
        row, column = refusal.problem.row or 0, refusal.problem.column or ""
        whole = (
            row == 0 and column == "" and any(r["layer"] == refusal.layer and r["whole_layer"] for r in known)
        )
        if (refusal.layer, row, column) in said or whole:
            continue
        rows.append(
            {"layer": refusal.layer, "check": check.name, "principle": check.principle, "mend": check.mend,
             "detail": f"the reader refuses it: {refusal.problem}", **_of_refusal(case, refusal, everybody)}
        )  # fmt: skip
    return rows


def _of_refusal(case: Case, refusal: Refusal, everybody: float) -> dict[str, Any]:
    layer, row = refusal.layer, refusal.problem.row
    if row is not None and layer in case.evidence.sheets and 1 <= row <= len(case.table(layer)):
        people = float(people_of_rows(case, layer)[row - 1])
        return {"people": people, "column": refusal.problem.column or "", **_of_row(case, layer, row - 1)}
    key = refusal.problem.column or layer
    # a region that cannot be read is somebody's to mend, whatever its layers are
    return {"key": key, "people": everybody, **_of_whole(case, layer), "delivered": True}


def _framed(case: Case, rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(rows, columns=[*RECORD_COLUMNS, "geometry"])
    text = [c for c in RECORD_COLUMNS if c not in {"row", "people", "whole_layer", "delivered"}]
    frame[text] = frame[text].fillna("").astype(str)
    frame["row"] = frame["row"].fillna(0).astype(np.int64)
    frame["people"] = frame["people"].astype(np.float64)
    frame["whole_layer"] = frame["whole_layer"].astype(bool)
    frame["delivered"] = frame["delivered"].astype(bool)
    later = frame["whole_layer"] & (frame["check"] != _READER)
    frame = (
        frame.assign(later=later)
        .sort_values(
            ["delivered", "later", "people", "layer", "check", "row", "column", "key", "detail"],
            ascending=[False, True, False, *[True] * 6],
            kind="stable",
            ignore_index=True,
        )
        .drop(columns="later")
    )
    return gpd.GeoDataFrame(
        frame, geometry=gpd.GeoSeries(frame["geometry"].to_numpy(object), crs=case.evidence.crs)
    )
