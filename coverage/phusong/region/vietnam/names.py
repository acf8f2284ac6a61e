"""Province names as people type them: with or without diacritics, old or new, with or without "Tỉnh"."""

import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches

from phusong.errors import InputError, Problem
from phusong.region.facts import table
from phusong.region.names import places_named

__all__ = ["find_provinces", "fold", "province_names"]

_PREFIXES = ("tinh ", "thanh pho ", "tp. ", "tp ")


def fold(text: str) -> str:
    """Return the text in lower case without Vietnamese diacritics and outer blanks.

    Examples
    --------
    >>> fold("Đắk Lắk")
    'dak lak'
    """
    plain = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(kept.replace("-", " ").replace("_", " ").split())


def province_names() -> dict[str, str]:
    """Return the names of today's 34 provinces by code."""
    provinces = table("provinces")
    return dict(zip(provinces["province_code"], provinces["name"], strict=True))


def find_provinces(names: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of the provinces named, in the order of the official list.

    Parameters
    ----------
    names : sequence of str
        Today's names, names before July 2025, codes, or ``all``.

    Raises
    ------
    InputError
        Naming every unknown province and the nearest known one.
    """
    known = _known()
    official = province_names()
    found: set[str] = set()
    problems = []
    for name in names:
        key = fold(name)
        if key == "all":
            found |= set(official)
            continue
        for prefix in _PREFIXES:
            key = key.removeprefix(prefix)
        if key in known:
            found |= known[key]
            continue
        # without spaces, or the beginning of one name only
        rows, in_full = places_named(key, list(known))
        codes_of = {frozenset(known[list(known)[k]]) for k in rows}
        if in_full or len(codes_of) == 1:
            found |= set().union(*codes_of)
            continue
        if codes_of:
            several = sorted(official[c] for c in set().union(*codes_of))
            problems.append(
                Problem("province", f"may be {' or '.join(several)}; write more of it", value=name)
            )
            continue
        close = get_close_matches(key, known, n=1, cutoff=0.6)
        if close:
            codes = sorted(known[close[0]])
            hint = f"is no province of Viet Nam (did you mean {' or '.join(official[c] for c in codes)}?)"
        else:
            hint = f"is no province of Viet Nam; known: all, {', '.join(official.values())}"
        problems.append(Problem("province", hint, value=name))
    if not names:
        problems.append(Problem("province", 'must name at least one province, or "all"'))
    if problems:
        raise InputError(problems)
    return tuple(code for code in official if code in found)


def _known() -> dict[str, set[str]]:
    known: dict[str, set[str]] = {}
    provinces = table("provinces")
    for row in provinces.itertuples():
        for name in (row.province_code, row.name, *str(row.merged_from).split(";")):
            key = fold(str(name))
            for prefix in _PREFIXES:
                key = key.removeprefix(prefix)
            if key:
                known.setdefault(key, set()).add(str(row.province_code))
    # a name that is still a province's today means that province, not those which its old namesake joined
    for row in provinces.itertuples():
        known[fold(str(row.name))] = {str(row.province_code)}
    return known
