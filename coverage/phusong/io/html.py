"""A value as a small card in a notebook; every text is escaped."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

__all__ = ["card", "html_table"]

_STYLE = "border:1px solid #9aa5b1;border-radius:6px;padding:8px 14px;max-width:60em;font-family:system-ui,sans-serif"
_CELL = "text-align:left;padding:2px 14px 2px 0;vertical-align:top;overflow-wrap:anywhere;min-width:5em"


def card(
    title: str, rows: Iterable[tuple[str, object]], *, parts: Sequence[Markup] = (), note: str = ""
) -> str:
    """Return a titled card of names and values as HTML.

    Parameters
    ----------
    title : str
        What it is.
    rows : iterable of (name, value)
        Shown as they are, whatever they contain.
    parts : sequence of Markup
        What stands below, escaped already, such as :func:`html_table`.
    note : str
        The last line: how the figures came to be.

    Examples
    --------
    >>> "<script>" in card("<script>", [("name", "<b>")])
    False
    """
    body = Markup("").join(
        Markup('<tr><th style="{}"><bdi>{}</bdi></th><td style="{}"><bdi>{}</bdi></td></tr>').format(
            _CELL, name, _CELL, value
        )
        for name, value in rows
    )
    return str(
        Markup(
            '<div style="{}"><b><bdi>{}</bdi></b><table style="border:0">{}</table>{}<small>{}</small></div>'
        ).format(_STYLE, title, body, Markup("").join(parts), note)
    )


def html_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """Return a table as HTML.

    Examples
    --------
    >>> str(html_table(["name"], [["<b>"]])).count("&lt;b&gt;")
    1
    """
    cell = Markup('<{0} style="{1}"><bdi>{2}</bdi></{0}>')
    head = Markup("").join(cell.format("th", _CELL, escape(c)) for c in columns)
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(cell.format("td", _CELL, escape(str(v))) for v in row))
        for row in rows
    )
    return Markup('<table style="border:0"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(
        head, body
    )
