"""What a column of a layer is: the pandera column that declares it, and the plain value that readers look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import shapely

__all__ = ["KINDS", "Column", "flag", "key", "kind_of_record", "number", "shape", "text", "view", "whole"]

KINDS = ("measured", "official", "modelled", "assumed")
"""How a layer, or one record of it, came to be; best first."""


@dataclass(frozen=True)
class Column:
    """One column of a layer, read off its pandera column.

    Parameters
    ----------
    name, meaning : str
        With the unit in the name.
    kind : str
        ``text``, ``number``, ``whole`` or ``flag``.
    least, most : float or None
        Limits, inclusive.
    among : tuple of str
        Allowed words; empty: any.
    rest : str
        The allowed word for every word that is not known; empty: such words are refused.
    default : object
        Filled in when a file lacks the column or a row its value; None: it must be there.
    unit : str
        Of a number; empty: none.
    aliases : tuple of str
        Other names of the same thing, as users and other projects write them (folded: see ``headings``).
    words : mapping
        Other words for the allowed ones, in lower case.
    refers : str
        ``layer.column`` whose value it names; an empty value names nothing where the default is empty.
    many : bool
        Whether it may name several, separated by ``;``.
    key : bool
        Whether it tells the rows apart.
    digits : int
        Of a code whose leading zeros a spreadsheet may have lost; 0: none.
    """

    name: str
    kind: str
    meaning: str
    least: float | None = None
    most: float | None = None
    among: tuple[str, ...] = ()
    default: Any = None
    unit: str = ""
    aliases: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""
    refers: str = ""
    many: bool = False
    key: bool = False
    digits: int = 0


def text(
    meaning: str,
    *,
    among: Sequence[str] = (),
    default: str | None = None,
    words: Mapping[str, str] | None = None,
    refers: str = "",
    many: bool = False,
    rest: str = "",
    digits: int = 0,
    checks: Sequence[Any] = (),
) -> Any:  # noqa: ANN401 - pandera carries no types
    """Return a column of text; parameters as in :class:`Column`, and further pandera checks."""
    limits = [pa.Check.isin(list(among))] if among else []
    about = {
        "kind": "text",
        "words": dict(words or {}),
        "refers": refers,
        "many": many,
        "rest": rest,
        "digits": digits,
    }
    return pa.Column(str, [*limits, *checks], description=meaning, default=default, metadata=about)


def key(meaning: str, *, digits: int = 0) -> Any:  # noqa: ANN401
    """Return the column that tells the rows of a layer apart: there, not blank, never twice."""
    blank = pa.Check(lambda s: s.str.strip() != "", name="not_blank")
    about = {"kind": "text", "key": True, "digits": digits}
    return pa.Column(
        str,
        [blank],
        unique=True,
        report_duplicates="exclude_first",
        description=meaning,
        metadata=about,
    )


def number(
    meaning: str,
    unit: str,
    least: float | None = None,
    most: float | None = None,
    *,
    default: float | None = None,
) -> Any:  # noqa: ANN401
    """Return a column of decimals; parameters as in :class:`Column`."""
    about = {"kind": "number", "unit": unit}
    checks = [pa.Check(lambda s: np.isfinite(s), name="finite"), *_limits(least, most)]  # noqa: PLW0108
    return pa.Column(float, checks, description=meaning, default=default, metadata=about)


def whole(
    meaning: str,
    unit: str,
    least: float | None = None,
    most: float | None = None,
    *,
    default: int | None = None,
) -> Any:  # noqa: ANN401
    """Return a column of whole numbers; parameters as in :class:`Column`."""
    about = {"kind": "whole", "unit": unit}
    return pa.Column("int64", _limits(least, most), description=meaning, default=default, metadata=about)


def flag(meaning: str, *, default: bool) -> Any:  # noqa: ANN401
    """Return a column of yes and no; parameters as in :class:`Column`."""
    return pa.Column(bool, description=meaning, default=default, metadata={"kind": "flag"})


def kind_of_record() -> Any:  # noqa: ANN401
    """Return the column that says how a record came to be, where it is not as its whole layer."""
    return text(
        "how the record came to be; empty: as its layer (region.toml)", among=("", *KINDS), default=""
    )


def shape(*types: str) -> Any:  # noqa: ANN401
    """Return the geometry column of a layer whose rows are of these types (``Point``, ``Polygon``, …)."""
    checks = [
        pa.Check(_is_there, name="has_shape", ignore_na=False),
        pa.Check(_is_valid, name="valid_shape", ignore_na=False),
        pa.Check(_is_of(types), name="shape_type", ignore_na=False, statistics={"types": types}),
    ]
    return pa.Column(checks=checks, nullable=True, description="place", metadata={"kind": "geometry"})


def view(column: Any, *, aliases: Sequence[str] = ()) -> Column:  # noqa: ANN401
    """Return the plain value of a pandera column made here; its other headings stand in a table of their own."""
    limits = {c.name: c.statistics or {} for c in column.checks}
    about = dict(column.metadata)
    return Column(
        name=str(column.name),
        meaning=str(column.description),
        least=limits.get("greater_than_or_equal_to", {}).get("min_value"),
        most=limits.get("less_than_or_equal_to", {}).get("max_value"),
        among=tuple(limits.get("isin", {}).get("allowed_values", ())),
        default=column.default,
        aliases=tuple(aliases),
        **about,
    )


def _limits(least: float | None, most: float | None) -> list[Any]:
    low = [] if least is None else [pa.Check.ge(least)]
    return low if most is None else [*low, pa.Check.le(most)]


def _shapes(values: "pd.Series[Any]") -> Any:  # noqa: ANN401
    return np.asarray(values.to_numpy(), dtype=object)


def _is_there(values: "pd.Series[Any]") -> "pd.Series[bool]":
    shapes = _shapes(values)
    usable = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    usable[usable] = np.isfinite(shapely.bounds(shapes[usable])).all(axis=1)
    return pd.Series(usable, index=values.index)


def _is_valid(values: "pd.Series[Any]") -> "pd.Series[bool]":
    shapes = _shapes(values)
    # what is missing or empty is told by another check
    return pd.Series(shapely.is_valid(shapes) | ~_is_there(values).to_numpy(), index=values.index)


def _is_of(types: Sequence[str]) -> Any:  # noqa: ANN401
    wanted = [int(shapely.GeometryType[t.upper()]) for t in types]

    def check(values: "pd.Series[Any]") -> "pd.Series[bool]":
        found = shapely.get_type_id(_shapes(values))
        return pd.Series(np.isin(found, [-1, *wanted]), index=values.index)

    return check
