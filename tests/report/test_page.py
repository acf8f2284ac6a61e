"""The report page: one file, asks nothing from outside, and text from data stays text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from phusong.io.text import Text
from phusong.report.page import MOST_BYTES, _libraries, chart_data, money_curve, report_html
from phusong.report.page_map import map_data, remaining_people

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))


def without_libraries(page: str) -> str:
    for name in ("plotly", "maplibre", "map_css"):
        page = page.replace(str(_libraries()[name]), "")
    return page


def elements(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(without_libraries(page))
    return parser.tags


def text_of(page: str) -> str:
    return re.sub(r"<[^>]*>", "", without_libraries(page))


@pytest.fixture(scope="module")
def page(result):
    return report_html(result)


def test_the_page_is_whole_small_and_asks_nothing_from_outside(page):
    assert len(page.encode()) < MOST_BYTES
    tags = elements(page)
    assert ("html", {"lang": "en"}) in tags
    assert ("meta", {"charset": "utf-8"}) in tags
    outside = [
        v for _, attrs in tags for k, v in attrs.items() if k in {"src", "href"} and not v.startswith("#")
    ]
    assert outside == []
    # the browser itself is told to fetch nothing
    policy = next(a["content"] for t, a in tags if t == "meta" and a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "url(" not in without_libraries(page)


def test_the_same_result_gives_the_same_page(result, page):
    assert report_html(result) == page


def test_every_table_has_a_caption_and_every_id_once(page):
    tags = elements(page)
    names = [t for t, _ in tags]
    assert names.count("table") == names.count("caption") >= 7
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    anchors = {a["href"][1:] for t, a in tags if t == "a"}
    assert anchors <= set(ids)


def test_text_from_data_never_becomes_markup(result, page):
    hostile = replace(
        result,
        summary={**result.summary, "title": HOSTILE, "region": HOSTILE, "policy": HOSTILE},
        communes=result.communes.assign(name=HOSTILE, province=HOSTILE, remote=HOSTILE),
        options=result.options.assign(why=HOSTILE, bundle_id=HOSTILE, kinds=HOSTILE, runner_up=HOSTILE),
        plan=result.plan.assign(fund=HOSTILE),
        policies=result.policies.assign(policy=HOSTILE),
        layers=result.layers.assign(kind=HOSTILE, source=HOSTILE, notes=HOSTILE),
        calibration=result.calibration.assign(what=HOSTILE, fact=HOSTILE, unit=HOSTILE),
        repairs=pd.DataFrame({HOSTILE: [HOSTILE]}),
        scenario_toml=f"# {HOSTILE}\n",
        provenance={**result.provenance, "digest": HOSTILE},
    )
    tags = elements(report_html(hostile))
    before = [t for t, _ in elements(page)]
    assert [t for t, _ in tags].count("script") == before.count("script")
    assert not any(t == "img" or "onerror" in a for t, a in tags)


def test_modelled_layers_are_shown_as_modelled(page):
    row = re.search(r'<tr><th scope="row"><span data-t="input.sites">.*?</tr>', page).group()
    assert '<span class="kind modelled">' in row
    assert "Modelled, not measured" in page


def test_a_layer_of_unstated_kind_counts_as_assumed(result):
    layers = result.layers.assign(kind=[None, "modelled", "measured"])
    page = report_html(replace(result, layers=layers))
    row = re.search(r'<tr><th scope="row"><span data-t="input.communes">.*?</tr>', page).group()
    assert '<span class="kind assumed">' in row


def test_headline_and_money_stand_in_the_page(result, page):
    assert Text("en").number(result.summary["people_served"]) in page
    assert "(250 billion VND)" in text_of(page)
    assert page.count('<tr class="cut"') == 1


def test_the_scenario_says_in_which_language_the_page_opens(result):
    asked = replace(result, scenario_toml=result.scenario_toml + '\n[report]\nlang = "vi"\n')
    page = report_html(asked)
    assert ("html", {"lang": "vi"}) in elements(page)
    assert Text("vi").number(result.summary["people_served"], "people") in page
    assert "có internet ổn định" in page
    assert page == report_html(result, lang="vi").replace(
        "budget_musd = 10.0\n</pre>", "budget_musd = 10.0\n\n[report]\nlang = &#34;vi&#34;\n</pre>"
    )


def test_a_bare_result_still_makes_a_page(result):
    bare = replace(
        result,
        summary={},
        options=result.options.iloc[:0],
        plan=result.plan.iloc[:0],
        policies=pd.DataFrame(),
        curve=pd.DataFrame(),
        layers=pd.DataFrame(),
        calibration=pd.DataFrame(),
    )
    text = text_of(report_html(bare))
    assert "No option gains anybody." in text
    assert "treat every figure as assumed" in text


def test_optional_columns_and_tables_are_shown_where_a_result_has_them(result):
    swing = {"input": ["signal"], "people_low": [9.0], "people_base": [10.0], "people_high": [12.0]}
    more = replace(
        result,
        options=result.options.assign(keep_probability=0.725),
        milestones=pd.DataFrame({"year": [2027], "people_served": [61_234.0]}),
        tornado=pd.DataFrame(swing),
    )
    page = report_html(more)
    text = text_of(page)
    assert "72.5%" in text
    assert "61,234" in text
    assert '<span data-t="table.milestones_name">' in page
    assert chart_data(more)["tornado"] == [["signal", 9.0, 10.0, 12.0]]
    assert '<span data-t="table.milestones_name">' not in report_html(result)


def test_printed_maps_stand_in_the_page_while_there_is_room(result, tmp_path):
    (tmp_path / "access.png").write_bytes(b"small")
    (tmp_path / "rsrp.png").write_bytes(bytes(MOST_BYTES))
    page = report_html(result, tmp_path)
    assert sum(t == "img" for t, _ in elements(page)) == 1
    assert len(page.encode()) < MOST_BYTES


def test_the_map_has_a_shape_and_a_class_for_every_commune(result):
    drawn = map_data(result)
    assert len(drawn["shapes"]["features"]) == len(result.communes)
    west, south, east, north = result.communes.to_crs("EPSG:4326").total_bounds
    assert np.allclose(drawn["bounds"], [west, south, east, north], atol=0.01)
    areas = [layer for layer in drawn["layers"] if layer["kind"] == "areas"]
    assert {"not_served", "cause", "hours"} <= {layer["key"] for layer in areas}
    for codes, classes in [(a["codes"], a["classes"]) for a in areas] + [
        (drawn["after"], areas[0]["classes"])
    ]:
        assert len(codes) == len(result.communes)
        assert max(codes) < len(classes)


def test_pictures_lie_where_the_rasters_lie(result):
    pictures = map_data(result)["pictures"]
    assert set(pictures) == {"access", "rsrp"}
    west, south, east, north = result.communes.to_crs("EPSG:4326").total_bounds
    for picture in pictures.values():
        (left, top), _, (right, bottom), _ = picture["corners"]
        assert left <= west < east <= right + 0.01
        assert bottom <= south < north <= top + 0.01
        assert picture["url"].startswith("data:image/png;base64,")


def test_a_plan_never_leaves_more_people_than_before_and_never_fewer_than_none(result):
    lives = result.plan.groupby("commune_code", as_index=False)["people_gained"].sum().assign(year=2027)
    result = replace(result, plan_communes=lives)
    before = result.communes[[c for c in result.communes if c.startswith("gap_")]].sum(axis=1).to_numpy()
    after = remaining_people(result)
    assert (after <= before).all()
    assert (after >= 0).all()
    assert (before - after).sum() == pytest.approx(
        sum(min(g, before[i]) for i, g in gains_by_place(result).items()), rel=1e-9
    )
    assert (remaining_people(replace(result, plan=result.plan.assign(people_gained=1e9))) >= 0).all()


def gains_by_place(result) -> dict[int, float]:
    places = {c: i for i, c in enumerate(result.communes["commune_code"])}
    gains = result.plan.groupby("commune_code")["people_gained"].sum()
    return {places[c]: float(n) for c, n in gains.items()}


def test_communes_without_people_are_shown_as_such(result):
    empty = result.communes.copy()
    empty.loc[0, ["population", "people_served", *[c for c in empty if c.startswith("gap_")]]] = 0.0
    empty.loc[0, "share_served"] = np.nan
    layer = map_data(replace(result, communes=empty))["layers"][0]
    assert layer["classes"][layer["codes"][0]]["t"] == "class.no_people"
    assert report_html(replace(result, communes=empty))


def test_withheld_sites_fall_out_of_the_map(result):
    locked = pd.DataFrame(
        {"site_id": ["s000", "s001", "gone"], "lock_reason": "contract", "people_behind": [900.0, 400.0, 5.0]}
    )
    sites = result.sites.copy()
    sites.loc[0, "geometry"] = None
    # the table of locks alone, without what the page's section needs
    points = map_data(replace(result, sites=sites, locked_assets=locked))["points"]["locks"]
    assert points["ids"] == ["s001"]


def test_a_long_curve_is_thinned_and_keeps_its_ends(result):
    n = 40_000
    long = pd.DataFrame({"cost_musd": np.arange(n) / 100, "people": np.sqrt(np.arange(n)) * 500})
    steps = money_curve(replace(result, curve=long))["steps"]
    assert len(steps) < 2000
    assert steps[0] == [0.0, 0.0]
    assert steps[-1] == pytest.approx([long["cost_musd"].iloc[-1], long["people"].iloc[-1]], abs=1e-3)
