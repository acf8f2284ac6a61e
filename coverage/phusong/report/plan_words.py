"""What is said of a plan's lines, targets and waste: sentences made of the columns of their tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from phusong.report.sentences import Code, Figure, Row, Said, Say, place_words
from phusong.report.tables import as_words
from phusong.report.text import finite, slug

__all__ = ["line_result", "line_works", "missed_words", "statement_words", "waste_words"]

_NAMED = 3
_CAUSES = ("no_signal", "locked", "unstable", "congested")


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
    return Say("missed.out_of_reach", people=Figure(row["beyond_people"]), causes=_causes(row))


def _causes(row: Mapping[Any, Any]) -> Row:
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
    """Return why money of a remedy is wasted, of a row of :func:`phusong.invest.waste.wasted_money`."""
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
            owner=str(row["owner"]),
        )
    return Say(f"waste.{code}")


def _names(names: Iterable[str]) -> Row:
    return Row(tuple(names), style="")
