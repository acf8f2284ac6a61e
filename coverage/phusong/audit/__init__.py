"""Audit: every check, scores, records, people."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.audit.checks_accuracy import CORRECT, TOPOLOGY
from phusong.audit.checks_completeness import LIVE, SHARED, SUFFICIENT
from phusong.audit.checks_consistency import CLEAN, UNIFIED
from phusong.audit.context import METHOD, Case, Check, FailingRows, cells_touched
from phusong.audit.reading import gather
from phusong.audit.rubric import PRINCIPLES, RUBRICS, Rubric, read_rubric
from phusong.audit.scores import (
    CheckOutcome,
    Group,
    GroupScores,
    check_score,
    grade_groups,
    layer_standings,
    record_table,
    share_failing,
)
from phusong.region.folder import Region
from phusong.region.read.columns import counted_kinds
from phusong.region.schema import KINDS

__all__ = ["CHECKS", "PRINCIPLES", "RUBRICS", "SCOPES", "Audit", "Rubric", "audit", "read_rubric"]

CHECKS: tuple[Check, ...] = (*CORRECT, *TOPOLOGY, *SUFFICIENT, *CLEAN, *LIVE, *UNIFIED, *SHARED)
"""All checks, by principle."""


SCOPES = ("region", "layer", "province", "owner", "origin")
"""Of what a score is."""

_PLACED = (
    "communes",
    "demand",
    "settlements",
    "facilities",
    "sites",
    "cells",
    "links",
    "power_nodes",
    "power_lines",
)
_OWNED = ("sites", "cells", "links")


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    region, crs : str
        Name and CRS of the region.
    as_of : date
        Day of the audit.
    rubric : Rubric
        What it was graded by.
    people, people_affected : float
        All people of the region; those who stand on a record to mend (records of whole layers left out).
    scores : DataFrame
        One row a score: scope (region, layer, province, owner, origin: delivered or modelled), name, principle (or ``overall``), score (0–100; NaN
        where nothing was judged), class (of the overall score), rank (within the scope, best first).
    checks : DataFrame
        One row a check and layer: check, principle, layer, says, mend, share_failing, score, records, people,
        whole_layer (it judges the layer, not its rows).
    records : GeoDataFrame
        One row a record to mend: layer, key, check, principle, detail, column, row, mend, commune_code, commune,
        province, owner, people, whole_layer, kind, delivered, geometry (a point, or None). What somebody delivered comes
        before what a model drew, each by the people it touches.
    communes : GeoDataFrame
        commune_code, name, province, score, records, people, people_affected, geometry: for maps.
    layers : DataFrame
        layer, kind, source, licence, as_of, given_by, and how many of its records are of each kind.
    """

    region: str
    crs: str
    as_of: date
    rubric: Rubric
    people: float
    people_affected: float
    scores: pd.DataFrame
    checks: pd.DataFrame
    records: gpd.GeoDataFrame
    communes: gpd.GeoDataFrame
    layers: pd.DataFrame

    def score(self, scope: str, name: str, principle: str = "overall") -> float:
        """Return one score, NaN where nothing was judged.

        Raises
        ------
        KeyError
            If there is no such score.
        """
        s = self.scores
        found = s[(s["scope"] == scope) & (s["name"] == name) & (s["principle"] == principle)]
        if found.empty:
            raise KeyError((scope, name, principle))
        return float(found["score"].iloc[0])

    def ranking(self, scope: str) -> pd.DataFrame:
        """Return one row a layer, province or owner, best first: rank, name, class, overall and the principles."""
        mine = self.scores[self.scores["scope"] == scope]
        wide = mine.pivot_table(index="name", columns="principle", values="score", sort=False, dropna=False)
        wide = wide.reindex(columns=["overall", *PRINCIPLES]).reset_index()
        top = mine[mine["principle"] == "overall"].set_index("name")[["rank", "class"]]
        joined = wide.join(top, on="name").sort_values(["rank", "name"], kind="stable", ignore_index=True)
        return joined[["rank", "name", "class", "overall", *PRINCIPLES]]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values: ``scores``, ``records``, ``checks``, ``rubric`` and the method."""
        scopes = {"region": "overall", "layer": "layers", "province": "provinces", "owner": "owners"}
        scores: dict[str, Any] = {}
        for scope, title in scopes.items():
            rows = [_standing_dict(r) for r in self.ranking(scope).to_dict("records")]
            scores[title] = rows[0] if scope == "region" else {r.pop("name"): r for r in rows}
        scores |= {"delivered": None, "modelled": None}
        for r in self.ranking("origin").to_dict("records"):
            row = _standing_dict(r)
            row.pop("rank")
            scores[str(row.pop("name"))] = row
        scores["communes"] = {
            str(c): _plain(s)
            for c, s in zip(self.communes["commune_code"], self.communes["score"], strict=True)
        }
        rubric = self.rubric
        return {
            "region": self.region,
            "as_of": self.as_of.isoformat(),
            "people": _plain(self.people),
            "people_affected": _plain(self.people_affected),
            "rubric": {
                "name": rubric.name, "version": rubric.version, "status": rubric.status, "sha256": rubric.sha256,
            },
            "scores": scores,
            "checks": _records(self.checks),
            "records": _records(self.records.drop(columns="geometry")),
            "layers": _records(self.layers),
            "method": METHOD,
        }  # fmt: skip

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON; the same region, date and rubric give the same text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def audit(region: Region | str | Path, *, as_of: date, rubric: str | Path | Rubric = "pilot") -> Audit:
    """Return how good a region's data are: six principles scored by stated checks, and the records to mend.

    Parameters
    ----------
    region : Region, str or Path
        In memory, or a folder, also one that ``Region.read`` refuses: what it refuses becomes records.
    as_of : date
        Day up to which ages are counted.
    rubric : str, Path or Rubric
        ``pilot``, ``official``, or a file of that form.

    Raises
    ------
    InputError
        If a path is no region folder, or the rubric is none.
    """
    chosen = rubric if isinstance(rubric, Rubric) else read_rubric(rubric)
    case = Case(gather(region), chosen, as_of)
    outcomes = [
        outcome
        for check in CHECKS
        for layer in check.layers
        if (outcome := _judge(case, check, layer)) is not None
    ]
    records = record_table(case, outcomes)
    _, people, _ = case.cells
    touched = _touched(case, outcomes)
    return Audit(
        region=case.evidence.name,
        crs=case.evidence.crs,
        as_of=as_of,
        rubric=chosen,
        people=float(people.sum()),
        people_affected=float(people[touched].sum()),
        scores=_scores(case, outcomes),
        checks=_checks(case, outcomes, records),
        records=records,
        communes=_communes(case, outcomes, records, touched),
        layers=_layers(case),
    )


def _judge(case: Case, check: Check, layer: str) -> CheckOutcome | None:
    if not check.absent and not case.evidence.has(layer):
        return None
    found = check.find(case, layer)
    if found is None or found == []:
        return None
    if isinstance(found, FailingRows):
        return CheckOutcome(check, layer, (found,))
    if isinstance(found, list):
        return CheckOutcome(check, layer, tuple(found))
    return CheckOutcome(check, layer, whole=found)


def _everything(case: Case) -> Group:
    return Group(["region"], {name: np.zeros(len(case.table(name)), np.int64) for name in _PLACED})


def _by_commune(case: Case) -> Group:
    return Group(case.commune_names, {name: case.commune_of(name) for name in _PLACED})


def _by_province(case: Case) -> Group:
    names, code = np.unique(case.province_of_commune.astype(str), return_inverse=True)
    if names.size == 0:
        return Group([], {name: np.full(len(case.table(name)), -1, np.int64) for name in _PLACED})
    of_row = {}
    for name in _PLACED:
        commune = case.commune_of(name)
        of_row[name] = np.where(commune >= 0, code[np.maximum(commune, 0)], -1)
    return Group(list(names), of_row)


def _by_owner(case: Case) -> Group:
    layers = list(case.rubric.layers)
    # an owner delivers records: the sources of a model own none
    owners = {
        n: np.where(
            case.delivered(n), case.owner_of(n) if n in _OWNED else case.evidence.owners.get(n, ""), ""
        )
        for n in layers
        if case.evidence.has(n)
    }
    names = sorted({str(o) for who in owners.values() for o in who} - {""})
    index = {"": -1, **{name: k for k, name in enumerate(names)}}
    of_row: dict[str, npt.NDArray[np.int64]] = {}
    for layer in layers:
        n = len(case.table(layer)) if layer in case.evidence.sheets else 1
        if layer not in owners:
            of_row[layer] = np.full(n, -1, np.int64)
            continue
        of_row[layer] = np.array([index[str(o)] for o in owners[layer]], np.int64)
    return Group(names, of_row, everywhere=False)


def _by_origin(case: Case) -> Group:
    """Return what somebody delivered, and what a model drew or somebody assumed, as two groups."""
    of_row = {
        n: np.where(case.delivered(n), 0, 1).astype(np.int64)
        for n in case.rubric.layers
        if case.evidence.has(n)
    }
    # a raster that could not be read has no rows: one stands for it, as for an owner
    rows = {n: len(case.table(n)) if n in case.evidence.sheets else 1 for n in case.rubric.layers}
    lost = {n: np.full(rows[n], -1, np.int64) for n in case.rubric.layers if n not in of_row}
    return Group(["delivered", "modelled"], {**lost, **of_row}, everywhere=False)


def _scores(case: Case, outcomes: list[CheckOutcome]) -> pd.DataFrame:
    whole = _everything(case)
    layers = layer_standings(case, outcomes, whole)
    rows = _rows("region", [case.evidence.name], grade_groups(case, layers))
    one = GroupScores(
        np.concatenate([s.principles for s in layers.values()]),
        np.concatenate([s.overall for s in layers.values()]),
        [s.classes[0] for s in layers.values()],
    )
    rows += _rows("layer", list(layers), one)
    provinces = _by_province(case)
    rows += _rows("province", provinces.names, grade_groups(case, layer_standings(case, outcomes, provinces)))
    owners = _by_owner(case)
    # whether every commune has some of a layer is nobody's single fault where several own its rows
    own = [o for o in outcomes if o.rows_of == o.layer]
    rows += _rows("owner", owners.names, grade_groups(case, layer_standings(case, own, owners)))
    origins = _by_origin(case)
    found = _rows("origin", origins.names, grade_groups(case, layer_standings(case, own, origins)))
    judged = {r[1] for r in found if r[2] == "overall" and np.isfinite(r[3])}
    rows += [r for r in found if r[1] in judged]
    return pd.DataFrame(rows, columns=["scope", "name", "principle", "score", "class", "rank"])


def _rows(scope: str, names: Any, standing: GroupScores) -> list[tuple[Any, ...]]:  # noqa: ANN401 - a sequence of names
    rank = pd.Series(np.round(standing.overall, 2)).rank(ascending=False, method="min", na_option="bottom")
    rows: list[tuple[Any, ...]] = []
    for i, name in enumerate(names):
        place = int(rank.iloc[i])
        rows.append(
            (scope, name, "overall", round(float(standing.overall[i]), 2), standing.classes[i], place)
        )
        rows += [
            (scope, name, p, round(float(standing.principles[i, k]), 2), "", place)
            for k, p in enumerate(PRINCIPLES)
        ]
    return rows


def _checks(case: Case, outcomes: list[CheckOutcome], records: pd.DataFrame) -> pd.DataFrame:
    _, people, _ = case.cells
    whole = _everything(case)
    counts = records.groupby(["check", "layer"]).size()
    rows = []
    for o in outcomes:
        share = float(share_failing(o, whole)[0])
        count = int(counts.get((o.check.name, o.layer), 0))
        touched = 0.0
        if o.whole is not None:
            touched = float(people.sum()) if count else 0.0
        elif count:
            touched = float(people[_cells_of(case, o)].sum())
        score = float(check_score(share, case.rubric.zero_at[o.check.principle]))
        rows.append(
            (o.check.name, o.check.principle, o.layer, o.check.says, o.check.mend, round(share, 6),
             round(score, 2), count, touched, o.whole is not None)
        )  # fmt: skip
    columns = ["check", "principle", "layer", "says", "mend", "share_failing", "score", "records", "people",
               "whole_layer"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _cells_of(case: Case, outcome: CheckOutcome) -> npt.NDArray[np.bool_]:
    """Return the demand cells that stand on a record of an outcome."""
    told = np.zeros(len(outcome.bad), bool)
    for part in outcome.parts:
        told[part.records] = True
    return cells_touched(case, outcome.rows_of, told, hanging=outcome.check.below)


def _touched(case: Case, outcomes: list[CheckOutcome]) -> npt.NDArray[np.bool_]:
    """Return the demand cells that stand on any record of a row."""
    out = np.zeros(len(case.cells[1]), bool)
    for outcome in outcomes:
        if outcome.parts and outcome.bad.any():
            out |= _cells_of(case, outcome)
    return out


def _communes(
    case: Case, outcomes: list[CheckOutcome], records: pd.DataFrame, touched: npt.NDArray[np.bool_]
) -> gpd.GeoDataFrame:
    group = _by_commune(case)
    frame = case.table("communes")
    standing = grade_groups(case, layer_standings(case, outcomes, group))
    _, people, commune = case.cells
    counts = records[~records["whole_layer"]].groupby("commune_code").size()
    out = frame[["commune_code", "name", "province"]].assign(
        score=np.round(standing.overall, 2),
        records=counts.reindex(frame["commune_code"]).fillna(0).to_numpy(np.int64),
        people=np.bincount(commune[commune >= 0], people[commune >= 0], len(frame)),
        people_affected=np.bincount(
            commune[(commune >= 0) & touched], people[(commune >= 0) & touched], len(frame)
        ),
    )
    return gpd.GeoDataFrame(out, geometry=case.borders, crs=case.evidence.crs)


def _layers(case: Case) -> pd.DataFrame:
    rows = []
    for layer in case.rubric.layers:
        s = case.evidence.source(layer)
        counts = counted_kinds(case.kinds(layer)) if layer in case.evidence.sheets else {}
        rows.append(
            (
                layer,
                s.kind,
                s.source,
                s.licence,
                s.as_of,
                case.giver(layer),
                *(counts.get(k, 0) for k in KINDS),
            )
        )
    columns = ["layer", "kind", "source", "licence", "as_of", "given_by", *(f"records_{k}" for k in KINDS)]
    return pd.DataFrame(rows, columns=columns)


def _standing_dict(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(k): _plain(v) for k, v in row.items()}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:  # noqa: ANN401 - any cell
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        return int(value) if value.is_integer() else value
    return value
