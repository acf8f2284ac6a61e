import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import from_origin

from phusong.data import Bounds, catalogue, find
from phusong.data.catalogue import (
    IMPORTERS,
    SCHEMES,
    checked_url,
    file_name,
    filled,
    next_hop,
    parse_bounds,
    rebased,
    region_bounds,
    shown,
    tiles_of,
)
from phusong.data.download import parse_checksum
from phusong.errors import InputError
from phusong.region.schema import LAYERS

HIGHLANDS = Bounds(104.5, 21.5, 106.0, 23.5)


def test_the_shipped_catalogue_feeds_only_layers_that_exist():
    known = {*LAYERS, "population", "elevation", "clutter", "context"}
    sources = catalogue()
    assert {part for s in sources.values() for part in s.layer.split(", ")} <= known
    assert {s.importer for s in sources.values()} == set(IMPORTERS)


def test_every_source_says_its_licence_and_whom_to_thank():
    for source in catalogue().values():
        assert source.licence
        assert source.attribution
        assert source.row()["checksum_said"]


def test_every_address_ends_in_a_safe_file_name():
    for source in catalogue().values():
        if source.access != "by hand":
            tile = tiles_of(source.tiles, HIGHLANDS)[0] if source.tiles else None
            assert file_name(source, filled(source.url, tile))


def test_rows_are_plain_values():
    rows = [s.row() for s in catalogue().values()]
    assert json.loads(json.dumps(rows)) == rows
    assert {"name", "url", "sha256", "licence", "attribution", "layer", "importer", "as_of"} <= set(rows[0])


def test_an_unknown_source_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean gridfinder"):
        find("grid-finder")


GOOD = """
[a-source]
title = "t"
layer = "sites"
importer = "osm"
area = "x"
as_of = "2025"
access = "download"
url = "https://example.org/a.osm.pbf"
format = "osm.pbf"
licence = "l"
attribution = "a"
page = "https://example.org"
checked = "no"
"""


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("https://example.org/a", "http://example.org/a", "a-source.url"),
        ('importer = "osm"', 'importer = "osmium"', "a-source.importer"),
        ('licence = "l"', "", "a-source.licence"),
        ('checked = "no"', 'checked = "no"\nsha = "x"', "a-source.sha"),
        ('checked = "no"', 'checked = "no"\nchecksum = "sha256:12"', "a-source.checksum"),
        ('access = "download"', 'access = "tiles"', "a-source"),
        ("a.osm.pbf", "{token}.osm.pbf", "a-source"),
        ("[a-source]", "a = 1\n[a-source]", "a"),
        ("[a-source]", "[A_Source]", "A_Source.name"),
        ("[a-source]", "[a-source", "TOML"),
    ],
)
def test_a_wrong_catalogue_names_source_and_key(tmp_path: Path, old, new, place):
    path = tmp_path / "c.toml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=place):
        catalogue(path)


def test_a_right_catalogue_is_read(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert list(catalogue(path)) == ["a-source"]


@pytest.mark.parametrize(
    ("scheme", "box", "tiles"),
    [
        ("copernicus_1deg", (104.5, 21.5, 106.0, 22.5), "N21_00_E104_00 N21_00_E105_00 N22_00_E104_00 N22_00_E105_00"),
        ("copernicus_1deg", (-0.5, -0.5, 0.5, 0.5), "S01_00_W001_00 S01_00_E000_00 N00_00_W001_00 N00_00_E000_00"),
        ("hgt_1deg", (85.1, 21.1, 85.2, 21.2), "N21E085"),
        ("worldcover_3deg", (104.5, 21.5, 106.0, 23.5), "N21E102 N21E105"),
        # as CGIAR names them: srtm_58_10 holds Ho Chi Minh City, srtm_57_08 Ha Noi's west
        ("srtm_5deg", (106.6, 10.7, 106.7, 10.8), "58_10"),
        ("srtm_5deg", (104.5, 21.5, 104.6, 21.6), "57_08"),
        # as GHSL names them: R7_C29 holds Ha Noi, R7_C27 Bengal, R10_C20 northern Angola
        ("ghsl_10deg", (105.8, 21.0, 105.9, 21.1), "R7_C29"),
        ("ghsl_10deg", (88.3, 22.5, 88.4, 22.6), "R7_C27"),
        ("ghsl_10deg", (13.0, -5.0, 14.0, -4.0), "R10_C20"),
    ],
)  # fmt: skip
def test_tiles_are_named_as_their_publishers_do(scheme, box, tiles):
    assert [t.tile for t in tiles_of(scheme, Bounds(*box))] == tiles.split()


def test_the_folder_of_an_hgt_tile_is_its_latitude():
    (tile,) = tiles_of("hgt_1deg", Bounds(105.1, 21.1, 105.2, 21.2))
    assert (tile.band, filled("x/{band}/{tile}.hgt", tile)) == ("N21", "x/N21/N21E105.hgt")


@given(
    west=st.floats(-179, 170), south=st.floats(-89, 80), width=st.floats(0.01, 9), height=st.floats(0.01, 9),
    scheme=st.sampled_from(sorted(SCHEMES)), at=st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)),
)  # fmt: skip
def test_every_place_of_a_box_lies_in_one_of_its_tiles(west, south, width, height, scheme, at):
    box = Bounds(west, south, west + width, south + height)
    x, y = west + at[0] * width, south + at[1] * height
    inside = tiles_of(scheme, Bounds(x, y, x + 1e-6, y + 1e-6))[0]
    tiles = tiles_of(scheme, box)
    assert inside in tiles
    assert len(set(tiles)) == len(tiles)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "a,b,c,d", "106,21,104,23", "104,23,106,21", "0,0,nan,1", "0,0,inf,1", "0,-91,1,1", "1,1,1,1"]
)  # fmt: skip
def test_a_box_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="bbox"):
        parse_bounds(text)


def test_a_box_of_the_world_asks_for_too_many_tiles():
    with pytest.raises(InputError, match="64,800 tiles"):
        tiles_of("hgt_1deg", Bounds(-180, -90, 180, 90))


def test_the_box_of_a_region_is_read_from_its_heights(tmp_path):
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": 10, "width": 20}
    place = {"crs": "EPSG:32648", "transform": from_origin(500_000, 2_400_000, 250, 250)}
    with rasterio.open(tmp_path / "elevation.tif", "w", **profile, **place) as out:
        out.write(np.zeros((10, 20), np.float32), 1)
    box = region_bounds(tmp_path)
    assert (round(box.west_deg, 2), round(box.north_deg, 2)) == (105.0, 21.7)
    with pytest.raises(InputError, match="bbox"):
        region_bounds(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "url", ["", "a.tif", "file:///etc/passwd", "ftp://x/a", "https://", "https://[::1", "https://x:port/a", "https://a b/"]
)  # fmt: skip
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(InputError, match="--url"):
        checked_url(url, "--url")


def test_messages_show_no_secret():
    text = shown(
        "https://ann:s3cret@x.org/a?token=s3cret&api_key=s3cret&X-Amz-Signature=s3cret&sig=s3cret&type=mcc"
    )
    assert "s3cret" not in text
    assert "ann" not in text
    assert text.endswith("type=mcc")
    with pytest.raises(InputError) as caught:
        checked_url("ftp://ann:s3cret@x.org/a", "--url")
    assert "s3cret" not in str(caught.value)


@given(st.text())
def test_any_text_can_be_shown_as_an_address(text):
    assert isinstance(shown(text), str)


@pytest.mark.parametrize(
    "name", ["", "..", ".hidden", "a%2fb", "a%00b", "con", "NUL.tif", "a b", "-x", "a" * 300, "a.", "ghé.tif", "a:b"]
)  # fmt: skip
def test_a_file_name_that_is_not_safe_everywhere_is_refused(name):
    source = find("worldpop-2020-1km")
    with pytest.raises(InputError, match="plain file name"):
        file_name(source, f"https://example.org/x/{name}")


def test_only_the_web_is_followed_and_never_out_of_https():
    assert next_hop("https://a.org/x", "/y") == "https://a.org/y"
    assert next_hop("http://a.org/x", "https://b.org/y") == "https://b.org/y"
    assert next_hop("https://a.org/x", "http://a.org/y") is None
    assert next_hop("https://a.org/x", "https://[::1") is None


def test_a_mirror_keeps_the_publishers_path():
    assert rebased("https://a.org/b/c.tif?x=1", "http://m/base") == "http://m/base/b/c.tif?x=1"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0" * 32 + "  a.pbf\n", "md5:" + "0" * 32),
        ("A" * 64 + " *a.pbf", "sha256:" + "a" * 64),
        ("0" * 40, "sha1:" + "0" * 40),
        ("1" * 32 + "  b.pbf\n" + "2" * 32 + "  ./x/a.pbf", "md5:" + "2" * 32),
        ("1" * 32 + "  b.pbf", ""),
        ("<html>404</html>", ""),
        ("", ""),
        ('{"files": [{"key": "a.pbf", "checksum": "md5:' + "3" * 32 + '"}]}', "md5:" + "3" * 32),
        ('{"files": [{"key": "b.pbf", "checksum": "md5:' + "3" * 32 + '"}]}', ""),
        ('{"files": [{"key": "a.pbf", "checksum": "md5:zz"}]}', ""),
        ('{"files": 7}', ""),
        ("[" * 5000, ""),
    ],
)
def test_the_publishers_checksum_is_read(text, found):
    assert parse_checksum(text, "a.pbf") == found


@given(st.text(max_size=200))
def test_any_text_is_a_checksum_or_none(text):
    found = parse_checksum(text, "a.pbf")
    assert found == "" or ":" in found
