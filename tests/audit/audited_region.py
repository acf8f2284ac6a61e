"""A region without a fault, measured throughout, on which each check's defect is made."""

from dataclasses import replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.region.folder import Region, Source
from small_region import small_region

AS_OF = date(2026, 11, 25)
# real units of Tuyên Quang, so that codes and names are official
COMMUNES = {"00700": "Ngọc Đường", "00706": "Phú Linh", "00715": "Lũng Cú", "00721": "Đồng Văn"}
LAYERS = (
    "communes", "demand", "settlements", "sites", "cells", "power_nodes", "power_lines", "links", "operators",
    "facilities", "elevation", "clutter",
)  # fmt: skip


def clean_region() -> Region:
    base = small_region(sites=24, cell_m=1000.0)
    codes = list(COMMUNES)
    code_of = dict(zip(base.communes["commune_code"], codes, strict=True))
    n = len(base.sites)
    at = np.arange(n)
    xy = np.c_[501_500 + 3_400.0 * (at % 6), 2_401_500 + 4_800.0 * (at // 6)]
    sites = base.sites.assign(
        height_m=20.0 + at,
        spare_slots=at % 3,
        commissioned=2005 + at % 15,
        autonomy_h=[4.0, 8.0] * (n // 2),
        shareable=at % 4 > 0,
        lock_reason=np.where(at % 4 > 0, "", "contract"),
    ).set_geometry(gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=base.sites.crs)
    kinds = ("school", "clinic", "commune office")
    facilities = pd.concat([base.facilities.assign(kind=kind) for kind in kinds], ignore_index=True)
    facilities["facility_id"] = [f"f{k}" for k in range(len(facilities))]
    return replace(
        base,
        communes=base.communes.assign(commune_code=codes, name=list(COMMUNES.values())),
        demand=base.demand.assign(commune_code=base.demand["commune_code"].map(code_of)),
        settlements=base.settlements.assign(commune_code=codes),
        facilities=facilities.assign(commune_code=facilities["commune_code"].map(code_of)),
        sites=sites,
        cells=base.cells.assign(
            operator=["red", "blue"] * 11 + ["red"],
            eirp_dbm=[52.0 + k % 4 for k in range(n - 1)],
            antenna_height_m=sites["height_m"].to_numpy()[1:] - 2.0,
        ),
        links=base.links.assign(
            owner=["red", "blue"] * 11 + ["red"],
            capacity_mbps=[400.0 + k for k in range(n - 1)],
            availability=[0.999 + k / 1e5 for k in range(n - 1)],
        ),
        sources=tuple(Source(layer, "measured", "surveyors", "CC BY 4.0", "2026-10") for layer in LAYERS),
    )
