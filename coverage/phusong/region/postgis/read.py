"""Layers from PostGIS: tables, views and queries that region.toml names, streamed and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.region.postgis.connection import connected, postgis_schema, reason
from phusong.region.postgis.names import selection_of
from phusong.region.schema import LAYERS

if TYPE_CHECKING:
    import psycopg

__all__ = ["Stored", "read_stored", "stored_layers"]

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

    Columns are as the data base names them; :func:`phusong.region.layers.table_of` checks them.

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
                        with connection.transaction():
                            frames[stored.layer] = _read(connection, stored)
                    except InputError as error:
                        problems += error.problems
        except InputError as error:
            problems += error.problems
    refuse(problems)
    return frames


def _read(connection: "psycopg.Connection[Any]", stored: Stored) -> Any:  # noqa: ANN401 - with or without geometry
    import psycopg  # noqa: PLC0415 - an extra

    try:
        selection = selection_of(connection, stored.table, stored.query, stored.where)
        with connection.cursor(name="phusong_layer") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(selection.statement)
            pieces = []
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                pieces.append(_piece(rows, selection.names, selection.shapes))
    except psycopg.errors.QueryCanceled:
        raise InputError(
            Problem(
                stored.where,
                f"took longer than {stored.timeout_s:g} s; ask for less, add an index, or raise "
                "statement_timeout_s under [postgis]",
            )
        ) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise InputError(
            Problem(stored.where, f"may not be read: {reason(error)}; GRANT SELECT ON it TO this user")
        ) from None
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise InputError(
            Problem(stored.where, f"tries to change the data base ({reason(error)}); only reading is allowed")
        ) from None
    except psycopg.Error as error:
        raise InputError(Problem(stored.where, f"cannot be read: {reason(error)}")) from None
    except (shapely.errors.GEOSException, NotImplementedError) as error:
        # shapely has no curves
        raise InputError(
            Problem(
                stored.where,
                f"holds a shape that cannot be read ({error}); curves become lines with ST_CurveToLine",
            )
        ) from None
    frame = pd.concat(pieces, ignore_index=True) if pieces else _piece([], selection.names, selection.shapes)
    for name in frame.columns.difference(list(selection.shapes)):
        frame[name] = _typed(frame[name])
    frame = _sorted(frame, LAYERS[stored.layer][0].name)
    return _with_shapes(connection, frame, selection.shapes, stored)


def _piece(rows: list[tuple[Any, ...]], names: tuple[str, ...], shapes: tuple[str, ...]) -> pd.DataFrame:
    """Return rows as columns; a shape comes as WKB and its SRID beside it, and is read at once to save room."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    frame = {}
    for name, values in zip(names, columns, strict=True):
        cells: npt.NDArray[Any] = np.empty(len(values), dtype=object)
        cells[:] = [_plain(v) for v in values]
        frame[name] = shapely.from_wkb(cells) if name in shapes else cells
    return pd.DataFrame(frame)


def _plain(value: object) -> object:
    if isinstance(value, (str, int, float, bytes)) or value is None:
        return value
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, list):
        return ";".join("" if v is None else str(v) for v in value)
    if hasattr(value, "as_integer_ratio") and hasattr(value, "is_finite"):  # numeric
        return float(value)  # type: ignore[arg-type] # a Decimal
    return str(value)


def _typed(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return numbers as numbers, with NaN where there is none; anything else as it is."""
    kind = pd.api.types.infer_dtype(values, skipna=True)
    if kind in {"floating", "mixed-integer-float"} or (kind == "integer" and values.isna().any()):
        return values.astype(np.float64)
    return values.infer_objects()


def _sorted(frame: pd.DataFrame, key: str) -> pd.DataFrame:
    """Return the rows in the order of their keys: a data base gives them in any order."""
    if key not in frame.columns:
        return frame
    order = np.argsort(frame[key].astype(str).to_numpy(), kind="stable")
    return frame.iloc[order].reset_index(drop=True)


def _with_shapes(
    connection: "psycopg.Connection[Any]", frame: pd.DataFrame, shapes: tuple[str, ...], stored: Stored
) -> Any:  # noqa: ANN401
    if not shapes:
        return frame
    (name,) = shapes
    numbers = {int(s) for s in frame[f"{name} srid"].dropna()}
    plain = frame.drop(columns=[name, f"{name} srid"])
    if len(numbers) > 1:
        listed = ", ".join(str(n) for n in sorted(numbers))
        raise InputError(
            Problem(stored.where, f"mixes SRIDs ({listed}); bring them to one with ST_Transform", column=name)
        )
    if numbers == {0}:
        raise InputError(
            Problem(
                stored.where,
                "has no SRID, so nobody knows where it is; set it with ST_SetSRID (or UpdateGeometrySRID)",
                column=name,
            )
        )
    crs = _crs(connection, numbers.pop(), stored, name) if numbers else None
    return gpd.GeoDataFrame(plain, geometry=gpd.GeoSeries(frame[name].to_numpy(), crs=crs))


def _crs(connection: "psycopg.Connection[Any]", srid: int, stored: Stored, column: str) -> CRS:
    """Return the CRS of an SRID: numbers are usually EPSG's, but a data base may have its own."""
    from psycopg import sql  # noqa: PLC0415 - an extra

    schema = postgis_schema(connection)
    row = (
        None
        if schema is None
        else connection.execute(
            sql.SQL("SELECT auth_name, auth_srid, srtext FROM {} WHERE srid = %s").format(
                sql.Identifier(schema, "spatial_ref_sys")
            ),
            (srid,),
        ).fetchone()
    )
    for text in (f"{row[0]}:{row[1]}", row[2]) if row is not None else (f"EPSG:{srid}",):
        try:
            return CRS.from_user_input(text)
        except CRSError:
            continue
    raise InputError(Problem(stored.where, f"is in SRID {srid}, which is not known", column=column))
