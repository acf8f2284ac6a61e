"""Plain words about where an option stands: what it beat, how sure that is, and why another was refused."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from phusong.invest.plan_book import BOOK_TABLES, PlanBook
from phusong.report.result import Result, as_words
from phusong.report.text import Text

__all__ = ["refused_words", "standing_words"]

_NAMED = 3


def standing_words(result: Result, row: Mapping[str, Any]) -> list[str]:
    """Return what a result says of an option's place beside others, and how sure it is.

    Parameters
    ----------
    result : Result
        The result.
    row : mapping
        The option's row.
    """
    lines = []
    kept = row.get("keep_probability")
    if kept is not None:
        lines.append(
            f"When costs, people, signal and outages are uncertain, the best plan for the money holds all of it in "
            f"{100 * float(kept):.0f} % of the samples."
        )
    # what it beat and what else serves the same people stands in the reasons; here, where these ended
    for column in ("runner_up", "rival"):
        other = str(row.get(column) or "")
        if other and not (column == "rival" and other == row.get("runner_up")):
            lines.append(f"{other} in the end: {_place(result, other)}.")
    return lines


def refused_words(result: Result, name: str) -> str:
    """Return why something that could be bought is not among the ranked options; empty for a name that is unknown."""
    if result.bundles.empty:
        return ""
    if name in set(result.bundles["bundle_id"].astype(str)):
        return _refused_bundle(result, name)
    if name in set(result.remedies["remedy_id"].astype(str)):
        return _refused_remedy(result, name)
    return ""


def _refused_bundle(result: Result, name: str) -> str:
    book = PlanBook.of_tables({t: getattr(result, t) for t in BOOK_TABLES})
    ids = result.bundles["bundle_id"].to_numpy(str)
    number = {b: k for k, b in enumerate(ids)}
    mine = number[name]
    row = result.bundles.iloc[mine].to_dict()
    lines = [
        f"Option {name} was drawn up but is not ranked",
        f"Works: {_kinds(row['kinds'])} at {', '.join(as_words(row['works_site_ids']))} (remedies {', '.join(as_words(row['remedies']))}).",
        f"Cost: {Text().money(row['cost_musd'])}, net present. Alone it would serve {int(row['people_alone']):,} people.",
    ]
    groups = book.groups_of(mine)
    left = np.zeros(book.model.weights.size)
    left[groups] = book.model.weights[groups]
    takers = []
    for option in result.options.sort_values("rank").to_dict("records"):
        at = number.get(str(option["bundle_id"]), -1)
        if at < 0 or not left.any():
            continue
        theirs = book.groups_of(at)
        people = float(left[theirs].sum())
        left[theirs] = 0.0
        if people > 0:
            takers.append((people, option))
    takers.sort(key=lambda t: (-t[0], int(t[1]["rank"])))
    if takers and not left.any():
        lines.append(
            "Refused because options that serve more people per million USD already serve everybody it could:"
        )
    elif takers:
        lines.append("Others serve part of its people:")
    lines += [
        f"  {people:,.0f} by {o['bundle_id']} (rank {o['rank']}): {_kinds(o['kinds'])}, {Text().money(o['cost_musd'])}, "
        f"{int(o['people_gained']):,} people."
        for people, o in takers[:_NAMED]
    ]
    if len(takers) > _NAMED:
        rest = sum(t[0] for t in takers[_NAMED:])
        lines.append(f"  {rest:,.0f} by {len(takers) - _NAMED} more options.")
    return "\n".join(lines)


def _refused_remedy(result: Result, name: str) -> str:
    row = result.remedies[result.remedies["remedy_id"].astype(str) == name].iloc[0]
    within = result.bundles[[name in as_words(r) for r in result.bundles["remedies"]]]
    lines = [
        f"Remedy {name}",
        f"It would cost {Text().money(row['cost_musd'])} and is part of no ranked option.",
    ]
    if within.empty:
        lines.append("No option that would serve anybody needs it.")
    else:
        shown = within["bundle_id"].astype(str).tolist()
        more = f" and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
        lines.append(f"Options that would need it were refused: {', '.join(shown[:_NAMED])}{more}.")
    return "\n".join(lines)


def _place(result: Result, name: str) -> str:
    ranked = result.options[result.options["bundle_id"].astype(str) == name]
    if len(ranked):
        o = ranked.iloc[0]
        return (
            f"{_kinds(o['kinds'])}, rank {o['rank']}, {Text().money(o['cost_musd'])} for "
            f"{int(o['people_gained']):,} people beyond the options above it"
        )
    drawn = result.bundles
    if drawn.empty or name not in set(drawn["bundle_id"].astype(str)):
        return "not ranked"
    o = pd.Series(drawn[drawn["bundle_id"].astype(str) == name].iloc[0])
    return f"{_kinds(o['kinds'])}, {Text().money(o['cost_musd'])} by itself, not ranked: options above it serve all it could"


def _kinds(kinds: object) -> str:
    return ", ".join(dict.fromkeys(k.replace("_", " ") for k in as_words(kinds)))
