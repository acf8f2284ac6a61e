"""What a command loads: help and version no library that computes, and kernels numba by one door only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import phusong

PACKAGE = Path(phusong.__file__).parent
HEAVY = (
    "geopandas", "matplotlib", "networkx", "numba", "numpy", "ortools", "osmium", "pandas", "pandera", "pyarrow",
    "rasterio", "scipy", "shapely", "sqlalchemy",
)  # fmt: skip
LOADED = (
    "import sys; from phusong.cli import main\n"
    "try: main()\n"
    "except SystemExit as end: assert not end.code\n"
    "print('LOADED', *sorted({n.partition('.')[0] for n in sys.modules}))"
)


def loaded(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("run", "--help"), ("region", "--help")], ids=str
)
def test_help_and_version_load_nothing_heavy(arguments):
    assert loaded(*arguments).isdisjoint(HEAVY)


def test_every_public_name_is_there_and_no_other():
    assert {name for name in phusong.__all__ if getattr(phusong, name) is None} == set()
    assert set(phusong.__all__) <= set(dir(phusong))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        phusong.nothing  # noqa: B018


def test_numba_comes_through_one_door():
    """A kernel declared before the cache is set up would be kept without a checksum, beside the sources."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if "numba" in names:
                found[path.name] = node.lineno
    assert set(found) == {"kernels.py"}


@pytest.mark.parametrize(
    ("library", "extra", "call"),
    [
        ("osmium", "osm", "from phusong.region.importers.osm import read_osm as f; f(*[None] * 2)"),
        ("distributed", "cluster", "from phusong.compute.executor import cluster as f; f('local', workers=1).__enter__()"),
        ("psycopg", "postgis", "from phusong.io.postgis import connected as f; f('postgresql://h/d', '').__enter__()"),
    ],
)  # fmt: skip
def test_a_part_whose_library_is_not_installed_says_which_extra_brings_it(library, extra, call):
    absent = f"import sys; sys.modules[{library!r}] = None\n{call}"
    done = subprocess.run([sys.executable, "-c", absent], capture_output=True, text=True, check=False)
    assert f"pip install 'phusong[{extra}]'" in done.stderr.replace("\n", " ")
