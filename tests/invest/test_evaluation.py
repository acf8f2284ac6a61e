"""Any plan evaluated: the same terms, nothing lost, the waste named."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_models import random_plan_model
from scipy.sparse import csr_matrix

from phusong.errors import InputError
from phusong.invest.bundles import Offers
from phusong.invest.evaluation import bound_at, evaluate, read_plan
from phusong.invest.plan_book import PlanBook, PlanModel
from phusong.invest.redundancy import Structures, wasted_money


def book_of(model: PlanModel, *, kinds=None, bundle_kinds=None, communes: int = 3) -> PlanBook:
    n_b, n_r = model.needs.shape
    remedies = pd.DataFrame(
        {
            "remedy_id": [f"r{k}@s{k}" for k in range(n_r)],
            "kind": kinds or ["battery_backup"] * n_r,
            "capex_musd": model.remedy_cost_musd,
            "opex_musd_year": 0.0,
            "cost_musd": model.remedy_cost_musd,
            "site_id": [f"s{k}" for k in range(n_r)],
            "to_id": "",
            "commune_code": "00001",
            "east_m": np.arange(n_r) * 100.0,
            "north_m": 0.0,
        }
    )
    bundles = pd.DataFrame(
        {
            "bundle_id": [f"b{k}" for k in range(n_b)],
            "kinds": bundle_kinds or ["battery_backup"] * n_b,
            "operators": "red",
            "commune_code": "00001",
            "works_site_ids": [f"s{k}" for k in range(n_b)],
            "main_site_id": [f"s{k}" for k in range(n_b)],
            "main_commune_code": "00001",
            "works_commune_codes": "00001",
            "behind_site_ids": "",
            "east_m": 0.0,
            "north_m": 0.0,
        }
    )
    commune = np.arange(model.weights.size) % communes
    codes = np.array([f"0000{k + 1}" for k in range(communes)])
    return PlanBook.of_offers(Offers(remedies, bundles, model), commune, codes)


def twins_model() -> PlanModel:
    """r0 alone serves 0 and 1; r1 with r2 serves 2; r3 serves 1; r4 (a mast) with r5 serves 3; r6 opens a site there."""
    needs = np.zeros((5, 7))
    needs[0, 0] = needs[1, [1, 2]] = needs[2, 3] = needs[3, [4, 5]] = needs[4, 6] = 1
    covers = np.zeros((5, 4))
    covers[0, [0, 1]] = covers[1, 2] = covers[2, 1] = covers[3, 3] = covers[4, 3] = 1
    costs = np.array([2.0, 1.0, 0.5, 0.7, 3.0, 1.0, 0.25])
    return PlanModel(costs, csr_matrix(needs), csr_matrix(covers), np.array([10.0, 20.0, 30.0, 40.0]))


TWIN_KINDS = ["battery_backup"] * 4 + ["build_site", "add_radio", "open_mocn"]
TWIN_BUNDLES = ["battery_backup"] * 3 + ["add_radio;build_site", "open_mocn"]


def subset(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).random(n) < 0.5


def ids(book: PlanBook, bought: np.ndarray) -> list[str]:
    return book.remedies["remedy_id"][bought].tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_a_book_serves_as_its_model_and_comes_back_from_its_tables(seed, pick):
    model = random_plan_model(seed)
    book = book_of(model)
    back = PlanBook.of_tables(book.tables())
    bought = subset(pick, model.remedy_cost_musd.size)
    assert book.model.people(bought) == model.people(bought) == back.model.people(bought)
    assert back.group_commune.tolist() == book.group_commune.tolist()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000), st.integers(0, 100_000), st.integers(0, 100_000))
def test_more_remedies_never_serve_fewer(seed, pick, more):
    model = random_plan_model(seed)
    book = book_of(model)
    some = subset(pick, model.remedy_cost_musd.size)
    some[0] = True
    rest = some | subset(more, some.size)
    people = [
        evaluate(book, read_plan(ids(book, p), book), ours=some, curve=pd.DataFrame()).headline[
            "people_gained"
        ]
        for p in (some, rest)
    ]
    assert people[0] <= people[1]
    assert people == [round(model.people(some)), round(model.people(rest))]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_what_is_called_wasted_loses_nobody_together_and_the_rest_does(seed, pick):
    model = random_plan_model(seed, free=False)
    book = book_of(model)
    bought = subset(pick, model.remedy_cost_musd.size)
    waste = wasted_money(book, bought)
    gone = waste.loc[waste["waste"].isin(["incomplete", "overlap"]), "remedy_id"]
    assert gone.is_unique
    lean = bought & ~book.remedies["remedy_id"].isin(gone).to_numpy()
    assert model.people(lean) == model.people(bought)
    for k in np.flatnonzero(lean):
        without = lean.copy()
        without[k] = False
        assert model.people(without) < model.people(lean) or model.weights.sum() == 0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_communes_options_and_years_sum_to_the_headline(seed, pick):
    model = random_plan_model(seed)
    book = book_of(model)
    bought = subset(pick, model.remedy_cost_musd.size)
    bought[1] = True
    table = pd.DataFrame({"remedy_id": ids(book, bought)})
    table["year"] = [2027 + k % 3 for k in range(len(table))]
    found = evaluate(book, read_plan(table, book), ours=bought, curve=pd.DataFrame())
    people = found.headline["people_gained"]
    assert found.communes["people_gained"].sum() == people
    assert found.options["people_gained"].sum() == people
    assert found.years["people_gained"].iloc[-1] == people
    assert found.years["people_gained"].is_monotonic_increasing
    assert found.years["cost_musd"].iloc[-1] == pytest.approx(found.headline["cost_musd"])
    assert found.headline["ours_people"] >= people
    assert found.headline["bound_people"] >= people


def test_each_kind_of_waste_is_named_with_what_to_do_instead():
    book = book_of(twins_model(), kinds=TWIN_KINDS, bundle_kinds=TWIN_BUNDLES)
    bought = np.array([True, True, False, True, True, True, False])
    near = Structures(
        np.array(["s9"]), np.array(["blue"]), np.array([True]), np.array([450.0]), np.array([0.0])
    )
    waste = wasted_money(book, bought, near).set_index("waste")
    assert waste.loc["incomplete", "remedy_id"] == "r1@s1"
    assert waste.loc["incomplete", "instead"] == "r2@s2"
    assert waste.loc["overlap", "remedy_id"] == "r3@s3"
    # mast and radio cost 4.0; opening the site that is there costs 0.25 for the same people
    assert waste.loc["locked twin", "saved_musd"] == pytest.approx(3.75)
    assert waste.loc["locked twin", "instead"] == "b4"
    assert waste.loc["shareable structure", "instead"] == "s9"
    headline = evaluate(book, read_plan(ids(book, bought), book), ours=bought, curve=pd.DataFrame()).headline
    assert headline["wasted_musd"] == pytest.approx(1.0 + 0.7)
    assert headline["avoidable_musd"] == pytest.approx(3.75)


def test_unknown_rows_are_named_together_with_the_nearest_names(tmp_path):
    book = book_of(twins_model())
    path = tmp_path / "plan.csv"
    path.write_text(
        "remedy_id;year\nr0@s0;2027\nr1@s11;2027\nr2@s2;soon\nr0@s0;2028\n;2027\n", encoding="utf-8"
    )
    with pytest.raises(InputError) as found:
        read_plan(path, book)
    told = [str(p) for p in found.value.problems]
    assert len(told) == 4
    assert "row 2" in told[0]
    assert "did you mean r1@s1" in told[0]
    assert "row 3" in told[1]
    assert "first in row 1" in told[2]
    assert "names neither" in told[3]


@pytest.mark.parametrize("text", ["", "commune_code,year\n00001,2027\n", "remedy_id,year\n"])
def test_a_file_without_remedies_is_refused(tmp_path, text):
    path = tmp_path / "plan.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_plan(path, book_of(twins_model()))


def test_a_bundle_buys_all_its_remedies_and_each_counts_from_its_first_year():
    book = book_of(twins_model())
    plan = read_plan(
        pd.DataFrame({"bundle_id": ["b1", "b3"], "year": [2029, 2027.0], "fund": ["a", "b"]}), book
    )
    assert ids(book, plan.bought) == ["r1@s1", "r2@s2", "r4@s4", "r5@s5"]
    assert plan.year[[1, 4]].tolist() == [2029, 2027]
    assert plan.fund[4] == "b"


def test_the_bound_is_straight_between_its_corners_and_level_beyond():
    curve = pd.DataFrame({"budget_musd": [0.0, np.nan, 10.0], "bound_people": [0.0, np.nan, 50.0]})
    assert bound_at(curve, 4.0) == 20.0
    assert bound_at(curve, 99.0) == 50.0
    assert bound_at(pd.DataFrame(), 1.0) == np.inf


@pytest.mark.parametrize(
    "text",
    [
        b"remedy_id\nr0@s0\nr3@s3\n",
        b"\xef\xbb\xbfremedy_id\r\nr0@s0\r\nr3@s3\r\n",
        b"remedy_id;\nr0@s0;\nr3@s3;\n",
        b"remedy_id\nr0@s0;r3@s3\n",
        b"r0@s0\nr3@s3\n",
        b"\xef\xbb\xbfr0@s0\r\nr3@s3",
        b"bundle_id\nb0\nb2\n",
        b"b0\nb2\n",
        b"b0\nr3@s3\n",
        b'"remedy_id"\n"r0@s0"\n"r3@s3"\n',
    ],
)
def test_a_list_of_one_column_is_a_plan(tmp_path, text):
    book = book_of(twins_model())
    path = tmp_path / "plan.csv"
    path.write_bytes(text)
    assert ids(book, read_plan(path, book).bought) == ["r0@s0", "r3@s3"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"remedy_id\nr0@s0\nr9@s9\n", "row 2, column remedy_id: 'r9@s9' is no remedy"),
        (b"r0@s0\nr9@s9\n", "row 2, column remedy_id: 'r9@s9' is no remedy"),
        (b"site\ns0\n", r"has neither a column remedy_id .* nor bundle_id .*: it has site"),
        (b"remedy_id\n", "has no rows"),
        (b"r0@s0\nr0@s0\n", "stands twice"),
    ],
)
def test_a_list_of_one_column_that_is_no_plan_says_what_is_wrong(tmp_path, text, words):
    path = tmp_path / "plan.csv"
    path.write_bytes(text)
    with pytest.raises(InputError, match=words):
        read_plan(path, book_of(twins_model()))
