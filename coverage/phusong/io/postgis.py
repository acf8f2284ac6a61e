"""A connection to PostGIS: password from the environment, read-only unless asked, errors without secrets."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from phusong.errors import InputError, Problem, nearest_name
from phusong.lazy import library_of_extra

if TYPE_CHECKING:
    import psycopg
    import sqlalchemy

__all__ = [
    "address_of",
    "connected",
    "driver_of",
    "postgis_schema",
    "reason",
    "reference_systems",
    "server_error",
]

_PASSWORDS = ("PHUSONG_PGPASSWORD", "PGPASSWORD")
_ALLOWED = (
    "application_name", "channel_binding", "connect_timeout", "dbname", "gssencmode", "host", "hostaddr", "port",
    "service", "sslcert", "sslkey", "sslmode", "sslrootcert", "target_session_attrs", "user",
)  # fmt: skip
_VERIFIED = ("verify-ca", "verify-full")


def address_of(url: str, where: str) -> dict[str, str]:
    """Return the parts of a ``postgresql://`` address.

    Raises
    ------
    InputError
        If it is none, holds a password, or a setting that an address may not bring.
    """
    driver = library_of_extra("psycopg", "postgis", "postgis")
    # not sqlalchemy.make_url: it takes any setting, and the address must mean what libpq reads in it
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    if not url.startswith(("postgresql://", "postgres://")):
        raise InputError(
            Problem(where, "must be an address postgresql://user@host:port/database, without a password")
        )
    try:
        parts = {k: str(v) for k, v in conninfo_to_dict(url).items() if v is not None}
    except driver.ProgrammingError:
        # libpq's message repeats the address, and with it a password
        raise InputError(
            Problem(where, "is no address postgresql://user@host:port/database that can be read")
        ) from None
    if "password" in parts or "passfile" in parts:
        raise InputError(
            Problem(
                where,
                f"holds a password; take it out and set the environment variable {_PASSWORDS[0]} instead (and "
                "change it where the file was shared)",
            )
        )
    strange = [k for k in parts if k not in _ALLOWED]
    if strange:
        raise InputError(
            Problem(
                where,
                f"holds {', '.join(strange)}{nearest_name(strange[0], _ALLOWED)}; an address may hold "
                f"{', '.join(_ALLOWED)}",
            )
        )
    return parts


@contextmanager
def connected(
    url: str, where: str, *, read_only: bool = True, timeout_s: float = 300.0, connect_s: int = 10
) -> Iterator["sqlalchemy.Connection"]:
    """Open one transaction; it is undone when the block fails, and can write only when asked to.

    Parameters
    ----------
    url : str
        ``postgresql://user@host:port/database``; the password comes from PHUSONG_PGPASSWORD, PGPASSWORD or
        ~/.pgpass, and goes to a server in clear text only where its certificate was verified.
    where : str
        What problems call the address.
    read_only : bool
        The server refuses every change.
    timeout_s : float
        Longest time of a statement. [s]
    connect_s : int
        Longest wait for the connection. [s]

    Raises
    ------
    InputError
        If there is no connection, naming host and port, never the password; or if the server refuses a statement.
    """
    parts = address_of(url, where)
    driver = library_of_extra("psycopg", "postgis", "postgis")
    sa = library_of_extra("sqlalchemy", "postgis", "postgis")
    settings: dict[str, str | int] = {
        "connect_timeout": connect_s, "application_name": "phusong", "client_encoding": "utf8", **parts,
    }  # fmt: skip
    password = next((os.environ[v] for v in _PASSWORDS if os.environ.get(v)), None)
    if password is not None:
        settings["password"] = password
    if parts.get("sslmode") not in _VERIFIED:
        settings["require_auth"] = "!password"
    try:
        opened = driver.connect("", **settings)
    except (driver.OperationalError, driver.ProgrammingError) as error:
        place = (
            f"{parts.get('host', 'the default host')}:{parts.get('port', os.environ.get('PGPORT', '5432'))}"
        )
        known = "is given" if password is not None else "is not given: set PHUSONG_PGPASSWORD if it needs one"
        raise InputError(
            Problem(
                where,
                f"cannot be connected to ({place}, database {parts.get('dbname', 'by default')}): "
                f"{_clean(error, password)}. Is it running and reachable, and are user and database right? A "
                f"password {known}",
            )
        ) from None
    with closing(opened):
        opened.read_only = read_only
        # every layer is read as of the same moment
        opened.isolation_level = driver.IsolationLevel.REPEATABLE_READ
        engine = sa.create_engine(
            "postgresql+psycopg://", creator=lambda: opened, poolclass=sa.NullPool, hide_parameters=True
        )
        limit = str(max(1, round(timeout_s * 1000)))
        try:
            with engine.begin() as connection:
                for name in ("statement_timeout", "lock_timeout"):
                    connection.execute(sa.select(sa.func.set_config(name, limit, True)))
                yield connection
        except (driver.Error, sa.exc.DBAPIError) as error:
            raise InputError(Problem(where, f"was refused, nothing is changed: {reason(error)}")) from None


def driver_of(connection: "sqlalchemy.Connection") -> "psycopg.Connection[Any]":
    """Return the connection of psycopg beneath SQLAlchemy's: it alone prepares statements and copies rows."""
    beneath: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    return beneath


def postgis_schema(connection: "sqlalchemy.Connection") -> str | None:
    """Return the schema that PostGIS stands in, or None where the data base has none."""
    row = connection.exec_driver_sql(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'postgis'"
    ).first()
    return None if row is None else str(row[0])


def reference_systems(schema: str | None) -> "sqlalchemy.TableClause":
    """Return PostGIS's table of reference systems, which need not be on the search path."""
    from sqlalchemy import column, table  # noqa: PLC0415 - an extra

    return table("spatial_ref_sys", *map(column, ("srid", "auth_name", "auth_srid", "srtext")), schema=schema)


def server_error(error: BaseException) -> BaseException:
    """Return psycopg's error, which SQLAlchemy and pandas wrap in theirs; it knows what the server said."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def reason(error: BaseException) -> str:
    """Return why the server refused, in its words and on one line."""
    error = server_error(error)
    diag = getattr(error, "diag", None)
    said = " ".join(
        str(part)
        for part in (getattr(diag, "message_primary", None), getattr(diag, "message_detail", None))
        if part
    )
    return " ".join((said or str(error) or type(error).__name__).split())[:300]


def _clean(error: BaseException, password: str | None) -> str:
    text = " ".join(str(error).split())[:400]
    return text.replace(password, "…") if password else text
