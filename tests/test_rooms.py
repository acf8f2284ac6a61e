"""The order of rooms: each imports only from those below it, and no module leads back to itself."""

import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import networkx as nx

ROOT = Path(__file__).resolve().parents[1]


def test_each_room_imports_only_from_those_below_it():
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 kept, 0 broken" in done.stdout


def test_no_module_leads_back_to_itself():
    """Imports within functions count, those for type checkers alone do not."""
    graph = grimp.build_graph("phusong", exclude_type_checking_imports=True, cache_dir=None)
    edges = [(a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a)]
    assert len(edges) > 500
    circles = [sorted(c) for c in nx.strongly_connected_components(nx.DiGraph(edges)) if len(c) > 1]
    assert circles == []


def test_the_top_holds_what_a_newcomer_opens_first():
    top = {path.stem for path in (ROOT / "coverage" / "phusong").glob("*.py")}
    assert top == {
        "__init__",
        "__main__",
        "errors",
        "lazy",
        "pipeline",
        "scenario",
        "settings",
    }
