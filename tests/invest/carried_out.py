"""The region as a plan leaves it: what was promised can be computed again from the layers, and compared."""

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.candidate_sites import MAST_M, new_cells
from phusong.invest.offers import Offers
from phusong.region.folder import Region

__all__ = ["Promise", "carry_out", "kept_promise"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

_NEW = frozenset({"build_site", "use_structure"})
_OPENS = frozenset({"open_mocn", "open_roaming"})


@dataclass(frozen=True)
class Promise:
    """What a plan promised, and what the network with it really gives.

    Parameters
    ----------
    promised : int
        People whom the plan's bundles serve, by the offers.
    kept : int
        Those of them who are served when the network is computed with the plan carried out.
    others : int
        People served besides whom nobody promised, less those served before who no longer are.
    """

    promised: int
    kept: int
    others: int

    @property
    def share(self) -> float:
        """Return the share of the promise that is kept; 1 where nothing was promised."""
        return self.kept / self.promised if self.promised else 1.0


def kept_promise(offers: Offers, bought: Bools, before: Ints, after: Ints) -> Promise:
    """Return how much of what a plan promised a computation with it gives.

    Parameters
    ----------
    offers : Offers
        What there was to buy.
    bought : ndarray of bool, shape (n_remedies,)
        The plan.
    before, after : ndarray of int, shape (n_cells, n_operators)
        People served without and with the plan.
    """
    gain = after.ravel().astype(np.int64) - before.ravel()
    promised = np.where(offers.model.served(bought), offers.model.weights, 0.0).astype(np.int64)
    kept = np.minimum(np.maximum(gain, 0), promised)
    return Promise(int(promised.sum()), int(kept.sum()), int((gain - kept).sum()))


def carry_out(region: Region, offers: Offers, bought: Bools) -> Region:
    """Return the region with some remedies carried out; interim remedies leave no trace.

    Parameters
    ----------
    region : Region
        As it stands.
    offers : Offers
        What there was to buy.
    bought : ndarray of bool, shape (n_remedies,)
        Remedies to carry out.
    """
    plan = offers.remedies[bought & ~offers.remedies["interim"].to_numpy(bool)]

    def of(*kinds: str) -> pd.DataFrame:
        return pd.DataFrame(pd.concat([plan[plan["kind"] == kind] for kind in kinds]))

    radios = of("add_radio")
    sites = _with_new_sites(region, of(*sorted(_NEW)), radios)
    sites = _powered(sites, of("battery_backup", "solar_backup", "diesel_backup", "extend_grid"))
    links = of("fibre_link", "microwave_link", "satellite_link")
    sites = _set(sites, links, "backhaul_parent_id", links["to_id"])
    cells = _with_radios(region, radios)
    opened = of(*sorted(_OPENS))["site_id"]
    everyone = ";".join(region.operators["operator"].astype(str))
    cells["guests"] = cells["guests"].where(~cells["site_id"].isin(opened), everyone)
    wires = pd.DataFrame(
        {
            "link_id": links["remedy_id"], "from_id": links["site_id"], "to_id": links["to_id"],
            "medium": links["medium"], "capacity_mbps": links["capacity_mbps"], "owner": "plan",
            "availability": links["availability"],
        }
    )  # fmt: skip
    return replace(
        region, sites=sites, cells=cells, links=pd.concat([region.links, wires], ignore_index=True)
    )


def _with_new_sites(region: Region, masts: pd.DataFrame, radios: pd.DataFrame) -> gpd.GeoDataFrame:
    if masts.empty:
        return region.sites.copy()
    owner = radios.groupby("site_id")["operator"].first()
    new = gpd.GeoDataFrame(
        {
            "site_id": masts["site_id"].to_numpy(str),
            "owner": masts["site_id"].map(owner).fillna("").to_numpy(str),
            "structure": "tower",
            "height_m": MAST_M,
            "shareable": True,
            "lock_reason": "",
            "spare_slots": 3,
            "power_source": "none",
            "power_node_id": "",
            "autonomy_h": 0.0,
            "backhaul_parent_id": "",
            "status": "active",
        },
        geometry=gpd.points_from_xy(masts["east_m"], masts["north_m"]),
        crs=region.sites.crs,
    )
    # what the layer has besides is usual for a new site
    for column in region.sites.columns.difference(new.columns):
        first = region.sites[column].iloc[0]
        new[column] = "" if isinstance(first, str) else type(first)(0)
    return gpd.GeoDataFrame(
        pd.concat([region.sites, new[region.sites.columns]], ignore_index=True), crs=region.sites.crs
    )


def _powered(sites: gpd.GeoDataFrame, works: pd.DataFrame) -> gpd.GeoDataFrame:
    # of several supplies at one site the last in this order holds: a set starts when all else is empty
    out = sites
    for _, work in works.iterrows():
        on = (out["site_id"] == work["site_id"]).to_numpy()
        source = str(work["power_source"]) or str(out.loc[on, "power_source"].iloc[0])
        source = "grid_battery" if source == "grid" and work["autonomy_h"] > 0 else source
        out.loc[on, "power_source"] = source
        out.loc[on, "autonomy_h"] = np.maximum(out.loc[on, "autonomy_h"], float(work["autonomy_h"]))
        if work["pv_kwp"] > 0 and "pv_kwp" in out.columns:
            out.loc[on, "pv_kwp"] = float(work["pv_kwp"])
        if work["kind"] == "extend_grid":
            out.loc[on, "power_node_id"] = str(work["to_id"])
    return out


def _set(
    sites: gpd.GeoDataFrame, works: pd.DataFrame, column: str, values: "pd.Series[str]"
) -> gpd.GeoDataFrame:
    to = dict(zip(works["site_id"], values, strict=True))
    out = sites.copy()
    out[column] = [to.get(site, old) for site, old in zip(out["site_id"], out[column], strict=True)]
    return out


def _with_radios(region: Region, radios: pd.DataFrame) -> pd.DataFrame:
    """Return the cells with radios added: on new sites, as guests on a host's mast, as a further carrier."""
    every = [region.cells]
    standing = set(region.sites["site_id"])
    for radio in radios.to_dict("records"):
        site, operator = str(radio["site_id"]), str(radio["operator"])
        if site in standing:
            host = region.cells[region.cells["site_id"] == site]
            own = host[host["operator"] == operator]
            like = own if len(own) else host[host["operator"] == host["operator"].iloc[0]]
            more = like.assign(operator=operator, guests="")
            more["cell_id"] = [f"{radio['remedy_id']}/{k}" for k in range(len(more))]
        else:
            more = new_cells(np.array([site]), operator)
        every.append(more)
    return pd.concat(every, ignore_index=True)[region.cells.columns].fillna({"antenna_pattern": ""})
