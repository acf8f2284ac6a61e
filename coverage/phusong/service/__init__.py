"""What works, for whom: power, backhaul, sharing, capacity."""

from phusong.service import sharing

__all__ = ["sharing"]
