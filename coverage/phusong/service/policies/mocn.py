"""MOCN: one radio and its spectrum for all; guests share the host's capacity and need no room on the tower."""

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

POLICY = Policy(
    "mocn",
    PASSIVE | BACKHAUL | RADIO | SPECTRUM,
    opens=unlocked,
    hosts=has_room,
    new_sites_open=(0, 1, 2, 3),
)
