"""What to do: remedies, costs, bundles, ranking, plans and the bound on every plan."""

from phusong.invest.max_coverage import Choice, max_coverage

__all__ = ["Choice", "max_coverage"]
