"""Passive sharing with the link to the core: as passive, and the backhaul is divided too."""

from phusong.service.policies.policy import BACKHAUL, PASSIVE, Policy, has_room

__all__ = ["POLICY"]

POLICY = Policy("passive_backhaul", PASSIVE | BACKHAUL, hosts=has_room)
