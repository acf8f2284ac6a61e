"""No sharing: every operator builds, pays and uses its own."""

from phusong.service.policies.policy import Policy

__all__ = ["POLICY"]

POLICY = Policy("none", frozenset())
