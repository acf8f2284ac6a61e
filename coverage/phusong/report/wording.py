"""Sentences on headlines, options and plans."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from phusong.io.text import Code, Figure, Name, Row, Said, Say, Text, finite, paragraph, place_words, slug
from phusong.result.schema import as_words

__all__ = [
    "gaining_communes",
    "line_result",
    "line_works",
    "missed_words",
    "option_sentences",
    "plan_sentences",
    "sharing_sentence",
    "statement_words",
    "waste_words",
    "why_column",
]

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


def line_works(row: Mapping[Any, Any]) -> Say:
    """Return what a line of the plan buys and where it stands."""
    kind, remedy = str(row.get("kind") or ""), str(row["remedy_id"])
    site = str(row.get("site_id") or "")
    place = remedy.partition("@")[2] or remedy
    if "@" in remedy and not site:
        return Say("step.what_shared", kind=Code("kind", kind), number=place)
    # an added radio is told with its operator
    return Say("step.what", kind=Code("kind", kind or remedy), site=place)


def line_result(row: Mapping[Any, Any], names: Mapping[str, str]) -> Say:
    """Return whom a line of the schedule serves, from when, and what it waits for.

    Parameters
    ----------
    row : mapping
        result, people_gained, gain_commune_codes, serves_from, waits_for.
    names : mapping
        Name by commune code.
    """
    waits = str(row.get("waits_for") or "")
    parts: dict[str, Said] = {"waits": waits} if waits else {}
    code = slug(row["result"])
    if code != "serves_nobody":
        parts["year"] = Figure(row["serves_from"], "plain")
    if code == "serves":
        codes = as_words(row.get("gain_commune_codes"))
        shown: list[Said] = [place_words(c, names) for c in codes[:_NAMED]]
        if len(codes) > _NAMED:
            shown.append(Say("said.worst_more", count=Figure(len(codes) - _NAMED)))
        parts |= {"people": Figure(row["people_gained"]), "communes": Row(tuple(shown))}
    return Say(f"step.{code}{'_late' if waits else ''}", **parts)


def missed_words(row: Mapping[Any, Any]) -> Say | None:
    """Return why a commune misses its target; None where it does not, or has none."""
    code = slug(row.get("reason") or "")
    if not code:
        return None
    if code == "left_by_plan":
        return Say("missed.left_by_plan", people=Figure(row["short_people"]))
    return Say("missed.out_of_reach", people=Figure(row["beyond_people"]), causes=_plan_causes(row))


def _plan_causes(row: Mapping[Any, Any]) -> Row:
    found = [(c, finite(row.get(f"left_{c}")) or 0.0) for c in _CAUSES]
    return Row(
        tuple(Say("reason.cause", people=Figure(n), cause=Code("cause_of", c)) for c, n in found if n >= 1)
    )


def statement_words(said: Mapping[str, Any], names: Mapping[str, str]) -> Say:
    """Return what has to be said of floors, targets and money, of its code and figures.

    Parameters
    ----------
    said : mapping
        `code` and the figures of a statement in ``summary.json``.
    names : mapping
        Name by commune code.
    """
    code = str(said["code"])
    parts: dict[str, Said] = {}
    for name in ("cost", "budget", "bound", "funds"):
        if f"{name}_musd" in said:
            parts[name] = Figure(said[f"{name}_musd"], "money")
    for name in ("share", "level"):
        if name in said:
            parts[name] = Figure(said[name], "whole_percent")
    if "money" in said:
        parts["money"] = Code("money_stage", str(said["money"]))
    if "worst" in said:
        parts |= {"communes": Figure(said["communes"]), "all": Figure(said["of_communes"])}
        parts["worst"] = _worst(said["worst"], int(said["communes"]), names)
    return Say(f"said.{code}", **parts)


def _worst(rows: Sequence[Mapping[str, Any]], count: int, names: Mapping[str, str]) -> Row:
    shown: list[Said] = [
        Say(
            "said.worst",
            commune=place_words(r["commune_code"], names),
            share=Figure(r["share"], "whole_percent"),
        )
        for r in rows
    ]
    if count > len(rows):
        shown.append(Say("said.worst_more", count=Figure(count - len(rows))))
    return Row(tuple(shown))


def waste_words(row: Mapping[Any, Any]) -> Say:
    """Return why money of a remedy is wasted, of a row of :func:`phusong.invest.redundancy.wasted_money`."""
    code = slug(row["reason"])
    people, cost = Figure(row["people"]), Figure(row["instead_musd"], "money")
    if code == "lacks_others":
        return Say("waste.lacks_others", others=_names(as_words(row["instead"])), cost=cost, people=people)
    if code == "served_by_rest":
        return Say("waste.served_by_rest", people=people)
    if code == "twin":
        return Say(
            "waste.twin",
            whole=Figure(row["with_musd"], "money"),
            own=Figure(row["own_people"]),
            kinds=Row(
                tuple(Code("kind", k) for k in as_words(row["instead_kinds"])), style="", between=" + "
            ),
            sites=_names(as_words(row["instead_site_ids"])),
            option=str(row["instead"]),
            people=people,
            cost=cost,
        )
    if code == "structure_near":
        return Say(
            "waste.structure_near",
            metres=Figure(row["distance_m"]),
            site=str(row["instead"]),
            owner=Name("owner", str(row["owner"])),
        )
    return Say(f"waste.{code}")


def _names(names: Iterable[str]) -> Row:
    return Row(tuple(names), style="")
