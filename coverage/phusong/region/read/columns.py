"""User column mapping and units."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import Notice, Problem, nearest_name, refuse
from phusong.io.limits import toml_tree
from phusong.region.read.encoding import ENCODINGS, fold
from phusong.region.read.headings import UNITS, column_of, convert
from phusong.region.read.values import first_rows, measures_of, numbers_of
from phusong.region.schema import GEOMETRY_LAYERS, KINDS, LAYERS

__all__ = [
    "EXAMPLE",
    "PLACE_COLUMNS",
    "RECORD_LAYERS",
    "ColumnMap",
    "FileFormat",
    "counted_kinds",
    "kinds_of",
    "mapped",
    "read_column_maps",
    "said_kinds",
    "stamped",
]

PLACE_COLUMNS = ("longitude", "latitude", "east_m", "north_m", "geometry")
"""Columns that become the geometry of a layer."""

EXAMPLE = """\
[sites.columns]               # our column = the file's
site_id = "Mã trạm"
longitude = "Kinh độ"
latitude = "Vĩ độ"
height_m = "Chiều cao cột (ft)"
structure = "Loại cột"

[sites.units]                 # the unit that the file uses
height_m = "ft"

[sites.words.structure]       # the file's word = ours
"Cột dây co" = "mast"
"Cột tự đứng" = "tower"

[sites.constants]             # the same in every row
owner = "vnpt"

[sites.file]                  # only where it cannot be found out
encoding = "tcvn3"
delimiter = ";"
"""
"""A columns.toml that works, for the documentation and its test."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FileFormat(_Table):
    """How the file is written, where that cannot be found out."""

    encoding: Literal["utf-8", "utf-16", "cp1258", "cp1252", "tcvn3", "vni"] | None = Field(
        None, description="Encoding of the text."
    )
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(
        None, description="What stands between values."
    )
    skip_lines: Annotated[int, Field(ge=0, le=1000)] = Field(
        0, description="Lines above the line of column names."
    )
    crs: str = Field(
        "", description="CRS of east_m and north_m, or of a file that states none, e.g. EPSG:3405."
    )

    @field_validator("crs")
    @classmethod
    def _is_known(cls, crs: str) -> str:
        try:
            return crs if crs == "" else str(CRS.from_user_input(crs) and crs)
        except CRSError:
            raise ValueError("is no known coordinate reference system; expected e.g. EPSG:3405") from None

    table: str = Field("", description="Which table of a GeoPackage or which file of an archive.")


class ColumnMap(_Table):
    """One layer's table of columns.toml."""

    columns: Mapping[str, str] = Field(default_factory=dict, description="Our column = the file's.")
    constants: Mapping[str, str | float | int | bool] = Field(
        default_factory=dict, description="Our column = the value of every row."
    )
    units: Mapping[str, str] = Field(
        default_factory=dict, description="Our column = the unit that the file uses."
    )
    words: Mapping[str, Mapping[str, str]] = Field(
        default_factory=dict, description="For one of our columns: the file's word = ours."
    )
    operators: Mapping[str, str] = Field(
        default_factory=dict,
        description="Whose cells the masts of an owner carry: the file's owner (or network) = our operator; "
        "`none`: masts without cells of their own. (empty) stands for no owner.",
    )
    file: FileFormat = Field(default_factory=FileFormat, description="How the file is written.")


def read_column_maps(path: Path) -> Mapping[str, ColumnMap]:
    """Return the column maps of a columns.toml by layer.

    Raises
    ------
    InputError
        Naming every unknown layer, key, column and unit, with the nearest known name.
    """
    tree = toml_tree(path)
    problems: list[Problem] = []
    maps: dict[str, ColumnMap] = {}
    for layer, part in tree.items():
        if layer not in LAYERS:
            problems.append(Problem(path.name, f"is no layer{nearest_name(layer, LAYERS)}", column=layer))
            continue
        try:
            found = ColumnMap.model_validate(part)
        except ValidationError as error:
            problems += [_problem(e, path.name, layer) for e in error.errors()]
            continue
        problems += _unknown(found, layer, path.name)
        maps[layer] = found
    refuse(problems)
    return maps


def mapped(
    frame: pd.DataFrame, by: ColumnMap, layer: str, where: str
) -> tuple[pd.DataFrame, list[Problem], list[Notice]]:
    """Return a table with the columns, units and words of a layer, as a column map says.

    Parameters
    ----------
    frame : DataFrame
        As read; its other columns stay as they are.
    by : ColumnMap
        The map.
    layer, where : str
        Which layer; the file's name.
    """
    problems = [
        Problem("columns.toml", p.what, p.row, p.column, p.value) for p in _unknown(by, layer, "columns.toml")
    ]
    if problems:
        return frame, problems, []
    names = {fold(c): str(c) for c in frame.columns}
    exact = {str(c): str(c) for c in frame.columns}
    out = frame.copy()
    found: dict[str, Any] = {}
    for ours, theirs in by.columns.items():
        name = exact.get(theirs) or names.get(fold(theirs))
        if name is None:
            told = f"is not in the file, but columns.toml names it for {ours}{nearest_name(theirs, exact)}"
            problems.append(Problem(where, told, column=theirs))
        else:
            found[ours] = frame[name]
    used = {exact.get(t) or names.get(fold(t)) for t in by.columns.values()}
    out = out.drop(columns=[c for c in out.columns if str(c) in used or str(c) in found])
    notices = [Notice(where, f"was read as {ours}, as columns.toml says", by.columns[ours]) for ours in found]
    for ours, values in found.items():
        out[ours] = values
    out, stated, read_as = _renamed(out, layer, where)
    notices += read_as
    for ours, constant in by.constants.items():
        out[ours] = pd.Series(
            [constant] * len(out), index=out.index, dtype="str" if isinstance(constant, str) else None
        )
        notices.append(Notice(where, f"{constant} in every row, as columns.toml says", ours))
    for ours, words in by.words.items():
        if ours in out.columns:
            out[ours] = _reworded(out[ours], words)
    said = {**stated, **by.units}
    out, wrong, read_as, done = _measured(out, layer, where, said, {str(c) for c in frame.columns})
    problems += wrong
    notices += read_as
    for ours, unit in said.items():
        if ours in out.columns and ours not in done:
            out[ours], wrong = _in_our_unit(out[ours], ours, unit, layer, where)
            problems += wrong
            says = "columns.toml" if ours in by.units else "its heading"
            notices.append(Notice(where, f"was converted from {unit}, as {says} says", ours))
    return out, problems, notices


def _measured(
    table: Any,  # noqa: ANN401
    layer: str,
    where: str,
    said: Mapping[str, str],
    headings: set[str],
) -> tuple[Any, list[Problem], list[Notice], set[str]]:
    """Return a table whose columns with units beside numbers hold numbers in our units, and which these are."""
    problems: list[Problem] = []
    notices: list[Notice] = []
    done = set()
    out = table
    for column in LAYERS[layer]:
        name = column.name
        if not column.unit or name not in table.columns:
            continue
        found = measures_of(
            table[name], column.unit, stated=said.get(name, ""), named=name in headings,
            whole=column.kind == "whole", least=column.least, most=column.most,
        )  # fmt: skip
        if found is None:
            continue
        done.add(name)
        read = found.numbers
        if read.doubt:
            problems.append(Problem(where, read.doubt, column=name))
            continue
        units = ", ".join((column.unit, *UNITS[column.unit]))
        without = "has no unit, while others of the column have another than ours: write it behind the number"
        for bad, what in (
            (found.strange, f"has no unit of {column.meaning}: one of {units}"),
            (found.bare, f"{without} (one of {units})"),
            (read.wrong, f"is no number ({column.meaning})"),
            (
                ~(read.wrong | read.empty | found.strange | found.bare) & ~np.isfinite(read.number),
                f"cannot be converted to {column.unit}",
            ),
        ):
            problems += first_rows(bad, table[name], where, name, what)
        number = read.number.round(6) if column.kind == "whole" else read.number
        out = out.assign(**{name: pd.Series(number, index=table.index)})
        notices += [Notice(where, note, name) for note in (found.note, read.note) if note]
    return out, problems, notices, done


def _renamed(table: Any, layer: str, where: str) -> tuple[Any, dict[str, str], list[Notice]]:  # noqa: ANN401
    """Return a table with our names where a heading means the same, and the units that headings state."""
    columns = {c.name: c for c in LAYERS[layer]}
    units = {name: c.unit for name, c in columns.items() if c.unit}
    known = {fold(n): c.name for c in LAYERS[layer] for n in (c.name, *c.aliases)}
    theirs: dict[str, tuple[str, str, int]] = {}
    for place, name in enumerate(table.columns):
        if str(name) in columns or str(name) == "geometry":
            continue
        ours, unit = column_of(str(name), known, units)
        if not ours or ours in table.columns:
            continue
        # of several headings for one column, the one that stands first in our list is meant
        order = [fold(ours), *columns[ours].aliases]
        stem = fold(name) if fold(name) in order else fold(name).rpartition("_")[0]
        rank = order.index(stem) * 10_000 + place
        if ours not in theirs or rank < theirs[ours][2]:
            theirs[ours] = (str(name), unit, rank)
    notices = [Notice(where, f"was read as {ours}", name) for ours, (name, _, _) in theirs.items()]
    renamed = table.rename(columns={name: ours for ours, (name, _, _) in theirs.items()})
    stated = {ours: unit for ours, (_, unit, _) in theirs.items() if unit and unit != units[ours]}
    return renamed, stated, notices


def _reworded(values: "pd.Series[Any]", words: Mapping[str, str]) -> "pd.Series[Any]":
    known = {fold(k): v for k, v in words.items()}
    change = {v: known[fold(v)] for v in values.dropna().unique() if fold(v) in known}
    return values.astype(object).replace(change) if change else values


def _in_our_unit(
    values: "pd.Series[Any]", ours: str, unit: str, layer: str, where: str
) -> tuple["pd.Series[Any]", list[Problem]]:
    column = next(c for c in LAYERS[layer] if c.name == ours)
    read = numbers_of(values)
    if read.doubt:
        return values, [Problem(where, read.doubt, column=ours)]
    problems = first_rows(read.wrong, values, where, ours, f"is no number ({column.meaning}, {unit})")
    converted = convert(read.number, column.unit, unit)
    lost = ~read.wrong & ~read.empty & ~np.isfinite(converted)
    problems += first_rows(lost, values, where, ours, f"cannot be converted from {unit} to {column.unit}")
    if column.kind == "whole":
        converted = converted.round(6)
    return pd.Series(converted, index=values.index), problems


def _unknown(by: ColumnMap, layer: str, where: str) -> list[Problem]:
    columns = {c.name: c for c in LAYERS[layer]}
    places = PLACE_COLUMNS if layer in GEOMETRY_LAYERS else ()
    problems = []
    for table, names, known in (
        ("columns", by.columns, (*columns, *places)),
        ("constants", by.constants, tuple(columns)),
        ("words", by.words, tuple(n for n, c in columns.items() if c.kind in {"text", "flag"})),
        ("units", by.units, tuple(n for n, c in columns.items() if c.unit)),
    ):
        problems += _strange(names, known, f"{layer}.{table}", where)
    for name, unit in by.units.items():
        if name in columns and columns[name].unit:
            own = columns[name].unit
            known = (own, *UNITS.get(own, {}))
            if unit not in known:
                told = f"is no unit of {name}; expected one of {', '.join(known)}"
                problems.append(Problem(where, told, column=f"{layer}.units.{name}", value=unit))
    twice = set(by.columns) & set(by.constants)
    problems += [
        Problem(where, "is both a column of the file and a constant", column=f"{layer}.constants.{n}")
        for n in sorted(twice)
    ]
    return problems


def _strange(names: Iterable[str], known: tuple[str, ...], table: str, where: str) -> list[Problem]:
    return [
        Problem(where, f"is no column that can stand there{nearest_name(n, known)}", column=f"{table}.{n}")
        for n in names
        if n not in known
    ]


def _problem(error: Any, where: str, layer: str) -> Problem:  # noqa: ANN401 - pydantic's error
    place = [str(p) for p in error["loc"]]
    if error["type"] == "extra_forbidden":
        fields = FileFormat.model_fields if place[:-1] == ["file"] else ColumnMap.model_fields
        return Problem(
            where, f"is no known key{nearest_name(place[-1], fields)}", column=".".join([layer, *place])
        )
    told = str(error["msg"]).removeprefix("Value error, ")
    if place[-1:] == ["encoding"]:
        told = f"is no known encoding; expected one of {', '.join(ENCODINGS)}"
    return Problem(where, told, column=".".join([layer, *place]), value=error.get("input"))


_COLUMN = "record_kind"

RECORD_LAYERS = tuple(layer for layer, columns in LAYERS.items() if any(c.name == _COLUMN for c in columns))
"""Layers whose records may each say how they came to be."""


def kinds_of(table: Any, layer_kind: str) -> npt.NDArray[np.str_]:  # noqa: ANN401 - with or without geometry
    """Return the kind of each record: its own word, else its layer's.

    Examples
    --------
    >>> import pandas as pd
    >>> kinds_of(pd.DataFrame({"record_kind": ["", "modelled"]}), "measured").tolist()
    ['measured', 'modelled']
    """
    if _COLUMN not in table.columns:
        return np.full(len(table), layer_kind)
    own = table[_COLUMN].to_numpy(object).astype(str)
    whole = np.full(len(table), layer_kind, dtype=object)
    if "modelled" in table.columns:  # a settlement whose place is drawn is none that somebody saw
        whole[table["modelled"].to_numpy(bool)] = "modelled"
    return np.where(own == "", whole, own).astype(str)


def stamped(table: Any, kinds: str | npt.NDArray[np.str_]) -> Any:  # noqa: ANN401
    """Return a table whose records say how they came to be, whatever layer they are put into.

    Parameters
    ----------
    table : DataFrame or GeoDataFrame
        Records.
    kinds : str or ndarray of str
        Kind of all, or of each. A record's own word goes before that of all.
    """
    return table.assign(**{_COLUMN: kinds_of(table, kinds) if isinstance(kinds, str) else kinds})


def counted_kinds(kinds: npt.NDArray[np.str_]) -> Mapping[str, int]:
    """Return how many records are of each kind, best first.

    Examples
    --------
    >>> dict(counted_kinds(np.array(["modelled", "measured", "measured"])))
    {'measured': 2, 'modelled': 1}
    """
    names, count = np.unique(kinds, return_counts=True)
    found = dict(zip(names.tolist(), count.tolist(), strict=True))
    return {k: found[k] for k in KINDS if k in found}


def said_kinds(counts: Mapping[str, int]) -> str:
    """Return counts of kinds for people.

    Examples
    --------
    >>> said_kinds({"measured": 1081, "modelled": 32})
    '1,081 measured, 32 modelled'
    """
    return ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
