"""Layers from PostGIS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.io.postgis import connected, driver_of, postgis_schema, reason, reference_systems, server_error
from phusong.region.read.columns import ColumnMap, read_column_maps
from phusong.region.read.table import COLUMN_MAP_FILE, Reading, table_of
from phusong.region.schema import LAYERS

if TYPE_CHECKING:
    import sqlalchemy
    from psycopg import sql

__all__ = ["Stored", "layers_from_postgis", "read_stored", "relation_of", "stored_layers"]

_PART = re.compile(r'\s*(?:"((?:[^"\x00]|"")+)"|([^\W\d]\w*))\s*(\.|$)')
_SHAPE_NAMES = ("geometry", "geom", "the_geom", "shape", "wkb_geometry")


def relation_of(text: str, where: str) -> tuple[str, ...]:
    """Return the parts of ``table`` or ``schema.table`` as the data base spells them; empty for no text.

    Names without quotation marks are folded to small letters, as SQL does.

    Raises
    ------
    InputError
        If it is no such name.

    Examples
    --------
    >>> relation_of('planning."Trạm BTS"', "here")
    ('planning', 'Trạm BTS')
    """
    parts: list[str] = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        if found is None or (found[3] == "." and found.end() == len(text)):
            parts = []
            break
        parts.append(found[1].replace('""', '"') if found[1] is not None else found[2].lower())
        at = found.end()
    if text and not 1 <= len(parts) <= 2:
        raise InputError(
            Problem(
                where,
                'must be a table or view as schema.table (with "…" around names in capitals or with spaces)',
                value=text,
            )
        )
    return tuple(parts)


def _selection(
    connection: "sqlalchemy.Connection", stored: "Stored"
) -> tuple["sql.Composed", list[str], str | None]:
    """Return the SELECT that reads a table, a view or a query, its columns, and which of them is the shape.

    It is put together by psycopg: SQLAlchemy's text would take :name and % in a planner's query for parameters.
    """
    from psycopg import sql  # noqa: PLC0415 - an extra

    where = stored.where
    if stored.table:
        parts = relation_of(stored.table, where)
        _check_exists(connection, parts, where)
        inner: sql.Composable = sql.Identifier(*parts)
    else:
        if "\x00" in stored.query:
            raise InputError(Problem(where, "holds a character that no query holds (NUL)"))
        # in brackets only a SELECT is possible; the line end closes a comment
        inner = sql.SQL("({}\n)").format(sql.SQL(stored.query.rstrip().removesuffix(";")))
    columns = _columns(connection, inner, where)
    kinds = connection.exec_driver_sql(
        "SELECT t.oid FROM pg_type t JOIN pg_extension e ON e.extname = 'postgis' "
        "AND e.extnamespace = t.typnamespace WHERE t.typname IN ('geometry', 'geography')"
    ).scalars()
    shape_types = set(kinds)
    shapes = [name for name, kind in columns if kind in shape_types]
    shape = next((n for n in (*_SHAPE_NAMES, *shapes[:1]) if n in shapes), None)
    if len(shapes) > 1 and shape not in _SHAPE_NAMES:
        raise InputError(Problem(where, f"has several shapes ({', '.join(shapes)}); name one in a query"))
    names = [name for name, _ in columns if name == shape or name not in shapes]
    listed = sql.SQL(", ").join(sql.Identifier("layer", name) for name in names)
    statement = sql.SQL("SELECT {} FROM {} AS layer").format(listed, inner)
    return statement, names, shape


def _columns(
    connection: "sqlalchemy.Connection", inner: "sql.Composable", where: str
) -> list[tuple[str, int]]:
    """Return names and types of the columns; preparing refuses everything but one statement."""
    from psycopg import pq, sql  # noqa: PLC0415 - an extra

    driver = driver_of(connection)
    text = sql.SQL("SELECT * FROM {} AS layer").format(inner).as_bytes(driver)
    prepared = driver.pgconn.prepare(b"", text)
    if prepared.status == pq.ExecStatus.COMMAND_OK:
        prepared = driver.pgconn.describe_prepared(b"")
    if prepared.status != pq.ExecStatus.COMMAND_OK:
        said = (prepared.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"no reason given").decode(
            "utf-8", "replace"
        )
        raise InputError(
            Problem(
                where,
                f"is not accepted: {said}. A query is one SELECT without a semicolon; the data base's own words "
                "stand above",
            )
        )
    columns = [
        ((prepared.fname(i) or b"").decode("utf-8", "replace"), prepared.ftype(i))
        for i in range(prepared.nfields)
    ]
    names = [name for name, _ in columns]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise InputError(
            Problem(where, f"gives {', '.join(twice)} twice; name each column once (a.x AS x, b.x AS y)")
        )
    if not columns:
        raise InputError(Problem(where, "gives no columns"))
    return columns


def _check_exists(connection: "sqlalchemy.Connection", parts: tuple[str, ...], where: str) -> None:
    rows = connection.exec_driver_sql(
        "SELECT n.nspname, c.relname, pg_table_is_visible(c.oid) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
        "ORDER BY 1, 2"
    ).all()
    known = {(str(schema), str(name)) for schema, name, _ in rows} | {
        (str(name),) for _, name, visible in rows if visible
    }
    if parts in known:
        return
    whole = ".".join(parts)
    names = sorted(".".join(k) for k in known)
    near = nearest_name(whole, names)
    if not near:
        # the same table in another schema is the likeliest slip
        same = [".".join(k) for k in sorted(known) if k[-1] == parts[-1]]
        near = f" (did you mean {same[-1]}?)" if same else ""
    raise InputError(Problem(where, f"is no table or view that this user can see{near}", value=whole))


_ROWS_AT_ONCE = 20_000
_KEYS = ("url", "statement_timeout_s", "connect_timeout_s")


@dataclass(frozen=True)
class Stored:
    """One layer that lies in a data base.

    Parameters
    ----------
    layer : str
        A layer of the data dictionary.
    url : str
        ``postgresql://user@host:port/database``, without a password.
    table, query : str
        A table or view (``schema.table``), or one SELECT; exactly one of them is given.
    timeout_s, connect_s : float
        Longest time of a statement and of connecting. [s]
    """

    layer: str
    url: str
    table: str = ""
    query: str = ""
    timeout_s: float = 300.0
    connect_s: float = 10.0

    @property
    def where(self) -> str:
        """What problems call it."""
        return f"region.toml layers.{self.layer}"


def stored_layers(tree: Mapping[str, Any]) -> tuple[Stored, ...]:
    """Return the layers that a region.toml says lie in a data base.

    Parameters
    ----------
    tree : mapping
        A region.toml: ``[postgis] url = "postgresql://…"``, and ``table`` or ``query`` (and a ``postgis`` address
        of its own where it differs) under ``[layers.NAME]``.

    Raises
    ------
    InputError
        Naming everything that is wrong in it.
    """
    head = tree.get("postgis", {})
    layers = tree.get("layers", {})
    if not isinstance(head, Mapping) or not isinstance(layers, Mapping):
        raise InputError(Problem("region.toml", "must hold [postgis] and [layers.…] as tables"))
    problems = [
        Problem(
            "region.toml",
            f"is no key{nearest_name(k, _KEYS)}; there are {', '.join(_KEYS)}",
            column=f"postgis.{k}",
        )
        for k in head
        if k not in _KEYS
    ]
    times = {}
    for key, least in (("statement_timeout_s", 300.0), ("connect_timeout_s", 10.0)):
        value = head.get(key, least)
        right = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 86_400
        if not right:
            problems.append(
                Problem("region.toml", "must be seconds, above 0", column=f"postgis.{key}", value=value)
            )
        times[key] = float(value) if right else least
    out = []
    for name, entry in layers.items():
        if not isinstance(entry, Mapping) or not {"table", "query"} & entry.keys():
            continue
        where = f"layers.{name}"
        url = entry.get("postgis", head.get("url", ""))
        table, query = (str(entry.get(k, "")).strip() for k in ("table", "query"))
        if name not in LAYERS:
            problems.append(Problem("region.toml", f"is no layer{nearest_name(name, LAYERS)}", column=where))
        if bool(table) == bool(query):
            problems.append(Problem("region.toml", "needs either a table or a query", column=where))
        if not isinstance(url, str) or not url:
            problems.append(
                Problem(
                    "region.toml",
                    'needs an address: [postgis] url = "postgresql://user@host/db"',
                    column=where,
                )
            )
        stored = Stored(
            str(name), str(url), table, query, times["statement_timeout_s"], times["connect_timeout_s"]
        )
        out.append(stored)
    refuse(problems)
    return tuple(out)


def read_stored(layers: tuple[Stored, ...]) -> dict[str, Any]:
    """Return the frames of stored layers, all of one data base as of one moment, sorted by their keys.

    Columns are as the data base names them; :func:`phusong.region.read.table.table_of` checks them.

    Raises
    ------
    InputError
        With everything that could not be read, of every layer.
    """
    frames: dict[str, Any] = {}
    problems: list[Problem] = []
    for url in dict.fromkeys(s.url for s in layers):
        here = [s for s in layers if s.url == url]
        try:
            with connected(
                url,
                "region.toml postgis",
                timeout_s=here[0].timeout_s,
                connect_s=max(1, round(here[0].connect_s)),
            ) as connection:
                for stored in here:
                    try:
                        # a layer that fails does not spoil the transaction for the next
                        with connection.begin_nested():
                            frames[stored.layer] = _read(connection, stored)
                    except InputError as error:
                        problems += error.problems
        except InputError as error:
            problems += error.problems
    refuse(problems)
    return frames


def _read(connection: "sqlalchemy.Connection", stored: Stored) -> Any:  # noqa: ANN401 - with or without geometry
    import psycopg  # noqa: PLC0415 - an extra
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - an extra

    try:
        statement, names, shape = _selection(connection, stored)
        # not geopandas.read_postgis: it trusts the first SRID and the search path, and its rows take twice as long
        with driver_of(connection).cursor(name="phusong_layer") as cursor:
            cursor.execute(statement)
            pieces = []
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                pieces.append(_piece(rows, names, shape))
    except (psycopg.Error, DBAPIError) as error:
        said, told = server_error(error), reason(error)
        if isinstance(said, psycopg.errors.QueryCanceled):
            told = (
                f"took longer than {stored.timeout_s:g} s; ask for less, add an index, or raise "
                "statement_timeout_s under [postgis]"
            )
        elif isinstance(said, psycopg.errors.InsufficientPrivilege):
            told = f"may not be read: {told}; GRANT SELECT ON it TO this user"
        elif isinstance(said, psycopg.errors.ReadOnlySqlTransaction):
            told = f"tries to change the data base ({told}); only reading is allowed"
        else:
            told = f"cannot be read: {told}"
        raise InputError(Problem(stored.where, told)) from None
    except (shapely.errors.GEOSException, NotImplementedError) as error:
        # shapely has no curves
        raise InputError(
            Problem(
                stored.where,
                f"holds a shape that cannot be read ({error}); curves become lines with ST_CurveToLine",
            )
        ) from None
    frame = pd.concat(pieces or [pd.DataFrame()], ignore_index=True).reindex(columns=names)
    for name in names:
        if name != shape:
            frame[name] = _typed(frame[name])
    frame = _sorted(frame, LAYERS[stored.layer][0].name)
    return frame if shape is None else _with_shapes(connection, frame, shape, stored)


def _piece(rows: list[tuple[Any, ...]], names: list[str], shape: str | None) -> pd.DataFrame:
    """Return rows as columns; a shape comes as EWKB in hex and is read at once to save room."""
    piece = pd.DataFrame.from_records(rows, columns=names, coerce_float=True)
    # a column without a value here takes its kind from the other pieces
    piece = piece.dropna(axis="columns", how="all")
    if shape is not None and shape in piece.columns:
        piece[shape] = shapely.from_wkb(_or_none(piece[shape]).to_numpy())
    return piece


def _or_none(values: "pd.Series[Any]") -> "pd.Series[Any]":
    return values.astype(object).where(values.notna(), None)


def _typed(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return numbers and flags as they are, lists, dates and all else as text."""
    if pd.api.types.is_numeric_dtype(values) or isinstance(values.dtype, pd.StringDtype):
        return values
    return _or_none(values).map(_plain).infer_objects()


def _plain(value: object) -> object:
    if isinstance(value, (str, int, float, bytes)) or value is None:
        return value
    if isinstance(value, list):
        return ";".join("" if v is None else str(v) for v in value)
    return str(value)


def _sorted(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the rows in the order of their keys: a data base gives them in any order."""
    if key not in frame.columns:
        return frame
    order = np.argsort(frame[key].astype(str).to_numpy(), kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def _with_shapes(
    connection: "sqlalchemy.Connection", frame: pd.DataFrame, shape: str, stored: Stored
) -> gpd.GeoDataFrame:
    shapes = _or_none(frame.pop(shape)).to_numpy()
    numbers = {int(s) for s in np.unique(shapely.get_srid(shapes[shapely.is_geometry(shapes)]))}
    if len(numbers) > 1:
        listed = ", ".join(str(n) for n in sorted(numbers))
        raise InputError(
            Problem(
                stored.where, f"mixes SRIDs ({listed}); bring them to one with ST_Transform", column=shape
            )
        )
    if numbers == {0}:
        raise InputError(
            Problem(
                stored.where,
                "has no SRID, so nobody knows where it is; set it with ST_SetSRID (or UpdateGeometrySRID)",
                column=shape,
            )
        )
    crs = _crs(connection, numbers.pop(), stored, shape) if numbers else None
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapely.set_srid(shapes, 0), crs=crs))


def _crs(connection: "sqlalchemy.Connection", srid: int, stored: Stored, column: str) -> CRS:
    """Return the CRS of an SRID: numbers are usually EPSG's, but a data base may have its own."""
    from sqlalchemy import select  # noqa: PLC0415 - an extra

    known = reference_systems(postgis_schema(connection))
    row = connection.execute(
        select(known.c.auth_name, known.c.auth_srid, known.c.srtext).where(known.c.srid == srid)
    ).first()
    for text in (f"{row[0]}:{row[1]}", row[2]) if row is not None else (f"EPSG:{srid}",):
        try:
            return CRS.from_user_input(text)
        except CRSError:
            continue
    raise InputError(Problem(stored.where, f"is in SRID {srid}, which is not known", column=column))


def layers_from_postgis(
    tree: Mapping[str, Any], folder: Path, crs: str
) -> tuple[Mapping[str, Reading | None], list[Problem]]:
    """Return the layers that a region.toml takes from PostGIS, and what is wrong with them.

    Parameters
    ----------
    tree : mapping
        The region.toml, see :func:`phusong.region.postgis.stored_layers`.
    folder : Path
        The region; its columns.toml maps columns of tables as it does those of files.
    crs : str
        CRS of the region.

    Returns
    -------
    mapping of str to Reading or None
        Each layer named with a table or a query; None where it could not be had.
    list of Problem
        Of all of them.
    """
    named = _named(tree)
    if not named:
        return {}, []
    out: dict[str, Reading | None] = dict.fromkeys(named)
    problems: list[Problem] = []
    try:
        frames = read_stored(stored_layers(tree))
        maps = _maps(folder)
    except InputError as error:
        return out, error.problems
    for layer, frame in frames.items():
        try:
            out[layer] = table_of(frame, f"{layer} in PostGIS", layer, crs=crs, columns=maps.get(layer))
        except InputError as error:
            problems += error.problems
    return out, problems


def _named(tree: Mapping[str, Any]) -> list[str]:
    layers = tree.get("layers", {})
    if not isinstance(layers, Mapping):
        return []
    return [str(k) for k, v in layers.items() if isinstance(v, Mapping) and {"table", "query"} & v.keys()]


def _maps(folder: Path) -> Mapping[str, ColumnMap]:
    path = folder / COLUMN_MAP_FILE
    return read_column_maps(path) if path.is_file() else {}
