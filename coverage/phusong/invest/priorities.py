"""Whose people count for more: communes by flag and remoteness, and schools, clinics and commune offices as people."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Floats, Ints
from phusong.compute.arrays import nearest
from phusong.errors import InputError, Problem
from phusong.invest.plan_book import PlanModel
from phusong.invest.ranking import Ranking, rank
from phusong.io.limits import MOST_LIST_BYTES, read_bytes

__all__ = ["Priorities", "element_value", "rank_by_value", "read_flags"]


FLAGS = ("ethnic_minority", "border")
"""Columns of a table of flags."""

_TRUE, _FALSE = ("1", "true", "yes", "x", "có"), ("0", "", "false", "no", "không")


@dataclass(frozen=True)
class Priorities:
    """What counts for more.

    Parameters
    ----------
    by_flag : mapping of str to float
        How often people count in communes flagged ethnic_minority or border.
    by_class : tuple of float
        How often people count, by remoteness class 0 to 3.
    facility_people : mapping of str to float
        People that a facility of each kind counts like.
    flagged : mapping of str to set of str
        Codes of the communes of each flag.
    """

    by_flag: Mapping[str, float]
    by_class: tuple[float, ...]
    facility_people: Mapping[str, float]
    flagged: Mapping[str, frozenset[str]]

    @property
    def even(self) -> bool:
        """Whether everybody counts the same."""
        flat = all(v == 1.0 for v in (*self.by_flag.values(), *self.by_class))
        return flat and not any(self.facility_people.values())


def read_flags(path: Path, codes: npt.NDArray[np.str_]) -> dict[str, frozenset[str]]:
    """Return the communes of each flag from a CSV with commune_code, ethnic_minority and border.

    Raises
    ------
    InputError
        If it cannot be read, lacks commune_code, names unknown communes, or holds other values than yes and no.
    """
    try:
        rows = pd.read_csv(
            BytesIO(read_bytes(path, MOST_LIST_BYTES)), dtype=str, keep_default_na=False, encoding="utf-8-sig"
        )
    except (UnicodeError, ValueError) as error:
        raise InputError(Problem(str(path), f"cannot be read as CSV ({type(error).__name__})")) from None
    rows.columns = rows.columns.str.strip()
    if "commune_code" not in rows:
        raise InputError(Problem(path.name, "lacks the column commune_code"))
    known, problems = set(codes.tolist()), []
    for i, code in enumerate(rows["commune_code"].str.strip()):
        if code not in known:
            problems.append(
                Problem(path.name, "is no commune here", row=i + 1, column="commune_code", value=code)
            )
    out = {}
    for flag in FLAGS:
        column = rows[flag].str.strip().str.casefold() if flag in rows else pd.Series("", index=rows.index)
        for i, text in enumerate(column):
            if text not in (*_TRUE, *_FALSE):
                problems.append(Problem(path.name, "must be 1 or 0", row=i + 1, column=flag, value=text))
        out[flag] = frozenset(rows["commune_code"].str.strip()[column.isin(_TRUE)])
    if problems:
        raise InputError(problems)
    return out


def element_value(
    unserved: Ints,
    weights: Ints,
    *,
    priorities: Priorities,
    cell_commune: Ints,
    codes: npt.NDArray[np.str_],
    remote: Ints,
    cell_east_m: Floats,
    cell_north_m: Floats,
    facilities: pd.DataFrame,
) -> Floats:
    """Return what serving each element is worth: its people by priority, and its part of the facilities there.

    Parameters
    ----------
    unserved, weights : ndarray of int, shape (n_cells, n_operators)
        People not served, and people.
    priorities : Priorities
        What counts for more.
    cell_commune : ndarray of int, shape (n_cells,)
        Row of the commune of each cell.
    codes, remote : ndarray, shape (n_communes,)
        Code and remoteness class of each commune.
    cell_east_m, cell_north_m : ndarray, shape (n_cells,)
        Places of the cells. [m]
    facilities : DataFrame
        kind, east_m, north_m.

    Raises
    ------
    InputError
        If a flag names communes that are not there.
    """
    problems = []
    factor = np.asarray(priorities.by_class, np.float64)[np.clip(remote, 0, 3)].copy()
    for flag, times in priorities.by_flag.items():
        named = priorities.flagged.get(flag, frozenset())
        unknown = sorted(named - set(codes.tolist()))
        problems += [
            Problem("invest.weights", "is no commune here", column=f"{flag}_communes", value=c)
            for c in unknown
        ]
        factor[np.isin(codes, sorted(named))] *= times
    if problems:
        raise InputError(problems)
    value = unserved * factor[cell_commune][:, None]
    if len(facilities) and cell_east_m.size:
        worth = facilities["kind"].map(priorities.facility_people).fillna(0.0).to_numpy(np.float64)
        _, cell = nearest(
            np.c_[cell_east_m, cell_north_m], facilities[["east_m", "north_m"]].to_numpy(np.float64)
        )
        there = np.bincount(cell, worth, cell_east_m.size)
        people = np.maximum(weights.sum(axis=1), 1)
        # a facility is served as far as the people round it are
        value = value + unserved * (there / people)[:, None]
    return np.asarray(value.ravel(), np.float64)


def rank_by_value(model: PlanModel, value: Floats | None) -> Ranking:
    """Return the ranking by value per cost, with people as its figures.

    Parameters
    ----------
    model : PlanModel
        What could be bought, and people.
    value : ndarray, shape (n_elements,), optional
        What serving each element is worth; people when left out.
    """
    if value is None:
        return rank(model)
    ordered = rank(PlanModel(model.remedy_cost_musd, model.needs, model.covers, value))
    served = np.zeros(model.weights.size, bool)
    gained = np.empty(ordered.order.size)
    for place, b in enumerate(ordered.order.tolist()):
        cells = model.covers.indices[model.covers.indptr[b] : model.covers.indptr[b + 1]]
        fresh = cells[~served[cells]]
        gained[place] = model.weights[fresh].sum()
        served[fresh] = True
    alone = np.asarray(model.covers @ model.weights).ravel()
    return Ranking(ordered.order, gained, ordered.cost_musd, alone[ordered.order])
