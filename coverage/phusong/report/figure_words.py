"""Figures as people read them: by unit, with thin spaces between thousands."""

import math

import numpy as np

__all__ = ["number_text"]

_DECIMALS = {"people": 0, "change": 0, "usd": 0, "musd": 2, "small_musd": 3, "hours": 1, "ratio": 3}


def number_text(value: object, unit: str = "") -> str:
    r"""Return a figure of a unit as text; a dash where there is none, text as it is.

    Parameters
    ----------
    value : object
        A number, or text.
    unit : str
        ``people``, ``change`` (signed people), ``percent`` (of a share), ``usd``, ``musd``, ``small_musd``, ``hours``,
        ``ratio``; anything else is shown plainly.

    Examples
    --------
    >>> number_text(0.8127, "percent"), number_text(-12.4, "change"), number_text(None)
    ('81.3\u202f%', '−12', '–')
    """
    if isinstance(value, str):
        return value
    if value is None or not isinstance(value, (int, float, np.number)) or not math.isfinite(float(value)):
        return "–"
    number = float(value)
    if unit == "percent":
        return f"{100 * number:.1f}\u202f%"
    text = f"{abs(number):,.{_DECIMALS.get(unit, 2)}f}".replace(",", "\u202f")
    negative = number < 0 and any(c in "123456789" for c in text)
    sign = "−" if negative else "+" if unit == "change" and any(c in "123456789" for c in text) else ""
    return sign + text
