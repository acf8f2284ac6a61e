"""Vector files of other people, held to what their ending says before GDAL looks at them.

GDAL chooses its driver by content: a file named .gpkg or .geojson may be a virtual one that reads any other file of the
machine, or fetches one. What begins as a SQLite data base or a shapefile does, or holds no ``<``, cannot be taken for one.
"""

import re
import sqlite3
import struct
from pathlib import Path

from phusong.errors import InputError, Problem

__all__ = ["check_geopackage", "check_shapefile", "geojson_for_gdal"]

_SHP_HEADER_BYTES = 100
_DBF_HEADER_BYTES = 32
_SHP_MAGIC = struct.pack(">i", 9994)
_UTF8_MARK = b"\xef\xbb\xbf"

_VIRTUAL = re.compile(
    r"\s*CREATE\s+VIRTUAL\s+TABLE\b(?!.*\bUSING\s+\"?(rtree|fts[345])\b)", re.IGNORECASE | re.DOTALL
)
_GENERATED = re.compile(r"\bGENERATED\s+ALWAYS\b|\bAS\s*\(", re.IGNORECASE)


def geojson_for_gdal(data: bytes, where: str) -> bytes:
    """Return JSON that means the same and can be taken for nothing else.

    Parameters
    ----------
    data : bytes
        The file.
    where : str
        Its name.

    Raises
    ------
    InputError
        If it does not begin as JSON does.
    """
    plain = data.removeprefix(_UTF8_MARK)
    if plain[:1000].lstrip()[:1] != b"{":
        raise InputError(Problem(where, "is no GeoJSON: it does not begin with {"))
    # in JSON this sign stands in text alone, where it may be written so
    return plain.replace(b"<", b"\\u003c")


def check_geopackage(path: Path, *, every_page: bool = True) -> None:
    """Refuse a database that computes, that is shorter than it says, or whose pages contradict each other.

    Parameters
    ----------
    path : Path
        The file.
    every_page : bool
        Whether every page is looked at, which takes its time in a file of gigabytes.

    Raises
    ------
    InputError
        If it is refused; what SQLite raises over a broken file passes through.
    """
    with path.open("rb") as file:
        head = file.read(100)
    if head[:16] != b"SQLite format 3\x00":
        raise InputError(Problem(path.name, "is no GeoPackage (no SQLite data base)"))
    uri = f"file:{path.resolve().as_posix().replace('?', '%3f').replace('#', '%23')}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        _plain_tables(connection, path.name)
        answer = "ok"
        if every_page:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    finally:
        connection.close()
    if answer != "ok":
        raise InputError(Problem(path.name, f"is a broken GeoPackage, or is cut off: {answer[:100]}"))


def _plain_tables(connection: sqlite3.Connection, where: str) -> None:
    """Refuse what computes rather than holds: a view may never end, a virtual table may read another file."""
    computing = [
        (name, kind)
        for name, kind, sql in connection.execute("SELECT name, type, sql FROM sqlite_master")
        if kind == "view" or _VIRTUAL.match(str(sql)) or (kind == "table" and _GENERATED.search(str(sql)))
    ]
    if computing:
        raise InputError(
            [
                Problem(
                    where,
                    "is no plain table but a view, virtual or generated; export it as a table",
                    value=name,
                )
                for name, _ in computing[:20]
            ]
        )


def check_shapefile(path: Path) -> None:
    """Refuse what is no shapefile, or one whose parts are missing or shorter than they say.

    Raises
    ------
    InputError
        If it is refused.
    """
    with path.open("rb") as file:
        if file.read(4) != _SHP_MAGIC:
            raise InputError(Problem(path.name, "is no shapefile"))
    beside = {p.suffix.lower(): p for p in path.parent.iterdir() if p.stem == path.stem}
    missing = [e for e in (".shx", ".dbf") if e not in beside]
    if missing:
        raise InputError(
            Problem(path.name, f"lacks its {' and '.join(missing)} file; give all parts of the shapefile")
        )
    problems = []
    for ending in (".shp", ".shx"):
        head = _head(beside[ending], _SHP_HEADER_BYTES) if ending in beside else b""
        stated = 2 * struct.unpack(">i", head[24:28])[0] if len(head) == _SHP_HEADER_BYTES else -1
        if stated != beside[ending].stat().st_size:
            problems.append(Problem(beside[ending].name, f"is cut off: it states {stated} bytes"))
    head = _head(beside[".dbf"], _DBF_HEADER_BYTES)
    if len(head) < _DBF_HEADER_BYTES:
        problems.append(Problem(beside[".dbf"].name, "is cut off"))
    else:
        rows, start, width = struct.unpack("<IHH", head[4:12])
        if beside[".dbf"].stat().st_size < start + rows * width:
            problems.append(
                Problem(beside[".dbf"].name, f"is cut off: it states {rows} rows of {width} bytes")
            )
        shapes = (beside[".shx"].stat().st_size - _SHP_HEADER_BYTES) // 8
        if rows != shapes:
            problems.append(Problem(path.name, f"has {shapes} shapes, but its .dbf has {rows} rows"))
    if problems:
        raise InputError(problems)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)
