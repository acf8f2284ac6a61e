"""What a plan is said to bring: first what to expect, then what is modelled with its bound, then whether it shares."""

from collections.abc import Mapping
from typing import Any

from phusong.report.sentences import Figure, Said, Say
from phusong.report.text import finite

__all__ = ["plan_sentences", "sharing_sentence"]

_WITHOUT = "none"


def plan_sentences(summary: Mapping[str, Any]) -> list[Say]:
    """Return what is said of the plan of a result, of its headline figures.

    Parameters
    ----------
    summary : mapping
        As in ``summary.json``; an older one may lack what to expect.
    """
    plan = summary.get("plan") or {}
    if finite(plan.get("people_gained")) is None:
        return []
    rate = finite((summary.get("currency") or {}).get("vnd_per_usd"))
    cost: Said = Figure(plan.get("cost_musd"), "money")
    if rate is not None and finite(plan.get("cost_musd")) is not None:
        cost = Say("expect.cost", usd=cost, vnd=Figure(float(plan["cost_musd"]) * 1e6 * rate, "vnd"))
    said = []
    if finite(plan.get("expected_people")) is not None:
        said.append(
            Say(
                "expect.expected",
                cost=cost,
                people=Figure(plan["expected_people"]),
                low=Figure(plan.get("people_p05")),
                high=Figure(plan.get("people_p95")),
                share=Figure(plan.get("within_budget_share"), "whole_percent"),
            )
        )
    said.append(_modelled(plan, cost))
    sharing = sharing_sentence(summary)
    return [*said, sharing] if sharing else said


def _modelled(plan: Mapping[str, Any], cost: Said) -> Say:
    status = str(plan.get("status") or "bounded")
    people = Figure(plan["people_gained"])
    if finite(plan.get("bound_people")) is None:
        return Say("expect.modelled", people=people, cost=cost)
    if status == "optimal":
        return Say("expect.modelled_optimal", people=people, cost=cost)
    key = "expect.modelled_stopped" if status == "stopped" else "expect.modelled_bounded"
    return Say(
        key,
        people=people,
        cost=cost,
        bound=Figure(plan["bound_people"]),
        gap=Figure(plan.get("distance_share"), "percent"),
    )


def sharing_sentence(summary: Mapping[str, Any]) -> Say | None:
    """Return whether the plan opens anything to others; None where the result does not tell."""
    plan = summary.get("plan") or {}
    count = finite(plan.get("sharing_remedies"))
    if count is None:
        return None
    without = str(summary.get("policy") or "") == _WITHOUT
    if not count:
        return Say("expect.without_sharing") if without else None
    return Say("expect.buys_sharing" if without else "expect.opens", count=Figure(count))
