"""Legacy encodings (TCVN3, VNI, Windows-1258), names folded.

Both TCVN3 and VNI write Vietnamese with the letters that Windows-1252 has at other places, so such text often also
comes as UTF-8 that reads "TuyÓn Quang". A conversion is judged by the share of the accented words that are
Vietnamese syllables afterwards.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = [
    "ENCODINGS",
    "Decoded",
    "UnsureTextError",
    "alphabetical",
    "decode",
    "fold",
    "is_syllable",
    "places_named",
]

_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_SHARP_TONES = {"\u0301", "\u0323"}  # all that a syllable ending in c, ch, p or t can have
_ONSETS = (
    "", "b", "c", "ch", "d", "đ", "g", "gh", "gi", "h", "k", "kh", "l", "m", "n", "ng", "ngh", "nh", "p", "ph", "qu",
    "r", "s", "t", "th", "tr", "v", "x",
)  # fmt: skip
_RIMES = frozenset(
    """
    a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây e ec em en eng eo ep et
    ê êch êm ên ênh êp êt êu i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu o oa oac oach oai oam oan oang
    oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong ooc oong op ot ô ôc ôi ôm ôn ông ôp ôt
    ơ ơi ơm ơn ơp ơt u ua uc ui um un ung up ut uân uâng uât uây uê uêch uênh uôc uôi uôm uôn uông uôt uơ uy uya uych
    uyn uynh uyt uyu uyên uyêt ư ưa ưc ưi ưm ưn ưng ưt ưu ươc ươi ươm ươn ương ươp ươt ươu y yên yêm yêt yêu yêng ynh yt ych yn
    """.split()  # noqa: SIM905 - read as the table that it is
)


def is_syllable(word: str) -> bool:
    """Return whether a word is built like a Vietnamese syllable.

    Examples
    --------
    >>> [is_syllable(w) for w in ("Tuyên", "Đường", "nghiệp", "TuyÓn", "§­êng", "café")]
    [True, True, True, False, False, False]
    """
    letters = unicodedata.normalize("NFD", word.casefold())
    tones = [c for c in letters if c in _TONES]
    if len(tones) > 1:
        return False
    plain = unicodedata.normalize("NFC", "".join(c for c in letters if c not in _TONES))
    if plain.endswith(("c", "ch", "p", "t")) and (not tones or tones[0] not in _SHARP_TONES):
        return False
    # gi before i is written g: "gì" is g + i
    return any(plain.startswith(o) and plain[len(o) :] in _RIMES for o in _ONSETS if len(o) <= len(plain))


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
