"""Why an option stands where it does, as sentences made of the columns of the options table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from phusong.report.sentences import Code, Figure, Row, Said, Say, paragraph, place_words
from phusong.report.tables import as_words
from phusong.report.text import Text, finite

__all__ = ["gaining_communes", "option_sentences", "why_column"]

_CAUSES = ("no_signal", "locked", "unstable", "congested")
_NEEDED = (
    "main_site_id",
    "main_commune_code",
    "works_site_ids",
    "behind_site_ids",
    "runner_up",
    "falls_at_cost_factor",
)
_NAMED = 3
_WHOLE_FROM = 0.095  # shares from here on are told in whole per cent
_SAME = 0.995  # of the people of an option, whom another serves too


def why_column(
    options: pd.DataFrame, names: Mapping[str, str], gains: pd.DataFrame, text: Text | None = None
) -> list[str]:
    """Return why each option stands where it does, in one language; English when left out.

    Parameters
    ----------
    options : DataFrame
        With the columns of the reasons (:data:`phusong.invest.options_table.WHY_COLUMNS`).
    names : mapping
        Name by commune code.
    gains : DataFrame
        bundle_id, commune_code, people_gained.
    text : Text, optional
        In which language.
    """
    where = gaining_communes(gains)
    said = [
        option_sentences(row, names, where.get(str(row["bundle_id"]), ()))
        for row in options.to_dict("records")
    ]
    return [paragraph(sentences or (), text or Text()) for sentences in said]


def gaining_communes(gains: pd.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """Return the communes in which each option's people live, most people first."""
    found: dict[str, list[tuple[str, int]]] = {}
    if gains.empty:
        return found
    rows = zip(
        gains["bundle_id"].astype(str), gains["commune_code"].astype(str), gains["people_gained"], strict=True
    )
    for bundle, code, people in rows:
        found.setdefault(bundle, []).append((code, int(people)))
    return found


def option_sentences(
    row: Mapping[Any, Any], names: Mapping[str, str], gains: Sequence[tuple[str, int]] = ()
) -> list[Say] | None:
    """Return why one option stands where it does; None where its row does not hold the reasons.

    Parameters
    ----------
    row : mapping
        The option.
    names : mapping
        Name by commune code.
    gains : sequence of (str, int)
        The communes of the people it serves beyond the options above, most people first.
    """
    if any(row.get(c) is None for c in _NEEDED):
        return None
    free = float(row["cost_musd"]) <= 0
    parts: dict[str, Said] = {
        "works": Row(
            tuple(Code("kind", k) for k in dict.fromkeys(as_words(row["kinds"]))), style="", between=" + "
        ),
        "where": _where(row, names),
        "behind": _behind(len(as_words(row["behind_site_ids"]))),
        "people": Figure(row["people_gained"]),
        "causes": _causes(row),
        "facilities": Say("reason.facilities", count=Figure(row["facilities"]))
        if row.get("facilities")
        else "",
    }
    said = [
        Say("reason.free", **parts)
        if free
        else Say(
            "reason.gains", cost=Figure(row["cost_musd"], "money"), per=_per(row["people_per_musd"]), **parts
        )
    ]
    if any(code != row["main_commune_code"] for code, _ in gains):
        said.append(Say("reason.live", communes=_living(gains, names)))
    if free:
        return said
    if row["people_alone"] > row["people_gained"]:
        said.append(Say("reason.alone", people=Figure(row["people_alone"])))
    said += _shared(as_words(row.get("shared_remedies")))
    return [*said, *_beaten(row, names), *_falls(row), *_rival(row)]


def _where(row: Mapping[Any, Any], names: Mapping[str, str]) -> Said:
    main, commune = str(row["main_site_id"]), place_words(row["main_commune_code"], names)
    others = [s for s in as_words(row["works_site_ids"]) if s != main]
    if not main:
        return commune
    if not others:
        return Say("reason.at_site", site=main, commune=commune)
    if len(others) < _NAMED:
        return Say("reason.at_sites", site=main, commune=commune, others=Row(tuple(others)))
    return Say("reason.at_many", site=main, commune=commune, count=Figure(len(others)))


def _behind(sites: int) -> Said:
    if not sites:
        return ""
    return Say("reason.behind_one") if sites == 1 else Say("reason.behind", count=Figure(sites))


def _causes(row: Mapping[Any, Any]) -> Said:
    found = [(c, row.get(f"people_{c}") or 0) for c in _CAUSES]
    shown = [Say("reason.cause", people=Figure(n), cause=Code("cause_of", c)) for c, n in found if n >= 1]
    return Row(tuple(shown), style="") if shown else Say("reason.no_cause")


def _living(gains: Sequence[tuple[str, int]], names: Mapping[str, str]) -> Row:
    shown: list[Said] = [
        Say("reason.lives", commune=place_words(code, names), people=Figure(people))
        for code, people in gains[:_NAMED]
    ]
    rest = gains[_NAMED:]
    if rest:
        people = Figure(sum(n for _, n in rest))
        many = Say("reason.live_elsewhere", count=Figure(len(rest)), people=people)
        shown.append(many if len(rest) > 1 else Say("reason.live_elsewhere_one", people=people))
    return Row(tuple(shown))


def _shared(remedies: list[str]) -> list[Say]:
    if not remedies:
        return []
    listed: list[Said] = list(remedies[:_NAMED])
    if len(remedies) > _NAMED:
        listed.append(Say("reason.more", count=Figure(len(remedies) - _NAMED)))
    return [Say("reason.shared", remedies=Row(tuple(listed)))]


def _per(value: object, ranked_by: object = "people") -> Say:
    key = "reason.per_priority" if ranked_by == "priority" else "reason.per_people"
    number = finite(value)
    return Say(key, n=Figure(number)) if number is not None else Say("reason.per_free")


def _beaten(row: Mapping[Any, Any], names: Mapping[str, str]) -> list[Say]:
    if not row["runner_up"]:
        return [Say("reason.nothing_left")]
    code = str(row.get("runner_up_commune") or "")
    per = _per(row.get("runner_up_per_musd"), row.get("ranked_by"))
    if code == row["main_commune_code"]:
        return [Say("reason.same_commune", option=str(row["runner_up"]), per=per)]
    return [Say("reason.came_before", option=str(row["runner_up"]), place=place_words(code, names), per=per)]


def _falls(row: Mapping[Any, Any]) -> list[Say]:
    dear, few = float(row["falls_at_cost_factor"]), float(row.get("falls_at_people_factor") or 0.0)
    if row.get("level_with"):
        return [Say("reason.level", option=str(row["level_with"]))]
    by_cost, by_people = bool(np.isfinite(dear)), few > 0
    if not by_cost and not by_people:
        return []
    parts: dict[str, Said] = {}
    if by_cost:
        parts |= {"share": _share(dear - 1.0), "option": str(row["falls_behind"])}
    if by_people:
        parts["fewer"] = _share(1.0 - few)
    return [
        Say(f"reason.falls_{'both' if by_cost and by_people else 'cost' if by_cost else 'people'}", **parts)
    ]


def _rival(row: Mapping[Any, Any]) -> list[Say]:
    if not row.get("rival") or row["rival"] == row["runner_up"]:
        return []
    share = float(row["rival_share"])
    parts: dict[str, Said] = {
        "kinds": Row(
            tuple(Code("kind", k) for k in as_words(row.get("rival_kinds"))), style="", between=" + "
        ),
        "option": str(row["rival"]),
        "per": _per(row["rival_per_musd"], row.get("ranked_by")),
    }
    if share > _SAME:
        return [Say("reason.rival", **parts)]
    return [Say("reason.rival_part", share=_share(share), **parts)]


def _share(share: float) -> Figure:
    return Figure(share, "percent" if share < _WHOLE_FROM else "whole_percent")
