"""Names that are attacks, from the region to every page, table and line of a terminal: text everywhere, nothing more."""

import html
import io
import json
import re
import shutil
import sqlite3
import sys
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from phusong import cli
from phusong.cli import options
from phusong.report.folder import Result
from phusong.scenario import Scenario
from small_region import small_region

SCRIPT = "<script>alert('x')</script>"
CLOSING = "</script></style><img src=x onerror=alert(2)>"
FORMULA = "=cmd|' /C calc'!A1"
TURNED = "\u202eesrever\u202c"
MARKUP = "[red]Xã[/red] [link=https://evil.example]x[/link] [/]"
LONG = "Nà " + "x" * 297
TEMPLATE = "{{ 7*7 }}{% raw %}"
ESCAPE = "Xã\x1b]0;owned\x07\x1b[31m"
pytestmark = pytest.mark.slow  # a whole run and a dozen commands after it
COMMUNES = [SCRIPT, FORMULA, MARKUP, ESCAPE]
OWNERS = [CLOSING, TURNED]
_TAG = re.compile(r"<(?:script|img|svg|iframe)\b[^>]*>", re.IGNORECASE)


class Elements(HTMLParser):
    """Elements, attributes that run something, and the text of a page as a browser's parser sees them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        names = {name for name, _ in attrs}
        source = dict(attrs).get("src") or ""
        self.found += [
            f"{tag} {name}" for name in names if name.startswith("on") and dict(attrs)[name] != "return false"
        ]
        if source and not source.startswith("data:"):
            self.found.append(f"{tag} src={source[:40]}")

    def handle_data(self, data):
        self.text.append(data)
        # an element that ended early shows the rest of it as a script of its own
        if self.cdata_elem == "script" and data.strip() in {"alert('x')", "alert(2)"}:
            self.found.append("script of a name")


def active(page: str) -> list[str]:
    seen = Elements()
    seen.feed(page)
    seen.close()
    return seen.found


def hostile_region():
    region = small_region()
    communes = region.communes.assign(name=COMMUNES, province=LONG)
    operators = region.operators.assign(name=OWNERS)
    villages = region.settlements.assign(name=[CLOSING, FORMULA, TEMPLATE, LONG])
    # owners that are no operator are free text; so are the ids of sites
    sites = region.sites.copy()
    cells = region.cells.copy()
    change = {"s01": SCRIPT, "s02": "=1+1", "s03": "[red]s3[/red]"}
    sites["site_id"] = sites["site_id"].replace(change)
    cells["site_id"] = cells["site_id"].replace(change)
    links = region.links.assign(from_id=region.links["from_id"].replace(change))
    sites["owner"] = np.where(np.arange(len(sites)) == 4, CLOSING, sites["owner"])
    return replace(
        region, name=SCRIPT + FORMULA, communes=communes, operators=operators, settlements=villages, sites=sites,
        cells=cells, links=links,
    )  # fmt: skip


def call(*arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process and return its exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv, sys.stdout, sys.stderr
    sys.argv, sys.stdout, sys.stderr = ["phusong", *arguments], out, err
    try:
        cli.main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv, sys.stdout, sys.stderr = before
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Give a folder with the hostile region, two results of it, and what the commands printed."""
    folder = tmp_path_factory.mktemp("hostile")
    hostile_region().write(folder / "region")
    options.console.width = options.errors.width = 400
    printed = {}
    common = ["--set", f"region.path={folder / 'region'}", "--set", "invest.samples=2", "--no-keep"]
    printed["none"] = call(
        "run", "default", *common, "--set", f'title="{FORMULA} {CLOSING}"', "--out", str(folder / "none")
    )
    shutil.copytree(folder / "none", folder / "mocn")
    one = str(folder / "none")
    event = json.dumps(
        {"id": "e1", "time": "2026-01-31T08:00:00+07:00", "kind": "site_down", "subject": SCRIPT,
         "payload": {"note": MARKUP + ESCAPE}}
    )  # fmt: skip
    unknown = json.dumps(
        {"id": "e2", "time": "2026-01-31T09:00:00+07:00", "kind": "site_down", "subject": MARKUP + ESCAPE}
    )
    (folder / "events.jsonl").write_text(f"{event}\n{unknown}\n{MARKUP}{ESCAPE}\n", encoding="utf-8")
    (folder / "plan.csv").write_text(f"remedy_id,year\n{MARKUP}{ESCAPE},2026\n", encoding="utf-8")
    for name, arguments in {
        "compare": (
            "compare",
            one,
            str(folder / "mocn"),
            "--out",
            str(folder / "compare.html"),
            "--samples",
            "10",
        ),
        "locked": ("locked", one),
        "explain": ("explain", one, "00001"),
        "explain markup": ("explain", one, "00003"),
        "explain escape": ("explain", one, "00004"),
        "info": ("region", "info", str(folder / "region")),
        "evaluate": ("evaluate", one, str(folder / "none" / "plan.csv")),
        "evaluate bad": ("evaluate", one, str(folder / "plan.csv")),
        "storm": (
            "stress",
            str(folder / "region"),
            "yagi_2024",
            "--plan",
            one,
            "--samples",
            "4",
            "--no-keep",
            "--out",
            str(folder / "storm"),
        ),
        "map": ("map", one, "all", "--format", "svg", "--out", str(folder / "maps")),
        "map of policies": (
            "map",
            one,
            "gap",
            "--over",
            "policies",
            "--beside",
            str(folder / "mocn"),
            "--out",
            str(folder / "policies.svg"),
            "--format",
            "svg",
        ),
        "gis": ("map", one, "--format", "gis", "--out", str(folder / "gis")),
        "audit": ("audit", str(folder / "region"), "--as-of", "2026-01-31", "--out", str(folder / "audit")),
        "watch": (
            "watch",
            str(folder / "region"),
            str(folder / "events.jsonl"),
            "--out",
            str(folder / "watch"),
        ),
    }.items():
        printed[name] = call(*arguments)
    return folder, printed


def test_every_command_ends_as_it_should(world):
    _, printed = world
    codes = {name: code for name, (code, _, _) in printed.items()}
    assert codes == {**dict.fromkeys(printed, 0), "evaluate bad": 2}, {
        n: p[2][-500:] for n, p in printed.items()
    }


def test_pages_show_names_and_run_none(world):
    folder, _ = world
    for page in ("none/report.html", "mocn/report.html", "compare.html", "audit/audit.html"):
        text = (folder / page).read_text(encoding="utf-8")
        assert active(text) == [], page
        assert SCRIPT not in text
        assert CLOSING not in text


def test_the_report_still_shows_the_name(world):
    folder, _ = world
    seen = Elements()
    seen.feed((folder / "none" / "report.html").read_text(encoding="utf-8"))
    shown = (
        html.unescape("".join(seen.text))
        .replace("\\u003c", "<")
        .replace("\\u003e", ">")
        .replace("\\u0027", "'")
    )
    assert SCRIPT in shown


def test_a_map_as_svg_is_a_drawing_and_runs_nothing(world):
    folder, _ = world
    drawn = [*(folder / "maps").rglob("*.svg"), folder / "policies.svg"]
    assert len(drawn) > 4
    for path in drawn:
        text = path.read_text(encoding="utf-8")
        tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}  # noqa: S314 - our own file
        assert not tags & {"script", "foreignObject", "iframe", "a"}, path
        assert SCRIPT not in text


def test_styles_of_the_gis_files_are_xml_that_names_nothing_else(world):
    folder, _ = world
    styles = [p for p in folder.rglob("*.qml") if "region" not in p.parts]
    assert styles
    for path in styles:
        text = path.read_text(encoding="utf-8")
        ET.fromstring(text)  # noqa: S314 - our own file
        assert SCRIPT not in text


def test_tables_hold_no_formula(world):
    folder, _ = world
    tables = [p for p in folder.rglob("*.csv") if "region" not in p.parts and p != folder / "plan.csv"]
    assert len(tables) > 4
    for path in tables:
        cells = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        texts = [*cells.columns, *(v for c in cells.columns for v in cells[c])]
        running = [t for t in texts if re.match(r"\s*[=+@\t\r]|\s*-(?![\d.])", t)]
        assert running == [], path


def test_a_geopackage_holds_the_names_as_they_are(world):
    folder, _ = world
    for name in ("communes.gpkg", "gis.gpkg"):
        path = folder / "none" / name
        frame = gpd.read_file(path, layer="communes")
        assert set(COMMUNES) <= set(frame["name"])
        with sqlite3.connect(path) as database:
            kinds = {k for (k,) in database.execute("SELECT type FROM sqlite_master")}
        assert "view" not in kinds


def test_notebooks_show_text(world):
    folder, _ = world
    result = Result.read(folder / "none")
    for shown in (
        result,
        result.access,
        result.invest,
        hostile_region(),
        Scenario.from_tree({"title": CLOSING}),
    ):
        if hasattr(shown, "_repr_html_"):
            page = shown._repr_html_()
            assert active(page) == []
            assert _TAG.sub("", page) == page


def test_a_terminal_gets_no_control_codes_and_names_keep_their_brackets(world):
    _, printed = world
    for name, (_, out, err) in printed.items():
        strange = set(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out + err))
        assert strange == set(), f"{name}: {strange}"
    assert "[red]" in printed["explain markup"][1]
    assert "[red]" in printed["evaluate bad"][2]
    assert "[red]" in printed["watch"][1] + printed["watch"][2]


def test_nothing_is_written_elsewhere(world):
    folder, _ = world
    names = {p.name for p in folder.iterdir() if not p.name.startswith(".")}
    assert names == {
        "region", "none", "mocn", "compare.html", "watch", "events.jsonl", "plan.csv", "storm", "maps", "policies.svg",
        "gis", "audit",
    }  # fmt: skip
