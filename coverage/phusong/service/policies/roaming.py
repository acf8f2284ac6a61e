"""National roaming: guests use any host's radio after its own people; only security keeps them out.

It needs no room on the tower and no contract on it: the host's core lets guests in, and they share its capacity.
"""

import numpy as np
import numpy.typing as npt

from phusong.service.network import Network
from phusong.service.policies.policy import (
    BACKHAUL,
    PASSIVE,
    RADIO,
    SPECTRUM,
    Policy,
    has_room,
    unlocked,
)

__all__ = ["POLICY"]


def _anywhere(network: Network) -> npt.NDArray[np.bool_]:
    return np.asarray(network.lock_reason != "security")


POLICY = Policy(
    "roaming",
    PASSIVE | BACKHAUL | RADIO | SPECTRUM,
    opens=unlocked,
    roams=_anywhere,
    hosts=has_room,
    new_sites_open=(0, 1, 2, 3),
)
