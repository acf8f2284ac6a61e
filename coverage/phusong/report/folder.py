"""The result folder: every file of the output contract, written whole or not at all; a result as a card in a notebook."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from phusong.errors import InputError, PhusongError, Problem, refuse
from phusong.invest.plan_book import BOOK_TABLES
from phusong.io.atomic import try_place, whole_folder
from phusong.io.html import card, html_table
from phusong.io.limits import check_parquet, json_tree, toml_tree
from phusong.io.text import Text, finite, paragraph
from phusong.region import Grid
from phusong.report.wording import plan_sentences
from phusong.result.files import (
    GIS_FILES,
    NODATA_DBM,
    read_raster,
    write_csv,
    write_geopackage,
    write_json,
    write_parquet,
)
from phusong.result.model import ACCESS_CLASSES, ResultData
from phusong.result.provenance import changed_parts, headline_figures
from phusong.result.schema import (
    GAP_PARTS,
    TABLES,
    as_words,
    book_problems,
    grid_problems,
    place_problems,
    summary_problems,
    table_problems,
)

__all__ = [
    "FILES",
    "PlanView",
    "Result",
    "check_place",
    "is_result_folder",
    "is_whole",
    "read_folder",
    "result_card",
    "write_folder",
]


_LISTED = 8


@dataclass(frozen=True)
class PlanView:
    """What to do: the part of a result that ``result.invest`` names.

    Parameters
    ----------
    options, plan, curve : DataFrame
        Ranked bundles, the remedies chosen for the budget, and people against money.
    headline : dict
        Budget, cost, people and bound of the plan.
    lang : str
        Language in which a notebook shows it.
    """

    options: pd.DataFrame
    plan: pd.DataFrame
    curve: pd.DataFrame
    headline: dict[str, object]
    lang: str = "en"

    def _repr_html_(self) -> str:
        own, text = self.headline, Text(self.lang)
        rows = [
            (text.say("card.budget"), text.money(own.get("budget_musd"))),
            *_expected(own, text),
            (text.say("card.cost"), text.money(own.get("cost_musd"))),
            (text.say("figure.gained"), text.number(own.get("people_gained"))),
            (text.say("figure.bound"), text.number(own.get("bound_people"))),
            (text.say("plan.remedies"), text.number(len(self.plan))),
        ]
        years = self.plan.groupby([self.plan["year"].astype(int), self.plan["fund"].astype(str)], sort=True)[
            "cost_musd"
        ]
        spent = [
            (row["year"], text.code("fund", row["fund"]), text.number(row["cost_musd"], "usd"))
            for row in years.sum().reset_index().to_dict("records")
        ]
        first = [
            (row["rank"], ", ".join(text.code("kind", k) for k in as_words(row["kinds"])),
             text.number(row["cost_musd"], "usd"), text.number(row["people_gained"]), row["why"])
            for row in self.options.sort_values("rank", kind="stable").head(_LISTED).to_dict("records")
        ]  # fmt: skip
        heads = {k: text.say(f"column.{k}") for k in ("year", "fund", "cost_musd", "rank", "people")}
        parts = [
            html_table([heads["year"], heads["fund"], heads["cost_musd"]], spent),
            html_table(
                [
                    heads["rank"],
                    text.say("option.works"),
                    heads["cost_musd"],
                    heads["people"],
                    text.say("option.why"),
                ],
                first,
            ),
        ]
        note = text.say("card.note", source=text.say("map.source"))
        return card(text.say("column.plan"), rows, parts=parts, note=note)


def _expected(plan: Mapping[str, object], text: Text) -> list[tuple[str, str]]:
    """Return what to expect of a plan and the chance to stay in budget; nothing where no sample was drawn."""
    keys = ("expected_people", "people_p05", "people_p95")
    if finite(plan.get(keys[0])) is None:
        return []
    people, low, high = (text.number(plan.get(k)) for k in keys)
    return [
        (text.say("figure.expected"), text.say("card.range", people=people, low=low, high=high)),
        (text.say("figure.within_budget"), text.number(plan.get("within_budget_share"), "whole_percent")),
    ]


def result_card(result: ResultData) -> str:
    """Return a result as HTML: who is served, why others are not, and what the plan adds."""
    summary = result.summary
    people = float(result.communes["population"].sum())
    served = float(result.communes["people_served"].sum())
    text = Text(result.lang)
    share = text.number(served / people if people else None, "percent")
    counts = (len(result.communes), len(result.sites), len(result.options))
    rows = [
        (text.say("card.region"), summary.get("region", "")),
        (text.say("figure.policy"), text.code("policy", summary.get("policy", ""))),
        (text.say("figure.people"), text.number(people)),
        (text.say("cause.served"), f"{text.number(served)} ({share})"),
        *((text.code("cause", p), text.number(float(result.communes[p].sum()))) for p in GAP_PARTS),
        (text.say("column.plan"), paragraph(plan_sentences(summary), text) or text.number(None)),
        (text.say("card.counts"), " · ".join(text.number(n) for n in counts)),
    ]
    lost = result.communes.assign(not_served=result.communes[list(GAP_PARTS)].sum(axis=1))
    worst = lost.sort_values("not_served", ascending=False, kind="stable").head(_LISTED)
    most = [
        (row["commune_code"], row["name"], text.number(row["not_served"]), text.number(row["share_served"], "percent"))
        for row in worst.drop(columns="geometry").to_dict("records")
    ]  # fmt: skip
    heads = ("column.commune_code", "column.commune", "chart.people_lost", "column.share_served")
    parts = [html_table([text.say(h) for h in heads], most)]
    return card(result.title(), rows, parts=parts, note=text.say("map.source"))


if TYPE_CHECKING:
    from phusong.invest.evaluation import Evaluation
    from phusong.report.notebook import Plots


FILES = (
    "summary.json", "communes.parquet", "communes.gpkg", "access.tif", "rsrp.tif", "sites.parquet",
    "options.parquet", "options.csv", "plan.parquet", "plan.csv", "scenario.toml", "provenance.json",
    "report.html",
)  # fmt: skip
"""Files of the contract; ``maps/`` and ``tables/`` stand beside them."""

_BESIDE = tuple(t.name for t in TABLES.values() if t.file.startswith("tables/") and t.name != "settlements")
_MOST_TOLD = 40
_FOLDERS = ("maps", "tables")
_OWN = ("locked_assets.csv", *GIS_FILES)  # written where there is something to write


@dataclass(frozen=True)
class Result(ResultData):
    """Everything a run found, with its pictures, its folder and the plans that may be held against it."""

    @property
    def invest(self) -> PlanView:
        """What to do: ``.options``, ``.plan``, ``.curve``."""
        return PlanView(self.options, self.plan, self.curve, dict(self.summary.get("plan") or {}), self.lang)

    @property
    def plot(self) -> "Plots":
        """Pictures: ``.gaps()``, ``.map(layer)``, ``.over(what)``, ``.curve()``, ``.schedule()``."""
        from phusong.report.notebook import Plots  # noqa: PLC0415 - heavy to load

        return Plots(self)

    def _repr_html_(self) -> str:
        return result_card(self)

    def evaluate(
        self, plan: str | Path | pd.DataFrame | Iterable[str], *, prove: bool = False
    ) -> "Evaluation":
        """Return any plan in the terms of this result's own, with the money it wastes.

        Parameters
        ----------
        plan : path, DataFrame or iterable of str
            A CSV file or table with `remedy_id` or `bundle_id`, and `year` and `fund` if known; or the ids.
        prove : bool
            Look for the best plan and the tightest bound at exactly the plan's cost, however long it takes.

        Raises
        ------
        InputError
            If the plan names what this result does not know, or the result holds no tables of what there is to buy.
        """
        from phusong.report.evaluation import evaluate_plan  # noqa: PLC0415 - heavy to load

        return evaluate_plan(self, plan, prove=prove)

    @classmethod
    def read(cls, path: str | Path) -> "Result":
        """Return the result that a run wrote to a folder.

        Raises
        ------
        InputError
            If the folder is missing or is not a whole result folder.
        """
        return read_folder(Path(path))

    def write(self, out: str | Path) -> None:
        """Write the result folder, whole or not at all; an earlier result there is replaced.

        Raises
        ------
        InputError
            If ``out`` exists and is not a result folder.
        """
        write_folder(self, Path(out))


def write_folder(result: ResultData, out: Path) -> None:
    """Write every file of a result to ``out``; nobody ever sees it half-written.

    The files are made in a hidden folder beside ``out`` and moved there by renaming. Files of others in an
    earlier result folder (notes, a comparison) are kept.

    Raises
    ------
    InputError
        If ``out`` exists and is neither empty nor a result folder, or cannot be written.
    """
    with whole_folder(out, kind="a result folder", is_ours=is_result_folder, kept=_is_of_others) as new:
        _write_files(result, new)


def check_place(out: Path) -> None:
    """Refuse a place where :func:`write_folder` could not write, and put right what killed runs left beside it.

    Raises
    ------
    InputError
        As of :func:`write_folder`.
    """
    try_place(out, kind="a result folder", is_ours=is_result_folder, kept=_is_of_others)


def read_folder(path: Path) -> Result:
    """Return the result of a folder that :func:`write_folder` wrote.

    Raises
    ------
    InputError
        If files are missing, cannot be read, or no longer hold what the run wrote; all of them are listed.
    """
    if not path.is_dir():
        raise InputError(Problem(str(path), "is not a folder"))
    needed = [f for f in FILES if f not in {"report.html", "options.csv", "plan.csv", "communes.gpkg"}]
    refuse(Problem(f, f"is missing from {path.name}") for f in needed if not (path / f).is_file())
    settlements = path / "tables" / "settlements.parquet"
    summary = _attempt(path / "summary.json", json_tree)
    origin = _attempt(path / "provenance.json", json_tree)
    refuse(summary_problems(summary, origin))
    rsrp, grid = _attempt(path / "rsrp.tif", lambda p: read_raster(p, np.float32))
    access, access_grid = _attempt(path / "access.tif", lambda p: read_raster(p, np.uint8))
    refuse(grid_problems(grid, "rsrp.tif"))
    if access_grid != grid:
        raise InputError(Problem("access.tif", "is not on the grid of rsrp.tif"))
    if access.max(initial=0) >= len(ACCESS_CLASSES):
        raise InputError(
            Problem("access.tif", f"holds classes beyond {len(ACCESS_CLASSES) - 1}", value=access.max())
        )
    parts: dict[str, Any] = {
        "summary": summary,
        "communes": _attempt(path / "communes.parquet", _read_places),
        "sites": _attempt(path / "sites.parquet", _read_places),
        "options": _attempt(path / "options.parquet", _read_table),
        "plan": _attempt(path / "plan.parquet", _read_table),
        "access_class": access,
        "rsrp_dbm": np.where(np.isfinite(rsrp) & (rsrp != np.float32(NODATA_DBM)), rsrp, np.float32(np.nan)),
        "grid": grid,
        "scenario_toml": _attempt(path / "scenario.toml", _read_toml_text),
        "provenance": {k: v for k, v in origin.items() if k != "outcome"},
        "settlements": _attempt(settlements, _read_places) if settlements.is_file() else None,
        **{t: _attempt(path / TABLES[t].file, _read_table, pd.DataFrame()) for t in _BESIDE},
    }
    refuse(_problems(parts, grid))
    try:
        result = Result(**parts)
    except PhusongError as error:
        raise InputError(Problem(path.name, str(error))) from error
    if "outcome" in origin:  # results of before it was kept cannot be checked
        refuse(changed_parts(origin["outcome"], result.outcome))
    return result


def is_result_folder(path: Path) -> bool:
    """Return whether a folder was written by phusong: its summary and provenance say so."""
    try:
        summary, origin = json_tree(path / "summary.json"), json_tree(path / "provenance.json")
    except InputError:
        return False
    return isinstance(summary, dict) and isinstance(origin, dict) and "seed" in origin


def is_whole(path: Path) -> bool:
    """Return whether a folder is a result with every file of the contract."""
    return is_result_folder(path) and all((path / name).is_file() for name in FILES)


def _write_files(result: ResultData, folder: Path) -> None:
    # pictures and pages are heavy to load, and a result that is only read needs none
    from phusong.report.gis import write_gis, write_rasters  # noqa: PLC0415
    from phusong.report.maps import draw_maps  # noqa: PLC0415
    from phusong.report.page import report_html  # noqa: PLC0415

    for name in _FOLDERS:
        (folder / name).mkdir()
    write_json({**headline_figures(result), "outcome_digest": result.outcome.digest}, folder / "summary.json")
    write_json({**result.provenance, "outcome": result.outcome.as_json()}, folder / "provenance.json")
    (folder / "scenario.toml").write_text(result.scenario_toml, encoding="utf-8", newline="\n")
    write_parquet(result.communes, folder / "communes.parquet")
    write_geopackage(result.communes, folder / "communes.gpkg", layer="communes")
    write_parquet(result.sites, folder / "sites.parquet")
    for name, frame in (("options", result.options), ("plan", result.plan)):
        write_parquet(frame, folder / f"{name}.parquet")
        write_csv(frame, folder / f"{name}.csv")
    for name in _BESIDE:
        write_parquet(getattr(result, name), folder / TABLES[name].file)
    if not result.locked_assets.empty:
        write_csv(result.locked_assets, folder / "locked_assets.csv")
    if result.settlements is not None:
        write_parquet(result.settlements, folder / "tables" / "settlements.parquet")
    write_rasters(result, folder)
    write_gis(result, folder)
    draw_maps(result, folder / "maps")
    (folder / "report.html").write_text(report_html(result, folder / "maps"), encoding="utf-8", newline="\n")


def _is_of_others(name: str) -> bool:
    # sidecars of our own rasters (.aux.xml, .ovr) would be stale
    return name not in _FOLDERS and not name.startswith((*FILES, *_OWN))


def _attempt(path: Path, read: Callable[[Path], Any], absent: object = None) -> Any:  # noqa: ANN401 - any reader's value
    if absent is not None and not path.is_file():
        return absent
    try:
        return read(path)
    except InputError:
        raise
    except Exception as error:
        # readers of six formats raise as many families of errors; all mean the same to the planner
        raise InputError(Problem(path.name, f"cannot be read: {str(error)[:200]}")) from error


def _problems(parts: dict[str, Any], grid: Grid) -> list[Problem]:
    """Return what is wrong with the tables, each by itself, then beside each other."""
    tables = {n: f for n, f in parts.items() if isinstance(f, pd.DataFrame)}
    found = [p for n, f in tables.items() for p in table_problems(f, n, f"{n}.parquet")]
    found += [
        p for n in ("communes", "sites", "settlements") if n in tables
        for p in place_problems(tables[n], n, f"{n}.parquet", grid)
    ]  # fmt: skip
    if found:
        return found[:_MOST_TOLD]
    codes = frozenset(tables["communes"]["commune_code"].astype(str))
    return book_problems({n: tables[n] for n in BOOK_TABLES}, codes)


def _read_toml_text(path: Path) -> str:
    toml_tree(path)
    return path.read_text(encoding="utf-8")


def _read_places(path: Path) -> gpd.GeoDataFrame:
    check_parquet(path)
    return gpd.read_parquet(path)


def _read_table(path: Path) -> pd.DataFrame:
    check_parquet(path)
    # what the file says about rebuilding an index or types is of no use here
    table = pq.read_table(path).replace_schema_metadata(None)
    frame: pd.DataFrame = table.to_pandas()
    for field in table.schema:
        if pa.types.is_nested(field.type):
            frame[field.name] = [v.tolist() if isinstance(v, np.ndarray) else v for v in frame[field.name]]
    return frame
