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
from phusong.io.postgis import connected, driver_of, postgis_schema, reason, reference_systems, server_error
from phusong.lazy import library_of_extra
from phusong.region import Grid

if TYPE_CHECKING:
    import sqlalchemy as sa

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
        from psycopg import errors  # noqa: PLC0415 - an extra
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - an extra

        spatial = postgis_schema(connection)
        if spatial is None:
            raise InputError(
                Problem(_WHERE, "the data base has no PostGIS; its owner runs CREATE EXTENSION postgis")
            )
        try:
            _clear(connection, schema, tables, replace=replace)
            srid = _srid(connection, spatial, result.grid.crs)
            title = str(result.summary.get("title", "result"))
            for name, frame in tables.items():
                family = _family(gpd.GeoSeries(frame.get("geometry")))
                shape_type = _shape_type(connection, spatial, family, srid)
                table = _table(name, frame, schema, shape_type, meanings, title)
                _write(connection, table, _rows(frame, family, srid))
        except DBAPIError as error:
            said = server_error(error)
            if isinstance(said, errors.InsufficientPrivilege):
                told = f"is not allowed: {reason(said)}; GRANT CREATE on the data base or schema"
            elif isinstance(said, errors.DependentObjectsStillExist):
                told = f"cannot replace: {reason(said)}; drop what depends on it, or use another schema"
            else:
                raise
            raise InputError(Problem(_WHERE, told)) from None
    return {name: len(frame) for name, frame in tables.items()}


def _tables(result: ResultTables) -> dict[str, pd.DataFrame]:
    options = result.options
    if {"east_m", "north_m"} <= set(options.columns) and "geometry" not in options.columns:
        points = gpd.points_from_xy(options["east_m"], options["north_m"])
        options = gpd.GeoDataFrame(options, geometry=points, crs=result.grid.crs)
    return {"communes": result.communes, "sites": result.sites, "options": options, "plan": result.plan}


def _clear(
    connection: "sa.Connection", schema: str, tables: Mapping[str, pd.DataFrame], *, replace: bool
) -> None:
    """Make the schema and clear the way; two writers wait for each other."""
    import sqlalchemy as sa  # noqa: PLC0415 - an extra

    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtext("phusong"), sa.func.hashtext(schema))
    connection.execute(sa.select(lock))
    if not sa.inspect(connection).has_schema(schema):
        connection.execute(sa.schema.CreateSchema(schema))
        return
    # not SQLAlchemy's inspector: it sees tables and views, but a sequence or a type would be in the way too
    rows = connection.exec_driver_sql(
        "SELECT c.relname, c.relkind::text, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = ANY(%s) ORDER BY 1",
        (schema, list(tables)),
    ).all()
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
        connection.execute(sa.schema.DropTable(sa.Table(name, sa.MetaData(), schema=schema)))


def _table(
    name: str,
    frame: pd.DataFrame,
    schema: str,
    shape_type: "sa.types.TypeEngine[Any]",
    meanings: Mapping[str, str],
    title: str,
) -> "sa.Table":
    """Return a table as it will stand in the data base: types, key, index of shapes, comments."""
    import sqlalchemy as sa  # noqa: PLC0415 - an extra

    key = frame[_KEYS[name]]
    unique = key.is_unique and key.notna().all()
    columns = [
        sa.Column(
            column,
            shape_type if column == "geometry" else _sql_type(frame[column]),
            primary_key=bool(unique) and column == key.name,
            autoincrement=False,
            comment=meanings.get(f"{name}.{column}") or None,
        )
        for column in map(str, frame.columns)
    ]
    comment = f"{MARK}: {meanings.get(name, name)}. {title}".replace("\x00", "")
    return sa.Table(name, sa.MetaData(), *columns, schema=schema, comment=comment)


def _shape_type(
    connection: "sa.Connection", spatial: str, family: str, srid: int
) -> "sa.types.TypeEngine[Any]":
    """Return PostGIS's type of shapes under its full name: it need not be on the search path."""
    schema = connection.dialect.identifier_preparer.quote_schema(spatial)
    shape_type: sa.types.TypeEngine[Any] = library_of_extra("geoalchemy2", "postgis", "postgis").Geometry(
        family, srid, name=f"{schema}.geometry"
    )
    return shape_type


def _write(connection: "sa.Connection", table: "sa.Table", rows: Iterator[tuple[Any, ...]]) -> None:
    """Make a table and fill it by psycopg's COPY: SQLAlchemy's inserts, or an index before them, take longer."""
    import sqlalchemy as sa  # noqa: PLC0415 - an extra
    from psycopg import sql  # noqa: PLC0415 - an extra

    connection.execute(sa.schema.CreateTable(table))
    names = sql.SQL(", ").join(sql.Identifier(c.name) for c in table.columns)
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(str(table.schema), table.name), names)
    with driver_of(connection).cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(row)
    for index in table.indexes:
        index.create(connection)
    connection.execute(sa.schema.SetTableComment(table))
    for column in table.columns:
        if column.comment:
            connection.execute(sa.schema.SetColumnComment(column))


def _family(shapes: gpd.GeoSeries) -> str:
    """Return the one type all shapes fit, so that maps know what to draw; Geometry where there is none."""
    kinds = {str(k) for k in shapes.geom_type.dropna().unique()}
    if len(kinds) == 1 and not shapes.has_z.any():
        return kinds.pop()
    for single, many in _MANY.items():
        if kinds == {single, many} and not shapes.has_z.any():
            return many
    return "GeometryZ" if len(shapes) and shapes.has_z.all() else "Geometry"


def _sql_type(values: "pd.Series[Any]") -> "sa.types.TypeEngine[Any]":
    import sqlalchemy as sa  # noqa: PLC0415 - an extra

    if pd.api.types.is_bool_dtype(values):
        return sa.Boolean()
    if pd.api.types.is_integer_dtype(values):
        return sa.BigInteger()
    return sa.Double() if pd.api.types.is_float_dtype(values) else sa.Text()


def _rows(frame: pd.DataFrame, family: str, srid: int) -> Iterator[tuple[Any, ...]]:
    columns = [
        _hex(frame[name], family, srid) if name == "geometry" else [_cell(v) for v in frame[name].tolist()]
        for name in frame.columns
    ]
    return zip(*columns, strict=True)


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


def _srid(connection: "sa.Connection", spatial: str, crs: str) -> int:
    """Return the number under which the data base knows a CRS."""
    import sqlalchemy as sa  # noqa: PLC0415 - an extra

    try:
        authority = CRS.from_user_input(crs).to_authority()
    except CRSError:
        authority = None
    srid = None
    if authority is not None and authority[1].isdecimal():
        known = reference_systems(spatial).c
        srid = connection.scalar(
            sa.select(known.srid).where(
                sa.func.lower(known.auth_name) == authority[0].lower(), known.auth_srid == int(authority[1])
            )
        )
    if srid is None:
        raise InputError(
            Problem(_WHERE, "is a CRS that the data base does not know; add it to spatial_ref_sys", value=crs)
        )
    return int(srid)
