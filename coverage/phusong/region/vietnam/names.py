"""Names of units, folded."""

import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches

from phusong.errors import InputError, Problem
from phusong.io.resources import table
from phusong.region.read.encoding import places_named

__all__ = ["find_provinces", "fold_unit_name", "kind_of", "name_keys", "province_names"]

_PREFIXES = ("tinh ", "thanh pho ", "tp. ", "tp ")


def fold_unit_name(text: str) -> str:
    """Return the text in lower case without Vietnamese diacritics and outer blanks.

    Examples
    --------
    >>> fold_unit_name("Đắk Lắk")
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
        key = fold_unit_name(name)
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
            key = fold_unit_name(str(name))
            for prefix in _PREFIXES:
                key = key.removeprefix(prefix)
            if key:
                known.setdefault(key, set()).add(str(row.province_code))
    # a name that is still a province's today means that province, not those which its old namesake joined
    for row in provinces.itertuples():
        known[fold_unit_name(str(row.name))] = {str(row.province_code)}
    return known


_KINDS = {"xã": "commune", "phường": "ward", "đặc khu": "special_zone", "thị trấn": "township"}
_SHORT = {"x.": "commune", "p.": "ward", "tt.": "township"}
_UPPER = ("tỉnh", "thành phố", "huyện", "quận", "thị xã")
_UPPER_SHORT = ("tp.", "tp ", "tx.", "q.", "h.")
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_APART = re.compile(r"[\s\-_.,'’/]+")


def kind_of(name: str) -> str:
    """Return which kind of commune a name says that it is, or nothing.

    Examples
    --------
    >>> [kind_of(n) for n in ("Xã Tân Hòa", "P. Minh Xuân", "dac khu Ly Son", "Phương Thiện")]
    ['commune', 'ward', 'special_zone', '']
    """
    text = _plain_space(name)
    for word, kind in {**_words(_KINDS, text), **_SHORT}.items():
        if _begins(text, word):
            return kind
    return ""


def name_keys(name: str, *, bare: bool = False) -> tuple[str, str]:
    """Return two forms of a name, the stricter first; two names are the same when forms of one rank agree.

    The first keeps tones but not where they are written (hòa, hoà); the second keeps letters, not tones nor
    diacritics. The kind of unit before the name is left out of both, unless the name is known to be bare: there is a
    commune called Xa Dung.

    Examples
    --------
    >>> name_keys("Xã Hòa Bình") == name_keys("Hoà  Bình")
    True
    >>> name_keys("Tân Hoa")[0] == name_keys("Tân Hòa")[0], name_keys("Tân Hoa")[1] == name_keys("Tân Hòa")[1]
    (False, True)
    """
    text = _plain_space(name)
    prefixes = (*_words(_KINDS, text), *_SHORT, *_words(dict.fromkeys(_UPPER, ""), text), *_UPPER_SHORT)
    kept = text if bare else next((text[len(p) :].strip() for p in prefixes if _begins(text, p)), text)
    syllables = [_tone_last(s) for s in _APART.sub(" ", kept).split()]
    return " ".join(syllables), re.sub(r"[^0-9a-z]+", "", fold_unit_name(kept))


def _plain_space(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", str(name)).casefold().split())


def _words(prefixes: dict[str, str], text: str) -> dict[str, str]:
    """Return the prefixes as this text would write them: a name with diacritics has them in its prefix too."""
    return {fold_unit_name(p): k for p, k in prefixes.items()} if text.isascii() else prefixes


def _begins(text: str, prefix: str) -> bool:
    close = prefix.endswith((".", " "))
    return text.startswith(prefix if close else prefix + " ") and len(text) > len(prefix) + (not close)


def _tone_last(syllable: str) -> str:
    """Return a syllable with its tone behind it, so that where it is written no longer counts."""
    letters = unicodedata.normalize("NFD", syllable)
    plain = "".join(c for c in letters if c not in _TONES)
    return unicodedata.normalize("NFC", plain) + "".join(c for c in letters if c in _TONES)
