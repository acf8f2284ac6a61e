"""Every command speaks the language asked for: tables, summaries, what was written, what comes next, what went wrong."""

import re
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from typer.main import get_command

import phusong
from phusong.cli import app, main
from phusong.cli.options import Shown
from phusong.data import catalogue as sources
from phusong.errors import plural
from phusong.io.text import Text, catalogue
from phusong.live.recompute import kpis
from phusong.region.importers import IMPORTERS
from phusong.result.files import GIS_FILES
from phusong.scenario import Scenario, scenario_template
from small_region import small_region

sys.path.append(str(Path(__file__).resolve().parent / "report"))
from english import english_in

# commands that say nothing to people: none
SILENT: dict[str, str] = {}
# names of columns and codes of the data, the same in every language
OF_THE_DATA = (
    "made up for tests", "name (1)", "population (1)", "owner (1)", "geometry (1)", "KIND", "FILE", "NAME", "REGION",
)  # fmt: skip
LAYERS = (
    "communes", "demand", "settlements", "sites", "cells", "links", "power_nodes", "power_lines", "facilities", "operators",
    "elevation", "clutter", "roads",
)  # fmt: skip


def commands(command: object, name: str = "") -> dict[str, list[str]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return {name: [o for p in command.params for o in getattr(p, "opts", [])]}
    found = {}
    for key, below in inner.items():
        found |= commands(below, f"{name} {key}".strip())
    return found


@pytest.fixture(scope="module")
def regions(tmp_path_factory) -> tuple[Path, Path]:
    """Two versions of a small region, with a change of each kind."""
    folder = tmp_path_factory.mktemp("regions")
    before = replace(small_region(cell_m=1000.0), name="Thử")
    sites, communes, demand = before.sites.copy(), before.communes.copy(), before.demand.copy()
    sites.loc[3, "height_m"], sites.loc[4, "owner"] = 50.0, "others"
    sites.loc[5:5, "geometry"] = sites.geometry.iloc[[5]].translate(300.0, 0.0)
    communes.loc[1, "name"] = "Thái Bình"
    demand.loc[0, "population"] += 50
    told = tuple(replace(s, kind="measured") if s.layer == "sites" else s for s in before.sources)
    after = replace(
        before, sites=sites, communes=communes, demand=demand, elevation=before.elevation + 1.0, sources=told,
        facilities=before.facilities.iloc[:-1],
    )  # fmt: skip
    return before.write(folder / "before"), after.write(folder / "after")


@pytest.fixture(scope="module")
def answered(regions, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("answered") / "result"
    asked = (
        "invest.samples=2",
        "invest.solver_seconds=1",
        "invest.budget_musd=0.3",
        f"region.path={regions[0]}",
    )
    phusong.run(Scenario.read("default", overrides=asked), out)
    return out


@pytest.fixture
def shell(monkeypatch, capsys, tmp_path):
    """Run ``phusong …`` as a shell does; exit code and everything it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PHUSONG_STORE", str(tmp_path / "store"))

    def run(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["phusong", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out + said.err

    return run


def speaks(told: str, *names: object) -> None:
    """Hold that no English stands in what a command printed beside names, and commands to copy."""
    lines = [re.sub(r"(Tiếp theo: |`)phusong[^`\n]*", " ", line) for line in told.splitlines()]
    assert any(re.search(r"[ăâđêôơưĂÂĐÊÔƠƯạ-ỹ]", line) for line in lines), told
    assert english_in(lines, [*OF_THE_DATA, *LAYERS, *map(str, names)]) == []


def test_every_command_has_the_option():
    found = commands(get_command(app))
    assert len(found) > 20
    assert {name for name, options in found.items() if "--lang" not in options} == set(SILENT)


@pytest.mark.parametrize("command", sorted(commands(get_command(app))))
def test_a_language_that_nobody_wrote_is_refused_before_anything_is_done(shell, tmp_path, command):
    # arguments of the right number; none of them is looked at
    count = {"watch": 2, "radio profile": 3, "explain": 2, "region import": 2, "region diff": 2, "stress": 2}
    count |= {"evaluate": 2, "data push": 2, "data list": 0}
    more = {"data push": ("--schema", "s"), "region build": ("--out", "o")}.get(command, ())
    code, told = shell(*command.split(), *["21,105"] * count.get(command, 1), *more, "--lang", "xx")
    assert (code, "'xx' is not one of en, vi" in " ".join(told.split())) == (2, True), told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["info", "check", "diff", "import", "profile", "list", "show", "new"])
def test_quick_commands_speak_vietnamese(shell, regions, what):
    before, after = regions
    asked = {
        "info": ("region", "info", before),
        "check": ("region", "check", before),
        "diff": ("region", "diff", before, after),
        "import": ("region", "import", before, "list"),
        "profile": ("radio", "profile", before, "21.72,105.02", "21.80,105.12"),
        "list": ("data", "list"),
        "show": ("data", "show", "communes-2025"),
        "new": ("new", "của-tôi"),
    }[what]
    code, told = shell(*asked, "--lang", "vi")
    assert code == 0, told
    source = sources()["communes-2025"]
    speaks(
        told,
        before,
        after,
        "after",
        source.notes,
        source.attribution,
        *sources(),
        *IMPORTERS,
        "owner=red → others",
        "ITS Irregular Terrain Model",
        source.importer,
    )
    told_in_english = shell(*asked, *(("--out", "b.toml") if what == "new" else ()), "--lang", "en")[1]
    assert told_in_english != told
    assert what == "import" or "Next: " in told_in_english


def test_every_change_of_a_region_is_told_unbroken(shell, regions):
    _, told = shell("region", "diff", *regions, "--lang", "vi")
    for line in (
        "  đổi tên: Thái Sơn (00002) → Thái Bình (00002) (cùng mã)",
        "trạm: 1 dời chỗ: s05 (300 m → ",
        "cơ sở công cộng: 1 bỏ đi: ",
        "  trạm, cách có được: mô hình → đo đạc",
    ):
        assert f"\n{line}" in told, told
    assert "ở 1 xã, phường\n" in told
    assert "in 1 commune\n" in shell("region", "diff", *regions)[1]


def test_a_watched_region_speaks_vietnamese(shell, regions):
    _, events = shell("watch", regions[0], "--example")
    Path("events.jsonl").write_text("\n".join(events.splitlines()[:6]) + "\n", encoding="utf-8")
    code, told = shell("watch", regions[0], "events.jsonl", "--lang", "vi")
    assert code == 0, told
    speaks(told, regions[0])
    assert "Người có internet ổn định [tỷ lệ]" in told
    assert "31/12/2030" in told


def test_a_result_is_drawn_explained_and_missed_in_vietnamese(shell, answered, tmp_path):
    picture = tmp_path / "ban-do.png"
    code, told = shell("map", answered, "gap", "--out", picture, "--lang", "vi")
    assert code == 0
    speaks(told, picture)
    code, told = shell("map", answered, "--format", "gis", "--out", tmp_path / "gis", "--lang", "vi")
    assert code == 0
    speaks(told, tmp_path, *GIS_FILES)
    for asked in (
        ("explain", answered, "không-có"),
        ("map", answered, "gaap"),
        ("locked", answered, "--reason", "x"),
    ):
        code, told = shell(*asked, "--lang", "vi")
        assert code == 2
        assert told.startswith("lỗi: ")
        assert "Dữ liệu đầu vào có 1 lỗi; chưa ghi gì." in told
    assert "(có phải ý bạn là gap?)" in " ".join(shell("map", answered, "gaap", "--lang", "vi")[1].split())
    code, told = shell("explain", answered, "nobody")
    assert (code, told.count("1 problem in the input; nothing was written.")) == (2, 1)


def test_an_unknown_name_is_told_in_vietnamese(shell, regions):
    for asked in (
        ("data", "show", "osm-vietnan"), ("data", "list", "--layer", "populatoin"), ("data", "fetch", "osm-vietnan"),
        ("region", "import", regions[0], "osn", "a.pbf"), ("region", "build", "laos", "--out", "o"),
        ("radio", "profile", regions[0], "21.72,105.02", "21.80,105.12", "--model", "p1813"),
        ("compare", regions[0]), ("audit", regions[0], "--as-of", "hôm nay"), ("new", "mocn"),
    ):  # fmt: skip
        code, told = shell(*asked, "--lang", "vi")
        assert code == 2, told
        assert told.startswith("lỗi: "), told
        assert re.search(r"không|phải|cần|là tên", told), told


def test_a_new_scenario_has_its_remarks_in_vietnamese(shell):
    remarks = [line for line in scenario_template("funds", "vi").splitlines() if line.startswith("## ")]
    assert len(remarks) > 100
    known = re.findall(r"^# (\w+) =|^# \[\[([\w.]+)\]\]", scenario_template("funds"), re.MULTILINE)
    codes = [c for line in remarks for c in re.findall(r"Một trong: ([^.]*)", line)]
    text = " ".join(line.removeprefix("## ") for line in remarks)
    sentences = re.sub(r"Một trong: [^.]*\.|`[^`]*`", " ", text)
    assert codes
    assert english_in([sentences], [name for pair in known for name in pair if name]) == []


def test_progress_speaks_and_does_not_jump():
    now = [0.0]
    shown = Shown({}, lambda: now[0], Text("vi"))
    assert shown.line() == "· bắt đầu: đã chạy 0 giây"
    shown("radio")
    now[0] = 120.0
    shown.share(0.25)
    assert shown.line() == "· vô tuyến: đã chạy 2 phút 00 giây, xong 25%, bước này còn khoảng 6 phút 00 giây"
    # half a minute on, the share says 50 s; the estimate goes there by and by
    now[0] = 150.0
    shown.share(0.75)
    left = [shown.line()]
    for _ in range(4):
        now[0] += 30.0
        left.append(shown.line())
    seconds = [_seconds(line) for line in left]
    assert 50.0 < seconds[0] < 330.0
    assert seconds == sorted(seconds, reverse=True)


def _seconds(line: str) -> float:
    found = re.search(r"còn khoảng (?:(\d+) phút )?(\d+) giây", line)
    assert found, line
    return 60.0 * float(found[1] or 0) + float(found[2])


def test_what_the_catalogue_calls_in_english_is_what_the_tables_call_it():
    text = Text("en")
    assert {s.name: text.code("dataset", s.name) for s in sources().values()} == {
        s.name: s.title for s in sources().values()
    }
    assert {k.key: text.code("kpi", k.key) for k in kpis()} == {k.key: k.name for k in kpis()}
    told = [*(i.title for i in IMPORTERS.values()), *(s.area for s in sources().values())]
    assert [t for t in told if Text("vi").note(t) == t] == []


def test_codes_that_phusong_made_up_are_named_and_names_of_others_kept():
    for lang, name in product(("en", "vi"), ("others", "unknown")):
        assert Text(lang).named("owner", name) == catalogue()[f"owner.{name}"][lang]
    assert Text("vi").named("owner", "VNPT_Net others") == "VNPT_Net others"


def test_one_of_a_thing_is_singular():
    assert (plural(1, "site"), plural(2, "site"), plural(0, "row")) == ("1 site", "2 sites", "0 rows")
    assert (plural(1, "remedy", "remedies"), plural(1200, "remedy", "remedies")) == (
        "1 remedy",
        "1,200 remedies",
    )
