"""One defect for each check: what to break, and which records must then be found."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely

from phusong.region.folder import Region
from phusong.region.vietnam.units import read_units

KEYS = {
    "communes": "commune_code", "demand": "cell_id", "settlements": "settlement_id", "sites": "site_id",
    "cells": "cell_id", "power_nodes": "node_id", "power_lines": "line_id", "links": "link_id",
    "operators": "operator", "facilities": "facility_id",
}  # fmt: skip


@dataclass(frozen=True)
class Defect:
    """A defect of a region in memory, or of its folder: `make(region or folder, k)` returns (region, keys)."""

    check: str
    layer: str
    make: Callable
    in_folder: bool = False

    def __str__(self) -> str:
        return f"{self.check}-{self.layer}"


def _set(layer: str, column: str, value, *, among=None) -> Callable:
    """Put a value into one row of a column; `value` may be told the frame and the row."""

    def make(region: Region, k: int) -> tuple[Region, set[str]]:
        frame = getattr(region, layer).copy()
        rows = np.arange(len(frame)) if among is None else np.flatnonzero(among(frame))
        i = int(rows[k % len(rows)])
        new = value(frame, i) if callable(value) else value
        values = list(frame[column])
        values[i] = new
        frame[column] = values
        return replace(region, **{layer: frame}), {str(frame[KEYS[layer]].iloc[i])}

    return make


def _geometry(layer: str, shape: Callable, *, among=None) -> Callable:
    def make(region: Region, k: int) -> tuple[Region, set[str]]:
        frame = getattr(region, layer)
        rows = np.arange(len(frame)) if among is None else np.flatnonzero(among(frame))
        i = int(rows[k % len(rows)])
        shapes = list(frame.geometry)
        shapes[i] = shape(frame, i)
        return (
            replace(region, **{layer: frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))}),
            {str(frame[KEYS[layer]].iloc[i])},
        )

    return make


def _again(layer: str, *, change: Callable | None = None) -> Callable:
    """Append a copy of one row under a key of its own."""

    def make(region: Region, k: int) -> tuple[Region, set[str]]:
        frame = getattr(region, layer)
        i = k % len(frame)
        row = frame.iloc[[i]].copy()
        row[KEYS[layer]] = [f"new{k}"]
        if change is not None:
            row = change(row)
        return replace(region, **{layer: pd.concat([frame, row], ignore_index=True)}), {f"new{k}"}

    return make


def _without(layer: str, rows: Callable, keys: Callable) -> Callable:
    def make(region: Region, k: int) -> tuple[Region, set[str]]:
        frame = getattr(region, layer)
        gone = rows(region, frame, k)
        return replace(region, **{layer: frame[~gone].reset_index(drop=True)}), keys(region, frame, gone, k)

    return make


def _source(layer: str, **words: str) -> Callable:
    def make(region: Region, _k: int) -> tuple[Region, set[str]]:
        sources = tuple(replace(s, **words) if s.layer == layer else s for s in region.sources)
        return replace(region, sources=sources), {layer}

    return make


def _bow(frame, i):
    west, south, east, north = frame.geometry.iloc[i].bounds
    return shapely.Polygon([(west, south), (east, north), (east, south), (west, north)])


def _stretched(frame, i):
    west, south, east, north = frame.geometry.iloc[i].bounds
    return shapely.box(west, south, east + 2_000.0, north)


def _second_source_gone(region: Region, k: int) -> tuple[Region, set[str]]:
    lines = region.power_lines
    i = k % len(lines)
    hung = {lines["to_id"].iloc[i]}
    for _ in range(len(lines)):
        hung |= set(lines["to_id"][lines["from_id"].isin(hung)])
    return replace(region, power_lines=lines.drop(index=lines.index[i]).reset_index(drop=True)), hung


def _line_turned(region: Region, _k: int) -> tuple[Region, set[str]]:
    lines = region.power_lines
    back = lines.iloc[[2]].assign(line_id="back", from_id="t2", to_id="t0", length_km=15.0)
    return replace(region, power_lines=pd.concat([lines, back], ignore_index=True)), {"p2", "back"}


def _fed_twice(region: Region, _k: int) -> tuple[Region, set[str]]:
    lines = region.power_lines
    more = lines.iloc[[0]].assign(line_id="more", from_id="t1", to_id="t0", length_km=12.0)
    return replace(region, power_lines=pd.concat([lines, more], ignore_index=True)), {"more"}


def _cut_off(region: Region, k: int) -> tuple[Region, set[str]]:
    i = 1 + k % (len(region.sites) - 1)
    name = region.sites["site_id"].iloc[i]
    parents = region.sites["backhaul_parent_id"].where(region.sites["site_id"] != name, "")
    links = region.links[region.links["from_id"] != name].reset_index(drop=True)
    return replace(region, sites=region.sites.assign(backhaul_parent_id=parents), links=links), {name}


def _circle(region: Region, k: int) -> tuple[Region, set[str]]:
    a, b = (region.sites["site_id"].iloc[1 + (k + j) % (len(region.sites) - 1)] for j in (0, 1))
    turn = {a: b, b: a}
    parents = [
        turn.get(s, p)
        for s, p in zip(region.sites["site_id"], region.sites["backhaul_parent_id"], strict=True)
    ]
    return replace(region, sites=region.sites.assign(backhaul_parent_id=parents)), {a, b}


def _one_default(region: Region, _k: int) -> tuple[Region, set[str]]:
    return replace(region, sites=region.sites.assign(autonomy_h=4.0)), {"autonomy_h"}


def _smaller_grid(region: Region, _k: int) -> tuple[Region, set[str]]:
    cut = region.grid.height // 2  # the northern half only
    grid = replace(region.grid, height=cut)
    demand = region.demand[region.demand["row"] < cut].reset_index(drop=True)
    return (
        replace(
            region, grid=grid, elevation=region.elevation[:cut], clutter=region.clutter[:cut], demand=demand
        ),
        {"00700", "00706"},
    )


def _near(metres: float, owner: str | None) -> Callable:
    def change(row):
        moved = row.set_geometry(row.geometry.translate(metres, 0.0))
        return moved.assign(structure="mast") if owner is None else moved.assign(owner=owner)

    return change


def _other_owner(row):
    return _near(2.0, "green")(row)


def _unlinked(region: Region, k: int) -> tuple[Region, set[str]]:
    i = k % len(region.links)
    name = region.links["from_id"].iloc[i]
    return replace(region, links=region.links.drop(index=region.links.index[i]).reset_index(drop=True)), {
        name
    }


def _respelt(region: Region, _k: int) -> tuple[Region, set[str]]:
    row = region.settlements.iloc[[0]].assign(settlement_id="new", name="Ban Mot")
    row = row.set_geometry(row.geometry.translate(300.0, 0.0))
    return replace(region, settlements=pd.concat([region.settlements, row], ignore_index=True)), {"new"}


def _whole_province(region: Region, _k: int) -> tuple[Region, set[str]]:
    """Return a region of all communes of Lai Châu, with a tenth of its people."""
    known = read_units().communes
    mine = known[known["province_code"] == "12"].reset_index(drop=True)
    n = len(mine)
    shapes = [shapely.box(500_000 + 500 * k, 2_400_000, 500_500 + 500 * k, 2_420_000) for k in range(n)]
    columns = mine[["commune_code", "name", "province_code", "province", "kind"]]
    communes = gpd.GeoDataFrame(
        columns.assign(area_km2=10.0, population=1_000, remote=2), geometry=shapes, crs=region.communes.crs
    )
    demand = pd.DataFrame(
        {"cell_id": mine["commune_code"], "commune_code": mine["commune_code"], "population": 1_000,
         "row": 5 + np.arange(n) % 2, "col": np.arange(n) // 2}
    )  # fmt: skip
    return replace(region, communes=communes, demand=demand), {mine["commune_code"].iloc[0]}


def _raster(layer: str, value: float) -> Callable:
    def make(region: Region, k: int) -> tuple[Region, set[str]]:
        raster = getattr(region, layer).copy()
        raster.flat[k % raster.size] = value
        return replace(region, **{layer: raster}), {layer}

    return make


def _file(act: Callable, keys: set[str]) -> Callable:
    def make(folder: Path, _k: int) -> tuple[Path, set[str]]:
        act(folder)
        return folder, keys

    return make


def _retype(layer: str, act: Callable) -> Callable:
    def make(folder: Path) -> None:
        path = folder / f"{layer}.parquet"
        geometry = layer in {"communes", "sites", "settlements", "power_nodes", "facilities"}
        frame = gpd.read_parquet(path) if geometry else pd.read_parquet(path)
        act(frame, path)

    return make


def _reproject(frame, path: Path) -> None:
    frame.to_crs("EPSG:4326").to_parquet(path, index=False)


def _no_column(column: str) -> Callable:
    return lambda frame, path: frame.drop(columns=column).to_parquet(path, index=False)


def _as_csv(frame, path: Path) -> None:
    path.unlink()
    frame.to_csv(path.with_suffix(".csv"), index=False)


def _small_clutter(folder: Path) -> None:
    with rasterio.open(folder / "clutter.tif") as source:
        profile, values = source.profile, source.read(1)
    profile.update(width=values.shape[1] - 1)
    with rasterio.open(folder / "clutter.tif", "w", **profile) as out:
        out.write(values[:, :-1], 1)


DEFECTS = [
    Defect("shape-valid", "communes", _geometry("communes", _bow)),
    Defect("shape-valid", "sites", _geometry("sites", lambda _f, _i: None)),
    Defect("shape-valid", "facilities", _geometry("facilities", lambda _f, _i: shapely.Point())),
    Defect("within-limits", "sites", _set("sites", "height_m", -4.0)),
    Defect("within-limits", "cells", _set("cells", "tilt_deg", "steep")),
    Defect("within-limits", "links", _set("links", "availability", 99.9)),
    Defect("height-plausible", "sites", _set("sites", "height_m", 390.0)),
    Defect("power-plausible", "cells", _set("cells", "eirp_dbm", 12.0)),
    Defect("band-known", "cells", _set("cells", "band_mhz", 5_100.0)),
    Defect("antenna-on-structure", "cells", _set("cells", "antenna_height_m", 140.0)),
    Defect(
        "in-its-commune", "facilities",
        _geometry("facilities", lambda f, i: shapely.affinity.translate(f.geometry.iloc[i], 9_000.0, 0.0)),
    ),
    Defect("in-its-commune", "demand", _set("demand", "commune_code", "00721", among=lambda f: f["row"] > 15)),
    Defect("in-the-region", "sites", _geometry("sites", lambda _f, _i: shapely.Point(540_000, 2_410_000))),
    Defect("in-the-region", "power_nodes", _geometry("power_nodes", lambda _f, _i: shapely.Point(2e6, 5e5))),
    Defect("date-possible", "sites", _set("sites", "commissioned", 2031)),
    Defect("area-as-drawn", "communes", _set("communes", "area_km2", 400.0)),
    Defect("people-as-counted", "communes", _set("communes", "population", lambda f, i: 2 * f["population"].iloc[i])),
    Defect("people-as-registered", "communes", _whole_province),
    Defect("density-possible", "demand", _set("demand", "population", 900_000)),
    Defect("shares-sum-to-one", "operators", lambda r, k: (_set("operators", "share", 0.95)(r, k)[0], {"share"})),
    Defect("heights-possible", "elevation", _raster("elevation", 8_848.0)),
    Defect("power-reaches-source", "power_nodes", _second_source_gone),
    Defect("power-no-cycle", "power_lines", _line_turned),
    Defect("power-fed-once", "power_lines", _fed_twice),
    Defect("line-length", "power_lines", _set("power_lines", "length_km", 1_400.0)),
    Defect("line-length", "power_lines", _set("power_lines", "length_km", 2.0)),
    Defect("backhaul-reaches-core", "sites", _cut_off),
    Defect("backhaul-no-cycle", "sites", _circle),
    Defect("values-given", "sites", _set("sites", "height_m", None)),
    Defect("values-given", "sites", _set("sites", "owner", "unknown")),
    Defect("values-given", "power_nodes", _set("power_nodes", "saifi", np.nan)),
    Defect("not-all-default", "sites", _one_default),
    Defect(
        "every-commune", "facilities",
        _without("facilities", lambda _r, f, k: f["facility_id"] == f["facility_id"].iloc[k % len(f)],
                 lambda _r, f, gone, _k: set(f["commune_code"][gone])),
    ),
    Defect(
        "every-commune", "settlements",
        _without("settlements", lambda _r, f, k: f["settlement_id"] == f["settlement_id"].iloc[k % len(f)],
                 lambda _r, f, gone, _k: set(f["commune_code"][gone])),
    ),
    Defect(
        "every-commune", "demand",
        _without("demand", lambda _r, f, _k: f["commune_code"] == "00715", lambda *_: {"00715"}),
    ),
    Defect(
        "site-on-air", "sites",
        _without("cells", lambda _r, f, k: f["site_id"] == f["site_id"].iloc[k % len(f)],
                 lambda _r, f, gone, _k: set(f["site_id"][gone])),
    ),
    Defect("covers-the-communes", "elevation", _smaller_grid),
    Defect("no-voids", "elevation", _raster("elevation", np.nan)),
    Defect("key-once", "cells", _set("cells", "cell_id", lambda f, i: f["cell_id"].iloc[i - 1])),
    Defect("key-once", "communes", _set("communes", "commune_code", lambda f, i: f["commune_code"].iloc[i - 1])),
    Defect("row-once", "cells", _again("cells")),
    Defect("row-once", "sites", _again("sites")),
    Defect("row-once", "demand", _again("demand")),
    Defect("row-once", "links", _again("links")),
    Defect("apart-same-owner", "sites", _again("sites", change=_near(4.0, None))),
    Defect("apart-other-owner", "sites", _again("sites", change=_other_owner)),
    Defect("name-once", "settlements", _respelt),
    Defect("lock-agrees", "sites", _set("sites", "shareable", False, among=lambda f: f["lock_reason"] == "")),
    Defect("lock-agrees", "sites", _set("sites", "lock_reason", "legal", among=lambda f: f["shareable"])),
    Defect("supply-agrees", "sites", _set("sites", "power_node_id", "")),
    Defect("supply-agrees", "sites", _set("sites", "power_source", "solar")),
    Defect("parent-agrees", "sites", _unlinked),
    Defect("borders-apart", "communes", lambda r, _k: (_geometry("communes", _stretched)(r, 0)[0], {"00706"})),
    Defect("renewed-in-time", "sites", _source("sites", as_of="2025")),
    Defect("renewed-in-time", "elevation", _source("elevation", as_of="")),
    Defect("renewed-in-time", "cells", _source("cells", as_of="2027-01-01")),
    Defect("site-confirmed", "sites", _set("sites", "commissioned", 1994)),
    Defect("plan-kept", "sites", _set("sites", "status", "planned")),
    Defect("keys-join", "cells", _set("cells", "site_id", "s99")),
    Defect("keys-join", "sites", _set("sites", "power_node_id", "t99")),
    Defect("keys-join", "links", _set("links", "to_id", "")),
    Defect("code-of-today", "communes", _set("communes", "commune_code", lambda _f, i: f"0000{i + 1}")),
    Defect("name-official", "communes", _set("communes", "name", lambda f, i: f["name"].iloc[i] + " cũ")),
    Defect("one-province-name", "communes", _set("communes", "province", "Tuyen Quang")),
    Defect("vocabulary", "links", _set("links", "medium", "fiber")),
    Defect("vocabulary", "sites", _set("sites", "structure", "monopole")),
    Defect("classes-known", "clutter", _raster("clutter", 77)),
    Defect("licence-open", "links", _source("links", licence="")),
    Defect("licence-open", "sites", _source("sites", licence="ask the operator")),
    Defect("source-stated", "cells", _source("cells", source="")),
    Defect("several-owners", "sites", lambda r, _k: (replace(r, sites=r.sites.assign(owner="red")), {"sites"})),
    Defect("several-owners", "cells", lambda r, _k: (replace(r, cells=r.cells.assign(operator="red")), {"blue"})),
    Defect("layer-present", "links", _file(lambda f: (f / "links.parquet").unlink(), {"links"}), in_folder=True),
    Defect(
        "layer-present", "sites", _file(lambda f: (f / "sites.parquet").write_bytes(b"PAR1 torn"), {"sites"}),
        in_folder=True,
    ),
    Defect("layer-present", "clutter", _file(lambda f: (f / "clutter.tif").unlink(), {"clutter"}), in_folder=True),
    Defect(
        "columns-present", "sites",
        _file(_retype("sites", _no_column("commissioned")), {"commissioned"}), in_folder=True,
    ),
    Defect(
        "columns-present", "cells", _file(_retype("cells", _no_column("operator")), {"operator"}), in_folder=True,
    ),
    Defect("one-crs", "facilities", _file(_retype("facilities", _reproject), {"facilities"}), in_folder=True),
    Defect("one-grid", "clutter", _file(_small_clutter, {"clutter"}), in_folder=True),
    Defect("format-open", "operators", _file(_retype("operators", _as_csv), {"operators"}), in_folder=True),
    Defect(
        "format-open", "elevation",
        _file(lambda f: shutil.move(f / "elevation.tif", f / "elevation.xlsx"), {"elevation"}), in_folder=True,
    ),
    Defect(
        "readable", "region",
        _file(lambda f: (f / "region.toml").write_text('[region]\ncrs = "EPSG:4326"\n'), {"region.crs"}),
        in_folder=True,
    ),
    Defect("readable", "operators", lambda r, k: (_set("operators", "share", 0.2)(r, k)[0], set())),
]  # fmt: skip
