"""Finds English in text that should be Vietnamese: words of the English catalogue that no Vietnamese string uses."""

import re
from collections.abc import Iterable
from functools import cache

from phusong.io.text import catalogue

_WORD = re.compile(r"[A-Za-zÀ-ỹĐđ']+")
_FUNCTION = frozenset(
    {"the", "of", "and", "with", "without", "is", "are", "at", "in", "on", "by", "for", "from", "per", "not"}
)
# file names, identifiers, keys of settings, versions: the same in every language
_CODE = re.compile(r"\S*[_/\\=]\S*|\S+\.(?:csv|toml|tif|gpkg|json|parquet|png|html|js)\b|[\w@-]*\d[\w@-]*|https?:\S+|--[\w-]+")  # fmt: skip
_FOREIGN = re.compile(
    r"phusong|MIT|CC BY(?:-SA)?|ODbL|Natural Earth|OpenCelliD|OpenStreetMap|GHS-WUP-DEGURBA|DEGURBA|ETOPO|EVN|"
    r"VietNamNet|VnEconomy|VietnamPlus|vietnamadminunits|MORAN|MOCN|RSRP|CSV|fractal|Gini|QGIS|GeoPackage|GeoParquet|"
    r"GeoTIFF|make valid|WebGL|English|Windows|backhaul parent id",
)  # fmt: skip


@cache
def english_words() -> frozenset[str]:
    """Return the words that only English strings use."""
    said = {
        lang: {w.lower() for text in catalogue().values() for w in _WORD.findall(re.sub(r"\{\w+\}", " ", text[lang]))}
        for lang in ("en", "vi")
    }  # fmt: skip
    return frozenset((said["en"] | _FUNCTION) - said["vi"])


def english_in(texts: Iterable[str], names: Iterable[str] = ()) -> list[str]:
    """Return the texts in which English words stand, each with the words; names of places and operators are left out."""
    known = sorted({n for n in names if len(n) > 2}, key=len, reverse=True)
    found = []
    for text in dict.fromkeys(texts):
        rest = text
        for name in known:
            rest = rest.replace(name, " ")
        rest = _FOREIGN.sub(" ", _CODE.sub(" ", rest))
        words = sorted({w for w in _WORD.findall(rest) if w.lower() in english_words() and len(w) > 1})
        if words:
            found.append(f"{text.strip()[:120]} -> {', '.join(words)}")
    return found
