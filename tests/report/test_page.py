"""The report page: one file, asks nothing from outside, and text from data stays text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from phusong.report.page_why import reasons

from phusong.report.page import MOST_BYTES, _libraries, report_html
from phusong.report.page_charts import chart_data, money_curve
from phusong.report.page_map import map_data, remaining_people
from phusong.report.text import Text, Words

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


WHY = (
    "battery backup at s1 in Sa Pả (01033) serves 4,636 more people (4,600 on unstable sites, 36 locked out) for "
    "0.013 million USD net present cost, 352,892 people per million. Alone it would serve 5,000; options above already "
    "serve the others. It would fall behind b00202 if it cost 38% more."
)


def test_the_reasons_of_an_option_are_told_in_both_languages():
    vietnamese = re.sub(r"<[^>]*>", "", reasons(WHY, Words("vi")))
    assert vietnamese.startswith(
        "Tại s1: thêm 4.636 người (4.600 ở trạm không ổn định; 36 bị khóa) với 13.000 USD"
    )
    assert "352.892" in vietnamese
    assert "b00202 nếu đắt thêm 38,0%" in vietnamese
    english = re.sub(r"<[^>]*>", "", reasons(WHY, Words("en"))).replace("\u202f", " ")
    assert "4,636 more people (4,600 on unstable sites; 36 locked out) for 13,000 USD" in english


def test_every_sentence_of_the_ranking_is_known():
    why = (
        "add radio + build site at s05 in Minh Tân (00001) serves 5,880 more people (5,880 turned away) and 2 schools, "
        "clinics or offices among them for 0.015 million USD net present cost, 392,000 people per million. 2 of its "
        "remedies are already paid for by options above. It came before b00031 in Yên Phú (257,800 people per million at "
        "that moment). It would lose its place if it cost 52% more (then behind b00031) or if it gained 0.1% fewer "
        "people. For 88% of the same people the next best is add radio + fibre link (b02387, 45,924 people per million). "
        "It would lose its place if it cost 1.0% more (then behind b00141). It came before b00141 in the same commune "
        "(741 people per million at that moment). Nothing else was left to compare it with. It is level with b1: their "
        "numbers decide which comes first. For the same people the next best is diesel backup (b2, 3 people per million)."
    )
    said = reasons(why, Words("vi"))
    assert 'lang="en"' not in said
    text = re.sub(r"<[^>]*>", "", said)
    assert "trong đó 2 trường học" in text
    assert (
        "lựa chọn kế tiếp là thiết bị vô tuyến + tuyến cáp quang (b02387, 45.924 người mỗi triệu USD)" in text
    )
    assert "ít hơn 0,1% số người" in text


def test_an_unknown_reason_stays_as_it_was_written():
    said = reasons("Nobody foresaw <b>this</b>. Nor that.", Words("vi"))
    assert (
        said
        == '<span lang="en">Nobody foresaw &lt;b&gt;this&lt;/b&gt;.</span> <span lang="en">Nor that.</span>'
    )
