"""A plan beside a result: the folder carries enough, and our own plan gives our own headline."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from phusong.cli import app
from phusong.errors import InputError
from phusong.pipeline import run_region
from phusong.report.evaluation import write_evaluation
from phusong.report.folder import Result
from phusong.result.redact import redact
from phusong.scenario import Scenario
from small_region import small_region


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    asked = Scenario.read("default", overrides=["invest.budget_musd=0.3", "invest.samples=5"])
    out = tmp_path_factory.mktemp("evaluated") / "result"
    run_region(asked, small_region()).write(out)
    return out


@pytest.fixture(scope="module")
def run(folder):
    return Result.read(folder)


def test_our_own_plan_gives_our_own_headline_to_the_person(folder, run):
    found = run.evaluate(folder / "plan.csv").headline
    plan = run.summary["plan"]
    assert found["people_gained"] == plan["people_gained"]
    assert found["cost_musd"] == pytest.approx(plan["cost_musd"])
    assert found["people_gained"] <= found["bound_people"] <= plan["bound_people"] + 1e-6
    assert found["ours_people"] == found["people_gained"]
    assert found["remedies"] == found["remedies_in_our_plan"] == len(run.plan)


def test_everything_ranked_gives_everybody_who_can_be_reached(run):
    found = run.evaluate(run.options["bundle_id"].tolist())
    assert found.headline["people_gained"] == run.summary["plan"]["people_closable"]
    assert found.headline["cost_musd"] == pytest.approx(run.summary["plan"]["cost_to_close_musd"])
    assert set(found.communes["commune_code"]) <= set(run.communes["commune_code"])


def test_no_single_option_beats_ours_for_the_same_money(run):
    for bundle in run.options["bundle_id"].head(4):
        found = run.evaluate([bundle]).headline
        row = run.options.set_index("bundle_id").loc[bundle]
        assert found["people_gained"] == row["people_alone"]
        assert found["people_gained"] <= found["ours_people"] <= found["bound_people"] + 1e-6


def test_a_table_in_memory_is_read_as_the_file(folder, run):
    assert run.evaluate(run.plan).headline == run.evaluate(folder / "plan.csv").headline
    assert run.evaluate(run.plan).years["year"].tolist() == sorted(run.plan["year"].unique())


def test_proving_never_loosens_the_bound(run):
    plan = run.plan["remedy_id"].head(3).tolist()
    plain, proved = (run.evaluate(plan, prove=p).headline for p in (False, True))
    assert proved["bound_people"] <= plain["bound_people"] + 1e-6
    assert proved["ours_people"] >= plain["ours_people"]


def test_a_result_without_what_could_be_bought_says_so(run):
    for poor in (replace(run, remedies=pd.DataFrame()), redact(run)):
        with pytest.raises(InputError, match="run the scenario again"):
            poor.evaluate(["b00001"])


def test_an_evaluation_folder_is_whole_and_is_no_place_for_other_things(run, tmp_path):
    found = run.evaluate(run.plan)
    write_evaluation(found, tmp_path / "out")
    write_evaluation(found, tmp_path / "out")
    figures = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert figures["people_gained"] == found.headline["people_gained"]
    assert len(pd.read_csv(tmp_path / "out" / "waste.csv")) == len(found.waste)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError):
        write_evaluation(found, tmp_path / "other")


def test_the_command_prints_figures_for_people_and_for_programs(folder):
    runner = CliRunner()
    said = runner.invoke(app, ["evaluate", str(folder), str(folder / "plan.csv")])
    assert said.exit_code == 0
    assert "more people" in said.output
    printed = runner.invoke(app, ["evaluate", str(folder), str(folder / "plan.csv"), "--json"])
    people = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["plan"]["people_gained"]
    assert json.loads(printed.output)["people_gained"] == people


def test_tables_of_the_run_stand_in_the_folder(run):
    assert set(run.robustness["plan"]) >= {"best plan", "along the ranking"}
    assert (run.tornado["people_base"] == run.summary["plan"]["people_gained"]).all()
    assert run.options["keep_probability"].between(0, 1).all()
    bound = run.curve.dropna(subset=["plan_people"])
    assert (bound["plan_people"] <= bound["bound_people"] + 1e-6).all()


PLACES = """STT,Tên trạm,Kinh độ,Vĩ độ,Hạng mục,Thành tiền (VNĐ),Năm
1,BTS-A01,105.42,22.62,Xây mới cột 42m,2600000000,2027
"""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PLACES, "a list of places is not read yet"),
        ("works,price\nmast,3\n", "works by name or description are not read yet"),
    ],
)
def test_a_list_without_ids_is_told_what_it_lacks_and_where_ids_are(folder, tmp_path, text, why):
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as told:
        Result.read(folder).evaluate(tmp_path / "list.csv")
    words = str(told.value)
    for part in ("list.csv", "remedy_id", "bundle_id", why, "options.csv", "tables/remedies.parquet"):
        assert part in words
    assert (folder / "options.csv").is_file()
    assert (folder / "tables" / "remedies.parquet").is_file()
    assert "bundle_id" in (folder / "options.csv").read_text(encoding="utf-8-sig").splitlines()[0]
