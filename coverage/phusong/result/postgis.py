"""A result to PostGIS: its tables in one schema, all in one transaction, or nothing."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import InputError, Problem, refuse
from phusong.io.postgis import connected, postgis_schema, reason
from phusong.region import Grid

if TYPE_CHECKING:
    import psycopg

__all__ = ["MARK", "ResultTables", "write_result"]

MARK = "phusong result"
"""How the comment of a table that phusong wrote begins; only such tables are ever replaced."""

_WHERE = "data push"
_KEYS = {"communes": "commune_code", "sites": "site_id", "options": "bundle_id", "plan": "remedy_id"}
_MANY = {"Polygon": "MultiPolygon", "LineString": "MultiLineString", "Point": "MultiPoint"}


class ResultTables(Protocol):
    """What is written of a result: a :class:`phusong.report.folder.Result` is one."""

    @property
    def communes(self) -> gpd.GeoDataFrame: ...  # noqa: D102
    @property
    def sites(self) -> gpd.GeoDataFrame: ...  # noqa: D102
    @property
    def options(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def plan(self) -> pd.DataFrame: ...  # noqa: D102
    @property
    def grid(self) -> Grid: ...  # noqa: D102
    @property
    def summary(self) -> dict[str, Any]: ...  # noqa: D102


def write_result(
    result: ResultTables,
    url: str,
    schema: str,
    *,
    meanings: Mapping[str, str] = MappingProxyType({}),
    replace: bool = False,
    timeout_s: float = 600.0,
) -> Mapping[str, int]:
    """Write communes, sites, options and plan to a schema; return the rows of each table.

    Shapes keep their CRS and get an index, columns a comment with meaning and unit. The tables of an earlier
    result are replaced only when asked, tables of anybody else never; when anything fails, nothing is changed.

    Parameters
    ----------
    result : Result
        What a run found.
    url : str
        ``postgresql://user@host:port/database``; the password comes from the environment.
    schema : str
        Schema of the tables; made when it is not there.
    meanings : mapping of str to str
        What is said of each table, by its name, and of each column, by ``table.column``.
    replace : bool
        Whether tables of an earlier result are replaced.
    timeout_s : float
        Longest time of a statement, and of waiting for a lock. [s]

    Raises
    ------
    InputError
        If there is no connection or PostGIS, a table is in the way, or the server refuses.
    """
    if not schema or "\x00" in schema or len(schema.encode()) > 63 or schema.lower().startswith("pg_"):
        raise InputError(
            Problem("--schema", "is no name of a schema (1 to 63 bytes, not pg_…)", value=schema)
        )
    tables = _tables(result)
    with connected(url, _WHERE, read_only=False, timeout_s=timeout_s) as connection:
        import psycopg  # noqa: PLC0415 - an extra

        try:
            spatial = postgis_schema(connection)
            if spatial is None:
                raise InputError(
                    Problem(_WHERE, "the data base has no PostGIS; its owner runs CREATE EXTENSION postgis")
                )
            _prepare(connection, schema, tables, replace=replace)
            srid = _srid(connection, spatial, result.grid.crs)
            title = str(result.summary.get("title", "result"))
            return {
                name: _write(connection, schema, name, frame, spatial, srid, title, meanings)
                for name, frame in tables.items()
            }
        except psycopg.errors.InsufficientPrivilege as error:
            raise InputError(
                Problem(_WHERE, f"is not allowed: {reason(error)}; GRANT CREATE on the data base or schema")
            ) from None
        except psycopg.errors.DependentObjectsStillExist as error:
            raise InputError(
                Problem(
                    _WHERE, f"cannot replace: {reason(error)}; drop what depends on it, or use another schema"
                )
            ) from None
        except psycopg.Error as error:
            raise InputError(Problem(_WHERE, f"was refused, nothing is changed: {reason(error)}")) from None


def _tables(result: ResultTables) -> dict[str, pd.DataFrame]:
    options = result.options
    if {"east_m", "north_m"} <= set(options.columns) and "geometry" not in options.columns:
        points = gpd.points_from_xy(options["east_m"], options["north_m"])
        options = gpd.GeoDataFrame(options, geometry=points, crs=result.grid.crs)
    return {"communes": result.communes, "sites": result.sites, "options": options, "plan": result.plan}


def _prepare(
    connection: "psycopg.Connection[Any]", schema: str, tables: Mapping[str, pd.DataFrame], *, replace: bool
) -> None:
    """Make the schema and clear the way; two writers wait for each other."""
    from psycopg import sql  # noqa: PLC0415 - an extra

    connection.execute("SELECT pg_advisory_xact_lock(hashtext('phusong'), hashtext(%s))", (schema,))
    there = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone()
    if there is None:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        return
    rows = connection.execute(
        "SELECT c.relname, c.relkind::text, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = ANY(%s) ORDER BY 1",
        (schema, list(tables)),
    ).fetchall()
    problems = []
    for name, kind, comment in rows:
        where = f"{schema}.{name}"
        if kind != "r" or not str(comment).startswith(MARK):
            problems.append(
                Problem(where, "is there and was not written by phusong, so it stays; use another schema")
            )
        elif not replace:
            problems.append(Problem(where, "holds an earlier result; --replace takes its place"))
    refuse(problems)
    for name, _, _ in rows:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema, str(name))))


def _write(
    connection: "psycopg.Connection[Any]",
    schema: str,
    name: str,
    frame: pd.DataFrame,
    spatial: str,
    srid: int,
    title: str,
    meanings: Mapping[str, str],
) -> int:
    from psycopg import sql  # noqa: PLC0415 - an extra

    table = sql.Identifier(schema, name)
    shapes = gpd.GeoSeries(frame["geometry"]) if "geometry" in frame.columns else None
    family = _family(shapes) if shapes is not None else ""
    columns = []
    for column in map(str, frame.columns):
        kind = (
            sql.SQL("{}({}, {})").format(
                sql.Identifier(spatial, "geometry"), sql.SQL(family), sql.Literal(srid)
            )
            if column == "geometry"
            else sql.SQL(_sql_type(frame[column]))
        )
        columns.append(sql.SQL("{} {}").format(sql.Identifier(column), kind))
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns)))
    names = sql.SQL(", ").join(sql.Identifier(str(c)) for c in frame.columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)) as copy,
    ):
        for row in _rows(frame, shapes, family, srid):
            copy.write_row(row)
    key = _KEYS[name]
    if frame[key].is_unique and frame[key].notna().all():
        connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(table, sql.Identifier(key)))
    if shapes is not None:
        connection.execute(sql.SQL("CREATE INDEX ON {} USING gist (geometry)").format(table))
    comment = f"{MARK}: {meanings.get(name, name)}. {title}"
    connection.execute(
        sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(comment.replace("\x00", "")))
    )
    for column in map(str, frame.columns):
        meaning = meanings.get(f"{name}.{column}", "")
        if meaning:
            connection.execute(
                sql.SQL("COMMENT ON COLUMN {} IS {}").format(
                    sql.Identifier(schema, name, column), sql.Literal(meaning)
                )
            )
    return len(frame)


def _family(shapes: gpd.GeoSeries) -> str:
    """Return the one type all shapes fit, so that maps know what to draw; Geometry where there is none."""
    kinds = {str(k) for k in shapes.geom_type.dropna().unique()}
    if len(kinds) == 1 and not shapes.has_z.any():
        return kinds.pop()
    for single, many in _MANY.items():
        if kinds == {single, many} and not shapes.has_z.any():
            return many
    return "GeometryZ" if len(shapes) and shapes.has_z.all() else "Geometry"


def _sql_type(values: "pd.Series[Any]") -> str:
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_integer_dtype(values):
        return "bigint"
    return "double precision" if pd.api.types.is_float_dtype(values) else "text"


def _rows(
    frame: pd.DataFrame, shapes: gpd.GeoSeries | None, family: str, srid: int
) -> Iterator[tuple[Any, ...]]:
    columns: list[list[Any]] = []
    for name in frame.columns:
        if name == "geometry" and shapes is not None:
            columns.append(_hex(shapes, family, srid))
        else:
            columns.append([_cell(v) for v in frame[name].tolist()])
    yield from zip(*columns, strict=True)


def _hex(shapes: gpd.GeoSeries, family: str, srid: int) -> list[str | None]:
    values = shapes.to_numpy()
    if family in _MANY.values():
        singles = {k for k, v in _MANY.items() if v == family}
        values = np.array(
            [
                getattr(shapely, family)([v]) if v is not None and v.geom_type in singles else v
                for v in values
            ],
            dtype=object,
        )
    written = shapely.to_wkb(shapely.set_srid(values, srid), hex=True, include_srid=True)
    return [None if v is None else str(v) for v in written]


def _cell(value: object) -> object:
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        parts = sorted(map(str, value)) if isinstance(value, (set, frozenset)) else list(map(str, value))
        value = ";".join(parts)
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, (bool, int)):
        return value
    return str(value).replace("\x00", "")


def _srid(connection: "psycopg.Connection[Any]", spatial: str, crs: str) -> int:
    """Return the number under which the data base knows a CRS."""
    from psycopg import sql  # noqa: PLC0415 - an extra

    try:
        authority = CRS.from_user_input(crs).to_authority()
    except CRSError:
        authority = None
    row = None
    if authority is not None and authority[1].isdecimal():
        row = connection.execute(
            sql.SQL("SELECT srid FROM {} WHERE lower(auth_name) = lower(%s) AND auth_srid = %s").format(
                sql.Identifier(spatial, "spatial_ref_sys")
            ),
            (authority[0], int(authority[1])),
        ).fetchone()
    if row is None:
        raise InputError(
            Problem(_WHERE, "is a CRS that the data base does not know; add it to spatial_ref_sys", value=crs)
        )
    return int(row[0])
