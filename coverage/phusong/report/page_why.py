"""Why an option stands where it does, in the reader's language: the sentences of ``why``, sentence by sentence."""

import re

from markupsafe import Markup

from phusong.report.text import Words, catalogue, slug

__all__ = ["reasons"]

_FIRST = re.compile(
    r"^.+? at (?P<where>\S+) in .+? \(\w+\) serves (?P<people>[\d,]+) more people(?: \((?P<causes>[^)]*)\))?"
    r"(?: and (?P<facilities>[\d,]+) schools, clinics or offices among them)?"
    r"(?: for (?P<cost>[\d.,]+) million USD net present cost, (?P<per>[\d,]+) people per million"
    r"| at no further cost: everything it needs is bought by options above it)\.\s*"
)
_PER = r"(?P<per>[\d,]+) people per million"
_LATER = tuple(
    (re.compile(f"^{pattern}\\.\\s*"), name)
    for name, pattern in {
        "alone": r"Alone it would serve (?P<people>[\d,]+); options above already serve the others",
        "shared": r"(?P<count>\d+) of its remedies are already paid for by options above",
        "behind": r"It would fall behind (?P<option>\S+) if it cost (?P<share>[\d.,]+)% more",
        "same_commune": rf"It came before (?P<option>\S+) in the same commune \({_PER} at that moment\)",
        "came_before": rf"It came before (?P<option>\S+) in (?P<place>.+?) \({_PER} at that moment\)",
        "nothing_left": r"Nothing else was left to compare it with",
        "level": r"It is level with (?P<option>\S+): their numbers decide which comes first",
        "falls_both": r"It would lose its place if it cost (?P<share>[\d.,]+)% more \(then behind (?P<option>\S+)\) "
        r"or if it gained (?P<fewer>[\d.,]+)% fewer people",
        "falls_cost": r"It would lose its place if it cost (?P<share>[\d.,]+)% more \(then behind (?P<option>\S+)\)",
        "falls_people": r"It would lose its place if it gained (?P<fewer>[\d.,]+)% fewer people",
        "rival": rf"For the same people the next best is (?P<kinds>[^(]+?) \((?P<option>\S+), {_PER}\)",
        "rival_part": rf"For (?P<share>[\d.,]+)% of the same people the next best is (?P<kinds>[^(]+?) "
        rf"\((?P<option>\S+), {_PER}\)",
    }.items()
)
_TEXT = ("option", "place")
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
            "causes": _causes(said["causes"] or "", words),
            "facilities": words.t("why.facilities", count=_number(said["facilities"], words))
            if said["facilities"]
            else "",
        }
        if said["cost"]:
            parts |= {"cost": words.n(_value(said["cost"]), "money"), "per": _number(said["per"], words)}
        found.append(words.t(key, **parts))
        rest = rest[first.end() :]
    while rest:
        for pattern, name in _LATER:
            match = pattern.match(rest)
            if match:
                parts = {k: _part(k, v, words) for k, v in match.groupdict().items()}
                found.append(words.t(f"why.{name}", **parts))
                rest = rest[match.end() :]
                break
        else:
            sentence, _, rest = rest.partition(". ")
            found.append(Markup('<span lang="en">{}</span>').format(sentence + ("." if rest else "")))
    return Markup(" ").join(found)


def _part(name: str, text: str, words: Words) -> object:
    if name == "kinds":
        # kinds are told as the tables tell them
        return Markup(" + ").join(words.w("kind", kind) for kind in text.split(" + "))
    if name in ("share", "fewer"):
        return words.n(_value(text) / 100.0, "percent")
    return text if name in _TEXT else words.n(_value(text), "figure")


def _causes(text: str, words: Words) -> Markup:
    pairs = [
        (n, words.w("why", said)) for n, said in _CAUSE.findall(text) if f"why.{slug(said)}" in catalogue()
    ]
    if len(pairs) != len(_CAUSE.findall(text)):
        return Markup('<span lang="en">{}</span>').format(text)
    return Markup("; ").join(Markup("{} {}").format(_number(n, words), said) for n, said in pairs)


def _number(text: str, words: Words) -> Markup:
    return words.n(_value(text))


def _value(text: str) -> float:
    return float(text.replace(",", ""))
