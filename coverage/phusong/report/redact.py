"""A result that may leave the house: critical sites without their exact place, no small number of people.

Places. Sites that are critical (by structure, owner or a list) are moved to the middle of a coarse square, or lose
their place; so do options that touch them. Rasters are coarsened to squares of that size everywhere: the strongest
signal stands where the mast stands, and a blur around critical sites alone would point at them.

People. The five parts of a commune (served and the four gaps) are rounded to multiples of ``least_people`` by largest
remainders, so that they sum to the largest multiple within the population; what is left of the population goes to the
largest part. So no part lies between 0 and ``least_people``, the five still sum to the population, which stays as it
is (it is public), and no part is off by ``2 * least_people`` or more. A commune with fewer people than that is
withheld: zero people, flag ``withheld``. Other counts (of sites, options, plans, villages) are rounded to multiples,
those above zero never to zero: the least that is shown stands for itself and all below. Totals are summed or rounded
anew from what is shown, and no text repeats an exact count.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from phusong.errors import InputError, Problem
from phusong.invest.options_table import WHY_COLUMNS
from phusong.report.coarse import coarse_classes, coarse_levels
from phusong.report.option_words import rounded_sentence
from phusong.report.provenance import digest
from phusong.report.result import GAP_PARTS, Result, as_words
from phusong.report.rounding import round_count, round_parts
from phusong.report.sentences import plain
from phusong.report.text import Text

__all__ = ["Redaction", "critical_sites", "redact"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_PARTS = ("people_served", *GAP_PARTS)
_HIDDEN = "withheld"
_EXACT_SHARES = ("ready_share", "has_signal", "has_power", "has_backhaul")
_COUNTS = ("people_gained", "people_alone", "cumulative_people", "people_heard", "people", "bound_people",
           "people_closable", "people_served_with_plan", "plan_people_gained", "people_gained_with_plan", "guests",
           "expected_people", "people_p05", "people_p95", "sharing_remedies")  # fmt: skip


@dataclass(frozen=True)
class Redaction:
    """What is withheld.

    Parameters
    ----------
    grid_m : float
        Side of the squares to which places are rounded. [m]
    withhold : bool
        Critical sites lose their place instead.
    structures, owners, site_ids : tuple of str
        What makes a site critical: its structure, its owner, or being on a list.
    least_people : int
        Least number of people that is shown, and the step of all others; 0 shows every count.

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


def redact(result: Result, rules: Redaction | None = None) -> Result:
    """Return a result of which every file, map and page may leave the house.

    Parameters
    ----------
    result : Result
        As it was found.
    rules : Redaction, optional
        What is withheld; exchanges to 1 km and counts below 10 when left out.

    Raises
    ------
    InputError
        If a listed site is none of the result's.
    """
    rules = rules or Redaction()
    critical = critical_sites(result, rules)
    names = frozenset(result.sites["site_id"].astype(str)[critical])
    communes = _communes(result.communes, rules.least_people)
    classes, rsrp = result.access_class, result.rsrp_dbm
    if names:
        side = int(np.ceil(rules.grid_m / result.grid.cell_m))
        classes, rsrp = coarse_classes(classes, side), coarse_levels(rsrp, classes > 0, side)
    counts = [_counted(f, rules.least_people) for f in (result.plan, result.curve)]
    out = replace(
        result,
        communes=communes,
        sites=_sites(result.sites, critical, rules),
        options=_options(result.options, communes, names, rules),
        plan=counts[0],
        curve=counts[1],
        policies=_policies(result.policies, rules.least_people),
        settlements=_villages(result.settlements, rules.least_people),
        repairs=_repairs(result.repairs, names),
        access_class=classes,
        rsrp_dbm=rsrp,
        # they name the assets that hurt most, and who hangs on them
        causes=pd.DataFrame(),
        cuts=pd.DataFrame(),
        hops=pd.DataFrame(),
        locked_assets=pd.DataFrame(),
        locks=pd.DataFrame(),
        readiness=pd.DataFrame(),
        policy_communes=pd.DataFrame(),
        stranded=pd.DataFrame(),
        isolated_builds=pd.DataFrame(),
        schedule=pd.DataFrame(),
        funds=pd.DataFrame(),
        milestones=pd.DataFrame(),
        late=pd.DataFrame(),
        interim=pd.DataFrame(),
        alternatives=pd.DataFrame(),
        option_communes=pd.DataFrame(),
        plan_communes=pd.DataFrame(),
        plan_line_communes=pd.DataFrame(),
        # they hold exact counts and places of everything that could be bought
        remedies=pd.DataFrame(),
        bundles=pd.DataFrame(),
        people_groups=pd.DataFrame(),
        bundle_groups=pd.DataFrame(),
        robustness=pd.DataFrame(),
        tornado=pd.DataFrame(),
    )
    return replace(
        out,
        summary=_summary(result.summary, out, rules),
        provenance=_provenance(result.provenance, rules, len(names)),
    )


def critical_sites(result: Result, rules: Redaction) -> Flags:
    """Return which sites of a result are critical.

    Raises
    ------
    InputError
        If a listed site is none of the result's: a typing error must not publish a place.
    """
    sites = result.sites
    ids = sites["site_id"].astype(str)
    unknown = [s for s in rules.site_ids if s not in set(ids)]
    if unknown:
        raise InputError(
            [Problem("redaction", "is no site of the result", column="site_ids", value=s) for s in unknown]
        )
    found = ids.isin(rules.site_ids)
    for column, words in (("structure", rules.structures), ("owner", rules.owners)):
        if column in sites:
            found |= sites[column].astype(str).isin(words)
    return np.asarray(found.to_numpy(bool))


def _communes(communes: gpd.GeoDataFrame, least: int) -> gpd.GeoDataFrame:
    shown = round_parts(communes[list(_PARTS)].to_numpy(np.float64), least)
    out = communes.copy()
    for k, name in enumerate(_PARTS):
        out[name] = pd.Series(shown[:, k], index=out.index).astype(communes[name].dtype)
    people = shown.sum(axis=1)
    before = communes["population"].to_numpy(np.float64)
    hidden = (before > 0) & (people == 0)
    out["population"] = np.where(hidden, 0.0, before).astype(communes["population"].dtype)
    share = np.divide(shown[:, 0], people, out=np.zeros_like(people), where=people > 0)
    out["share_served"] = np.where(before > 0, share, communes["share_served"].to_numpy(np.float64))
    out[_HIDDEN] = hidden
    return out


def _sites(sites: gpd.GeoDataFrame, critical: Flags, rules: Redaction) -> gpd.GeoDataFrame:
    out = _counted(sites, rules.least_people, also=("people_served",))
    places = np.asarray(sites.geometry.to_numpy(), dtype=object).copy()
    xy = np.c_[sites.geometry.x.to_numpy(np.float64), sites.geometry.y.to_numpy(np.float64)][critical]
    if rules.withhold:
        places[critical] = shapely.Point()
    else:
        places[critical] = shapely.points(_middles(xy, rules.grid_m))
    out = gpd.GeoDataFrame(out.drop(columns=sites.geometry.name), geometry=places, crs=sites.crs)
    out["place"] = np.where(
        critical, _HIDDEN if rules.withhold else f"rounded to {rules.grid_m:g} m", "exact"
    )
    return out


def _options(
    options: pd.DataFrame, communes: pd.DataFrame, critical: frozenset[str], rules: Redaction
) -> pd.DataFrame:
    out: pd.DataFrame = _counted(options, rules.least_people)
    cost = out["cost_musd"].to_numpy(np.float64)
    gained = out["people_gained"].to_numpy(np.float64)
    if rules.least_people > 1:
        # summed anew from what is shown, or the differences would tell the exact counts
        out["cumulative_people"] = out["people_gained"].cumsum().astype(out["cumulative_people"].dtype)
        out["people_per_musd"] = np.divide(gained, cost, out=np.full(cost.shape, np.inf), where=cost > 0)
        named = dict(zip(communes["commune_code"].astype(str), communes["name"].astype(str), strict=True))
        out["why"] = [_why(row, named) for row in out.to_dict("records")]
        # people per million at other moments tell exact counts too
        out = out.drop(columns=[c for c in WHY_COLUMNS if c in out])
    if {"east_m", "north_m"} <= set(out.columns):
        touched = np.array([bool(_sites_of(as_words(r)) & critical) for r in out["remedies"]], bool)
        xy = out[["east_m", "north_m"]].to_numpy(np.float64)
        shown = np.full_like(xy, np.nan) if rules.withhold else _middles(xy, rules.grid_m)
        out[["east_m", "north_m"]] = np.where(touched[:, None], shown, xy)
    return out


def _why(row: Mapping[Any, Any], names: Mapping[str, str]) -> str:
    """Say again why an option stands where it does, from what is shown of it."""
    return plain(rounded_sentence(row, names), Text())


def _sites_of(remedies: Iterable[str]) -> set[str]:
    # a remedy is KIND@SITE or KIND@SITE/OPERATOR
    return {part for r in remedies for part in re.split(r"[@/]", r)[1:2]}


def _policies(policies: pd.DataFrame, least: int) -> pd.DataFrame:
    out: pd.DataFrame = _counted(policies, least)
    if set(_PARTS) <= set(out.columns) and len(out):
        shown = round_parts(policies[list(_PARTS)].to_numpy(np.float64), least)
        for k, name in enumerate(_PARTS):
            out[name] = pd.Series(shown[:, k], index=out.index).astype(policies[name].dtype)
    return out


def _villages(villages: gpd.GeoDataFrame | None, least: int) -> gpd.GeoDataFrame | None:
    if villages is None:
        return None
    return _counted(villages, least, also=("population",))


def _repairs(repairs: pd.DataFrame, critical: frozenset[str]) -> pd.DataFrame:
    """Return the repairs without the places of critical sites."""
    out = repairs.copy()
    if "key" in out:
        mine = out["key"].astype(str).isin(critical)
        for column in {"old_value", "new_value", "reason"} & set(out.columns):
            out[column] = out[column].where(~mine, _HIDDEN)
    return out


def _counted(frame: Any, least: int, *, also: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - with or without geometry
    out = frame.copy()
    for name in (*_COUNTS, *also):
        if name in out:
            dtype = out[name].dtype
            shown = round_count(out[name].to_numpy(np.float64), least)
            out[name] = shown.astype(dtype) if np.issubdtype(dtype, np.integer) else shown
    return out


def _middles(xy: Floats, side_m: float) -> Floats:
    return np.asarray((np.floor(xy / side_m) + 0.5) * side_m)


def _summary(summary: Mapping[str, Any], shown: Result, rules: Redaction) -> dict[str, Any]:
    least = rules.least_people
    out = {k: v for k, v in summary.items() if k not in {"locked_assets", "readiness"}}
    people = float(shown.communes["population"].sum())
    totals = {p: float(shown.communes[p].sum()) for p in _PARTS}
    whole = isinstance(summary.get("people"), int)
    for name, value in {"people": people, **totals}.items():
        if name in out:
            out[name] = int(value) if whole else value
    if "share_served" in out:
        out["share_served"] = totals["people_served"] / people if people else 0.0
    if isinstance(out.get("plan"), Mapping):
        out["plan"] = {k: _rounded(v, least) if k in _COUNTS else v for k, v in out["plan"].items()}
    if isinstance(out.get("policies"), list):
        out["policies"] = _policies(pd.DataFrame(out["policies"]), least).to_dict("records")
    if isinstance(out.get("provinces"), list):
        parts = ["population", *_PARTS]
        sums = shown.communes.groupby("province", sort=True)[parts].sum()
        out["provinces"] = [
            {"province": str(n), **{k: int(v) if whole else float(v) for k, v in row.items()}}
            for n, row in sums.iterrows()
        ]
    out["redaction"] = _facts(rules)
    return out


def _rounded(value: object, least: int) -> object:
    if not isinstance(value, (int, float, np.integer, np.floating)):
        return value
    shown = float(round_count([float(value)], least)[0])
    return int(shown) if isinstance(value, (int, np.integer)) else shown


def _facts(rules: Redaction) -> dict[str, Any]:
    """Return what is said of the redaction; the list of sites stays out of it."""
    facts = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(rules).items() if k != "site_ids"}
    return {**facts, "listed_sites": len(rules.site_ids)}


def _provenance(provenance: Mapping[str, Any], rules: Redaction, sites: int) -> dict[str, Any]:
    kept = {k: v for k, v in provenance.items() if k != "digest"}
    found = {**kept, "redaction": {**_facts(rules), "critical_sites": sites}}
    return {**found, "digest": digest(found)}
