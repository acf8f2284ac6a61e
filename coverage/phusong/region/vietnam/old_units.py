"""Units before July 2025, and tables joined to today.

The package vietnamadminunits knows which of today's 3,321 communes each of the 10,040 old ones went into. Most were
merged whole; some were divided between several. A code that lives on always belongs to the commune that its old
ground went into, or to one of those it was divided between, so a code of today is never changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.compute.array_types import Texts
from phusong.errors import Notice, Problem
from phusong.region.vietnam.names import kind_of, name_keys
from phusong.region.vietnam.units import unit_tables

__all__ = [
    "CONVERSION_COLUMNS",
    "Conversion",
    "Join",
    "are_old",
    "is_today",
    "join_communes",
    "successors",
    "today_codes",
    "today_codes_of_names",
]

CONVERSION_COLUMNS = ("old_code", "old_name", "became", "today", "chosen", "how")


@dataclass(frozen=True)
class Conversion:
    """Today's codes of some units, and what was not one to one.

    Parameters
    ----------
    codes : ndarray of str, shape (n,)
        Today's code of each unit; empty where there is none.
    doubts : DataFrame
        A row for each distinct unit that did not become exactly one commune of its own: columns of
        CONVERSION_COLUMNS. `became` is merged, split, ambiguous or unknown; `how` says why `chosen` was taken.
    """

    codes: Texts
    doubts: pd.DataFrame


@lru_cache(maxsize=1)
def successors() -> pd.DataFrame:
    """Return each old unit and today's communes that it went into.

    Columns: old_code, name, kind, district, province, codes (today's, separated by ;), default (the one that holds
    its greater part), shared (how many old units went into the default one), today (lon and lat of each part).
    """
    tables = unit_tables()
    new, old, converter = tables.today, tables.before, tables.converter
    code_of = dict(
        zip(new["provinceKey"] + "_" + new["wardKey"], new["wardCode"].astype(str).str.zfill(5), strict=True)
    )
    parts: dict[str, list[tuple[str, bool]]] = {}
    for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, units in wards.items():
            for unit in units:
                parts.setdefault(str(unit), []).append((code_of[f"{province}_{ward}"], True))
    for province, units in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for unit, into in units.items():
            parts.setdefault(str(unit), []).extend(
                (code_of[f"{province}_{p['newWardKey']}"], bool(p["isDefaultNewWard"])) for p in into
            )
    key = old["provinceKey"] + "_" + old["districtKey"] + "_" + old["wardKey"].fillna("")
    into = [sorted(set(parts.get(k, []))) for k in key]
    # islands that were districts without communes go by their district's code
    code = old["wardCode"].fillna("").astype(str).str.zfill(5).where(old["wardCode"].notna(), "")
    out = pd.DataFrame(
        {
            "old_code": code,
            "name": old["wardShort"].fillna(old["districtShort"]),
            "kind": old["wardType"].fillna(old["districtType"]),
            "district": old["districtShort"],
            "province": old["provinceShort"],
            "codes": [";".join(dict.fromkeys(c for c, _ in i)) for i in into],
            "default": [next((c for c, d in i if d), i[0][0] if i else "") for i in into],
        }
    )
    out["shared"] = out.groupby("default")["old_code"].transform("size")
    return out


@lru_cache(maxsize=1)
def _today() -> pd.DataFrame:
    """Return code, name and place of today's communes."""
    new = unit_tables().today[["wardCode", "wardShort", "wardLon", "wardLat", "provinceShort"]].copy()
    new["code"] = new["wardCode"].astype(str).str.zfill(5)
    return new.set_index("code")


def are_old(codes: Sequence[str] | Texts) -> bool:
    """Return whether codes are of before July 2025: some of them live on no more.

    Examples
    --------
    >>> are_old(["00001", "00004"]), are_old(["00097"])
    (True, False)
    """
    given = set(map(str, codes)) - {""}
    return bool((given & set(successors()["old_code"])) - set(_today().index))


def is_today(code: str) -> bool:
    """Return whether a code is one of today's communes'.

    Examples
    --------
    >>> is_today("00097"), is_today("00001")
    (True, False)
    """
    return code in _today().index


def today_codes(
    codes: Sequence[str] | Texts,
    *,
    lon: npt.ArrayLike | None = None,
    lat: npt.ArrayLike | None = None,
    old: bool | None = None,
) -> Conversion:
    """Return today's commune codes of old ones; today's codes stay.

    Parameters
    ----------
    codes : sequence of str, shape (n,)
        Five digits each.
    lon, lat : array_like of float, shape (n,), optional
        Place of each row, which decides between the parts of a divided unit: the part whose point is nearer. [°]
    old : bool, optional
        Whether the codes are of before July 2025; found out when left out.

    Examples
    --------
    >>> found = today_codes(["00001"])
    >>> found.codes.tolist(), found.doubts["became"].tolist()
    (['00097'], ['merged'])
    """
    given = np.asarray([str(c) for c in codes], dtype=str) if len(codes) else np.array([], "<U5")
    is_old = are_old(given) if old is None else old
    units = successors()
    by_code = units[units["old_code"] != ""].drop_duplicates("old_code").set_index("old_code")
    today = _today()
    x = None if lon is None or lat is None else np.asarray(lon, np.float64)
    y = None if lon is None or lat is None else np.asarray(lat, np.float64)
    chosen: list[str] = []
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    for i, code in enumerate(given.tolist()):
        if not is_old and code in today.index:
            chosen.append(code)
            continue
        if code not in by_code.index:
            chosen.append(code if code in today.index else "")
            if code not in today.index:
                rows[code, ""] = (
                    code,
                    "",
                    "unknown",
                    "",
                    "",
                    "no unit of before or after July 2025 has this code",
                )
            continue
        unit = by_code.loc[code]
        place = (float(x[i]), float(y[i])) if x is not None and y is not None else None
        taken, how = _part(unit, place, today)
        chosen.append(taken)
        row = _doubt(code, unit, taken, how)
        if row is not None:
            rows[code, taken] = row
    return Conversion(np.array(chosen, dtype="<U5"), _table(rows))


def today_codes_of_names(
    names: Sequence[str], *, provinces: Sequence[str] | None = None, districts: Sequence[str] | None = None
) -> Conversion:
    """Return today's commune codes of old units given by name.

    Parameters
    ----------
    names : sequence of str, shape (n,)
        With or without "xã", "phường", "thị trấn"; with or without diacritics.
    provinces, districts : sequence of str, shape (n,), optional
        Old province and district of each, in any spelling; without them most names are ambiguous.
    """
    units = successors()
    table: dict[str, list[int]] = {}
    for i, (name, kind) in enumerate(zip(units["name"], units["kind"], strict=True)):
        for key in {*name_keys(str(name), bare=True), *name_keys(f"{kind} {name}")}:
            table.setdefault(key, []).append(i)
    province_keys = [name_keys(p)[-1] for p in units["province"]]
    district_keys = [name_keys(d)[-1] for d in units["district"]]
    chosen: list[str] = []
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    today = _today()
    for k, name in enumerate(names):
        province = name_keys(provinces[k])[-1] if provinces is not None else ""
        district = name_keys(districts[k])[-1] if districts is not None else ""
        found: list[int] = []
        for key in (*name_keys(name), *name_keys(name, bare=True)):
            found = [
                i
                for i in table.get(key, [])
                if (not province or province_keys[i] == province)
                and (not district or district_keys[i] == district)
            ]
            if found:
                break
        label = ", ".join(t for t in (name, district, province) if t)
        if not found:
            chosen.append("")
            rows[label, ""] = ("", label, "unknown", "", "", "no old unit has this name there")
            continue
        into = sorted({str(units["default"].iloc[i]) for i in found})
        if len(into) > 1:
            chosen.append("")
            told = f"{len(found)} old units have this name; give province and district, or codes"
            rows[label, ""] = ("", label, "ambiguous", ";".join(into), "", told)
            continue
        unit = units.iloc[found[0]]
        taken, how = _part(unit, None, today)
        chosen.append(taken)
        row = _doubt(str(unit["old_code"]), unit, taken, how)
        if row is not None:
            rows[str(unit["old_code"]) or label, taken] = row
    return Conversion(np.array(chosen, dtype="<U5"), _table(rows))


def _part(unit: "pd.Series[str]", place: tuple[float, float] | None, today: pd.DataFrame) -> tuple[str, str]:
    parts = unit["codes"].split(";")
    if len(parts) == 1 or place is None or not np.isfinite(place).all():
        return str(unit["default"]), "the part that holds most of it" if len(parts) > 1 else ""
    at = today.loc[parts, ["wardLon", "wardLat"]].to_numpy(np.float64)
    # a degree of longitude is shorter than one of latitude
    off = np.hypot((at[:, 0] - place[0]) * np.cos(np.radians(place[1])), at[:, 1] - place[1])
    return parts[int(np.argmin(off))], "the part whose point is nearest to the row's place"


def _doubt(code: str, unit: "pd.Series[str]", taken: str, how: str) -> tuple[str, ...] | None:
    name = f"{unit['kind']} {unit['name']}, {unit['district']}, {unit['province']}"
    if ";" in unit["codes"]:
        return code, name, "split", str(unit["codes"]), taken, how
    if int(unit["shared"]) > 1:
        return code, name, "merged", taken, taken, f"with {int(unit['shared']) - 1} more"
    return None


def _table(rows: dict[tuple[str, str], tuple[str, ...]]) -> pd.DataFrame:
    return pd.DataFrame([rows[k] for k in sorted(rows)], columns=list(CONVERSION_COLUMNS), dtype="str")


_SHOWN = 20


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

    codes: Texts
    how: Texts
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
    out: Texts, how: Texts, label: list[str], provinces: Sequence[str] | None, districts: Sequence[str] | None,
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


def _told(how: Texts, given: npt.NDArray[np.object_], label: list[str], where: str) -> list[Notice]:
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
