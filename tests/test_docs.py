"""The pages say what the code says, and every example in them works."""

import csv
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

from phusong.cli import app
from phusong.invest.costs import Costs
from phusong.invest.unit_costs import with_own_costs
from phusong.region.read.columns import read_column_maps
from phusong.scenario import Scenario
from small_region import small_region

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the docs are not beside these tests")


def blocks(*languages: str) -> list[tuple[str, str]]:
    return [
        (page.name, body)
        for page in PAGES
        if page.is_file()
        for language, body in BLOCK.findall(page.read_text(encoding="utf-8"))
        if language in languages
    ]


def shell_examples() -> list[tuple[str, list[str]]]:
    """Return the phusong commands of the pages, and those in the commands' own help."""
    lines = [(name, line) for name, body in blocks("bash", "") for line in body.splitlines()]
    found = []
    for name, line in lines:
        words = shlex.split(line, comments=True) if "phusong" in line else []
        if words and Path(words[0]).name == "phusong":
            found.append((name, words[1 : words.index(">")] if ">" in words else words[1:]))
    return found


def test_the_scenario_reference_is_up_to_date():
    """Remake it with: python docs/scenario_reference.py > docs/scenarios.md."""
    from scenario_reference import scenario_reference

    assert (DOCS / "scenarios.md").read_text(encoding="utf-8") == scenario_reference()


def test_the_command_reference_is_up_to_date():
    """Remake it with: python docs/command_reference.py > docs/commands.md."""
    from command_reference import command_reference

    assert (DOCS / "commands.md").read_text(encoding="utf-8") == command_reference()


def test_there_are_examples_of_every_command():
    used = {" ".join(words[:2]) for _, words in shell_examples()} | {w[0] for _, w in shell_examples() if w}
    from command_reference import command_reference

    commands = re.findall(r"^## phusong (.+)$", command_reference(), re.MULTILINE)
    assert not set(commands) - used


@pytest.mark.parametrize(
    ("page", "words"), [pytest.param(n, w, id=f"{n}: {' '.join(w)[:60]}") for n, w in shell_examples()]
)
def test_a_shell_example_names_commands_options_and_values_that_exist(page, words):
    command = typer.main.get_command(app)
    context = command.make_context("phusong", list(words), resilient_parsing=not words) if not words else None
    rest = list(words)
    while getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
        command = command.commands[rest.pop(0)]
    if rest[:1] in (["--help"], ["--install-completion"], ["--show-completion"]):
        return
    # parsing checks the options, their types and how many arguments there are; nothing is run
    context = command.make_context("phusong", rest)
    given = context.params.get("set_") or ()
    scenario = context.params.get("scenario")
    shipped = isinstance(scenario, str) and not scenario.endswith(".toml")
    if given or (shipped and scenario):
        Scenario.read(scenario if shipped else "default", overrides=given)


@pytest.mark.parametrize("body", [pytest.param(b, id=n) for n, b in blocks("toml")])
def test_a_scenario_in_the_pages_reads(body):
    tree = tomllib.loads(body)
    tree.pop("extends", None)
    if set(tree) <= set(Scenario.model_fields):
        Scenario.from_tree(tree)


def test_the_python_examples_run(tmp_path, monkeypatch):
    """In the order of the pages, on a tiny region: what one writes, a later one reads."""
    small_region(cell_m=1000.0).write(tmp_path / "regions" / "real")
    monkeypatch.chdir(tmp_path)
    examples = blocks("python")
    assert len({page for page, _ in examples}) >= 3
    for page, body in sorted(examples):
        names: dict[str, object] = {}
        exec(compile(body, page, "exec"), names)  # noqa: S102 - the pages are ours
        if page == "start-analyst.md":
            names["result"].write("results/default")


def test_every_drawing_is_that_of_its_script(tmp_path):
    script = tmp_path / "draw.py"
    script.write_bytes((DOCS / "drawings" / "draw.py").read_bytes())
    subprocess.run([sys.executable, str(script)], check=True)
    drawn = {p.name: p.read_text(encoding="utf-8") for p in tmp_path.glob("*.svg")}
    assert drawn == {p.name: p.read_text(encoding="utf-8") for p in (DOCS / "drawings").glob("*.svg")}


def test_the_site_is_built_without_a_warning_and_asks_nothing_of_the_network(tmp_path):
    pytest.importorskip("material", reason="the extra [docs] is not installed")
    environment = {"NO_MKDOCS_2_WARNING": "1", "PATH": "", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [
            sys.executable, "-m", "mkdocs", "build", "--strict", "-q",
            "-f", str(DOCS / "mkdocs.yml"), "-d", str(tmp_path / "site"),
        ],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(list(DOCS.glob("*.md")))
    fetched = re.compile(
        r"<(?:script|img|iframe|source)[^>]+src=\"?(?:https?:)?//|<link[^>]+rel=\"?(?:stylesheet|icon|preconnect)[^>]+href=\"?(?:https?:)?//|url\((?:https?:)?//|@import"
    )
    for page in (*pages, *(tmp_path / "site").rglob("*.css")):
        assert not fetched.search(page.read_text(encoding="utf-8")), page.name


def test_every_scenario_block_of_the_pages_is_a_scenario(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = 0
    for page, body in blocks("toml"):
        if "columns]" in body:  # a columns.toml: its own test
            continue
        (tmp_path / "asked.toml").write_text(body, encoding="utf-8")
        assert Scenario.read("asked.toml"), page
        found += 1
    assert found >= 2


def test_every_table_of_unit_costs_on_the_pages_is_taken_as_it_stands(tmp_path):
    found = [body for _, body in blocks("", "csv") if body.startswith("item,low,base,high")]
    assert found
    for body in found:
        path = tmp_path / "my_costs.csv"
        path.write_text(body, encoding="utf-8")
        own = with_own_costs(path, vnd_per_usd=26_000.0).set_index("item")
        for line in csv.DictReader(body.splitlines()):
            assert own.loc[line["item"], "source"] == line["source"]
        assert (
            Costs(horizon_years=10, discount_rate=0.05, catalogue=own.reset_index()).of(tower=1.0).npv_musd
            > 0
        )


def test_every_column_map_on_the_pages_is_read(tmp_path):
    found = [body for _, body in blocks("toml") if "columns]" in body]
    assert found
    for body in found:
        path = tmp_path / "columns.toml"
        path.write_text(body, encoding="utf-8")
        assert read_column_maps(path)
