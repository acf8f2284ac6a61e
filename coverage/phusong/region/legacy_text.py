"""Text from before Unicode: TCVN3 (ABC), VNI and Windows-1258, told apart by how much of it is Vietnamese.

Both TCVN3 and VNI write Vietnamese with the letters that Windows-1252 has at other places, so such text often also
comes as UTF-8 that reads "TuyÓn Quang". A conversion is judged by the share of the accented words that are
Vietnamese syllables afterwards.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from phusong.region.syllables import is_syllable

__all__ = ["ENCODINGS", "Decoded", "UnsureTextError", "decode"]

_TCVN3 = dict(
    zip(
        "µ¸¶·¹¨»¾¼½Æ©ÇÊÈÉË®ÌÐÎÏÑªÒÕÓÔÖ×ÝØÜÞßãáâä«åèæçé¬êíëìîïóñòô\u00adõøö÷ùúýûüþ¡¢§£¤¥¦",
        "àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵĂÂĐÊÔƠƯ",
        strict=True,
    )
)
_MARKED = {
    "a": ("à", "á", "ả", "ã", "ạ"), "e": ("è", "é", "ẻ", "ẽ", "ẹ"), "o": ("ò", "ó", "ỏ", "õ", "ọ"),
    "u": ("ù", "ú", "ủ", "ũ", "ụ"), "ô": ("ờ", "ớ", "ở", "ỡ", "ợ"), "ö": ("ừ", "ứ", "ử", "ữ", "ự"),
    "y": ("ỳ", "ý", "ỷ", "ỹ"),
}  # fmt: skip
_HATTED = {
    "a": ("â", "ầ", "ấ", "ẩ", "ẫ", "ậ"), "e": ("ê", "ề", "ế", "ể", "ễ", "ệ"), "o": ("ô", "ồ", "ố", "ổ", "ỗ", "ộ"),
}  # fmt: skip
_VNI_LOWER = (
    {
        base + mark: letter
        for base, letters in _MARKED.items()
        for mark, letter in zip("øùûõï", letters, strict=False)
    }
    | {
        base + mark: letter
        for base, letters in _HATTED.items()
        for mark, letter in zip("âàáåãä", letters, strict=True)
    }
    | dict(zip(("aê", "aè", "aé", "aú", "aü", "aë"), "ăằắẳẵặ", strict=True))
    | {"ñ": "đ", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "ô": "ơ", "ö": "ư", "î": "ỵ"}
)
# a capital may carry a capital or a small mark
_VNI = (
    _VNI_LOWER
    | {k.upper(): v.upper() for k, v in _VNI_LOWER.items()}
    | {k[0].upper() + k[1:]: v.upper() for k, v in _VNI_LOWER.items() if len(k) == 2}
)
_VNI_PATTERN = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)))
_WORD = re.compile(r"[A-Za-z\u0080-\uffff]+")
_SYMBOLS = frozenset("°º²³±·–—…“”‘’«»€₫\ufeff")
_BEYOND_1252 = re.compile(
    r"[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]"
)
_SAMPLE = 400_000  # characters looked at; a legacy file is legacy from its header on
_SURE, _AHEAD = 0.7, 0.2  # share of Vietnamese words, and how much more than in any other reading
_MOST_WORDS = 20_000  # judged
_FEW_WORDS = 3  # fewer in UTF-8 may look like legacy text by chance
ENCODINGS = ("utf-8", "utf-16", "cp1258", "cp1252", "tcvn3", "vni")
"""Encodings that may be named."""


class UnsureTextError(ValueError):
    """Text whose encoding cannot be told; says why."""


@dataclass(frozen=True)
class Decoded:
    """Text in Unicode NFC, and what was converted (empty: nothing)."""

    text: str
    note: str = ""


def decode(data: bytes, encoding: str | None = None) -> Decoded:
    """Return bytes as Unicode text.

    Parameters
    ----------
    data : bytes
        A whole text file.
    encoding : str, optional
        One of ``ENCODINGS``; found out when left out.

    Raises
    ------
    UnsureTextError
        If the bytes are not in the named encoding, or it cannot be told which they are in.

    Examples
    --------
    >>> decode("Tuyên Quang".encode("utf-16")).text
    'Tuyên Quang'
    >>> decode("TuyÓn Quang, ®­êng Hïng V\u00adåNG".encode("cp1252"), "tcvn3").text[:12]
    'Tuyển Quang,'
    """
    if encoding is not None:
        return Decoded(_nfc(_named(data, encoding)))
    for mark, codec in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            text = _strict(data, codec)
            return _untangled(text) if codec == "utf-8-sig" else Decoded(_nfc(text), "UTF-16 was read")
    zeros = data[:4000].count(0)
    if zeros > len(data[:4000]) // 4:
        odd = data[1:4000:2].count(0)
        return Decoded(
            _nfc(_strict(data, "utf-16-le" if odd > zeros // 2 else "utf-16-be")), "UTF-16 was read"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        if (
            error.reason == "unexpected end of data"
            and _vietnamese(_accented(data[: error.start].decode())) > _SURE
        ):
            raise UnsureTextError("is cut off in the middle of a letter") from None
        return _legacy(data)
    return _untangled(text)


def _named(data: bytes, encoding: str) -> str:
    name = encoding.lower().replace("_", "-")
    if name == "tcvn3":
        return _from_tcvn3(_western(data))
    if name == "vni":
        return _from_vni(_western(data))
    return _strict(data, "utf-8-sig" if name == "utf-8" else name)


def _strict(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise UnsureTextError(f"is not in {codec} ({str(error)[:80]}); save it as UTF-8") from None


def _untangled(text: str) -> Decoded:
    """Return UTF-8 text as it is, or converted when it is legacy text that was taken for Windows-1252."""
    if text.isascii() or _BEYOND_1252.search(text) or not _is_western(text):
        return Decoded(_nfc(text))
    words = _accented(text)
    if len(words) < _FEW_WORDS:
        return Decoded(_nfc(text))
    plain = _vietnamese(words)
    name, share, _ = _best(
        words, {"TCVN3 (ABC)": _from_tcvn3, "VNI": _from_vni, "UTF-8 encoded twice": _once_more}
    )
    if share >= _SURE and share >= plain + _AHEAD:
        return Decoded(_nfc(_READINGS[name](text)), f"{name} text was converted to Unicode")
    doubt = f"its text may be {name}, but was left as it is; if names look garbled, name the encoding in columns.toml"
    return Decoded(_nfc(text), doubt if share >= 0.5 > plain else "")


def _legacy(data: bytes) -> Decoded:
    western = _western(data)
    words = _accented(western)
    if not words:
        return Decoded(_nfc(western), "Windows-1252 was read")
    single = {n: f for n, f in _READINGS.items() if n != "UTF-8 encoded twice"}
    name, share, rival = _best(words, single)
    if share < _SURE or share < rival + _AHEAD:
        raise UnsureTextError(
            "is not UTF-8, and it cannot be told which other encoding it is in; save it as UTF-8, or name its encoding "
            f"in columns.toml ({', '.join(ENCODINGS)})"
        )
    return Decoded(_nfc(_READINGS[name](western)), f"{name} text was converted to Unicode")


def _best(words: list[str], readings: dict[str, Callable[[str], str]]) -> tuple[str, float, float]:
    """Return the reading with the most Vietnamese words, its share, and the best share of one that reads differently."""
    told = [w for w in words if len(w) > 1]  # one letter says nothing
    read = {name: [_nfc(change(w)) for w in told] for name, change in readings.items()}
    shares = {name: _vietnamese(found) for name, found in read.items()}
    best = max(shares, key=lambda n: shares[n])
    return best, shares[best], max((s for n, s in shares.items() if read[n] != read[best]), default=0.0)


def _is_western(text: str) -> bool:
    """Return whether Windows-1252 has every letter, as legacy text taken for it must."""
    return max(text.translate(_1252_TO_LATIN)) <= "\xff"


def _accented(text: str) -> list[str]:
    """Return the different words that are not plain ASCII, signs of degrees and the like apart."""
    words = {w for w in _WORD.findall(text[:_SAMPLE]) if not w.isascii()}
    return sorted(w for w in words if not set(w) <= _SYMBOLS)[:_MOST_WORDS]


def _vietnamese(words: list[str]) -> float:
    """Return the share of words that are Vietnamese syllables."""
    return sum(map(is_syllable, words)) / len(words) if words else 0.0


def _western(data: bytes) -> str:
    # the five bytes that Windows-1252 leaves open stand for themselves
    return data.decode("latin-1").translate(_LATIN_TO_1252)


def _once_more(text: str) -> str:
    try:
        return text.translate(_1252_TO_LATIN).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _from_tcvn3(text: str) -> str:
    return text.translate(_TCVN3_TABLE)


def _from_vni(text: str) -> str:
    return _VNI_PATTERN.sub(lambda m: _VNI[m[0]], text)


def _from_1258(text: str) -> str:
    return _nfc(text.translate(_1252_TO_1258))


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


_CP1252 = [bytes([b]).decode("cp1252", errors="ignore") or chr(b) for b in range(256)]
_LATIN_TO_1252 = {b: c for b, c in enumerate(_CP1252) if ord(c) != b}
_1252_TO_LATIN = {ord(c): b for b, c in _LATIN_TO_1252.items()}
_1252_TO_1258 = {ord(c): bytes([b]).decode("cp1258", errors="ignore") or c for b, c in enumerate(_CP1252)}
_TCVN3_TABLE = str.maketrans(_TCVN3)
_READINGS: dict[str, Callable[[str], str]] = {
    "Windows-1252": str,
    "Windows-1258": _from_1258,
    "TCVN3 (ABC)": _from_tcvn3,
    "VNI": _from_vni,
    "UTF-8 encoded twice": _once_more,
}
