"""One catalogue of strings, one writer of numbers and money, sentences as data.

What phusong says of a plan is put together once, from columns, as a ``Say``; :func:`plain` writes it in one language for
terminals and tables, :func:`markup` for pages whose language can be switched.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from babel.dates import format_date
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from phusong.errors import nearest_word

__all__ = [
    "FORMS",
    "LANGUAGES",
    "Code",
    "Figure",
    "Form",
    "Name",
    "Row",
    "Said",
    "Say",
    "Text",
    "Words",
    "catalogue",
    "finite",
    "forms_for_page",
    "markup",
    "paragraph",
    "place_words",
    "plain",
    "round_count",
    "round_digits",
    "round_parts",
    "slug",
]

LANGUAGES: Final = ("en", "vi")
"""Languages in which phusong speaks; each string stands in all of them."""

NO_VALUE: Final = "–"

_AGREED = " with agreements"
_ISO_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?")
_PLACE = re.compile(r"\{(\w+)\}")
_DATE = {"en": ("d MMMM y", "MMMM y"), "vi": ("dd/MM/y", "MM/y")}
_MONEY_DIGITS = 3
_UNITS = ((Decimal(10) ** 9, "billion"), (Decimal(10) ** 6, "million"))
_EXACT = Context(prec=400)


@dataclass(frozen=True)
class Form:
    """How a kind of figure is written.

    Parameters
    ----------
    steps : tuple of (float, int)
        Least size and decimals shown from there on, largest size first.
    digits : int
        Digits that mean something, for what is smaller than every step; trailing zeros are dropped.
    scale : float
        Factor from the value to what is shown.
    after : str
        What follows the digits.
    signed : bool
        Whether a gain shows its plus.
    grouped : bool
        Whether thousands are parted.
    """

    steps: tuple[tuple[float, int], ...] = ((0.0, 0),)
    digits: int = 0
    scale: float = 1.0
    after: str = ""
    signed: bool = False
    grouped: bool = True


FORMS: Final[Mapping[str, Form]] = MappingProxyType({
    "people": Form(),
    "change": Form(signed=True),
    "percent": Form(((0.0, 1),), scale=100.0, after="%"),
    "exact_percent": Form(((0.0, 2),), scale=100.0, after="%"),
    "whole_percent": Form(scale=100.0, after="%"),
    "points": Form(((0.0, 1),), scale=100.0, signed=True),
    "hours": Form(((100.0, 0), (0.0, 1))),
    "figure": Form(((1000.0, 0),), digits=4),
    "short": Form(((100.0, 0),), digits=2),
    "musd": Form(((100.0, 0), (10.0, 1), (0.1, 2)), digits=2),
    "usd": Form(((1e20, 0),), digits=4, scale=1e6),
    "rate": Form(((100.0, 0), (0.0, 2))),
    "ratio": Form(((0.0, 3),)),
    "decimal": Form(((0.0, 1),)),
    "signed_decimal": Form(((0.0, 1),), signed=True),
    "hundredths": Form(((0.0, 2),)),
    "signed_hundredths": Form(((0.0, 2),), signed=True),
    "plain": Form(grouped=False),
})  # fmt: skip
"""Ways to write a number: whole, signed, share as per cent, hours, four digits that mean something, money in a column of
million USD, the same as whole USD, decimals as levels and losses have, and a year or number of a thing without groups. Two more, ``money`` (of million USD)
and ``vnd`` (of VND), name their unit themselves."""


@dataclass(frozen=True)
class Text:
    """What phusong says, in one language.

    Parameters
    ----------
    lang : str
        One of ``LANGUAGES``.

    Examples
    --------
    >>> Text("vi").money(0.0062), Text("en").number(1234567.2, "people"), Text("vi").number(0.9712, "percent")
    ('6.200 USD', '1,234,567', '97,1%')
    """

    lang: str = "en"

    def __post_init__(self) -> None:
        """Refuse a language that nobody wrote.

        Raises
        ------
        ValueError
            If ``lang`` is none of ``LANGUAGES``.
        """
        if self.lang not in LANGUAGES:
            raise ValueError(f"language {self.lang!r} is none of {', '.join(LANGUAGES)}")

    def say(self, key: str, /, **parts: object) -> str:
        """Return a string with its parts; a whole number is written as people are, another as a figure.

        Raises
        ------
        KeyError
            If the catalogue lacks the key, or the string a part.

        Examples
        --------
        >>> Text("vi").say("commune.found", n=12, all=3321)
        '12 trên 3.321'
        """
        pieces = _PLACE.split(self.template(key, parts.get("n")))
        pieces[1::2] = [self._part(parts[name]) for name in pieces[1::2]]
        return "".join(pieces)

    def template(self, key: str, count: object = None) -> str:
        """Return a string with the places of its parts open; a count of one takes its own where there is one."""
        said = catalogue()[key]
        one = said.get(f"{self.lang}_one") if finite(count) == 1.0 else None
        return said[self.lang] if one is None else one

    def code(self, group: str, code: object) -> str:
        """Return the name of a code from data, one with a part as notes have them; in plain letters where there is none.

        Examples
        --------
        >>> Text("vi").code("kind", "battery_backup"), Text("en").code("kind", "own_thing")
        ('ắc quy dự phòng', 'own thing')
        """
        key = f"{group}.{slug(code)}"
        if key in catalogue():
            return catalogue()[key][self.lang]
        policy = str(code).removesuffix(_AGREED)
        if group == "policy" and policy != str(code):
            return self.say("policy.with_agreements", policy=self.code(group, policy))
        return self.note(str(code).replace("_", " "))

    def named(self, group: str, name: object) -> str:
        """Return a name that phusong itself made up in this language, and one that somebody else gave as it stands.

        Examples
        --------
        >>> Text("vi").named("owner", "others"), Text("vi").named("owner", "Tower_Co")
        ('nhà mạng khác', 'Tower_Co')
        """
        key = f"{group}.{name}"
        return catalogue()[key][self.lang] if key in catalogue() else str(name)

    def hint(self, name: str, known: Iterable[str]) -> str:
        """Return ``" (did you mean …?)"`` for the known name closest to one that is unknown, or nothing."""
        close = nearest_word(name, known)
        return " " + self.say("problem.did_you_mean", name=close) if close else ""

    def meaning(self, setting: str) -> str:
        """Return what a setting of a scenario means; a dash for one that no scenario has (any more).

        Examples
        --------
        >>> Text("vi").meaning("radio.rx_height_m"), Text("vi").meaning("radio.colour")
        ('Độ cao điện thoại so với mặt đất. [m]', '–')
        """
        key = f"setting.{slug(setting)}"
        return catalogue()[key][self.lang] if key in catalogue() else NO_VALUE

    def note(self, text: object) -> str:
        """Return a note of ours in this language, and one that somebody else wrote as it stands.

        Notes on layers, facts and repairs lie as English text in regions and results, so they are looked up by it.

        Examples
        --------
        >>> Text("vi").note("three sectors a station"), Text("vi").note("public domain"), Text("vi").note("my own list")
        ('ba cung sóng mỗi trạm', 'phạm vi công cộng', 'my own list')
        """
        found = _noted(str(text or ""))
        if found is None:
            several = str(text or "").split("; ")
            return "; ".join(map(self.note, several)) if len(several) > 1 else several[0]
        key, parts = found
        return self.say(key, **{name: self.note(part) for name, part in parts.items()})

    def listed(self, names: Iterable[str], *, style: str = "and") -> str:
        """Return names in a row: ``a, b and c``; with ``style="or"``, ``a, b or c``.

        Examples
        --------
        >>> Text("en").listed(["a", "b"]), Text("vi").listed(["a", "b", "c"])
        ('a and b', 'a, b và c')
        """
        *most, last = list(names) or [""]
        return f"{', '.join(most)} {self.template(f'list.{style}')} {last}" if most else last

    def number(self, value: object, form: str = "people") -> str:
        """Return a number in one of ``FORMS``, ``money`` or ``vnd``; a dash when there is none, text as it is."""
        found = finite(value)
        if found is None:
            return value if isinstance(value, str) and value else NO_VALUE
        if form == "money":
            return self.money(found)
        if form == "vnd":
            return self.vnd(found)
        return self._digits(found, FORMS[form])

    def money(self, musd: object, vnd_per_usd: float | None = None) -> str:
        """Return an amount of million USD with its unit, and the same in VND where a rate is given.

        Parameters
        ----------
        musd : object
            Amount. [million USD]
        vnd_per_usd : float, optional
            Rate of exchange.

        Examples
        --------
        >>> Text("en").money(1.2534), Text("en").money(0.0062, 26_100.0), Text("vi").money(18.1, 26_100.0)
        ('1.25 million USD', '6,200 USD (162 million VND)', '18,1 triệu USD (472 tỷ đồng)')
        """
        amount = finite(musd)
        if amount is None:
            return NO_VALUE
        text = self._amount(amount * 1e6, "usd")
        return text if vnd_per_usd is None else f"{text} ({self.vnd(amount * 1e6 * vnd_per_usd)})"

    def vnd(self, vnd: object) -> str:
        """Return an amount of VND with its unit.

        Examples
        --------
        >>> Text("en").vnd(161.8e6), Text("vi").vnd(1.2345e12)
        ('162 million VND', '1.230 tỷ đồng')
        """
        amount = finite(vnd)
        return NO_VALUE if amount is None else self._amount(amount, "vnd")

    def date(self, value: object) -> str:
        """Return a day, month or year given as a date or in ISO 8601; other text as it is.

        Examples
        --------
        >>> Text("en").date("2026-03-05"), Text("vi").date("2026-03-05"), Text("vi").date("2026-03"), Text("en").date("2026")
        ('5 March 2026', '05/03/2026', '03/2026', '2026')
        """
        day, month = _DATE[self.lang]
        if isinstance(value, dt.date):
            return format_date(value, day, locale=self.lang)
        text = str(value)
        try:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
                return format_date(dt.date.fromisoformat(text), day, locale=self.lang)
            if re.fullmatch(r"\d{4}-\d\d", text):
                return format_date(dt.date.fromisoformat(f"{text}-01"), month, locale=self.lang)
        except ValueError:
            return text
        return text

    def _part(self, value: object) -> str:
        if value == "":
            return ""  # a part that says nothing here, such as a hint
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            return self.number(value, "people")
        return self.number(value, "figure")

    def _amount(self, amount: float, currency: str) -> str:
        shown = _significant(amount, _MONEY_DIGITS)
        size = abs(shown)
        one, word = next(((at, name) for at, name in _UNITS if size >= at), (Decimal(1), "one"))
        # cents mean nothing
        number = _rounded(shown, 0) if one == 1 else shown / one
        return catalogue()[f"money.{word}_{currency}"][self.lang].replace("{n}", self._grouped(number, None))

    def _digits(self, value: float, form: Form) -> str:
        scaled = value * form.scale
        size = abs(scaled)
        decimals = next((d for least, d in form.steps if size >= least), None)
        if decimals is None and size == 0.0:
            decimals = form.steps[-1][1]
        exact = Decimal(repr(scaled))
        number = _rounded(exact, decimals) if decimals is not None else _significant(scaled, form.digits)
        text = self._grouped(number, decimals, grouped=form.grouped)
        return ("+" if form.signed and number > 0 else "") + text + form.after

    def _grouped(self, number: Decimal, decimals: int | None, *, grouped: bool = True) -> str:
        digits = f".{'0' * decimals}" if decimals else ""
        pattern = ("#,##0" if grouped else "0") + digits
        # no sign before what rounds to nothing
        with localcontext(_EXACT):
            return format_decimal(
                number or Decimal(0), format=pattern, locale=self.lang, decimal_quantization=False
            )


@dataclass(frozen=True)
class Words:
    """The strings of a page as markup that a switch of language finds again.

    Parameters
    ----------
    lang : str
        Language in which the page is written; the other stands in the page beside it.

    Raises
    ------
    ValueError
        If ``lang`` is none of ``LANGUAGES``.
    """

    lang: str = "en"

    def __post_init__(self) -> None:
        """Refuse a language that nobody wrote."""
        Text(self.lang)

    @property
    def text(self) -> Text:
        """The same without markup."""
        return Text(self.lang)

    def t(self, key: str, /, **parts: object) -> Markup:
        """Return a string; parts are escaped unless they are markup."""
        return Markup('<span data-t="{}">{}</span>').format(key, self.inner(key, **parts))

    def inner(self, key: str, /, **parts: object) -> Markup:
        """Return a string without its wrapper, for an element that carries ``data-t`` itself.

        Raises
        ------
        KeyError
            If the catalogue lacks the key, or the string a part.
        """
        pieces = _PLACE.split(self.text.template(key, parts.get("n")))
        named = [Markup('<span data-a="{}">{}</span>').format(name, parts[name]) for name in pieces[1::2]]
        text = [escape(piece) for piece in pieces[::2]]
        return Markup("").join([p for pair in zip(text, [*named, Markup("")], strict=True) for p in pair])

    def ta(self, attribute: str, key: str) -> Markup:
        """Return an attribute whose text follows the language."""
        text = self.text.template(key)
        return Markup('{}="{}" data-ta-{}="{}"').format(Markup(attribute), text, Markup(attribute), key)  # noqa: S704 - our own names

    def w(self, group: str, code: object) -> Markup:
        """Return the name of a code from data, or the code itself where the catalogue has none."""
        key = f"{group}.{slug(code)}"
        if key in catalogue():
            return self.t(key)
        policy = str(code).removesuffix(_AGREED)
        if group == "policy" and policy != str(code):
            return self.t("policy.with_agreements", policy=self.w(group, policy))
        return self.note(str(code).replace("_", " "))

    def named(self, group: str, name: object) -> Markup:
        """Return a name that phusong itself made up so that it follows the language, another's as it stands."""
        key = f"{group}.{name}"
        return self.t(key) if key in catalogue() else Markup(escape(str(name)))  # noqa: S704 - escaped

    def note(self, text: object) -> Markup:
        """Return a note of ours that follows the language, and one that somebody else wrote as it stands."""
        found = _noted(str(text or ""))
        if found is None:
            several = str(text or "").split("; ")
            return (
                Markup("; ").join(map(self.note, several)) if len(several) > 1 else Markup(escape(several[0]))  # noqa: S704 - escaped
            )
        key, parts = found
        return self.t(key, **{name: self.note(part) for name, part in parts.items()})

    def d(self, value: object) -> Markup:
        """Return a date that follows the language."""
        said = self.text.date(value or "")
        iso = _ISO_DATE.fullmatch(str(value or ""))
        return Markup('<span data-d="{}">{}</span>').format(value, said) if iso else Markup(escape(said))  # noqa: S704 - escaped

    def n(self, value: object, form: str = "people") -> Markup:
        """Return a number that follows the language."""
        return Markup("<span{}>{}</span>").format(self.v(value, form), self.number(value, form))

    def v(self, value: object, form: str = "people") -> Markup:
        """Return the attributes of an element that shows a number."""
        number = finite(value)
        return (
            Markup("") if number is None else Markup(' data-v="{}" data-f="{}"').format(_kept(number), form)
        )

    def number(self, value: object, form: str = "people") -> str:
        """Return the text of a number in the page's language."""
        number = finite(value)
        return self.text.number(value if number is None else float(_kept(number)), form)


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return every string by ``group.name`` and language."""
    text = files("phusong.io").joinpath("words.toml").read_text(encoding="utf-8")
    return {
        f"{group}.{name}": said
        for group, names in tomllib.loads(text).items()
        for name, said in names.items()
    }


@cache
def _notes() -> tuple[Mapping[str, str], tuple[tuple[re.Pattern[str], str], ...]]:
    """Return the keys of notes by their English text, and the patterns of those that have parts."""
    whole, parted = {}, []
    for key, said in catalogue().items():
        if not key.startswith("note."):
            continue
        pieces = _PLACE.split(said["en"])
        if len(pieces) == 1:
            whole[said["en"]] = key
            continue
        pattern = "".join(f"(?P<{p}>.+?)" if k % 2 else re.escape(p) for k, p in enumerate(pieces))
        parted.append((re.compile(pattern), key))
    return whole, tuple(parted)


@lru_cache(maxsize=4096)
def _noted(text: str) -> tuple[str, dict[str, str]] | None:
    """Return the key and the parts of a note of ours."""
    whole, parted = _notes()
    if text in whole:
        return whole[text], {}
    for pattern, key in parted:
        match = pattern.fullmatch(text)
        if match:
            return key, match.groupdict()
    return None


def forms_for_page() -> dict[str, dict[str, object]]:
    """Return ``FORMS`` as the page's script reads them."""
    return {
        name: {
            "steps": [list(step) for step in form.steps], "digits": form.digits, "scale": form.scale,
            "after": form.after, "signed": form.signed, "grouped": form.grouped,
        }
        for name, form in FORMS.items()
    }  # fmt: skip


def finite(value: object) -> float | None:
    """Return the value as a float, or nothing where it is no finite number."""
    if isinstance(value, (int, float, np.integer, np.floating)) and np.isfinite(value):
        return float(value)
    return None


def slug(code: object) -> str:
    """Return a code as the catalogue spells it.

    Examples
    --------
    >>> slug("no agreement"), slug("4G stations")
    ('no_agreement', '4g_stations')
    """
    return re.sub(r"\W+", "_", str(code).strip().lower()).strip("_")


def _kept(number: float) -> str:
    # the digits that the page's script rewrites from
    return f"{number:.0f}" if number.is_integer() else f"{number:.7g}"


def _rounded(number: Decimal, decimals: int) -> Decimal:
    # halves away from zero, of the shortest decimal: what browsers do
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _EXACT)


def _significant(value: float, digits: int) -> Decimal:
    number = Decimal(repr(value))
    if not number:
        return number
    return _rounded(number, digits - 1 - number.adjusted())


@dataclass(frozen=True)
class Figure:
    """A number in one of the forms of :meth:`phusong.io.text.Text.number`."""

    value: object
    form: str = "people"


@dataclass(frozen=True)
class Code:
    """A code from data, called as its group of the catalogue does."""

    group: str
    code: str

    def plain(self, text: Text) -> str:
        """Return it as plain text."""
        return text.code(self.group, self.code)

    def markup(self, words: Words) -> Markup:
        """Return it as markup that a switch of language finds again."""
        return words.w(self.group, self.code)


@dataclass(frozen=True)
class Name:
    """A name: in the language where phusong itself made it up, else as somebody gave it."""

    group: str
    name: str

    def plain(self, text: Text) -> str:
        """Return it as plain text."""
        return text.named(self.group, self.name)

    def markup(self, words: Words) -> Markup:
        """Return it as markup that a switch of language finds again."""
        return words.named(self.group, self.name)


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


Said = str | Figure | Code | Name | Row | Say


def plain(said: Said, text: Text) -> str:
    """Return something said as plain text.

    Examples
    --------
    >>> plain(Row((Figure(1200), "b", Code("kind", "build_site"))), Text("en"))
    '1,200, b and new site'
    """
    if isinstance(said, str):
        return said
    if isinstance(said, Figure):
        return text.number(said.value, said.form)
    if isinstance(said, (Code, Name)):
        return said.plain(text)
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
    if isinstance(said, (Code, Name)):
        return said.markup(words)
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


def round_count(people: npt.ArrayLike, least: int) -> npt.NDArray[np.float64]:
    """Return counts rounded to multiples of the least one shown; one above zero is never shown as zero.

    Examples
    --------
    >>> round_count([0, 3, 14, 16], 10).tolist()
    [0.0, 10.0, 10.0, 20.0]
    """
    given = np.asarray(people, np.float64)
    if least <= 1:
        return given.copy()
    steps = np.floor(given / least + 0.5) * least
    return np.asarray(np.where(given > 0, np.maximum(steps, least), np.minimum(given, 0.0)))


def round_digits(values: npt.ArrayLike, digits: int) -> npt.NDArray[np.float64]:
    """Return numbers rounded to so many significant digits.

    Examples
    --------
    >>> round_digits([0.0, 1234.0, 0.0678, -5.56], 2).tolist()
    [0.0, 1200.0, 0.068, -5.6]
    """
    given = np.asarray(values, np.float64)
    plain = np.where(np.isfinite(given), given, 0.0)
    shown = np.array([float(f"{v:.{digits - 1}e}") for v in plain.ravel().tolist()]).reshape(given.shape)
    return np.asarray(np.where(np.isfinite(given), shown, given))


def round_parts(parts: npt.ArrayLike, least: int) -> npt.NDArray[np.float64]:
    """Return parts of wholes without one between 0 and the least count shown, row by row with the same sum.

    Parameters
    ----------
    parts : array_like, shape (n, k)
        People of each part; none negative.
    least : int
        Least count shown. A row whose sum is smaller becomes zero.

    Examples
    --------
    >>> round_parts([[83.0, 4.0, 16.0], [3.0, 2.0, 0.0]], 10).tolist()
    [[83.0, 0.0, 20.0], [0.0, 0.0, 0.0]]
    """
    given = np.asarray(parts, np.float64)
    if least <= 1:
        return given.copy()
    whole = given.sum(axis=1)
    # sums of parts may miss a whole number by rounding
    steps = np.floor(whole / least + 1e-9)
    wanted = given * np.divide(steps, whole, out=np.zeros_like(whole), where=whole > 0)[:, None]
    units = np.floor(wanted + 1e-9)
    missing = np.rint(steps - units.sum(axis=1))
    order = np.argsort(-(wanted - units), axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.broadcast_to(np.arange(given.shape[1]), order.shape), axis=1)
    out = (units + (place < missing[:, None])) * least
    rest = np.where(steps > 0, whole - steps * least, 0.0)
    out[np.arange(len(out)), out.argmax(axis=1)] += rest
    return np.asarray(out)
