"""Every check of the audit, in one table: the audit, its pages and its tests read it from here."""

from phusong.region.audit.check import Check
from phusong.region.audit.clean import CLEAN
from phusong.region.audit.correct import CORRECT
from phusong.region.audit.live import LIVE
from phusong.region.audit.shared import SHARED
from phusong.region.audit.sufficient import SUFFICIENT
from phusong.region.audit.topology import TOPOLOGY
from phusong.region.audit.unified import UNIFIED

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = (*CORRECT, *TOPOLOGY, *SUFFICIENT, *CLEAN, *LIVE, *UNIFIED, *SHARED)
"""All checks, by principle."""
