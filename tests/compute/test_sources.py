"""What computes depends on all that it imports, however far, on the tables that those read, and on nothing else."""

from dataclasses import replace

import pytest

from phusong.compute.sources import Sources, own_sources, program_parts
from phusong.radio.footprints import footprints
from phusong.region.vietnam import build_vietnam
from phusong.stages.invest import invest
from phusong.stages.policies import state_by_policy
from phusong.stages.service import use_of

STAGES = {f.__name__: f.__module__ for f in (footprints, use_of, state_by_policy, invest, build_vietnam)}

MADE = {
    "__init__.py": "from made.page import draw\n",
    "stage.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from made.page import draw\n"
    "from made.room import rate\n",
    "room/__init__.py": "from . import ready\n",
    "room/ready.py": "READY = True\n",
    "room/rate.py": "def rate():\n    from ..far import SHARE\n    return SHARE * kept()\n"
    "def kept():\n    import importlib\n    return importlib.import_module('made.named').N\n",
    "far.py": "import numpy as np\nfrom made.io.resources import table\nSHARE = np.exp(1.0)\n"
    "def price(names):\n    return table('costs')['a'], [table(name) for name in names]\n",
    "named.py": "from made.io import resources\nN = resources.geodata_path(f'storms/{1 + 1}.csv')\n",
    "io/__init__.py": "",
    "io/resources.py": "def geodata_path(name):\n    return name\ndef table(name):\n    return geodata_path(f'{name}.csv')\n",
    "page.py": "import matplotlib\nfrom made.words import WORDS\ndef draw():\n    return WORDS\n",
    "words.py": "WORDS = 'Nà Hang'\n",
    "kernel.py": "from numba import njit\nfrom made.constants import STEP\nfrom made.tables import read\n"
    "HALF = STEP / 2\n@njit\ndef go(x):\n    return x * HALF\ndef plain():\n    return read()\n",
    "constants.py": "from made.units import METRE\nSTEP = 3 * METRE\n",
    "units.py": "METRE = 1.0\n",
    "tables.py": "def read():\n    return 1\n",
}
TABLES = {"costs.csv": "a,1\n", "people.csv": "b,2\n", "storms/yagi.csv": "c\n", "facts.toml": "x=1\n"}


@pytest.fixture
def made(tmp_path):
    for folder, files in (("made", MADE), ("geodata", TABLES)):
        for name, text in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return tmp_path


def read(place, notes=None) -> Sources:
    return Sources.read(place / "made", [place / "geodata"], notes)


def test_a_closure_holds_all_that_may_run_and_no_more(made):
    assert read(made).closure("made.stage") == {
        "made", "made.stage", "made.room", "made.room.ready", "made.room.rate", "made.far", "made.named",
        "made.io", "made.io.resources",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(MADE) - {"page.py", "words.py"}))
def test_what_changes_anywhere_in_a_closure_changes_the_fingerprint_and_nothing_else_does(made, name):
    before = read(made).parts("made.stage")
    module = f"made.{name[:-3]}".replace("/", ".").replace(".__init__", "")
    (made / "made" / name).write_text(MADE[name] + "# changed\n")
    after = read(made).parts("made.stage")
    assert (after["program"] != before["program"]) == (module in read(made).closure("made.stage"))
    assert after["libraries"] == before["libraries"]


def test_tables_count_that_are_read_by_name_and_those_that_may_be(made):
    sources = read(made)
    # costs by name, any table by a name that is only known later, storms by their folder
    assert set(sources.tables(["made.far"])) == {"costs.csv", "people.csv", "storms/yagi.csv"}
    assert set(sources.tables(["made.named"])) == {"storms/yagi.csv"}
    assert set(sources.tables(["made.room.ready"])) == set()
    before = sources.parts("made.stage")["shipped tables"]
    (made / "geodata" / "facts.toml").write_text("x=2\n")
    assert read(made).parts("made.stage")["shipped tables"] == before
    (made / "geodata" / "costs.csv").write_text("a,2\n")
    assert read(made).parts("made.stage")["shipped tables"] != before


def test_libraries_count_by_version_where_they_are_imported(made, monkeypatch):
    sources = read(made)
    before = sources.parts("made.stage")["libraries"], sources.parts("made.page")["libraries"]
    known = {"numpy": "9.9", "matplotlib": "1.0"}
    monkeypatch.setattr("phusong.compute.sources._version", lambda name: (name, known.get(name, "1")))
    now = sources.parts("made.stage")["libraries"]
    assert now != before[0]
    known["matplotlib"] = "2.0"
    assert sources.parts("made.stage")["libraries"] == now


def test_a_kernel_is_made_of_the_constants_it_imports(made):
    assert read(made).kernels() == {"made.kernel", "made.constants", "made.units"}
    before = read(made).kernel_fingerprint()
    (made / "made" / "tables.py").write_text("def read():\n    return 2\n")
    assert read(made).kernel_fingerprint() == before
    (made / "made" / "units.py").write_text("METRE = 1000.0\n")
    assert read(made).kernel_fingerprint() != before


def test_what_is_noted_of_a_text_is_used_for_that_text_alone_and_never_when_damaged(made, tmp_path):
    notes = tmp_path / "notes"
    first = read(made, notes)
    assert read(made, notes) == first
    (note,) = notes.iterdir()
    (made / "made" / "far.py").write_text("from made import words\n")
    assert "made.words" in read(made, notes).closure("made.stage")
    held = bytearray(note.read_bytes())
    held[len(held) // 2] ^= 1
    for damaged in (bytes(held), b"", b"\xff\n[]", held[:-9]):
        note.write_bytes(damaged)
        assert read(made, notes) == read(made)


@pytest.mark.parametrize("stage", STAGES)
def test_pages_commands_and_the_whole_way_are_behind_no_stage(stage):
    known = own_sources().closure(STAGES[stage])
    strange = ("phusong.report.", "phusong.cli.", "phusong.live.state.")
    assert not [name for name in known if name.startswith(strange) or name == "phusong.pipeline"]


def test_rates_are_behind_who_is_served_and_costs_are_not_behind_radio():
    assert "phusong.radio.link_budget" in own_sources().closure(STAGES["use_of"])
    assert "phusong.invest.costs" not in own_sources().closure(STAGES["footprints"])
    tables = own_sources().tables(own_sources().closure(STAGES["footprints"]))
    assert "costs.csv" not in tables
    assert {"costs.csv", "sectors.csv", "energy.csv"} <= set(
        own_sources().tables(own_sources().closure(STAGES["invest"]))
    )


@pytest.mark.parametrize("stage", STAGES)
def test_every_module_of_a_closure_counts(stage):
    sources = own_sources()
    before = sources.parts(STAGES[stage])
    for name in sources.closure(STAGES[stage]):
        other = replace(sources.modules[name], digest="0")
        assert replace(sources, modules={**sources.modules, name: other}).parts(STAGES[stage]) != before


def test_no_module_is_imported_by_a_name_that_only_a_run_knows():
    for name, module in own_sources().modules.items():
        assert not any(f.endswith("import_module") for f, _ in module.reads), name
    assert dict(program_parts(footprints)) == own_sources().parts(STAGES["footprints"])
