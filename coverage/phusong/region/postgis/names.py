"""What is selected from a data base: quoted names of tables that exist, or one SELECT and nothing else."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phusong.errors import InputError, Problem, nearest_name
from phusong.region.postgis.connection import postgis_schema

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

__all__ = ["Selection", "relation_of", "selection_of"]

_PART = re.compile(r'\s*(?:"((?:[^"\x00]|"")+)"|([^\W\d]\w*))\s*(\.|$)')
_SHAPE_NAMES = ("geometry", "geom", "the_geom", "shape", "wkb_geometry")


@dataclass(frozen=True)
class Selection:
    """A statement that reads a layer.

    Parameters
    ----------
    statement : Composed
        The SELECT.
    names : tuple of str
        Its columns; after each shape stands ``… srid``.
    shapes : tuple of str
        The column of shapes, if there is one.
    """

    statement: "sql.Composed"
    names: tuple[str, ...]
    shapes: tuple[str, ...]


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


def selection_of(connection: "psycopg.Connection[Any]", table: str, query: str, where: str) -> Selection:
    """Return what reads a table, a view or a query, its shapes as WKB with their SRIDs.

    Raises
    ------
    InputError
        If the table does not exist, the query is no single SELECT, or it is unclear which column is the shape.
    """
    from psycopg import sql  # noqa: PLC0415 - an extra

    if table:
        parts = relation_of(table, where)
        _check_exists(connection, parts, where)
        inner: sql.Composable = sql.Identifier(*parts)
    else:
        if "\x00" in query:
            raise InputError(Problem(where, "holds a character that no query holds (NUL)"))
        # in brackets only a SELECT is possible; the line end closes a comment
        inner = sql.SQL("({}\n)").format(sql.SQL(query.rstrip().removesuffix(";")))
    columns = _columns(connection, inner, where)
    schema = postgis_schema(connection)
    kinds = _shape_types(connection)
    shapes = [name for name, kind in columns if kind in kinds]
    if len(shapes) > 1:
        named = [n for n in _SHAPE_NAMES if n in shapes]
        if not named:
            raise InputError(Problem(where, f"has several shapes ({', '.join(shapes)}); name one in a query"))
        columns = [(n, k) for n, k in columns if n == named[0] or n not in shapes]
        shapes = named[:1]
    listed: list[sql.Composable] = []
    names: list[str] = []
    for name, kind in columns:
        column = sql.Identifier("layer", name)
        if name not in shapes or schema is None:
            listed.append(column)
            names.append(name)
            continue
        shape = (
            sql.SQL("{}::{}").format(column, sql.Identifier(schema, "geometry")) if kinds[kind] else column
        )
        binary, srid = sql.Identifier(schema, "st_asbinary"), sql.Identifier(schema, "st_srid")
        listed += [sql.SQL("{}({})").format(binary, shape), sql.SQL("{}({})").format(srid, shape)]
        names += [name, f"{name} srid"]
    statement = sql.SQL("SELECT {} FROM {} AS layer").format(sql.SQL(", ").join(listed), inner)
    return Selection(statement, tuple(names), tuple(shapes))


def _columns(
    connection: "psycopg.Connection[Any]", inner: "sql.Composable", where: str
) -> list[tuple[str, int]]:
    """Return names and types of the columns; preparing refuses everything but one statement."""
    from psycopg import pq, sql  # noqa: PLC0415 - an extra

    text = sql.SQL("SELECT * FROM {} AS layer").format(inner).as_bytes(connection)
    prepared = connection.pgconn.prepare(b"", text)
    if prepared.status == pq.ExecStatus.COMMAND_OK:
        prepared = connection.pgconn.describe_prepared(b"")
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


def _shape_types(connection: "psycopg.Connection[Any]") -> dict[int, bool]:
    """Return the type numbers of PostGIS shapes, and whether they are on the globe (geography)."""
    rows = connection.execute(
        "SELECT t.oid, t.typname = 'geography' FROM pg_type t JOIN pg_extension e "
        "ON e.extname = 'postgis' AND e.extnamespace = t.typnamespace WHERE t.typname IN ('geometry', 'geography')"
    ).fetchall()
    return {int(oid): bool(globe) for oid, globe in rows}


def _check_exists(connection: "psycopg.Connection[Any]", parts: tuple[str, ...], where: str) -> None:
    rows = connection.execute(
        "SELECT n.nspname, c.relname, pg_table_is_visible(c.oid) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') "
        "AND n.nspname NOT LIKE 'pg\\_toast%' ORDER BY 1, 2"
    ).fetchall()
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
