"""Sentences as data: a string of the catalogue with its parts, written as plain text or as markup of a page.

What phusong says of a plan is put together once, from columns, as a ``Say``; :func:`plain` writes it in one language for
terminals and tables, :func:`markup` for pages whose language can be switched.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from phusong.report.text import Text, Words

__all__ = ["Code", "Figure", "Row", "Said", "Say", "markup", "paragraph", "place_words", "plain"]


@dataclass(frozen=True)
class Figure:
    """A number in one of the forms of :meth:`phusong.report.text.Text.number`."""

    value: object
    form: str = "people"


@dataclass(frozen=True)
class Code:
    """A code from data, called as its group of the catalogue does."""

    group: str
    code: str


@dataclass(frozen=True)
class Row:
    """Several parts in a row: with `and` or `or` before the last, or with `between` alone."""

    items: tuple["Said", ...]
    style: str = "and"
    between: str = ", "


@dataclass(frozen=True, init=False)
class Say:
    """A string of the catalogue.

    Parameters
    ----------
    key : str
        ``group.name`` of the string.
    **parts : str, Figure, Code, Row or Say
        What takes the places in it.
    """

    key: str
    parts: tuple[tuple[str, "Said"], ...]

    def __init__(self, key: str, **parts: "Said") -> None:
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "parts", tuple(parts.items()))


Said = str | Figure | Code | Row | Say


def plain(said: Said, text: Text) -> str:
    """Return something said as plain text.

    Examples
    --------
    >>> plain(Row((Figure(1200), "b", Code("kind", "build_site"))), Text("en"))
    '1,200, b and new mast'
    """
    if isinstance(said, str):
        return said
    if isinstance(said, Figure):
        return text.number(said.value, said.form)
    if isinstance(said, Code):
        return text.code(said.group, said.code)
    if isinstance(said, Row):
        items = [plain(item, text) for item in said.items]
        return text.listed(items, style=said.style) if said.style else said.between.join(items)
    # an empty part stays empty: it is no missing figure
    return text.template(said.key).format(**{name: plain(part, text) for name, part in said.parts})


def markup(said: Said, words: Words) -> Markup:
    """Return something said as markup that a switch of language finds again."""
    if isinstance(said, str):
        return escape(said)
    if isinstance(said, Figure):
        return words.n(said.value, said.form)
    if isinstance(said, Code):
        return words.w(said.group, said.code)
    if isinstance(said, Row):
        items = [markup(item, words) for item in said.items]
        if not said.style or len(items) < 2:
            return Markup(said.between).join(items)  # noqa: S704 - our own separators
        last = Markup(" {} ").format(words.t(f"list.{said.style}"))
        return Markup(", ").join(items[:-1]) + last + items[-1]
    return words.t(said.key, **{name: markup(part, words) for name, part in said.parts})


def paragraph(sentences: Iterable[Say], text: Text) -> str:
    """Return sentences one after the other."""
    return " ".join(plain(s, text) for s in sentences)


def place_words(code: object, names: Mapping[str, str]) -> str:
    """Return a commune as it is named beside others: its name and code.

    Examples
    --------
    >>> place_words("02200", {"02200": "Nà Hang"}), place_words("02200", {})
    ('Nà Hang (02200)', '02200')
    """
    name = names.get(str(code), "")
    return f"{name} ({code})" if name else str(code)
