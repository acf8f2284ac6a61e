"""Scores and records.

A check scores 100 less what its failing share costs, down to 0 at the share that the rubric names. A principle of a
layer is the mean of its checks, a layer the weighted mean of its principles, a group (the region, a province, an
owner, a commune) the weighted mean of its layers, counting only rows that belong to the group. A layer's kind says
what it can reach: a modelled layer without a fault scores its cap, and less in proportion, never as a measured one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.audit.context import Case, Check, FailingRows, Whole, people_of_rows
from phusong.audit.reading import Refusal
from phusong.audit.rubric import PRINCIPLES
from phusong.compute.array_types import Bools, Floats, Ints

__all__ = [
    "RECORD_COLUMNS",
    "CheckOutcome",
    "Group",
    "GroupScores",
    "check_score",
    "grade_groups",
    "layer_standings",
    "record_table",
    "share_failing",
]


@dataclass(frozen=True)
class CheckOutcome:
    """What one check found on one layer.

    Parameters
    ----------
    check : Check
        The check.
    layer : str
        The layer.
    parts : tuple of FailingRows
        Failing rows by column; empty when the layer failed, or passed, as a whole.
    whole : Whole or None
        How far it failed as a whole.
    """

    check: Check
    layer: str
    parts: tuple[FailingRows, ...] = ()
    whole: Whole | None = None

    @property
    def rows_of(self) -> str:
        """Layer whose rows fail."""
        return (self.parts[0].of if self.parts else "") or self.layer

    @property
    def bad(self) -> Bools:
        """Rows that fail in any part."""
        return np.asarray(np.any([p.bad for p in self.parts], axis=0))


@dataclass(frozen=True)
class Group:
    """How the rows of each layer fall into groups.

    Parameters
    ----------
    names : sequence of str
        The groups.
    of_row : mapping of str to ndarray of int
        By layer: group of each row, -1 for none. A layer that is missing here belongs to every group as a whole.
    everywhere : bool
        Whether what a layer fails as a whole counts for every group, or only for those with rows in it.
    """

    names: Sequence[str]
    of_row: Mapping[str, Ints]
    everywhere: bool = True


@dataclass(frozen=True)
class GroupScores:
    """Scores of groups.

    Parameters
    ----------
    principles : ndarray, shape (n_groups, 6)
        In the order of ``PRINCIPLES``; NaN where nothing was judged.
    overall : ndarray, shape (n_groups,)
        NaN where nothing was judged.
    classes : list of str
        A, B or C; empty where nothing was judged.
    """

    principles: Floats
    overall: Floats
    classes: list[str]


def check_score(share: npt.ArrayLike, zero_at: float) -> Floats:
    """Return the score of a failing share.

    Examples
    --------
    >>> check_score([0.0, 0.1, 0.5, 1.0], 0.5).tolist()
    [100.0, 80.0, 0.0, 0.0]
    """
    return np.asarray(100.0 * (1.0 - np.minimum(1.0, np.asarray(share, np.float64) / zero_at)))


def share_failing(outcome: CheckOutcome, group: Group) -> Floats:
    """Return the share of each group's rows that fail; NaN where the group has none to judge."""
    n = len(group.names)
    if outcome.whole is not None:
        return np.full(n, outcome.whole.share)
    bad = outcome.bad
    of_row = group.of_row.get(outcome.rows_of)
    if of_row is None:
        return np.full(n, float(bad.mean()) if bad.size else np.nan)
    known = of_row >= 0
    total = np.bincount(of_row[known], minlength=n).astype(np.float64)
    failing = np.bincount(of_row[known], bad[known], minlength=n)
    return np.asarray(np.divide(failing, total, out=np.full(n, np.nan), where=total > 0))


def layer_standings(case: Case, outcomes: Sequence[CheckOutcome], group: Group) -> dict[str, GroupScores]:
    """Return the standing of each layer within each group, scaled to what its kind can reach."""
    rubric = case.rubric
    found = {}
    for layer in rubric.layers:
        mine = [o for o in outcomes if o.layer == layer]
        kind = case.evidence.source(layer).kind
        earned = np.full((len(group.names), len(PRINCIPLES)), np.nan)
        for k, principle in enumerate(PRINCIPLES):
            scores = [
                check_score(share_failing(o, group), rubric.zero_at[principle])
                for o in mine
                if o.check.principle == principle
            ]
            earned[:, k] = _mean(scores, len(group.names))
        earned[~_present(case, layer, group)] = np.nan
        principles = earned * np.array([rubric.cap(kind, p) for p in PRINCIPLES]) / 100.0
        weights = np.array([rubric.principles[p] for p in PRINCIPLES])
        overall = _weighted_rows(earned.T, weights) * rubric.cap(kind, "overall") / 100.0
        best = rubric.kinds[kind].best_class
        classes = ["" if np.isnan(s) else rubric.grade(float(s), best) for s in overall]
        found[layer] = GroupScores(principles, overall, classes)
    return found


def grade_groups(case: Case, layers: Mapping[str, GroupScores]) -> GroupScores:
    """Return the standing of each group over all its layers."""
    rubric = case.rubric
    names = list(layers)
    weights = np.array([rubric.layers[name] for name in names])
    stacked = np.stack([layers[name].principles for name in names])
    principles = np.stack([_weighted_rows(stacked[:, :, k], weights) for k in range(len(PRINCIPLES))], axis=1)
    each = np.stack([layers[name].overall for name in names])
    overall = _weighted_rows(each, weights)
    soft = np.array([case.evidence.source(n).kind in {"modelled", "assumed"} for n in names])
    judged = np.isfinite(each)
    weight = (judged * weights[:, None]).sum(axis=0)
    share = np.divide(
        (judged * (weights * soft)[:, None]).sum(axis=0), weight, out=np.zeros_like(weight), where=weight > 0
    )
    held = share > rubric.groups["modelled_share"]
    best = rubric.kinds["modelled"].best_class
    classes = [
        "" if np.isnan(s) else rubric.grade(float(s), best if h else "A")
        for s, h in zip(overall, held, strict=True)
    ]
    return GroupScores(principles, overall, classes)


def _present(case: Case, layer: str, group: Group) -> Bools:
    """Return which groups a layer is judged in."""
    n = len(group.names)
    if layer not in group.of_row:
        return np.full(n, group.everywhere)
    if group.everywhere and not case.evidence.has(layer):
        return np.ones(n, bool)  # a layer that is not there is missing everywhere
    at = group.of_row[layer]
    return np.bincount(at[at >= 0], minlength=n) > 0


def _mean(scores: Sequence[Floats], n: int) -> Floats:
    if not scores:
        return np.full(n, np.nan)
    stacked = np.stack(scores)
    judged = np.isfinite(stacked)
    count = judged.sum(axis=0)
    total = np.where(judged, stacked, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(n, np.nan), where=count > 0))


def _weighted_rows(values: Floats, weights: Floats) -> Floats:
    """Return the weighted mean over the first axis, over what was judged."""
    judged = np.isfinite(values)
    weight = (judged * weights[:, None]).sum(axis=0)
    total = (np.where(judged, values, 0.0) * weights[:, None]).sum(axis=0)
    return np.asarray(np.divide(total, weight, out=np.full(values.shape[1], np.nan), where=weight > 0))


RECORD_COLUMNS = (
    "layer", "key", "check", "principle", "detail", "column", "row", "mend", "commune_code", "commune", "province",
    "owner", "people", "whole_layer", "kind", "delivered",
)  # fmt: skip
"""Columns of the records, before their geometry."""

_READER = "readable"


def record_table(case: Case, outcomes: Sequence[CheckOutcome]) -> gpd.GeoDataFrame:
    """Return every record of the outcomes: what somebody delivered before what a model drew, each by people touched.

    What a whole layer lacks comes behind the rows, unless a run refuses it.

    Parameters
    ----------
    case : Case
        The audit.
    outcomes : sequence of CheckOutcome
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
    case: Case, outcomes: Sequence[CheckOutcome], known: list[dict[str, Any]], everybody: float
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
