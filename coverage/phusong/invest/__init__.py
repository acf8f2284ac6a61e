"""What to do: remedies, costs, bundles, ranking, plans and the bound on every plan."""

from typing import TYPE_CHECKING

from phusong.lazy import lazy_names

if TYPE_CHECKING:
    from phusong.invest.optimum import Choice, max_coverage

__all__ = ["Choice", "max_coverage"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {"Choice": "phusong.invest.optimum", "max_coverage": "phusong.invest.optimum"},
)
