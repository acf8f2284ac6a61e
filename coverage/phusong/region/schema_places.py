"""Schemas of where people live and what serves them: communes, demand, settlements, facilities."""

from collections.abc import Mapping

import pandera.pandas as pa

from phusong.region.columns import flag, key, kind_of_record, number, shape, text, whole

__all__ = ["PLACES"]

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
