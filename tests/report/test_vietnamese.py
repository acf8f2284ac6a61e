"""Asked for Vietnamese, nothing answers in English: pages walked in the browser, maps, and what the terminal shows."""

import re
import shutil
from csv import DictReader
from dataclasses import replace
from datetime import date
from io import StringIO

import pandas as pd
import pytest
from matplotlib.text import Text as DrawnText
from pydantic import BaseModel

from english import english_in
from phusong.audit import audit
from phusong.io.resources import geodata_path
from phusong.io.text import NO_VALUE, Text, catalogue
from phusong.pipeline import run_region
from phusong.report.audit import audit_html, audit_map, audit_map_png
from phusong.report.compare import compare
from phusong.report.compare_page import comparison_html
from phusong.report.explain import explain
from phusong.report.folder import Result
from phusong.report.maps import MAPS, draw_map
from phusong.report.page import report_html
from phusong.report.small_multiples import draw_multiples, policy_panels, result_panels, year_panels
from phusong.result.files import csv_text
from phusong.scenario import Scenario
from phusong.settings import AgreementSettings, FundSettings
from small_region import small_region

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WALK = """(roots) => {
  const found = [], hidden = new Set(["SCRIPT", "STYLE", "PRE", "CODE", "NOSCRIPT"]);
  const walk = (node) => {
    if (node.nodeType === 3) { if (node.textContent.trim()) found.push(node.textContent); return; }
    if (node.nodeType !== 1 || hidden.has(node.tagName) || node.getAttribute("lang") === "en") return;
    ["title", "alt", "aria-label", "placeholder", "label"].forEach((a) => { if (node.getAttribute(a)) found.push(node.getAttribute(a)); });
    node.childNodes.forEach(walk);
  };
  document.querySelectorAll(roots).forEach(walk);
  found.push(document.title);
  return found;
}"""


@pytest.fixture(scope="module")
def own(result) -> Result:
    """A result whose notes are those that phusong writes itself."""
    said = {k: v["en"] for k, v in catalogue().items() if k.startswith("note.n")}
    layers = result.layers.assign(
        source=[said["note.n08"], said["note.n01"], "ETOPO 2022"], notes=[said["note.n03"], said["note.n09"], said["note.n20"]],
    )  # fmt: skip
    facts = pd.DataFrame(
        {
            "what": ["people inside coverage", "villages"], "fact": [0.998, 3800.0], "model": [0.97, 3883.0],
            "unit": ["share", "villages"], "source": ["Telecom Authority, VietNamNet (2025-03, H)", "no public figure"],
            "note": [said["note.n23"], ""],
        }
    )  # fmt: skip
    summary = {
        **result.summary,
        "title": "",
        "title_vi": "",
        "plan": {**result.summary["plan"], "statements": []},
    }
    scenario = result.scenario_toml + '\n[report]\nlang = "vi"\n'
    return replace(
        result,
        summary=summary,
        # reasons that somebody else wrote stay as they are; ours have a test of their own
        options=result.options.assign(why=""),
        layers=layers,
        calibration=facts,
        repairs=pd.DataFrame(),
        scenario_toml=scenario,
    )


@pytest.fixture(scope="module")
def ran() -> Result:
    """What a run makes: its reasons, schedule and statements in the columns that say them in any language."""
    asked = Scenario.from_tree(
        {"invest": {"samples": 2, "budget_musd": 0.3, "solver_seconds": 1.0}, "report": {"lang": "vi"}}
    )
    return run_region(asked, replace(small_region(cell_m=1000.0), name="Thử"))


@pytest.fixture(scope="module")
def rival(ran) -> Result:
    """The run as another scenario would have it told: every setting that both have is set otherwise."""
    other = Scenario.from_tree(
        {"seed": 7, "invest": {"budget_musd": 0.4, "vnd_per_usd": 26000.0}, "radio": {"rx_height_m": 2.0}}
    )
    return replace(ran, scenario_toml=other.to_toml())


@pytest.fixture(scope="module")
def names(own) -> list[str]:
    listed = [
        *own.communes["name"],
        *own.communes["province"],
        *own.sites["owner"].unique(),
        own.summary["region"],
    ]
    return [str(n) for n in listed]


@pytest.fixture(scope="module")
def found():
    return audit(replace(small_region(cell_m=1000.0), name="Thử"), as_of=date(2026, 11, 25))


def drawn(figure) -> list[str]:
    return [t.get_text() for t in figure.findobj(DrawnText) if t.get_visible() and t.get_text().strip()]


@pytest.fixture(scope="module")
def walked(own, ran, rival, found, tmp_path_factory):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    folder = tmp_path_factory.mktemp("vi")
    pages = {
        "report": report_html(own),
        "report of a run": report_html(ran),
        "compare": comparison_html(compare({"một": own, "hai": own}, samples=20), language="vi"),
        "compare of runs": comparison_html(compare({"một": ran, "hai": rival}, samples=20), language="vi"),
        "audit": audit_html(found, audit_map_png(found, Text("vi")), lang="vi"),
    }
    texts = {}
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for name, text in pages.items():
            file = folder / f"{name}.html"
            file.write_text(text, encoding="utf-8")
            page = browser.new_page()
            page.goto(file.as_uri())
            whole = name.startswith("report")
            page.wait_for_timeout(1500 if whole else 100)
            texts[name] = page.evaluate(WALK, "body")
            if whole:
                for layer in page.evaluate("() => page.data.map.layers.map((l) => l.key)"):
                    page.evaluate("(k) => page.choose({ layer: k })", layer)
                    texts[name] += page.evaluate(WALK, "#mapkey, #layer-note")
                page.evaluate("() => page.choose({ option: 1, swipe: true })")
                texts[name] += page.evaluate(WALK, "#about, #layer-note, .mapcell")
        browser.close()
    return texts


@pytest.mark.parametrize("page", ["report", "report of a run", "compare", "compare of runs", "audit"])
def test_no_english_stands_on_a_vietnamese_page(walked, names, found, page):
    texts = walked[page]
    assert len(texts) > 60
    known = [
        *names,
        "blue",
        "red",
        *map(str, found.communes["name"]),
        "Synthetic province",
        "made up for tests",
        # keys of settings are the same in every language
        *_settings(Scenario),
    ]
    assert english_in(texts, known) == []


def _settings(model, prefix: str = "") -> dict[str, str]:
    """Return what each setting that is no table means, by its dotted key."""
    found = {}
    for key, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= _settings(field.annotation, f"{prefix}{key}.")
        else:
            found[prefix + (field.alias or key)] = field.description
    return found


def _listed_settings() -> dict[str, str]:
    """Return what each setting of the tables that may be given several times means."""
    return _settings(FundSettings, "invest.funds.") | _settings(AgreementSettings, "sharing.agreements.")


def test_every_setting_has_its_meaning_in_vietnamese_and_in_english_the_one_of_the_reference():
    lists = {"invest.funds", "sharing.agreements"}
    listed, means = _listed_settings(), _settings(Scenario)
    assert lists <= set(means)
    assert len(means) > 80
    means |= listed
    assert {key: Text("en").meaning(key) for key in means} == means
    assert [key for key in means if Text("vi").meaning(key) in {means[key], NO_VALUE}] == []
    assert len([k for k in catalogue() if k.startswith("setting.")]) == len(means)


def test_every_one_who_answers_for_a_remedy_has_a_name_in_vietnamese():
    lines = geodata_path("sectors.csv").read_text(encoding="utf-8").splitlines()
    who = {row["accountable"] for row in DictReader(line for line in lines if not line.startswith("#"))}
    assert who
    assert [name for name in who if Text("vi").code("value", name) == name] == []


def test_no_english_is_drawn_on_a_vietnamese_map(own, names, found):
    text = Text("vi")
    figures = [draw_map(own, name, "vi") for name in MAPS]
    figures += [
        draw_multiples(own, year_panels(own, text), text.say("drawn.years_title"), "", text=text),
        draw_multiples(own, result_panels({"một": own}, text=text), text.say("drawn.results_title"), "", text=text),
        audit_map(found, text),
        own.plot.gaps().figure, own.plot.curve().figure, own.plot.schedule().figure,
    ]  # fmt: skip
    if not own.policy_communes.empty:
        figures.append(draw_multiples(own, policy_panels(own, text), "", "", text=text))
    for figure in figures:
        assert (
            english_in(drawn(figure), [*names, *map(str, found.communes["name"]), "made up for tests"]) == []
        )


def test_no_english_is_told_of_a_commune_an_option_or_a_site(own, names):
    asked = [own.communes["commune_code"].iloc[0], "1", "2", own.sites["site_id"].iloc[0], "build-0001"]
    told = "\n".join(explain(own, name, lang="vi") for name in asked)
    # the reasons of options are told by their own module
    lines = [line for line in told.splitlines() if not re.search(r"Vì sao|hạng \d+: ", line)]
    assert english_in(lines, names) == []


def test_owners_and_operators_that_phusong_named_follow_the_language(ran):
    def called(name: str) -> Result:
        assets = ran.locked_assets.assign(owner=name, lock_reason="contract", people_behind=5.0)
        return replace(
            ran, sites=ran.sites.assign(owner=name, operators=[[name]] * len(ran.sites)), locked_assets=assets,
            options=ran.options.assign(operators=[[name]] * len(ran.options)),
        )  # fmt: skip

    site, option = ran.sites["site_id"].iloc[0], ran.options["bundle_id"].iloc[0]
    for name, said in (("others", "nhà mạng khác"), ("unknown", "chưa rõ"), ("Tower_Co <b>", "Tower_Co <b>")):
        result = called(name)
        page = report_html(result, lang="vi")
        shown = f'<span data-t="owner.{name}">{said}</span>' if name != said else "Tower_Co &lt;b&gt;"
        assert f"<td>{shown}</td>" in page
        assert f"chủ sở hữu {said}" in explain(result, site, lang="vi")
        assert f"Thuê bao được lợi: {said}." in explain(result, option, lang="vi")
        assert any(said in text for text in drawn(draw_map(result, "network", "vi")))


def test_no_english_is_told_of_what_a_run_found(ran, names):
    assert len(ran.options)
    assert len(ran.plan)
    asked = [
        *ran.options["bundle_id"],
        *ran.plan["remedy_id"],
        *ran.communes["commune_code"],
        *ran.sites["site_id"],
    ]
    told = "\n".join(explain(ran, str(name), lang="vi") for name in asked)
    assert "Vì sao" in told
    assert english_in(told.splitlines(), [*names, *ran.communes["name"], "blue", "red"]) == []


def test_tables_of_a_run_are_rounded_to_what_their_units_can_mean(ran):
    for frame in (ran.plan, ran.options):
        written = csv_text(frame)
        assert re.findall(r"\d\.\d{10,}", written) == []
    plan = pd.read_csv(StringIO(csv_text(ran.plan)))
    assert plan["cost_musd"].to_numpy() == pytest.approx(ran.plan["cost_musd"].to_numpy(), abs=5e-7)
    rate = ran.summary["currency"]["vnd_per_usd"]
    # a million dollars at the rate, in million dong; both columns are rounded
    assert plan["cost_mvnd"].to_numpy() == pytest.approx(
        plan["cost_musd"].to_numpy() * rate, abs=0.05 + 5e-7 * rate
    )


def test_a_plan_and_an_option_have_one_name_each():
    plan, option = re.compile(r"\bplans?\b"), re.compile(r"\b(options?|bundles?|investments?)\b")
    mixed = [
        key for key, said in catalogue().items()
        if plan.search(said["en"].lower()) and not option.search(said["en"].lower()) and "phương án" in said["vi"].lower()
        and key not in {"explain.kept", "explain.together"}  # "all of it" and "others" are options
    ]  # fmt: skip
    assert mixed == []
    other = [
        key for key, said in catalogue().items()
        if option.search(said["en"].lower()) and not plan.search(said["en"].lower()) and "kế hoạch" in said["vi"].lower()
    ]  # fmt: skip
    assert other == []


def test_the_detector_finds_english():
    assert english_in(["Xã này has no signal"]) != []
    assert english_in(["Trạm không có sóng", "MORAN", "locked_assets.csv"]) == []
