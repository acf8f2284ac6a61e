"""Schemas of what carries signal, power and traffic: sites, cells, power, links, operators."""

from collections.abc import Mapping

import pandera.pandas as pa

from phusong.region.columns import flag, key, kind_of_record, number, shape, text, whole

__all__ = ["NETWORK"]

_SITE_POWER = ("grid", "grid_battery", "solar", "hybrid", "diesel", "none")
_LOCKS = ("", "structural", "security", "contract", "technical", "legal", "unknown")
_GENERATIONS = {
    "gsm": "2G", "umts": "3G", "wcdma": "3G", "lte": "4G", "nr": "5G", "2g": "2G", "3g": "3G", "4g": "4G", "5g": "5G",
}  # fmt: skip
_STATES = {"operational": "active", "in operation": "active", "proposed": "planned", "underconstruction": "planned",
           "under construction": "planned", "decommissioned": "retired"}  # fmt: skip

NETWORK: Mapping[str, pa.DataFrameSchema] = {
    "sites": pa.DataFrameSchema(
        {
            "site_id": key(
                "key",
                aliases=(
                    "wireless_site_id",
                    "ict_id",
                    "tower_id",
                    "ma_tram",
                    "matram",
                    "site_code",
                    "station_id",
                    "id",
                ),
            ),
            "owner": text(
                "who owns the structure",
                default="unknown",
                aliases=("physical_infrastructure_provider", "tower_owner", "chu_so_huu", "don_vi_so_huu"),
            ),
            "structure": text(
                "what carries the antennas; an exchange is a root of the backhaul",
                among=("tower", "mast", "rooftop", "pole", "exchange"),
                default="tower",
                aliases=("site_type", "structure_type", "tower_type", "loai_cot"),
                words={
                    "cột tự đứng": "tower",
                    "cột dây co": "mast",
                    "trên mái": "rooftop",
                    "hub": "exchange",
                },
            ),
            "height_m": number(
                "height above ground",
                "m",
                0.0,
                400.0,
                default=30.0,
                aliases=(
                    "structure_height_meters",
                    "tower_height_m",
                    "tower_height_meters",
                    "chieu_cao_m",
                    "do_cao_cot_m",
                ),
            ),
            "shareable": flag("whether the owner lets others in", default=True, aliases=("dung_chung",)),
            "lock_reason": text(
                "why others may not use it", among=_LOCKS, default="", aliases=("ly_do_khoa",)
            ),
            "spare_slots": whole("antenna positions free for guests", "", 0, 50, default=1),
            "power_source": text(
                "supply",
                among=_SITE_POWER,
                default="grid_battery",
                aliases=("power_type", "nguon_dien"),
                words={"generator": "diesel", "off": "none", "grid+battery": "grid_battery"},
            ),
            "power_node_id": text(
                "transformer that feeds it; empty: none",
                default="",
                refers="power_nodes.node_id",
                aliases=("transformer_id", "ma_tba"),
            ),
            "autonomy_h": number(
                "hours it works without its supply",
                "h",
                0.0,
                1000.0,
                default=4.0,
                aliases=("backup_power_hours", "battery_hours", "gio_du_phong"),
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
                aliases=("upstream_site_id", "upstream_transmission_node_id"),
            ),
            "commissioned": whole(
                "year",
                "year",
                1980,
                2100,
                default=2015,
                aliases=("commissioned_year", "year_commissioned", "nam_phat_song", "nam_lap_dat"),
            ),
            "status": text(
                "state",
                among=("active", "planned", "retired"),
                default="active",
                aliases=("site_status", "trang_thai"),
                words=_STATES,
            ),
            "record_kind": kind_of_record(),
            "geometry": shape("Point"),
        }
    ),
    "cells": pa.DataFrameSchema(
        {
            "cell_id": key("key", aliases=("cgi", "ecgi", "sector_id", "ma_cell", "cellid", "id")),
            "site_id": text(
                "site it stands on",
                refers="sites.site_id",
                aliases=("wireless_site_id", "ict_id", "tower_id", "ma_tram", "matram", "site_code"),
            ),
            "operator": text(
                "operator whose cell it is",
                refers="operators.operator",
                aliases=("network_provider", "mno", "nha_mang", "carrier"),
            ),
            "technology": text(
                "generation",
                among=("2G", "3G", "4G", "5G"),
                default="4G",
                aliases=("radio", "radio_type", "rat", "cong_nghe"),
                words=_GENERATIONS,
            ),
            "band_mhz": number(
                "carrier frequency",
                "MHz",
                400.0,
                6000.0,
                default=900.0,
                aliases=("frequency_mhz", "frequency_band_mhz", "freq_mhz", "carrier_mhz", "tan_so_mhz"),
            ),
            "bandwidth_mhz": number(
                "channel bandwidth",
                "MHz",
                1.0,
                400.0,
                default=10.0,
                aliases=("channel_bandwidth_mhz", "bang_thong_mhz"),
            ),
            "eirp_dbm": number("equivalent isotropically radiated power", "dBm", 0.0, 90.0, default=60.0),
            "antenna_height_m": number(
                "antenna above ground",
                "m",
                0.5,
                400.0,
                default=30.0,
                aliases=("antenna_height_agl_meters", "antenna_height_meters", "do_cao_anten_m"),
            ),
            "azimuth_deg": number(
                "direction of the main lobe, from north clockwise",
                "°",
                0.0,
                360.0,
                default=0.0,
                aliases=("azimuth", "azimuth_degrees", "bearing_deg", "goc_phuong_vi"),
            ),
            "beamwidth_deg": number(
                "horizontal half-power beamwidth; 360: all round",
                "°",
                1.0,
                360.0,
                default=360.0,
                aliases=("horizontal_beamwidth_deg", "beamwidth", "hpbw_deg"),
            ),
            "tilt_deg": number(
                "downtilt",
                "°",
                -20.0,
                30.0,
                default=2.0,
                aliases=("downtilt_deg", "total_tilt_deg", "downtilt"),
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
                aliases=("pattern_file",),
            ),
            "record_kind": kind_of_record(),
        }
    ),
    "power_nodes": pa.DataFrameSchema(
        {
            "node_id": key("key", aliases=("substation_id", "transformer_id", "ma_tba", "id")),
            "kind": text(
                "kind",
                among=("plant", "substation", "transformer", "junction"),
                default="transformer",
                aliases=("type", "power"),
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
            "line_id": key("key", aliases=("id", "ma_duong_day")),
            "from_id": text("node nearer to the source", refers="power_nodes.node_id"),
            "to_id": text("node that it feeds", refers="power_nodes.node_id"),
            "length_km": number("length", "km", 0.0, 2000.0, aliases=("chieu_dai_km",)),
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
            "link_id": key("key", aliases=("id",)),
            "from_id": text("site", refers="sites.site_id", aliases=("site_a", "from_site")),
            "to_id": text("site nearer to the core", refers="sites.site_id", aliases=("site_b", "to_site")),
            "medium": text(
                "what carries it",
                among=("fibre", "microwave", "satellite"),
                default="fibre",
                aliases=("transmission_medium", "backhaul_type"),
                words={
                    "fiber": "fibre",
                    "cáp quang": "fibre",
                    "viba": "microwave",
                    "vi ba": "microwave",
                    "vsat": "satellite",
                    "vệ tinh": "satellite",
                },
            ),
            "capacity_mbps": number(
                "capacity", "Mbit/s", 0.0, default=1000.0, aliases=("backhaul_capacity_mbps",)
            ),
            "owner": text(
                "who owns it", default="unknown", aliases=("physical_infrastructure_provider", "chu_so_huu")
            ),
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
            "operator": key("key", aliases=("operator_id", "mno", "id")),
            "name": text("name", aliases=("ten", "operator_name", "ten_nha_mang")),
            "share": number("share of subscribers", "share", 0.0, 1.0, aliases=("market_share", "thi_phan")),
            "province_shares": text(
                "its share where a province's own is known, as province code=share, separated by ; (08=0.61;14=0.55)",
                default="",
                checks=(pa.Check.str_matches(r"^(\d\d=(0(\.\d+)?|1(\.0+)?)(;|$))*$"),),
            ),
        }
    ),
}
