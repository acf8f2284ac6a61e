"""Every layer of a region, declared once: columns, types, units, meaning, limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["GEOMETRY_LAYERS", "LAYERS", "TABLE_LAYERS", "Column", "data_dictionary"]


@dataclass(frozen=True)
class Column:
    """One column of a layer.

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
    default : object
        Filled in when a file lacks the column; None: the column must be there.
    """

    name: str
    kind: str
    meaning: str
    least: float | None = None
    most: float | None = None
    among: tuple[str, ...] = ()
    default: Any = None


def _text(name: str, meaning: str, *, among: tuple[str, ...] = (), default: str | None = None) -> Column:
    return Column(name, "text", meaning, among=among, default=default)


def _number(
    name: str,
    meaning: str,
    least: float | None = None,
    most: float | None = None,
    default: float | None = None,
) -> Column:
    return Column(name, "number", meaning, least, most, default=default)


def _whole(
    name: str, meaning: str, least: float | None = None, most: float | None = None, default: int | None = None
) -> Column:
    return Column(name, "whole", meaning, least, most, default=default)


_SITE_POWER = ("grid", "grid_battery", "solar", "hybrid", "diesel", "none")
_LOCKS = ("", "structural", "security", "contract", "technical", "legal", "unknown")

LAYERS: Mapping[str, tuple[Column, ...]] = {
    "communes": (
        _text("commune_code", "official code, 5 digits"),
        _text("name", "name without its kind"),
        _text("province_code", "official code, 2 digits", default=""),
        _text("province", "name of the province", default=""),
        _text("kind", "kind of unit", among=("commune", "ward", "special_zone"), default="commune"),
        _number("area_km2", "stated area", 0.0),
        _whole("population", "people", 0, default=0),
        _whole("remote", "remoteness: 0 urban, 1 rural, 2 remote, 3 very remote", 0, 3, default=1),
    ),
    "demand": (
        _text("cell_id", "key of the grid square"),
        _text("commune_code", "commune of the square"),
        _whole("population", "people in the square", 0),
        _whole("row", "row of the square on the grid", 0),
        _whole("col", "column of the square on the grid", 0),
    ),
    "settlements": (
        _text("settlement_id", "key"),
        _text("name", "name"),
        _text("kind", "centre of an old unit, or village", among=("centre", "village"), default="village"),
        _text("commune_code", "commune"),
        _whole("population", "people (about)", 0, default=0),
        Column("modelled", "flag", "whether its place is drawn, not known", default=False),
        Column("on_grid", "flag", "whether a power line reaches it", default=True),
    ),
    "sites": (
        _text("site_id", "key"),
        _text("owner", "who owns the structure", default="unknown"),
        _text(
            "structure",
            "what carries the antennas; an exchange is a root of the backhaul",
            among=("tower", "mast", "rooftop", "pole", "exchange"),
            default="tower",
        ),
        _number("height_m", "height above ground", 0.0, 400.0, default=30.0),
        Column("shareable", "flag", "whether the owner lets others in", default=True),
        _text("lock_reason", "why others may not use it", among=_LOCKS, default=""),
        _whole("spare_slots", "antenna positions free for guests", 0, 50, default=1),
        _text("power_source", "supply", among=_SITE_POWER, default="grid_battery"),
        _text("power_node_id", "transformer that feeds it; empty: none", default=""),
        _number("autonomy_h", "hours it works without its supply", 0.0, 1000.0, default=4.0),
        _text("backhaul_parent_id", "site or exchange its backhaul goes to; empty: none", default=""),
        _whole("commissioned", "year", 1980, 2100, default=2015),
        _text("status", "state", among=("active", "planned", "retired"), default="active"),
    ),
    "cells": (
        _text("cell_id", "key"),
        _text("site_id", "site it stands on"),
        _text("operator", "operator whose cell it is"),
        _text("technology", "generation", among=("2G", "3G", "4G", "5G"), default="4G"),
        _number("band_mhz", "carrier frequency", 400.0, 6000.0, default=900.0),
        _number("bandwidth_mhz", "channel bandwidth", 1.0, 400.0, default=10.0),
        _number("eirp_dbm", "equivalent isotropically radiated power", 0.0, 90.0, default=60.0),
        _number("antenna_height_m", "antenna above ground", 0.5, 400.0, default=30.0),
        _number("azimuth_deg", "direction of the main lobe", 0.0, 360.0, default=0.0),
        _number(
            "beamwidth_deg", "horizontal half-power beamwidth; 360: all round", 1.0, 360.0, default=360.0
        ),
        _number("tilt_deg", "downtilt", -20.0, 30.0, default=2.0),
        _text("guests", "other operators it serves, separated by ;", default=""),
    ),
    "power_nodes": (
        _text("node_id", "key"),
        _text(
            "kind", "kind", among=("plant", "substation", "transformer", "junction"), default="transformer"
        ),
        _number("capacity_kw", "capacity", 0.0, default=0.0),
        _number("saifi", "interruptions a year by the node itself", 0.0, 10_000.0),
        _number("caidi_h", "their mean length", 0.0, 8760.0),
    ),
    "power_lines": (
        _text("line_id", "key"),
        _text("from_id", "node nearer to the source"),
        _text("to_id", "node that it feeds"),
        _number("length_km", "length", 0.0, 2000.0),
        _number("failures_per_km_year", "faults", 0.0, 1000.0, default=0.03),
        _number("repair_h", "mean time to repair", 0.0, 8760.0, default=5.0),
    ),
    "links": (
        _text("link_id", "key"),
        _text("from_id", "site"),
        _text("to_id", "site nearer to the core"),
        _text("medium", "what carries it", among=("fibre", "microwave", "satellite"), default="fibre"),
        _number("capacity_mbps", "capacity", 0.0, default=1000.0),
        _text("owner", "who owns it", default="unknown"),
        _number("availability", "share of the year it works", 0.0, 1.0, default=0.9995),
    ),
    "operators": (
        _text("operator", "key"),
        _text("name", "name"),
        _number("share", "share of subscribers", 0.0, 1.0),
    ),
    "facilities": (
        _text("facility_id", "key"),
        _text("kind", "kind", among=("school", "clinic", "commune office")),
        _text("commune_code", "commune"),
    ),
}
GEOMETRY_LAYERS = ("communes", "settlements", "sites", "power_nodes", "facilities")
TABLE_LAYERS = ("demand", "cells", "power_lines", "links", "operators")


def data_dictionary() -> str:
    """Return the layers as Markdown, for docs/data-dictionary.md."""
    lines = [
        "# Data dictionary",
        "",
        "Written from the schema by `phusong.region.schema.data_dictionary`.",
        "",
    ]
    for layer, columns in LAYERS.items():
        shape = " (with geometry)" if layer in GEOMETRY_LAYERS else ""
        lines += [
            f"## {layer}{shape}",
            "",
            "| column | type | meaning | allowed | if missing |",
            "| --- | --- | --- | --- | --- |",
        ]
        for c in columns:
            limits = ", ".join(w or "(empty)" for w in c.among) or _limits(c)
            missing = "refused" if c.default is None else f"`{c.default}`"
            lines.append(f"| {c.name} | {c.kind} | {c.meaning} | {limits} | {missing} |")
        lines.append("")
    return "\n".join(lines)


def _limits(column: Column) -> str:
    if column.least is None and column.most is None:
        return ""
    low = "" if column.least is None else f"from {column.least:g}"
    high = "" if column.most is None else f"to {column.most:g}"
    return f"{low} {high}".strip()
