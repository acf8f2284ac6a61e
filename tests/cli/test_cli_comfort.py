"""The command line in daily use: new scenarios, JSON for scripts, narrow terminals, interruptions."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

import phusong
from phusong.cli import app, options, result, run
from phusong.cli.options import shown_stages, time_left
from phusong.io.progress import Stages
from phusong.io.text import Text
from phusong.scenario import Scenario, scenario_template
from small_region import small_region

POLICIES = ("none", "passive", "passive_backhaul", "moran", "mocn", "roaming", "neutral_host", "srn")


def call(*arguments: str) -> None:
    """Run a command in this process, as the shell would but for the exit."""
    app([str(a) for a in arguments], standalone_mode=False)


@pytest.fixture
def printed(monkeypatch):
    """Return what commands print on a narrow terminal without colours."""
    out = io.StringIO()
    narrow = Console(file=out, width=80)
    for module in (result, result, result, run, options):
        monkeypatch.setattr(module, "console", narrow)
    return out


@pytest.fixture(scope="module")
def region_path(tmp_path_factory) -> Path:
    return small_region(cell_m=1000.0).write(tmp_path_factory.mktemp("region") / "region")


@pytest.fixture(scope="module")
def answered(region_path, tmp_path_factory) -> Path:
    """Return the result of a tiny region."""
    out = tmp_path_factory.mktemp("answered") / "result"
    asked = [
        "invest.samples=2",
        "invest.solver_seconds=1",
        "invest.budget_musd=0.3",
        f"region.path={region_path}",
    ]
    phusong.run(Scenario.read("default", overrides=[*asked, "sharing.compare=['none', 'mocn']"]), out)
    return out


@pytest.mark.parametrize("base", ["default", "agreement", "funds", "vietnam"])
def test_a_new_scenario_is_the_one_it_extends_commented_or_not(tmp_path, base):
    text = scenario_template(base)
    path = tmp_path / "new.toml"
    path.write_text(text, encoding="utf-8")
    assert Scenario.read(path) == Scenario.read(base)
    # every value that stands there, taken out of its comment, is the value that held already
    bare = re.sub(r"^# (?!.*= \.\.\.$)(?!\[)(\w+ = )", r"\1", text.split("# [[")[0], flags=re.MULTILINE)
    assert bare.count("\n# ") < text.count("\n# ")
    path.write_text(bare, encoding="utf-8")
    assert Scenario.read(path) == Scenario.read(base)


def test_a_new_scenario_names_every_key_with_its_meaning():
    text = scenario_template("default")
    for name, table in Scenario.model_fields.items():
        fields = getattr(table.annotation, "model_fields", {name: table})
        for key, field in fields.items():
            assert re.search(rf"^# {field.alias or key} = |\[{name}\.{key}\]", text, re.MULTILINE), key


def test_new_writes_what_runs_and_replaces_nothing(tmp_path, monkeypatch, printed):
    monkeypatch.chdir(tmp_path)
    call("new", "mine", "--from", "mocn")
    assert Scenario.read("mine.toml").sharing.policy == "mocn"
    assert "Wrote mine.toml" in printed.getvalue()
    assert "Next: phusong run mine.toml" in printed.getvalue()
    before = Path("mine.toml").read_bytes()
    for wrong in (["mine"], ["mocn"], ["a/b"], ["other", "--from", "mocnn"]):
        with pytest.raises(phusong.errors.InputError):
            call("new", *wrong)
    assert Path("mine.toml").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["mine.toml"]
    call("new", "copy", "--from", "mine.toml", "--out", "below/copy.toml")
    assert Scenario.read("below/copy.toml") == Scenario.read("mine.toml")


def test_json_is_one_object_and_nothing_else(answered, capsys):
    for command in (
        ["evaluate", answered, answered / "plan.csv", "--json"],
        ["compare", answered, answered, "--json", "--samples", "10"],
    ):
        call(*command)
        assert isinstance(json.loads(capsys.readouterr().out), dict)


@pytest.mark.parametrize(
    "arguments", [["explain", "1"], ["locked"], ["evaluate", "plan"], ["compare", "twice"]]
)
def test_no_table_is_wider_than_80_columns_or_cut(answered, printed, arguments):
    more = {"1": ["1"], "plan": [str(answered / "plan.csv")], "twice": [str(answered), "--samples", "10"]}
    call(arguments[0], str(answered), *more.get(arguments[-1], []))
    text = printed.getvalue()
    assert "\x1b" not in text
    # some names begin with it; a cell that is cut ends with it
    assert "…" not in re.sub(r"^… ", "", text, flags=re.MULTILINE)
    assert text.splitlines()[-1].startswith("Next: phusong ")
    # lines for people may be long where nobody looks; rows of tables never are
    tabled = [line for line in text.splitlines() if re.search(r"\S {2,}\S", line)]
    assert max((len(line.rstrip()) for line in tabled), default=0) <= 80


def test_eight_policies_of_a_whole_country_fit_80_columns(printed):
    columns = ("people_served", "gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")
    run._policies(
        [{"policy": f"{p} with agreements", **dict.fromkeys(columns, 9_999_999)} for p in POLICIES[4:5]],
        99_999_999,
        Text("en"),
    )
    run._policies(
        [{"policy": p, **dict.fromkeys(columns, 99_999_999)} for p in POLICIES], 101_000_000, Text("en")
    )
    lines = printed.getvalue().splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert sum("99,999,999" in line for line in lines) == 8
    assert "…" not in printed.getvalue()


def test_time_left_goes_by_the_last_run():
    last = {"region": 2.0, "radio": 30.0, "invest": 50.0}
    assert time_left(last, {"region": 1.0}, "radio", 10.0) == 70.0
    assert time_left(last, {"region": 1.0, "radio": 40.0}, "invest", 20.0) == 30.0
    assert time_left(last, {}, "radio", 31.0) is None
    assert time_left({}, {}, "radio", 1.0) is None


def test_stages_are_lines_where_nobody_looks_and_live_on_a_terminal():
    def shown(*, terminal: bool, quiet: bool = False) -> str:
        out = io.StringIO()
        to = Console(file=out, force_terminal=terminal, width=100, color_system=None)
        with shown_stages({"radio": 1000.0, "invest": 20.0}, quiet=quiet, to=to) as say:
            if say is not None:
                for name in ("region", "radio"):
                    say(name)
        return out.getvalue()

    assert shown(terminal=False) == "· region\n· radio\n"
    assert not shown(terminal=False, quiet=True)
    live = shown(terminal=True)
    assert "· region" in live
    assert re.search(r"about 1[67] min \d\d s left", live)
    assert options.Shown({})._clock(99.6) == "1 min 40 s"


def test_a_share_of_a_stage_tells_how_long_the_rest_takes():
    now = [0.0]
    shown = options.Shown({}, lambda: now[0])
    assert shown.line() == "· starting: 0 s so far"
    shown("radio")
    now[0] = 120.0
    assert shown.line() == "· radio: 2 min 00 s so far"
    shown.share(0.25)
    assert shown.line() == "· radio: 2 min 00 s so far, 25% done, about 6 min 00 s of this stage left"
    shown.share(0.1)  # of a part that reports late: what is done stays done
    assert "25% done" in shown.line()
    shown("invest")
    assert shown.line() == "· invest: 0 s so far"
    known = options.Shown({"radio": 300.0, "invest": 50.0}, lambda: now[0])
    known("radio")
    known.share(0.5)
    now[0] = 220.0
    assert (
        known.line() == "· radio: 1 min 40 s so far, 50% done, about 4 min 10 s left, going by the last run"
    )


def test_a_long_stage_is_no_silence_where_there_is_no_terminal():
    out = io.StringIO()
    with shown_stages(to=Console(file=out, width=100), every_s=0.01) as say:
        say("radio")
        say.share(0.42)
        while out.getvalue().count("42% done") < 2:
            time.sleep(0.01)
    lines = out.getvalue()
    time.sleep(0.05)
    assert out.getvalue() == lines  # and none after the end
    assert re.search(
        r"^· radio: \d+ s so far, 42% done, about \d+ s of this stage left$", lines, re.MULTILINE
    )


def test_every_long_stage_of_a_run_tells_its_share(region_path):
    told: dict[str, list[float]] = {}

    def tell(share: float) -> None:
        told[list(told)[-1]].append(share)

    stages = Stages(lambda name: told.setdefault(name, []), tell=tell)
    asked = [
        "invest.samples=2",
        "invest.budget_musd=0.3",
        f"region.path={region_path}",
        "sharing.compare_plans=true",
    ]
    phusong.run(Scenario.read("default", overrides=asked), stages=stages)
    for name in ("radio", "access", "invest"):
        assert len(told[name]) > 2, name
        assert told[name] == sorted(told[name]), name
        assert 0.0 <= told[name][0] <= told[name][-1] <= 1.0 + 1e-9, name
    assert told["radio"][-1] == 1.0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_stopped_run_says_so_in_one_sentence_and_leaves_nothing(region_path, tmp_path, name):
    command = [
        sys.executable,
        "-m",
        "phusong",
        "run",
        "default",
        "--no-keep",
        "--set",
        f"region.path={region_path}",
    ]
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "dumb"}
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if "region" in line:
                break
        process.send_signal(getattr(signal, name))
        out, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted; nothing is half-written" in told
    assert told.count("interrupted") == 1
    assert "Traceback" not in told
    assert not out
    assert not list(tmp_path.iterdir())
