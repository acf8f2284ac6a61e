"""The report page: one file, asks nothing from outside, and text from data stays text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from phusong.report.figures import vector_map
from phusong.report.page import MOST_BYTES, figure_text, people_text, report_html

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))


def elements(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(page.replace(get_plotlyjs(), ""))
    return parser.tags


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
    assert "url(" not in page.replace(get_plotlyjs(), "")


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
        communes=result.communes.assign(name=HOSTILE, province=HOSTILE),
        options=result.options.assign(why=HOSTILE, bundle_id=HOSTILE),
        plan=result.plan.assign(fund=HOSTILE),
        policies=result.policies.assign(policy=HOSTILE),
        layers=result.layers.assign(kind=HOSTILE, source=HOSTILE, notes=HOSTILE),
        calibration=result.calibration.assign(what=HOSTILE, fact=HOSTILE),
        repairs=pd.DataFrame({HOSTILE: [HOSTILE]}),
        scenario_toml=f"# {HOSTILE}\n",
        provenance={**result.provenance, "digest": HOSTILE},
    )
    tags = elements(report_html(hostile))
    before = [t for t, _ in elements(page)]
    assert [t for t, _ in tags].count("script") == before.count("script")
    assert not any(t == "img" or "onerror" in a for t, a in tags)


def test_modelled_layers_are_shown_as_modelled(page):
    row = re.search(r"<tr><td>sites</td>.*?</tr>", page).group()
    assert '<span class="kind modelled">modelled</span>' in row
    assert "Modelled, not measured" in page


def test_a_layer_of_unstated_kind_counts_as_assumed(result):
    layers = result.layers.assign(kind=[None, "modelled", "measured"])
    page = report_html(replace(result, layers=layers))
    assert '<tr><td>communes</td><td><span class="kind assumed">assumed</span>' in page


def test_headline_and_money_stand_in_the_page(result, page):
    assert people_text(result.summary["people_served"]) in page
    assert "250 billion VND" in page
    assert page.count('<tr class="cut">') == 1


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
    page = report_html(bare)
    assert "No option gains anybody." in page
    assert "treat every figure as assumed" in page


def test_printed_maps_stand_in_the_page_while_there_is_room(result, tmp_path):
    (tmp_path / "access.png").write_bytes(b"small")
    (tmp_path / "rsrp.png").write_bytes(bytes(MOST_BYTES))
    page = report_html(result, tmp_path)
    assert page.count("<img alt=") == get_plotlyjs().count("<img alt=") + 1
    assert len(page.encode()) < MOST_BYTES


def test_the_drawing_has_a_path_and_a_class_for_every_commune(result):
    drawing = vector_map(result)
    assert len(drawing.paths) == len(result.communes)
    assert all(p.startswith("M") and p.endswith("z") for p in drawing.paths)
    for layer in drawing.layers:
        assert len(layer.codes) == len(result.communes)
        assert max(layer.codes) < len(layer.classes)


def test_communes_without_people_are_shown_as_such(result):
    empty = result.communes.copy()
    empty.loc[0, ["population", "people_served", *[c for c in empty if c.startswith("gap_")]]] = 0.0
    empty.loc[0, "share_served"] = np.nan
    drawing = vector_map(replace(result, communes=empty))
    assert drawing.layers[0].classes[drawing.layers[0].codes[0]][0] == "no people"
    assert report_html(replace(result, communes=empty))


@pytest.mark.parametrize(
    ("value", "text"), [(1234.6, "1\u202f235"), (0.12345, "0.1235"), (None, "–"), ("n/a", "n/a"), (-5, "-5")]
)
def test_figures_are_written_short(value, text):
    assert figure_text(value) == text
