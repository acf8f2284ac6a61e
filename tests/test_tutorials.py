"""The tutorials run from top to bottom, on a tiny region in place of a province."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from small_region import small_region

TUTORIALS = sorted((Path(__file__).resolve().parents[1] / "docs" / "tutorials").glob("*.ipynb"))
# the quickest of the three runs every time
QUICK = {"reviewer"}
TINY = ["invest.samples=2", "invest.solver_seconds=2.0", "sharing.compare=['none', 'mocn']"]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    return small_region().write(tmp_path_factory.mktemp("tiny") / "region")


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, id=p.stem, marks=() if p.stem in QUICK else pytest.mark.slow) for p in TUTORIALS],
)
def test_a_tutorial_runs_whole_and_shows_something_in_every_part(path, tiny, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    at = next(k for k, c in enumerate(notebook.cells) if "parameters" in c.metadata.get("tags", ()))
    settings = [f"region.path={tiny}", *TINY]
    notebook.cells.insert(at + 1, nbformat.v4.new_code_cell(f"SETTINGS = {settings!r}"))
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute(
        env=environment
    )
    shown = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in shown if o.output_type == "error"]
    assert sum(o.output_type in {"execute_result", "stream"} for o in shown) >= 5


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda p: p.stem)
def test_tutorials_are_kept_without_outputs(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert all(not c.outputs and c.execution_count is None for c in cells)


def test_there_is_one_tutorial_a_kind_of_user():
    assert [p.stem for p in TUTORIALS] == ["analyst", "planner", "reviewer"]
