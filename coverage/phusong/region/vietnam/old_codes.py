"""Communes before July 2025, brought to today's: by code, by name or by place, with every doubtful step listed.

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

from phusong.region.vietnam.commune_names import name_keys
from phusong.region.vietnam.unit_tables import unit_tables

__all__ = [
    "CONVERSION_COLUMNS",
    "Conversion",
    "are_old",
    "is_today",
    "successors",
    "today_codes",
    "today_codes_of_names",
]

CONVERSION_COLUMNS = ("old_code", "old_name", "became", "today", "chosen", "how")

Strings = npt.NDArray[np.str_]


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

    codes: Strings
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


def are_old(codes: Sequence[str] | Strings) -> bool:
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
    codes: Sequence[str] | Strings,
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
