"""Rows of a users' table joined to today's communes: by code, else by name, else by old code or old name."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import Problem
from phusong.region.notices import Notice
from phusong.region.vietnam.commune_names import kind_of, name_keys
from phusong.region.vietnam.old_codes import (
    CONVERSION_COLUMNS,
    are_old,
    is_today,
    today_codes,
    today_codes_of_names,
)

__all__ = ["Join", "join_communes"]

_SHOWN = 20

Strings = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Join:
    """Today's commune of each row of a table.

    Parameters
    ----------
    codes : ndarray of str, shape (n,)
        Empty where a row joins to none.
    how : ndarray of str, shape (n,)
        code, name, old code, old name, elsewhere (a commune of today that is none of these), ambiguous, or nothing.
    conversions : DataFrame
        Old units that did not become one commune of their own (see ``old_codes``).
    problems : tuple of Problem
        Rows whose code and name contradict each other, or whose name fits several communes.
    notices : tuple of Notice
        How many rows joined otherwise than by code, and which joined to nothing.
    """

    codes: Strings
    how: Strings
    conversions: pd.DataFrame
    problems: tuple[Problem, ...]
    notices: tuple[Notice, ...]


def join_communes(
    communes: pd.DataFrame,
    where: str,
    *,
    codes: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    provinces: Sequence[str] | None = None,
    districts: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    places: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> Join:
    """Return today's commune of each row.

    Parameters
    ----------
    communes : DataFrame
        commune_code, name, kind, province: those that rows may join to.
    where : str
        The file's name.
    codes, names, provinces, districts, kinds : sequence of str, shape (n,), optional
        What the table says of each row; empty where it says nothing.
    places : tuple of array_like, optional
        Longitude and latitude of each row, which decide between the parts of a divided old unit. [°]
    """
    n = len(codes if codes is not None else names if names is not None else ())
    given = (
        np.array([str(c).strip() for c in codes], dtype=object)
        if codes is not None
        else np.full(n, "", object)
    )
    given = np.array([c.zfill(5) if c.isdigit() and len(c) < 5 else c for c in given], dtype=object)
    label = [str(x).strip() for x in names] if names is not None else [""] * n
    known = dict(zip(communes["commune_code"].astype(str), communes["name"].astype(str), strict=True))
    out, how = np.full(n, "", dtype="<U5"), np.full(n, "", dtype="<U9")
    problems: list[Problem] = []
    conversions = pd.DataFrame(columns=list(CONVERSION_COLUMNS), dtype="str")
    old = are_old([c for c in given if c and c not in known])
    if old:
        found = today_codes(
            given.tolist(),
            lon=None if places is None else places[0],
            lat=None if places is None else places[1],
            old=True,
        )
        # numbers of another list may look like codes: an old code counts where the commune is one of these
        mine = np.array([c in known for c in found.codes], bool)
        out[mine], how[mine] = found.codes[mine], "old code"
        conversions = found.doubts[found.doubts["chosen"].isin(known)]
    else:
        by_code = np.array([c in known for c in given], bool)
        out[by_code], how[by_code] = given[by_code].astype("<U5"), "code"
        problems += _contradictions(given, label, known, by_code, where)
    by_name = _index(communes)
    elsewhere = np.array([c not in known and is_today(c) for c in given], bool)
    how[elsewhere & (out == "")] = "elsewhere"
    for i in np.flatnonzero((how == "") & np.array([bool(x) for x in label], bool)).tolist():
        province = name_keys(str(provinces[i]))[-1] if provinces is not None else ""
        kind = (str(kinds[i]) if kinds is not None else "") or kind_of(label[i])
        fits = _fits(label[i], kind, province, by_name)
        if len(fits) == 1:
            out[i], how[i] = fits[0], "name"
        elif fits:
            how[i] = "ambiguous"
            told = f"fits several communes ({', '.join(f'{known[c]} {c}' for c in fits[:5])}); give its code or its province"
            problems.append(Problem(where, told, row=int(i) + 1, column="name", value=label[i]))
    conversions = _by_old_names(out, how, label, provinces, districts, known, conversions)
    return Join(
        out, how, conversions.reset_index(drop=True), tuple(problems), tuple(_told(how, given, label, where))
    )


def _index(communes: pd.DataFrame) -> tuple[dict[str, list[tuple[str, str, str]]], ...]:
    """Return (code, kind, province) of communes by each of the two forms of their names."""
    tables: tuple[dict[str, list[tuple[str, str, str]]], ...] = ({}, {})
    for row in communes[["commune_code", "name", "kind", "province"]].itertuples(index=False):
        for table, key in zip(tables, name_keys(str(row.name), bare=True), strict=True):
            entry = (str(row.commune_code), str(row.kind), name_keys(str(row.province))[-1])
            table.setdefault(key, []).append(entry)
    return tables


def _fits(
    label: str, kind: str, province: str, by_name: tuple[dict[str, list[tuple[str, str, str]]], ...]
) -> list[str]:
    """Return the communes that a name can mean, by the strictest form that finds any."""
    for keys in (name_keys(label), name_keys(label, bare=True)):
        for table, key in zip(by_name, keys, strict=True):
            found = [e for e in table.get(key, []) if not province or e[2] == province]
            same = [e for e in found if e[1] == kind]
            found = same or found
            if found:
                return sorted({e[0] for e in found})
    return []


def _contradictions(
    given: npt.NDArray[np.object_],
    label: list[str],
    known: dict[str, str],
    by_code: npt.NDArray[np.bool_],
    where: str,
) -> list[Problem]:
    """Return rows whose code belongs to a commune of another name: one of the two is wrong."""
    problems = []
    for i in np.flatnonzero(by_code):
        official = known[given[i]]
        same = {name_keys(label[i])[-1], name_keys(label[i], bare=True)[-1]}
        if label[i] and name_keys(official, bare=True)[-1] not in same:
            told = f"is the code of {official}, but the row is named {label[i]!r}; correct one of them"
            problems.append(Problem(where, told, row=int(i) + 1, column="commune_code", value=given[i]))
    return problems


def _by_old_names(
    out: Strings, how: Strings, label: list[str], provinces: Sequence[str] | None, districts: Sequence[str] | None,
    known: dict[str, str], conversions: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Fill in rows that carry the name of an old unit; only with a district, since most old names occur often."""
    left = np.flatnonzero((out == "") & (how == "") & np.array([bool(x) for x in label], bool))
    if districts is None or not left.size:
        return conversions
    found = today_codes_of_names(
        [label[i] for i in left.tolist()],
        provinces=None if provinces is None else [str(provinces[i]) for i in left.tolist()],
        districts=[str(districts[i]) for i in left.tolist()],
    )
    for i, code in zip(left, found.codes.tolist(), strict=True):
        if code in known:
            out[i], how[i] = code, "old name"
    return pd.concat([conversions, found.doubts[found.doubts["chosen"].isin(known)]], ignore_index=True)


def _told(how: Strings, given: npt.NDArray[np.object_], label: list[str], where: str) -> list[Notice]:
    notices = []
    for word, told in (
        ("name", "joined by name, not by code"),
        ("old code", "carried a code of before July 2025 and went to today's commune"),
        ("old name", "carried a name of before July 2025 and went to today's commune"),
    ):
        many = int((how == word).sum())
        if many:
            notices.append(Notice(where, told, "commune_code", many))
    elsewhere = int((how == "elsewhere").sum())
    if elsewhere:
        notices.append(
            Notice(where, "are communes outside the region and were left out", "commune_code", elsewhere)
        )
    lost = np.flatnonzero(how == "")
    if lost.size:
        shown = ", ".join(" ".join(t for t in (str(given[i]), label[i]) if t) for i in lost[:_SHOWN])
        more = f" and {lost.size - _SHOWN} more" if lost.size > _SHOWN else ""
        told = f"joined to no commune of the region ({shown}{more})"
        notices.append(Notice(where, told, "commune_code", int(lost.size)))
    return notices
