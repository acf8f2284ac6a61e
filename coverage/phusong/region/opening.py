"""Files of tables opened as they come: text, workbooks, Parquet, GeoPackage, GeoJSON, KML, Shapefile, alone or packed."""

import gzip
import json
import warnings
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq
import pyogrio

from phusong.bounded import MOST_TABLE_BYTES, read_bytes
from phusong.errors import InputError, Problem, nearest_name
from phusong.parquet_files import check_parquet
from phusong.region.archive import unpacked
from phusong.region.kml_files import read_kml
from phusong.region.notices import Notice
from phusong.region.text_table import read_text_table
from phusong.region.vector_files import check_geopackage, check_shapefile, geojson_for_gdal
from phusong.region.workbooks import read_workbook
from phusong.region.writing import plain_cells

__all__ = ["ENDINGS", "Opened", "open_table"]

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
        raise InputError(Problem(path.name, f"states {counted} rows, but only {len(frame)} can be read"))
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
