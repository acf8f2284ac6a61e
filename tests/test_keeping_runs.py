"""Runs that keep what they did: the same bytes, and nothing done twice without a reason."""

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args, get_origin

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel
from shapely.affinity import translate

import phusong
from phusong.compute import sources as engine_sources
from phusong.compute.cache import StageCache
from phusong.compute.executor import Threads, cluster
from phusong.compute.serialize import fingerprint
from phusong.compute.sources import own_sources
from phusong.compute.store import Store
from phusong.io.progress import Stages
from phusong.pipeline import run_region
from phusong.radio import link_budget
from phusong.region.folder import Source
from phusong.scenario import Scenario
from phusong.stages import radio as radio_stage
from small_region import small_region

SMALL = ("invest.samples=2", "invest.budget_musd=0.3")
PACKAGE = Path(phusong.__file__).parent
LAI_CHAU = ('region.provinces=["Lai Châu"]', "region.cell_m=2000")


def answer(folder, *settings: str, region=None, executor=None):
    """Return the fingerprint of all that a run answers, what became of its stages, and its store."""
    stage_cache = StageCache(None if folder is None else Store(folder))
    asked = Scenario.read("default", overrides=(*SMALL, *settings))
    result = run_region(asked, region or small_region(), stage_cache=stage_cache, executor=executor)
    return fingerprint(result), {note.stage: note for note in stage_cache.notes}, stage_cache.store


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    return folder, answer(folder)[0]


def test_the_same_question_is_answered_from_the_store_alike(kept):
    folder, first = kept
    again, notes, _ = answer(folder)
    policies = {f"access, {policy}" for policy in ("none", "passive", "mocn", "roaming")}
    assert set(notes) == {"radio", "invest"} | policies
    assert all(note.kept for note in notes.values()), notes
    assert again == first == answer(None)[0]


def test_a_cost_recomputes_no_radio(kept):
    folder, _ = kept
    _, notes, store = answer(folder, "invest.cost_factor=1.3")
    assert notes["radio"].kept
    assert notes["access, none"].kept
    assert not notes["invest"].kept
    assert "invest settings" in notes["invest"].why
    assert store.use.written == 1  # the new outcome of invest alone: the candidates' signal is kept too


def test_a_site_that_moves_is_swept_again_alone(tmp_path):
    answer(tmp_path)
    region = small_region()
    sites = region.sites.copy()
    sites.loc[sites.index[3], "geometry"] = translate(sites.geometry.iloc[3], 300.0, 0.0)
    moved = replace(region, sites=sites)
    found, notes, store = answer(tmp_path, region=moved)
    assert "sites" in notes["radio"].why
    assert "; 1 of its " in notes["radio"].why
    radio = Store(tmp_path / "other")
    stage_cache = StageCache(radio)
    asked = Scenario.read("default", overrides=SMALL)
    ground = radio_stage.radio_setup(asked.radio, region)
    radio_stage.region_footprints(asked, region, *ground, Threads(1), stage_cache)
    before = radio.use.written
    radio_stage.region_footprints(asked, moved, *ground, Threads(1), stage_cache)
    assert radio.use.written == before + 2  # the site, and where all are heard
    assert found == answer(None, region=moved)[0]
    assert store.use.found > 0


def test_threads_and_processes_of_a_cluster_give_the_same(tmp_path, kept):
    _, first = kept
    assert first == answer(tmp_path / "one", executor=Threads(1))[0]
    with cluster("local", workers=2) as executor:
        assert first == answer(tmp_path / "two", executor=executor)[0]


def leaves(model: BaseModel, path: str = ""):
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value, field


def other_value(value, field) -> str | None:
    """Return another value that a key may take, as --set writes it; None where a small change means nothing."""
    if get_origin(field.annotation) is Literal:
        return next((str(v) for v in get_args(field.annotation) if v != value), None)
    if isinstance(value, bool):
        return str(not value).lower()
    if isinstance(value, int):
        return str(value + 1)
    if isinstance(value, float):
        return repr(value * 0.9 if value else 0.1)
    return None


# what must be given as more than a number, and what changes no answer but takes long or another region
OWN = {
    "sharing.policy": "mocn",
    "radio.model": "free_space",
    "radio.max_radius_km": "4.0",
    "radio.delta_n": "50.0",
    "radio.threshold_dbm": "-100.0",
    "service.busy_hour_mbps_per_person": "0.01",
    "invest.weights.remote": "[1.0, 2.0, 3.0, 4.0]",
    "invest.weights.border_communes": '["00002"]',
}
WITHOUT = {"invest.samples", "invest.budget_musd", "region.cell_m", "service.states", "radio.step_m"}
CHANGES = {
    key: told
    for key, value, field in leaves(Scenario.read("default"))
    if key not in WITHOUT and (told := OWN.get(key) or other_value(value, field)) is not None
}
QUICK = ("seed", "invest.weights.school_people", "radio.rx_height_m")


def test_most_keys_of_a_scenario_are_changed_here():
    assert set(QUICK) <= set(CHANGES)
    assert len(CHANGES) > 50


@pytest.mark.parametrize(
    "key", [pytest.param(k, marks=() if k in QUICK else pytest.mark.slow) for k in CHANGES]
)
def test_whatever_key_changes_the_store_does_not_matter(kept, key):
    setting = f"{key}={CHANGES[key]}"
    assert answer(kept[0], setting)[0] == answer(None, setting)[0]


def test_what_facilities_count_as_reached_is_not_taken_from_a_run_that_counted_others(tmp_path):
    region = small_region()
    far = replace(region, facilities=region.facilities.set_geometry(region.facilities.translate(20_000.0)))
    near_only, all_of_them = (
        answer(tmp_path, f"access.facilities_within_m={m}", region=far)[0] for m in (500, 90_000)
    )
    assert near_only != all_of_them
    assert all_of_them == answer(None, "access.facilities_within_m=90000", region=far)[0]


def one_changed(layer: str, column: str, value):
    """Return what gives a region in which one value of a layer is another."""

    def change(region):
        table = getattr(region, layer).copy()
        table.loc[table.index[2 % len(table)], column] = value
        return replace(region, **{layer: table})

    return change


def shifted(layer: str):
    """Return what gives a region in which a layer's places lie elsewhere."""

    def change(region):
        table = getattr(region, layer)
        return replace(region, **{layer: table.set_geometry(table.geometry.translate(900.0, -700.0))})

    return change


REGIONS = {
    "name of a commune": one_changed("communes", "name", "Khác"),
    "remoteness of a commune": one_changed("communes", "remote", 3),
    "people of a cell": one_changed("demand", "population", 4000),
    "places of facilities": shifted("facilities"),
    "places of settlements": shifted("settlements"),
    "lock of a site": one_changed("sites", "lock_reason", "security"),
    "height of a structure": one_changed("sites", "height_m", 60.0),
    "batteries of a site": one_changed("sites", "autonomy_h", 48.0),
    "power of a cell": one_changed("cells", "eirp_dbm", 58.0),
    "technology of a cell": one_changed("cells", "technology", "2G"),
    "bandwidth of a cell": one_changed("cells", "bandwidth_mhz", 5.0),
    "outages of a node": one_changed("power_nodes", "saifi", 30.0),
    "places of power nodes": shifted("power_nodes"),
    "repair of a line": one_changed("power_lines", "repair_h", 50.0),
    "availability of a link": one_changed("links", "availability", 0.9),
    "share of an operator": one_changed("operators", "share", 0.7),
    "ground": lambda r: replace(r, elevation=r.elevation + np.linspace(0, 99, r.grid.width, dtype=np.float32)),
    "cover": lambda r: replace(r, clutter=np.where(np.arange(r.grid.width) > 20, 3, r.clutter).astype(np.uint8)),
    "source of a layer": lambda r: replace(
        r, sources=tuple(Source(s.layer, "measured", s.source) for s in r.sources)
    ),
}  # fmt: skip
QUICK_REGIONS = ("places of facilities", "bandwidth of a cell", "name of a commune")


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=() if k in QUICK_REGIONS else pytest.mark.slow) for k in REGIONS]
)
def test_whatever_changes_in_a_region_the_store_does_not_matter(kept, name):
    region = REGIONS[name](small_region())
    assert answer(kept[0], region=region)[0] == answer(None, region=region)[0]


def test_files_that_a_scenario_names_count_by_their_contents(kept, tmp_path):
    flags = tmp_path / "flags.csv"
    settings = (f"invest.weights.flags_path={flags}", "invest.weights.border=5.0")
    for code in ("00001", "00004"):
        rows = {"commune_code": ["00001", "00002", "00003", "00004"], "ethnic_minority": 0, "border": 0}
        table = pd.DataFrame(rows)
        table.loc[table["commune_code"] == code, "border"] = 1
        table.to_csv(flags, index=False)
        found, notes, _ = answer(kept[0], *settings)
        assert "priorities" in notes["invest"].why
    assert found == answer(None, *settings)[0]


class Watching(StageCache):
    """A keeper that notes which modules run, and which shipped tables are read, while a stage is made."""

    def __init__(self, opened: list[str]) -> None:
        super().__init__()
        self.opened, self.seen = opened, []

    def stage(self, name, make, reads, types=(), *, by):
        modules: set[str] = set()

        def see(frame, event, _arg):
            if event == "call":
                modules.add(frame.f_globals.get("__name__", ""))

        self.opened.clear()
        threading.setprofile(see)
        sys.setprofile(see)
        try:
            found = super().stage(name, make, reads, types, by=by)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        own = {module for module in modules if module.startswith("phusong.")}
        own |= {kind.__module__ for kind in types}
        # how far a stage is, is told on the way, and kernels are fetched: neither changes anything
        told = {make.__module__, StageCache.__module__, Stages.__module__, "phusong.compute.kernels"}
        self.seen.append((name, own - told, set(self.opened), by))
        return found


@pytest.mark.slow  # every call of a run is looked at: minutes
def test_all_that_runs_and_is_read_while_a_stage_is_made_is_in_its_key():
    opened: list[str] = []
    places = [str(place) for place in own_sources().shipped]
    watching = [True]

    def audit(event, args):
        if watching and event == "open" and isinstance(args[0], (str, Path)):
            opened.extend(str(args[0])[len(p) + 1 :] for p in places if str(args[0]).startswith(p))

    sys.addaudithook(audit)  # it cannot be taken away again, only told to stop
    stage_cache = Watching(opened)
    asked = Scenario.read("default", overrides=(*SMALL, "service.availability=states", "service.states=64"))
    for module in [m for n, m in sys.modules.items() if n.startswith("phusong.")]:
        for value in list(vars(module).values()):
            if value is not own_sources and hasattr(value, "cache_clear"):
                value.cache_clear()  # tables that are read once a process are read again
    run_region(asked, small_region(), stage_cache=stage_cache, executor=Threads(1))
    radio_stage.scenario_region(Scenario.read("default", overrides=(*LAI_CHAU,)), stage_cache)
    watching.clear()
    assert {name.partition(",")[0] for name, *_ in stage_cache.seen} == {
        "radio",
        "access",
        "invest",
        "region",
    }
    for name, modules, tables, by in stage_cache.seen:
        known = own_sources().closure(*(function.__module__ for function in by), "phusong.compute.serialize")
        assert len(modules) > 3, name
        assert modules <= known, name
        assert tables <= set(own_sources().tables(known)), name
    assert any(tables for _, _, tables, _ in stage_cache.seen)


def with_other_text(monkeypatch, module: str) -> None:
    """Make the program believe that a module's text is another."""
    sources = own_sources()
    modules = {**sources.modules, module: replace(sources.modules[module], digest="another")}
    other = replace(sources, modules=modules)
    monkeypatch.setattr(engine_sources, "own_sources", lambda: other)
    engine_sources.program_parts.cache_clear()
    engine_sources.program_fingerprint.cache_clear()


@pytest.fixture
def program_again():
    yield
    engine_sources.program_parts.cache_clear()
    engine_sources.program_fingerprint.cache_clear()


@pytest.mark.usefixtures("program_again")
def test_a_rate_cut_far_below_a_stage_is_not_answered_with_what_was_kept(kept, monkeypatch):
    _, first = kept
    with monkeypatch.context() as patch:
        patch.setattr(link_budget, "_OVERHEAD", 0.98)
        with_other_text(patch, link_budget.__name__)
        cut, notes, _ = answer(kept[0])
        assert not any(note.kept for note in notes.values() if "same people" not in note.why)
        made = [
            n.why for name, n in notes.items() if name.startswith("access") and "same people" not in n.why
        ]
        assert made
        assert all("changed:" in why and "program" in why for why in made)
        assert cut == answer(None)[0] != first
    engine_sources.program_parts.cache_clear()
    engine_sources.program_fingerprint.cache_clear()
    assert answer(kept[0])[0] == first


@pytest.mark.usefixtures("program_again")
def test_a_page_of_the_report_that_changes_recomputes_nothing(kept, monkeypatch):
    with_other_text(monkeypatch, "phusong.report.page")
    again, notes, _ = answer(kept[0])
    assert all(note.kept for note in notes.values()), notes
    assert again == kept[1]


@pytest.mark.slow
def test_a_checkout_whose_rates_are_cut_answers_anew(tmp_path):
    for name in ("coverage", "geodata", "scenarios"):
        shutil.copytree(
            PACKAGE.parents[1] / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    region = small_region(cell_m=1000.0).write(tmp_path / "region")
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "coverage"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    environment.pop("NUMBA_CACHE_DIR", None)
    sets = [p for s in (*SMALL, f"region.path={region}") for p in ("--set", s)]

    def served(out: str, *more: str) -> tuple[int, str]:
        asked = [
            sys.executable,
            "-m",
            "phusong",
            "run",
            "default",
            *sets,
            "--out",
            str(tmp_path / out),
            *more,
        ]
        subprocess.run(asked, env=environment, check=True, capture_output=True, cwd=tmp_path)
        summary = json.loads((tmp_path / out / "summary.json").read_text())
        return summary["people_served"], summary["outcome_digest"]

    before = served("before")
    rates = tmp_path / "coverage" / "phusong" / "radio" / "throughput.py"
    text = rates.read_text(encoding="utf-8")
    assert "_OVERHEAD = 0.25" in text
    rates.write_text(text.replace("_OVERHEAD = 0.25", "_OVERHEAD = 0.98"), encoding="utf-8")
    cut = served("cut")
    assert cut[0] < before[0]
    assert cut[0] == served("fresh", "--no-keep")[0]
    assert served("before", "--resume")[0] == cut[0]  # nor is the whole earlier result taken for an answer
