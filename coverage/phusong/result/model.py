"""What a run found, and what a storm did: one immutable value each, of which pages, maps and folders are made."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import PhusongError
from phusong.io.text import LANGUAGES, Text
from phusong.region import Grid
from phusong.result.provenance import Outcome, outcome
from phusong.result.schema import GAP_PARTS, TABLES

if TYPE_CHECKING:
    from phusong.hazard.impact import Impact
    from phusong.hazard.track import Track
    from phusong.invest.with_plan_network import PlannedNetwork
    from phusong.region.folder import Region

__all__ = ["ACCESS_CLASSES", "EMPTY_NO_SIGNAL", "EMPTY_SIGNAL", "AccessView", "ResultData", "StormResult"]

ACCESS_CLASSES = (
    "no data", "no signal", "locked", "unstable", "congested", "served",
    "nobody lives there, signal", "nobody lives there, no signal",
)  # fmt: skip
"""Meaning of the codes 0–7 in the access raster: 1–5 where people live, 6 and 7 on land without people."""

EMPTY_SIGNAL, EMPTY_NO_SIGNAL = 6, 7
"""Codes of land where nobody lives, inside and outside radio coverage."""


@dataclass(frozen=True)
class AccessView:
    """Who is served and why not: the part of a result that ``result.access`` names.

    Parameters
    ----------
    communes : GeoDataFrame
        One row a commune, see :data:`phusong.result.schema.TABLES`.
    classes : (height, width) uint8
        Dominant class of each land pixel, see ``ACCESS_CLASSES``.
    settlements : GeoDataFrame or None
        Test points of settlements with their signal class.
    """

    communes: gpd.GeoDataFrame
    classes: npt.NDArray[np.uint8]
    settlements: gpd.GeoDataFrame | None


@dataclass(frozen=True)
class ResultData:
    """Everything a run found, as values.

    Parameters
    ----------
    summary : dict
        Headline figures: title, region, policy, people, people_served, share_served, the gap parts [people],
        hours_lost_year_mean, plan {…}, policies, provinces, calibration, units, currency. No clock times.
    communes, sites : GeoDataFrame
        In the CRS of the grid; columns in :data:`phusong.result.schema.TABLES`, more are kept.
    options, plan : DataFrame
        Ranked bundles and the chosen remedies; columns likewise. ``options`` may carry ``east_m`` and
        ``north_m``, the centre of each option.
    access_class : (height, width) uint8
        Codes of ``ACCESS_CLASSES``; ``result.access`` is the view that puts the communes beside it.
    rsrp_dbm : (height, width) float32
        Best-server RSRP, NaN where nothing was computed. [dBm]
    grid : Grid
        Where the pixels are.
    scenario_toml : str
        The resolved scenario.
    provenance : dict
        See :func:`phusong.result.provenance.provenance`.
    settlements : GeoDataFrame, optional
        Test points of settlements; flags ``white`` (no signal at all) and ``hollow`` (weaker than around) are
        drawn where present.
    policies, curve, layers, calibration, repairs : DataFrame
        Sharing policies compared (policy, people_served, gap parts, people_served_with_plan, plan_cost_musd);
        people against money (cost_musd, people; budget_musd, bound_people); kind and source of each layer
        (layer, kind, source, licence, as_of, notes); model beside facts (what, fact, model, unit, source,
        note); what was mended in the input.
    causes, cuts, hops : DataFrame
        Assets by the person-hours a year that their failures take; sites and links whose loss isolates others;
        microwave hops over the terrain and in the rain.
    locked_assets, locks : DataFrame
        Sites that reach people who may not use them, with every remedy costed; the same counted by lock reason.
    policy_communes : DataFrame
        People served in each commune under each sharing policy (policy, commune_code, people_served).
    readiness, stranded, isolated_builds : DataFrame
        Per commune where signal, power and backhaul are there at once, and how it hangs on the core; assets idle for
        want of one of them; sites beside another owner's structure that could carry them.
    remedies, bundles, people_groups, bundle_groups : DataFrame
        Everything that could be bought and whom it would serve, so that any plan can be evaluated; see
        :class:`phusong.invest.plan_book.PlanBook`.
    robustness, tornado : DataFrame
        Plans over samples of costs, people, signal and outages; the plan's people and cost with one input low or high.
    schedule, funds, milestones, late, interim, alternatives : DataFrame
        Who does what, when, paid by whom, with which result; money by fund and year; people served by year and commune
        against their targets; what is late if a fund is; interim remedies that bridge the time; further plans that spend the money otherwise.
    option_communes, plan_communes, plan_line_communes : DataFrame
        Where the people live who gain: by option (bundle_id, commune_code, people_gained beyond the options above), by
        the plan (commune_code, year from which they are served, people_gained), and by its lines (remedy_id besides).

    Raises
    ------
    PhusongError
        If a table lacks a column, a raster does not fit the grid, or gap parts do not sum to the population.
    """

    summary: dict[str, Any]
    communes: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    options: pd.DataFrame
    plan: pd.DataFrame
    access_class: npt.NDArray[np.uint8]
    rsrp_dbm: npt.NDArray[np.float32]
    grid: Grid
    scenario_toml: str
    provenance: dict[str, Any]
    settlements: gpd.GeoDataFrame | None = None
    policies: pd.DataFrame = field(default_factory=pd.DataFrame)
    curve: pd.DataFrame = field(default_factory=pd.DataFrame)
    layers: pd.DataFrame = field(default_factory=pd.DataFrame)
    calibration: pd.DataFrame = field(default_factory=pd.DataFrame)
    repairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    causes: pd.DataFrame = field(default_factory=pd.DataFrame)
    cuts: pd.DataFrame = field(default_factory=pd.DataFrame)
    hops: pd.DataFrame = field(default_factory=pd.DataFrame)
    locked_assets: pd.DataFrame = field(default_factory=pd.DataFrame)
    locks: pd.DataFrame = field(default_factory=pd.DataFrame)
    readiness: pd.DataFrame = field(default_factory=pd.DataFrame)
    stranded: pd.DataFrame = field(default_factory=pd.DataFrame)
    isolated_builds: pd.DataFrame = field(default_factory=pd.DataFrame)
    policy_communes: pd.DataFrame = field(default_factory=pd.DataFrame)
    remedies: pd.DataFrame = field(default_factory=pd.DataFrame)
    bundles: pd.DataFrame = field(default_factory=pd.DataFrame)
    people_groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    bundle_groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    robustness: pd.DataFrame = field(default_factory=pd.DataFrame)
    schedule: pd.DataFrame = field(default_factory=pd.DataFrame)
    funds: pd.DataFrame = field(default_factory=pd.DataFrame)
    milestones: pd.DataFrame = field(default_factory=pd.DataFrame)
    late: pd.DataFrame = field(default_factory=pd.DataFrame)
    interim: pd.DataFrame = field(default_factory=pd.DataFrame)
    alternatives: pd.DataFrame = field(default_factory=pd.DataFrame)
    tornado: pd.DataFrame = field(default_factory=pd.DataFrame)
    option_communes: pd.DataFrame = field(default_factory=pd.DataFrame)
    plan_communes: pd.DataFrame = field(default_factory=pd.DataFrame)
    plan_line_communes: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        for table in TABLES.values():
            frame: pd.DataFrame | None = getattr(self, table.name, None)
            missing = [] if frame is None else [c for c in table.required if c not in frame.columns]
            if missing and table.always:
                raise PhusongError(f"result.{table.name} lacks {', '.join(missing)}")
        for name, dtype in (("access_class", np.uint8), ("rsrp_dbm", np.float32)):
            raster: npt.NDArray[Any] = getattr(self, name)
            if raster.shape != self.grid.shape or raster.dtype != dtype:
                raise PhusongError(
                    f"result.{name} is {raster.dtype} {raster.shape}, not {np.dtype(dtype)} {self.grid.shape}"
                )
        _check_sums(self.communes)

    @property
    def access(self) -> AccessView:
        """Who is served and why not: ``.communes``, ``.classes``, ``.settlements``."""
        return AccessView(self.communes, self.access_class, self.settlements)

    @property
    def lang(self) -> str:
        """Language that the scenario asks for, ``en`` or ``vi``."""
        try:
            report = tomllib.loads(self.scenario_toml).get("report")
        except tomllib.TOMLDecodeError:
            return LANGUAGES[0]
        lang = report.get("lang") if isinstance(report, Mapping) else None
        return lang if lang in LANGUAGES else LANGUAGES[0]

    def title(self, lang: str | None = None) -> str:
        """Return what this is about, in a language; the scenario's where none is given."""
        own = "title_vi" if (lang or self.lang) == "vi" else "title"
        said = self.summary.get(own) or self.summary.get("title")
        region = str(self.summary.get("region") or "")
        return str(said) if said else Text(lang or self.lang).say("title.question", region=region)

    @property
    def redacted(self) -> bool:
        """Whether this is what may leave the house, see :func:`phusong.result.redact.redact`."""
        return "redaction" in self.summary

    @cached_property
    def outcome(self) -> Outcome:
        """Digests of what it says: two results are the same exactly when ``outcome.digest`` is."""
        return outcome(self)


def _check_sums(communes: pd.DataFrame) -> None:
    parts = communes[["people_served", *GAP_PARTS]].to_numpy(np.float64)
    population = communes["population"].to_numpy(np.float64)
    off = np.abs(parts.sum(axis=1) - population)
    bad = (off > 1e-6 * np.maximum(1.0, population)) | (parts < 0).any(axis=1) | ~np.isfinite(off)
    if bad.any():
        codes = communes["commune_code"].astype(str).to_numpy()[bad][:5]
        raise PhusongError(f"gap parts do not sum to the population in {', '.join(codes)}")


@dataclass(frozen=True)
class StormResult:
    """What a storm does to a region.

    Parameters
    ----------
    region : "Region"
        Where.
    track : "Track"
        The storm.
    n_samples : int
        Versions of the storm, each with its own damage.
    today, planned : Impact
        Of the network as it is, and with the plan (None without one).
    plan : PlannedNetwork or None
        What of the plan could be applied.
    operators : tuple of str
        Names of the groups of stations after the first group, all sites.
    sites : GeoDataFrame
        site_id, owner, gust_ms (mean over the samples), geometry.
    commune_gust_ms : ndarray, shape (n_communes, 3)
        Mean, 5 % and 95 % of the gust in open country at an inner point of each commune.
    gusts : tuple of ndarray
        Lines to the east and to the north, and gusts in open country at their crossings: of the track as given.
    seed : int
        Of everything drawn.
    seconds : mapping of str to float
        How long each stage took; not part of what is written.
    """

    region: "Region"
    track: "Track"
    n_samples: int
    today: "Impact"
    planned: "Impact | None"
    plan: "PlannedNetwork | None"
    operators: tuple[str, ...]
    sites: gpd.GeoDataFrame
    commune_gust_ms: npt.NDArray[np.float64]
    gusts: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]
    seed: int
    seconds: Mapping[str, float] = field(default_factory=dict)
