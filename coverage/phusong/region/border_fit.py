"""How well areas that ought to be neighbours fit: the gaps and overlaps along their common borders."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

__all__ = ["BorderFit", "border_fit"]

_HAIRLINE_M = 200.0  # a gap narrower than this lies between neighbours; a wider one is land of somebody else
_LEAST_M2 = 1.0


@dataclass(frozen=True)
class BorderFit:
    """Gaps and overlaps between areas.

    Parameters
    ----------
    gap_km2, overlap_km2 : float
        Ground between neighbours that belongs to none, and that belongs to two.
    gaps : int
        Number of gaps.
    overlaps : DataFrame
        first, second (positions), area_km2: every pair that overlaps, the largest first.
    """

    gap_km2: float
    overlap_km2: float
    gaps: int
    overlaps: pd.DataFrame

    def report(self) -> str:
        """Return what was found, for people."""
        return (
            f"{self.gaps} gaps ({self.gap_km2:.2f} km²) and {len(self.overlaps)} overlaps ({self.overlap_km2:.2f} km²) "
            "between neighbours"
        )


def border_fit(areas: npt.NDArray[Any]) -> BorderFit:
    """Return the gaps and overlaps between areas in a CRS in metres.

    Parameters
    ----------
    areas : ndarray of polygons, shape (n,)
        Valid areas. [m]

    Notes
    -----
    A gap is what is enclosed when every area is widened by half a hairline and the whole narrowed again; holes of the
    union count too when they are that narrow.
    """
    tree = shapely.STRtree(areas)
    first, second = tree.query(areas, predicate="intersects")
    keep = first < second
    first, second = first[keep], second[keep]
    shared = shapely.area(shapely.intersection(areas[first], areas[second]))
    real = shared > _LEAST_M2
    pairs = pd.DataFrame({"first": first[real], "second": second[real], "area_km2": shared[real] / 1e6})
    pairs = pairs.sort_values(
        ["area_km2", "first", "second"], ascending=[False, True, True], ignore_index=True
    )
    whole = shapely.union_all(areas)
    # mitred joins keep the corners of the outline where they are
    closed = whole.buffer(_HAIRLINE_M / 2, join_style="mitre").buffer(-_HAIRLINE_M / 2, join_style="mitre")
    gaps = shapely.get_parts(shapely.difference(closed, whole))
    gaps = gaps[shapely.area(gaps) > _LEAST_M2]
    # a bay of the outline is closed by the widening too, but touches one area only
    neighbours = [len(tree.query(g.buffer(1.0), predicate="intersects")) for g in gaps]
    between = np.array(neighbours, np.int64) > 1
    return BorderFit(
        float(shapely.area(gaps[between]).sum()) / 1e6,
        float(pairs["area_km2"].sum()),
        int(between.sum()),
        pairs,
    )
