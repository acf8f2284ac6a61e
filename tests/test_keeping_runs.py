"""Runs that keep what they did: the same bytes, and nothing done twice without a reason."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args, get_origin

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel
from shapely.affinity import translate

import phusong
from phusong import invest_stage, radio_setup
from phusong.engine.crew import Threads, cluster
from phusong.engine.fingerprint import fingerprint
from phusong.engine.keeping import Keeper
from phusong.engine.store import Store
from phusong.pipeline import run_region
from phusong.region.store import Source
from phusong.scenario import Scenario
from small_region import small_region

SMALL = ("invest.samples=2", "invest.budget_musd=0.3")
PACKAGE = Path(phusong.__file__).parent


def answer(folder, *settings: str, region=None, crew=None):
    """Return the fingerprint of all that a run answers, what became of its stages, and its store."""
    keeper = Keeper(None if folder is None else Store(folder))
    asked = Scenario.read("default", overrides=(*SMALL, *settings))
    result = run_region(asked, region or small_region(), keeper=keeper, crew=crew)
    return fingerprint(result), {note.stage: note for note in keeper.notes}, keeper.store


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
    keeper = Keeper(radio)
    asked = Scenario.read("default", overrides=SMALL)
    ground = radio_setup.radio_setup(asked.radio, region)
    radio_setup.region_footprints(asked, region, *ground, Threads(1), keeper)
    before = radio.use.written
    radio_setup.region_footprints(asked, moved, *ground, Threads(1), keeper)
    assert radio.use.written == before + 2  # the site, and where all are heard
    assert found == answer(None, region=moved)[0]
    assert store.use.found > 0


def test_threads_and_processes_of_a_cluster_give_the_same(tmp_path, kept):
    _, first = kept
    assert first == answer(tmp_path / "one", crew=Threads(1))[0]
    with cluster("local", workers=2) as crew:
        assert first == answer(tmp_path / "two", crew=crew)[0]


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


def test_every_shipped_table_that_a_stage_reads_is_in_its_key():
    def read_in(*rooms: str) -> set[str]:
        found = set()
        for room in rooms:
            place = PACKAGE / room
            for path in place.rglob("*.py") if place.is_dir() else [place]:
                text = path.read_text(encoding="utf-8")
                if "phusong.region.facts import" in text or path.name == "facts.py":
                    found |= set(re.findall(r"\btable\(\"(\w+)\"\)", text))
        return found

    # rooms before a stage speak through what they give, which is in its key; these are read while it runs
    assert read_in("invest", "invest_stage.py", "invest_setup.py", "reach_setup.py") <= set(
        invest_stage._COST_TABLES
    )
    assert read_in("region/vietnam") <= {*radio_setup._BUILDER_TABLES, "facts"}
    # what the air does reaches the sweep within its plan
    assert read_in("radio") <= {"refractivity"}
