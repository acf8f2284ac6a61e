"""What leaves a run after redaction: no exact place of a critical site, no small count, the same sums."""

import re
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from phusong.errors import InputError
from phusong.io.text import round_count, round_parts
from phusong.report.folder import Result
from phusong.report.maps import draw_map, draw_maps
from phusong.result.redact import Redaction, critical_sites, redact
from phusong.result.schema import GAP_PARTS

PARTS = ["people_served", *GAP_PARTS]
COUNTS = ("people_gained", "people_alone", "cumulative_people")


@pytest.fixture(scope="module")
def told(result) -> Result:
    """The synthetic result with small counts, an exchange, and options that touch it."""
    communes = result.communes.copy()
    whole = communes[PARTS].round().astype(np.int64)
    whole.iloc[0] = [5_000, 3, 0, 7, 1]
    whole.iloc[1] = [2, 1, 0, 0, 0]
    communes[PARTS] = whole
    communes["population"] = whole.sum(axis=1)
    communes["share_served"] = communes["people_served"] / communes["population"]
    sites = result.sites.assign(structure=["exchange", *["tower"] * (len(result.sites) - 1)])
    options = result.options.copy()
    options["remedies"] = [f"battery_backup@{s}/Viettel" for s in sites["site_id"].head(len(options))]
    options.loc[3, ["people_gained", "people_alone"]] = [4.0, 6.0]
    options["why"] = [
        f"x serves {g:,.0f} more people ({g:,.0f} turned away)" for g in options["people_gained"]
    ]
    points = gpd.GeoSeries(sites.geometry.head(len(options)).to_numpy())
    options["east_m"], options["north_m"] = points.x.to_numpy(), points.y.to_numpy()
    repairs = pd.DataFrame(
        {"layer": ["sites"], "key": ["s000"], "old_value": ["21.0,105.0"], "new_value": ["x"]}
    )
    return replace(result, communes=communes, sites=sites, options=options, repairs=repairs)


@given(
    arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 400)),
    st.integers(2, 50),
)
def test_rounded_parts_keep_their_sum_and_none_is_small(parts, least):
    shown = round_parts(parts, least)
    whole = parts.sum(axis=1)
    assert np.allclose(shown.sum(axis=1), np.where(whole >= least, whole, 0))
    assert not ((shown > 0) & (shown < least)).any()
    big = whole >= least
    assert (np.abs(shown - parts)[big] < 2 * least).all()
    assert np.array_equal(round_parts(shown, least), shown)


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1e6)), st.integers(2, 50))
def test_rounded_counts_are_multiples_keep_their_order_and_show_nothing_small(people, least):
    shown = round_count(people, least)
    assert (np.mod(shown, least) == 0).all()
    assert ((shown == 0) == (people == 0)).all()
    assert (np.abs(shown - people) <= least).all()
    order = np.argsort(people, kind="stable")
    assert (np.diff(shown[order]) >= 0).all()


def test_unknown_counts_stay_unknown_and_least_0_shows_all():
    assert np.isnan(round_count([np.nan], 10)).all()
    assert round_count([3.0], 0).tolist() == [3.0]
    assert round_parts([[1.0, 2.0]], 0).tolist() == [[1.0, 2.0]]


def test_no_exact_place_of_a_critical_site_is_left(told):
    shown = redact(told)
    exact = told.sites.geometry.iloc[0]
    moved = shown.sites.geometry.iloc[0]
    assert (moved.x % 1000, moved.y % 1000) == (500, 500)
    assert moved.distance(exact) < 1000
    assert shown.sites.geometry.iloc[1] == told.sites.geometry.iloc[1]
    assert "east_m" not in shown.options
    assert shown.repairs.empty
    gone = redact(told, Redaction(withhold=True))
    assert gone.sites.geometry.iloc[0].is_empty


def test_where_no_place_is_hidden_options_keep_their_places_and_works(told):
    shown = redact(told, Redaction(structures=())).options.set_index("bundle_id")
    exact = told.options.set_index("bundle_id")
    pd.testing.assert_series_equal(shown["east_m"], exact.loc[shown.index, "east_m"])
    assert shown["remedies"].tolist() == exact.loc[shown.index, "remedies"].tolist()
    assert np.allclose(shown["cost_musd"], exact.loc[shown.index, "cost_musd"])


def test_works_are_named_without_the_site_they_stand_on_and_priced_without_a_distance(told):
    shown = redact(told)
    for cell in [*shown.options["remedies"], *shown.plan["remedy_id"]]:
        assert not set(re.findall(r"s\d{3}", cell)) & set(told.sites["site_id"])
    assert not np.isin(
        shown.options["cost_musd"], told.options["cost_musd"][told.options["cost_musd"] > 0]
    ).any()


def test_options_are_ranked_anew_by_what_is_shown_but_never_before_what_pays_for_them(told):
    shared = told.options.copy()
    shared.loc[5, "remedies"] = f"{shared.loc[4, 'remedies']};battery_backup@s077"
    shown = redact(replace(told, options=shared), Redaction(structures=())).options
    rank = shown.set_index("bundle_id")["rank"]
    later = shown["remedies"] == shared.loc[5, "remedies"]
    per = shown["people_per_musd"][~later].to_numpy()
    assert (per[:-1] >= per[1:]).all()
    assert rank[shared.loc[5, "bundle_id"]] > rank[shared.loc[4, "bundle_id"]]
    assert np.allclose(shown["cumulative_people"], shown["people_gained"].cumsum())


def test_owners_and_lists_make_sites_critical_too(told):
    mine = critical_sites(told, Redaction(structures=(), owners=("VNPT",), site_ids=("s007",)))
    assert set(told.sites["site_id"][mine]) == {"s007", *told.sites["site_id"][told.sites["owner"] == "VNPT"]}


def test_a_mistyped_site_is_refused_rather_than_published(told):
    with pytest.raises(InputError, match="s999"):
        redact(told, Redaction(site_ids=("s007", "s999")))


@pytest.mark.parametrize(
    ("rules", "near"),
    [
        ({"owners": ("Vietel",)}, "Viettel"),
        ({"owners": ("Mobi Phone",)}, "MobiFone"),
        ({"owners": ("nobody",)}, "there are MobiFone, VNPT, Viettel"),
        ({"structures": ("exchnge",)}, "exchange"),
        ({"site_ids": ("s0077",)}, "s077"),
    ],
)
def test_a_name_that_matches_nothing_is_refused_with_the_nearest(told, rules, near):
    with pytest.raises(InputError, match=near):
        redact(told, Redaction(**rules))


def test_every_mistyped_name_is_told_at_once(told):
    with pytest.raises(InputError) as caught:
        redact(told, Redaction(owners=("Vietel", "VNTP"), site_ids=("s999",)))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("owner", ["viettel", "VIETTEL", "Viêttel "])
def test_owners_match_without_capitals_and_diacritics(told, owner):
    mine = critical_sites(told, Redaction(structures=(), owners=(owner,)))
    assert mine.any()
    assert (mine == (told.sites["owner"] == "Viettel")).all()


def test_a_structure_that_exists_but_stands_nowhere_here_is_no_error(told):
    assert not critical_sites(told, Redaction(structures=("rooftop",))).any()


def test_structures_that_nobody_stated_are_not_taken_for_harmless(result):
    with pytest.raises(InputError, match="no column structure"):
        redact(result)


@pytest.mark.parametrize("rules", [{"grid_m": 0.0}, {"grid_m": float("nan")}, {"least_people": -1}])
def test_rules_without_sense_are_refused(rules):
    with pytest.raises(InputError):
        Redaction(**rules)


def test_the_five_parts_still_sum_to_the_population_and_none_is_small(told):
    shown = redact(told).communes
    parts = shown[PARTS].to_numpy()
    assert (parts.sum(axis=1) == shown["population"]).all()
    assert not ((parts > 0) & (parts < 10)).any()
    assert shown["withheld"].tolist()[:3] == [False, True, False]
    assert shown["population"].iloc[0] == told.communes["population"].iloc[0]
    assert shown["population"].iloc[1] == 0
    assert shown["share_served"].iloc[0] == shown["people_served"].iloc[0] / shown["population"].iloc[0]


def test_options_show_no_small_count_not_even_in_words_or_by_division(told):
    shown = redact(told).options
    for name in COUNTS:
        people = shown[name].to_numpy()
        assert not ((people > 0) & (people < 10)).any()
    paid = shown[shown["cost_musd"] > 0]
    back = (paid["people_per_musd"] * paid["cost_musd"]).to_numpy()
    assert np.allclose(back, paid["people_gained"])
    for why, people in zip(shown["why"], shown["people_gained"], strict=True):
        assert re.findall(r"([\d,]+) more people", why) == [f"{people:,.0f}"]
        assert "turned away" not in why


def test_totals_are_those_of_what_is_shown(told):
    shown = redact(told)
    assert shown.summary["people"] == shown.communes["population"].sum()
    assert sum(shown.summary[p] for p in PARTS) == pytest.approx(shown.summary["people"])
    assert shown.summary["plan"]["people_gained"] % 10 == 0
    assert shown.summary["redaction"]["least_people"] == 10


def test_rasters_hold_nothing_smaller_than_a_commune(told):
    shown = redact(told)
    assert np.isnan(shown.rsrp_dbm).all()
    assert ((shown.access_class == 0) | (told.access_class > 0)).all()
    row, col = np.nonzero(shown.access_class)
    east, north = shown.grid.centres(row, col)
    for area in shown.communes.geometry:
        inside = shapely.contains_xy(area, east, north)
        assert len(np.unique(shown.access_class[row[inside], col[inside]])) <= 1


def test_no_map_of_signal_is_drawn_where_none_is_shown(told, tmp_path):
    shown = redact(told)
    assert "rsrp.png" not in [p.name for p in draw_maps(shown, tmp_path)]
    with pytest.raises(InputError, match="withheld"):
        draw_map(shown, "rsrp")


def test_the_folder_can_be_written_read_and_redacted_again(told, tmp_path):
    shown = redact(told, Redaction(withhold=True))
    shown.write(tmp_path / "out")
    back = Result.read(tmp_path / "out")
    assert back.communes["withheld"].any()
    again = redact(back, Redaction(withhold=True))
    assert np.array_equal(again.communes[PARTS].to_numpy(), back.communes[PARTS].to_numpy())
    exact = told.sites.geometry.iloc[0]
    for path in sorted((tmp_path / "out").rglob("*")):
        if path.suffix in {".html", ".json", ".csv", ".toml"}:
            text = path.read_text(encoding="utf-8-sig")
            assert f"{exact.x:.1f}" not in text, path
            assert f"{exact.x:.0f}" not in text or path.name == "report.html", path
    places = gpd.read_parquet(tmp_path / "out" / "sites.parquet")
    assert not shapely.intersects(places.geometry.to_numpy(), exact.buffer(1.0)).any()


def test_the_provenance_says_that_and_how_it_was_redacted(told):
    shown = redact(told, Redaction(site_ids=("s007",)))
    assert shown.provenance["redaction"]["critical_sites"] == 2
    assert "s007" not in str(shown.provenance)
    assert shown.provenance["digest"] != told.provenance["digest"]
    assert redact(told, Redaction(site_ids=("s007",))).provenance == shown.provenance
