"""What the page says, in each of its languages: every string stands in ``words.toml``."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape

from phusong.report.page_numbers import LANGUAGES, finite, number_text

__all__ = ["Words", "catalogue", "page_words", "slug"]

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Words:
    """The page's strings as markup that a switch of language finds again.

    Parameters
    ----------
    lang : str
        Language in which the page is written; the other stands in the page beside it.
    messages : mapping of str to mapping of str to str
        Text of each key in each language; ``{name}`` marks the place of a part.
    """

    lang: str
    messages: Mapping[str, Mapping[str, str]]

    def t(self, key: str, **parts: object) -> Markup:
        """Return a string; parts are escaped unless they are markup."""
        return Markup('<span data-t="{}">{}</span>').format(key, self.inner(key, **parts))

    def inner(self, key: str, **parts: object) -> Markup:
        """Return a string without its wrapper, for an element that carries ``data-t`` itself.

        Raises
        ------
        KeyError
            If the catalogue lacks the key, or the string a part.
        """
        pieces = _PLACE.split(self.messages[key][self.lang])
        named = [Markup('<span data-a="{}">{}</span>').format(name, parts[name]) for name in pieces[1::2]]
        text = [escape(piece) for piece in pieces[::2]]
        return Markup("").join([p for pair in zip(text, [*named, Markup("")], strict=True) for p in pair])

    def ta(self, attribute: str, key: str) -> Markup:
        """Return an attribute whose text follows the language."""
        text = self.messages[key][self.lang]
        return Markup('{}="{}" data-ta-{}="{}"').format(Markup(attribute), text, Markup(attribute), key)  # noqa: S704 - our own names

    def w(self, group: str, code: object) -> Markup:
        """Return the name of a code from data, or the code itself where the catalogue has none."""
        key = f"{group}.{slug(code)}"
        return self.t(key) if key in self.messages else Markup(escape(str(code).replace("_", " ")))  # noqa: S704 - escaped

    def n(self, value: object, form: str = "people") -> Markup:
        """Return a number that follows the language."""
        return Markup("<span{}>{}</span>").format(self.v(value, form), self.number(value, form))

    def v(self, value: object, form: str = "people") -> Markup:
        """Return the attributes of an element that shows a number."""
        number = finite(value)
        if number is None:
            return Markup("")
        exact = f"{number:.0f}" if number.is_integer() else f"{number:.7g}"
        return Markup(' data-v="{}" data-f="{}"').format(exact, form)

    def number(self, value: object, form: str = "people") -> str:
        """Return the text of a number in the page's language."""
        return number_text(value, form, self.lang)


def page_words(lang: str) -> Words:
    """Return the strings of the page, written in ``lang``.

    Raises
    ------
    ValueError
        If ``lang`` is none of ``LANGUAGES``.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"language {lang!r} is none of {', '.join(LANGUAGES)}")
    return Words(lang, catalogue())


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every string of the page by ``group.name`` and language."""
    text = files("phusong.report").joinpath("words.toml").read_text(encoding="utf-8")
    return {
        f"{group}.{name}": said
        for group, names in tomllib.loads(text).items()
        for name, said in names.items()
    }


def slug(code: object) -> str:
    """Return a code as the catalogue spells it.

    Examples
    --------
    >>> slug("no agreement"), slug("4G stations")
    ('no_agreement', '4g_stations')
    """
    return re.sub(r"\W+", "_", str(code).strip().lower()).strip("_")
