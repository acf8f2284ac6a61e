"""Administrative units today.

The package's points and areas are not all right: some lie tens of kilometres off, some areas are off by a factor.
They are found without outside help. A new commune's old units must surround it: each old unit carries its own
point and bounding box, in another source. A point far from all of them is replaced by their middle; an old point
far from its district's and its commune's other points is dropped; an area that disagrees by a factor with the
area the surrounding points leave it is flagged and given less weight. Every repair is listed with its reason.
"""

import json
import sqlite3
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.region.vietnam.names import fold_unit_name

__all__ = ["REPAIR_COLUMNS", "UnitTables", "Units", "read_units", "unit_tables"]


@dataclass(frozen=True)
class UnitTables:
    """Administrative units before and since July 2025.

    Parameters
    ----------
    today : DataFrame
        One row a commune of today.
    before : DataFrame
        One row a commune of before, and islands that were districts without communes (no `wardCode`).
    converter : dict
        Keys of old units by the key of today's commune, those that went whole and those that were divided.
    """

    today: pd.DataFrame
    before: pd.DataFrame
    converter: dict[str, Any]


def unit_tables() -> UnitTables:
    """Return the tables, read anew, so that a caller may change them."""
    folder = files("vietnamadminunits") / "data"
    with as_file(folder / "dataset.db") as path:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            today = pd.read_sql("select * from admin_units", connection)
            before = pd.read_sql("select * from admin_units_legacy", connection)
        finally:
            connection.close()
    converter = json.loads((folder / "converter_2025.json").read_text(encoding="utf-8"))
    return UnitTables(today, before, converter)


REPAIR_COLUMNS = ("layer", "key", "name", "column", "old_value", "new_value", "reason")
_KINDS = {"Xã": "commune", "Phường": "ward", "Đặc khu": "special_zone"}
_OLD_KINDS = {"Xã": "xa", "Phường": "phuong", "Thị trấn": "thi_tran"}
_FAR_KM = 5.0  # a point this much farther off than its unit is wide is wrong
_KM_PER_DEG = 111.2


@dataclass(frozen=True)
class Units:
    """Today's communes and the old units, for the whole country.

    Parameters
    ----------
    communes : DataFrame
        commune_code, name, kind, province_code, province, lon, lat, area_km2, area_trusted.
    old : DataFrame
        old_code, name, kind (xa, thi_tran, phuong), district, old_province, commune_code (today's; the default
        one where the unit was divided), province_code, lon, lat, area_km2 (of its box, a rough size).
    repairs : DataFrame
        layer, key, name, column, old_value, new_value, reason.
    """

    communes: pd.DataFrame
    old: pd.DataFrame
    repairs: pd.DataFrame


def read_units() -> Units:
    """Return the packaged units of the country, mended."""
    communes, old = _tables()
    repairs: list[tuple[str, ...]] = []
    communes, old = _mend(communes, old, repairs)
    communes = _judge_areas(communes, old, repairs)
    return Units(communes, old, pd.DataFrame(repairs, columns=list(REPAIR_COLUMNS), dtype=str))


def _tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    tables = unit_tables()
    new, old, converter = tables.today, tables.before.dropna(subset="wardCode"), tables.converter
    communes = pd.DataFrame(
        {
            "commune_code": new["wardCode"].astype(str).str.zfill(5),
            "name": new["wardShort"],
            "kind": new["wardType"].map(_KINDS),
            "province_code": new["provinceCode"].astype(str).str.zfill(2),
            "province": new["provinceShort"],
            "lon": new["wardLon"].astype(float),
            "lat": new["wardLat"].astype(float),
            "area_km2": new["wardAreaKm2"].astype(float),
            "key": new["provinceKey"] + "_" + new["wardKey"],
        }
    ).sort_values("commune_code", ignore_index=True)
    units = pd.DataFrame(
        {
            "old_code": old["wardCode"].astype(str).str.zfill(5),
            "name": old["wardShort"],
            "kind": old["wardType"].map(_OLD_KINDS),
            "district": old["districtShort"],
            "old_province": old["provinceShort"],
            "lon": old["wardLon"].astype(float),
            "lat": old["wardLat"].astype(float),
            "bounds": old["wardBounds"].astype(str),
            "key": old["provinceKey"] + "_" + old["districtKey"] + "_" + old["wardKey"],
        }
    ).sort_values("old_code", ignore_index=True)
    units["commune_key"] = units["key"].map(_successors(converter))
    units = units.drop_duplicates("old_code").dropna(subset=["commune_key"])
    columns = communes[["key", "commune_code", "province_code"]].rename(columns={"key": "commune_key"})
    units = units.merge(columns, on="commune_key", how="inner").sort_values("old_code", ignore_index=True)
    boxes = [_box(text) for text in units["bounds"]]
    units[["south", "west", "north", "east"]] = boxes
    return communes.drop(columns="key"), units.drop(columns=["commune_key", "key", "bounds"])


def _successors(converter: dict[str, dict[str, dict[str, list[object]]]]) -> dict[str, str]:
    """Return today's commune of each old unit, as keys; the default one where the unit was divided."""
    successors = {}
    for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, olds in wards.items():
            successors.update({str(old): f"{province}_{ward}" for old in olds})
    for province, divided in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, parts in divided.items():
            for part in parts:
                if isinstance(part, dict) and part["isDefaultNewWard"]:
                    successors[old] = f"{province}_{part['newWardKey']}"
    return successors


def _box(text: str) -> tuple[float, float, float, float]:
    # "south,west – north,east"
    try:
        low, high = text.split("–")
        south, west = (float(v) for v in low.split(","))
        north, east = (float(v) for v in high.split(","))
    except ValueError:
        return (np.nan, np.nan, np.nan, np.nan)
    return south, west, north, east


def _mend(
    communes: pd.DataFrame, old: pd.DataFrame, repairs: list[tuple[str, ...]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge each commune's point and its old units' points by one another and by the old districts."""
    old = _with_sizes(old)
    old_xy = _km(old["lon"], old["lat"])
    new_xy = _km(communes["lon"], communes["lat"])
    middle, reach = _middles(old_xy, old["old_province"] + "/" + old["district"])
    size_km = np.sqrt(communes["area_km2"].clip(1.0, 1500.0).to_numpy() / np.pi)
    drop = np.zeros(len(old), bool)
    twin = old.duplicated(["lon", "lat"], keep=False).to_numpy()
    fixed = communes.copy()
    for i, members in _members(communes, old):
        off = np.hypot(*(old_xy[members] - new_xy[i]).T)
        allowed = 2.0 * min(size_km[i], 15.0) + _FAR_KM
        of_district = np.hypot(*(middle[members] - new_xy[i]).T) / (2.5 * reach[members] + _FAR_KM)
        inside = of_district.min() <= 1.0
        if inside or off.min() <= allowed:
            # the commune's point stands where its districts are, so an old point far from it is the wrong one
            bad = off > 2.0 * allowed
            bad &= (np.hypot(*(middle[members] - old_xy[members]).T) > 2.0 * reach[members]) | (off > 40.0)
            for m in members[bad]:
                _note(
                    repairs,
                    "old unit",
                    old.iloc[m],
                    "dropped",
                    f"{off[members == m][0]:.0f} km from the point of {communes['name'].iloc[i]}, which stands among its district's",
                )
            drop[members[bad]] = True
            continue
        good = members[np.hypot(*(middle[members] - old_xy[members]).T) <= 3.0 * reach[members] + _FAR_KM]
        good = good if good.size else members
        if twin[good].all():
            # they claim the point of other units too: weaker witnesses than the commune's own point
            for m in good:
                reason = "shares its point with another unit and lies far from its commune's point"
                _note(repairs, "old unit", old.iloc[m], "dropped", reason)
            drop[good] = True
            continue
        good = good[~twin[good]]
        names = [
            m
            for m in good
            if fold_unit_name(str(old["name"].iloc[m])) == fold_unit_name(str(communes["name"].iloc[i]))
        ]
        source = names[:1] or list(good)
        lon, lat = old["lon"].iloc[source].median(), old["lat"].iloc[source].median()
        fixed.loc[i, ["lon", "lat"]] = [lon, lat]
        taken = "the old unit of its name" if names else f"the middle of its {len(source)} old units"
        _note(
            repairs,
            "commune",
            communes.iloc[i],
            f"{lat:.4f},{lon:.4f}",
            f"{off.min():.0f} km from the nearest old unit it was merged from and outside their districts; taken: {taken}",
        )
    drop |= _twins(old, fixed, drop, repairs)
    return fixed, old[~drop].reset_index(drop=True)


def _members(communes: pd.DataFrame, old: pd.DataFrame) -> list[tuple[int, npt.NDArray[np.int64]]]:
    by_commune = old.groupby("commune_code").indices
    return [
        (i, np.asarray(by_commune[c], np.int64))
        for i, c in enumerate(communes["commune_code"])
        if c in by_commune
    ]


def _twins(
    old: pd.DataFrame, communes: pd.DataFrame, drop: npt.NDArray[np.bool_], repairs: list[tuple[str, ...]]
) -> npt.NDArray[np.bool_]:
    """Mark all but the likeliest of the old units that claim one and the same point."""
    place = communes.set_index("commune_code").loc[old["commune_code"]]
    off = np.hypot(*(_km(old["lon"], old["lat"]) - _km(place["lon"], place["lat"])).T)
    rank = pd.DataFrame({"lon": old["lon"], "lat": old["lat"], "off": off, "drop": drop}).sort_values(
        ["drop", "off"]
    )
    second = rank.duplicated(["lon", "lat"], keep="first").reindex(old.index).to_numpy() & ~drop
    for m in np.flatnonzero(second):
        _note(
            repairs,
            "old unit",
            old.iloc[m],
            "dropped",
            "claims the same point as another unit, which lies nearer to its commune's",
        )
    return np.asarray(second)


def _with_sizes(old: pd.DataFrame) -> pd.DataFrame:
    """Add the rough area of each old unit: a commune fills a little more than half of its bounding box."""
    out = old.copy()
    width = np.maximum((old["east"] - old["west"]).to_numpy() * 104.0, 0.5)
    height = np.maximum((old["north"] - old["south"]).to_numpy() * _KM_PER_DEG, 0.5)
    size = pd.Series(width * height * 0.55, index=old.index)
    size = size.where(np.isfinite(size) & (size < 1500.0))
    by_commune = size.groupby(old["commune_code"]).transform("median")
    out["area_km2"] = size.fillna(by_commune).fillna(20.0)
    return out


def _judge_areas(communes: pd.DataFrame, old: pd.DataFrame, repairs: list[tuple[str, ...]]) -> pd.DataFrame:
    """Mend missing areas, and mark those that disagree by a factor with the boxes of their old units."""
    out = communes.copy()
    boxes = old.groupby("commune_code")["area_km2"].sum().reindex(communes["commune_code"]).to_numpy()
    stated = communes["area_km2"].to_numpy()
    # the sum of boxes is biased alike within a province: compare against the province's own ratio
    ratio = np.log(np.where(np.isfinite(stated) & (stated > 0) & (boxes > 0), stated / boxes, np.nan))
    usual = pd.Series(ratio).groupby(communes["province_code"]).transform("median").to_numpy()
    missing = ~(np.isfinite(stated) & (stated > 0))
    guess = np.where(np.isfinite(boxes), boxes * np.exp(np.nan_to_num(usual)), np.nan)
    guess = np.where(np.isfinite(guess), guess, np.nanmedian(stated))
    off = np.abs(ratio - usual)
    for i in np.flatnonzero(missing):
        reason = "no area stated; taken from the boxes of its old units"
        _note(repairs, "commune", communes.iloc[i], f"{guess[i]:.2f}", reason, column="area_km2")
    doubtful = np.nan_to_num(off) > np.log(4.0)
    for i in np.flatnonzero(doubtful):
        reason = f"{np.exp(off[i]):.1f} times off the size of its old units' boxes"
        _note(repairs, "commune", communes.iloc[i], "kept, not used for its shape", reason, column="area_km2")
    out["area_km2"] = np.where(missing, guess, stated)
    out["area_trusted"] = ~(missing | doubtful)
    return out


def _note(
    repairs: list[tuple[str, ...]],
    layer: str,
    row: "pd.Series[Any]",
    new: str,
    reason: str,
    *,
    column: str = "point",
) -> None:
    key = str(row["commune_code"] if layer == "commune" else row["old_code"])
    before = f"{row['lat']:.4f},{row['lon']:.4f}" if column == "point" else str(row[column])
    repairs.append((layer, key, str(row["name"]), column, before, new, reason))


def _km(lon: "pd.Series[float]", lat: "pd.Series[float]") -> npt.NDArray[np.float64]:
    """Return flat kilometres, good for telling near from far (error below 1 % of a distance within a province)."""
    y = lat.to_numpy(np.float64)
    return np.asarray(
        np.c_[lon.to_numpy(np.float64) * _KM_PER_DEG * np.cos(np.radians(y)), y * _KM_PER_DEG], np.float64
    )


def _middles(
    xy: npt.NDArray[np.float64], group: "pd.Series[str]"
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return each point's group's median place and median distance from it."""
    frame = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "g": group.to_numpy()})
    middle = frame.groupby("g")[["x", "y"]].transform("median").to_numpy()
    off = np.hypot(*(xy - middle).T)
    reach = pd.Series(off).groupby(frame["g"]).transform("median").to_numpy()
    return np.asarray(middle), np.asarray(np.maximum(reach, 2.0))
