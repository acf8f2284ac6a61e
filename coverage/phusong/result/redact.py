"""Disclosure control: no hidden place nearer than its square, no group of few people, no figure that tells either.

What leaves is decided by :mod:`phusong.result.schema`, column by column; what is not declared there does not leave. The result is built
from nothing, column by column, so that a table or figure that somebody adds later stays at home until it is given a rule.

Places. Sites that are hidden (by structure, owner or a list) are moved to the middle of a square, or lose their place. Whatever
tells how far a hidden place is from one that is shown does not leave either: hours and availability of sites, works by site,
prices that hold a distance, ranks that such prices order, rasters, villages. Sides of squares are 1000 m times a power of two, so that the
squares of two redactions lie within each other and their overlap is never smaller than the smaller one.

People. The five parts of a commune (served and the four gaps) are rounded to multiples of ``least_people`` by largest
remainders, so that they sum to the largest multiple within the population; what is left of the population goes to the
largest part. So no part lies between 0 and ``least_people`` and the five still sum to the population, which stays as it
is (it is public). A commune with fewer people than that is withheld: zero people, flag ``withheld``. Other counts are rounded to
multiples, those above zero never to zero. Shares of people are made anew from rounded counts. Steps are 5 people times a power of two,
each rounded from the one before, so that two redactions of a result tell no more than the finer one. Options are ranked anew
by what is shown, totals are summed anew, and no text repeats an exact count.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Protocol, TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio.features
import shapely
import tomli_w
from pydantic import BaseModel

from phusong.compute.array_types import Bools, Floats
from phusong.errors import InputError, Problem, nearest_name
from phusong.io.text import (
    Code,
    Figure,
    Row,
    Said,
    Say,
    Text,
    place_words,
    plain,
    round_count,
    round_digits,
    round_parts,
)
from phusong.region.read.encoding import fold
from phusong.region.schema import LAYERS
from phusong.result.model import ResultData
from phusong.result.provenance import digest
from phusong.result.schema import (
    FIGURES,
    GAP_PARTS,
    PROVENANCE,
    SCENARIO_TEXTS,
    TABLES,
    Leaves,
    ResultColumn,
    as_words,
)
from phusong.scenario import Scenario

__all__ = ["Redaction", "critical_sites", "redact"]

R = TypeVar("R", bound=ResultData)


_PARTS = ("people_served", *GAP_PARTS)
_HIDDEN = "withheld"
_BASE_M = 1000.0
_BASE_PEOPLE = 5
_FEW_PRICES = 5  # a mean of fewer would tell one of them


@dataclass(frozen=True)
class Redaction:
    """What is withheld.

    Parameters
    ----------
    grid_m : float
        Side of the squares to which places are rounded; 1000 times a power of two, others are raised to the next. [m]
    withhold : bool
        Hidden sites lose their place instead.
    structures, owners, site_ids : tuple of str
        What hides a site: its structure, its owner, or being on a list; capitals and diacritics do not matter.
    least_people : int
        Least number of people that is shown, and the step of all others: 5 times a power of two, others are raised to the next;
        0 shows every count.

    Raises
    ------
    InputError
        If a square has no size, or the least number is negative.
    """

    grid_m: float = 1000.0
    withhold: bool = False
    structures: tuple[str, ...] = ("exchange",)
    owners: tuple[str, ...] = ()
    site_ids: tuple[str, ...] = ()
    least_people: int = 10

    def __post_init__(self) -> None:
        problems = []
        if not (np.isfinite(self.grid_m) and self.grid_m > 0):
            problems.append(
                Problem("redaction", "must be above 0 (metres)", column="grid_m", value=self.grid_m)
            )
        if self.least_people < 0:
            problems.append(
                Problem("redaction", "must not be negative", column="least_people", value=self.least_people)
            )
        if problems:
            raise InputError(problems)

    @property
    def side_m(self) -> float:
        """Side of the squares. [m]"""
        return float(_BASE_M * 2.0 ** np.ceil(np.log2(self.grid_m / _BASE_M) - 1e-9))

    @property
    def steps(self) -> tuple[int, ...]:
        """Steps to which counts are rounded one after the other; none where every count is shown."""
        if self.least_people <= 1:
            return ()
        found = [_BASE_PEOPLE]
        while found[-1] < self.least_people:
            found.append(2 * found[-1])
        return tuple(found)


class _WithSites(Protocol):
    @property
    def sites(self) -> gpd.GeoDataFrame: ...


@dataclass(frozen=True)
class _Shown:
    """What the rules of all columns look at."""

    rules: Redaction
    critical: Bools
    names: frozenset[str]

    @property
    def hides(self) -> bool:
        return bool(self.critical.any())

    def count(self, people: npt.ArrayLike) -> Floats:
        """Return counts as they are shown; losses are rounded as gains are."""
        given = np.asarray(people, np.float64)
        size, sign = np.abs(given), np.sign(given)
        for step in self.rules.steps:
            size = round_count(size, step)
        return np.asarray(np.where(np.isnan(given), np.nan, sign * size))

    def parts(self, people: npt.ArrayLike) -> Floats:
        """Return parts of wholes as they are shown."""
        out = np.asarray(people, np.float64)
        for step in self.rules.steps:
            out = round_parts(out, step)
        return out


def redact(result: R, rules: Redaction | None = None) -> R:
    """Return a result of which every file, map and page may leave the house.

    Parameters
    ----------
    result : ResultData
        As it was found.
    rules : Redaction, optional
        What is withheld; exchanges to 1 km and counts below 10 when left out.

    Raises
    ------
    InputError
        If a structure, owner or site is none of the result's: a typing error must not publish a place.
    """
    rules = rules or Redaction()
    critical = critical_sites(result, rules)
    names = frozenset(result.sites["site_id"].astype(str)[critical])
    shown = _Shown(rules, critical, names)
    communes = _communes(result.communes, shown)
    parts: dict[str, Any] = {
        "communes": communes,
        "sites": _sites(result.sites, shown),
        "access_class": _commune_classes(result, communes),
        "rsrp_dbm": np.full(result.grid.shape, np.nan, np.float32),
        "grid": result.grid,
        "scenario_toml": _scenario(result.scenario_toml),
    }
    keys = _keys(result)
    prices = _prices(result, shown)
    parts["options"] = _options(result, communes, shown, keys, prices)
    parts["plan"] = _plan(result, shown, keys, prices)
    parts["policies"] = _policies(result, communes, shown)
    parts["curve"] = _curve(result.curve, parts["options"], shown)
    parts["calibration"] = _calibration(result, shown)
    parts["layers"] = _by_rule(result.layers, "layers", shown)
    # what no rule lets out is empty
    absent = {f.name for f in fields(ResultData) if f.default is MISSING and f.default_factory is MISSING}
    summary = _summary(result.summary, parts, shown)
    origin = _provenance(result.provenance, parts["scenario_toml"], shown)
    found = {**parts, "summary": summary, "provenance": origin}
    missing = absent - found.keys()
    if missing:
        raise TypeError(f"no rule says how {', '.join(sorted(missing))} leaves the house")
    return type(result)(**found)


def critical_sites(result: _WithSites, rules: Redaction) -> Bools:
    """Return which sites of a result, or of a region, are hidden.

    Raises
    ------
    InputError
        If a name matches nothing, told with the nearest name there is.
    """
    sites = result.sites
    found = np.zeros(len(sites), bool)
    problems = []
    known_structures = next(c.among for c in LAYERS["sites"] if c.name == "structure")
    asked = (
        ("site_ids", "site_id", rules.site_ids, ()),
        ("structures", "structure", rules.structures, known_structures),
        ("owners", "owner", rules.owners, ()),
    )
    for option, column, words, known in asked:
        if not words:
            continue
        if column not in sites:
            told = f"cannot be told: the sites of this result have no column {column}; name what is hidden otherwise"
            problems.append(Problem("redaction", told, column=option, value=", ".join(words)))
            continue
        values = sites[column].fillna("").astype(str)
        folded = values.map(fold)
        for word in words:
            exact = (values == word).to_numpy()
            same = exact if exact.any() else (folded == fold(word)).to_numpy() & (fold(word) != "")
            found |= same
            if not same.any() and fold(word) not in {fold(k) for k in known}:
                there = sorted(set(values) | set(known))
                near = nearest_name(word, there)
                listed = f"; there are {', '.join(there[:12])}" if len(there) <= 40 and not near else ""
                told = f"is no {column} of the result{near}{listed}"
                problems.append(Problem("redaction", told, column=option, value=word))
    if problems:
        raise InputError(problems)
    return found


def _by_rule(
    frame: Any,  # noqa: ANN401 - with or without geometry
    table: str,
    shown: _Shown,
    remade: Mapping[str, Any] | None = None,
) -> Any:  # noqa: ANN401 - with or without geometry
    """Return the columns of a table that may leave, each by its rule; those of rule ``remade`` and the like are given.

    A required column that must not be seen is there without values.
    """
    given = remade or {}
    if frame.empty and not len(frame.columns):
        return pd.DataFrame()
    out: dict[str, Any] = {}
    for name in map(str, frame.columns):
        column = TABLES[table].column(name)
        if column is None or column.leaves is Leaves.NEVER:
            continue
        if name in given:
            out[name] = given[name]
        else:
            values = _value(frame[name], column, shown)
            if values is not None:
                out[name] = values
    made = pd.DataFrame(out, index=frame.index)
    for name, values in given.items():
        if name not in out:
            made[name] = values
    if "geometry" in made:
        return gpd.GeoDataFrame(made, geometry="geometry", crs=frame.crs)
    return made.reset_index(drop=True)


def _value(values: "pd.Series[Any]", column: ResultColumn, shown: _Shown) -> Any:  # noqa: ANN401 - a column, or nothing
    """Return a column by its rule; None when it does not leave, or is made elsewhere."""
    rule = column.leaves
    if rule is Leaves.PUBLIC:
        return values
    if rule is Leaves.COUNT:
        return _as_before(shown.count(values.to_numpy(np.float64, na_value=np.nan)), values)
    if rule is Leaves.COARSE:
        return round_digits(values.to_numpy(np.float64, na_value=np.nan), 2)
    if rule is Leaves.DERIVED:
        if not shown.hides:
            number = column.unit == "people"
            return (
                _as_before(shown.count(values.to_numpy(np.float64, na_value=np.nan)), values)
                if number
                else values
            )
        if column.required:
            return _HIDDEN if column.kind in {"text", "words"} else np.nan
    return None


def _as_before(shown: Floats, before: "pd.Series[Any]") -> "pd.Series[Any]":
    whole = pd.api.types.is_integer_dtype(before.dtype)
    return pd.Series(shown.astype(np.int64) if whole else shown, index=before.index)


def _communes(communes: gpd.GeoDataFrame, shown: _Shown) -> gpd.GeoDataFrame:
    parts = shown.parts(communes[list(_PARTS)].to_numpy(np.float64))
    people = parts.sum(axis=1)
    before = communes["population"].to_numpy(np.float64)
    hidden = (before > 0) & (people == 0)
    share = np.divide(parts[:, 0], people, out=np.zeros_like(people), where=people > 0)
    made: dict[str, Any] = {name: _as_before(parts[:, k], communes[name]) for k, name in enumerate(_PARTS)}
    made["population"] = _as_before(np.where(hidden, 0.0, before), communes["population"])
    made["share_served"] = np.where(before > 0, share, communes["share_served"].to_numpy(np.float64))
    made["hours_lost_year"] = np.where(
        hidden, np.nan, np.round(communes["hours_lost_year"].to_numpy(np.float64))
    )
    for column in TABLES["communes"].columns:
        if column.leaves is Leaves.SHARE and column.name in communes:
            made[column.name] = _share(communes[column.name], before, hidden, shown)
    made["withheld"] = hidden
    return _by_rule(communes, "communes", shown, made)


def _share(share: "pd.Series[Any]", people: Floats, hidden: Bools, shown: _Shown) -> Floats:
    """Return shares of people of which neither the part nor the rest is a small group."""
    given = share.to_numpy(np.float64)
    sound = np.isfinite(given) & (people > 0) & ~hidden
    part = np.where(sound, np.clip(given, 0.0, 1.0) * people, 0.0)
    two = shown.parts(np.c_[part, np.where(sound, people, 0.0) - part])
    total = two.sum(axis=1)
    return np.asarray(
        np.where(sound, np.divide(two[:, 0], total, out=np.zeros_like(total), where=total > 0), np.nan)
    )


def _sites(sites: gpd.GeoDataFrame, shown: _Shown) -> gpd.GeoDataFrame:
    places = np.asarray(sites.geometry.to_numpy(), dtype=object).copy()
    critical, rules = shown.critical, shown.rules
    if rules.withhold:
        places[critical] = shapely.Point()
    else:
        xy = np.c_[sites.geometry.x.to_numpy(np.float64), sites.geometry.y.to_numpy(np.float64)][critical]
        places[critical] = shapely.points(_middles(xy, rules.side_m))
    words = _HIDDEN if rules.withhold else f"rounded to {rules.side_m:g} m"
    made = {
        "geometry": gpd.GeoSeries(places, index=sites.index, crs=sites.crs),
        "place": np.where(critical, words, "exact"),
    }
    return _by_rule(sites, "sites", shown, made)


def _commune_classes(result: ResultData, communes: gpd.GeoDataFrame) -> npt.NDArray[np.uint8]:
    """Return for each pixel of the land what most people of its commune have: nothing smaller is shown."""
    parts = communes[[*GAP_PARTS, "people_served"]].to_numpy(np.float64)
    code = np.where(parts.sum(axis=1) > 0, parts.argmax(axis=1) + 1, 0)
    shapes = communes.geometry.to_crs(result.grid.crs)
    pairs = [
        (shape, k) for k, shape in enumerate(shapes, start=1) if shape is not None and not shape.is_empty
    ]
    land = result.access_class > 0
    if not pairs or not land.any():
        return np.zeros(result.grid.shape, np.uint8)
    at = rasterio.features.rasterize(
        pairs, out_shape=result.grid.shape, transform=result.grid.transform, fill=0, dtype="int32"
    )
    return np.where(land & (at > 0), np.r_[0, code][at], 0).astype(np.uint8)


def _keys(result: ResultData) -> Callable[[str], str]:
    """Return how works are called: by their kind and a number, since a site would say where they stand."""
    order = [r for cell in result.options["remedies"] for r in as_words(cell)]
    order += result.plan["remedy_id"].astype(str).tolist()
    number: dict[str, int] = {}
    for remedy in order:
        number.setdefault(remedy, len(number) + 1)
    return lambda remedy: f"{_kind(remedy)}@{number[remedy]:05d}"


def _kind(remedy: str) -> str:
    # a remedy is KIND@SITE or KIND@SITE/OPERATOR
    return remedy.partition("@")[0] if "@" in remedy else "work"


def _prices(result: ResultData, shown: _Shown) -> dict[str, tuple[float, float, float]]:
    """Return what each remedy is said to cost (net present, to build, a year): while places are hidden, the mean of its kind."""
    book = result.remedies
    columns = ["cost_musd", "capex_musd", "opex_musd_year"]
    if book.empty or not {"remedy_id", *columns} <= set(book.columns):
        return {}
    ids = book["remedy_id"].astype(str).tolist()
    exact = book[columns].to_numpy(np.float64)
    if not shown.hides:
        return {i: (row[0], row[1], row[2]) for i, row in zip(ids, exact.tolist(), strict=True)}
    kinds = np.array([_kind(i) for i in ids])
    planned = np.isin(ids, result.plan["remedy_id"].astype(str).to_numpy(str))
    mean = np.zeros_like(exact)
    for kind in np.unique(kinds):
        mine = kinds == kind
        mean[mine] = _mean(exact[mine])
        for half in (mine & planned, mine & ~planned):
            if half.sum() >= _FEW_PRICES:
                mean[half] = _mean(exact[half])
    spent = float(mean[planned, 0].sum())
    if spent > 0:
        # the plan as a whole costs what it costs, down to the third digit: no more than its budget
        mean[planned] *= _rounded_down(float(exact[planned, 0].sum()), 3) / spent
    return {i: (row[0], row[1], row[2]) for i, row in zip(ids, mean.tolist(), strict=True)}


def _rounded_down(value: float, digits: int) -> float:
    step = 10.0 ** (np.floor(np.log10(value)) - digits + 1) if value > 0 else 1.0
    return float(round_digits([np.floor(value / step + 1e-9) * step], digits)[0])


def _mean(costs: Floats) -> Floats:
    return round_digits(costs.mean(axis=0), 2 if len(costs) >= _FEW_PRICES else 1)


def _money(
    works: Iterable[Iterable[str]],
    exact: pd.DataFrame,
    prices: Mapping[str, tuple[float, float, float]],
    *,
    hides: bool,
) -> Floats:
    """Return the money of each row: the price of the works that no row before has paid for."""
    lists = [list(w) for w in works]
    if not hides:
        return exact.to_numpy(np.float64)
    if prices.keys() >= {w for row in lists for w in row}:
        seen: set[str] = set()
        out = np.zeros((len(lists), 3))
        for k, row in enumerate(lists):
            new = [w for w in row if w not in seen]
            seen.update(new)
            out[k] = np.sum([prices[w] for w in new], axis=0) if new else 0.0
        return np.asarray(out.round(9))
    # nothing says what each work costs: rows of the same works share their mean
    kinds = [tuple(sorted(Counter(map(_kind, row)).items())) for row in lists]
    money = exact.to_numpy(np.float64)
    out = np.zeros_like(money)
    for kind in set(kinds):
        mine = np.array([k == kind for k in kinds], bool)
        out[mine] = _mean(money[mine])
    return out


def _options(
    result: ResultData,
    communes: pd.DataFrame,
    shown: _Shown,
    keys: Callable[[str], str],
    prices: Mapping[str, tuple[float, float, float]],
) -> pd.DataFrame:
    options = result.options.sort_values("rank", kind="stable").reset_index(drop=True)
    works = [as_words(r) for r in options["remedies"]]
    money = _money(works, options[["cost_musd", "capex_musd", "opex_musd_year"]], prices, hides=shown.hides)
    gained = shown.count(options["people_gained"].to_numpy(np.float64))
    per = np.divide(gained, money[:, 0], out=np.full(gained.shape, np.inf), where=money[:, 0] > 0)
    listed = [";".join(map(keys, w)) for w in works] if shown.hides else options["remedies"].tolist()
    made: dict[str, Any] = {
        "rank": 0,
        "remedies": pd.Series(listed, index=options.index, dtype=object),
        "cost_musd": money[:, 0],
        "capex_musd": money[:, 1],
        "opex_musd_year": money[:, 2],
        "people_per_musd": per,
        "cumulative_cost_musd": 0.0,
        "cumulative_people": 0.0,
        # the range of a rank tells what is rounded away
        "rank_p05": np.nan,
        "rank_p95": np.nan,
        "why": "",
    }
    out: pd.DataFrame = _by_rule(options, "options", shown, made)
    out = out.loc[_order(works, per, out["bundle_id"].astype(str))].reset_index(drop=True)
    out["rank"] = np.arange(1, len(out) + 1)
    out["cumulative_cost_musd"] = out["cost_musd"].cumsum()
    out["cumulative_people"] = out["people_gained"].cumsum()
    named = dict(zip(communes["commune_code"].astype(str), communes["name"].astype(str), strict=True))
    out["why"] = [_why(row, named) for row in out.to_dict("records")]
    return out


def _order(works: list[list[str]], per_musd: Floats, keys: "pd.Series[str]") -> pd.Index:
    """Return the order of what is shown: the order of the exact figures would tell them.

    An option stays behind those that pay for works it needs, however good it is then; equals go by their key.
    """
    payer: dict[str, int] = {}
    best = per_musd.astype(np.float64).copy()
    depth = np.zeros(len(works), np.int64)
    for k, row in enumerate(works):
        before = sorted({payer[w] for w in row if w in payer})
        if before:
            best[k] = min(best[k], best[before].min())
            depth[k] = 1 + depth[before].max()
        for work in row:
            payer.setdefault(work, k)
    by = pd.DataFrame({"best": -best, "depth": depth, "key": keys.to_numpy(str)}, index=keys.index)
    return by.sort_values(["best", "depth", "key"]).index


def _why(row: Mapping[Any, Any], names: Mapping[str, str]) -> str:
    """Say again why an option stands where it does, from what is shown of it."""
    return plain(_rounded_sentence(row, names), Text())


def _plan(
    result: ResultData,
    shown: _Shown,
    keys: Callable[[str], str],
    prices: Mapping[str, tuple[float, float, float]],
) -> pd.DataFrame:
    plan = result.plan.reset_index(drop=True)
    columns = ["cost_musd", "capex_musd", "opex_musd_year"]
    exact = plan.reindex(columns=columns)
    ids = plan["remedy_id"].astype(str).tolist()
    money = _money([[i] for i in ids], exact, prices, hides=shown.hides)
    made: dict[str, Any] = {c: money[:, k] for k, c in enumerate(columns) if c in plan}
    made["remedy_id"] = [keys(i) for i in ids] if shown.hides else plan["remedy_id"]
    out: pd.DataFrame = _by_rule(plan, "plan", shown, made)
    return out


def _policies(result: ResultData, communes: pd.DataFrame, shown: _Shown) -> pd.DataFrame:
    policies = result.policies
    if policies.empty or not set(_PARTS) <= set(policies.columns):
        return pd.DataFrame()
    parts = _beside(policies, communes, str(result.summary.get("policy")), shown)
    made: dict[str, Any] = {n: _as_before(parts[:, k], policies[n]) for k, n in enumerate(_PARTS)}
    none = (policies["policy"].astype(str) == "none").to_numpy()
    if "people_gained" in policies:
        made["people_gained"] = parts[:, 0] - parts[none, 0][0] if none.any() else np.nan
    out: pd.DataFrame = _by_rule(policies, "policies", shown, made)
    return out


def _beside(policies: pd.DataFrame, communes: pd.DataFrame, in_force: str, shown: _Shown) -> Floats:
    """Return the parts under each policy: those of the communes under the one in force, the others by their difference.

    So the policy in force says what the communes say, and one that changes nothing is seen to change nothing.
    """
    exact = policies[list(_PARTS)].to_numpy(np.float64)
    mine = np.flatnonzero((policies["policy"].astype(str) == in_force).to_numpy())
    if not mine.size:
        return shown.parts(exact)
    base = communes[list(_PARTS)].sum().to_numpy(np.float64)
    out = np.tile(base, (len(exact), 1))
    out[:, 1:] += shown.count(exact[:, 1:] - exact[mine[0], 1:])
    least = (shown.rules.steps or (0,))[-1]
    small = out[:, 1:] < least
    small &= (exact != exact[mine[0]])[:, 1:]
    out[:, 1:] = np.where(small, np.where(exact[:, 1:] > 0, least, 0.0), out[:, 1:])
    out[:, 0] = base.sum() - out[:, 1:].sum(axis=1)
    return np.asarray(out)


def _curve(curve: pd.DataFrame, options: pd.DataFrame, shown: _Shown) -> pd.DataFrame:
    if curve.empty or not {"cost_musd", "people"} <= set(curve.columns):
        return pd.DataFrame()
    budgets = curve[curve["cost_musd"].isna()]
    bounds: pd.DataFrame = _by_rule(budgets, "curve", shown, {"cost_musd": np.nan, "people": np.nan})
    ranked = pd.DataFrame(
        {
            "cost_musd": np.r_[0.0, options["cumulative_cost_musd"].to_numpy(np.float64)],
            "people": np.r_[0.0, options["cumulative_people"].to_numpy(np.float64)],
        }
    )
    if {"bound_people", "plan_people"} <= set(bounds.columns):
        bounds["bound_people"] = bounds[["bound_people", "plan_people"]].max(axis=1)
    if bounds.empty:
        return ranked.reindex(columns=bounds.columns)
    together = {c: np.r_[ranked.get(c, pd.Series(np.nan, ranked.index)), bounds[c]] for c in bounds.columns}
    return pd.DataFrame(together).astype(np.float64)


def _calibration(result: ResultData, shown: _Shown) -> pd.DataFrame:
    facts = result.calibration
    if facts.empty or not {"model", "unit"} <= set(facts.columns):
        return pd.DataFrame()
    model = round_digits(facts["model"].to_numpy(np.float64), 2)
    people = float(result.communes["population"].sum())
    # half a unit of the second digit of a share must be more people than the least shown
    coarse = people * 0.005 >= (shown.rules.steps or (0,))[-1]
    share = facts["unit"].astype(str).str.contains("share|%").to_numpy()
    made = {"model": np.where(share & (not coarse), np.nan, model)}
    out: pd.DataFrame = _by_rule(facts, "calibration", shown, made)
    return out


def _middles(xy: Floats, side_m: float) -> Floats:
    return np.asarray((np.floor(xy / side_m) + 0.5) * side_m)


def _summary(summary: Mapping[str, Any], parts: Mapping[str, Any], shown: _Shown) -> dict[str, Any]:
    communes, plan, options = parts["communes"], parts["plan"], parts["options"]
    population = communes["population"].to_numpy(np.float64)
    people = float(population.sum())
    whole = isinstance(summary.get("people"), int)

    def mean(name: str) -> float | None:
        values = communes[name].to_numpy(np.float64) if name in communes else np.zeros(0)
        at = np.isfinite(values) & (population > 0) if values.size else np.zeros(0, bool)
        return float((values[at] * population[at]).sum() / population[at].sum()) if at.any() else None

    totals = {p: float(communes[p].sum()) for p in _PARTS}
    measured, hours = mean("share_measured"), mean("hours_lost_year")
    gained, cost = float(plan["people_gained"].sum()), float(plan["cost_musd"].sum())
    old: Any = summary.get("plan") or {}
    bound = old.get("bound_people")
    bound = max(float(shown.count([float(bound)])[0]), gained) if _is_number(bound) else None
    remade: dict[str, Any] = {
        "people": int(people) if whole else people,
        **{p: int(v) if whole else v for p, v in totals.items()},
        "share_served": totals["people_served"] / people if people else 0.0,
        "share_measured": None if measured is None else round(measured, 2),
        "hours_lost_year_mean": None if hours is None else round(hours),
        "policies": parts["policies"].to_dict("records"),
        "provinces": _provinces(communes, whole=whole),
        "calibration": parts["calibration"].to_dict("records"),
        "plan.people_gained": int(gained) if whole else gained,
        "plan.cost_musd": round(cost, 9),
        "plan.bound_people": bound,
        "plan.distance_share": round((bound - gained) / bound, 2) if bound else None,
        "plan.cost_to_close_musd": round(float(options["cost_musd"].sum()), 9),
        "plan.people_closable": float(options["people_gained"].sum()),
    }
    out = _figures(summary, "", remade, shown)
    # what the folder would add by itself
    out |= {k: remade[k] for k in ("policies", "provinces", "calibration")}
    out["redaction"] = _facts(shown)
    return out


def _figures(
    values: Mapping[str, Any], group: str, remade: Mapping[str, Any], shown: _Shown
) -> dict[str, Any]:
    """Return the figures that may leave, each by its rule."""
    out: dict[str, Any] = {}
    for name, value in values.items():
        full = f"{group}{name}"
        if isinstance(value, Mapping) and any(f.startswith(f"{full}.") for f in FIGURES):
            out[name] = _figures(value, f"{full}.", remade, shown)
            continue
        figure = FIGURES.get(full) or FIGURES.get(f"{group}*")
        if figure is None or value is None:
            continue
        if full in remade:
            out[name] = remade[full]
        elif figure.leaves is Leaves.PUBLIC and isinstance(value, (str, int, float)):
            out[name] = value
        elif figure.leaves is Leaves.COUNT and _is_number(value):
            out[name] = float(shown.count([float(value)])[0])
        elif figure.leaves is Leaves.COARSE and _is_number(value):
            out[name] = float(round_digits([float(value)], 2)[0])
    return out


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _provinces(communes: pd.DataFrame, *, whole: bool) -> list[dict[str, Any]]:
    sums = communes.groupby("province", sort=True)[["population", *_PARTS]].sum()
    return [
        {"province": str(n), **{str(k): int(v) if whole else float(v) for k, v in row.items()}}
        for n, row in sums.iterrows()
    ]


def _scenario(text: str) -> str:
    """Return the scenario's numbers, flags and known words, without texts that somebody wrote: paths, names, lists of sites."""
    return tomli_w.dumps(_settings(tomllib.loads(text), "", Scenario))


def _settings(table: Mapping[str, Any], prefix: str, model: type[BaseModel]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in table.items():
        full = prefix + name
        if name not in model.model_fields:
            continue
        inner = model.model_fields[name].annotation
        if isinstance(value, Mapping):
            # the keys of a free table (crews by name) are somebody's words
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                out[name] = _settings(value, f"{full}.", inner)
        elif (
            isinstance(value, (bool, int, float))
            or full in SCENARIO_TEXTS
            or (isinstance(value, list) and all(isinstance(v, (bool, int, float)) for v in value))
        ):
            out[name] = value
    return out


def _facts(shown: _Shown) -> dict[str, Any]:
    """Return what is said of the redaction; who and what is listed stays out of it."""
    facts = {k: v for k, v in asdict(shown.rules).items() if k not in {"site_ids", "owners", "structures"}}
    return {
        **facts,
        "grid_m": shown.rules.side_m,
        "least_people": (shown.rules.steps or (0,))[-1],
        "structures": ", ".join(shown.rules.structures),
        "listed_owners": len(shown.rules.owners),
        "listed_sites": len(shown.rules.site_ids),
    }


def _provenance(provenance: Mapping[str, Any], scenario: str, shown: _Shown) -> dict[str, Any]:
    kept = {k: v for k, v in provenance.items() if k in PROVENANCE and PROVENANCE[k].leaves is Leaves.PUBLIC}
    found = {
        **kept,
        "scenario_sha256": hashlib.sha256(scenario.encode()).hexdigest(),
        "redaction": {**_facts(shown), "critical_sites": int(shown.critical.sum())},
    }
    return {**found, "digest": digest(found)}


def _rounded_sentence(row: Mapping[Any, Any], names: Mapping[str, str]) -> Say:
    """Return what an option does, of a row whose people are rounded and whose reasons are withheld."""
    works = Row(
        tuple(Code("kind", k) for k in dict.fromkeys(as_words(row["kinds"]))), style="", between=" + "
    )
    places: list[Said] = [place_words(c, names) for c in as_words(row["commune_code"])]
    parts: dict[str, Said] = {
        "works": works,
        "communes": Row(tuple(places), style=""),
        "people": Figure(row["people_gained"]),
    }
    if float(row["cost_musd"]) <= 0:
        return Say("reason.rounded_free", **parts)
    return Say("reason.rounded", cost=Figure(row["cost_musd"], "money"), **parts)
