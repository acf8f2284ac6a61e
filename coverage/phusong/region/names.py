"""Names as people write them, brought to one form so that they can be compared."""

import re
import unicodedata

__all__ = ["alphabetical", "fold"]

_OTHER = re.compile(r"[^0-9a-z]+")
_LETTER_MARKS = {"\u0306": 1, "\u0302": 2, "\u031b": 3}  # ă, â ê ô, ơ ư: letters of their own


def fold(name: object) -> str:
    """Return a name in plain lower case: no diacritics, words joined by one underscore.

    Examples
    --------
    >>> fold(" Mã trạm (Đông) ")
    'ma_tram_dong'
    """
    plain = unicodedata.normalize("NFKD", str(name).casefold().replace("đ", "d"))
    return _OTHER.sub("_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")


def alphabetical(name: str) -> tuple[list[tuple[str, int]], str]:
    """Return the key that sorts names by the Vietnamese alphabet (a ă â … d đ e ê …), tones last.

    Examples
    --------
    >>> sorted(["Vĩnh Long", "Đà Nẵng", "Điện Biên", "Cà Mau", "Đắk Lắk", "Gia Lai"], key=alphabetical)
    ['Cà Mau', 'Đà Nẵng', 'Đắk Lắk', 'Điện Biên', 'Gia Lai', 'Vĩnh Long']
    """
    letters: list[tuple[str, int]] = []
    for c in unicodedata.normalize("NFD", name.casefold()):
        if c == "đ":
            letters.append(("d", 1))
        elif not unicodedata.combining(c):
            letters.append((c, 0))
        elif letters and c in _LETTER_MARKS:
            letters[-1] = letters[-1][0], _LETTER_MARKS[c]
    return letters, name
