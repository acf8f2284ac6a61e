"""Passive sharing: structure, civil works and rent are divided; a guest hangs its own radio there.

By itself it serves nobody more: the guest's radio is equipment that somebody buys.
"""

from phusong.service.policies.policy import PASSIVE, Policy, has_room

__all__ = ["POLICY"]

POLICY = Policy("passive", PASSIVE, hosts=has_room)
