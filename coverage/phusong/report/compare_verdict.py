"""Which plan, why, and what would change it: the comparison in a few sentences."""

from collections.abc import Mapping

import numpy as np

from phusong.report.compare import Comparison
from phusong.report.figure_words import number_text

__all__ = ["break_even_lines", "verdict"]


def verdict(comparison: Comparison, say: Mapping[str, str]) -> list[str]:
    """Return sentences that name the plan that serves most people, by how much, and how sure that is.

    Parameters
    ----------
    comparison : Comparison
        Results side by side.
    say : mapping of str to str
        Words of a language, see :func:`phusong.report.compare_words.words`.
    """
    leader = comparison.leader
    # a result may be called "none": in quotes, nobody reads it as a word of the sentence
    quoted = {name: f"“{name}”" for name in comparison.names}
    served = comparison.served
    second = max((n for n in comparison.names if n != leader), key=lambda n: served[n])
    lead = served[leader] - served[second]
    money = {n: number_text(comparison.figure("plan_cost")[n], "musd") for n in comparison.names}
    share = number_text(comparison.figure("share_with_plan")[leader], "percent")
    lines = [
        say["leads"].format(leader=quoted[leader], people=number_text(served[leader], "people"), share=share)
    ]
    costs = {"cost": money[leader], "other": quoted[second], "other_cost": money[second]}
    if lead >= 0.5:
        lines.append(say["lead"].format(people=number_text(lead, "people"), **costs))
        today = comparison.figure("served")
        before = today[leader] - today[second]
        if before >= 0.5:
            lines.append(say["today_part"].format(people=number_text(min(before, lead), "people")))
    else:
        lines.append(say["same"].format(**costs))
    drawn = comparison.samples
    sure = drawn.beats(drawn.names.index(leader), drawn.names.index(second))
    lines.append(
        say["sure"].format(n=len(drawn.people), other=quoted[second], share=number_text(sure, "percent"))
    )
    table = comparison.communes
    change = (table[f"with plan: {leader}"] - table[f"with plan: {second}"]).to_numpy(np.float64)
    lines.append(
        say["lose"].format(
            lose=int((change <= -1).sum()), gain=int((change >= 1).sum()), n=len(table), other=quoted[second]
        )
    )
    if len(comparison.regret):
        worst = comparison.regret.set_index("plan")["most"].astype(float)
        careful = min(comparison.names, key=lambda n: (worst[n], comparison.names.index(n)))
        others = ", ".join(
            f"{quoted[n]}: {number_text(worst[n], 'people')}" for n in comparison.names if n != careful
        )
        lines.append(
            say["careful"].format(
                name=quoted[careful], people=number_text(worst[careful], "people"), others=others
            )
        )
    if len(comparison.scenarios):
        lines.append(say["assumed"])
    return lines


def break_even_lines(comparison: Comparison, say: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what would put another plan first, and which; empty if nothing that was tried does."""
    lines = []
    for row in comparison.break_even.to_dict("records"):
        by = number_text(row["by"], "percent")
        text = (
            say["cheaper"].format(name=f"“{row['plan']}”", by=by)
            if row["kind"] == ""
            else say["dearer"].format(kind=str(row["kind"]).replace("_", " "), by=by)
        )
        lines.append((text, f"“{row['leads']}”"))
    return lines
