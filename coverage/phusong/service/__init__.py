"""What works, for whom: power, backhaul, sharing, capacity."""

from typing import TYPE_CHECKING

from phusong.lazy import lazy_names

if TYPE_CHECKING:
    from phusong.service import sharing

__all__ = ["sharing"]

__getattr__, __dir__ = lazy_names(__name__, {"sharing": "phusong.service.sharing"})
