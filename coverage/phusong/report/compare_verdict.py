"""Which plan, why, and what would change it: the comparison in a few sentences."""

import numpy as np

from phusong.report.compare import Comparison
from phusong.report.text import Text

__all__ = ["break_even_lines", "expected_lines", "verdict"]


def verdict(comparison: Comparison, text: Text) -> list[str]:
    """Return sentences that name the plan that serves most people, by how much, and how sure that is.

    Parameters
    ----------
    comparison : Comparison
        Results side by side.
    text : Text
        The language to speak.
    """
    leader = comparison.leader
    # a result may be called "none": in quotes, nobody reads it as a word of the sentence
    quoted = {name: f"“{name}”" for name in comparison.names}
    served = comparison.served
    second = max((n for n in comparison.names if n != leader), key=lambda n: served[n])
    lead = served[leader] - served[second]
    money = {n: text.money(comparison.figure("plan_cost")[n]) for n in comparison.names}
    share = text.number(comparison.figure("share_with_plan")[leader], "percent")
    lines = expected_lines(comparison, text)
    lines.append(
        text.say(
            "compare.leads", leader=quoted[leader], people=text.number(served[leader], "people"), share=share
        )
    )
    costs = {"cost": money[leader], "other": quoted[second], "other_cost": money[second]}
    if lead >= 0.5:
        lines.append(text.say("compare.lead", people=text.number(lead, "people"), **costs))
        today = comparison.figure("served")
        before = today[leader] - today[second]
        if before >= 0.5:
            lines.append(text.say("compare.today_part", people=text.number(min(before, lead), "people")))
    else:
        lines.append(text.say("compare.same", **costs))
    drawn = comparison.samples
    sure = drawn.beats(drawn.names.index(leader), drawn.names.index(second))
    lines.append(
        text.say(
            "compare.sure", n=len(drawn.people), other=quoted[second], share=text.number(sure, "percent")
        )
    )
    table = comparison.communes
    change = (table[f"with plan: {leader}"] - table[f"with plan: {second}"]).to_numpy(np.float64)
    lines.append(
        text.say(
            "compare.lose",
            lose=int((change <= -1).sum()),
            gain=int((change >= 1).sum()),
            n=len(table),
            other=quoted[second],
        )
    )
    if len(comparison.regret):
        worst = comparison.regret.set_index("plan")["most"].astype(float)
        careful = min(comparison.names, key=lambda n: (worst[n], comparison.names.index(n)))
        others = ", ".join(
            f"{quoted[n]}: {text.number(worst[n], 'people')}" for n in comparison.names if n != careful
        )
        lines.append(
            text.say(
                "compare.careful",
                name=quoted[careful],
                people=text.number(worst[careful], "people"),
                others=others,
            )
        )
    if len(comparison.scenarios):
        lines.append(text.say("compare.assumed"))
    return lines


def expected_lines(comparison: Comparison, text: Text) -> list[str]:
    """Return what to expect of each plan, the leading one first; nothing of a result that was not sampled."""
    keys = {"people": "expected", "low": "expected_low", "high": "expected_high"}
    held = {key: comparison.figure(key) for key in (*keys.values(), "within_budget")}
    first = comparison.leader
    return [
        text.say(
            "compare.expected",
            name=f"“{name}”",
            share=text.number(held["within_budget"][name], "whole_percent"),
            **{part: text.number(held[key][name], "people") for part, key in keys.items()},
        )
        for name in (first, *(n for n in comparison.names if n != first))
        if np.isfinite(held["expected"][name])
    ]


def break_even_lines(comparison: Comparison, text: Text) -> list[tuple[str, str]]:
    """Return what would put another plan first, and which; empty if nothing that was tried does."""
    lines = []
    for row in comparison.break_even.to_dict("records"):
        by = text.number(row["by"], "percent")
        what = (
            text.say("compare.cheaper", name=f"“{row['plan']}”", by=by)
            if row["kind"] == ""
            else text.say("compare.dearer", kind=text.code("kind", row["kind"]), by=by)
        )
        lines.append((what, f"“{row['leads']}”"))
    return lines
