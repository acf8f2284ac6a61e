"""Read one layer from any file."""

import csv
import gzip
import io
import json
import os
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio

from phusong.errors import InputError, Notice, Problem, nearest_name, plural, refuse, unused_notices
from phusong.io.archive import unpacked
from phusong.io.limits import (
    ESCAPED_FORMULA,
    FORMULA,
    MOST_TABLE_BYTES,
    check_parquet,
    in_one_piece,
    read_bytes,
)
from phusong.region.read.columns import ColumnMap, mapped, read_column_maps
from phusong.region.read.coordinates import PLACE_ALIASES, placed
from phusong.region.read.encoding import UnsureTextError, decode, fold
from phusong.region.read.geometry import check_geopackage, check_shapefile, from_wkt, geojson_for_gdal, shaped
from phusong.region.read.headings import NAME_HEADINGS
from phusong.region.read.kml import read_kml
from phusong.region.read.left_out import LeftRow, left_notices, refuse_too_many, row_problems
from phusong.region.read.privacy import without_personal_data
from phusong.region.read.validate import schema_problems, table_problems
from phusong.region.read.values import typed
from phusong.region.read.workbooks import read_workbook
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, SCHEMAS, key_of

__all__ = [
    "COLUMN_MAP_FILE",
    "DELIMITERS",
    "ENDINGS",
    "MOST_COLUMNS",
    "Opened",
    "Reading",
    "TextTable",
    "headings_for",
    "open_table",
    "opened_for",
    "plain_cells",
    "read_layer",
    "read_table",
    "read_text_table",
    "safe_cells",
    "table_of",
    "table_problems",
    "write_table",
]

DELIMITERS = (",", ";", "\t", "|")
"""Delimiters that are found out."""

MOST_COLUMNS = 10_000
"""Columns a table may have."""

_LONGEST_LINE = 4_000_000  # characters
_TRIED_LINES = 50  # read to find the delimiter
_CHUNK_ROWS = 50_000  # rows held as Python text at once
_SHOWN = 20


@dataclass(frozen=True)
class TextTable:
    """Columns of text, nothing interpreted, and what was converted."""

    frame: pd.DataFrame
    notices: tuple[Notice, ...] = ()


def read_text_table(
    data: bytes,
    where: str,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    skip_lines: int = 0,
    known: Iterable[str] = (),
    one_column: bool = False,
) -> TextTable:
    """Return a table of text from the bytes of a delimited file.

    Parameters
    ----------
    data : bytes
        The whole file.
    where : str
        Its name, for problems.
    encoding : str, optional
        See ``legacy_text.ENCODINGS``; found out when left out.
    delimiter : str, optional
        One character; found out when left out.
    skip_lines : int
        Lines above the header.
    known : iterable of str
        Names expected in the header, which help to find the delimiter.
    one_column : bool
        Whether a table of one column, in which no delimiter stands, is a table.

    Raises
    ------
    InputError
        If the text cannot be decoded, or rows do not have the header's number of values (all of them named).
    """
    notices: list[Notice] = []
    try:
        decoded = decode(data, encoding)
    except UnsureTextError as error:
        raise InputError(Problem(where, str(error))) from None
    if decoded.note:
        notices.append(Notice(where, decoded.note))
    text = decoded.text
    if "\x00" in text:
        raise InputError(Problem(where, "holds zero bytes, so it is no text; save it as CSV UTF-8"))
    text = _below_header(text, skip_lines)
    if text[:4].lower() == "sep=" and delimiter is None:  # what spreadsheets write to tell the delimiter
        hint, _, text = text.partition("\n")
        delimiter = hint.strip("\r\n")[4:5] or None
    if not text.strip():
        raise InputError(Problem(where, "is empty; expected a line of column names and rows below it"))
    mark = delimiter or _delimiter(text, where, known, one_column=one_column)
    if mark != "," and delimiter is None:
        notices.append(Notice(where, f"columns are separated by {_spoken(mark)}"))
    frame, cut = _table(text, mark, where)
    return TextTable(frame, (*notices, *cut))


def _below_header(text: str, skip_lines: int) -> str:
    for _ in range(skip_lines):
        _, _, text = text.partition("\n")
    return text


def _delimiter(text: str, where: str, known: Iterable[str], *, one_column: bool) -> str:
    """Return the delimiter with which the lines have equally many values and the header known names."""
    names = {fold(k) for k in known}
    best, best_score = "", (0.0, 0.0, 0.0)
    for mark in DELIMITERS:
        rows = list(islice(_tolerant_rows(text, mark), _TRIED_LINES))
        if not rows or len(rows[0]) < 2:
            continue
        width = len(rows[0])
        equal = sum(len(r) == width for r in rows) / len(rows)
        score = (float(sum(fold(c) in names for c in rows[0])), equal, float(width))
        if score > best_score:
            best, best_score = mark, score
    if not best and one_column:
        return ","
    if not best:
        raise InputError(
            Problem(
                where,
                "has one column only: no comma, semicolon, tab or | stands between names in its first line",
            )
        )
    return best


def _tolerant_rows(text: str, mark: str) -> Iterator[list[str]]:
    try:
        yield from (row for row in csv.reader(_lines(text), delimiter=mark) if row)
    except csv.Error:
        return


def _lines(text: str) -> Iterator[str]:
    for line in io.StringIO(text, newline=""):
        # a row is held whole before its values can be counted
        if len(line) > _LONGEST_LINE:
            raise csv.Error(f"a line is longer than {_LONGEST_LINE:,} characters")
        yield line


def _table(text: str, mark: str, where: str) -> tuple[pd.DataFrame, list[Notice]]:
    # not pyarrow.csv: ten times as fast, but it reads '"1"x' as 1x and takes the rows behind an open quote for one value
    reader = csv.reader(_lines(text), delimiter=mark, strict=True)
    rows = (row for row in reader if row and (row[0].strip() or any(v.strip() for v in row)))
    problems: list[Problem] = []
    wrong = trailing = read = 0
    chunks: list[pd.DataFrame] = []
    try:
        header = [name.strip() for name in next(rows, [])]
        width = len(header)
        if width > MOST_COLUMNS:
            raise InputError(Problem(where, f"has {width:,} columns; at most {MOST_COLUMNS:,} are read"))
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            for i, row in enumerate(chunk):
                if len(row) > width and not any(v.strip() for v in row[width:]):
                    del row[width:]
                    trailing += 1
                if len(row) != width:
                    wrong += 1
                    if wrong <= _SHOWN:
                        problems.append(_miscounted(row, width, where, read + i + 1))
                    chunk[i] = [""] * width
            read += len(chunk)
            chunks.append(pd.DataFrame(chunk, columns=range(width), dtype="str"))
    except csv.Error as error:
        refuse([*problems, _malformed(error, reader.line_num, where)])
    if wrong > _SHOWN:
        problems.append(Problem(where, f"and {plural(wrong - _SHOWN, 'more row')} with this problem"))
    empty = pd.DataFrame({k: pd.Series([], dtype="str") for k in range(width)})
    frame = pd.concat(chunks, ignore_index=True) if chunks else empty
    frame, notices = _named(frame, header, where, problems)
    refuse(problems)
    if trailing:
        notices.append(Notice(where, "delimiters behind the last column were ignored", rows=trailing))
    return frame, notices


def _miscounted(row: list[str], width: int, where: str, number: int) -> Problem:
    if len(row) < width:
        told = f"has {plural(len(row), 'value')} where the first line names {plural(width, 'column')}; is the file cut off here?"
    else:
        told = (
            f"has {plural(len(row), 'value')} where the first line names {plural(width, 'column')}; "
            "put text that holds the delimiter in double quotes"
        )
    return Problem(where, told, row=number)


def _malformed(error: csv.Error, line: int, where: str) -> Problem:
    if "unexpected end" in str(error):
        return Problem(where, "ends inside double quotes: a quote is not closed, or the file is cut off")
    return Problem(
        where, f"line {line} cannot be read ({error}); double a quote that stands inside quoted text"
    )


def _named(
    frame: pd.DataFrame, header: list[str], where: str, problems: list[Problem]
) -> tuple[pd.DataFrame, list[Notice]]:
    notices = []
    kept = [k for k, name in enumerate(header) if name]
    for k in sorted(set(range(len(header))) - set(kept)):
        if (frame[k].str.strip() != "").any():
            notices.append(Notice(where, f"column {k + 1} has no name and was left out"))
    out = frame[kept]
    out.columns = pd.Index([header[k] for k in kept], dtype="str")
    for name in out.columns[out.columns.duplicated()].unique():
        problems.append(
            Problem(where, "stands twice in the first line; names of columns must differ", column=name)
        )
    return out, notices


def _spoken(mark: str) -> str:
    return {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}.get(mark, repr(mark))


def write_table(frame: Any, path: Path, layer: str) -> Path:  # noqa: ANN401
    """Write a layer in one piece and return the path; the ending tells the kind: .parquet, .gpkg or .csv.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer. Text that a spreadsheet would run as a formula gets an apostrophe before it in .csv, which the
        reader takes off.
    path : Path
        A file in an existing folder; an older file there is replaced.
    layer : str
        A layer of the data dictionary.

    Raises
    ------
    InputError
        If the ending is none of these.
    """
    ending = path.suffix.lower()
    if ending not in _WRITERS:
        raise InputError(
            Problem(path.name, f"is of a kind that is not written; expected one of {', '.join(_WRITERS)}")
        )
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
        work = Path(folder) / path.name
        _WRITERS[ending](frame, work, layer)
        os.replace(work, path)  # noqa: PTH105 - the same call for a file that is there and one that is not
    return path


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose text no spreadsheet runs as a formula.

    Examples
    --------
    >>> safe_cells(pd.DataFrame({"name": ["=1+1", "Bản"]}))["name"].tolist()
    ["'=1+1", 'Bản']
    """
    text = [c for c in frame.columns if pd.api.types.is_string_dtype(frame[c].dtype)]
    return frame.assign(**{str(c): frame[c].str.replace(FORMULA, "'", regex=True) for c in text})


def plain_cells(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return text without the apostrophe that :func:`safe_cells` puts before a formula."""
    return values.str.replace(ESCAPED_FORMULA, "", regex=True)


def _write_parquet(frame: Any, path: Path, _layer: str) -> None:  # noqa: ANN401
    # with sums over its pages, a file that changed on the way is refused
    in_one_piece(frame).to_parquet(path, index=False, write_page_checksum=True)


def _write_gpkg(frame: Any, path: Path, layer: str) -> None:  # noqa: ANN401
    import pyogrio  # noqa: PLC0415 - only this kind of file needs it

    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG")


def _write_csv(frame: Any, path: Path, layer: str) -> None:  # noqa: ANN401
    table = pd.DataFrame(frame)
    if layer in GEOMETRY_LAYERS:
        shapes = gpd.GeoSeries(frame.geometry)
        table = table.drop(columns=["geometry"])
        if SCHEMAS[layer].columns["geometry"].checks[-1].statistics["types"] == ("Point",):
            table = table.assign(east_m=shapes.x.to_numpy(), north_m=shapes.y.to_numpy())
        else:
            table = table.assign(geometry=shapes.to_wkt(rounding_precision=-1).to_numpy(object))
    safe_cells(table).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


_WRITERS = {".parquet": _write_parquet, ".gpkg": _write_gpkg, ".csv": _write_csv}


_TEXT = (".csv", ".tsv", ".txt")
_VECTOR = (".gpkg", ".geojson", ".json", ".shp")
_MARKED = (".kml", ".kmz")
_BOOK = (".xlsx", ".xlsm")
ENDINGS = (*_TEXT, *_BOOK, ".parquet", *_VECTOR, *_MARKED, ".zip", ".gz")
"""Endings of files that can be opened."""

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A table as the file holds it, with or without geometry, and what was said while opening it."""

    frame: Any
    notices: tuple[Notice, ...] = ()


def open_table(
    path: Path,
    layer: str,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    skip_lines: int = 0,
    table: str = "",
    known: Iterable[str] = (),
    mapped: Iterable[str] = (),
) -> Opened:
    """Return a file's table.

    Parameters
    ----------
    path : Path
        The file; its ending tells its kind.
    layer : str
        Chooses among several tables of one file: the one of that name is taken.
    encoding, delimiter, skip_lines, known
        For text: see ``read_text_table``.
    table : str
        Which table of a GeoPackage, sheet of a workbook or file of an archive; the layer's name when left out.
    mapped : iterable of str
        The file's columns that columns.toml names.

    Raises
    ------
    InputError
        If it cannot be read whole, for whatever reason.
    """
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    ending = path.suffix.lower()
    wanted = table or layer

    def from_text(data: bytes) -> Opened:
        read = read_text_table(
            data, path.name, encoding=encoding, delimiter=delimiter, skip_lines=skip_lines, known=known
        )
        # the apostrophe that keeps a spreadsheet from running a cell is none of the text
        marked = b"'" in data
        return Opened(
            read.frame.apply(plain_cells) if marked and len(read.frame) else read.frame, read.notices
        )

    if ending == ".zip":
        with unpacked(path, wanted) as inner:
            return open_table(
                inner,
                layer,
                encoding=encoding,
                delimiter=delimiter,
                skip_lines=skip_lines,
                table=table,
                known=known,
                mapped=mapped,
            )
    readers: dict[tuple[str, ...], Callable[[], Opened]] = {
        (".gz",): lambda: _unzipped(path, from_text),
        _TEXT: lambda: from_text(read_bytes(path)),
        (".parquet",): lambda: _guarded(path, lambda: _parquet(path)),
        _BOOK: lambda: Opened(
            *read_workbook(path, layer, known, table=table, skip_lines=skip_lines, mapped=mapped)
        ),
        _MARKED: lambda: Opened(*read_kml(path)),
        _VECTOR: lambda: _guarded(path, lambda: _vector(path, wanted)),
    }
    reader = next((read for endings, read in readers.items() if ending in endings), None)
    if reader is not None:
        return reader()
    raise InputError(Problem(path.name, f"is of an unknown kind; expected one of {', '.join(ENDINGS)}"))


def _guarded(path: Path, read: Callable[[], Any]) -> Opened:
    """Return what a library reads; whatever it raises over a broken file becomes one problem, what it mutters a notice."""
    try:
        with warnings.catch_warnings(record=True) as muttered:
            warnings.simplefilter("always")
            frame = read()
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken file makes these libraries raise anything
        kind = path.suffix.lower()[1:]
        told = f"cannot be read as {kind}, or is cut off: {' '.join(str(error).split())[:200]}"
        raise InputError(Problem(path.name, told)) from None
    said = sorted(
        {
            " ".join(str(w.message).split())[:200]
            for w in muttered
            if w.category in {RuntimeWarning, UserWarning}
        }
    )
    return Opened(frame, tuple(Notice(path.name, f"while reading: {s}") for s in said))


def _unzipped(path: Path, from_text: Callable[[bytes], Opened]) -> Opened:
    inner = Path(path.stem).suffix.lower()
    if inner not in (*_TEXT, ".geojson", ".json"):
        raise InputError(Problem(path.name, "holds an unknown kind of file; expected .csv.gz or .geojson.gz"))
    data = bytearray()
    try:
        with gzip.open(path) as packed:
            # asked for all at once, it would set aside the most that there may be
            while len(data) <= MOST_TABLE_BYTES and (block := packed.read(_BLOCK)):
                data += block
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            Problem(path.name, f"is no readable gzip file, or is cut off: {str(error)[:100]}")
        ) from None
    if len(data) > MOST_TABLE_BYTES:
        raise InputError(Problem(path.name, f"holds more than {MOST_TABLE_BYTES:,} bytes; split it"))
    if inner in _TEXT:
        return from_text(bytes(data))
    return _guarded(path, lambda: _geojson(bytes(data), path.name))


def _parquet(path: Path) -> Any:  # noqa: ANN401
    check_parquet(path, plain=False)
    frame: Any
    schema = pq.read_schema(path)
    if b"geo" in (schema.metadata or {}):
        frame = gpd.read_parquet(path, page_checksum_verification=True)
    else:
        frame = pd.read_parquet(path, page_checksum_verification=True)
    # bytes are read where they are text, as some write it
    for field in schema:
        if "binary" in str(field.type) and field.name in frame.columns and frame[field.name].dtype == object:
            frame[field.name] = frame[field.name].astype("str")
    named = [n for n in frame.index.names if n is not None and n not in frame.columns]
    return frame.reset_index(drop=not named)


def _vector(path: Path, wanted: str) -> Any:  # noqa: ANN401
    if path.suffix.lower() == ".shp":
        check_shapefile(path)
    if path.suffix.lower() in {".geojson", ".json"}:
        return _geojson(read_bytes(path), path.name)
    if path.suffix.lower() == ".gpkg":
        check_geopackage(path)
    names = [str(n) for n, _ in pyogrio.list_layers(path)]
    if not names:
        raise InputError(Problem(path.name, "holds no table"))
    if len(names) > 1 and wanted not in names:
        told = f"holds several tables ({', '.join(names[:10])}); name one {wanted}, or name it under file.table in columns.toml"
        raise InputError(Problem(path.name, told + nearest_name(wanted, names)))
    chosen = names[0] if len(names) == 1 else wanted
    counted = int(pyogrio.read_info(path, layer=chosen, force_feature_count=True)["features"])
    frame = pyogrio.read_dataframe(path, layer=chosen)
    if len(frame) != counted:
        raise InputError(
            Problem(path.name, f"states {plural(counted, 'row')}, but only {len(frame)} can be read")
        )
    return frame


def _geojson(data: bytes, where: str) -> Any:  # noqa: ANN401
    """Return a GeoJSON's rows, all of them: the driver passes over what is no feature without a word."""
    tree = json.loads(data.decode("utf-8-sig"))
    if not isinstance(tree, dict) or not isinstance(tree.get("features"), list):
        raise InputError(Problem(where, "is no GeoJSON of features: it has no list of features"))
    wrong = [
        i + 1 for i, f in enumerate(tree["features"]) if not isinstance(f, dict) or f.get("type") != "Feature"
    ]
    if wrong:
        raise InputError([Problem(where, "is no feature of GeoJSON", row=i) for i in wrong[:20]])
    frame = pyogrio.read_dataframe(geojson_for_gdal(data, where))
    if len(frame) != len(tree["features"]):
        raise InputError(
            Problem(where, f"holds {len(tree['features'])} features, but only {len(frame)} can be read")
        )
    return frame


COLUMN_MAP_FILE = "columns.toml"
"""Name of the file beside a table that maps its columns."""

_OWN_ENDING = ".parquet"  # what a region is written as: its further columns were told when they came in


@dataclass(frozen=True)
class Reading:
    """A layer as read, and what was converted, filled or left out on the way.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer.
    notices : tuple of Notice
        What was done.
    left : tuple of LeftRow
        Rows that could not be used.
    rows : tuple of int
        Number of each row of the frame in the file.
    absent : tuple of str
        Columns of the layer that the file lacked altogether.
    """

    frame: Any
    notices: tuple[Notice, ...] = ()
    left: tuple[LeftRow, ...] = ()
    rows: tuple[int, ...] = ()
    absent: tuple[str, ...] = ()


def read_table(
    path: Path, layer: str, *, crs: str, columns: ColumnMap | None = None, mend_shapes: bool = False
) -> Any:  # noqa: ANN401 - a frame with or without geometry
    """Return one layer from a file, checked; parameters and errors as for :func:`read_layer`."""
    return read_layer(path, layer, crs=crs, columns=columns, mend_shapes=mend_shapes).frame


def read_layer(
    path: Path,
    layer: str,
    *,
    crs: str,
    columns: ColumnMap | None = None,
    mend_shapes: bool = False,
    leave_out: float | None = None,
) -> Reading:
    """Return one layer from a file and what was changed on the way, checked.

    Parameters
    ----------
    path : Path
        Text (.csv, .tsv, .txt), workbook (.xlsx), Parquet, GeoPackage, GeoJSON, KML, Shapefile, or an archive of one.
        Text with places has ``longitude`` and ``latitude`` in degrees, or ``east_m`` and ``north_m`` in the region's CRS.
    layer : str
        A layer of the data dictionary.
    crs : str
        CRS of the region, to which places are brought.
    columns : ColumnMap, optional
        How the file says what the layer says; a columns.toml beside the file when left out.
    mend_shapes : bool
        Whether polygons that cross themselves are mended rather than refused.
    leave_out : float, optional
        Share of the rows that may be left out because they cannot be used; None: any such row refuses the file.

    Raises
    ------
    InputError
        Naming file, row, column and value of everything wrong.
    """
    by = columns if columns is not None else _map_beside(path).get(layer, ColumnMap())
    opened = opened_for(path, layer, by)
    read = table_of(
        opened.frame,
        path.name,
        layer,
        crs=crs,
        columns=by,
        mend_shapes=mend_shapes,
        leave_out=leave_out,
        tell_unused=leave_out is not None or path.suffix.lower() != _OWN_ENDING,
    )
    return replace(read, notices=(*opened.notices, *read.notices))


def headings_for(layer: str, by: ColumnMap) -> list[str]:
    """Return every heading expected in a file of a layer."""
    names = [a for c in LAYERS[layer] for a in (c.name, *c.aliases)]
    return [*names, *by.columns.values(), *(a for group in PLACE_ALIASES.values() for a in group)]


def opened_for(path: Path, layer: str, by: ColumnMap, *, known: Sequence[str] = ()) -> Opened:
    """Return a file's table as it comes, opened as a column map says.

    Parameters
    ----------
    path, layer, by
        The file, which layer it shall be, how it is written.
    known : sequence of str
        Further headings that may stand in it.
    """
    return open_table(
        path,
        layer,
        encoding=by.file.encoding,
        delimiter=by.file.delimiter,
        skip_lines=by.file.skip_lines,
        table=by.file.table,
        known=[*headings_for(layer, by), *known],
        mapped=tuple(by.columns.values()),
    )


def table_of(
    frame: Any,  # noqa: ANN401
    where: str,
    layer: str,
    *,
    crs: str,
    columns: ColumnMap | None = None,
    mend_shapes: bool = False,
    leave_out: float | None = None,
    tell_unused: bool = False,
    used: Sequence[str] = (),
) -> Reading:
    """Return a layer from a frame that somebody else read (a data base, an importer), checked as a file's is.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Columns by our names or names that mean the same.
    where : str
        What problems call it.
    layer, crs, columns, mend_shapes, leave_out
        As for :func:`read_layer`.
    tell_unused : bool
        Whether columns that answer no question of the layer are named in a notice.
    used : sequence of str
        Columns that somebody else reads.

    Raises
    ------
    InputError
        Naming row, column and value of everything wrong.
    """
    by = columns if columns is not None else ColumnMap()
    whole = frame.reset_index(drop=True)
    whole.columns = pd.Index([str(c) for c in whole.columns])
    rows = np.arange(1, len(whole) + 1)
    left: list[LeftRow] = []
    told: list[Problem] = []
    while True:
        table, problems, notices, absent = _checked(whole, by, layer, where, crs, mend=mend_shapes)
        if not problems:
            break
        bad, of_the_file = row_problems(problems, table, rows.tolist())
        if leave_out is None or of_the_file or not bad:
            raise InputError(told or problems)
        told = told or problems
        left += bad.values()
        refuse_too_many(told, len(left), len(frame), leave_out, where)
        kept = np.setdiff1d(np.arange(len(whole)), list(bad))
        whole, rows = whole.iloc[kept].reset_index(drop=True), rows[kept]
    if tell_unused:
        notices += _unused(table, layer, where, used)
    # rows are told as the file counts them, whatever was left out
    notices = [replace(n, first=tuple(int(rows[i - 1]) for i in n.first)) for n in notices]
    left.sort(key=lambda r: r.row)
    return Reading(table, (*notices, *left_notices(left, layer)), tuple(left), tuple(rows.tolist()), absent)


def _unused(table: Any, layer: str, where: str, used: Sequence[str]) -> list[Notice]:  # noqa: ANN401
    mine = {*_OURS[layer], *used, "geometry"}
    return unused_notices([str(c) for c in table.columns if str(c) not in mine], f"layer {layer}", where)


def _checked(
    frame: Any,  # noqa: ANN401
    by: ColumnMap,
    layer: str,
    where: str,
    crs: str,
    *,
    mend: bool,
) -> tuple[Any, list[Problem], list[Notice], tuple[str, ...]]:
    """Return a table as the layer wants it, everything that is wrong with it, what was changed, and what it lacked."""
    table, problems, notices = mapped(frame, by, layer, where)
    table, told = _keyed(table, layer, where)
    notices += told
    table, wrong, told = without_personal_data(table, layer, where)
    problems += wrong
    notices += told
    table, wrong, told = _with_place(table, layer, where, crs, by, mend=mend)
    problems += wrong
    notices += told
    absent = tuple(c.name for c in LAYERS[layer] if c.name not in table.columns)
    table, wrong, told = typed(table, layer, where)
    notices += told
    by_schema = schema_problems(table, where, layer)
    # a place that was refused is not told a second time as missing
    told_rows = {r for p in problems for r in (p.row, *p.rows)}
    left = [
        p
        for p in by_schema
        if p.column != "geometry" or (p.row not in told_rows and not _placeless(problems))
    ]
    return table, [*problems, *wrong, *left], notices, absent


def _placeless(problems: list[Problem]) -> bool:
    """Return whether a whole column of places was refused."""
    return any(p.row is None and p.column is not None for p in problems)


def _map_beside(path: Path) -> Mapping[str, ColumnMap]:
    beside = path.parent / COLUMN_MAP_FILE
    return read_column_maps(beside) if beside.is_file() else {}


def _keyed(table: Any, layer: str, where: str) -> tuple[Any, list[Notice]]:  # noqa: ANN401
    """Return a table that names its rows by their names, where it has no keys and no two names are alike."""
    key = key_of(layer)
    if key in table.columns or layer not in GEOMETRY_LAYERS or not len(table):
        return table, []
    name = next((c for c in table.columns if fold(c) in NAME_HEADINGS), None)
    if name is None:
        return table, []
    text = table[name].astype("str").str.strip()
    if table[name].isna().any() or (text == "").any() or text.duplicated().any():
        return table, []
    keyed = table.assign(**{key: text})
    if not any(c.name == name for c in LAYERS[layer]):
        keyed = keyed.drop(columns=name)
    return keyed, [Notice(where, f"was read as {key}: the file has no keys, and names differ", name)]


def _with_place(
    table: Any,  # noqa: ANN401
    layer: str,
    where: str,
    crs: str,
    by: ColumnMap,
    *,
    mend: bool,
) -> tuple[Any, list[Problem], list[Notice]]:
    has_shapes = isinstance(table, gpd.GeoDataFrame) and table.active_geometry_name is not None
    if layer not in GEOMETRY_LAYERS:
        if not isinstance(table, gpd.GeoDataFrame):
            return table, [], []
        shapes = [c for c in table.columns if isinstance(table[c].dtype, gpd.array.GeometryDtype)]
        told = [Notice(where, "places were left out: this layer has none")] if shapes else []
        return pd.DataFrame(table.drop(columns=shapes)), [], told
    if has_shapes:
        return shaped(table, layer, where, crs, own_crs=by.file.crs, mend=mend)
    if "geometry" in table.columns:
        table, wrong = from_wkt(table, where, by.file.crs or crs)
        return (table, wrong, []) if wrong else shaped(table, layer, where, crs, mend=mend)
    return placed(pd.DataFrame(table), where, crs, by.file.crs)


_OURS = {layer: frozenset(c.name for c in columns) for layer, columns in LAYERS.items()}
