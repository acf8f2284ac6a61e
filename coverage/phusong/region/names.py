"""Names as people write them, brought to one form so that they can be compared."""

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["alphabetical", "fold", "places_named"]

_OTHER = re.compile(r"[^0-9a-z]+")
_KINDS_OF_PLACE = ("xa", "phuong", "thi_tran", "dac_khu", "huyen", "thi_xa", "quan", "tinh", "thanh_pho", "tp", "commune", "province")  # fmt: skip
_SHORTEST_PART = 2  # letters
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


def places_named(wanted: object, names: Sequence[object]) -> tuple[list[int], bool]:
    """Return which of some places a text names, and whether it names them in full.

    Diacritics, case, spaces and hyphens do not matter, nor a word such as xã, phường or tỉnh before the name. Where no
    place has the name in full, those whose name begins with it at one of its words are meant.

    Parameters
    ----------
    wanted : object
        What somebody wrote.
    names : sequence of object
        Names of the places.

    Examples
    --------
    >>> places_named("lung cu", ["Lũng Cú", "Lũng Phìn", "Đồng Văn"])
    ([0], True)
    >>> places_named("xã LŨNG", ["Lũng Cú", "Lũng Phìn", "Đồng Văn"])
    ([0, 1], False)
    """
    asked = fold(wanted)
    forms = {asked.replace("_", "")}
    for word in _KINDS_OF_PLACE:
        if asked.startswith(f"{word}_"):
            forms.add(asked.removeprefix(f"{word}_").replace("_", ""))
    forms.discard("")
    folded = [fold(name) for name in names]
    full = [k for k, name in enumerate(folded) if name.replace("_", "") in forms]
    if full:
        return full, True
    starts = [
        {"".join(words[k:]) for k in range(len(words))} for words in (name.split("_") for name in folded)
    ]
    # one letter begins half of all names
    tried = tuple(form for form in forms if len(form) >= _SHORTEST_PART)
    return [k for k, ends in enumerate(starts) if any(end.startswith(tried) for end in ends)], False


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
