"""Names as people write them, brought to one form so that they can be compared."""

import re
import unicodedata

__all__ = ["fold"]

_OTHER = re.compile(r"[^0-9a-z]+")


def fold(name: object) -> str:
    """Return a name in plain lower case: no diacritics, words joined by one underscore.

    Examples
    --------
    >>> fold(" Mã trạm (Đông) ")
    'ma_tram_dong'
    """
    plain = unicodedata.normalize("NFKD", str(name).casefold().replace("đ", "d"))
    return _OTHER.sub("_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")
