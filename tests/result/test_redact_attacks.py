"""Attacks on a redacted result: by distances, by differences and by complements. Each finds what it looks for where it is not redacted."""

import json
import sqlite3
from dataclasses import fields, make_dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from planted import FIBRE_MUSD_KM, HIDDEN, PARTS, planted

from phusong.io.text import round_count
from phusong.report.folder import Result
from phusong.result.files import write_geopackage, write_parquet
from phusong.result.redact import Redaction, redact
from phusong.result.schema import FIGURES, TABLES

SIDE_M = 1000.0


@pytest.fixture(scope="module")
def told(result) -> Result:
    return planted(result)


@pytest.fixture(scope="module")
def shown(told) -> Result:
    return redact(told)


# distances


def places_found(result: Result, squares: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> dict[str, np.ndarray]:
    """Return by what was used how far from the truth [m] each hidden site is found; squares give where it may be.

    The attacker knows that a column grows linearly with the distance to the nearest hidden site, and tries every place of
    the square: the sites whose values lie on one line with it vote.
    """
    seen = result.sites[~result.sites["site_id"].isin(HIDDEN)]
    clues = {f"sites.{c}": (seen, seen[c]) for c in seen.columns if pd.api.types.is_float_dtype(seen[c])}
    at = seen.set_index("site_id")
    for name in ("options", "plan"):
        frame = getattr(result, name)
        ids = frame["remedies" if name == "options" else "remedy_id"].astype(str).str.extract(r"@(\w+)")[0]
        known = ids.isin(at.index).to_numpy()
        for column in ("cost_musd", "capex_musd", "cumulative_cost_musd"):
            if column in frame and known.any():
                clues[f"{name}.{column}"] = (at.loc[ids[known]], frame[column][known])
    found = {}
    for clue, (anchors, values) in clues.items():
        value = values.to_numpy(np.float64)
        if not np.isfinite(value).all() or np.ptp(value) == 0:
            continue
        xy = np.c_[anchors.geometry.x, anchors.geometry.y]
        found[clue] = np.array(
            [_best_place(square, xy, value).distance(truth[key]) for key, square in squares.items()]
        )
    return found


def _best_place(square, xy: np.ndarray, value: np.ndarray):
    step = np.arange(-SIDE_M / 2, SIDE_M / 2 + 1, 50.0)
    east, north = (v.ravel() for v in np.meshgrid(square.x + step, square.y + step))
    km = np.hypot(east[:, None] - xy[:, 0], north[:, None] - xy[:, 1]) / 1000
    # the laws of the public model: hours, availability and price by distance
    laws = [
        (value / 8760 - 1e-4) / 3e-5, (1 - value - 1e-4) / 3e-5, value / FIBRE_MUSD_KM,
    ]  # fmt: skip
    scores = [np.exp(-(((km - law) / 0.06) ** 2)).sum(axis=1) for law in laws]
    best = max(scores, key=lambda s: s.max() - np.median(s))
    k = int(best.argmax())
    return gpd.points_from_xy([east[k]], [north[k]])[0]


def test_no_hidden_site_is_found_by_distances(told, shown):
    truth = told.sites.set_index("site_id").geometry
    squares = shown.sites.set_index("site_id").geometry.loc[list(HIDDEN)]
    exact = places_found(told, squares, truth)
    # the attack works on what is not redacted: by hours, by availability, by prices
    for clue in ("sites.hours_lost_backhaul", "sites.availability", "options.cost_musd", "plan.cost_musd"):
        assert np.median(exact[clue]) < 100, clue
    assert not places_found(shown, squares, truth)


def test_a_column_that_tells_distances_and_was_let_through_would_be_caught(told, shown):
    leaky = replace(shown, sites=shown.sites.assign(hours_lost_year=told.sites["hours_lost_year"].to_numpy()))
    truth = told.sites.set_index("site_id").geometry
    squares = shown.sites.set_index("site_id").geometry.loc[list(HIDDEN)]
    assert np.median(places_found(leaky, squares, truth)["sites.hours_lost_year"]) < 100


def test_no_column_of_a_place_that_is_shown_depends_on_where_the_hidden_ones_stand(told, shown):
    """Wherever in their squares the hidden sites stand, the very same result is shown."""
    moved = told.sites.copy()
    hidden = moved["site_id"].isin(HIDDEN).to_numpy()
    square = shown.sites.geometry[hidden]
    moved.loc[hidden, "geometry"] = gpd.points_from_xy(square.x + 311, square.y - 207)
    for name in ("hours_lost_backhaul", "hours_lost_year", "availability", "load"):
        moved[name] = moved[name] * 0.9
    other = replace(
        told,
        sites=moved,
        rsrp_dbm=told.rsrp_dbm - 3,
        access_class=np.where(told.access_class > 0, 1, 0).astype(np.uint8),
    )
    again = redact(other)
    pd.testing.assert_frame_equal(pd.DataFrame(again.sites), pd.DataFrame(shown.sites))
    assert np.array_equal(again.access_class, shown.access_class)
    assert np.array_equal(again.rsrp_dbm, shown.rsrp_dbm, equal_nan=True)
    assert again.summary == shown.summary
    assert again.provenance == shown.provenance


def test_prices_of_one_kind_of_work_are_the_same_wherever_it_stands(shown):
    assert np.ptp(shown.options["cost_musd"]) < 1e-12
    assert np.ptp(shown.plan["cost_musd"]) < 1e-12


def test_ranks_tell_no_price_and_no_count_that_is_rounded_away(told, shown):
    assert np.isnan(shown.options[["rank_p05", "rank_p95"]].to_numpy(np.float64)).all()
    back = shown.options.sort_values(["people_per_musd", "bundle_id"], ascending=[False, True])
    assert back["rank"].tolist() == list(range(1, len(back) + 1))


def test_nothing_proves_a_guessed_place(shown, told):
    """A digest of what holds the exact place answers yes or no to every guess."""
    text = json.dumps([shown.provenance, shown.summary])
    assert "9f" * 32 in json.dumps(told.provenance)
    assert "9f" * 32 not in text
    assert "ab" * 32 not in text
    assert told.provenance["digest"] not in text


# differences


@given(
    st.integers(0, 10**6),
    st.lists(st.sampled_from([700.0, 1000.0, 1500.0, 2000.0, 3333.0, 5000.0, 8000.0]), min_size=2),
)
def test_squares_of_several_redactions_overlap_in_nothing_smaller_than_the_smallest(east, asked):
    squares = []
    for grid_m in asked:
        side = Redaction(grid_m=grid_m).side_m
        assert side >= grid_m
        low = east // side * side
        squares.append((low, low + side))
    overlap = min(b for _, b in squares) - max(a for a, _ in squares)
    assert overlap == min(b - a for a, b in squares)


def shown_counts(people, least: int) -> np.ndarray:
    out = np.array(people, np.float64)
    for step in Redaction(least_people=least).steps:
        out = round_count(out, step)
    return out


@given(st.sampled_from([2, 5, 7, 10]), st.sampled_from([10, 15, 20, 50, 100]))
def test_counts_of_several_redactions_tell_no_more_than_the_finest(fine, coarse):
    people = np.arange(0, 2000)
    finest, other = shown_counts(people, fine), shown_counts(people, coarse)
    if Redaction(least_people=fine).steps[-1] > Redaction(least_people=coarse).steps[-1]:
        finest, other = other, finest
    assert (pd.Series(other).groupby(finest).agg(np.ptp) == 0).all()
    assert (np.abs(finest - people) <= Redaction(least_people=max(fine, coarse)).steps[-1]).all()


def test_parts_of_several_redactions_tell_no_more_than_the_finest(told):
    fine, coarse = (redact(told, Redaction(least_people=n)).communes for n in (10, 40))
    again = redact(replace(told, communes=fine.drop(columns="withheld")), Redaction(least_people=40)).communes
    kept = ~coarse["withheld"].to_numpy()
    assert (np.abs(again[PARTS].to_numpy() - coarse[PARTS].to_numpy())[kept] <= 40).all()


def test_no_two_policies_differ_by_a_small_group(told):
    base = told.communes[PARTS].sum().to_numpy()
    rows = [base, *(base + np.array(d) for d in ((3, 0, -3, 0, 0), (4, 0, -3, -1, 0), (500, 0, -500, 0, 0)))]
    policies = pd.DataFrame(rows, columns=PARTS).assign(policy=["none", "passive", "mocn", "roaming"])
    found = redact(replace(told, policies=policies))
    got = found.policies.set_index("policy")[PARTS]
    assert got.loc["none"].tolist() == found.communes[PARTS].sum().tolist()
    steps = np.abs(got.to_numpy()[:, None, :] - got.to_numpy()[None, :, :])
    assert not ((steps > 0) & (steps < 10)).any()
    assert got["people_served"].is_monotonic_increasing
    assert (got.sum(axis=1) == found.communes["population"].sum()).all()


def test_steps_of_the_curve_and_of_cumulated_people_are_no_small_group(shown):
    for steps in (shown.options["cumulative_people"].diff(), shown.curve["people"].diff()):
        assert not ((steps.abs() > 0) & (steps.abs() < 10)).any()


# complements


def test_no_share_times_the_population_gives_a_small_group_or_leaves_one(told, shown):
    names = ["share_served", "has_signal", "has_power", "has_backhaul", "ready_share"]
    exact = told.communes
    small = ((exact["has_signal"] * exact["population"]).round() != exact["population"]) & (
        exact["population"] * (1 - exact["has_signal"]) < 10
    )
    assert small.any(), "the attack finds groups where nothing is redacted"
    for name in names:
        people = shown.communes["population"].to_numpy()
        part = shown.communes[name].to_numpy() * people
        for group in (part, people - part):
            known = group[np.isfinite(group)]
            assert not ((known > 1e-6) & (known < 10 - 1e-6)).any(), name


def test_no_total_less_what_is_shown_leaves_a_small_group(shown):
    totals = {**{p: shown.summary[p] for p in PARTS}, "population": shown.summary["people"]}
    for name, total in totals.items():
        assert total - shown.communes[name].sum() == 0
        assert (
            sum(p["population" if name == "population" else name] for p in shown.summary["provinces"])
            == total
        )
    assert shown.summary["plan"]["people_gained"] == shown.plan["people_gained"].sum()
    assert shown.summary["plan"]["people_closable"] == shown.options["people_gained"].sum()
    assert shown.summary["plan"]["cost_musd"] == pytest.approx(shown.plan["cost_musd"].sum())


def test_a_commune_of_few_people_is_not_told_by_the_rest_of_its_province(shown):
    gone = shown.communes[shown.communes["withheld"]]
    assert len(gone) == 1
    assert gone[[*PARTS, "population"]].to_numpy().sum() == 0
    assert gone["hours_lost_year"].isna().all()


def test_rasters_beside_public_maps_of_people_tell_no_group_below_a_commune(shown):
    """Pixels of one class times the people of a public raster are groups: within a commune all pixels are of one class."""
    rng = np.random.default_rng(1)
    people = rng.integers(0, 4, shown.grid.shape)
    row, col = np.indices(shown.grid.shape)
    east, north = shown.grid.centres(row, col)
    for area in shown.communes.geometry:
        inside = shapely.contains_xy(area, east, north)
        classes = shown.access_class[inside]
        for code in np.unique(classes[classes > 0]):
            assert people[inside][classes == code].sum() >= 10 or inside.sum() < 10
    assert not np.isfinite(shown.rsrp_dbm).any()


# what nobody declared


def everything_in(folder: Path) -> str:
    """Return all that stands in a folder as text: bytes, and what lies compressed in tables and rasters."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.append(path.name)
        found.append(path.read_bytes().decode("latin-1"))
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            found.append(str(table.schema.metadata))
            found.append(
                table.drop_columns([c for c in table.column_names if c == "geometry"]).to_pandas().to_csv()
            )
        elif path.suffix == ".gpkg":
            with sqlite3.connect(path) as base:
                found.extend(base.iterdump())
        elif path.suffix == ".tif":
            with rasterio.open(path) as raster:
                found.append(str(raster.tags()))
    return "\n".join(found)


CANARY, NUMBER = "canarybird", 987123.4567


@pytest.fixture(scope="module")
def sown(told) -> Result:
    """The result with text and numbers that nobody declared in every table, figure and setting, and a table of its own."""
    tables = {}
    for field in fields(Result):
        frame = getattr(told, field.name)
        if isinstance(frame, pd.DataFrame):
            full = frame if len(frame.columns) else pd.DataFrame({"anything": [1]})
            tables[field.name] = full.assign(
                **{f"{CANARY}_text": f"{CANARY} told", f"{CANARY}_number": NUMBER}
            )
    wider = make_dataclass("Wider", [("secrets", pd.DataFrame, None)], bases=(Result,), frozen=True)
    values = {f.name: getattr(told, f.name) for f in fields(Result)} | tables
    values["summary"] = {
        **told.summary,
        f"{CANARY}_figure": NUMBER,
        CANARY: {"inner": NUMBER},
        "plan": {**told.summary["plan"], f"{CANARY}_plan": NUMBER, "statements": [f"{CANARY} in words"]},
    }
    values["provenance"] = {**told.provenance, CANARY: CANARY}
    values["scenario_toml"] = (
        f'{told.scenario_toml}[invest.crews]\n"{CANARY}" = 3\n[{CANARY}]\npath = "{CANARY}"\nnumber = {NUMBER}\n'
    )
    return wider(**values, secrets=pd.DataFrame({CANARY: [CANARY, str(NUMBER)]}))


@pytest.fixture(scope="module")
def folder(sown, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("redacted") / "out"
    redact(sown).write(out)
    return out


def test_what_nobody_declared_stands_in_no_byte_of_the_redacted_folder(sown, folder, tmp_path):
    write_parquet(sown.options, tmp_path / "options.parquet")
    write_geopackage(sown.sites, tmp_path / "sites.gpkg", layer="sites")
    assert everything_in(tmp_path).count("987123") > 2, "the search finds it where nothing is redacted"
    text = everything_in(folder)
    assert "people_gained" in text
    assert CANARY not in text
    assert "987123" not in text


def test_what_nobody_declared_changes_nothing_of_what_is_shown(sown, shown):
    again = redact(sown)
    for name in TABLES:
        one, other = getattr(again, name), getattr(shown, name)
        assert (one is None) == (other is None)
        if one is not None:
            pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))
    assert (again.summary, again.scenario_toml) == (shown.summary, shown.scenario_toml)


def test_every_field_of_a_result_that_is_a_table_is_declared():
    frames = {f.name for f in fields(Result) if "DataFrame" in str(f.type)}
    assert frames == set(TABLES), "declare it in phusong/result/table_rows.py"


def test_the_redacted_page_is_still_of_use(folder, shown):
    page = (folder / "report.html").read_text(encoding="utf-8")
    for name in shown.communes["name"]:
        assert name in page
    assert "more people" in shown.options["why"].iloc[0]
    assert set(FIGURES) >= {"people", "plan.people_gained"}
    back = Result.read(folder)
    assert back.redacted
    assert len(back.options) == len(shown.options)
