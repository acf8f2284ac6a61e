"""OpenCelliD: cells that phones have heard, gathered into sites."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
from pyproj import Transformer

from phusong.errors import InputError, Problem
from phusong.region.facts import table
from phusong.region.importers.base import Imported, Options, bounds_deg, names_of
from phusong.region.importers.cell_clusters import REACH_M, Clusters, cluster_cells
from phusong.region.importers.opencellid_rows import RADIOS, CellRows, read_cell_rows
from phusong.region.layers import table_of
from phusong.region.notices import Notice
from phusong.region.store import Region, Source

__all__ = ["ASSUMED", "import_opencellid", "network_operators"]

MCC = 452
_MARGIN_M = 5000.0  # cells beyond the region's edge are heard inside
_GENERATION = {"GSM": "2G", "UMTS": "3G", "LTE": "4G", "NR": "5G"}

ASSUMED = pd.DataFrame(
    {
        "technology": ["2G", "3G", "4G", "5G"],
        # the band on which each generation was first built out in Viet Nam (facts: 900, 1800, 2100; 2500-2600 for 5G)
        "band_mhz": [900.0, 2100.0, 1800.0, 2600.0],
        "bandwidth_mhz": [5.0, 5.0, 10.0, 80.0],
        "eirp_dbm": [58.0, 60.0, 60.0, 70.0],
    }
)
"""What a public list does not know of a cell, by generation; every cell takes it, and region.toml says so."""

_HEIGHT_M = 30.0
_SECTOR_DEG = 65.0
_SEEN_M = 100.0  # a cell heard this far from its site lies where it radiates to
_OTHERS = "others"
_LICENCE = "CC BY-SA 4.0"


def network_operators(region: Region) -> tuple[dict[int, str], list[str]]:
    """Return the region's operator of each network code, and the networks that none of them stands for.

    Networks of geodata/mcc_mnc.csv that the region does not list by name go to its operator ``others``, if it has one.
    """
    known = set(region.operators["operator"].astype(str))
    codes = table("mcc_mnc")
    found: dict[int, str] = {}
    missing = []
    mine = codes[codes["mcc"] == MCC]
    for mnc, name, network in zip(
        mine["mnc"].astype(int).tolist(),
        mine["operator"].astype(str),
        mine["network"].astype(str),
        strict=True,
    ):
        if name in known:
            found[mnc] = name
        elif name and _OTHERS in known:
            found[mnc] = _OTHERS
        else:
            missing.append(f"{MCC}-{mnc:02d} {network}")
    return found, missing


def import_opencellid(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layers `sites` and `cells` of OpenCelliD files of the country.

    Parameters
    ----------
    region : Region
        Where; its operators.
    files : sequence of Path
        .csv or .csv.gz, with or without header.
    options : Options
        See :class:`Options`.

    Raises
    ------
    InputError
        Naming everything wrong with the files.
    """
    area = bounds_deg(region.grid, margin_m=_MARGIN_M)
    read = [read_cell_rows(path, area, mcc=MCC) for path in files]
    where = names_of(files)
    frame = pd.concat([_frame(r) for r in read], ignore_index=True)
    notices = [Notice(where, t, rows=n) for t, n in _left_out(read) if n]
    # the newest of several rows of one cell holds; rows are put in an order that does not depend on the file's
    frame = frame.sort_values(["radio", "net", "area", "cell", "updated", "samples", "lon", "lat"])
    old = frame.duplicated(["radio", "net", "area", "cell"], keep="last")
    if old.any():
        notices.append(
            Notice(where, "older rows of a cell that is listed again were left out", rows=int(old.sum()))
        )
    frame = frame[~old].reset_index(drop=True)
    codes, missing = network_operators(region)
    operator = frame["net"].map(codes)
    if operator.isna().any():
        strange = sorted(frame["net"][operator.isna()].unique().tolist())
        told = f"networks that are none of the region's operators were left out ({', '.join(f'{MCC}-{s:02d}' for s in strange)})"
        notices.append(Notice(where, told, "net", int(operator.isna().sum())))
        frame, operator = (
            frame[operator.notna()].reset_index(drop=True),
            operator.dropna().reset_index(drop=True),
        )
    if frame.empty:
        known = ", ".join(sorted(set(codes.values()))) or "none"
        raise InputError(
            Problem(
                where,
                f"holds no cell of the region's operators ({known}; unknown: {', '.join(missing)})",
                column="net",
            )
        )
    east, north = Transformer.from_crs("EPSG:4326", region.grid.crs, always_xy=True).transform(
        frame["lon"].to_numpy(), frame["lat"].to_numpy()
    )
    numbers, _ = pd.factorize(operator, sort=True)
    clusters = cluster_cells(
        frame["radio"].to_numpy(np.int8), numbers.astype(np.int64), frame["cell"].to_numpy(np.int64),
        frame["samples"].to_numpy(np.int64), np.asarray(east), np.asarray(north),
    )  # fmt: skip
    if clusters.strays:
        notices.append(
            Notice(
                where,
                "cells far from the rest of their base station were placed by themselves",
                rows=clusters.strays,
            )
        )
    ids = _ids(frame)
    site_ids = ("ocid-" + ids).to_numpy(str)[clusters.leader]
    sites = _sites(frame, operator, clusters, site_ids, region.grid.crs)
    cells = _cells(frame, operator, clusters, site_ids, ids, np.asarray(east), np.asarray(north))
    layers = {
        "sites": table_of(sites, where, "sites", crs=region.grid.crs).frame,
        "cells": table_of(cells, where, "cells", crs=region.grid.crs).frame,
    }
    taken = {k: v for k, v in layers.items() if options.takes(k)}
    return Imported(taken, _sources(where, frame, clusters, options, taken), tuple(notices))


def _frame(rows: CellRows) -> pd.DataFrame:
    names = ("radio", "net", "area", "cell", "lon", "lat", "samples", "created", "updated")
    return pd.DataFrame({n: getattr(rows, n) for n in names})


def _left_out(read: Sequence[CellRows]) -> list[tuple[str, int]]:
    return [
        (f"cells of other countries than mcc {MCC} were left out", sum(r.abroad for r in read)),
        ("cells outside the region were left out", sum(r.elsewhere for r in read)),
        (
            "cells of radios that no operator of the country runs (CDMA, NB-IoT) were left out",
            sum(r.other_radio for r in read),
        ),
    ]


def _ids(frame: pd.DataFrame) -> "pd.Series[str]":
    radio = pd.Series([r.lower() for r in RADIOS])[frame["radio"].to_numpy()].reset_index(drop=True)
    net, area, cell = (frame[c].astype("str") for c in ("net", "area", "cell"))
    return radio + f"/{MCC}-" + net + "/" + area + "/" + cell


def _sites(
    frame: pd.DataFrame, operator: "pd.Series[str]", clusters: Clusters, ids: npt.NDArray[np.str_], crs: str
) -> gpd.GeoDataFrame:
    seen = frame["created"].where(frame["created"] > 0).groupby(clusters.site).min()
    year = pd.to_datetime(seen, unit="s").dt.year.reindex(np.arange(ids.size))
    return gpd.GeoDataFrame(
        {
            "site_id": ids,
            "owner": operator.to_numpy(str)[clusters.leader],
            "height_m": _HEIGHT_M,
            "commissioned": year.clip(1980, 2100).fillna(2015).astype(np.int64).to_numpy(),
            "cells_heard": np.bincount(clusters.site),
        },
        geometry=gpd.points_from_xy(np.round(clusters.east_m, 1), np.round(clusters.north_m, 1)),
        crs=crs,
    )


def _cells(
    frame: pd.DataFrame, operator: "pd.Series[str]", clusters: Clusters, site_ids: npt.NDArray[np.str_],
    ids: "pd.Series[str]", east: npt.NDArray[np.float64], north: npt.NDArray[np.float64],
) -> pd.DataFrame:  # fmt: skip
    generation = pd.Series([_GENERATION.get(r, "") for r in RADIOS])[frame["radio"].to_numpy()].reset_index(
        drop=True
    )
    of = ASSUMED.set_index("technology").loc[generation.to_numpy(str).tolist()]
    together = pd.DataFrame({"s": clusters.site, "r": frame["radio"]}).groupby(["s", "r"])
    rank, many = together.cumcount().to_numpy(), together["s"].transform("size").to_numpy()
    # where a sector is heard tells where it points; the others share the round evenly
    right, up = east - clusters.east_m[clusters.site], north - clusters.north_m[clusters.site]
    heard = np.degrees(np.arctan2(right, up)) % 360.0
    even = 360.0 * rank / np.minimum(many, 3) % 360.0
    azimuth = np.where(np.hypot(right, up) >= _SEEN_M, heard, even)
    return pd.DataFrame(
        {
            "cell_id": ids,
            "site_id": site_ids[clusters.site],
            "operator": operator,
            "technology": generation,
            "band_mhz": of["band_mhz"].to_numpy(),
            "bandwidth_mhz": of["bandwidth_mhz"].to_numpy(),
            "eirp_dbm": of["eirp_dbm"].to_numpy(),
            "antenna_height_m": _HEIGHT_M,
            "azimuth_deg": np.where(many > 1, np.round(azimuth, 0) % 360.0, 0.0),
            "beamwidth_deg": np.where(many > 1, _SECTOR_DEG, 360.0),
            "tilt_deg": 2.0,
        }
    )


def _sources(
    where: str, frame: pd.DataFrame, clusters: Clusters, options: Options, taken: dict[str, object]
) -> tuple[Source, ...]:
    newest = int(frame["updated"].max())
    as_of = options.as_of or (pd.to_datetime(newest, unit="s").strftime("%Y-%m") if newest > 0 else "")
    source, licence = options.source or f"OpenCelliD ({where})", options.licence or _LICENCE
    notes = {
        "sites": f"{clusters.leader.size} sites gathered from {len(frame)} cells (one operator within {REACH_M:.0f} m, LTE and NR by "
        "base station); places estimated from phones; year: first heard; assumed: structure, height, owner = operator, "
        "sharing, power, battery",
        "cells": "identity, operator and generation measured; azimuth from where each cell was heard, else spread evenly; "
        "assumed by generation: band, bandwidth, EIRP, height, beamwidth, tilt",
    }
    kinds = {"sites": "measured", "cells": "assumed"}
    return tuple(Source(k, kinds[k], source, licence, as_of, notes[k]) for k in kinds if k in taken)
