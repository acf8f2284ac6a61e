"""MORAN: one radio with a carrier of each operator; the guest's carrier needs a free antenna position."""

from phusong.service.policies.policy import BACKHAUL, PASSIVE, RADIO, Policy, has_room

__all__ = ["POLICY"]

POLICY = Policy("moran", PASSIVE | BACKHAUL | RADIO, opens=has_room, hosts=has_room)
