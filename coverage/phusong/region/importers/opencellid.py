"""OpenCelliD cells to sites.

A public list has the place of each cell as phones heard it, hundreds of metres off. Cells of one LTE or NR base
station share the upper bits of their identity; others are told by place alone. The base stations with the most
measurements come first; each is a site unless one of the same operator was found within reach before it. So a
site is never wider than twice the reach, however dense the town.
"""

import json
import re
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Transformer

from phusong.compute.array_types import Floats, Ints
from phusong.compute.kernels import nb
from phusong.errors import InputError, Notice, Problem, refuse
from phusong.io.resources import table
from phusong.region import Grid
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported, Options, bounds_deg, names_of
from phusong.region.importers.opencellid_csv import RADIOS, CellRows, read_cell_rows
from phusong.region.operators import NOBODY, USUAL, operator_names, said_problems
from phusong.region.read.left_out import LeftRow, left_notices
from phusong.region.read.table import table_of

__all__ = [
    "REACH_M",
    "Clusters",
    "cluster_cells",
    "country_at",
    "country_of_grid",
    "import_opencellid",
    "mobile_country_codes",
    "name_of_country",
    "network_operators",
    "station_of",
]


REACH_M = 200.0
"""Cells of one operator this near stand on one structure: about the error of the places. [m]"""

_STRAY_M = (
    3000.0  # a cell this far from the middle of its base station carries a wrong place or a used identity
)
_MOST_SAMPLES = 100  # more measurements no longer make a place surer
_LTE_CELL_BITS = 8  # 3GPP TS 36.300: a cell identity is 20 bits of the eNodeB and 8 of the cell
_NR_CELL_BITS = 12  # 3GPP TS 38.413: the gNB has 22 to 32 of 36 bits; 24 is the usual split


@dataclass(frozen=True)
class Clusters:
    """Sites of cells.

    Parameters
    ----------
    site : ndarray of int, shape (n_cells,)
        Position of each cell's site.
    east_m, north_m : ndarray of float64, shape (n_sites,)
        Middle of the site's cells, weighted by their measurements. [m]
    leader : ndarray of int, shape (n_sites,)
        Cell that names the site: the lowest identity in its first base station.
    strays : int
        Cells far from the rest of their base station, placed by themselves.
    """

    site: Ints
    east_m: Floats
    north_m: Floats
    leader: Ints
    strays: int


def station_of(radio: npt.NDArray[np.int8], cell: Ints) -> Ints:
    """Return the base station's number of each LTE or NR cell; -1 where the identity does not tell it.

    Examples
    --------
    >>> station_of(np.array([2, 3, 0], np.int8), np.array([1234 * 256 + 3, 77 * 4096 + 1, 4711])).tolist()
    [1234, 77, -1]
    """
    lte, nr = radio == RADIOS.index("LTE"), radio == RADIOS.index("NR")
    return np.where(lte, cell >> _LTE_CELL_BITS, np.where(nr, cell >> _NR_CELL_BITS, -1))


def cluster_cells(
    radio: npt.NDArray[np.int8], operator: Ints, cell: Ints, samples: Ints, east_m: Floats, north_m: Floats,
    *, reach_m: float = REACH_M,
) -> Clusters:  # fmt: skip
    """Return which cells share a site.

    Parameters
    ----------
    radio, operator, cell, samples : ndarray, shape (n,)
        Position in RADIOS, number of the operator, cell identity, measurements.
    east_m, north_m : ndarray of float64, shape (n,)
        Place. [m]
    reach_m : float
        How near cells of one operator must be to share a site.
    """
    n = cell.size
    weight = np.clip(samples, 1, _MOST_SAMPLES).astype(np.float64)
    station = station_of(radio, cell)
    frame = pd.DataFrame({"o": operator, "r": radio, "s": station, "e": east_m, "n": north_m})
    known = station >= 0
    middle = frame[known].groupby(["o", "r", "s"], sort=False)[["e", "n"]].transform("median")
    stray = np.zeros(n, bool)
    off = np.hypot(middle["e"].to_numpy() - east_m[known], middle["n"].to_numpy() - north_m[known])
    stray[known] = off > _STRAY_M
    alone = ~known | stray
    frame["s"] = np.where(alone, -1 - np.arange(n), station)
    unit = frame.groupby(["o", "r", "s"], sort=True).ngroup().to_numpy(np.int64)
    u_weight = np.bincount(unit, weight)
    u_east = np.bincount(unit, weight * east_m) / u_weight
    u_north = np.bincount(unit, weight * north_m) / u_weight
    first = np.full(u_weight.size, n, np.int64)
    by_identity = np.lexsort((np.arange(n), cell))
    rank = np.empty(n, np.int64)
    rank[by_identity] = np.arange(n)
    np.minimum.at(first, unit, rank)
    u_cell = by_identity[first]
    # base stations whose identity is known lead; then those with the most measurements
    order = np.lexsort((first, -u_weight, alone[u_cell]))
    cluster = _lead(u_east, u_north, operator[u_cell], order, reach_m)
    site = cluster[unit]
    total = np.bincount(site, weight)
    lead = np.full(total.size, -1, np.int64)
    placed = order[::-1]
    lead[cluster[placed]] = u_cell[placed]  # written last: the unit that came first
    return Clusters(
        site,
        np.bincount(site, weight * east_m) / total,
        np.bincount(site, weight * north_m) / total,
        lead,
        int(stray.sum()),
    )


@nb.njit(cache=True)
def _lead(east, north, operator, order, reach):  # type: ignore[no-untyped-def]
    """Number units by the nearest earlier one of their operator within reach, or anew (buckets of one reach)."""
    n = east.size
    out = np.full(n, -1, np.int64)
    if n == 0:
        return out
    west, south = east.min(), north.min()
    high = int((north.max() - south) / reach) + 3
    head = {np.int64(-1): np.int64(-1)}
    following = np.full(n, -1, np.int64)
    found = np.int64(0)
    for k in range(n):
        i = order[k]
        bx, by = int((east[i] - west) / reach) + 1, int((north[i] - south) / reach) + 1
        best, best_d = np.int64(-1), reach * reach
        for x in range(bx - 1, bx + 2):
            for y in range(by - 1, by + 2):
                key = np.int64(x) * high + y
                if key not in head:
                    continue
                j = head[key]
                while j >= 0:
                    d = (east[i] - east[j]) ** 2 + (north[i] - north[j]) ** 2
                    if operator[j] == operator[i] and d <= best_d:
                        best, best_d = out[j], d
                    j = following[j]
        if best >= 0:
            out[i] = best
            continue
        out[i] = found
        found += 1
        key = np.int64(bx) * high + by
        following[i] = head.get(key, -1)
        head[key] = i
    return out


def country_of_grid(grid: Grid) -> str:
    """Return the country in which the middle of a grid lies (ISO 3166 alpha-2); empty: none, or at sea."""
    west, south, east, north = grid.bounds
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform((west + east) / 2, (south + north) / 2)
    return country_at(float(lon), float(lat))


@lru_cache(maxsize=64)
def country_at(lon_deg: float, lat_deg: float) -> str:
    """Return the country at a place (ISO 3166 alpha-2); empty where there is none.

    Examples
    --------
    >>> country_at(105.8, 21.0)
    'VN'
    """
    point = shapely.Point(lon_deg, lat_deg)
    resource = files("pyworldatlas_mapdata_standard") / "data" / "maps.sqlite3"
    with as_file(resource) as path:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            for code, packed in connection.execute("select alpha2, payload from country_map order by alpha2"):
                for ring in json.loads(zlib.decompress(packed))["boundary"]:
                    xs, ys = [p[0] for p in ring], [p[1] for p in ring]
                    near = min(xs) <= lon_deg <= max(xs) and min(ys) <= lat_deg <= max(ys)
                    if near and shapely.contains(shapely.make_valid(shapely.Polygon(ring)), point):
                        return str(code)
        finally:
            connection.close()
    return ""


def mobile_country_codes(country: str) -> tuple[int, ...]:
    """Return the mobile country codes of a country (ISO 3166 alpha-2).

    Examples
    --------
    >>> mobile_country_codes("LA"), mobile_country_codes("IN")
    ((457,), (404, 405, 406))
    """
    codes = table("mcc")
    return tuple(int(m) for m in codes["mcc"][codes["country"] == country])


def name_of_country(mcc: int) -> str:
    """Return the country of a mobile country code (ISO 3166 alpha-2); empty: none is known."""
    codes = table("mcc")
    found = codes["country"][codes["mcc"] == mcc]
    return str(found.iloc[0]) if len(found) else ""


_VIET_NAM = 452
_MARGIN_M = 5000.0  # cells beyond the region's edge are heard inside
_GENERATION = {"GSM": "2G", "UMTS": "3G", "LTE": "4G", "NR": "5G"}

_HEIGHT_M = 30.0
_SECTOR_DEG = 65.0
_SEEN_M = 100.0  # a cell heard this far from its site lies where it radiates to
_OTHERS = "others"
_NETWORK = re.compile(r"(\d{3})-(\d{1,3})")
_LICENCE = "CC BY-SA 4.0"


def network_operators(
    region: Region, mccs: Sequence[int] = (_VIET_NAM,), said: Mapping[str, str] | None = None
) -> tuple[dict[str, str], list[str]]:
    """Return the region's operator of each network (``452-04``), and the networks that none of them stands for.

    What the user says of a network's code or name comes first. Networks of geodata/mcc_mnc.csv that the region does not
    list by name go to its operator ``others``, if it has one.
    """
    names = operator_names(region.operators, said)
    codes = table("mcc_mnc")
    found: dict[str, str] = {}
    for name in said or {}:
        if (match := _NETWORK.fullmatch(name.strip())) and (meant := names.of(name)):
            found[_network(int(match[1]), int(match[2]))] = meant
    missing = []
    mine = codes[codes["mcc"].isin(list(mccs))]
    for mcc, mnc, name, network in zip(
        mine["mcc"].astype(int),
        mine["mnc"].astype(int),
        mine["operator"].astype(str),
        mine["network"].astype(str),
        strict=True,
    ):
        code = _network(mcc, mnc)
        if code in found:
            continue
        meant = (names.of(name) or names.of(network)) if name else ""
        if meant:
            found[code] = meant
        elif name and _OTHERS in names.operators:
            found[code] = _OTHERS
        else:
            missing.append(f"{code} {network}")
    return found, missing


def _network(mcc: int, mnc: int) -> str:
    return f"{mcc}-{mnc:02d}"


def _codes_of(region: Region) -> tuple[int, ...]:
    """Return the mobile country codes of the country in which a region lies."""
    return mobile_country_codes(country_of_grid(region.grid)) or (_VIET_NAM,)


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
    mccs = _codes_of(region)
    share = options.left_out_share
    read = [read_cell_rows(path, area, mcc=mccs, left_out_share=share) for path in files]
    where = names_of(files)
    frame = pd.concat([_frame(r) for r in read], ignore_index=True)
    notices = [Notice(where, t, rows=n) for t, n in _left_out(read, mccs) if n]
    unused = sorted({c for r in read for c in r.unused})
    if unused:
        notices.append(
            Notice(where, f"not used, as they answer no question of cells: {', '.join(unused)[:2000]}")
        )
    # the newest of several rows of one cell holds; rows are put in an order that does not depend on the file's
    frame = frame.sort_values(["radio", "mcc", "net", "area", "cell", "updated", "samples", "lon", "lat"])
    old = frame.duplicated(["radio", "mcc", "net", "area", "cell"], keep="last")
    if old.any():
        notices.append(
            Notice(where, "older rows of a cell that is listed again were left out", rows=int(old.sum()))
        )
    frame = frame[~old].reset_index(drop=True)
    said = options.said_of_operators()
    refuse(said_problems(said, region.operators["operator"].astype(str), where))
    codes, missing = network_operators(region, mccs, said)
    network = pd.Series(
        [_network(a, b) for a, b in zip(frame["mcc"].astype(int), frame["net"].astype(int), strict=True)],
        index=frame.index,
    )
    operator = network.map(codes)
    strange = network[operator.isna()].value_counts().sort_index()
    if len(strange):
        shown = ", ".join(f"{code} ({n} cells)" for code, n in strange.items())
        told = f"networks that are none of the region's operators were left out: {shown}; --operator {strange.index[0]}=OPERATOR takes one"
        notices.append(Notice(where, told, "net", int(strange.sum())))
    keep = (operator.notna() & (operator != NOBODY)).to_numpy()
    frame, operator = frame[keep].reset_index(drop=True), operator[keep].reset_index(drop=True)
    if frame.empty:
        known = (
            ", ".join(sorted(set(codes.values()) or set(region.operators["operator"].astype(str)))) or "none"
        )
        there = ", ".join(strange.index) or "none"
        raise InputError(
            Problem(
                where,
                f"holds no cell of the region's operators ({known}); its networks: {there}; unknown: {', '.join(missing)}; "
                "say which operator a network is, e.g. --operator 457-01=OPERATOR",
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
    left = tuple(
        LeftRow(p.where, p.row or 0, p.column or "", "" if p.value is None else str(p.value), p.what)
        for r in read
        for p in r.wrong
    )
    notices += left_notices(left, "cells")
    return Imported(
        taken,
        _sources(where, frame, clusters, options, taken),
        tuple(notices),
        left_out={"cells": left} if left else {},
    )


def _frame(rows: CellRows) -> pd.DataFrame:
    names = ("radio", "mcc", "net", "area", "cell", "lon", "lat", "samples", "created", "updated")
    return pd.DataFrame({n: getattr(rows, n) for n in names})


def _left_out(read: Sequence[CellRows], mccs: Sequence[int]) -> list[tuple[str, int]]:
    codes = ", ".join(map(str, mccs))
    reasons = dict.fromkeys(k for r in read for k in r.cannot_be)
    return [
        (f"cells of other countries than mcc {codes} were left out", sum(r.abroad for r in read)),
        ("cells outside the region were left out", sum(r.elsewhere for r in read)),
        (
            "cells of radios that no operator of the country runs (CDMA, NB-IoT) were left out",
            sum(r.other_radio for r in read),
        ),
        *(
            (f"cells that cannot be were left out: {k}", sum(r.cannot_be.get(k, 0) for r in read))
            for k in reasons
        ),
    ]


def _ids(frame: pd.DataFrame) -> "pd.Series[str]":
    radio = pd.Series([r.lower() for r in RADIOS])[frame["radio"].to_numpy()].reset_index(drop=True)
    mcc, net, area, cell = (frame[c].astype("str") for c in ("mcc", "net", "area", "cell"))
    return radio + "/" + mcc + "-" + net + "/" + area + "/" + cell


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
    of = USUAL.set_index("technology").loc[generation.to_numpy(str).tolist()]
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
