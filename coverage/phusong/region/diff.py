"""Difference between two versions of a region, by layer, record and commune."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.ndimage import map_coordinates

from phusong.compute.array_types import Bools
from phusong.region import Grid
from phusong.region.folder import Region, Source
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS

__all__ = ["RegionDiff", "commune_events", "difference"]

_OVERLAP_SHARE = 0.1  # of the smaller of two communes: less is a border drawn otherwise
_SAME_SHARE = 0.9  # of either: more is one and the same ground
_REDRAWN_SHARE = 0.001  # of its area: less is rounding


def commune_events(before: Region, after: Region) -> list[tuple[str, str, str, str]]:
    """Return what became of the communes: by code where the code lives on, by ground where it does not.

    Parameters
    ----------
    before, after : Region
        Two versions of one region, or of regions that overlap.

    Returns
    -------
    list of (event, before, after, detail)
        Events are split, merged, renamed, redrawn, removed, added; before and after are ``name (code)``.
    """
    old, new = before.communes, after.communes.to_crs(before.grid.crs)
    codes = [f["commune_code"].astype(str).to_numpy() for f in (old, new)]
    labels = [[f"{n} ({c})" for n, c in zip(f["name"], f["commune_code"], strict=True)] for f in (old, new)]
    ground = [shapely.make_valid(np.asarray(f.geometry.to_numpy())) for f in (old, new)]
    pairs = _overlaps(ground[0], ground[1])
    into = {i: sorted({j for a, j in pairs if a == i}) for i in range(len(old))}
    out_of = {j: sorted({i for i, b in pairs if b == j}) for j in range(len(new))}
    events = []
    split, merged = set(), set()
    for i, parts in into.items():
        if len(parts) > 1 and not all(codes[1][j] in set(codes[0]) for j in parts):
            split.add(i)
            share = [_share(ground[0][i], ground[1][j]) for j in parts]
            told = "; ".join(f"{s:.0%} → {labels[1][j]}" for s, j in zip(share, parts, strict=True))
            events.append(("split", labels[0][i], ", ".join(labels[1][j] for j in parts), told))
    for j, parts in out_of.items():
        if len(parts) > 1 and not all(codes[0][i] in set(codes[1]) for i in parts):
            merged.add(j)
            events.append(
                (
                    "merged",
                    ", ".join(labels[0][i] for i in parts),
                    labels[1][j],
                    f"{len(parts)} units into one",
                )
            )
    for i, code in enumerate(codes[0]):
        at = np.flatnonzero(codes[1] == code)
        if at.size:
            events += _same_code(
                old, new, ground, labels, i, int(at[0]), touched=i in split or int(at[0]) in merged
            )
        elif i not in split and not any(j in merged for j in into[i]):
            events += _lost(ground, labels, i, into[i])
    known = set(codes[0])
    taken = {labels[1][j] for parts in into.values() for j in parts}
    events += [
        ("added", "", labels[1][j], "")
        for j, c in enumerate(codes[1])
        if c not in known and labels[1][j] not in taken
    ]
    return events


def _lost(
    ground: list[npt.NDArray[np.object_]], labels: list[list[str]], i: int, parts: list[int]
) -> list[tuple[str, str, str, str]]:
    if (
        len(parts) == 1
        and min(_share(ground[0][i], ground[1][parts[0]]), _share(ground[1][parts[0]], ground[0][i]))
        > _SAME_SHARE
    ):
        return [("renamed", labels[0][i], labels[1][parts[0]], "new code, the same ground")]
    where = ", ".join(labels[1][j] for j in parts)
    return [("removed", labels[0][i], where, "its ground lies there now" if parts else "")]


def _same_code(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, ground: list[npt.NDArray[np.object_]], labels: list[list[str]],
    i: int, j: int, *, touched: bool,
) -> list[tuple[str, str, str, str]]:  # fmt: skip
    events = []
    was, now = str(old["name"].iloc[i]), str(new["name"].iloc[j])
    if was != now:
        events.append(("renamed", labels[0][i], labels[1][j], "the same code"))
    if "kind" in old and "kind" in new and str(old["kind"].iloc[i]) != str(new["kind"].iloc[j]):
        told = f"{old['kind'].iloc[i]} → {new['kind'].iloc[j]}"
        events.append(("renamed", labels[0][i], labels[1][j], told))
    if not touched:
        area = shapely.area(ground[0][i])
        off = shapely.area(shapely.symmetric_difference(ground[0][i], ground[1][j]))
        share = float(off / area) if area > 0 else 0.0
        if share > _REDRAWN_SHARE:
            events.append(("redrawn", labels[0][i], labels[1][j], f"{share:.1%} of its area lies otherwise"))
    return events


def _overlaps(a: npt.NDArray[np.object_], b: npt.NDArray[np.object_]) -> list[tuple[int, int]]:
    """Return which communes of two maps share more than a border strip."""
    tree = shapely.STRtree(b)
    first, second = tree.query(a, predicate="intersects")
    shared = shapely.area(shapely.intersection(a[first], b[second]))
    least = np.minimum(shapely.area(a[first]), shapely.area(b[second]))
    keep = shared > _OVERLAP_SHARE * least
    return [(int(i), int(j)) for i, j in zip(first[keep], second[keep], strict=True)]


def _share(part: shapely.Geometry, whole: shapely.Geometry) -> float:
    area = shapely.area(part)
    return float(shapely.area(shapely.intersection(part, whole)) / area) if area > 0 else 0.0


_RASTERS = ("elevation", "clutter")


@dataclass(frozen=True)
class RegionDiff:
    """What changed from one region to another.

    Parameters
    ----------
    before, after : str
        Names of the two.
    layers : DataFrame
        One row a layer: layer, rows_before, rows_after, added, removed, changed, columns (that changed, with the
        number of rows).
    rows : DataFrame
        One row a change of a table: layer, key, change (added, removed, moved, commissioned, retired, changed),
        detail. A row may have several.
    communes : DataFrame
        One row an event: event (added, removed, merged, split, renamed, redrawn), before, after, detail.
    people : DataFrame
        One row a commune whose people changed: commune_code, name, before, after, change. [people]
    rasters : DataFrame
        One row a raster: layer, share_changed, mean_difference, mean_absolute_difference, same_grid. Differences
        are of the second less the first, over the ground that both cover; none for classes.
    sources : DataFrame
        One row a change of provenance: layer, what, before, after.
    totals : dict
        people_before, people_after.
    """

    before: str
    after: str
    layers: pd.DataFrame
    rows: pd.DataFrame
    communes: pd.DataFrame
    people: pd.DataFrame
    rasters: pd.DataFrame
    sources: pd.DataFrame
    totals: dict[str, int]

    @property
    def empty(self) -> bool:
        """Whether nothing changed."""
        still = self.rasters["same_grid"].all() and not self.rasters["share_changed"].any()
        return bool(still) and all(len(t) == 0 for t in (self.rows, self.communes, self.people, self.sources))

    def to_json(self) -> str:
        """Return everything as JSON."""
        tree: dict[str, Any] = {"before": self.before, "after": self.after, "totals": self.totals}
        for name in ("layers", "rows", "communes", "people", "rasters", "sources"):
            frame: pd.DataFrame = getattr(self, name)
            tree[name] = [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]
        return json.dumps(tree, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def difference(before: Region, after: Region, *, moved_m: float = 20.0) -> RegionDiff:
    """Return what changed from one region to another.

    Parameters
    ----------
    before, after : Region
        Two versions; places of the second are brought to the CRS of the first.
    moved_m : float
        A point moved when it lies farther than this from where it was. [m]
    """
    layers, rows = [], []
    for layer in LAYERS:
        summary, changes = _table_changes(layer, before, after, moved_m)
        layers.append(summary)
        rows += changes
    people = [int(r.demand["population"].sum()) for r in (before, after)]
    return RegionDiff(
        before=before.name,
        after=after.name,
        layers=pd.DataFrame(layers),
        rows=pd.DataFrame(rows, columns=["layer", "key", "change", "detail"]),
        communes=pd.DataFrame(commune_events(before, after), columns=["event", "before", "after", "detail"]),
        people=_people_changes(before, after),
        rasters=pd.DataFrame([_raster_change(name, before, after) for name in _RASTERS]),
        sources=pd.DataFrame(_source_changes(before, after), columns=["layer", "what", "before", "after"]),
        totals={"people_before": people[0], "people_after": people[1]},
    )


def _table_changes(
    layer: str, before: Region, after: Region, moved_m: float
) -> tuple[dict[str, Any], list[tuple[str, str, str, str]]]:
    old, new = (_keyed(getattr(r, layer)) for r in (before, after))
    gone, came = old.index.difference(new.index, sort=False), new.index.difference(old.index, sort=False)
    both = old.index.intersection(new.index, sort=False)
    rows = [(layer, str(k), "removed", _about(old, k)) for k in gone]
    rows += [(layer, str(k), "added", _about(new, k)) for k in came]
    a, b = old.loc[both], new.loc[both]
    changed: dict[str, Bools] = {}
    for column in sorted((set(a.columns) | set(b.columns)) - {"geometry"}):
        if column not in a or column not in b:
            changed[column] = np.ones(len(both), bool)
        else:
            changed[column] = _differ(a[column], b[column])
    if layer in GEOMETRY_LAYERS:
        changed["geometry"], rows_moved = _moved(layer, before, after, both, moved_m)
        rows += rows_moved
    named = {c: int(flags.sum()) for c, flags in changed.items() if flags.any()}
    any_ = np.any(list(changed.values()), axis=0) if changed else np.zeros(len(both), bool)
    rows += _changed_rows(layer, a, b, changed)
    summary = {
        "layer": layer, "rows_before": len(old), "rows_after": len(new), "added": len(came), "removed": len(gone),
        "changed": int(np.sum(any_)), "columns": ", ".join(f"{c} ({n})" for c, n in named.items()),
    }  # fmt: skip
    return summary, rows


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    key = frame.columns[0]
    plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
    # a key that stands twice is told apart by its count, so that no row is lost
    count = plain.groupby(key).cumcount()
    keys = plain[key].astype(str).where(count == 0, plain[key].astype(str) + "#" + (count + 1).astype(str))
    return plain.drop(columns=key).set_index(pd.Index(keys, name="key"))


def _about(frame: pd.DataFrame, key: str) -> str:
    row = frame.loc[key]
    known = [c for c in ("name", "owner", "operator", "kind", "structure", "status") if c in frame]
    return ", ".join(f"{c}={row[c]}" for c in known if str(row[c]))


def _differ(a: "pd.Series[Any]", b: "pd.Series[Any]") -> Bools:
    both_empty = a.isna().to_numpy(bool) & b.isna().to_numpy(bool)
    return np.asarray((a.to_numpy(object) != b.to_numpy(object)) & ~both_empty, bool)


def _changed_rows(
    layer: str, a: pd.DataFrame, b: pd.DataFrame, changed: dict[str, Bools]
) -> list[tuple[str, str, str, str]]:
    rows = []
    for i, key in enumerate(a.index):
        columns = [c for c, flags in changed.items() if flags[i] and c != "geometry" and c in a and c in b]
        if not columns:
            continue
        told = "; ".join(f"{c}={_said(a[c].iloc[i])} → {_said(b[c].iloc[i])}" for c in columns)
        rows.append((layer, str(key), _what(b, i, columns), told))
    return rows


def _said(value: object) -> str:
    """Return a value for reading: nine digits tell any change that a planner made, seventeen show only noise."""
    text = str(value)
    return f"{value:.9g}" if isinstance(value, float) and len(text) > 12 else text


def _what(b: pd.DataFrame, i: int, columns: list[str]) -> str:
    if "status" in columns:
        state = str(b["status"].iloc[i])
        if state == "active":
            return "commissioned"
        if state == "retired":
            return "retired"
    return "changed"


def _moved(
    layer: str, before: Region, after: Region, both: "pd.Index[Any]", moved_m: float
) -> tuple[Bools, list[tuple[str, str, str, str]]]:
    frames = [getattr(before, layer), getattr(after, layer).to_crs(before.grid.crs)]
    shapes = []
    for frame in frames:
        place = pd.Series(range(len(frame)), index=_keyed(frame).index)
        shapes.append(np.asarray(frame.geometry.to_numpy())[place.loc[both].to_numpy()])
    if layer == "communes":
        other = ~shapely.equals_exact(shapes[0], shapes[1], tolerance=1.0)
        return np.asarray(other, bool), []  # told as events
    ends = [np.c_[shapely.get_x(s), shapely.get_y(s)] for s in (shapely.centroid(x) for x in shapes)]
    off = np.hypot(*(ends[1] - ends[0]).T)
    moved = np.asarray(off > moved_m, bool)
    rows = [
        (layer, str(both[int(i)]), "moved", f"{off[i]:.0f} m → {ends[1][i, 0]:.0f}, {ends[1][i, 1]:.0f}")
        for i in np.flatnonzero(moved)
    ]
    return moved, rows


def _people_changes(before: Region, after: Region) -> pd.DataFrame:
    sums = [r.demand.groupby("commune_code")["population"].sum() for r in (before, after)]
    names = pd.concat([r.communes.set_index("commune_code")["name"] for r in (before, after)])
    names = names[~names.index.duplicated(keep="last")]
    both = pd.concat(sums, axis=1, keys=["before", "after"]).fillna(0).astype(np.int64)
    both = both[both["before"] != both["after"]].sort_index()
    both["change"] = both["after"] - both["before"]
    both.insert(0, "name", names.reindex(both.index).fillna(""))
    return pd.DataFrame(both.rename_axis("commune_code").reset_index())


def _raster_change(name: str, before: Region, after: Region) -> dict[str, Any]:
    old, new = getattr(before, name), getattr(after, name)
    same = before.grid == after.grid
    classes = name == "clutter"
    if not same:
        new = _resampled(new, after.grid, before.grid, classes=classes)
    known = np.isfinite(old) & np.isfinite(new) if not classes else new >= 0
    void = np.isfinite(old) != np.isfinite(new) if same and not classes else np.zeros(old.shape, bool)
    count = int(known.sum() + void.sum())
    off = new[known].astype(np.float64) - old[known].astype(np.float64)
    changed = int((off != 0).sum()) + int(void.sum())
    return {
        "layer": name,
        "share_changed": changed / count if count else 0.0,
        "mean_difference": float("nan") if classes or not off.size else float(off.mean()),
        "mean_absolute_difference": float("nan") if classes or not off.size else float(np.abs(off).mean()),
        "same_grid": same,
    }


def _resampled(values: npt.NDArray[Any], grid: Grid, onto: Grid, *, classes: bool) -> npt.NDArray[np.float64]:
    """Return a raster on the pixels of another grid: nearest class, or linear between heights; NaN or -1 outside."""
    row, col = np.indices(onto.shape)
    east, north = onto.centres(row, col)
    if grid.crs != onto.crs:
        from pyproj import Transformer  # noqa: PLC0415 - two versions of one region rarely differ in this

        east, north = Transformer.from_crs(onto.crs, grid.crs, always_xy=True).transform(east, north)
    at = np.stack([(grid.north_m - north) / grid.cell_m - 0.5, (east - grid.west_m) / grid.cell_m - 0.5])
    plain = values.astype(np.float64)
    if classes:
        return np.asarray(map_coordinates(plain, at, order=0, cval=-1.0), np.float64)
    return np.asarray(map_coordinates(plain, at, order=1, cval=np.nan), np.float64)


def _source_changes(before: Region, after: Region) -> list[tuple[str, str, str, str]]:
    rows = []
    if before.grid.crs != after.grid.crs:
        rows.append(("region", "crs", before.grid.crs, after.grid.crs))
    if before.grid.cell_m != after.grid.cell_m:
        rows.append(("region", "cell_m", f"{before.grid.cell_m:g}", f"{after.grid.cell_m:g}"))
    old, new = ({s.layer: s for s in r.sources} for r in (before, after))
    read: Callable[[Source | None, str], str] = lambda s, f: "" if s is None else str(getattr(s, f))  # noqa: E731
    for layer in dict.fromkeys((*old, *new)):
        for field in fields(Source):
            if field.name == "layer":
                continue
            was, now = read(old.get(layer), field.name), read(new.get(layer), field.name)
            if was != now:
                rows.append((layer, field.name, was, now))
    return rows


def _plain(value: Any) -> Any:  # noqa: ANN401 - any cell
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
