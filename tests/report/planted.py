"""A result with secrets of every kind, for the attacks on what is redacted of it."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd

from phusong.report.folder import Result
from phusong.result.schema import GAP_PARTS

__all__ = ["FIBRE_MUSD_KM", "HIDDEN", "PARTS", "planted"]

PARTS = ["people_served", *GAP_PARTS]
HIDDEN = ("s000", "s001", "s002", "s003", "s004", "s005")
FIBRE_MUSD_KM = 0.012


def planted(result: Result) -> Result:
    """Return a result in which everything tells distances from hidden sites: hours, prices of links, signal, villages."""
    sites = result.sites.assign(
        structure=["exchange" if s in HIDDEN else "tower" for s in result.sites["site_id"]]
    )
    xy = np.c_[sites.geometry.x, sites.geometry.y]
    roots = xy[sites["site_id"].isin(HIDDEN)]
    km = np.hypot(xy[:, None, 0] - roots[:, 0], xy[:, None, 1] - roots[:, 1]).min(axis=1) / 1000
    sites["hours_lost_backhaul"] = 8760 * (1e-4 + 3e-5 * km)
    sites["hours_lost_year"] = sites["hours_lost_backhaul"]
    sites["availability"] = 1 - sites["hours_lost_year"] / 8760
    communes = result.communes.copy()
    whole = communes[PARTS].round().astype(np.int64)
    whole.iloc[0] = [5_000, 3, 0, 7, 1]
    whole.iloc[1] = [2, 1, 0, 0, 0]
    whole.iloc[2] = [4_000, 0, 6, 0, 0]
    communes[PARTS] = whole
    communes["population"] = whole.sum(axis=1)
    communes["share_served"] = communes["people_served"] / communes["population"]
    communes["has_signal"] = 1 - communes["gap_no_signal"] / communes["population"]
    communes["has_power"] = 1.0
    communes["has_backhaul"] = 1 - np.arange(len(communes)) % 3 / communes["population"]
    communes["ready_share"] = communes["has_signal"]
    ends = sites[~sites["site_id"].isin(HIDDEN)].head(len(result.options))
    options = result.options.copy()
    options["kinds"] = "fibre_link"
    options["remedies"] = [f"fibre_link@{s}" for s in ends["site_id"]]
    options["cost_musd"] = FIBRE_MUSD_KM * km[ends.index]
    options["capex_musd"] = options["cost_musd"]
    options["people_gained"] = np.r_[4.0, options["people_gained"].to_numpy()[1:]]
    options["people_per_musd"] = options["people_gained"] / options["cost_musd"]
    options = options.sort_values("people_per_musd", ascending=False, ignore_index=True)
    options["rank"] = np.arange(1, len(options) + 1)
    options["cumulative_cost_musd"] = options["cost_musd"].cumsum()
    options["cumulative_people"] = options["people_gained"].cumsum()
    options["works_site_ids"] = [r.partition("@")[2] for r in options["remedies"]]
    plan = pd.DataFrame(
        {
            "remedy_id": options["remedies"], "kind": "fibre_link", "year": 2027, "fund": "operators",
            "cost_musd": options["cost_musd"], "people_gained": options["people_gained"],
        }
    )  # fmt: skip
    remedies = options[["cost_musd", "capex_musd", "opex_musd_year"]].assign(
        remedy_id=options["remedies"], kind="fibre_link", east_m=ends.geometry.x.to_numpy(), north_m=0.0
    )
    villages = gpd.GeoDataFrame(
        {"settlement_id": ["v1"], "name": ["Bản Một"], "signal_share": [0.5], "white": [True], "population": [6]},
        geometry=gpd.points_from_xy([xy[0, 0]], [xy[0, 1]]), crs=sites.crs,
    )  # fmt: skip
    provenance = {**result.provenance, "outcome": {"digest": "ab" * 32}}
    return replace(
        result, sites=sites, communes=communes, options=options, plan=plan, remedies=remedies, settlements=villages,
        provenance=provenance,
        repairs=pd.DataFrame({"layer": ["sites"], "key": ["s010"], "reason": ["stands 212 m from s000"]}),
    )  # fmt: skip
