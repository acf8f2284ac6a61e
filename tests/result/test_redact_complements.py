"""Attacks by complements on every published table: totals less parts, shares times counts, rows taken out, several results.

Two ways to show that they find nothing. The attacker solves every equation that the data dictionary states between what is
published: where small cells alone are blanked out he finds all of them, and on a redacted result none. And for each secret
there is another world, with another value of it, of which the very same results are shown under all settings together: so no
attacker, with whatever equations, can tell.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planted import PARTS, planted

from phusong.io.text import round_count
from phusong.report.folder import Result
from phusong.result.redact import Redaction, redact
from phusong.result.schema import TABLES, Leaves

LEAST = 10
SETTINGS = (
    Redaction(),
    Redaction(least_people=40),
    Redaction(grid_m=4000.0, least_people=20),
    Redaction(structures=()),
)
SHARES = ("ready_share", "has_signal", "has_power", "has_backhaul")
Cell = tuple[str, object, str]
Equation = list[tuple[float, Cell]]


def consistent(result: Result) -> Result:
    """Return a result whose totals, shares, sums up and policies follow from its rows, as a run's do."""
    communes = result.communes.copy()
    communes["population"] = communes[PARTS].sum(axis=1)
    communes["share_served"] = communes["people_served"] / communes["population"]
    communes["has_signal"] = communes["ready_share"] = 1 - communes["gap_no_signal"] / communes["population"]
    options = result.options.copy()
    options["people_per_musd"] = options["people_gained"] / options["cost_musd"]
    options["cumulative_people"] = options["people_gained"].cumsum()
    curve = pd.DataFrame(
        {
            "cost_musd": np.r_[0.0, options["cumulative_cost_musd"]],
            "people": np.r_[0.0, options["cumulative_people"]],
        }
    )
    base = communes[PARTS].sum().to_numpy(np.float64)
    policies = result.policies.copy()
    policies[PARTS] = (
        base + policies[PARTS].to_numpy(np.float64) - policies.loc[0, PARTS].to_numpy(np.float64)
    )
    policies["people_gained"] = policies["people_served"] - policies["people_served"].iloc[0]
    policies["people_served_with_plan"] = policies["people_served"] + policies["plan_people_gained"]
    policies["people_gained_with_plan"] = policies["people_gained"] + policies["plan_people_gained"]
    sums = dict(zip(PARTS, base.tolist(), strict=True))
    people = float(communes["population"].sum())
    plan = {
        **result.summary["plan"],
        "people_gained": float(result.plan["people_gained"].sum()),
        "people_closable": float(options["people_gained"].sum()),
    }
    provinces = communes.groupby("province")[["population", *PARTS]].sum().reset_index().to_dict("records")
    summary = {**result.summary, **sums, "people": people, "share_served": sums["people_served"] / people,
               "plan": plan, "provinces": provinces}  # fmt: skip
    return replace(
        result, communes=communes, options=options, curve=curve, policies=policies, summary=summary
    )


@pytest.fixture(scope="module")
def whole(result) -> Result:
    """The planted result, with small groups in every table that is published, adding up."""
    told = planted(result)
    sites = told.sites.assign(people_served=told.sites["people_served"].round())
    sites.loc[7, "people_served"] = 3.0
    steps = np.array([[0, 0, 0, 0, 0], [3, 0, -3, 0, 0], [7, 0, -6, -1, 0], [500, 0, -500, 0, 0]], np.float64)
    policies = pd.DataFrame(steps + 10_000, columns=PARTS).assign(
        policy=["none", "passive", "mocn", "roaming"]
    )
    policies["plan_people_gained"] = [900.0, 904.0, 6.0, 950.0]
    policies["guests"] = [0.0, 4.0, 60.0, 500.0]
    gained = told.options["people_gained"].to_numpy(np.float64).copy()
    gained[[3, 9]] = 6.0, 2.0
    options = told.options.assign(
        people_gained=gained, people_alone=np.where(gained < LEAST, gained, gained + 5)
    )
    planned = told.plan["people_gained"].to_numpy(np.float64).copy()
    planned = np.where(planned < LEAST, planned + 400.0, planned)  # one alone is told by the total
    planned[5] = 7.0
    whole = replace(told, sites=sites, policies=policies, options=options, plan=told.plan.assign(people_gained=planned))  # fmt: skip
    return consistent(whole)


@pytest.fixture(scope="module")
def shown(whole) -> Result:
    return redact(whole)


# the attacker


def cells_of(result: Result) -> dict[Cell, float]:
    """Return every number that is published, by table, row and column."""
    keys = {"communes": "commune_code", "sites": "site_id", "options": "bundle_id", "policies": "policy"}
    found: dict[Cell, float] = {}
    for table in TABLES:
        frame = getattr(result, table)
        if frame is None or not len(frame):
            continue
        rows = frame[keys[table]].astype(str) if table in keys else range(len(frame))
        for column in frame.columns:
            if pd.api.types.is_numeric_dtype(frame[column].dtype):
                values = frame[column].to_numpy(np.float64, na_value=np.nan)
                found |= {(table, k, column): v for k, v in zip(rows, values, strict=True)}
    flat = {**{k: result.summary[k] for k in ("people", *PARTS)},
            **{f"plan.{k}": v for k, v in result.summary["plan"].items() if k.startswith("people_")}}  # fmt: skip
    found |= {("summary", "", k): float(v) for k, v in flat.items()}
    for row in result.summary["provinces"]:
        found |= {("provinces", row["province"], k): float(row[k]) for k in ("population", *PARTS)}
    return found


def equations_of(result: Result) -> Iterator[Equation]:
    """Yield what must be zero, as the data dictionary says: wholes less their parts."""
    communes, options = result.communes, result.options
    codes = communes["commune_code"].astype(str).tolist()
    for code in codes:
        yield [(1.0, ("communes", code, "population")), *((-1.0, ("communes", code, p)) for p in PARTS)]
    for name in ("population", *PARTS):
        total = ("summary", "", "people" if name == "population" else name)
        yield [(1.0, total), *((-1.0, ("communes", c, name)) for c in codes)]
        for province, mine in communes.groupby("province"):
            rows = mine["commune_code"].astype(str)
            yield [(1.0, ("provinces", province, name)), *((-1.0, ("communes", c, name)) for c in rows)]
    if len(result.policies):
        for policy in result.policies["policy"].astype(str):
            yield [(1.0, ("summary", "", "people")), *((-1.0, ("policies", policy, p)) for p in PARTS)]
            yield [
                (1.0, ("policies", policy, "people_gained")),
                (-1.0, ("policies", policy, "people_served")),
                (1.0, ("policies", "none", "people_served")),
            ]
        for part in PARTS:
            yield [(1.0, ("summary", "", part)), (-1.0, ("policies", "none", part))]
    before: list[tuple[float, Cell]] = []
    for k, key in enumerate(options["bundle_id"].astype(str)):
        gained = (-1.0, ("options", key, "people_gained"))
        here = ("options", key, "cumulative_people")
        yield [(1.0, here), *before, gained]
        before = [(-1.0, here)]
        yield [(1.0, ("curve", k + 1, "people")), (-1.0, ("curve", k, "people")), gained]
    for total, table, keys in (
        ("plan.people_closable", "options", options["bundle_id"].astype(str).tolist()),
        ("plan.people_gained", "plan", list(range(len(result.plan)))),
    ):
        yield [(1.0, ("summary", "", total)), *((-1.0, (table, k, "people_gained")) for k in keys)]


def solved(cells: dict[Cell, float], equations: list[Equation]) -> dict[Cell, float]:
    """Return the blank cells that equations with one unknown give, one after the other."""
    known, found = dict(cells), {}
    more = True
    while more:
        more = False
        for equation in equations:
            blank = [(c, cell) for c, cell in equation if cell in known and np.isnan(known[cell])]
            if len(blank) != 1 or any(cell not in known for _, cell in equation):
                continue
            coefficient, cell = blank[0]
            rest = sum(c * known[other] for c, other in equation if other != cell)
            known[cell] = found[cell] = -rest / coefficient
            more = True
    return found


def small(people: float) -> bool:
    return bool(np.isfinite(people)) and 0.5 < abs(people) < LEAST - 0.5


def findings(result: Result) -> dict[object, float]:
    """Return the groups of few people that complements give: blanks solved, wholes less parts, shares, steps of policies."""
    cells, equations = cells_of(result), list(equations_of(result))
    found: dict[object, float] = dict(solved(cells, equations))
    for equation in equations:
        if all(cell in cells for _, cell in equation):
            found[tuple(equation)] = sum(c * cells[cell] for c, cell in equation)
    for code, name in (
        (c, n) for c in result.communes["commune_code"].astype(str) for n in ("share_served", *SHARES)
    ):
        people = cells[("communes", code, "population")]
        share = cells.get(("communes", code, name), np.nan)
        found |= {("share", code, name): share * people, ("rest", code, name): (1 - share) * people}
    if len(result.policies):
        values = result.policies[PARTS].to_numpy(np.float64)
        for i, j in combinations(range(len(values)), 2):
            found |= {("policies", i, j, p): values[i, k] - values[j, k] for k, p in enumerate(PARTS)}
    # each cell that counts people stands for a group itself
    found |= {
        cell: value
        for cell, value in cells.items()
        if cell[0] in TABLES and (c := TABLES[cell[0]].column(cell[2])) is not None and c.unit == "people"
    }
    return {k: v for k, v in found.items() if small(v)}


# small cells blanked out, and nothing else


def secrets_of(result: Result) -> dict[Cell, float]:
    return {
        cell: value
        for cell, value in cells_of(result).items()
        if cell[0] in ("communes", "options", "plan", "policies")
        and TABLES[cell[0]].column(cell[2]).unit == "people"
        and small(value)
    }


def blanked(result: Result) -> Any:
    """Return what somebody would publish who blanks out small cells, and no more; a result itself refuses such tables."""
    tables = dict(vars(result))
    for table in ("communes", "options", "plan", "policies", "curve"):
        frame = getattr(result, table).copy()
        for column in frame.columns:
            known = TABLES[table].column(str(column))
            if known is not None and known.unit == "people":
                values = frame[column].astype(np.float64)
                frame[column] = values.where(~values.map(small), np.nan)
        tables[table] = frame
    return SimpleNamespace(**tables)


def test_blanking_small_cells_alone_hides_none_that_stands_in_a_sum(whole):
    found = solved(cells_of(blanked(whole)), list(equations_of(whole)))
    summed = {c: v for c, v in secrets_of(whole).items() if c[2] in {*PARTS, "population", "people_gained"}}
    tables = {cell[0] for cell in summed}
    assert tables == {"communes", "options", "plan", "policies"}, "a secret is planted in each"
    missed = {c for c in summed if c not in found or abs(found[c] - summed[c]) > 1e-6}
    # a commune with two blanks, and its blanks in sums with others, stay open
    assert {c[0] for c in missed} <= {"communes"}
    assert len(missed) < len(summed) / 2
    assert {c[0] for c in set(summed) - missed} == tables


def test_complements_find_no_group_of_few_in_a_redacted_result(whole, shown):
    assert len(findings(whole)) > len(secrets_of(whole))
    assert findings(shown) == {}
    for setting in SETTINGS[:3]:
        assert findings(redact(whole, setting)) == {}


def totals_kept(whole: Result, shown: Result) -> Result:
    return replace(
        shown, summary={**shown.summary, **{k: whole.summary[k] for k in ("people", *PARTS, "provinces")}}
    )


def row_taken_out(whole: Result, shown: Result) -> Result:
    kept = shown.communes[~shown.communes["withheld"]].reset_index(drop=True)
    return replace(totals_kept(whole, shown), communes=kept)


def shares_kept(whole: Result, shown: Result) -> Result:
    return replace(shown, communes=shown.communes.assign(has_signal=whole.communes["has_signal"].to_numpy()))


def sums_up_kept(whole: Result, shown: Result) -> Result:
    exact = whole.options.set_index("bundle_id")["people_gained"].loc[shown.options["bundle_id"]]
    return replace(shown, options=shown.options.assign(cumulative_people=exact.cumsum().to_numpy()))


def curve_kept(whole: Result, shown: Result) -> Result:
    exact = whole.options.set_index("bundle_id")["people_gained"].loc[shown.options["bundle_id"]]
    return replace(shown, curve=shown.curve.assign(people=np.r_[0.0, exact.cumsum()]))


def policies_kept(whole: Result, shown: Result) -> Result:
    return replace(shown, policies=whole.policies)


def parts_rounded_alone(whole: Result, shown: Result) -> Any:
    each = pd.DataFrame(round_count(whole.communes[PARTS], LEAST), columns=PARTS)
    return SimpleNamespace(**vars(shown) | {"communes": shown.communes.assign(**each)})


@pytest.mark.parametrize(
    "off", [blanked, totals_kept, row_taken_out, shares_kept, sums_up_kept, curve_kept, policies_kept, parts_rounded_alone],
    ids=lambda off: off.__name__,
)  # fmt: skip
def test_with_one_protection_off_the_attack_finds_groups(whole, shown, off):
    assert findings(off(whole) if off is blanked else off(whole, shown))


# every table and column of the registry


def test_every_count_and_share_that_leaves_is_attacked(whole, shown):
    """Whoever lets a further column of people leave gives the attacker its equation, or says here that it has none."""
    alone = {
        ("options", "people_alone"), ("policies", "guests"), ("policies", "people_served_with_plan"),
        ("policies", "people_gained_with_plan"), ("policies", "plan_people_gained"), ("curve", "bound_people"),
        ("curve", "plan_people"), ("sites", "people_heard"), ("sites", "people_served"),
    }  # fmt: skip
    used = {(cell[0], cell[2]) for equation in equations_of(whole) for _, cell in equation}
    used |= {("communes", name) for name in ("share_served", "share_measured", *SHARES)}
    leaving = {
        (name, column.name)
        for name, table in TABLES.items()
        for column in table.columns
        if column.leaves is not Leaves.NEVER and (column.unit == "people" or column.leaves is Leaves.SHARE)
    }
    assert leaving <= used | alone
    for name, table in TABLES.items():
        if all(c.leaves is Leaves.NEVER for c in table.columns):
            frame = getattr(shown, name)
            assert frame is None or not len(frame), name


# other worlds that look the same


def with_part(row: int, part: str, other: str, people: float, back: int) -> Callable[[Result], Result | None]:
    def change(result: Result) -> Result | None:
        communes = result.communes.copy()
        # as many the other way in a large commune, so that sums stay
        for at, many in ((row, int(people)), (back, -int(people))):
            communes.loc[at, part] += many
            communes.loc[at, other] -= many
        return replace(result, communes=communes) if (communes[PARTS] >= 0).all(axis=None) else None

    return change


def with_cell(table: str, row: int, column: str, people: float) -> Callable[[Result], Result]:
    def change(result: Result) -> Result:
        frame = getattr(result, table).copy()
        frame[column] = frame[column].astype(np.float64)
        frame.loc[row, column] += people
        return replace(result, **{table: frame})

    return change


def with_policy(row: int, part: str, people: float) -> Callable[[Result], Result]:
    def change(result: Result) -> Result:
        return with_cell("policies", row, "people_served", -people)(
            with_cell("policies", row, part, people)(result)
        )

    return change


def changes_of(table: str, row: int, column: str) -> Iterator[Callable[[Result], Result | None]]:
    """Yield other values of a secret, the farthest first."""
    for size in range(9, 1 if table == "communes" and row == 1 else 2, -1):
        for people in (float(size), float(-size)):
            if table == "communes":
                others = (o for o in PARTS if o != column)
                yield from (with_part(row, column, o, people, back) for o in others for back in range(3, 7))
            elif table == "policies" and column in PARTS:
                yield with_policy(row, column, people)
            else:
                yield with_cell(table, row, column, people)


def sound(result: Result) -> bool:
    """Return whether a world can be: nobody is fewer than nobody."""
    counts = [result.options[["people_gained", "people_alone"]], result.plan[["people_gained"]],
              result.policies[[*PARTS, "guests", "plan_people_gained"]], result.sites[["people_served"]]]  # fmt: skip
    return all((frame.to_numpy(np.float64) >= 0).all() for frame in counts)


def look_the_same(one: Result, other: Result) -> bool:
    for name in TABLES:
        a, b = getattr(one, name), getattr(other, name)
        if (a is None) != (b is None) or (a is not None and not pd.DataFrame(a).equals(pd.DataFrame(b))):
            return False
    return (one.summary, one.provenance, one.scenario_toml) == (
        other.summary,
        other.provenance,
        other.scenario_toml,
    ) and (np.array_equal(one.access_class, other.access_class))


SECRETS = {
    "a gap of a commune": ("communes", 0, "gap_no_signal"),
    "another gap of it": ("communes", 0, "gap_unstable"),
    "a gap of a large commune": ("communes", 2, "gap_locked"),
    "a gap of a commune of three": ("communes", 1, "gap_no_signal"),
    "people of an option": ("options", 3, "people_gained"),
    "people of an option alone": ("options", 3, "people_alone"),
    "people of a work of the plan": ("plan", 5, "people_gained"),
    "guests under a policy": ("policies", 1, "guests"),
    "people a plan gains under a policy": ("policies", 2, "plan_people_gained"),
    "people of a site": ("sites", 7, "people_served"),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_another_world_with_another_secret_shows_the_very_same_results_under_all_settings(whole, secret):
    table, row, column = secret
    assert small(float(getattr(whole, table)[column].iloc[row])), "it is a secret"
    same = [redact(whole, s) for s in SETTINGS]
    for change in changes_of(*secret):
        other = change(whole)
        if (
            other is not None
            and sound(other)
            and all(
                look_the_same(a, redact(consistent(other), s)) for a, s in zip(same, SETTINGS, strict=True)
            )
        ):
            return
    pytest.fail("what is shown tells it to within two people")
