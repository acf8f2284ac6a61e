"""What an answer stands on: which layers decide it, and how many of them are measured."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.access.gaps import GAP_PARTS
from phusong.region.store import Region

__all__ = ["KNOWN_KINDS", "layer_is_known", "layers_behind_options", "share_measured", "unknown_behind"]

KNOWN_KINDS = ("measured", "official")

_PEOPLE = ("communes", "demand")
_SIGNAL = (*_PEOPLE, "sites", "cells", "elevation", "clutter")
_RIGHTS = (*_SIGNAL, "operators")
_STABLE = (*_RIGHTS, "power_nodes", "power_lines", "links")
# the gap parts are tested in this order: each rests on its own layers and those of all tests before it
_BEHIND_PART: Mapping[str, tuple[str, ...]] = {
    "gap_no_signal": _SIGNAL,
    "gap_locked": _RIGHTS,
    "gap_unstable": _STABLE,
    "gap_congested": _STABLE,
    "people_served": _STABLE,
}
# what a remedy rests on besides the people it gains
_POWER, _BACKHAUL = ("power_nodes", "power_lines"), ("links",)
_BEHIND_REMEDY: Mapping[str, tuple[str, ...]] = {
    "battery_backup": _POWER,
    "solar_backup": _POWER,
    "diesel_backup": _POWER,
    "extend_grid": (*_POWER, "elevation"),
    "feeder": (*_POWER, "elevation"),
    "fibre_link": _BACKHAUL,
    "fibre_route": (*_BACKHAUL, "elevation"),
    "microwave_link": (*_BACKHAUL, "elevation"),
    "satellite_link": _BACKHAUL,
}


def layer_is_known(region: Region) -> dict[str, bool]:
    """Return for each layer whether it is measured or official; one of no stated kind is neither."""
    return {layer: region.source_of(layer).kind in KNOWN_KINDS for layer in _STABLE}


def share_measured(communes: pd.DataFrame, known: Mapping[str, bool]) -> npt.NDArray[np.float64]:
    """Return the share of each commune's result that stands on measured or official data.

    Parameters
    ----------
    communes : DataFrame
        population, people_served and the gap parts.
    known : mapping
        From :func:`layer_is_known`.

    Returns
    -------
    ndarray, shape (n_communes,)
        Mean over the people: of each, the share of the layers that decided what they get. A commune without people
        rests on its boundary alone.
    """
    people = communes[["people_served", *GAP_PARTS]].to_numpy(np.float64)
    part = [
        float(np.mean([known[layer] for layer in _BEHIND_PART[name]]))
        for name in ("people_served", *GAP_PARTS)
    ]
    total = people.sum(axis=1)
    share = people @ np.array(part) / np.maximum(total, 1.0)
    return np.asarray(np.where(total > 0, share, float(known["communes"])))


def layers_behind_options(kinds: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the layers that each option rests on: who is without, and what its remedies build upon.

    Parameters
    ----------
    kinds : sequence of str
        Remedies of each option, joined by ``;``.
    """
    out = []
    for words in kinds:
        behind = dict.fromkeys(_STABLE if set(words.split(";")) & set(_BEHIND_REMEDY) else _RIGHTS)
        for kind in words.split(";"):
            behind |= dict.fromkeys(_BEHIND_REMEDY.get(kind, ()))
        out.append(tuple(behind))
    return out


def unknown_behind(kinds: Sequence[str], known: Mapping[str, bool]) -> list[str]:
    """Return the layers behind each option that are modelled or assumed, joined by ``;``: empty is trustworthy."""
    return [
        ";".join(layer for layer in layers if not known[layer]) for layers in layers_behind_options(kinds)
    ]
