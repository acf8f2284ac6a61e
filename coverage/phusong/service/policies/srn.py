"""Shared rural network: in remote communes one network of one radio a site, with pooled spectrum and core.

The radio that stays carries the pooled carriers of all it replaces, so coverage and capacity stay; every lock but
security falls, since the network is nobody's own.
"""

import numpy as np
import numpy.typing as npt

from phusong.service.network import Network
from phusong.service.policies.policy import ITEMS, Policy, remote

__all__ = ["POLICY"]


def _rural(network: Network) -> npt.NDArray[np.bool_]:
    return np.asarray(remote(network) & (network.lock_reason != "security"))


POLICY = Policy("srn", ITEMS, opens=_rural, pools=_rural, new_sites_open=(2, 3))
