"""What has happened, as text that a restart reads: everything by name, so that it is read back onto the same region."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from phusong.live.happened import NEVER, Happened, nothing_yet
from phusong.live.standing import Standing

__all__ = ["from_tree", "standing_digest", "to_tree"]

_SITES = ("site_down", "commissioned", "opened", "own_supply")
_COMMUNES = ("served_first", "lost_people_ms", "lost_until_ms")


def standing_digest(standing: Standing) -> str:
    """Return a SHA-256 of what events act on: state of one region or scenario is never read onto another."""
    network, reception, places = standing.network, standing.reception, standing.places
    digest = hashlib.sha256()
    for array in (
        network.site_ids, network.station_ids, standing.lines.ids, network.links.ids, network.node_ids,
        places.commune_codes, places.cell_commune, places.village_cell, reception.cell, reception.station,
        reception.rsrp_dbm, reception.sinr_ddb, standing.weights, standing.availability, standing.tier_locked,
        standing.tier_open, standing.station_room, network.autonomy_h, network.links.capacity_mbps, standing.planned,
    ):  # fmt: skip
        digest.update(str((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def to_tree(standing: Standing, happened: Happened) -> dict[str, Any]:
    """Return what has happened as nested lists and text."""
    network, lines = standing.network, standing.lines
    dark = np.flatnonzero(happened.dark_since_ms != NEVER)
    return {
        "clock_ms": happened.clock_ms,
        "began_ms": happened.began_ms,
        **{name: network.site_ids[getattr(happened, name)].tolist() for name in _SITES},
        "lines_changed": lines.ids[happened.closed != lines.closed].tolist(),
        "links_down": network.links.ids[~happened.link_up].tolist(),
        "dark_since_ms": dict(
            zip(network.node_ids[dark].tolist(), happened.dark_since_ms[dark].tolist(), strict=True)
        ),
        **{name: getattr(happened, name).tolist() for name in _COMMUNES},
        "money_cents": [[*area, fund, cents] for (area, fund), cents in happened.money_cents.items()],
        "told_ms": [[*area, topic, when] for (area, topic), when in happened.told_ms.items()],
        "works": [[*area, kpi, points] for (area, kpi), points in happened.works.items()],
    }


def from_tree(standing: Standing, tree: dict[str, Any]) -> Happened:
    """Return what has happened, from what :func:`to_tree` gave."""
    happened = nothing_yet(standing)
    network, lines = standing.network, standing.lines
    happened.clock_ms, happened.began_ms = int(tree["clock_ms"]), int(tree["began_ms"])
    for name in _SITES:
        getattr(happened, name)[:] = _among(network.site_ids, tree[name])
    happened.closed ^= _among(lines.ids, tree["lines_changed"])
    happened.link_up &= ~_among(network.links.ids, tree["links_down"])
    position = {str(name): k for k, name in enumerate(network.node_ids)}
    for name, since in tree["dark_since_ms"].items():
        happened.dark_since_ms[position[name]] = since
    for name in _COMMUNES:
        getattr(happened, name)[:] = tree[name]
    happened.money_cents = {((a, b), fund): cents for a, b, fund, cents in tree["money_cents"]}
    happened.told_ms = {((a, b), topic): when for a, b, topic, when in tree["told_ms"]}
    happened.works = {((a, b), kpi): [(t, v) for t, v in points] for a, b, kpi, points in tree["works"]}
    return happened


def _among(ids: npt.NDArray[np.str_], names: list[str]) -> npt.NDArray[np.bool_]:
    return np.asarray(np.isin(ids, np.array(names, dtype=str)) if names else np.zeros(ids.size, bool))
