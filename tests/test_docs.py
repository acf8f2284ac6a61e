"""The pages that are written from the code say what the code says."""

from pathlib import Path

import pytest

from phusong.scenario_reference import scenario_reference

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.skipif(not DOCS.is_dir(), reason="the docs are not beside these tests")
def test_the_scenario_reference_is_up_to_date():
    """Remake it with: python -m phusong.scenario_reference > docs/scenarios.md."""
    assert (DOCS / "scenarios.md").read_text(encoding="utf-8") == scenario_reference()
