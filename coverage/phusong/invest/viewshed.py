"""How many waiting people a mast would see: straight lines over the ground, for many places at once."""

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb

__all__ = ["people_in_sight"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TWICE_EARTH_M = 2.0 * 8_495_000.0  # median refraction, k = 4/3


def people_in_sight(
    ground: npt.NDArray[np.float32],
    people: Floats,
    rows: Ints,
    cols: Ints,
    *,
    cell_m: float,
    reach_m: float,
    mast_m: float,
    phone_m: float = 1.5,
) -> Floats:
    """Return the people that a mast in each of some pixels has in line of sight.

    Parameters
    ----------
    ground : ndarray, shape (height, width)
        Heights; gaps count as 0. [m]
    people : ndarray, shape (height, width)
        Who waits.
    rows, cols : ndarray of int, shape (n,)
        Where masts could stand.
    cell_m, reach_m : float
        Side of a pixel, and how far it is looked.
    mast_m, phone_m : float
        Heights above ground.

    Notes
    -----
    It ranks places before the radio model looks at them, so it samples the nearest pixel and knows no diffraction.
    """
    heights = np.ascontiguousarray(np.nan_to_num(ground, nan=0.0), np.float32)
    reach = max(1, int(reach_m / cell_m))
    return np.asarray(
        _sums(heights, np.ascontiguousarray(people, np.float64), rows, cols, cell_m, reach, mast_m, phone_m)
    )


@nb.njit(cache=True, parallel=False, nogil=True)
def _sums(ground, people, rows, cols, cell_m, reach, mast_m, phone_m):  # type: ignore[no-untyped-def]
    height, width = ground.shape
    out = np.zeros(rows.size)
    for k in range(rows.size):
        r0, c0 = rows[k], cols[k]
        top = ground[r0, c0] + mast_m
        total = 0.0
        for r in range(max(r0 - reach, 0), min(r0 + reach + 1, height)):
            for c in range(max(c0 - reach, 0), min(c0 + reach + 1, width)):
                if people[r, c] <= 0.0:
                    continue
                far = (r - r0) ** 2 + (c - c0) ** 2
                if far > reach * reach:
                    continue
                if _sees(ground, r0, c0, top, r, c, ground[r, c] + phone_m, np.sqrt(far), cell_m):
                    total += people[r, c]
        out[k] = total
    return out


@nb.njit(cache=True, nogil=True)
def _sees(ground, r0, c0, top, r1, c1, low, far, cell_m):  # type: ignore[no-untyped-def]
    n = int(far)
    for i in range(1, n):
        t = i / far
        r, c = int(r0 + (r1 - r0) * t + 0.5), int(c0 + (c1 - c0) * t + 0.5)
        bulge = (i * cell_m) * ((far - i) * cell_m) / _TWICE_EARTH_M
        if ground[r, c] + bulge > top + (low - top) * t:
            return False
    return True
