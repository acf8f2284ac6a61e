"""Schemas of where people live and what serves them: communes, demand, settlements, facilities."""

from collections.abc import Mapping

import pandera.pandas as pa

from phusong.region.columns import flag, key, kind_of_record, number, shape, text, whole

__all__ = ["PLACES"]

_COMMUNE = ("ma_xa", "ma_phuong", "ma_phuong_xa", "commune_id", "ward_code", "maxa")
_PEOPLE = ("dan_so", "people", "pop", "danso")


PLACES: Mapping[str, pa.DataFrameSchema] = {
    "communes": pa.DataFrameSchema(
        {
            "commune_code": key("official code, 5 digits", digits=5, aliases=(*_COMMUNE, "code", "ma")),
            "name": text(
                "name without its kind", aliases=("ten", "ten_xa", "commune_name", "ward_name", "commune")
            ),
            "province_code": text(
                "official code, 2 digits", digits=2, default="", aliases=("ma_tinh", "province_id", "matinh")
            ),
            "province": text(
                "name of the province",
                default="",
                aliases=("ten_tinh", "tinh", "province_name", "tinh_thanh"),
            ),
            "kind": text(
                "kind of unit",
                among=("commune", "ward", "special_zone"),
                default="commune",
                aliases=("loai", "type", "unit_type"),
                words={
                    "xã": "commune",
                    "phường": "ward",
                    "đặc khu": "special_zone",
                    "special zone": "special_zone",
                },
            ),
            "area_km2": number(
                "stated area", "km²", 0.0, aliases=("dien_tich_km2", "area_sq_km", "area_sqkm")
            ),
            "population": whole("people", "people", 0, default=0, aliases=_PEOPLE),
            "remote": whole("remoteness: 0 urban, 1 rural, 2 remote, 3 very remote", "", 0, 3, default=1),
            "record_kind": kind_of_record(),
            "geometry": shape("Polygon", "MultiPolygon"),
        }
    ),
    "demand": pa.DataFrameSchema(
        {
            "cell_id": key("key of the grid square"),
            "commune_code": text(
                "commune of the square", digits=5, refers="communes.commune_code", aliases=_COMMUNE
            ),
            "population": whole("people in the square", "people", 0, aliases=_PEOPLE),
            "row": whole("row of the square on the grid", "", 0),
            "col": whole("column of the square on the grid", "", 0),
        }
    ),
    "settlements": pa.DataFrameSchema(
        {
            "settlement_id": key("key", aliases=("village_id", "id", "ma_thon", "ma_ban")),
            "name": text("name", aliases=("ten", "ten_thon", "ten_ban", "village", "village_name")),
            "kind": text(
                "centre of an old unit, or village",
                among=("centre", "village"),
                default="village",
                words={"center": "centre", "thôn": "village", "bản": "village"},
            ),
            "commune_code": text("commune", digits=5, refers="communes.commune_code", aliases=_COMMUNE),
            "population": whole("people (about)", "people", 0, default=0, aliases=_PEOPLE),
            "modelled": flag("whether its place is drawn, not known", default=False),
            "on_grid": flag(
                "whether a power line reaches it", default=True, aliases=("electrified", "co_dien")
            ),
            "record_kind": kind_of_record(),
            "geometry": shape("Point"),
        }
    ),
    "facilities": pa.DataFrameSchema(
        {
            "facility_id": key(
                "key", aliases=("school_id", "school_id_giga", "giga_id_school", "poi_id", "ma_truong", "id")
            ),
            "kind": text(
                "kind",
                among=("school", "clinic", "commune office"),
                aliases=("facility_type", "amenity", "type"),
                words={"commune_office": "commune office", "trường học": "school", "trạm y tế": "clinic"},
            ),
            "commune_code": text("commune", digits=5, refers="communes.commune_code", aliases=_COMMUNE),
            "record_kind": kind_of_record(),
            "geometry": shape("Point"),
        }
    ),
}
