"""Whether a word can be a Vietnamese syllable: how text in a wrong encoding gives itself away."""

import unicodedata

__all__ = ["is_syllable"]

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
