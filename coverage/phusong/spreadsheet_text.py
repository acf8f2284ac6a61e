"""Text that no spreadsheet takes for a formula, and the way back."""

import re

__all__ = ["ESCAPED_FORMULA", "FORMULA", "plain_text", "safe_text"]

# spaces before it do not stop a spreadsheet; apostrophes count so that the way back is exact
FORMULA = re.compile(r"^(?=[' ]*[=+\-@\t\r])")
"""Where an apostrophe is put: before text that a spreadsheet would run, or that already went this way."""

ESCAPED_FORMULA = re.compile(r"^'(?=[' ]*[=+\-@\t\r])")
"""The apostrophe that was put there."""


def safe_text(text: str) -> str:
    """Return text with an apostrophe before it where a spreadsheet would run it as a formula.

    Examples
    --------
    >>> safe_text("=1+1"), safe_text(" @x"), safe_text("Nà Hang")
    ("'=1+1", "' @x", 'Nà Hang')
    """
    return FORMULA.sub("'", text)


def plain_text(text: str) -> str:
    """Return text without the apostrophe that :func:`safe_text` put before it.

    Examples
    --------
    >>> plain_text("'=1+1"), plain_text("Nà Hang")
    ('=1+1', 'Nà Hang')
    """
    return ESCAPED_FORMULA.sub("", text)
