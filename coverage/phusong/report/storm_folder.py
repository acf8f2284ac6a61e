"""What a storm does to a region as files: tables, a summary with its notes, maps; written whole or not at all."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.bounded import json_tree
from phusong.errors import InputError
from phusong.region.grid import Grid
from phusong.report.files import write_csv, write_geoparquet, write_json
from phusong.report.pictures import picture_bytes
from phusong.report.storm_maps import storm_maps
from phusong.report.text import Text
from phusong.service.storms.impact import CAUSES, Impact
from phusong.whole_folder import whole_folder

if TYPE_CHECKING:
    from phusong.stress import StormResult

__all__ = ["StormTables", "write_storm"]

Floats = npt.NDArray[np.float64]

FILES = (
    "storm_summary.json",
    "storm_communes.parquet",
    "storm_communes.csv",
    "storm_sites.parquet",
    "storm_map.png",
)
"""Files of a storm's folder; ``storm_map_with_plan.png`` stands beside them where a plan was given."""

_NOTES = (
    ("Wind only: rain, floods, landslides, waves and trees across roads are not modelled, nor is the shutting down "
    "of lines and substations as a precaution."),
    "Winds follow neither ridges nor valleys: no speed-up over crests, no shelter.",
    "Hour 0 is the moment after the strongest gust at each place; batteries are full then.",
    ("Service is any site that they may use, powered and connected: whether it has room for all who turn to it is not "
    "looked at."),
    "Backhaul as a cause holds cut links and sites on the way that lost their mast or power.",
    ("Fragilities, repair times and crews are of low sureness (geodata/fragility.csv, geodata/storm_model.csv): read "
    "differences between places and plans rather than the absolute figures."),
)  # fmt: skip
_COMPARE_YAGI = (
    "Public figures for Yagi: 639 BTS hit in Yên Bái, 312 of them Viettel's from loss of power (VietnamPlus); 6,285 "
    "stations of 15 provinces, of which 3,010 came back with generators within two days (VietNamNet, 10 Sept 2024). "
    "Most of Yên Bái's losses came with the floods and landslides of 8 to 11 September, which this model leaves out: "
    "what it gives there is the part of the wind alone."
)
_LOCAL_OFFSET = pd.Timedelta(hours=7)


@dataclass(frozen=True)
class StormTables:
    """A storm's result as tables."""

    found: "StormResult"

    @cached_property
    def communes(self) -> gpd.GeoDataFrame:
        """One row a commune: gusts, people without service hour by hour (mean, 5 %, 95 %), and why."""
        region = self.found.region.communes
        out = region[["commune_code", "name", "province", "population"]].reset_index(drop=True).copy()
        for k, name in enumerate(("gust_ms", "gust_ms_p05", "gust_ms_p95")):
            out[name] = np.round(self.found.commune_gust_ms[:, k], 2)
        columns = self._people(self.found.today, "")
        if self.found.planned is not None:
            columns |= self._people(self.found.planned, "_with_plan")
        table = pd.concat([out, pd.DataFrame(columns)], axis=1)
        return gpd.GeoDataFrame(table, geometry=region.geometry.to_numpy(), crs=region.crs)

    @cached_property
    def sites(self) -> gpd.GeoDataFrame:
        """One row a site: gust, and the share of the samples in which it is off at each hour."""
        out = self.found.sites.copy()
        out["gust_ms"] = out["gust_ms"].round(2)
        for impact, suffix in ((self.found.today, ""), (self.found.planned, "_with_plan")):
            if impact is not None:
                for t, hour in enumerate(impact.hours):
                    out[f"off_share_{hour:g}h{suffix}"] = np.round(impact.site_off[t], 4)
        return out

    @property
    def grid(self) -> Grid:
        """Of the region."""
        return self.found.region.grid

    @property
    def hours(self) -> tuple[float, ...]:
        """Hours after the strongest gust."""
        return self.found.today.hours

    @property
    def gusts(self) -> tuple[Floats, Floats, Floats]:
        """Mean gusts on the lattice."""
        return self.found.gusts

    def title(self, text: Text) -> str:
        """Return what the maps show."""
        return text.say("drawn.storm_title", region=self.found.region.name, storm=self.found.track.name)

    def source(self, text: Text) -> str:
        """Return the note under the maps."""
        found = self.found
        region = found.region
        said = [s.kind if region.kind_said(s.layer) == s.kind else f"partly {s.kind}" for s in region.sources]
        kinds = pd.Series(said).value_counts().sort_index()
        layers = ", ".join(f"{text.number(n)} {text.code('quality', kind)}" for kind, n in kinds.items())
        how = text.say("drawn.storm_how", n=found.n_samples)
        track = text.say("drawn.storm_track", source=text.note(found.track.source))
        made_of = text.say("drawn.layers", kinds=layers)
        return f"{how}\n{track} {found.region.name} · {found.region.grid.crs} · {made_of}"

    @property
    def track_degrees(self) -> tuple[Floats, Floats, list[str]]:
        """The track's positions and their local day and hour."""
        track = self.found.track
        start = pd.Timestamp(track.start) + _LOCAL_OFFSET
        when = [start + pd.Timedelta(hours=float(h)) for h in track.hour]
        return track.latitude_deg, track.longitude_deg, [f"{w.day}/{w.month} {w:%H} h" for w in when]

    def summary(self) -> dict[str, Any]:
        """Return the headline figures: sites and stations off by cause, people without service, notes."""
        found = self.found
        notes = [*_NOTES, *([_COMPARE_YAGI] if found.track.name.startswith("yagi") else [])]
        figures: dict[str, Any] = {
            "region": found.region.name,
            "storm": found.track.name,
            "storm_source": found.track.source,
            "samples": found.n_samples,
            "seed": found.seed,
            "people": int(found.region.communes["population"].sum()),
            "sites": len(found.sites),
            "gust_ms": {
                "mean_of_communes": float(found.commune_gust_ms[:, 0].mean()),
                "most_of_communes": float(found.commune_gust_ms[:, 0].max()),
            },
            "today": _impact_figures(found.today, found.operators),
            "units": {
                "people": "registered people",
                "gust_ms": "m/s, 3 s at 10 m in open country",
                "hours": "h",
            },
            "kind": "modelled",
            "notes": notes,
        }
        if found.planned is not None and found.plan is not None:
            figures["with_plan"] = _impact_figures(found.planned, found.operators)
            figures["plan"] = {"applied": dict(found.plan.done), "left_out": dict(found.plan.left_out)}
            gain = found.today.people.sum(axis=1) - found.planned.people.sum(axis=1)
            figures["people_spared_by_plan"] = [
                {"hour": h, **_spread(gain[t])} for t, h in enumerate(found.today.hours)
            ]
            if found.plan.left_out:
                figures["notes"].append(
                    "Of the plan, new sites and what stands on them were left out; see plan.left_out."
                )
        return figures

    def _people(self, impact: Impact, suffix: str) -> dict[str, npt.NDArray[Any]]:
        columns: dict[str, npt.NDArray[Any]] = {f"people_without_before{suffix}": impact.before}
        for t, hour in enumerate(impact.hours):
            people = impact.people[t]
            stem = f"people_without_{hour:g}h{suffix}"
            columns[f"{stem}_mean"] = np.round(people.mean(axis=1), 1)
            low, high = np.quantile(people, (0.05, 0.95), axis=1)
            columns[f"{stem}_p05"], columns[f"{stem}_p95"] = np.round(low, 1), np.round(high, 1)
            for k, cause in enumerate(CAUSES):
                columns[f"lost_{cause}_{hour:g}h{suffix}"] = np.round(impact.by_cause[t, k].mean(axis=1), 1)
        return columns


def write_storm(found: "StormResult", out: Path, lang: str = "en") -> StormTables:
    """Write a storm's folder, whole or not at all, and return its tables.

    Raises
    ------
    InputError
        If ``out`` holds other things.
    """
    tables = StormTables(found)
    with whole_folder(out, kind="the folder of a storm", is_ours=_is_storm) as folder:
        write_json(tables.summary(), folder / "storm_summary.json")
        write_geoparquet(tables.communes, folder / "storm_communes.parquet")
        write_csv(pd.DataFrame(tables.communes.drop(columns="geometry")), folder / "storm_communes.csv")
        write_geoparquet(tables.sites, folder / "storm_sites.parquet")
        (folder / "storm_map.png").write_bytes(picture_bytes(storm_maps(tables, lang=lang)))
        if found.planned is not None:
            (folder / "storm_map_with_plan.png").write_bytes(
                picture_bytes(storm_maps(tables, "_with_plan", lang))
            )
    return tables


def _is_storm(path: Path) -> bool:
    try:
        summary = json_tree(path / "storm_summary.json")
    except InputError:
        return False
    return isinstance(summary, dict) and "storm" in summary


def _impact_figures(impact: Impact, operators: tuple[str, ...]) -> dict[str, Any]:
    hours = []
    for t, hour in enumerate(impact.hours):
        people = impact.people[t].sum(axis=0)
        hours.append(
            {
                "hour": hour,
                "people_without": _spread(people),
                "people_lost": _spread(people - int(impact.before.sum())),
                "people_lost_by_cause": dict(
                    zip(CAUSES, impact.by_cause[t].sum(axis=1).mean(axis=-1).tolist(), strict=True)
                ),
                "sites_off": _spread(impact.off[t, 0].sum(axis=0)),
                "sites_off_by_cause": dict(zip(CAUSES, impact.off[t, 0].mean(axis=-1).tolist(), strict=True)),
            }
        )
    return {
        "people_without_before": int(impact.before.sum()),
        "hours": hours,
        "sites_hit": _group(impact.hit[0]),
        "stations_hit": _group(impact.hit[1:].sum(axis=0)),
        "stations_hit_by_operator": {name: _group(impact.hit[1 + k]) for k, name in enumerate(operators)},
    }


def _group(hit: npt.NDArray[np.int64]) -> dict[str, Any]:
    return {
        **_spread(hit.sum(axis=0)),
        "by_cause": dict(zip(CAUSES, hit.mean(axis=-1).tolist(), strict=True)),
    }


def _spread(values: npt.NDArray[Any]) -> dict[str, float]:
    low, high = np.quantile(values, (0.05, 0.95))
    return {"mean": float(values.mean()), "p05": float(low), "p95": float(high)}
