"""Comparison of results: figures, verdict, settings and layers that differ."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem
from phusong.io.text import Text
from phusong.report.compare_measures import (
    PlanSteps,
    Samples,
    book_of,
    gini,
    people_if,
    plan_steps,
    sample_people,
    served_in_world,
    served_with_plan,
    worst_decile,
)
from phusong.result.model import ResultData

__all__ = [
    "FIGURE_FORMS",
    "FIGURE_UNITS",
    "Comparison",
    "break_even_lines",
    "compare",
    "expected_lines",
    "figure_said",
    "flat_settings",
    "input_differences",
    "setting_differences",
    "verdict",
]


def flat_settings(toml: str) -> dict[str, Any]:
    r"""Return the settings of a scenario as dotted keys.

    Examples
    --------
    >>> flat_settings('seed = 1\n[sharing]\npolicy = "mocn"')
    {'seed': 1, 'sharing.policy': 'mocn'}
    """
    found: dict[str, Any] = {}

    def walk(prefix: str, table: Mapping[str, Any]) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                walk(f"{prefix}{key}.", value)
            else:
                found[prefix + key] = value

    walk("", tomllib.loads(toml))
    return found


def setting_differences(scenarios: Mapping[str, str]) -> pd.DataFrame:
    """Return the settings that differ: setting, meaning, and the value in each scenario (None where not set)."""
    settings = {name: flat_settings(toml) for name, toml in scenarios.items()}
    keys = list(dict.fromkeys(k for s in settings.values() for k in s))
    rows = []
    for key in keys:
        values = [s.get(key) for s in settings.values()]
        if any(v != values[0] for v in values[1:]):
            rows.append(
                {"setting": key, "meaning": _meaning(key), **dict(zip(settings, values, strict=True))}
            )
    return pd.DataFrame(rows, columns=["setting", "meaning", *settings]).astype(object)


def input_differences(provenance: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the input layers that differ: layer, and the first 12 digits of its hash in each result."""
    digests = {name: dict(p.get("inputs_sha256") or p.get("inputs") or {}) for name, p in provenance.items()}
    rows = []
    for layer in sorted({k for d in digests.values() for k in d}):
        values = [str(d.get(layer, ""))[:12] for d in digests.values()]
        if len(set(values)) > 1:
            rows.append({"layer": layer, **dict(zip(digests, values, strict=True))})
    return pd.DataFrame(rows, columns=["layer", *digests])


def _meaning(key: str) -> str:
    from phusong.scenario import Scenario  # noqa: PLC0415 - the scenario stands above the report

    model: Any = Scenario
    text = ""
    for part in key.split("."):
        field = (
            model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        )
        if field is None:
            return text
        text, model = field.description or "", field.annotation
    return text


FIGURE_FORMS: Mapping[str, str] = {
    "policy": "policy",
    "people": "people",
    "served": "people",
    "share_served": "percent",
    "no_signal": "people",
    "locked": "people",
    "unstable": "people",
    "congested": "people",
    "hours": "hours",
    "budget": "usd",
    "expected": "people",
    "expected_low": "people",
    "expected_high": "people",
    "within_budget": "whole_percent",
    "plan_cost": "usd",
    "opening": "usd",
    "gained": "people",
    "served_with_plan": "people",
    "share_with_plan": "percent",
    "cost_a_person": "people",
    "bound": "people",
    "bound_regret": "people",
    "set_regret": "people",
}
"""How each headline figure is written; its name stands in the catalogue."""

# a figure written as USD is held in million USD, one written as a percentage as a share
_FORM_UNITS = {"usd": "musd", "percent": "share", "whole_percent": "share", "hours": "hours a year"}
FIGURE_UNITS: Mapping[str, str] = {
    **{key: _FORM_UNITS.get(form, form) for key, form in FIGURE_FORMS.items()},
    "cost_a_person": "usd",
}
"""Unit of each headline figure as it is held, which is not the one it is written in."""

# figures of a whole plan that no part of its area has
_OF_THE_WHOLE = (
    "bound_people", "distance_share", "people_gained", "expected_people", "people_p05", "people_p95", "within_budget_share",
)  # fmt: skip
_SAMPLES = 400
_COST_SPREAD = 0.3
_BREAK_EVEN_FACTORS = np.round(np.concatenate([np.arange(1.1, 3.01, 0.1), np.arange(3.5, 10.01, 0.5)]), 2)


@dataclass(frozen=True)
class Comparison:
    """Results side by side; the first is the one the others are measured against.

    Parameters
    ----------
    names : tuple of str
        The results, in the order given.
    results : mapping of str to ResultData
        Over the communes they have in common.
    remarks : tuple of (str, mapping)
        What to know before reading, as key and parts: communes left out, people that differ; ``told`` says them.
    summary : DataFrame
        One row a figure (``figure``, ``unit``), one column a result.
    communes : DataFrame
        commune_code, name, province, population; ``today: NAME``, ``with plan: NAME`` [people served] and
        ``change: NAME`` (with plan, against the first), largest change first.
    funds : DataFrame
        fund, year and what each plan spends. [million USD]
    remedies : DataFrame
        remedy_id, whether each plan buys it, and how many do (``plans``).
    overlap : DataFrame
        plan_a, plan_b, shared remedies, their money in plan a, and both as a share of plan a's.
    equity : DataFrame
        One row a result: gini, worst commune and its share, worst decile; today and with the plan.
    regret : DataFrame
        One row a plan, one column a world (``if NAME``): people fewer than the best of the plans there; ``most`` the
        largest, ``left out`` the most remedies that a world does not know. Empty when results hold no bundles.
    samples : Samples
        People served by each plan over common samples of costs and people.
    break_even : DataFrame
        By which share the people gained by the leading ``plan`` would have to be fewer, or remedies of a ``kind`` dearer,
        for which plan to lead instead (``leads``).
    scenarios : DataFrame
        setting, meaning, and its value in each result, where they differ.
    inputs : DataFrame
        Input layers that differ, and the start of their hash in each result.
    """

    names: tuple[str, ...]
    results: Mapping[str, ResultData]
    remarks: tuple[tuple[str, Mapping[str, Any]], ...]
    summary: pd.DataFrame
    communes: pd.DataFrame
    funds: pd.DataFrame
    remedies: pd.DataFrame
    overlap: pd.DataFrame
    equity: pd.DataFrame
    regret: pd.DataFrame
    samples: Samples
    break_even: pd.DataFrame
    scenarios: pd.DataFrame
    inputs: pd.DataFrame

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know before reading, in English."""
        return self.told("en")

    def told(self, language: str) -> tuple[str, ...]:
        """Return what to know before reading."""
        text = Text(language)
        return tuple(_remark(text, key, parts) for key, parts in self.remarks)

    @property
    def served(self) -> dict[str, float]:
        """People served once each plan is built."""
        return self.figure("served_with_plan")

    @property
    def leader(self) -> str:
        """The result that serves most people once its plan is built; of equals, the one that costs less."""
        cost, served = self.figure("plan_cost"), self.served
        return min(self.names, key=lambda n: (-served[n], cost[n], self.names.index(n)))

    def figure(self, key: str) -> dict[str, float]:
        """Return one figure of the summary by result; NaN where a result has none."""
        row = self.summary[self.summary["key"] == key].to_dict("records")[0]
        return {n: float("nan") if row[n] is None else float(row[n]) for n in self.names}

    def verdict(self, language: str = "en") -> list[str]:
        """Return in sentences which plan leads, why, and how surely, in English (`en`) or Vietnamese (`vi`)."""
        return verdict(self, Text(language))

    def break_even_lines(self, language: str = "en") -> list[tuple[str, str]]:
        """Return what would have to be so, and which plan leads then."""
        return break_even_lines(self, Text(language))


def compare(
    results: Mapping[str, ResultData], *, samples: int = _SAMPLES, seed: int | None = None
) -> Comparison:
    """Return what differs between results.

    Parameters
    ----------
    results : mapping of str to ResultData
        At least two, by the name to show; the first is the base.
    samples : int
        Samples of costs and people for the chance that a plan beats another.
    seed : int, optional
        Of the samples; the seed of the first result when left out.

    Raises
    ------
    InputError
        If fewer than two results are given, or they have no commune in common.
    """
    if len(results) < 2:
        raise InputError(Problem("compare", f"needs two results or more, {len(results)} given"))
    common, notes = _in_common(results)
    steps = {name: plan_steps(result) for name, result in common.items()}
    budgets = {name: _budget(result, steps[name]) for name, result in common.items()}
    base = {name: _by_commune(result) for name, result in common.items()}
    first = next(iter(common.values()))
    drawn = sample_people(
        steps, budgets, base, _population(common), samples=samples, cost_spread=_COST_SPREAD,
        seed=int(first.provenance.get("seed", 0)) if seed is None else seed,
    )  # fmt: skip
    after = {name: served_with_plan(result, steps=steps[name]) for name, result in common.items()}
    summary = _summary(common, steps)
    return Comparison(
        names=tuple(common),
        results=common,
        remarks=tuple(notes),
        summary=summary,
        communes=_communes(common, after),
        funds=_funds(common),
        remedies=_remedies(common),
        overlap=_overlap(common),
        equity=_equity(common, after),
        regret=_regret(common),
        samples=drawn,
        break_even=_break_even(steps, budgets, base),
        scenarios=setting_differences({name: r.scenario_toml for name, r in results.items()}),
        inputs=input_differences({name: r.provenance for name, r in results.items()}),
    )


def _in_common(
    results: Mapping[str, ResultData],
) -> tuple[dict[str, ResultData], list[tuple[str, Mapping[str, Any]]]]:
    codes = {name: list(r.communes["commune_code"].astype(str)) for name, r in results.items()}
    shared = set.intersection(*(set(c) for c in codes.values()))
    if not shared:
        regions = "; ".join(
            f"{name}: {r.summary.get('region', 'region not named')}" for name, r in results.items()
        )
        raise InputError(
            Problem(
                "compare", f"the results are of different regions and have no commune in common ({regions})"
            )
        )
    notes: list[tuple[str, Mapping[str, Any]]] = []
    if any(len(c) != len(shared) for c in codes.values()):
        left = {name: len(c) - len(shared) for name, c in codes.items() if len(c) > len(shared)}
        notes.append(("note_area", {"n": len(shared), "left": left}))
    order = [c for c in next(iter(codes.values())) if c in shared]
    common = {name: _cut(result, order) for name, result in results.items()}
    people = {name: r.communes["population"].to_numpy(np.float64) for name, r in common.items()}
    first = next(iter(people.values()))
    for name, own in list(people.items())[1:]:
        differ = int((own != first).sum())
        if differ:
            parts = {"name": name, "n": differ, "base": next(iter(people))}
            notes.append(("note_people", {**parts, "own": int(own.sum()), "first": int(first.sum())}))
    if any(book_of(r) is None for r in common.values()):
        notes.append(("note_groups", {}))
    return common, notes


def _remark(text: Text, key: str, parts: Mapping[str, Any]) -> str:
    said = dict(parts)
    if "left" in said:
        left = (text.say("compare.note_left", n=n, name=name) for name, n in said["left"].items())
        said["left"] = ", ".join(left)
    return text.say(f"compare.{key}", **said)


def figure_said(value: object, form: str, text: Text) -> str:
    """Return a headline figure as people read it."""
    return text.code("policy", value or "not stated") if form == "policy" else text.number(value, form)


def _cut(result: ResultData, codes: list[str]) -> ResultData:
    whole = len(result.communes) == len(codes)
    rows = result.communes.set_index(result.communes["commune_code"].astype(str), drop=False)
    communes = rows.loc[codes].reset_index(drop=True)
    if whole:
        return replace(result, communes=communes)
    plan = result.plan
    if "commune_code" in plan:
        plan = plan[plan["commune_code"].astype(str).isin(codes)]
    lives = {name: getattr(result, name) for name in ("plan_communes", "plan_line_communes")}
    lives = {n: f[f["commune_code"].astype(str).isin(codes)] if len(f) else f for n, f in lives.items()}
    own = dict(result.summary.get("plan") or {})
    for part in _OF_THE_WHOLE:
        own.pop(part, None)
    none = pd.DataFrame()
    return replace(
        result, communes=communes, plan=plan, summary={**result.summary, "plan": own},
        remedies=none, bundles=none, people_groups=none, bundle_groups=none, **lives,
    )  # fmt: skip


def _population(results: Mapping[str, ResultData]) -> dict[str, float]:
    """Return the people of each commune, the most that any of the results knows."""
    out: dict[str, float] = {}
    for result in results.values():
        codes, people = (
            result.communes["commune_code"].astype(str),
            result.communes["population"].astype(float),
        )
        for code, n in zip(codes, people, strict=True):
            out[code] = max(out.get(code, 0.0), n)
    return out


def _by_commune(result: ResultData) -> dict[str, float]:
    codes = result.communes["commune_code"].astype(str)
    return dict(zip(codes, result.communes["people_served"].astype(float), strict=True))


def _budget(result: ResultData, steps: PlanSteps) -> float:
    budget = (result.summary.get("plan") or {}).get("budget_musd")
    return max(float(budget) if budget is not None else 0.0, float(steps.cost_musd.sum()))


def _opening_musd(result: ResultData) -> float | None:
    """Return what it costs to open sites as the policy in force asks, which no plan pays; None where it is not told."""
    policy = result.summary.get("policy")
    rows = [row for row in result.summary.get("policies") or () if row.get("policy") == policy]
    found = rows[0].get("policy_cost_musd") if rows else None
    return None if found is None else float(found)


def _summary(results: Mapping[str, ResultData], steps: Mapping[str, PlanSteps]) -> pd.DataFrame:
    columns: dict[str, dict[str, Any]] = {}
    for name, result in results.items():
        communes, plan = result.communes, result.summary.get("plan") or {}
        people = float(communes["population"].sum())
        today = float(communes["people_served"].sum())
        after = today + float(steps[name].group_people.sum())
        cost = float(steps[name].cost_musd.sum())
        hours = communes["hours_lost_year"].to_numpy(np.float64) * communes["population"].to_numpy(np.float64)
        columns[name] = {
            "policy": result.summary.get("policy"),
            "people": people,
            "served": today,
            "share_served": today / people if people else None,
            "no_signal": float(communes["gap_no_signal"].sum()),
            "locked": float(communes["gap_locked"].sum()),
            "unstable": float(communes["gap_unstable"].sum()),
            "congested": float(communes["gap_congested"].sum()),
            "hours": float(hours.sum() / people) if people else None,
            "budget": plan.get("budget_musd"),
            # what to expect comes before what is modelled
            "expected": plan.get("expected_people"),
            "expected_low": plan.get("people_p05"),
            "expected_high": plan.get("people_p95"),
            "within_budget": plan.get("within_budget_share"),
            "plan_cost": cost,
            "opening": _opening_musd(result),
            "gained": after - today,
            "served_with_plan": after,
            "share_with_plan": after / people if people else None,
            "cost_a_person": 1e6 * cost / (after - today) if after > today else None,
            "bound": plan.get("bound_people"),
            "bound_regret": max(0.0, plan["bound_people"] - (after - today))
            if plan.get("bound_people")
            else None,
        }
    best = max(c["served_with_plan"] for c in columns.values())
    for column in columns.values():
        column["set_regret"] = best - column["served_with_plan"]
    return pd.DataFrame(
        [{"key": k, **{n: c[k] for n, c in columns.items()}} for k in next(iter(columns.values()))]
    ).astype(object)


def _communes(results: Mapping[str, ResultData], after: Mapping[str, Floats]) -> pd.DataFrame:
    first = next(iter(results.values())).communes
    table = pd.DataFrame(first[["commune_code", "name", "province", "population"]]).reset_index(drop=True)
    base = next(iter(results))
    for name, result in results.items():
        table[f"today: {name}"] = result.communes["people_served"].to_numpy(np.float64)
    for name in results:
        table[f"with plan: {name}"] = after[name]
    others = [name for name in results if name != base]
    for name in others:
        table[f"change: {name}"] = table[f"with plan: {name}"] - table[f"with plan: {base}"]
    largest = table[[f"change: {n}" for n in others]].abs().max(axis=1)
    order = largest.sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _funds(results: Mapping[str, ResultData]) -> pd.DataFrame:
    parts = {
        name: r.plan.groupby([r.plan["fund"].astype(str), r.plan["year"].astype(int)])["cost_musd"].sum()
        for name, r in results.items()
    }
    table = pd.DataFrame(parts).fillna(0.0).sort_index()
    return table.rename_axis(["fund", "year"]).reset_index()


def _chosen(results: Mapping[str, ResultData]) -> "dict[str, pd.Series[float]]":
    return {n: r.plan.groupby(r.plan["remedy_id"].astype(str))["cost_musd"].sum() for n, r in results.items()}


def _remedies(results: Mapping[str, ResultData]) -> pd.DataFrame:
    chosen = _chosen(results)
    ids = list(dict.fromkeys(i for n in results for i in results[n].plan["remedy_id"].astype(str)))
    table = pd.DataFrame({"remedy_id": pd.Series(ids, dtype=object)})
    for name, plan in chosen.items():
        table[name] = table["remedy_id"].isin(plan.index)
    table["plans"] = table[list(chosen)].sum(axis=1).astype(int)
    return table.sort_values("plans", ascending=False, kind="stable", ignore_index=True)


def _overlap(results: Mapping[str, ResultData]) -> pd.DataFrame:
    chosen = _chosen(results)
    rows = []
    for a, own in chosen.items():
        for b, other in chosen.items():
            if a == b:
                continue
            both = own[own.index.isin(other.index)]
            rows.append(
                {
                    "plan_a": a, "plan_b": b, "remedies": len(both), "money_musd": float(both.sum()),
                    "remedies_share": len(both) / len(own) if len(own) else 0.0,
                    "money_share": float(both.sum() / own.sum()) if own.sum() > 0 else 0.0,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _equity(results: Mapping[str, ResultData], after: Mapping[str, Floats]) -> pd.DataFrame:
    rows = []
    for name, result in results.items():
        people = result.communes["population"].to_numpy(np.float64)
        lived = people > 0
        row: dict[str, Any] = {"result": name}
        named = result.communes["name"].astype(str).to_numpy()[lived]
        for when, served in (
            ("today", result.communes["people_served"].to_numpy(np.float64)),
            ("with plan", after[name]),
        ):
            share = served[lived] / people[lived]
            row[f"gini {when}"] = gini(share, people[lived])
            row[f"worst decile {when}"] = worst_decile(share, people[lived])
            worst = int(np.argmin(share)) if share.size else -1
            row[f"worst commune {when}"] = named[worst] if share.size else ""
            row[f"worst share {when}"] = float(share[worst]) if share.size else 0.0
        rows.append(row)
    return pd.DataFrame(rows)


def _regret(results: Mapping[str, ResultData]) -> pd.DataFrame:
    names, plans = list(results), list(results.values())
    worlds = [served_in_world(world, plans) for world in plans]
    if any(world is None for world in worlds):
        return pd.DataFrame()
    people = np.array([[n for n, _ in world] for world in worlds if world is not None])
    missing = np.array([[m for _, m in world] for world in worlds if world is not None])
    behind = people.max(axis=1, keepdims=True) - people
    table = pd.DataFrame({"plan": names})
    for k, name in enumerate(names):
        table[f"if {name}"] = behind[k]
    return table.assign(**{"most": behind.max(axis=0), "left out": missing.max(axis=0)})


def _break_even(
    steps: Mapping[str, PlanSteps], budgets: Mapping[str, float], base: Mapping[str, Mapping[str, float]]
) -> pd.DataFrame:
    """Return the smallest change of one input for all that puts another plan first."""
    now = {n: people_if(s, budgets[n], base[n]) for n, s in steps.items()}
    leader = max(now, key=lambda n: now[n])
    rows: list[dict[str, Any]] = []
    second = max((n for n in now if n != leader), key=lambda n: now[n])
    gained = now[leader] - sum(base[leader].values())
    if 0 < now[leader] - now[second] <= gained:
        rows.append({"plan": leader, "kind": "", "by": (now[leader] - now[second]) / gained, "leads": second})
    for kind in sorted({k for s in steps.values() for k in s.kind.tolist()}):
        for factor in _BREAK_EVEN_FACTORS:
            then = {
                n: people_if(s, budgets[n], base[n], cost_factor=np.where(s.kind == kind, factor, 1.0))
                for n, s in steps.items()
            }
            best = max(then, key=lambda n: then[n])
            if best != leader and then[best] > then[leader]:
                rows.append({"plan": leader, "kind": kind, "by": float(factor) - 1, "leads": best})
                break
    return pd.DataFrame(rows, columns=["plan", "kind", "by", "leads"])


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
