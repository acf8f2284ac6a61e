"""A connection to PostGIS: password from the environment, read-only unless asked, errors without secrets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from phusong.errors import InputError, Problem, nearest_name
from phusong.lazy import library_of_extra

if TYPE_CHECKING:
    import psycopg

__all__ = ["address_of", "connected", "postgis_schema", "reason"]

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
) -> Iterator["psycopg.Connection[Any]"]:
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
    with opened as connection:
        connection.read_only = read_only
        # every layer is read as of the same moment
        connection.isolation_level = driver.IsolationLevel.REPEATABLE_READ
        limit = str(max(1, round(timeout_s * 1000)))
        connection.execute("SELECT set_config('statement_timeout', %s, true)", (limit,))
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (limit,))
        yield connection


def postgis_schema(connection: "psycopg.Connection[Any]") -> str | None:
    """Return the schema that PostGIS stands in, or None where the data base has none."""
    row = connection.execute(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'postgis'"
    ).fetchone()
    return None if row is None else str(row[0])


def reason(error: BaseException) -> str:
    """Return why the server refused, in its words and on one line."""
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
