"""Who gains where: the people of each option and of each line of a plan, by the commune in which they live."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.plan_lines import Lines
from phusong.invest.plan_model import PlanModel

__all__ = ["by_commune_table", "largest_first", "option_gains", "plan_gains", "plan_line_gains"]

Ints = npt.NDArray[np.int64]
Strings = npt.NDArray[np.str_]


def option_gains(
    model: PlanModel, order: Ints, bundle_ids: Strings, commune_of_element: Ints, codes: Strings
) -> pd.DataFrame:
    """Return the people each ranked option serves beyond those above it, by commune.

    Parameters
    ----------
    model : PlanModel
        Bundles and whom they serve.
    order : ndarray of int, shape (k,)
        Bundles as ranked, best first.
    bundle_ids : ndarray of str, shape (n_bundles,)
        Their ids.
    commune_of_element : ndarray of int, shape (n_elements,)
        Row of the commune of each element.
    codes : ndarray of str
        Codes of the communes.

    Returns
    -------
    DataFrame
        bundle_id, commune_code, people_gained; options in their order, communes by people. Each person stands in one
        row, so the rows of an option sum to what it gains, and those of a commune to no more than who is unserved.
    """
    first = np.full(model.weights.size, -1, np.int64)
    covers = model.covers
    for place in range(order.size - 1, -1, -1):
        # the last to be written is the first in the ranking
        b = order[place]
        first[covers.indices[covers.indptr[b] : covers.indptr[b + 1]]] = place
    return by_commune_table(
        first, model.weights, commune_of_element, codes, {"bundle_id": np.asarray(bundle_ids, str)[order]}
    )


def plan_line_gains(
    lines: Lines,
    model: PlanModel,
    remedy_ids: Strings,
    commune_of_element: Ints,
    codes: Strings,
    first_year: int,
) -> pd.DataFrame:
    """Return the people counted in each line of a plan, by commune and by the year from which they are served.

    Returns
    -------
    DataFrame
        remedy_id, commune_code, year, people_gained; lines in the order of the plan.
    """
    counted = np.flatnonzero((lines.element_line >= 0) & (model.weights > 0))
    group = pd.DataFrame(
        {
            "line": lines.element_line[counted],
            "commune": commune_of_element[counted],
            "year": lines.when.element_year[counted] + first_year,
            "people_gained": model.weights[counted],
        }
    )
    out = group.groupby(["line", "year", "commune"], sort=True)["people_gained"].sum().reset_index()
    return pd.DataFrame(
        {
            "remedy_id": np.asarray(remedy_ids, str)[lines.remedy[out["line"].to_numpy(np.int64)]],
            "commune_code": np.asarray(codes, str)[out["commune"].to_numpy(np.int64)],
            "year": out["year"].to_numpy(np.int64),
            "people_gained": np.rint(out["people_gained"]).astype(np.int64),
        }
    )


def plan_gains(line_gains: pd.DataFrame) -> pd.DataFrame:
    """Return the people a plan serves by commune and year: commune_code, year, people_gained."""
    found = line_gains.groupby(["commune_code", "year"], sort=True)["people_gained"].sum().reset_index()
    return pd.DataFrame(found[["commune_code", "year", "people_gained"]])


def by_commune_table(
    group: Ints, weights: npt.NDArray[np.float64], commune: Ints, codes: Strings, names: dict[str, Strings]
) -> pd.DataFrame:
    """Return people by group and commune: the groups in order, most people first.

    Parameters
    ----------
    group : ndarray of int, shape (n_elements,)
        Group of each element; -1 for none.
    weights, commune : ndarray, shape (n_elements,)
        People, and row of their commune.
    codes : ndarray of str
        Codes of the communes.
    names : dict of str to ndarray
        Heading and names of the groups.
    """
    counted = np.flatnonzero((group >= 0) & (weights > 0))
    key = group[counted] * max(codes.size, 1) + commune[counted]
    pair, number = np.unique(key, return_inverse=True)
    people = np.rint(np.bincount(number.ravel(), weights[counted], pair.size)).astype(np.int64)
    of, at = np.divmod(pair, max(codes.size, 1))
    rows = np.lexsort((at, -people, of))
    return pd.DataFrame(
        {
            **{heading: values[of[rows]] for heading, values in names.items()},
            "commune_code": np.asarray(codes, str)[at[rows]],
            "people_gained": people[rows],
        }
    )


def largest_first(gains: pd.DataFrame, key: str) -> dict[str, str]:
    """Return for each option or line the communes that gain, most people first, as one cell."""
    if gains.empty:
        return {}
    sums = gains.groupby([key, "commune_code"], sort=True)["people_gained"].sum().reset_index()
    sums = sums.sort_values("people_gained", ascending=False, kind="stable")
    return {str(name): ";".join(rows) for name, rows in sums.groupby(key, sort=True)["commune_code"]}
