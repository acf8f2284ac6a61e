"""What a result holds, declared once: every table, raster and headline figure, and what of each may leave the house.

Reading (`result_schema`), writing (`folder`), :class:`phusong.report.folder.Result`, redaction (`redact`), the page's tables,
the comments in a data base and docs/result-dictionary.md all derive from here. A new table or column is added here, in one line,
with the rule by which it leaves; what is not declared, or declared without a rule, is never part of a redacted result.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property

import numpy as np

from phusong.report import table_rows

__all__ = [
    "FIGURES",
    "GAP_PARTS",
    "PROVENANCE",
    "RASTERS",
    "SCENARIO_TEXTS",
    "TABLES",
    "Column",
    "Leaves",
    "Table",
    "as_words",
    "comments",
    "undeclared",
]

GAP_PARTS = ("gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")
"""Why people are not served, in the order the causes are tested."""


class Leaves(StrEnum):
    """By which rule a column or figure leaves the house."""

    PUBLIC = "public"
    COUNT = "count"
    PARTS = "parts"
    SHARE = "share"
    COARSE = "coarse"
    MONEY = "money"
    KEYS = "keys"
    PLACE = "place"
    DERIVED = "derived"
    REMADE = "remade"
    NEVER = "never"

    @property
    def meaning(self) -> str:
        """What the rule does, in a sentence."""
        return _MEANING[self]


_MEANING: Mapping[Leaves, str] = {
    Leaves.PUBLIC: "leaves as it is",
    Leaves.COUNT: "people: rounded to multiples of the least number shown, never to zero",
    Leaves.PARTS: "people: rounded together so that the parts still sum to the whole",
    Leaves.SHARE: "share of people: made anew from rounded counts",
    Leaves.COARSE: "rounded to two digits (hours: to whole hours)",
    Leaves.MONEY: "summed anew from the mean price of each kind of work",
    Leaves.KEYS: "names of works without the site they stand on",
    Leaves.PLACE: "places of hidden sites are moved to the middle of a square, or withheld",
    Leaves.DERIVED: "tells how far hidden places are: empty as soon as one site is hidden",
    Leaves.REMADE: "made anew from what is shown",
    Leaves.NEVER: "never leaves",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        Of the column; ``*`` stands for any text, as in ``behind_*`` (a column for each operator).
    kind : str
        ``text``, ``words`` (text, or a list of it), ``flag``, ``number``, ``whole``, ``year``, ``class`` (number or text) or ``geometry``.
    unit, meaning : str
        For people.
    leaves : Leaves
        The rule by which it leaves the house.
    required : bool
        Whether a table that has rows must have it.
    gaps, signed, endless : bool
        Whether values may be missing, below zero, or infinite.
    """

    name: str
    kind: str
    unit: str
    meaning: str
    leaves: Leaves
    required: bool = False
    gaps: bool = False
    signed: bool = False
    endless: bool = False


@dataclass(frozen=True)
class Table:
    """One table of a result.

    Parameters
    ----------
    name : str
        Field of :class:`phusong.report.folder.Result`.
    file : str
        Where it stands in the result folder.
    meaning : str
        One sentence.
    columns : tuple of Column
        In the order of the dictionary.
    key : tuple of str
        Columns whose values together tell the rows apart; may be empty.
    refers : mapping of str to str
        What other table's key a column names.
    always : bool
        Whether every result has it with all its required columns, however few its rows.
    strict : bool
        Whether its required numbers may be neither missing nor below zero unless the column says so.
    shown : tuple of str
        The columns that the page lists, in that order.
    """

    name: str
    file: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    refers: Mapping[str, str] = field(default_factory=dict)
    always: bool = False
    strict: bool = False
    shown: tuple[str, ...] = ()

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The columns that a table with rows must have."""
        return tuple(c.name for c in self.columns if c.required)

    @property
    def leaves(self) -> bool:
        """Whether any column of it leaves the house."""
        return any(c.leaves is not Leaves.NEVER for c in self.columns)

    def column(self, name: str) -> Column | None:
        """Return the declaration of a column; None where nobody declared it."""
        if name in self._exact:
            return self._exact[name]
        return next((c for c in self.columns if "*" in c.name and fnmatchcase(name, c.name)), None)

    @cached_property
    def _exact(self) -> dict[str, Column]:
        return {c.name: c for c in self.columns if "*" not in c.name}


def undeclared(table: str, columns: Iterable[str]) -> list[str]:
    """Return what is written of a table without being declared, each with where a developer declares it.

    Parameters
    ----------
    table : str
        Its name, as in :class:`phusong.report.folder.Result`.
    columns : iterable of str
        Those it has.
    """
    where = "declare it in phusong/report/table_rows.py, with its meaning and the rule by which it leaves the house"
    if table not in TABLES:
        return [f"table {table} is not declared: {where}"]
    return [
        f"column {name} of table {table} is not declared: {where}"
        for name in map(str, columns)
        if TABLES[table].column(name) is None
    ]


def comments() -> dict[str, str]:
    """Return what each table means, by its name, and each column, by ``table.column``, with its unit.

    Examples
    --------
    >>> comments()["sites"], comments()["options.capex_musd"]
    ('what each site reaches and how it stands', 'of it, to build [million USD]')
    """
    found = {}
    for table in TABLES.values():
        found[table.name] = table.meaning
        for c in table.columns:
            found[f"{table.name}.{c.name}"] = f"{c.meaning} [{c.unit}]" if c.unit else c.meaning
    return {**found, "options.geometry": "centre of the people it serves"}


def _tables(text: str) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for block in text.strip().split("\n\n"):
        head, *rows = block.splitlines()
        name, file, meaning, marks, key, refers, shown = _cells(head, 7)
        found[name] = Table(
            name=name,
            file=file,
            meaning=meaning,
            columns=tuple(_column(row) for row in rows),
            key=tuple(key.split()),
            refers=dict(pair.split("=") for pair in refers.split()),
            always="always" in marks.split(),
            strict="strict" in marks.split() or "always" in marks.split(),
            shown=tuple(shown.split()),
        )
    return found


def _column(row: str) -> Column:
    name, kind, unit, leaves, meaning = _cells(row, 5)
    return Column(
        name=name.rstrip("!?-+"),
        kind=kind,
        unit=unit,
        meaning=meaning,
        leaves=Leaves(leaves),
        required="!" in name,
        gaps="?" in name,
        signed="-" in name,
        endless="+" in name,
    )


def _cells(row: str, count: int) -> list[str]:
    cells = [c.strip() for c in row.split("|")]
    if len(cells) != count:
        raise ValueError(f"{count} cells expected: {row}")
    return cells


TABLES: Mapping[str, Table] = _tables(table_rows.TABLES)
"""Every table of a result by its name, in the order in which they are written."""

RASTERS: Mapping[str, Column] = {c.name: c for c in map(_column, table_rows.RASTERS.strip().splitlines())}
"""Every raster of a result."""

FIGURES: Mapping[str, Column] = {c.name: c for c in map(_column, table_rows.FIGURES.strip().splitlines())}
"""Every headline figure of summary.json; those inside a group are named ``group.figure``."""

PROVENANCE: Mapping[str, Column] = {
    c.name: c for c in map(_column, table_rows.PROVENANCE.strip().splitlines())
}
"""What provenance.json holds."""

SCENARIO_TEXTS = frozenset(table_rows.SCENARIO_TEXTS.split())
"""Keys of the scenario whose text leaves the house: one of a few known words, or made for readers. Numbers and flags leave too."""


def as_words(value: object) -> list[str]:
    """Return the words of a cell that may be a list, an array or joined text.

    Examples
    --------
    >>> as_words("build;power"), as_words(["build"]), as_words(None)
    (['build', 'power'], ['build'], [])
    """
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return []
    if isinstance(value, str):
        for mark in ";,+|":
            value = value.replace(mark, "\n")
        return [w.strip() for w in value.split("\n") if w.strip()]
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        words = [str(v) for v in value]
        return sorted(words) if isinstance(value, (set, frozenset)) else words
    return [str(value)]
