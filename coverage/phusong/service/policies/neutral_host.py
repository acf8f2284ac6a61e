"""Neutral host: a third party runs the remote sites for all; ownership moves, so contract and legal locks fall.

Operators keep their spectrum; one radio carries the carriers of all, and the duplicates are released.
"""

import numpy as np
import numpy.typing as npt

from phusong.service.network import Network
from phusong.service.policies.policy import BACKHAUL, PASSIVE, RADIO, Policy, remote

__all__ = ["POLICY"]

_FALL = ("contract", "legal", "unknown")


def _taken_over(network: Network) -> npt.NDArray[np.bool_]:
    return np.asarray(remote(network) & (network.shareable | np.isin(network.lock_reason, _FALL)))


POLICY = Policy(
    "neutral_host",
    PASSIVE | BACKHAUL | RADIO,
    opens=_taken_over,
    pools=_taken_over,
    new_sites_open=(2, 3),
)
