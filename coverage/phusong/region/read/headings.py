"""Header rows, headings that mean our columns, and units that files may state.

Written folded (``fold``: no diacritics, no capitals, words joined by ``_``), so `Mã trạm`, `MA TRAM` and `ma-tram` are one.
Vietnamese and English first; French, Portuguese and Spanish where the word is plain. `TenXa`, `shapeName` and the like lose
their capitals, so they stand here as one word.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from phusong.compute.array_types import Floats
from phusong.errors import Notice
from phusong.region.read.encoding import fold

__all__ = [
    "HEADINGS",
    "NAME_HEADINGS",
    "UNITS",
    "UNIT_WORDS",
    "SheetTable",
    "column_of",
    "convert",
    "headings_of",
    "known_headings",
    "letters_of",
    "records_of",
]


def _times(factor: float) -> Callable[[Floats], Floats]:
    return lambda values: values * factor


def _decibels(offset_db: float) -> Callable[[Floats], Floats]:
    return lambda watts: 10.0 * np.log10(watts) + offset_db


UNITS: Mapping[str, Mapping[str, Callable[[Floats], Floats]]] = {
    "m": {
        "ft": _times(0.3048),
        "km": _times(1000.0),
        "cm": _times(0.01),
        "dm": _times(0.1),
        "mm": _times(0.001),
    },
    "km": {"m": _times(0.001), "mi": _times(1.609344), "ft": _times(0.0003048)},
    "km²": {"m2": _times(1e-6), "ha": _times(0.01), "mi2": _times(1.609344**2)},
    "kW": {"W": _times(0.001), "MW": _times(1000.0)},
    "dBm": {"W": _decibels(30.0), "mW": _decibels(0.0), "kW": _decibels(60.0), "dBW": lambda v: v + 30.0},
    "MHz": {"GHz": _times(1000.0), "kHz": _times(0.001), "Hz": _times(1e-6)},
    "GHz": {"MHz": _times(0.001)},
    "dB": {"Np": _times(20.0 / np.log(10.0))},
    "Mbit/s": {"Gbit/s": _times(1000.0), "kbit/s": _times(0.001)},
    "h": {"min": _times(1 / 60), "s": _times(1 / 3600), "day": _times(24.0)},
    "share": {"%": _times(0.01)},
    "°": {"rad": _times(180.0 / np.pi)},
    "people": {"thousand": _times(1000.0)},
}
"""For each unit of the schema, the units that may be given instead."""


def convert(values: Floats, unit: str, given: str) -> Floats:
    """Return values in the schema's unit.

    Parameters
    ----------
    values : ndarray, [given]
        Any shape.
    unit, given : str
        The schema's unit and the file's; the same one changes nothing.

    Examples
    --------
    >>> convert(np.array([100.0]), "m", "ft"), convert(np.array([20.0]), "dBm", "W").round(2)
    (array([30.48]), array([43.01]))
    """
    if unit == given:
        return values
    with np.errstate(divide="ignore", invalid="ignore"):
        # what cannot be converted (no power in decibels) is not finite, and refused by row later
        return UNITS[unit][given](values)


_LOOKED_AT = 60  # rows in which the names of columns are looked for
_FEW = 2  # filled cells of a title, a total or a signature
_WIDE = 4  # columns of a table in which so few are no record
_ENOUGH = 2  # known names that make a row the header
_LAST_WORDS = 1


@dataclass(frozen=True)
class SheetTable:
    """A table out of a sheet.

    Parameters
    ----------
    frame : DataFrame
        Its records, by the names of the columns.
    known : tuple of str
        The names that were expected, folded.
    first_row : int
        Number of the sheet's first record, counted from 1.
    notices : tuple of Notice
        What was left out above, between and below.
    """

    frame: pd.DataFrame
    known: tuple[str, ...]
    first_row: int
    notices: tuple[Notice, ...] = ()


def records_of(rows: Sequence[Sequence[object]], where: str, known: Iterable[str]) -> SheetTable | None:
    """Return the records of a sheet, or None where no row names its columns.

    Parameters
    ----------
    rows : sequence of sequence
        Cells of the sheet, None where nothing stands; all rows of one length.
    where : str
        Its name, for notices.
    known : iterable of str
        Names expected among the columns.

    Examples
    --------
    >>> sheet = records_of([["LIST", None], ["Mã trạm", "Kinh độ"], ["A1", 105.2]], "x", ["ma_tram", "kinh_do"])
    >>> sheet.frame.to_dict("records")
    [{'Mã trạm': 'A1', 'Kinh độ': 105.2}]
    """
    names = {fold(k) for k in known}
    best: tuple[int, int, int] | None = None  # score, -row, rows of the header
    for at in range(min(len(rows), _LOOKED_AT)):
        for deep in (1, 2):
            if at + deep > len(rows):
                continue
            score = len(_found(_joined(rows[at : at + deep]), names))
            # a second row of names must add some, or it is a record
            if best is None or (score, -deep) > (best[0], -best[2]):
                best = (score, at, deep)
    if best is None or best[0] < min(_ENOUGH, max(1, len(rows[0]) if rows else 1)):
        return None
    score, at, deep = best
    header = _joined(rows[at : at + deep])
    if deep == 1 and at > 0:
        # a name that spans both rows stands in the upper one
        above = rows[at - 1]
        titles = sum(v is not None for v in above) < _FEW
        header = [n if n or titles else _text(v) for n, v in zip(header, above, strict=True)]
        header = _named_by_both(header, above, names)
    body = list(rows[at + deep :])
    width = sum(bool(h) for h in header)
    usable: list[tuple[int, Sequence[object]]] = []
    passed: list[tuple[int, Sequence[object]]] = []
    for number, row in enumerate(body):
        filled = sum(v is not None for v in row)
        if filled == 0:
            continue
        (usable if width < _WIDE or filled > _FEW else passed).append((number, row))
    notices = []
    if at > 0:
        told = f"names of columns were found in row {at + deep}: what stands above is no record"
        notices.append(Notice(where, told))
    if passed:
        told = f"rows with at most {_FEW} of {width} values (titles, totals, signatures) are no records and were left out"
        notices.append(Notice(where, told, rows=len(passed)))
    columns, more = _columns(header, [r for _, r in usable], where)
    data = {name: [row[k] for _, row in usable] for name, k in columns.items()}
    frame = pd.DataFrame(data, columns=list(columns))
    first = at + deep + (usable[0][0] if usable else 0) + 1
    return SheetTable(frame, tuple(sorted(_found(header, names))), first, (*notices, *more))


def letters_of(number: int) -> str:
    """Return the letters of a column, counted from 0.

    Examples
    --------
    >>> letters_of(0), letters_of(27)
    ('A', 'AB')
    """
    out = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out


def _joined(rows: Sequence[Sequence[object]]) -> list[str]:
    """Return the names of columns that stand in one row, or in two of which the lower divides the upper."""
    if len(rows) == 1:
        return [_text(v) for v in rows[0]]
    return [_text(low) or _text(high) for high, low in zip(*rows, strict=True)]


def _named_by_both(header: list[str], above: Sequence[object], names: set[str]) -> list[str]:
    """Return names to which the heading that spans several columns is put where they alone mean nothing."""
    out, group = [], ""
    for name, high in zip(header, above, strict=True):
        group = _text(high) or group
        both = f"{group} {name}".strip()
        out.append(both if name and fold(name) not in names and _known(both, names) else name)
    return out


def _known(name: str, names: set[str]) -> str:
    """Return the expected name that a heading is, with or without a unit behind it."""
    folded = fold(name)
    if folded in names:
        return folded
    stem = folded.rsplit("_", _LAST_WORDS)[0]
    return stem if stem != folded and stem in names else ""


def _found(header: Iterable[str], names: set[str]) -> set[str]:
    return {known for h in header if h and (known := _known(h, names))}


def _text(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _columns(
    header: Sequence[str], rows: Sequence[Sequence[object]], where: str
) -> tuple[dict[str, int], list[Notice]]:
    """Return the position of each column by its name; those without one by their letters."""
    out: dict[str, int] = {}
    notices = []
    for k, name in enumerate(header):
        if not name and not any(r[k] is not None for r in rows):
            continue
        unique = name or f"column {letters_of(k)}"
        if unique in out:
            again = f"{unique} ({letters_of(k)})"
            notices.append(
                Notice(where, f"stands twice among the names; the second is called {again}", unique)
            )
            unique = again
        out[unique] = k
    return out, notices


_COMMUNE = (
    "ma_xa", "ma_phuong", "ma_phuong_xa", "ma_xa_phuong", "commune_id", "ward_code", "maxa", "code_commune", "mapx",
)  # fmt: skip
_PEOPLE = (
    "dan_so", "people", "pop", "danso", "so_dan", "total_population", "populacao", "poblacion", "pop_total", "so_nguoi",
)  # fmt: skip
_SITE = (
    "wireless_site_id", "ict_id", "tower_id", "ma_tram", "matram", "site_code", "ma_tram_bts", "ma_bts", "ma_vi_tri",
)  # fmt: skip
_OWNER = (
    "physical_infrastructure_provider",
    "chu_so_huu",
    "infrastructure_provider",
    "owner_name",
    "proprietaire",
    "proprietario",
)

HEADINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "communes": {
        "commune_code": (
            *_COMMUNE, "code", "ma", "adm3_pcode", "adm2_pcode", "cc_3", "shapeid", "gid_3", "pcode", "ma_dvhc", "madvhc",
            "codigo", "cod_mun", "code_insee",
        ),
        "name": (
            "ten", "ten_xa", "commune_name", "ward_name", "commune", "tenxa", "adm3_vi", "adm2_vi", "name_3", "adm3_en",
            "adm2_en", "adm3_fr", "adm3_pt", "adm3_es", "shapename", "ten_phuong_xa", "ten_xa_phuong", "xa", "phuong_xa",
            "xa_phuong", "ten_dvhc", "nom", "nome", "nombre", "nom_commune", "municipio", "nm_mun",
        ),
        "province_code": ("ma_tinh", "province_id", "matinh", "adm1_pcode", "cc_1"),
        "province": (
            "ten_tinh", "tinh", "province_name", "tinh_thanh", "tentinh", "adm1_vi", "name_1", "adm1_en", "adm1_fr",
            "provincia", "departement", "departamento", "tinh_thanh_pho",
        ),
        "kind": ("loai", "type", "unit_type", "cap", "engtype_3", "type_3", "loai_dvhc"),
        "area_km2": ("dien_tich_km2", "area_sq_km", "area_sqkm", "superficie_km2"),
        "population": _PEOPLE,
    },
    "demand": {"commune_code": _COMMUNE, "population": _PEOPLE},
    "settlements": {
        "settlement_id": ("village_id", "id", "ma_thon", "ma_ban", "osm_id", "geonameid", "locality_id"),
        "name": (
            "ten", "ten_thon", "ten_ban", "village", "village_name", "ten_thon_ban", "thon", "ban", "thon_ban", "localite",
            "localidade", "localidad", "settlement", "settlement_name", "nom", "nome", "nombre", "place_name", "asciiname",
        ),
        "commune_code": _COMMUNE,
        "population": _PEOPLE,
        "on_grid": ("electrified", "co_dien", "has_electricity", "electrifie", "eletrificado"),
    },
    "facilities": {
        "facility_id": (
            "school_id", "school_id_giga", "giga_id_school", "poi_id", "ma_truong", "id", "osm_id", "ma_co_so", "uic_id",
            "source_poi_id",
        ),
        "kind": (
            "facility_type", "amenity", "type", "poi_type", "loai_co_so", "loai", "loai_hinh", "category", "tipo",
            "facility_kind",
        ),
        "commune_code": _COMMUNE,
    },
    "sites": {
        "site_id": (
            *_SITE, "station_id", "id", "site_name_id", "id_site", "code_site", "codigo_estacao", "codigo_estacion", "id_tram",
            "ma_cot", "site", "ma_nha_tram",
        ),
        "owner": (
            *_OWNER, "tower_owner", "don_vi_so_huu", "site_owner", "towerco", "tower_company", "chu_dau_tu", "don_vi_quan_ly",
            "don_vi_chu_quan", "chu_quan", "so_huu", "detentora", "doanh_nghiep_so_huu",
        ),
        "structure": (
            "site_type", "structure_type", "tower_type", "loai_cot", "loai_tram", "type_support", "tipo_estrutura",
            "tipo_estructura", "mast_type", "kieu_cot",
        ),
        "height_m": (
            "structure_height_meters", "tower_height_m", "tower_height_meters", "chieu_cao_m", "do_cao_cot_m", "tower_height",
            "structure_height", "chieu_cao_cot", "do_cao_cot", "chieu_cao", "cao", "height", "mast_height", "do_cao",
            "hauteur", "altura", "altura_torre", "hauteur_pylone", "chieu_cao_cot_anten", "cot_cao",
        ),
        "shareable": ("dung_chung", "shared_allowed", "cho_dung_chung"),
        "lock_reason": ("ly_do_khoa",),
        "power_source": (
            "power_type", "nguon_dien", "electricity_type", "power_supply", "source_energie", "energie", "fonte_energia",
            "fuente_energia", "loai_nguon",
        ),
        "power_node_id": ("transformer_id", "ma_tba"),
        "autonomy_h": (
            "backup_power_hours", "battery_hours", "gio_du_phong", "thoi_gian_du_phong", "battery_autonomy", "backup_hours",
            "autonomie", "autonomia", "autonomy",
        ),
        "backhaul_parent_id": ("upstream_site_id", "upstream_transmission_node_id", "tram_cha", "ma_tram_cha"),
        "commissioned": (
            "commissioned_year", "year_commissioned", "nam_phat_song", "nam_lap_dat", "ngay_phat_song", "on_air_date",
            "commissioning_date", "date_mise_en_service", "nam_xay_dung", "install_date", "date_installed",
        ),
        "status": ("site_status", "trang_thai", "tinh_trang", "statut", "estado", "hien_trang"),
    },
    "cells": {
        "cell_id": ("cgi", "ecgi", "sector_id", "ma_cell", "cellid", "id", "source_cell_id", "cell_name", "ten_cell"),
        "site_id": (*_SITE, "site"),
        "operator": (
            "network_provider", "mno", "nha_mang", "carrier", "operator_name", "licensee_name", "licensee", "ten_nha_mang",
            "nha_cung_cap", "network_providers", "network_operator", "operateur", "operadora", "operador", "prestadora",
            "mobile_operator", "don_vi", "doanh_nghiep", "doanh_nghiep_vien_thong", "mang", "network_name", "tenant", "tenants",
        ),
        "technology": (
            "radio", "radio_type", "rat", "cong_nghe", "generation", "technologies", "access_technologies", "tech", "the_he",
            "technologie", "tecnologia", "loai_mang", "network_type", "mang_luoi",
        ),
        "band_mhz": (
            "frequency_mhz", "frequency_band_mhz", "freq_mhz", "carrier_mhz", "tan_so_mhz", "downlink_frequency_mhz",
            "tx_frequency", "bang_tan_mhz", "frequency", "tan_so", "bang_tan", "frequence", "frequencia", "frecuencia",
            "dl_frequency_mhz",
        ),
        "bandwidth_mhz": (
            "channel_bandwidth_mhz", "bang_thong_mhz", "max_channel_bandwidth_mhz", "bandwidth", "bang_thong",
            "channel_bandwidth", "do_rong_kenh",
        ),
        "eirp_dbm": ("eirp",),
        "antenna_height_m": (
            "antenna_height_agl_meters", "antenna_height_meters", "do_cao_anten_m", "antenna_height", "tx_ant_height",
            "do_cao_anten", "chieu_cao_anten", "altura_antena", "hauteur_antenne", "antenna_height_agl",
        ),
        "azimuth_deg": (
            "azimuth", "azimuth_degrees", "bearing_deg", "goc_phuong_vi", "tx_ant_azimuth", "azimut", "phuong_vi", "huong",
        ),
        "beamwidth_deg": (
            "horizontal_beamwidth_deg", "beamwidth", "hpbw_deg", "antenna_horizontal_beamwidth_degrees", "hpbw",
            "horizontal_beamwidth", "tx_ant_horiz_beamwidth",
        ),
        "tilt_deg": ("downtilt_deg", "total_tilt_deg", "downtilt", "tilt", "goc_ngang"),
        "antenna_pattern": ("pattern_file",),
    },
    "power_nodes": {
        "node_id": ("substation_id", "transformer_id", "ma_tba", "id"),
        "kind": ("type", "power", "loai"),
    },
    "power_lines": {"line_id": ("id", "ma_duong_day"), "length_km": ("chieu_dai_km", "chieu_dai", "length")},
    "links": {
        "link_id": ("id", "ma_tuyen"),
        "from_id": ("site_a", "from_site", "a_end", "diem_dau"),
        "to_id": ("site_b", "to_site", "z_end", "diem_cuoi"),
        "medium": ("transmission_medium", "backhaul_type", "loai_truyen_dan"),
        "capacity_mbps": ("backhaul_capacity_mbps", "backhaul_throuput_mbps", "backhaul_throughput_mbps", "dung_luong_mbps"),
        "owner": _OWNER,
    },
    "operators": {
        "operator": ("operator_id", "mno", "id"),
        "name": ("ten", "operator_name", "ten_nha_mang", "nom", "nome", "nombre"),
        "share": ("market_share", "thi_phan", "part_de_marche", "quota"),
    },
}  # fmt: skip
"""Other headings of a column, by layer and column, folded."""

NAME_HEADINGS = (
    "name", "ten", "ten_tram", "site_name", "station_name", "tower_name", "ten_co_so", "facility_name", "school_name", "label",
    "ten_truong", "nom", "nome", "nombre",
)  # fmt: skip
"""Headings of a name, which tells rows apart where nothing else does and no two are alike."""

UNIT_WORDS = {
    "m": "m", "met": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "ft": "ft", "feet": "ft", "foot": "ft",
    "km": "km", "cm": "cm", "dm": "dm", "mm": "mm", "mhz": "MHz", "ghz": "GHz", "khz": "kHz", "hz": "Hz", "dbm": "dBm", "dbw": "dBW",
    "w": "W", "mw": "mW", "kw": "kW", "h": "h", "hours": "h", "gio": "h", "hour": "h", "min": "min", "minutes": "min",
    "phut": "min", "deg": "°", "degrees": "°", "do": "°", "km2": "km²", "ha": "ha", "mbps": "Mbit/s", "gbps": "Gbit/s",
    "mbit_s": "Mbit/s", "gbit_s": "Gbit/s", "nguoi": "people", "mi": "mi", "mile": "mi", "miles": "mi", "day": "day", "days": "day", "ngay": "day",
    "hr": "h", "hrs": "h", "mins": "min", "kbps": "kbit/s", "db": "dB",
}  # fmt: skip
"""Units by the words for them, folded."""


def headings_of(layer: str, column: str) -> tuple[str, ...]:
    """Return the other headings of a column, folded."""
    return HEADINGS.get(layer, {}).get(column, ())


def known_headings(layer: str, columns: Iterable[str]) -> set[str]:
    """Return every heading, folded, by which a layer's columns go."""
    return {fold(h) for c in columns for h in (c, *headings_of(layer, c))}


def column_of(heading: str, known: Mapping[str, str], units: Mapping[str, str]) -> tuple[str, str]:
    """Return which column a heading means and the unit it states; both empty where it means none.

    Parameters
    ----------
    heading : str
        As the file writes it.
    known : mapping of str to str
        Column by folded heading.
    units : mapping of str to str
        The unit of each column that has one.

    Examples
    --------
    >>> column_of("Tower height (ft)", {"tower_height": "height_m"}, {"height_m": "m"})
    ('height_m', 'ft')
    """
    folded = fold(heading)
    if folded in known:
        return known[folded], ""
    stem, _, last = folded.rpartition("_")
    ours = known.get(stem, "")
    own = units.get(ours, "")
    unit = UNIT_WORDS.get(last, "")
    if ours and own and (unit == own or unit in UNITS.get(own, {})):
        return ours, unit
    return "", ""
