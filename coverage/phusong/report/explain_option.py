"""Plain words about where an option stands: what it beat, how sure that is, and why another was refused."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from phusong.invest.plan_book import BOOK_TABLES, PlanBook
from phusong.report.result import ResultData
from phusong.report.tables import as_words
from phusong.report.text import Text

__all__ = ["refused_words", "standing_words"]

_NAMED = 3


def standing_words(result: ResultData, row: Mapping[str, Any], text: Text) -> list[str]:
    """Return what a result says of an option's place beside others, and how sure it is.

    Parameters
    ----------
    result : ResultData
        The result.
    row : mapping
        The option's row.
    text : Text
        The language to speak.
    """
    lines = []
    kept = row.get("keep_probability")
    if kept is not None:
        share = text.number(float(kept), "whole_percent")
        lines.append(text.say("explain.kept", share=share))
    # what it beat and who else could serve its people stands among the reasons; here, what became of them
    for column in ("runner_up", "rival"):
        other = str(row.get(column) or "")
        if other and not (column == "rival" and other == row.get("runner_up")):
            lines.append(text.say("explain.in_the_end", option=other, what=_place(result, other, text)))
    return lines


def refused_words(result: ResultData, name: str, text: Text) -> str:
    """Return why something that could be bought is not among the ranked options; empty for a name that is unknown."""
    if result.bundles.empty:
        return ""
    if name in set(result.bundles["bundle_id"].astype(str)):
        return _refused_bundle(result, name, text)
    if name in set(result.remedies["remedy_id"].astype(str)):
        return _refused_remedy(result, name, text)
    return ""


def _refused_bundle(result: ResultData, name: str, text: Text) -> str:
    book = PlanBook.of_tables({t: getattr(result, t) for t in BOOK_TABLES})
    ids = result.bundles["bundle_id"].to_numpy(str)
    number = {b: k for k, b in enumerate(ids)}
    mine = number[name]
    row = result.bundles.iloc[mine].to_dict()
    lines = [
        text.say("explain.drawn_up", option=name),
        text.say(
            "explain.works_at",
            works=_kinds(row["kinds"], text),
            where=", ".join(as_words(row["works_site_ids"])),
            remedies=", ".join(as_words(row["remedies"])),
        ),
        text.say(
            "explain.cost_alone", cost=text.money(row["cost_musd"]), people=text.number(row["people_alone"])
        ),
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
        lines.append(text.say("explain.refused_all"))
    elif takers:
        lines.append(text.say("explain.refused_part"))
    lines += [
        "  "
        + text.say(
            "explain.taken", people=text.number(people), option=str(o["bundle_id"]), rank=text.number(o["rank"]),
            works=_kinds(o["kinds"], text), cost=text.money(o["cost_musd"]), gained=text.number(o["people_gained"]),
        )
        for people, o in takers[:_NAMED]
    ]  # fmt: skip
    if len(takers) > _NAMED:
        rest = text.number(sum(t[0] for t in takers[_NAMED:]))
        lines.append("  " + text.say("explain.taken_more", people=rest, n=len(takers) - _NAMED))
    return "\n".join(lines)


def _refused_remedy(result: ResultData, name: str, text: Text) -> str:
    row = result.remedies[result.remedies["remedy_id"].astype(str) == name].iloc[0]
    within = result.bundles[[name in as_words(r) for r in result.bundles["remedies"]]]
    lines = [
        text.say("explain.remedy", name=name),
        text.say("explain.unused", cost=text.money(row["cost_musd"])),
    ]
    if within.empty:
        lines.append(text.say("explain.unneeded"))
    else:
        shown = within["bundle_id"].astype(str).tolist()
        names = ", ".join(shown[:_NAMED])
        if len(shown) > _NAMED:
            names = text.say("explain.and_more", names=names, n=len(shown) - _NAMED)
        lines.append(text.say("explain.needed", options=names))
    return "\n".join(lines)


def _place(result: ResultData, name: str, text: Text) -> str:
    ranked = result.options[result.options["bundle_id"].astype(str) == name]
    if len(ranked):
        o = ranked.iloc[0]
        people, rank = text.number(o["people_gained"]), text.number(o["rank"])
        parts = {"works": _kinds(o["kinds"], text), "cost": text.money(o["cost_musd"])}
        return text.say("explain.place", rank=rank, people=people, **parts)
    drawn = result.bundles
    if drawn.empty or name not in set(drawn["bundle_id"].astype(str)):
        return text.say("explain.not_ranked")
    o = pd.Series(drawn[drawn["bundle_id"].astype(str) == name].iloc[0])
    return text.say("explain.no_longer", works=_kinds(o["kinds"], text), cost=text.money(o["cost_musd"]))


def _kinds(kinds: object, text: Text) -> str:
    return ", ".join(dict.fromkeys(text.code("kind", k) for k in as_words(kinds)))
