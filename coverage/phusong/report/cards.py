"""A result and its plan as cards in a notebook."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from phusong.io.html import card, html_table
from phusong.io.text import Text, finite, paragraph
from phusong.report.wording import plan_sentences
from phusong.result.model import ResultData
from phusong.result.schema import GAP_PARTS, as_words

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
    lang : str
        Language in which a notebook shows it.
    """

    options: pd.DataFrame
    plan: pd.DataFrame
    curve: pd.DataFrame
    headline: dict[str, object]
    lang: str = "en"

    def _repr_html_(self) -> str:
        own, text = self.headline, Text(self.lang)
        rows = [
            (text.say("card.budget"), text.money(own.get("budget_musd"))),
            *_expected(own, text),
            (text.say("card.cost"), text.money(own.get("cost_musd"))),
            (text.say("figure.gained"), text.number(own.get("people_gained"))),
            (text.say("figure.bound"), text.number(own.get("bound_people"))),
            (text.say("plan.remedies"), text.number(len(self.plan))),
        ]
        years = self.plan.groupby([self.plan["year"].astype(int), self.plan["fund"].astype(str)], sort=True)[
            "cost_musd"
        ]
        spent = [
            (row["year"], text.code("fund", row["fund"]), text.number(row["cost_musd"], "usd"))
            for row in years.sum().reset_index().to_dict("records")
        ]
        first = [
            (row["rank"], ", ".join(text.code("kind", k) for k in as_words(row["kinds"])),
             text.number(row["cost_musd"], "usd"), text.number(row["people_gained"]), row["why"])
            for row in self.options.sort_values("rank", kind="stable").head(_LISTED).to_dict("records")
        ]  # fmt: skip
        heads = {k: text.say(f"column.{k}") for k in ("year", "fund", "cost_musd", "rank", "people")}
        parts = [
            html_table([heads["year"], heads["fund"], heads["cost_musd"]], spent),
            html_table(
                [
                    heads["rank"],
                    text.say("option.works"),
                    heads["cost_musd"],
                    heads["people"],
                    text.say("option.why"),
                ],
                first,
            ),
        ]
        note = text.say("card.note", source=text.say("map.source"))
        return card(text.say("column.plan"), rows, parts=parts, note=note)


def _expected(plan: Mapping[str, object], text: Text) -> list[tuple[str, str]]:
    """Return what to expect of a plan and the chance to stay in budget; nothing where no sample was drawn."""
    keys = ("expected_people", "people_p05", "people_p95")
    if finite(plan.get(keys[0])) is None:
        return []
    people, low, high = (text.number(plan.get(k)) for k in keys)
    return [
        (text.say("figure.expected"), text.say("card.range", people=people, low=low, high=high)),
        (text.say("figure.within_budget"), text.number(plan.get("within_budget_share"), "whole_percent")),
    ]


def result_card(result: ResultData) -> str:
    """Return a result as HTML: who is served, why others are not, and what the plan adds."""
    summary = result.summary
    people = float(result.communes["population"].sum())
    served = float(result.communes["people_served"].sum())
    text = Text(result.lang)
    share = text.number(served / people if people else None, "percent")
    counts = (len(result.communes), len(result.sites), len(result.options))
    rows = [
        (text.say("card.region"), summary.get("region", "")),
        (text.say("figure.policy"), text.code("policy", summary.get("policy", ""))),
        (text.say("figure.people"), text.number(people)),
        (text.say("cause.served"), f"{text.number(served)} ({share})"),
        *((text.code("cause", p), text.number(float(result.communes[p].sum()))) for p in GAP_PARTS),
        (text.say("column.plan"), paragraph(plan_sentences(summary), text) or text.number(None)),
        (text.say("card.counts"), " · ".join(text.number(n) for n in counts)),
    ]
    lost = result.communes.assign(not_served=result.communes[list(GAP_PARTS)].sum(axis=1))
    worst = lost.sort_values("not_served", ascending=False, kind="stable").head(_LISTED)
    most = [
        (row["commune_code"], row["name"], text.number(row["not_served"]), text.number(row["share_served"], "percent"))
        for row in worst.drop(columns="geometry").to_dict("records")
    ]  # fmt: skip
    heads = ("column.commune_code", "column.commune", "chart.people_lost", "column.share_served")
    parts = [html_table([text.say(h) for h in heads], most)]
    return card(result.title(), rows, parts=parts, note=text.say("map.source"))
