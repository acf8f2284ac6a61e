"""Every layer: columns, units, meaning.

Readers, writers, checks, tests and docs/data-dictionary.md derive from the pandera schemas here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
import shapely

from phusong.io.resources import HOURS_YEAR
from phusong.region.read.headings import headings_of
from phusong.region.terrain_check import HIGHEST_M, LOWEST_M

__all__ = [
    "GEOMETRY_LAYERS",
    "KINDS",
    "LAYERS",
    "NETWORK",
    "PLACES",
    "RASTERS",
    "SCHEMAS",
    "TABLE_LAYERS",
    "LayerColumn",
    "Raster",
    "Reference",
    "flag",
    "key",
    "key_of",
    "kind_of_record",
    "number",
    "references",
    "shape",
    "text",
    "view",
    "whole",
]

KINDS = ("measured", "official", "modelled", "assumed")
"""How a layer, or one record of it, came to be; best first."""


@dataclass(frozen=True)
class LayerColumn:
    """One column of a layer, read off its pandera column.

    Parameters
    ----------
    name, meaning : str
        With the unit in the name.
    kind : str
        ``text``, ``number``, ``whole`` or ``flag``.
    least, most : float or None
        Limits, inclusive.
    among : tuple of str
        Allowed words; empty: any.
    rest : str
        The allowed word for every word that is not known; empty: such words are refused.
    default : object
        Filled in when a file lacks the column or a row its value; None: it must be there.
    unit : str
        Of a number; empty: none.
    aliases : tuple of str
        Other names of the same thing, as users and other projects write them (folded: see ``headings``).
    words : mapping
        Other words for the allowed ones, in lower case.
    refers : str
        ``layer.column`` whose value it names; an empty value names nothing where the default is empty.
    many : bool
        Whether it may name several, separated by ``;``.
    key : bool
        Whether it tells the rows apart.
    digits : int
        Of a code whose leading zeros a spreadsheet may have lost; 0: none.
    """

    name: str
    kind: str
    meaning: str
    least: float | None = None
    most: float | None = None
    among: tuple[str, ...] = ()
    default: Any = None
    unit: str = ""
    aliases: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""
    refers: str = ""
    many: bool = False
    key: bool = False
    digits: int = 0


def text(
    meaning: str,
    *,
    among: Sequence[str] = (),
    default: str | None = None,
    words: Mapping[str, str] | None = None,
    refers: str = "",
    many: bool = False,
    rest: str = "",
    digits: int = 0,
    checks: Sequence[Any] = (),
) -> Any:  # noqa: ANN401 - pandera carries no types
    """Return a column of text; parameters as in :class:`LayerColumn`, and further pandera checks."""
    limits = [pa.Check.isin(list(among))] if among else []
    about = {
        "kind": "text",
        "words": dict(words or {}),
        "refers": refers,
        "many": many,
        "rest": rest,
        "digits": digits,
    }
    return pa.Column(str, [*limits, *checks], description=meaning, default=default, metadata=about)


def key(meaning: str, *, digits: int = 0) -> Any:  # noqa: ANN401
    """Return the column that tells the rows of a layer apart: there, not blank, never twice."""
    blank = pa.Check(lambda s: s.str.strip() != "", name="not_blank")
    about = {"kind": "text", "key": True, "digits": digits}
    return pa.Column(
        str,
        [blank],
        unique=True,
        report_duplicates="exclude_first",
        description=meaning,
        metadata=about,
    )


def number(
    meaning: str,
    unit: str,
    least: float | None = None,
    most: float | None = None,
    *,
    default: float | None = None,
) -> Any:  # noqa: ANN401
    """Return a column of decimals; parameters as in :class:`LayerColumn`."""
    about = {"kind": "number", "unit": unit}
    checks = [pa.Check(lambda s: np.isfinite(s), name="finite"), *_limits(least, most)]  # noqa: PLW0108
    return pa.Column(float, checks, description=meaning, default=default, metadata=about)


def whole(
    meaning: str,
    unit: str,
    least: float | None = None,
    most: float | None = None,
    *,
    default: int | None = None,
) -> Any:  # noqa: ANN401
    """Return a column of whole numbers; parameters as in :class:`LayerColumn`."""
    about = {"kind": "whole", "unit": unit}
    return pa.Column("int64", _limits(least, most), description=meaning, default=default, metadata=about)


def flag(meaning: str, *, default: bool) -> Any:  # noqa: ANN401
    """Return a column of yes and no; parameters as in :class:`LayerColumn`."""
    return pa.Column(bool, description=meaning, default=default, metadata={"kind": "flag"})


def kind_of_record() -> Any:  # noqa: ANN401
    """Return the column that says how a record came to be, where it is not as its whole layer."""
    return text(
        "how the record came to be; empty: as its layer (region.toml)", among=("", *KINDS), default=""
    )


def shape(*types: str) -> Any:  # noqa: ANN401
    """Return the geometry column of a layer whose rows are of these types (``Point``, ``Polygon``, …)."""
    checks = [
        pa.Check(_is_there, name="has_shape", ignore_na=False),
        pa.Check(_is_valid, name="valid_shape", ignore_na=False),
        pa.Check(_is_of(types), name="shape_type", ignore_na=False, statistics={"types": types}),
    ]
    return pa.Column(checks=checks, nullable=True, description="place", metadata={"kind": "geometry"})


def view(column: Any, *, aliases: Sequence[str] = ()) -> LayerColumn:  # noqa: ANN401
    """Return the plain value of a pandera column made here; its other headings stand in a table of their own."""
    limits = {c.name: c.statistics or {} for c in column.checks}
    about = dict(column.metadata)
    return LayerColumn(
        name=str(column.name),
        meaning=str(column.description),
        least=limits.get("greater_than_or_equal_to", {}).get("min_value"),
        most=limits.get("less_than_or_equal_to", {}).get("max_value"),
        among=tuple(limits.get("isin", {}).get("allowed_values", ())),
        default=column.default,
        aliases=tuple(aliases),
        **about,
    )


def _limits(least: float | None, most: float | None) -> list[Any]:
    low = [] if least is None else [pa.Check.ge(least)]
    return low if most is None else [*low, pa.Check.le(most)]


def _shapes(values: "pd.Series[Any]") -> Any:  # noqa: ANN401
    return np.asarray(values.to_numpy(), dtype=object)


def _is_there(values: "pd.Series[Any]") -> "pd.Series[bool]":
    shapes = _shapes(values)
    usable = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
    usable[usable] = np.isfinite(shapely.bounds(shapes[usable])).all(axis=1)
    return pd.Series(usable, index=values.index)


def _is_valid(values: "pd.Series[Any]") -> "pd.Series[bool]":
    shapes = _shapes(values)
    # what is missing or empty is told by another check
    return pd.Series(shapely.is_valid(shapes) | ~_is_there(values).to_numpy(), index=values.index)


def _is_of(types: Sequence[str]) -> Any:  # noqa: ANN401
    wanted = [int(shapely.GeometryType[t.upper()]) for t in types]

    def check(values: "pd.Series[Any]") -> "pd.Series[bool]":
        found = shapely.get_type_id(_shapes(values))
        return pd.Series(np.isin(found, [-1, *wanted]), index=values.index)

    return check


_SITE_POWER = ("grid", "grid_battery", "solar", "hybrid", "diesel", "none")
_POWER_WORDS = {
    "generator": "diesel", "off": "none", "grid+battery": "grid_battery", "điện lưới": "grid", "lưới điện": "grid",
    "evn": "grid", "mains": "grid", "electricity": "grid", "réseau": "grid", "rede": "grid", "red": "grid",
    "điện lưới + ắc quy": "grid_battery", "lưới + ắc quy": "grid_battery",
    "grid and battery": "grid_battery", "mains + battery": "grid_battery",
    "máy phát": "diesel", "máy phát điện": "diesel", "máy nổ": "diesel", "genset": "diesel", "dầu diesel": "diesel",
    "năng lượng mặt trời": "solar", "điện mặt trời": "solar", "pin mặt trời": "solar", "solaire": "solar",
    "hỗn hợp": "hybrid", "lai ghép": "hybrid", "solar + diesel": "hybrid", "không": "none", "không có điện": "none",
}  # fmt: skip
_LOCKS = ("", "structural", "security", "contract", "technical", "legal", "unknown")
_GENERATIONS = {
    "gsm": "2G", "umts": "3G", "wcdma": "3G", "lte": "4G", "nr": "5G", "2g": "2G", "3g": "3G", "4g": "4G", "5g": "5G",
    "lte_a": "4G", "lte advanced": "4G", "nr sa": "5G", "nr nsa": "5G", "hspa": "3G", "edge": "2G", "gprs": "2G",
    "4g lte": "4G", "5g nr": "5G", "2g gsm": "2G", "3g umts": "3G", "3g wcdma": "3G",
}  # fmt: skip
_STATES = {"operational": "active", "in operation": "active", "proposed": "planned", "underconstruction": "planned",
           "under construction": "planned", "decommissioned": "retired", "in service": "active", "on air": "active",
           "đang hoạt động": "active", "hoạt động": "active", "đang phát sóng": "active", "quy hoạch": "planned",
           "dự kiến": "planned", "dừng hoạt động": "retired", "đã tháo dỡ": "retired", "existing": "active"}  # fmt: skip

NETWORK: Mapping[str, pa.DataFrameSchema] = {
    "sites": pa.DataFrameSchema(
        {
            "site_id": key(
                "key",
            ),
            "owner": text(
                "who owns the structure",
                default="unknown",
            ),
            "structure": text(
                "what carries the antennas; an exchange is a root of the backhaul",
                among=("tower", "mast", "rooftop", "pole", "exchange"),
                default="tower",
                words={
                    "cột tự đứng": "tower",
                    "cột dây co": "mast",
                    "trên mái": "rooftop",
                    "hub": "exchange",
                    "cột bê tông": "pole",
                    "trên mái nhà": "rooftop",
                    "self supporting": "tower",
                    "self-supporting tower": "tower",
                    "lattice": "tower",
                    "guyed": "mast",
                    "guyed mast": "mast",
                    "monopole": "pole",
                    "roof top": "rooftop",
                    "building": "rooftop",
                },
            ),
            "height_m": number(
                "height above ground",
                "m",
                0.0,
                400.0,
                default=30.0,
            ),
            "shareable": flag("whether the owner lets others in", default=True),
            "lock_reason": text("why others may not use it", among=_LOCKS, default=""),
            "spare_slots": whole("antenna positions free for guests", "", 0, 50, default=1),
            "power_source": text(
                "supply",
                among=_SITE_POWER,
                default="grid_battery",
                words=_POWER_WORDS,
            ),
            "power_node_id": text(
                "transformer that feeds it; empty: none",
                default="",
                refers="power_nodes.node_id",
            ),
            "autonomy_h": number(
                "hours it works without its supply",
                "h",
                0.0,
                1000.0,
                default=4.0,
            ),
            "load_kw": number("mean load; 0: usual", "kW", 0.0, 1000.0, default=0.0),
            "pv_kwp": number(
                "peak power of its panels; 0: usual for the load", "kW", 0.0, 10_000.0, default=0.0
            ),
            "tank_h": number("hours that a full tank lasts; 0: usual", "h", 0.0, HOURS_YEAR, default=0.0),
            "refuel_delay_h": number(
                "mean time from ordering fuel to having it; 0: usual", "h", 0.0, HOURS_YEAR, default=0.0
            ),
            "backhaul_parent_id": text(
                "site or exchange its backhaul goes to; empty: none",
                default="",
                refers="sites.site_id",
            ),
            "commissioned": whole(
                "year",
                "year",
                1980,
                2100,
                default=2015,
            ),
            "status": text(
                "state",
                among=("active", "planned", "retired"),
                default="active",
                words=_STATES,
            ),
            "record_kind": kind_of_record(),
            "geometry": shape("Point"),
        }
    ),
    "cells": pa.DataFrameSchema(
        {
            "cell_id": key("key"),
            "site_id": text(
                "site it stands on",
                refers="sites.site_id",
            ),
            "operator": text(
                "operator whose cell it is",
                refers="operators.operator",
            ),
            "technology": text(
                "generation",
                among=("2G", "3G", "4G", "5G"),
                default="4G",
                words=_GENERATIONS,
            ),
            "band_mhz": number(
                "carrier frequency",
                "MHz",
                400.0,
                6000.0,
                default=900.0,
            ),
            "bandwidth_mhz": number(
                "channel bandwidth",
                "MHz",
                1.0,
                400.0,
                default=10.0,
            ),
            "eirp_dbm": number("equivalent isotropically radiated power", "dBm", 0.0, 90.0, default=60.0),
            "antenna_height_m": number(
                "antenna above ground",
                "m",
                0.5,
                400.0,
                default=30.0,
            ),
            "azimuth_deg": number(
                "direction of the main lobe, from north clockwise",
                "°",
                0.0,
                360.0,
                default=0.0,
            ),
            "beamwidth_deg": number(
                "horizontal half-power beamwidth; 360: all round",
                "°",
                1.0,
                360.0,
                default=360.0,
            ),
            "tilt_deg": number(
                "downtilt",
                "°",
                -20.0,
                30.0,
                default=2.0,
            ),
            "guests": text(
                "other operators it serves, separated by ;",
                default="",
                refers="operators.operator",
                many=True,
            ),
            "antenna_pattern": text(
                "file name of a measured pattern (.msi or .pln) in the region's antennas/ folder; empty: by beamwidth",
                default="",
            ),
            "record_kind": kind_of_record(),
        }
    ),
    "power_nodes": pa.DataFrameSchema(
        {
            "node_id": key("key"),
            "kind": text(
                "kind",
                among=("plant", "substation", "transformer", "junction"),
                default="transformer",
                words={"generator": "plant", "trạm biến áp": "transformer"},
            ),
            "capacity_kw": number("capacity", "kW", 0.0, default=0.0),
            "load_kw": number("mean load of others than sites", "kW", 0.0, default=0.0),
            "saifi": number("interruptions a year by the node itself", "1/year", 0.0, 10_000.0),
            "caidi_h": number("their mean length", "h", 0.0, HOURS_YEAR),
            "record_kind": kind_of_record(),
            "geometry": shape("Point"),
        }
    ),
    "power_lines": pa.DataFrameSchema(
        {
            "line_id": key("key"),
            "from_id": text("node nearer to the source", refers="power_nodes.node_id"),
            "to_id": text("node that it feeds", refers="power_nodes.node_id"),
            "length_km": number("length", "km", 0.0, 2000.0),
            "failures_per_km_year": number("faults", "1/(km·year)", 0.0, 1000.0, default=0.03),
            "repair_h": number("mean time to repair", "h", 0.0, HOURS_YEAR, default=5.0),
            "normally_open": flag(
                "whether it carries nothing until it is closed to feed what a fault left dark", default=False
            ),
            "switch_h": number(
                "time to close it, when it is normally open", "h", 0.0, HOURS_YEAR, default=1.0
            ),
            "record_kind": kind_of_record(),
        }
    ),
    "links": pa.DataFrameSchema(
        {
            "link_id": key("key"),
            "from_id": text("site", refers="sites.site_id"),
            "to_id": text("site nearer to the core", refers="sites.site_id"),
            "medium": text(
                "what carries it",
                among=("fibre", "microwave", "satellite"),
                default="fibre",
                words={
                    "fiber": "fibre",
                    "cáp quang": "fibre",
                    "viba": "microwave",
                    "vi ba": "microwave",
                    "vsat": "satellite",
                    "vệ tinh": "satellite",
                },
            ),
            "capacity_mbps": number("capacity", "Mbit/s", 0.0, default=1000.0),
            "owner": text("who owns it", default="unknown"),
            "availability": number("share of the year it works", "share", 0.0, 1.0, default=0.9995),
            "frequency_ghz": number(
                "carrier of a microwave hop; 0: usual for its length", "GHz", 0.0, 100.0, default=0.0
            ),
            "fade_margin_db": number(
                "fade margin of a microwave hop; 0: usual", "dB", 0.0, 100.0, default=0.0
            ),
            "record_kind": kind_of_record(),
        }
    ),
    "operators": pa.DataFrameSchema(
        {
            "operator": key("key"),
            "name": text("name"),
            "share": number("share of subscribers", "share", 0.0, 1.0),
            "province_shares": text(
                "its share where a province's own is known, as province code=share, separated by ; (08=0.61;14=0.55)",
                default="",
                checks=(pa.Check.str_matches(r"^(\d\d=(0(\.\d+)?|1(\.0+)?)(;|$))*$"),),
            ),
        }
    ),
}


_FACILITY_WORDS = {
    "commune_office": "commune office", "trường học": "school", "trường": "school", "trường tiểu học": "school",
    "trường thcs": "school", "trường thpt": "school", "trường mầm non": "school", "kindergarten": "school",
    "primary school": "school", "secondary school": "school", "education": "school", "university": "school",
    "college": "school", "école": "school", "escola": "school", "escuela": "school",
    "trạm y tế": "clinic", "trạm y tế xã": "clinic", "bệnh viện": "clinic", "phòng khám": "clinic", "hospital": "clinic",
    "health": "clinic", "health centre": "clinic", "health center": "clinic", "health facility": "clinic",
    "health post": "clinic", "doctors": "clinic", "y tế": "clinic", "hôpital": "clinic", "posto de saúde": "clinic",
    "centro de salud": "clinic",
    "ubnd xã": "commune office", "ubnd": "commune office", "trụ sở ubnd xã": "commune office",
    "trụ sở xã": "commune office", "townhall": "commune office", "town hall": "commune office", "mairie": "commune office",
    "prefeitura": "commune office",
}  # fmt: skip

PLACES: Mapping[str, pa.DataFrameSchema] = {
    "communes": pa.DataFrameSchema(
        {
            "commune_code": key("official code, 5 digits", digits=5),
            "name": text("name without its kind"),
            "province_code": text("official code, 2 digits", digits=2, default=""),
            "province": text(
                "name of the province",
                default="",
            ),
            "kind": text(
                "kind of unit",
                among=("commune", "ward", "special_zone"),
                default="commune",
                words={
                    "xã": "commune",
                    "phường": "ward",
                    "đặc khu": "special_zone",
                    "special zone": "special_zone",
                },
            ),
            "area_km2": number("stated area", "km²", 0.0),
            "population": whole("people", "people", 0, default=0),
            "remote": whole("remoteness: 0 urban, 1 rural, 2 remote, 3 very remote", "", 0, 3, default=1),
            "record_kind": kind_of_record(),
            "geometry": shape("Polygon", "MultiPolygon"),
        }
    ),
    "demand": pa.DataFrameSchema(
        {
            "cell_id": key("key of the grid square"),
            "commune_code": text("commune of the square", digits=5, refers="communes.commune_code"),
            "population": whole("people in the square", "people", 0),
            "row": whole("row of the square on the grid", "", 0),
            "col": whole("column of the square on the grid", "", 0),
        }
    ),
    "settlements": pa.DataFrameSchema(
        {
            "settlement_id": key("key"),
            "name": text("name"),
            "kind": text(
                "centre of an old unit, or village",
                among=("centre", "village"),
                default="village",
                words={"center": "centre", "thôn": "village", "bản": "village"},
            ),
            "commune_code": text("commune", digits=5, refers="communes.commune_code"),
            "population": whole("people (about)", "people", 0, default=0),
            "modelled": flag("whether its place is drawn, not known", default=False),
            "on_grid": flag("whether a power line reaches it", default=True),
            "record_kind": kind_of_record(),
            "geometry": shape("Point"),
        }
    ),
    "facilities": pa.DataFrameSchema(
        {
            "facility_id": key("key"),
            "kind": text(
                "kind",
                among=("school", "clinic", "commune office", "other"),
                rest="other",
                words=_FACILITY_WORDS,
            ),
            "commune_code": text("commune", digits=5, refers="communes.commune_code"),
            "record_kind": kind_of_record(),
            "geometry": shape("Point"),
        }
    ),
}


SCHEMAS: Mapping[str, pa.DataFrameSchema] = {**PLACES, **NETWORK}
"""The source: one pandera schema a layer."""

LAYERS: Mapping[str, tuple[LayerColumn, ...]] = {
    layer: tuple(
        view(c, aliases=headings_of(layer, name)) for name, c in schema.columns.items() if name != "geometry"
    )
    for layer, schema in SCHEMAS.items()
}
"""The same, as plain values; the geometry apart."""

GEOMETRY_LAYERS = tuple(layer for layer, schema in SCHEMAS.items() if "geometry" in schema.columns)
TABLE_LAYERS = tuple(layer for layer in SCHEMAS if layer not in GEOMETRY_LAYERS)


@dataclass(frozen=True)
class Raster:
    """One raster of a region.

    Parameters
    ----------
    name, meaning, unit : str
        ``name.tif`` is its file.
    dtype : str
        Of its pixels.
    least, most : float
        Limits, inclusive.
    required : bool
        Whether a region cannot be without it.
    without : str
        What stands for a pixel without data, or for the whole raster when it is not there.
    """

    name: str
    meaning: str
    unit: str
    dtype: str
    least: float
    most: float
    required: bool
    without: str


RASTERS: Mapping[str, Raster] = {
    r.name: r
    for r in (
        Raster("elevation", "ground height above sea level", "m", "float32", LOWEST_M, HIGHEST_M, True, "refused"),
        Raster("clutter", "class of geodata/clutter.csv", "code", "uint8", 0, 254, False, "0 (open ground)"),
        Raster(
            "population", "people in the pixel; given to `phusong region build`, which makes demand of it", "people",
            "float32", 0.0, 1e7, False, "nobody",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """A column of ``layer`` whose value must stand in ``to_column`` of ``to_layer``."""

    layer: str
    column: LayerColumn
    to_layer: str
    to_column: str


def key_of(layer: str) -> str:
    """Return the name of the column that tells a layer's rows apart.

    Examples
    --------
    >>> key_of("sites")
    'site_id'
    """
    return next(c.name for c in LAYERS[layer] if c.key)


def references() -> tuple[Reference, ...]:
    """Return every reference between layers.

    Examples
    --------
    >>> sorted({r.to_layer for r in references()})
    ['communes', 'operators', 'power_nodes', 'sites']
    """
    return tuple(
        Reference(layer, column, *column.refers.split(".", 1))
        for layer, columns in LAYERS.items()
        for column in columns
        if column.refers
    )
