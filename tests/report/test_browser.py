"""The page as people use it: opened from a file, offline, in a real browser."""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pytest

from phusong.io.text import FORMS, Text
from phusong.report.page import report_html

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

# WebGL without a graphics card; nothing of the browser's own goes out
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
WINDOW = {"width": 1100, "height": 720}
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
FORMULA = "=cmd()|' /C calc'!A0"
BIDI = "Nà \u202egnaH\u202c Hang"
LONG = ("Mường " * 50).strip()
NAMED = {2: "Sa Pả", 3: SCRIPT, 4: FORMULA, 5: BIDI, 6: LONG}


@dataclass
class Shown:
    """An open page, and what it said and asked for while it was open."""

    page: "playwright.Page"
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda m: self.said.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.on("dialog", lambda d: (self.said.append(f"dialog {d.message}"), d.dismiss()))
        self.page.on("request", lambda r: self.asked.append(r.url))

    def open(self, file: Path, address: str = "") -> "Shown":
        self.page.goto(file.as_uri() + address)
        self.until("page.ready && page.mapReady")
        return self

    def until(self, condition: str) -> None:
        # the page forbids eval, so its own waiting does not work here
        for _ in range(200):
            if self.page.evaluate(f"() => typeof page !== 'undefined' && Boolean({condition})"):
                return
            self.page.wait_for_timeout(25)
        pytest.fail(f"never came: {condition}")

    def reset(self) -> None:
        self.page.evaluate(
            "() => { page.setLang('en'); page.setTheme(false); page.choose({ option: null, commune: null, layer: "
            "'not_served', swipe: false }); }"
        )


@pytest.fixture(scope="module")
def hostile(result):
    communes = result.communes.copy()
    for place, name in NAMED.items():
        communes.loc[place, "name"] = name
    code = communes["commune_code"].iloc[0]
    locked = pd.DataFrame(
        {
            "site_id": ["s000", "s001"], "owner": "Viettel", "lock_reason": ["contract", "legal"],
            "commune_code": code, "stable": True, "people_behind": [900.0, 400.0], "people_locked_out": 10.0,
            "people_only_here": 5.0, "room_people": 2000.0, "best_remedy": "roam", "best_people": 900.0,
            "best_cost_musd": 0.04, "people_per_musd": 22_500.0, "cost_roam_musd": 0.04,
        }
    )  # fmt: skip
    locks = pd.DataFrame(
        {"lock_reason": ["contract", SCRIPT], "sites": 1, "people_behind": 900.0, "people_locked_out": 10.0}
    )
    return replace(result, communes=communes, locked_assets=locked, locks=locks)


@pytest.fixture(scope="module")
def file(hostile, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(report_html(hostile), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser() -> "Iterator[playwright.Browser]":
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def opened(browser, file) -> "Iterator[Shown]":
    context = browser.new_context(offline=True, viewport=WINDOW, color_scheme="light")
    yield Shown(context.new_page()).open(file)
    context.close()


@pytest.fixture
def shown(opened) -> Shown:
    opened.reset()
    return opened


def place_on_screen(shown: Shown, hostile, commune: int) -> tuple[float, float]:
    inner = hostile.communes.geometry.representative_point().to_crs("EPSG:4326").iloc[commune]
    at = shown.page.evaluate("(p) => { const q = page.mapPixel(p); return [q.x, q.y]; }", [inner.x, inner.y])
    box = shown.page.locator("#map").bounding_box()
    return box["x"] + at[0], box["y"] + at[1]


def test_the_page_opens_offline_says_nothing_wrong_and_asks_for_nothing(shown, file):
    assert shown.said == []
    outside = [
        u
        for u in shown.asked
        if not u.startswith(("data:", "blob:")) and u.partition("#")[0] != file.as_uri()
    ]
    assert outside == []
    assert shown.page.locator(".main-svg").count() >= 3  # the charts
    assert shown.page.locator("#map canvas").count() == 1


def test_every_layer_shows_something_else(shown):
    keys = ("not_served", "cause", "access", "rsrp", "locks")
    assert set(keys) <= set(shown.page.evaluate("() => page.data.map.layers.map((l) => l.key)"))
    pictures = set()
    for key in keys:
        shown.page.select_option("#layer", key)
        shown.page.wait_for_timeout(60)
        assert shown.page.locator("#mapkey li").count() >= 5
        pictures.add(shown.page.locator("#map").screenshot())
        assert key == "not_served" or f"layer={key}" in shown.page.url
    assert len(pictures) == len(keys)


def test_a_commune_chosen_on_the_map_is_chosen_everywhere(shown, hostile):
    # one that stands among the bars, and whose place on the map no number covers
    charted = [bar[0] for bar in shown.page.evaluate("() => page.data.charts.causes")]
    shown.page.locator("#show-marks").uncheck()
    shown.page.locator("#map").scroll_into_view_if_needed()
    shown.page.mouse.click(*place_on_screen(shown, hostile, charted[0]))
    code = hostile.communes["commune_code"].iloc[charted[0]]
    shown.until(f"page.choice.commune === {charted[0]}")
    assert shown.page.locator("#communes tr.on").get_attribute("data-code") == code
    assert hostile.communes["name"].iloc[charted[0]] in shown.page.locator("#about").inner_text()
    assert f"commune={code}" in shown.page.url
    edges = shown.page.evaluate("() => document.getElementById('causes').data[0].marker.line.width")
    assert max(edges) > 0
    shown.page.locator("#show-marks").check()


def test_an_option_chosen_in_the_table_is_chosen_everywhere(shown, hostile):
    shown.page.locator('#options [data-option="3"]').click()
    assert shown.page.locator("#options tr.on").get_attribute("data-rank") == "3"
    assert shown.page.locator(".mark.on").inner_text() == "3"
    code = hostile.options.set_index("rank").loc[3, "commune_code"]
    assert shown.page.locator("#communes tr.on").get_attribute("data-code") == code
    chosen = shown.page.evaluate("() => document.getElementById('curve').data.at(-1).y.map(Number)")
    assert chosen == pytest.approx([hostile.options.set_index("rank").loc[3, "cumulative_people"]])
    assert "option=3" in shown.page.url
    # the keyboard does the same
    shown.page.locator('#options [data-option="4"]').focus()
    shown.page.keyboard.press("Enter")
    assert shown.page.locator("#options tr.on").get_attribute("data-rank") == "4"


def test_a_bar_of_a_chart_chooses_its_commune(shown):
    first = shown.page.evaluate("() => page.data.charts.causes[0][0]")
    shown.page.locator("#causes").scroll_into_view_if_needed()
    bars = shown.page.locator("#causes .trace.bars").first.locator(".point path")
    box = bars.last.bounding_box()
    shown.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown.until(f"page.choice.commune === {first}")


def test_the_search_needs_no_accents(shown):
    shown.page.fill("#search", "sa pa")
    rows = shown.page.locator("#communes tbody tr:visible th")
    assert rows.all_inner_texts() == ["Sa Pả"]
    shown.page.fill("#search", "")
    assert shown.page.locator("#communes tbody tr:visible").count() == 30


def test_filters_and_headings_change_the_rows(shown, hostile):
    shown.page.select_option("#by-cause", "gap_locked")
    parts = hostile.communes[[c for c in hostile.communes if c.startswith("gap_")]]
    wanted = int((parts.idxmax(axis=1) == "gap_locked").sum())
    assert shown.page.locator("#communes tbody tr:visible").count() == wanted
    shown.page.select_option("#by-cause", "")
    shown.page.locator("#communes thead button").nth(3).click()
    people = shown.page.locator("#communes tbody td:nth-child(4)").evaluate_all(
        "(c) => c.map((e) => Number(e.dataset.v))"
    )
    assert people == sorted(people, reverse=True)
    assert shown.page.locator("#communes thead th").nth(3).get_attribute("aria-sort") == "descending"


def test_names_stay_text_and_exported_cells_no_formulas(shown):
    names = shown.page.locator("#communes tbody th").all_inner_texts()
    assert {SCRIPT, FORMULA} <= set(names)
    rows = list(csv.reader(io.StringIO(shown.page.evaluate("() => page.csv()").lstrip("\ufeff"))))
    assert len(rows) == 31
    assert "'" + FORMULA in {row[0] for row in rows}
    assert not any(cell.lstrip().startswith(("=", "+", "@")) for row in rows for cell in row)
    assert float(rows[1][3]) > 0
    assert shown.said == []


def test_the_language_changes_every_string_and_back(shown):
    before = shown.page.locator("main").inner_text()
    shown.page.get_by_role("button", name="Tiếng Việt").click()
    assert shown.page.locator("html").get_attribute("lang") == "vi"
    lead = shown.page.locator("h2.lead").inner_text()
    served = shown.page.evaluate("() => Number(document.querySelector('h2.lead [data-v]').dataset.v)")
    assert Text("vi").number(served, "people") in lead
    assert "có internet ổn định" in lead
    left = shown.page.evaluate(
        """() => Array.from(document.querySelectorAll('[data-t]')).filter((e) => {
          const said = page.data.words[e.dataset.t];
          return said.en !== said.vi && !said.en.includes('{') && e.textContent !== said.vi;
        }).map((e) => e.dataset.t)"""
    )
    assert left == []
    assert "Chi phí" in shown.page.locator("#curve").inner_text()
    shown.page.get_by_role("button", name="English").click()
    assert shown.page.locator("main").inner_text() == before


def test_numbers_are_the_same_as_those_that_were_written_first(shown):
    values = [
        0,
        0.0131,
        0.9712,
        1,
        8.352,
        12.34,
        99.96,
        123.4,
        999.7,
        1865270,
        -5.5,
        0.052,
        2.5,
        1.005,
        -0.004,
        0.0062,
    ]
    forms = [*FORMS, "money", "vnd"]
    asked = [[v, form, lang] for v in values for form in forms for lang in ("en", "vi")]
    answers = shown.page.evaluate("(asked) => asked.map(([v, f, l]) => page.number(v, f, l))", asked)
    wrong = {
        str(a): (got, Text(a[2]).number(a[0], a[1]))
        for a, got in zip(asked, answers, strict=True)
        if got != Text(a[2]).number(a[0], a[1])
    }
    assert wrong == {}
    days = [[d, lang] for d in ("2026-03-05", "2026-03", "2026") for lang in ("en", "vi")]
    said = shown.page.evaluate("(days) => days.map(([d, l]) => page.date(d, l))", days)
    assert said == [Text(lang).date(day) for day, lang in days]


def test_before_and_after_lie_side_by_side(shown):
    shown.page.locator("#show-swipe").check()
    shown.until("page.afterReady")
    shown.page.wait_for_timeout(150)
    slider = shown.page.locator("#swipe-at")
    pictures = []
    for at in ("0", "100"):
        slider.fill(at)
        shown.page.wait_for_timeout(80)
        pictures.append(shown.page.locator("#map-after").evaluate("(e) => getComputedStyle(e).clipPath"))
    assert pictures[0] != pictures[1]
    assert "swipe=1" in shown.page.url
    shown.page.locator("#show-swipe").uncheck()
    assert not shown.page.locator("#map-after").is_visible()


def test_the_dark_page_is_dark(shown):
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = shown.page.evaluate(ground)
    shown.page.locator("#theme").click()
    assert shown.page.locator("#theme").get_attribute("aria-pressed") == "true"
    assert shown.page.evaluate(ground) != light == "rgb(255, 255, 255)"


def test_on_paper_the_map_is_a_drawing_and_nothing_sticks_out(shown):
    shown.page.set_viewport_size({"width": 703, "height": 1000})  # A4 less its margins
    shown.page.emulate_media(media="print")
    assert shown.page.locator("#print-map path").count() == 30
    assert not shown.page.locator("nav").is_visible()
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 703
    paper = shown.page.pdf(format="A4", print_background=True)
    shown.page.emulate_media(media="screen")
    shown.page.set_viewport_size(WINDOW)
    assert paper.startswith(b"%PDF")
    assert 4 <= paper.count(b"/Type /Page\n") <= 20


def test_a_phone_scrolls_down_only(shown):
    shown.page.set_viewport_size({"width": 390, "height": 844})
    try:  # maps and charts follow the window a moment later, on a busy machine a long one
        shown.page.wait_for_function(
            "() => innerWidth === 390 && document.documentElement.scrollWidth <= 390"
        )
    finally:
        shown.page.set_viewport_size(WINDOW)


def test_a_link_brings_back_what_was_chosen_and_no_webgl_means_a_still_map(browser, file, hostile):
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 800}, color_scheme="light")
    code = hostile.communes["commune_code"].iloc[7]
    tab = context.new_page()
    tab.add_init_script(
        "HTMLCanvasElement.prototype.getContext = ((get) => function (kind, ...more) { return /webgl/.test(kind) ? "
        "null : get.call(this, kind, ...more); })(HTMLCanvasElement.prototype.getContext)"
    )
    shown = Shown(tab).open(file, f"#layer=cause&commune={code}&lang=vi&theme=dark")
    assert shown.page.locator("html").get_attribute("lang") == "vi"
    assert shown.page.evaluate("() => page.dark()")
    assert shown.page.locator("#layer").input_value() == "cause"
    assert shown.page.locator("#communes tr.on").get_attribute("data-code") == code
    assert shown.page.locator("#no-webgl").is_visible()
    shown.page.locator("#picture path").nth(1).dispatch_event("click")
    assert (
        shown.page.locator("#communes tr.on").get_attribute("data-code")
        == hostile.communes["commune_code"].iloc[1]
    )
    context.close()


@pytest.mark.parametrize(
    ("lang", "dark"), [("en", False), ("vi", True)], ids=["english-light", "vietnamese-dark"]
)
def test_axe_finds_nothing_serious(shown, lang, dark):
    shown.page.evaluate(
        f"() => {{ page.setLang('{lang}'); page.setTheme({json.dumps(dark)}); page.choose({{ option: 2 }}); }}"
    )
    # rows of a table are alike: three of each tell
    shown.page.add_style_tag(content="tbody tr:nth-child(n+4) { display: none; }")
    found = axe.Axe().run(shown.page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [
        (v["id"], [n["html"][:150] for n in v["nodes"]])
        for v in found
        if v["impact"] in {"serious", "critical"}
    ]
    assert serious == []


def test_the_plan_half_of_the_swipe_lies_on_the_map_whatever_is_chosen(shown):
    shown.page.set_viewport_size({"width": 1100, "height": 620})
    shown.page.evaluate("() => page.choose({ option: 1, swipe: true })")
    shown.until("page.afterReady")
    boxes = [shown.page.locator(place).bounding_box() for place in ("#map", "#map-after")]
    assert boxes[0] == pytest.approx(boxes[1])
    # the text beside the map is taller than the map: that had pushed the plan's half down
    assert shown.page.locator(".side").bounding_box()["height"] > boxes[0]["height"]
    shown.page.set_viewport_size(WINDOW)


def test_numbers_on_the_map_stay_below_the_menu_and_the_tooltip_above_the_names(shown):
    shown.page.evaluate(
        """() => { const top = document.querySelector('.mark').getBoundingClientRect().top;
          window.scrollTo({ top: window.scrollY + top - 8, behavior: 'instant' }); }"""
    )
    under = shown.page.evaluate(
        """() => { const nav = document.querySelector('nav').getBoundingClientRect();
          return Array.from(document.querySelectorAll('.mark')).map((m) => m.getBoundingClientRect())
            .filter((b) => b.top + b.height / 2 < nav.bottom && b.bottom > 0)
            .map((b) => document.elementFromPoint(b.left + b.width / 2, Math.max(b.top + b.height / 2, 1)).closest('nav') !== null); }"""
    )
    assert under
    assert all(under)
    levels = shown.page.evaluate(
        """() => { const tip = document.createElement('div'); tip.className = 'maplibregl-popup';
          document.getElementById('map').append(tip); const level = (e) => Number(getComputedStyle(e).zIndex);
          const found = [level(tip), level(document.getElementById('names'))]; tip.remove(); return found; }"""
    )
    assert levels[0] > levels[1]


def test_five_of_the_ranked_options_are_seen_at_once_and_the_chosen_one_whole(shown):
    box = shown.page.locator("#options").evaluate(
        """(t) => { const room = t.parentElement.clientHeight - t.tHead.offsetHeight;
          const tall = Array.from(t.tBodies[0].rows).map((r) => r.offsetHeight).sort((a, b) => a - b);
          return [room, tall[Math.floor(tall.length / 2)]]; }"""
    )
    assert 5 * box[1] < box[0]
    whole = "(d) => d.scrollHeight <= d.clientHeight + 1"
    shown.page.locator('#options [data-option="1"]').click()
    assert shown.page.locator("#options tr.on td.why > div").evaluate(whole)


def test_no_two_controls_of_the_first_screen_have_one_name(shown):
    names = shown.page.locator("#headline button, #headline a, nav a").all_inner_texts()
    assert len(names) == len(set(names))


def test_what_is_printed_names_the_region_the_date_of_the_data_and_of_the_print(shown, hostile):
    shown.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    shown.page.emulate_media(media="print")
    head = shown.page.locator("header").inner_text()
    assert str(hostile.summary["region"]) in head
    assert "data as of" in head
    assert "printed on" in head
    assert str(hostile.summary["region"]) in shown.page.title()
    shown.page.emulate_media(media="screen")
    shown.page.evaluate("() => window.dispatchEvent(new Event('afterprint'))")
