"""What a result holds is declared once, completely, and the page that says so is current."""

from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
from result_dictionary import REMAKE, result_dictionary

from phusong.pipeline import run_region
from phusong.report.folder import Result
from phusong.result.schema import FIGURES, PROVENANCE, RASTERS, TABLES, table_problems, undeclared
from phusong.scenario import Scenario
from small_region import small_region


def test_the_dictionary_of_results_in_docs_is_current():
    path = Path(__file__).resolve().parents[2] / "docs" / "result-dictionary.md"
    assert path.read_text(encoding="utf-8") == result_dictionary(), f"remake it: {REMAKE}"


def test_every_declaration_says_what_it_means():
    for column in [*(c for t in TABLES.values() for c in t.columns), *RASTERS.values(), *FIGURES.values()]:
        assert column.meaning, column.name
        assert column.kind in {
            "text",
            "words",
            "flag",
            "number",
            "whole",
            "year",
            "class",
            "geometry",
            "table",
        }


def test_keys_and_references_name_declared_columns():
    for table in TABLES.values():
        names = {c.name for c in table.columns}
        assert set(table.key) | set(table.refers) | set(table.shown) <= names, table.name
        assert set(table.refers.values()) <= set(TABLES)


def test_what_a_run_writes_is_declared():
    """A new table or column fails here until it has a meaning and a rule by which it leaves the house."""
    asked = Scenario.read("default", overrides=("invest.samples=2", "invest.budget_musd=0.5"))
    result = run_region(asked, small_region())
    for field in fields(Result):
        frame = getattr(result, field.name)
        if isinstance(frame, pd.DataFrame):
            assert undeclared(field.name, frame.columns) == []
            assert table_problems(frame, field.name, f"{field.name}.parquet") == []
    figures = {f"{g}.{n}" for g, v in result.summary.items() if isinstance(v, dict) for n in v}
    known = {
        *FIGURES,
        *(
            f"{g}.{n}"
            for g in ("locked_assets", "readiness", "units", "currency")
            for n in result.summary.get(g, ())
        ),
    }
    assert {f for f in figures if f not in known} == set(), "declare it in phusong/result/table_rows.py"
    assert set(result.summary) <= {f.partition(".")[0] for f in FIGURES}
    assert set(result.provenance) <= set(PROVENANCE)


@pytest.mark.parametrize(("table", "column"), [("sites", "colour"), ("guesses", "x")])
def test_what_is_not_declared_is_told_with_where_to_declare_it(table, column):
    (told,) = undeclared(table, [column])
    assert "result/table_rows.py" in told
    assert table in told


def test_columns_for_each_operator_are_declared_by_a_pattern():
    assert undeclared("locked_assets", ["behind_viettel", "cost_roam_musd", "people_roam"]) == []
