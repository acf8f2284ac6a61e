"""Loss of a sector antenna towards a direction: by its beamwidths, or by a measured pattern."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.errors import Problem, nearest_name, refuse
from phusong.kernel_cache import nb
from phusong.region.antennas import AntennaPattern

__all__ = ["PatternTables", "pattern_tables", "sector_loss_db"]

Singles = npt.NDArray[np.float32]

# 3GPP TR 36.814 V9.2.0, table A.2.1.1-2: front-to-back 25 dB, side lobes 20 dB, 10 degrees of elevation
_FRONT_BACK_DB = 25.0
_SIDE_LOBE_DB = 20.0
_ELEVATION_BEAM_DEG = 10.0


@dataclass(frozen=True)
class PatternTables:
    """Measured patterns as the kernels read them.

    Parameters
    ----------
    horizontal_db, vertical_db : ndarray of float32, shape (n, 361)
        Loss per degree; the last column repeats the first. [dB]
    """

    horizontal_db: Singles
    vertical_db: Singles


def pattern_tables(
    names: Sequence[str], known: Mapping[str, AntennaPattern]
) -> tuple[PatternTables, npt.NDArray[np.int64]]:
    """Return the tables of the patterns in use, and for each name its row there; -1: by its beamwidth.

    Parameters
    ----------
    names : sequence of str
        Pattern of each cell; empty: by its beamwidth.
    known : mapping
        Patterns by file name.

    Raises
    ------
    InputError
        Naming every pattern that is not there.
    """
    used = sorted({n for n in names if n})
    refuse(
        Problem(
            "cells", f"is no file in the region's antennas folder{nearest_name(n, known)}", column="antenna_pattern",
            value=n,
        )
        for n in used
        if n not in known
    )  # fmt: skip
    row = {name: k for k, name in enumerate(used)}
    stack = [
        np.stack([np.append(cut, cut[0]) for cut in cuts]).astype(np.float32) if used else np.zeros((1, 361), np.float32)
        for cuts in (
            [known[n].horizontal_db for n in used],
            [known[n].vertical_db for n in used],
        )
    ]  # fmt: skip
    return PatternTables(*stack), np.array([row.get(n, -1) for n in names], np.int64)


@nb.njit(cache=True, nogil=True, inline="always")
def sector_loss_db(  # type: ignore[no-untyped-def]
    bearing_deg, down_deg, azimuth_deg, beamwidth_deg, tilt_deg, pattern, horizontal_db, vertical_db
):
    """Return the loss of a sector towards a bearing and an angle below the horizon. [dB]

    Parameters
    ----------
    bearing_deg, down_deg : float
        Direction of the receiver: clockwise from north, and below the horizon.
    azimuth_deg, beamwidth_deg, tilt_deg : float
        The sector's main lobe; 360 is all round. With a measured pattern the tilt is mechanical, on top of the
        electrical tilt that the pattern holds.
    pattern : int
        Row of the tables; -1: by the beamwidth.
    horizontal_db, vertical_db : array, shape (n, 361)
        From :func:`pattern_tables`.

    References
    ----------
    3GPP TR 36.814 V9.2.0, table A.2.1.1-2, the form of 3GPP TR 38.901 table 7.3-1. Two measured cuts are joined as
    in F. Gil et al., A 3D interpolation method for base-station-antenna radiation patterns, IEEE Antennas and
    Propagation Magazine 43(2), 2001.
    """
    turn = bearing_deg - azimuth_deg + 180.0
    turn -= 360.0 * np.floor(turn / 360.0) + 180.0
    if pattern < 0:
        side = 0.0
        if beamwidth_deg < 360.0:
            side = min(12.0 * (turn / beamwidth_deg) ** 2, _FRONT_BACK_DB)
        high = min(12.0 * ((down_deg - tilt_deg) / _ELEVATION_BEAM_DEG) ** 2, _SIDE_LOBE_DB)
        return min(side + high, _FRONT_BACK_DB)
    # a tilted antenna looks down in front and up behind
    below = down_deg - tilt_deg * np.cos(np.radians(turn))
    behind = abs(turn) / 180.0
    h = horizontal_db[pattern]
    v = vertical_db[pattern]
    front_gap = h[0] - _at(v, below)
    back_gap = h[180] - _at(v, 180.0 - below)
    return max(_at(h, turn) - (1.0 - behind) * front_gap - behind * back_gap, 0.0)


@nb.njit(cache=True, nogil=True, inline="always")
def _at(cut, angle_deg):  # type: ignore[no-untyped-def]
    place = angle_deg % 360.0
    k = min(int(place), 359)
    share = place - k
    return cut[k] * (1.0 - share) + cut[k + 1] * share
