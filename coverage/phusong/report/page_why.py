"""Why an option stands where it does, in the reader's language: the sentences of ``why``, sentence by sentence."""

import re

from markupsafe import Markup

from phusong.report.page_words import Words, slug

__all__ = ["reasons"]

_FIRST = re.compile(
    r"^.+? at (?P<where>\S+) in .+? \(\w+\) serves (?P<people>[\d,]+) more people \((?P<causes>[^)]*)\)"
    r"(?: for (?P<cost>[\d.,]+) million USD net present cost, (?P<per>[\d,]+) people per million"
    r"| at no further cost: everything it needs is bought by options above it)\.\s*"
)
_LATER = (
    (
        re.compile(r"^Alone it would serve (?P<people>[\d,]+); options above already serve the others\.\s*"),
        "alone",
    ),
    (re.compile(r"^(?P<count>\d+) of its remedies are already paid for by options above\.\s*"), "shared"),
    (re.compile(r"^It would fall behind (?P<option>\S+) if it cost (?P<share>[\d.,]+)% more\.\s*"), "behind"),
)
_CAUSE = re.compile(r"(\d[\d,]*) ([^,]+)")


def reasons(why: str, words: Words) -> Markup:
    """Return the reasons as markup in the page's languages; a sentence that is not known stays in English.

    Parameters
    ----------
    why : str
        Sentences as the options table holds them.
    words : Words
        Strings of the page.
    """
    found: list[Markup] = []
    rest = why
    first = _FIRST.match(rest)
    if first:
        said = first.groupdict()
        key = "why.gains" if said["cost"] else "why.free"
        parts = {
            "where": said["where"],
            "people": _number(said["people"], words),
            "causes": _causes(said["causes"], words),
        }
        if said["cost"]:
            parts |= {"cost": words.n(_value(said["cost"]), "musd"), "per": _number(said["per"], words)}
        found.append(words.t(key, **parts))
        rest = rest[first.end() :]
    while rest:
        for pattern, name in _LATER:
            match = pattern.match(rest)
            if match:
                parts = {k: v if k == "option" else _number(v, words) for k, v in match.groupdict().items()}
                found.append(words.t(f"why.{name}", **parts))
                rest = rest[match.end() :]
                break
        else:
            sentence, _, rest = rest.partition(". ")
            found.append(Markup('<span lang="en">{}</span>').format(sentence + ("." if rest else "")))
    return Markup(" ").join(found)


def _causes(text: str, words: Words) -> Markup:
    pairs = [
        (n, words.w("why", said)) for n, said in _CAUSE.findall(text) if f"why.{slug(said)}" in words.messages
    ]
    if len(pairs) != len(_CAUSE.findall(text)):
        return Markup('<span lang="en">{}</span>').format(text)
    return Markup("; ").join(Markup("{} {}").format(_number(n, words), said) for n, said in pairs)


def _number(text: str, words: Words) -> Markup:
    return words.n(_value(text))


def _value(text: str) -> float:
    return float(text.replace(",", ""))
