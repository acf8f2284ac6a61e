"""Names of units as people write them, brought to forms in which the same name is the same."""

import re
import unicodedata

from phusong.region.vietnam.names import fold

__all__ = ["kind_of", "name_keys"]

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
    return " ".join(syllables), re.sub(r"[^0-9a-z]+", "", fold(kept))


def _plain_space(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", str(name)).casefold().split())


def _words(prefixes: dict[str, str], text: str) -> dict[str, str]:
    """Return the prefixes as this text would write them: a name with diacritics has them in its prefix too."""
    return {fold(p): k for p, k in prefixes.items()} if text.isascii() else prefixes


def _begins(text: str, prefix: str) -> bool:
    close = prefix.endswith((".", " "))
    return text.startswith(prefix if close else prefix + " ") and len(text) > len(prefix) + (not close)


def _tone_last(syllable: str) -> str:
    """Return a syllable with its tone behind it, so that where it is written no longer counts."""
    letters = unicodedata.normalize("NFD", syllable)
    plain = "".join(c for c in letters if c not in _TONES)
    return unicodedata.normalize("NFC", plain) + "".join(c for c in letters if c in _TONES)
