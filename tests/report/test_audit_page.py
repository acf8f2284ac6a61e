"""The page, the map and the files of an audit: whole, escaped, the same bytes; and the command."""

import json
from dataclasses import replace
from datetime import date
from io import BytesIO

import geopandas as gpd
import pandas as pd
import pytest
from PIL import Image

from phusong.audit import audit
from phusong.cli import main
from phusong.errors import InputError
from phusong.io.text import Text
from phusong.report.audit import AUDIT_FILES, audit_html, audit_map, audit_map_png, write_audit
from small_region import small_region

AS_OF = date(2026, 11, 25)
HOSTILE = '<script>alert(1)</script> [red] "x"'


@pytest.fixture(scope="module")
def found():
    region = small_region(cell_m=1000.0)
    sites = region.sites.assign(owner=["=1+1", HOSTILE] * 6, height_m=2.0)
    settlements = region.settlements.assign(commune_code=HOSTILE)
    return audit(replace(region, sites=sites, settlements=settlements, name=f"Thử {HOSTILE}"), as_of=AS_OF)


def test_the_page_escapes_what_it_is_given_and_asks_nothing_from_outside(found):
    page = audit_html(found, audit_map_png(found, Text()))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "default-src 'none'" in page
    assert "data:image/png;base64," in page


def test_the_page_says_what_was_found_by_which_rubric_and_how(found):
    page = audit_html(found)
    for text in ("25 November 2026", "pilot 1.0", found.rubric.sha256, "Minh Tân", "upper bound"):
        assert text in page
    for layer in found.layers["layer"]:
        assert Text().code("input", layer) in page


def test_the_map_has_a_scale_names_and_its_rubric(found):
    figure = audit_map(found, Text())
    texts = [t.get_text() for axes in figure.axes for t in axes.texts] + [t.get_text() for t in figure.texts]
    assert any(t.endswith(" km") for t in texts)
    assert "Minh Tân" in texts
    assert any("rubric pilot 1.0 as of 25 November 2026" in t for t in texts)
    assert not any("Modelled by phusong" in t for t in texts)


def test_the_map_is_a_picture_of_fair_size_with_the_same_bytes(found):
    one = audit_map_png(found, Text())
    assert one == audit_map_png(found, Text())
    with Image.open(BytesIO(one)) as image:
        assert min(image.size) > 500


def test_the_files_are_whole_readable_and_the_same_bytes(found, tmp_path):
    for name in ("a", "b"):
        write_audit(found, tmp_path / name)
    assert {p.name for p in (tmp_path / "a").iterdir()} == set(AUDIT_FILES)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]
    for name in AUDIT_FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert json.loads((tmp_path / "a" / "audit.json").read_text(encoding="utf-8"))["scores"]
    layer = gpd.read_file(tmp_path / "a" / "records.gpkg")
    assert len(layer) == len(found.records)
    assert layer.crs == found.records.crs


def test_no_cell_of_the_records_is_a_formula(found, tmp_path):
    write_audit(found, tmp_path / "a")
    table = pd.read_csv(tmp_path / "a" / "records.csv", dtype=str, keep_default_na=False)
    assert len(table) == len(found.records)
    assert "'=1+1" in set(table["owner"])
    for column in table.columns:
        assert not table[column].str.startswith(("=", "+", "-", "@")).any()


def test_notes_beside_an_audit_are_kept_and_a_folder_of_others_is_refused(found, tmp_path):
    write_audit(found, tmp_path / "a")
    (tmp_path / "a" / "notes.txt").write_text("mine")
    write_audit(found, tmp_path / "a")
    assert (tmp_path / "a" / "notes.txt").read_text() == "mine"
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not an audit"):
        write_audit(found, tmp_path / "b")
    assert [p.name for p in (tmp_path / "b").iterdir()] == ["thesis.txt"]


def test_a_region_without_communes_still_has_a_page_and_a_map(tmp_path):
    (tmp_path / "region.toml").write_text('[region]\nname = "nothing"\ncrs = "EPSG:32648"\n')
    found = audit(tmp_path, as_of=AS_OF)
    write_audit(found, tmp_path / "out")
    assert "None could be placed" in (tmp_path / "out" / "audit.html").read_text(encoding="utf-8")


def call(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    """Run the command line in this process: code, output, errors."""
    monkeypatch.setattr("sys.argv", ["phusong", *arguments])
    with pytest.raises(SystemExit) as done:
        main()
    out = capsys.readouterr()
    return int(done.value.code or 0), out.out, out.err


def test_the_command_prints_writes_and_takes_a_broken_region(tmp_path, monkeypatch, capsys):
    small_region(cell_m=1000.0).write(tmp_path / "region")
    (tmp_path / "region" / "links.parquet").write_bytes(b"torn")
    arguments = ("audit", str(tmp_path / "region"), "--as-of", "2026-11-25")
    code, out, err = call(monkeypatch, capsys, *arguments, "--out", str(tmp_path / "out"))
    assert code == 0, err
    assert "class C" in " ".join(out.split())
    assert (tmp_path / "out" / "audit.html").is_file()
    _, out, _ = call(monkeypatch, capsys, *arguments, "--json", "--rubric", "official")
    tree = json.loads(out)
    assert tree["rubric"]["name"] == "official"
    assert "links" in {r["layer"] for r in tree["records"]}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["{}/nowhere"], "nowhere"),
        (["{}"], "region.toml"),
        (["{}/region", "--as-of", "tomorrow"], "YYYY-MM-DD"),
        (["{}/region", "--rubric", "pilt"], "did you mean pilot"),
    ],
)
def test_the_command_refuses_what_is_no_region_date_or_rubric(tmp_path, monkeypatch, capsys, arguments, word):
    small_region(cell_m=2000.0).write(tmp_path / "region")
    given = [a.format(tmp_path) for a in arguments]
    code, _, err = call(monkeypatch, capsys, "audit", *given, "--out", str(tmp_path / "out"))
    assert code == 2
    assert word in err
    assert not (tmp_path / "out").exists()


def test_a_layer_of_several_kinds_is_counted_on_the_page():
    region = small_region()
    kinds = ["modelled", *[""] * (len(region.sites) - 1)]
    sources = tuple(replace(s, kind="measured") for s in region.sources)
    mixed = replace(region, sites=region.sites.assign(record_kind=kinds), sources=sources)
    for lang, words in (("en", "11 measured, 1 modelled"), ("vi", "11 ")):
        page = audit_html(audit(mixed, as_of=AS_OF), lang=lang)
        assert words in " ".join(page.split())
