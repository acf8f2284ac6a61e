"""Schemas of what carries signal, power and traffic: sites, cells, power, links, operators."""

from collections.abc import Mapping

import pandera.pandas as pa

from phusong.region.columns import flag, key, kind_of_record, number, shape, text, whole

__all__ = ["NETWORK"]

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
            "tank_h": number("hours that a full tank lasts; 0: usual", "h", 0.0, 8760.0, default=0.0),
            "refuel_delay_h": number(
                "mean time from ordering fuel to having it; 0: usual", "h", 0.0, 8760.0, default=0.0
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
            "caidi_h": number("their mean length", "h", 0.0, 8760.0),
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
            "repair_h": number("mean time to repair", "h", 0.0, 8760.0, default=5.0),
            "normally_open": flag(
                "whether it carries nothing until it is closed to feed what a fault left dark", default=False
            ),
            "switch_h": number("time to close it, when it is normally open", "h", 0.0, 8760.0, default=1.0),
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
