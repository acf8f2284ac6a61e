"""What became of communes between two versions of a region: split, merged, renamed, redrawn."""

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from phusong.region.store import Region

__all__ = ["commune_events"]

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
            told = "; ".join(f"{s:.0%} to {labels[1][j]}" for s, j in zip(share, parts, strict=True))
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
