"""Sharing policies: a file each, one signature; this table lists them."""

from collections.abc import Mapping

from phusong.service.policies import (
    mocn,
    moran,
    neutral_host,
    none,
    passive,
    passive_backhaul,
    roaming,
    srn,
)
from phusong.service.policies.policy import ITEMS, Policy

__all__ = ["ITEMS", "POLICIES", "Policy"]

POLICIES: Mapping[str, Policy] = {
    module.POLICY.name: module.POLICY
    for module in (none, passive, passive_backhaul, moran, mocn, roaming, neutral_host, srn)
}
