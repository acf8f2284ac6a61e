"""A result and its plan as cards in a notebook."""

from dataclasses import dataclass

import pandas as pd

from phusong.html_card import card, html_table
from phusong.report.figure_words import number_text
from phusong.report.result import GAP_PARTS, Result, as_words
from phusong.report.theme import GAP_LABELS, SOURCE_NOTE

__all__ = ["PlanView", "result_card"]

_LISTED = 8


@dataclass(frozen=True)
class PlanView:
    """What to do: the part of a result that ``result.invest`` names.

    Parameters
    ----------
    options, plan, curve : DataFrame
        Ranked bundles, the remedies chosen for the budget, and people against money.
    headline : dict
        Budget, cost, people and bound of the plan.
    """

    options: pd.DataFrame
    plan: pd.DataFrame
    curve: pd.DataFrame
    headline: dict[str, object]

    def _repr_html_(self) -> str:
        own = self.headline
        rows = [
            ("budget, million USD", number_text(own.get("budget_musd"), "musd")),
            ("cost, million USD", number_text(own.get("cost_musd"), "musd")),
            ("more people served", number_text(own.get("people_gained"), "people")),
            ("no plan of that money adds more than", number_text(own.get("bound_people"), "people")),
            ("remedies", number_text(len(self.plan), "people")),
        ]
        years = self.plan.groupby([self.plan["year"].astype(int), self.plan["fund"].astype(str)], sort=True)[
            "cost_musd"
        ]
        spent = [
            (row["year"], row["fund"], number_text(row["cost_musd"], "musd"))
            for row in years.sum().reset_index().to_dict("records")
        ]
        first = [
            (row["rank"], ", ".join(as_words(row["kinds"])).replace("_", " "), number_text(row["cost_musd"], "small_musd"),
             number_text(row["people_gained"], "people"), row["why"])
            for row in self.options.sort_values("rank", kind="stable").head(_LISTED).to_dict("records")
        ]  # fmt: skip
        parts = [
            html_table(["year", "fund", "million USD"], spent),
            html_table(["rank", "works", "million USD", "people", "why"], first),
        ]
        return card("Plan", rows, parts=parts, note=f"{SOURCE_NOTE}; money is net present")


def result_card(result: Result) -> str:
    """Return a result as HTML: who is served, why others are not, and what the plan adds."""
    summary = result.summary
    people = float(result.communes["population"].sum())
    served = float(result.communes["people_served"].sum())
    plan = summary.get("plan") or {}
    share = served / people if people else None
    rows = [
        ("region", summary.get("region", "")),
        ("sharing policy", summary.get("policy", "")),
        ("people", number_text(people, "people")),
        ("served", f"{number_text(served, 'people')} ({number_text(share, 'percent')})"),
        *((GAP_LABELS[p].lower(), number_text(float(result.communes[p].sum()), "people")) for p in GAP_PARTS),
        (
            "plan",
            (
                f"{number_text(plan.get('cost_musd'), 'musd')} million USD for {number_text(plan.get('people_gained'), 'people')} "
                f"more; at most {number_text(plan.get('bound_people'), 'people')} are possible"
            ),
        ),
        (
            "communes, sites, options",
            f"{len(result.communes):,}, {len(result.sites):,}, {len(result.options):,}",
        ),
    ]
    lost = result.communes.assign(not_served=result.communes[list(GAP_PARTS)].sum(axis=1))
    worst = lost.sort_values("not_served", ascending=False, kind="stable").head(_LISTED)
    most = [
        (row["commune_code"], row["name"], number_text(row["not_served"], "people"), number_text(row["share_served"], "percent"))
        for row in worst.drop(columns="geometry").to_dict("records")
    ]  # fmt: skip
    parts = [html_table(["code", "commune", "not served", "share served"], most)]
    return card(str(summary.get("title", "Result")), rows, parts=parts, note=SOURCE_NOTE)
