"""Reception; who finds room where.

People go where they have the first claim (tier) and the strongest signal. Where that leaves somebody out, others move
over to stations that still have room, along shortest augmenting paths (Dinic 1970). The number who find room
is then the maximum flow from people through stations and sites, so one more station, link, right of use or megahertz
never leaves fewer with room. Turns are settled one after the other, and who has found room keeps it: no guest pushes out
anybody of an earlier turn.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Ints
from phusong.compute.arrays import RaggedRows
from phusong.compute.kernels import nb

__all__ = ["Reception", "allocate", "reception_at"]


@dataclass(frozen=True)
class Reception:
    """Pairs of demand cell and station, sorted by falling RSRP, then cell, then station.

    Parameters
    ----------
    cell, station : ndarray of int32, shape (n,)
        Position of the demand cell and of the station.
    rsrp_dbm : ndarray of float32, shape (n,)
        Reference signal received power. [dBm]
    sinr_ddb : ndarray of int16, shape (n,)
        Signal over noise and interference. [tenths of a dB]
    n_cells : int
        Number of demand cells, heard or not.
    """

    cell: npt.NDArray[np.int32]
    station: npt.NDArray[np.int32]
    rsrp_dbm: npt.NDArray[np.float32]
    sinr_ddb: npt.NDArray[np.int16]
    n_cells: int


def reception_at(
    demand_pixel: npt.NDArray[np.int64],
    *,
    indptr: npt.NDArray[np.int64],
    pixel: npt.NDArray[np.int32],
    rsrp_ddbm: npt.NDArray[np.int16],
    sinr_ddb: npt.NDArray[np.int16],
    n_pixels: int,
) -> Reception:
    """Return the footprints' entries that fall on demand cells.

    Parameters
    ----------
    demand_pixel : ndarray, shape (n_cells,)
        Flat pixel of each demand cell.
    indptr, pixel, rsrp_ddbm, sinr_ddb : ndarray
        Footprints in rows by station: offsets, flat pixels, RSRP in tenths of a dBm and SINR in tenths of a dB.
    n_pixels : int
        Pixels of the grid.
    """
    cell_of = np.full(n_pixels, -1, np.int32)
    cell_of[demand_pixel] = np.arange(demand_pixel.size, dtype=np.int32)
    on = cell_of[pixel]
    kept = np.flatnonzero(on >= 0)
    station = np.repeat(np.arange(indptr.size - 1, dtype=np.int32), np.diff(indptr))[kept]
    cell = on[kept]
    level = rsrp_ddbm[kept]
    order = np.lexsort((station, cell, -level.astype(np.int32)))
    return Reception(
        cell[order],
        station[order],
        (level[order].astype(np.float32) / np.float32(10.0)),
        sinr_ddb[kept][order],
        int(demand_pixel.size),
    )


class _Claims(NamedTuple):
    """Who may go where.

    Parameters
    ----------
    cell, station : int32 array, shape (n_pairs,)
        Pairs of demand cell and station, strongest first.
    tier : int8 array, shape (n_stations, n_operators)
        Claim of each operator's people on each station, 0 first; negative: none.
    station_room, station_site : int array, shape (n_stations,)
        Most people that each can hold, and its site.
    site_room : int array, shape (n_sites,)
        Most people that each site's link can hold.
    of_cell, of_station, of_site : RaggedRows
        Pairs of each demand cell and of each station, stations of each site.
    """

    cell: npt.NDArray[np.int32]
    station: npt.NDArray[np.int32]
    tier: npt.NDArray[np.int8]
    station_room: Ints
    station_site: Ints
    site_room: Ints
    of_cell: RaggedRows
    of_station: RaggedRows
    of_site: RaggedRows


class _Flow(NamedTuple):
    """People in places, changed in place.

    Parameters
    ----------
    taken : int32 array, shape (n_pairs, n_operators)
        Whom each heard station takes at each demand cell.
    left : int array, shape (n_cells, n_operators)
        Without room.
    in_station, in_site : int array
        Sums of those taken.
    """

    taken: npt.NDArray[np.int32]
    left: Ints
    in_station: Ints
    in_site: Ints


def allocate(
    reception: Reception,
    *,
    weights: Ints,
    tier: npt.NDArray[np.int8],
    station_room: Ints,
    station_site: Ints,
    site_room: Ints,
) -> npt.NDArray[np.int32]:
    """Return how many people of each operator each heard station takes at each demand cell.

    Parameters
    ----------
    reception : Reception
        Pairs of demand cell and station, strongest first.
    weights : ndarray of int, shape (n_cells, n_operators)
        People.
    tier : ndarray of int8, shape (n_stations, n_operators)
        Claim of each operator's people on each station, 0 first; negative: none.
    station_room, site_room : ndarray of int
        Most people that each station, and each site's link, can hold.
    station_site : ndarray of int, shape (n_stations,)
        Site of each station.

    Returns
    -------
    ndarray of int32, shape (n_pairs, n_operators)
        Rows are those of `reception`.
    """
    n_stations, n_sites = station_room.size, site_room.size
    claims = _Claims(
        reception.cell, reception.station, tier, station_room, station_site, site_room,
        _grouped(reception.cell, reception.n_cells), _grouped(reception.station, n_stations),
        _grouped(station_site, n_sites),
    )  # fmt: skip
    taken = np.zeros((reception.cell.size, weights.shape[1]), np.int32)
    in_station, in_site = np.zeros(n_stations, np.int64), np.zeros(n_sites, np.int64)
    flow = _Flow(taken, weights.astype(np.int64), in_station, in_site)
    for turn in range(int(tier.max(initial=-1)) + 1):
        _fill(claims, flow, turn)
        _move_over(claims, flow, turn)
    return taken


@nb.njit(cache=True)
def _grouped(key, n_groups):  # type: ignore[no-untyped-def]
    """Return where each group begins, and the places of its members in their order: a sort by counting."""
    start = np.zeros(n_groups + 1, np.int64)
    for k in key:
        start[k + 1] += 1
    for g in range(n_groups):
        start[g + 1] += start[g]
    order, at = np.empty(key.size, np.int64), start[:-1].copy()
    for i in range(key.size):
        order[at[key[i]]] = i
        at[key[i]] += 1
    return RaggedRows(start, order)


@nb.njit(cache=True)
def _fill(claims, flow, turn):  # type: ignore[no-untyped-def]
    cell, station, tier, station_room, station_site, site_room, _, _, _ = claims
    taken, left, in_station, in_site = flow
    n_operators = left.shape[1]
    for k in range(cell.size):
        c, s = cell[k], station[k]
        for o in range(n_operators):
            if left[c, o] == 0 or tier[s, o] != turn:
                continue
            site = station_site[s]
            more = min(left[c, o], station_room[s] - in_station[s], site_room[site] - in_site[site])
            if more <= 0:
                continue
            left[c, o] -= more
            taken[k, o] += more
            in_station[s] += more
            in_site[site] += more


@nb.njit(cache=True)
def _move_over(claims, flow, turn):  # type: ignore[no-untyped-def]
    """Raise the flow to its maximum: Dinic's levels and blocking flows over what the turns so far allow."""
    left = flow.left
    n_elements = left.size
    # elements, then stations, then sites
    n_nodes = n_elements + claims.station_room.size + claims.site_room.size
    level = np.empty(n_nodes, np.int32)
    arc = np.empty(n_nodes, np.int64)  # the arc of each node that is tried next
    queue = np.empty(n_nodes, np.int64)
    n_operators = left.shape[1]
    while _levels(claims, flow, turn, level, queue):
        arc[:] = 0
        for start in range(n_elements):
            c, o = start // n_operators, start % n_operators
            while left[c, o] > 0 and level[start] == 0:
                steps = _path(claims, flow, turn, level, arc, queue, start)
                if steps == 0:
                    break
                _push(claims, flow, arc, queue, steps)


@nb.njit(cache=True)
def _arc(claims, flow, turn, node, n):  # type: ignore[no-untyped-def]  # noqa: PLR0911 - one for each arc
    """Return where the n-th arc of a node leads: -1 when it carries nothing more, -2 when there is no such arc."""
    cell, station, tier, station_room, station_site, _, of_cell, of_station, of_site = claims
    taken, left, in_station, _ = flow
    n_operators = left.shape[1]
    n_elements, n_stations = left.size, station_room.size
    if node < n_elements:
        at = of_cell.start[node // n_operators] + n
        if at >= of_cell.start[node // n_operators + 1]:
            return -2
        s = station[of_cell.item[at]]
        return n_elements + s if 0 <= tier[s, node % n_operators] <= turn else -1
    if node < n_elements + n_stations:
        s = node - n_elements
        if n == 0:
            return n_elements + n_stations + station_site[s] if in_station[s] < station_room[s] else -1
        at = of_station.start[s] + (n - 1) // n_operators
        if at >= of_station.start[s + 1] or in_station[s] == 0:
            return -2
        k, o = of_station.item[at], (n - 1) % n_operators
        return cell[k] * n_operators + o if taken[k, o] > 0 else -1
    at = of_site.start[node - n_elements - n_stations] + n
    if at >= of_site.start[node - n_elements - n_stations + 1]:
        return -2
    s = of_site.item[at]
    return n_elements + s if in_station[s] > 0 else -1


@nb.njit(cache=True)
def _levels(claims, flow, turn, level, queue):  # type: ignore[no-untyped-def]
    """Number the nodes by their distance from people without room; return whether free room is in reach."""
    left, in_site, site_room = flow.left, flow.in_site, claims.site_room
    n_operators = left.shape[1]
    first_site = left.size + claims.station_room.size
    level[:] = -1
    tail = 0
    for element in range(left.size):
        if left[element // n_operators, element % n_operators] > 0:
            level[element] = 0
            queue[tail] = element
            tail += 1
    head, last = 0, np.iinfo(np.int32).max
    while head < tail:
        node = queue[head]
        head += 1
        if level[node] >= last:
            break
        if node >= first_site and in_site[node - first_site] < site_room[node - first_site]:
            last = level[node]
            continue
        n = 0
        while True:
            to = _arc(claims, flow, turn, node, n)
            if to == -2:
                break
            n += 1
            if to >= 0 and level[to] < 0:
                level[to] = level[node] + 1
                queue[tail] = to
                tail += 1
    return last < np.iinfo(np.int32).max


@nb.njit(cache=True)
def _path(claims, flow, turn, level, arc, path, start):  # type: ignore[no-untyped-def]
    """Write a path from a start to a site with room; return its number of nodes, 0 when there is none."""
    in_site, site_room = flow.in_site, claims.site_room
    first_site = flow.left.size + claims.station_room.size
    path[0] = start
    depth = 0
    while depth >= 0:
        node = path[depth]
        if node >= first_site and in_site[node - first_site] < site_room[node - first_site]:
            return depth + 1
        to = -1
        while to != -2:
            to = _arc(claims, flow, turn, node, arc[node])
            if to >= 0 and level[to] == level[node] + 1:
                break
            if to != -2:
                arc[node] += 1
        if to >= 0:
            depth += 1
            path[depth] = to
        else:
            level[node] = -1
            depth -= 1
            if depth >= 0:
                arc[path[depth]] += 1
    return 0


@nb.njit(cache=True)
def _push(claims, flow, arc, path, steps):  # type: ignore[no-untyped-def]
    """Send as many people along a path as it carries."""
    station_room, site_room = claims.station_room, claims.site_room
    of_cell, of_station, of_site = claims.of_cell, claims.of_station, claims.of_site
    taken, left, in_station, in_site = flow
    n_operators = left.shape[1]
    n_elements, n_stations = left.size, station_room.size
    end = path[steps - 1] - n_elements - n_stations
    start = path[0]
    most = min(left[start // n_operators, start % n_operators], site_room[end] - in_site[end])
    for twice in range(2):
        for i in range(steps - 1):
            node = path[i]
            if node < n_elements:
                if twice == 1:
                    k = of_cell.item[of_cell.start[node // n_operators] + arc[node]]
                    taken[k, node % n_operators] += most
            elif node < n_elements + n_stations:
                s = node - n_elements
                if arc[node] == 0:
                    if twice == 0:
                        most = min(most, station_room[s] - in_station[s])
                    else:
                        in_station[s] += most
                else:
                    k = of_station.item[of_station.start[s] + (arc[node] - 1) // n_operators]
                    o = (arc[node] - 1) % n_operators
                    if twice == 0:
                        most = min(most, np.int64(taken[k, o]))
                    else:
                        taken[k, o] -= most
            else:
                s = of_site.item[of_site.start[node - n_elements - n_stations] + arc[node]]
                if twice == 0:
                    most = min(most, in_station[s])
                else:
                    in_station[s] -= most
    in_site[end] += most
    left[start // n_operators, start % n_operators] -= most
