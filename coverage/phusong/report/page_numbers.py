"""Numbers as readers of English and of Vietnamese write them."""

import re

import numpy as np

__all__ = [
    "FORMS",
    "LANGUAGES",
    "figure_text",
    "finite",
    "money_text",
    "number_text",
    "people_text",
    "percent_text",
]

LANGUAGES = ("en", "vi")
"""Languages of the page."""

FORMS = ("people", "percent", "musd", "hours", "figure", "plain")
"""Ways to write a number: whole, share as per cent, money, one decimal, four digits that mean something, no groups."""


def number_text(value: object, form: str, lang: str = "en") -> str:
    r"""Return a number in one of ``FORMS``, in one of ``LANGUAGES``; a dash when there is none.

    Examples
    --------
    >>> number_text(1234567, "people", "vi"), number_text(0.9712, "percent", "vi").replace("\u202f", " ")
    ('1.234.567', '97,1 %')
    """
    if form == "plain":
        number = finite(value)
        return "–" if number is None else f"{number:.0f}".replace("-", "−")
    write = {
        "people": people_text, "percent": percent_text, "musd": money_text, "hours": _hours_text, "figure": figure_text,
    }[form]  # fmt: skip
    text = write(value)
    if lang == "en" or finite(value) is None:
        return text
    # a comma parts decimals and a point thousands
    return re.sub(r"(?<=\d)\u202f(?=\d)", ".", text.replace(".", ","))


def people_text(value: object) -> str:
    r"""Return a whole number with narrow spaces between thousands, or a dash when there is none.

    Examples
    --------
    >>> people_text(1234567.2).replace("\u202f", " "), people_text(None)
    ('1 234 567', '–')
    """
    number = finite(value)
    return "–" if number is None else f"{number:,.0f}".replace(",", "\u202f").replace("-", "−")


def percent_text(share: object) -> str:
    r"""Return a share as per cent with one decimal.

    Examples
    --------
    >>> percent_text(0.9712).replace("\u202f", " ")
    '97.1 %'
    """
    number = finite(share)
    return "–" if number is None else f"{100 * number:.1f}\u202f%".replace("-", "−")


def figure_text(value: object) -> str:
    """Return a number of any size with at most four significant digits below 1,000, or the text as it is."""
    number = finite(value)
    if number is None:
        return str(value) if isinstance(value, str) and value else "–"
    return people_text(number) if abs(number) >= 1000 else f"{number:.4g}".replace("-", "−")


def money_text(value: object) -> str:
    """Return an amount; small sums keep two digits that mean something."""
    number = finite(value)
    if number is None:
        return "–"
    size = abs(number)
    if size >= 100:
        return people_text(number)
    text = f"{number:.1f}" if size >= 10 else f"{number:.2f}" if size >= 0.1 or size == 0 else f"{number:.2g}"
    return text.replace("-", "−")


def _hours_text(value: object) -> str:
    number = finite(value)
    if number is None:
        return "–"
    return people_text(number) if abs(number) >= 100 else f"{number:.1f}".replace("-", "−")


def finite(value: object) -> float | None:
    """Return the value as a float, or nothing where it is no finite number."""
    if isinstance(value, (int, float, np.integer, np.floating)) and np.isfinite(value):
        return float(value)
    return None
