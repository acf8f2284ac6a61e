"""Shares of subscribers by province, where they are known, and the country's elsewhere."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import Problem

__all__ = ["share_problems", "shares_by_province"]

_TOLERANCE = 0.01  # shares are published to a percent


def shares_by_province(operators: pd.DataFrame, province_codes: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return each operator's share of the subscribers of each province, provinces by operators.

    Parameters
    ----------
    operators : DataFrame
        The layer; its ``province_shares`` is empty where nothing is known.
    province_codes : sequence of str
        Provinces asked for, in order; one that no operator states has the country's shares.

    Examples
    --------
    >>> table = pd.DataFrame({"share": [0.6, 0.4], "province_shares": ["08=0.9", "08=0.1"]})
    >>> shares_by_province(table, ["08", "14"]).tolist()
    [[0.9, 0.1], [0.6, 0.4]]
    """
    country = operators["share"].to_numpy(np.float64)
    stated = [_stated(text) for text in operators["province_shares"]]
    known = {code for one in stated for code in one}
    rows = [[one.get(code, 0.0) for one in stated] if code in known else country for code in province_codes]
    return np.asarray(rows, np.float64).reshape(len(province_codes), len(operators))


def share_problems(operators: pd.DataFrame) -> list[Problem]:
    """Return what is wrong with the shares: the country's and each stated province's must sum to 1.

    Parameters
    ----------
    operators : DataFrame
        The layer, right by its schema.
    """
    total = float(operators["share"].sum())
    problems = []
    if abs(total - 1.0) > _TOLERANCE:
        problems.append(Problem("operators", "must sum to 1", column="share", value=f"{total:.3f}"))
    if "province_shares" not in operators.columns:
        return problems
    for code in sorted({c for text in operators["province_shares"] for c in _stated(text)}):
        total = float(shares_by_province(operators, [code]).sum())
        if abs(total - 1.0) > _TOLERANCE:
            told = f"must sum to 1 over the operators in province {code}; state it for each of them"
            problems.append(Problem("operators", told, column="province_shares", value=f"{total:.3f}"))
    return problems


def _stated(text: str) -> dict[str, float]:
    parts = (part.partition("=") for part in text.split(";") if "=" in part)
    return {code.strip(): float(share) for code, _, share in parts}
