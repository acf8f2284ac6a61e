import gzip
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import pytest
from awkward_server import Server, corrupt, cut, redirect, serving, stall, status

from phusong.cli import main
from phusong.data import Bounds, DataSource, NetworkError, fetch
from phusong.data.download import CACHE_ENV, default_cache
from phusong.data.transfer import TransferLimits
from phusong.errors import InputError

TIF = b"II*\x00" + bytes(range(256)) * 40
HIGHLANDS = Bounds(104.5, 21.5, 105.5, 22.5)


@pytest.fixture(scope="module")
def shared():
    with serving() as server:
        yield server


@pytest.fixture
def server(shared: Server):
    shared.files, shared.tags = {"/data/people.tif": TIF}, {}
    shared.script.clear()
    shared.asked.clear()
    return shared


@pytest.fixture
def limits():
    return TransferLimits(
        connect_s=2, read_s=0.3, attempts=3, sleep=lambda _: None, share=lambda: 1.0, spare_bytes=0
    )


def source(**keys) -> DataSource:
    plain = {
        "name": "people", "title": "People", "layer": "population", "importer": "worldpop", "area": "here",
        "as_of": "2025", "access": "download", "url": "https://example.org/data/people.tif", "format": "tif",
        "licence": "CC0", "attribution": "us", "page": "https://example.org/", "checked": "no",
    }  # fmt: skip
    return DataSource(**(plain | keys))


TILED = source(
    access="tiles", tiles="hgt_1deg", url="https://example.org/{band}/{tile}.tif", sea_has_no_tile=True
)


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def test_the_second_time_the_cache_answers(server, limits, tmp_path):
    first = fetch(source(), cache=tmp_path, base_url=server.base, limits=limits)
    again = fetch(source(), cache=tmp_path, base_url=server.base, limits=limits)
    assert first.files == again.files == (tmp_path / "people" / "people.tif",)
    assert first.files[0].read_bytes() == TIF
    assert first.sha256 == {"people.tif": sha256(TIF)}
    assert len(server.asked) == 1
    assert {p.name for p in (tmp_path / "people").iterdir()} == {"people.tif"}


def test_the_lock_remembers_what_came(server, limits, tmp_path):
    fetch(source(), cache=tmp_path / "c", lock=tmp_path / "data.lock", base_url=server.base, limits=limits)
    entry = json.loads((tmp_path / "data.lock").read_text())["files"]["people/people.tif"]
    assert entry == {"sha256": sha256(TIF), "bytes": len(TIF), "url": server.base + "/data/people.tif"}


def test_a_lock_that_cannot_be_written_is_named(server, limits, tmp_path):
    (tmp_path / "file").write_text("x")
    lock = tmp_path / "file" / "data.lock"
    with pytest.raises(InputError, match=r"data\.lock.*cannot be written"):
        fetch(source(), cache=tmp_path / "c", lock=lock, base_url=server.base, limits=limits)


def test_a_file_that_differs_from_the_first_time_is_refused_until_asked_for(server, limits, tmp_path):
    lock = tmp_path / "data.lock"
    fetch(source(), cache=tmp_path / "one", lock=lock, base_url=server.base, limits=limits)
    server.files["/data/people.tif"] = TIF + b"newer"
    with pytest.raises(InputError, match=f"no longer the file.*{sha256(TIF)}.*--refresh"):
        fetch(source(), cache=tmp_path / "two", lock=lock, base_url=server.base, limits=limits)
    assert list((tmp_path / "two" / "people").iterdir()) == []
    got = fetch(
        source(), cache=tmp_path / "two", lock=lock, base_url=server.base, limits=limits, refresh=True
    )
    assert got.changed == ("people.tif",)
    assert fetch(source(), cache=tmp_path / "two", lock=lock, offline=True).files == got.files


def test_a_file_damaged_in_the_cache_is_fetched_again(server, limits, tmp_path):
    (path,) = fetch(source(), cache=tmp_path, base_url=server.base, limits=limits).files
    path.write_bytes(TIF[:-1] + b"?")
    with pytest.raises(InputError, match="not as it was first fetched"):
        fetch(source(), cache=tmp_path, offline=True)
    fetch(source(), cache=tmp_path, base_url=server.base, limits=limits)
    assert path.read_bytes() == TIF


def test_a_failed_refresh_leaves_the_old_file(server, limits, tmp_path):
    (path,) = fetch(source(), cache=tmp_path, base_url=server.base, limits=limits).files
    server.script[:] = [cut(100)] + [status(500)] * 9
    with pytest.raises(NetworkError, match="100 bytes are kept"):
        fetch(source(), cache=tmp_path, base_url=server.base, limits=limits, refresh=True)
    assert path.read_bytes() == TIF
    assert fetch(source(), cache=tmp_path, offline=True).files == (path,)


def test_offline_takes_the_cache_or_says_what_is_missing(server, limits, tmp_path):
    with pytest.raises(InputError, match="without --offline"):
        fetch(source(), cache=tmp_path / "new", offline=True, base_url=server.base, limits=limits)
    assert server.asked == []
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_the_publishers_checksum_is_kept_to(server, limits, tmp_path, algorithm):
    right = {"md5": md5, "sha256": sha256}[algorithm](TIF)
    checked = source(checksum=f"{algorithm}:{right}")
    server.script[:] = [corrupt]
    fetch(checked, cache=tmp_path, base_url=server.base, limits=limits)
    assert len(server.asked) == 2
    wrong = source(checksum=f"{algorithm}:" + "0" * len(right))
    with pytest.raises(InputError, match="another checksum than the publisher states"):
        fetch(wrong, cache=tmp_path / "b", base_url=server.base, limits=limits)
    assert list((tmp_path / "b" / "people").iterdir()) == []


def test_a_checksum_beside_the_file_is_asked_for_each_time(server, limits, tmp_path):
    beside = source(checksum_url="https://example.org/data/people.tif.md5")
    server.files["/data/people.tif.md5"] = f"{md5(TIF)}  people.tif\n".encode()
    fetch(beside, cache=tmp_path, base_url=server.base, limits=limits)
    newer = TIF + b"newer"
    server.files |= {"/data/people.tif": newer, "/data/people.tif.md5": md5(newer).encode()}
    got = fetch(beside, cache=tmp_path, base_url=server.base, limits=limits, refresh=True)
    assert got.changed == ("people.tif",)


@pytest.mark.parametrize("text", [None, b"<html>sorry</html>", b"x" * 2_000_000])
def test_a_checksum_that_cannot_be_had_stops_the_fetch(server, limits, tmp_path, text):
    if text is not None:
        server.files["/data/people.tif.md5"] = text
    beside = source(checksum_url="https://example.org/data/people.tif.md5")
    with pytest.raises((InputError, NetworkError), match=r"checksum"):
        fetch(beside, cache=tmp_path, base_url=server.base, limits=limits)
    assert not (tmp_path / "people" / "people.tif").exists()


@pytest.mark.parametrize(
    ("kind", "body", "right"),
    [
        ("tif", b"<!DOCTYPE html><html>log in</html>", False),
        ("tif", b"  <html>", False),
        ("tif", b"MM\x00*rest", True),
        ("csv.gz", b'{"status":"error","message":"INVALID_DATA"}', False),
        ("csv.gz", gzip.compress(b"a,b", mtime=0), True),
        ("gpkg", b"SQLite format 3\x00rest", True),
        ("gpkg", b"PK\x03\x04", False),
        ("osm.pbf", b"\x00\x00\x00\x0d\x0a\x09OSMHeader\x18", True),
        ("osm.pbf", b"429 Too many requests", False),
        ("csv", b"a,b\n1,2\n", True),
        ("csv", b"<html>", False),
    ],
)
def test_a_page_instead_of_the_file_is_seen(server, limits, tmp_path, kind, body, right):
    server.files["/data/people.tif"] = body
    if right:
        assert fetch(source(format=kind), cache=tmp_path, base_url=server.base, limits=limits).files
    else:
        with pytest.raises(InputError, match=r"no .* file; open the address in a browser"):
            fetch(source(format=kind), cache=tmp_path, base_url=server.base, limits=limits)
        assert list((tmp_path / "people").iterdir()) == []


def test_a_zip_keeps_its_bytes(server, limits, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("../evil", "x")
    server.files["/data/people.zip"] = packed.getvalue()
    zipped = source(format="zip", url="https://example.org/data/people.zip")
    (path,) = fetch(zipped, cache=tmp_path, base_url=server.base, limits=limits).files
    assert path.read_bytes() == packed.getvalue()


def test_tiles_come_for_a_box_and_the_sea_has_none(server, limits, tmp_path):
    server.files |= {"/N21/N21E104.tif": TIF, "/N22/N22E105.tif": TIF + b"2"}
    got = fetch(TILED, bounds=HIGHLANDS, cache=tmp_path, base_url=server.base, limits=limits)
    assert [p.name for p in got.files] == ["N21E104.tif", "N22E105.tif"]
    assert got.absent == ("N21E105", "N22E104")
    only_sea = Bounds(110.2, 15.2, 110.8, 15.8)
    with pytest.raises(InputError, match="no tile in this box"):
        fetch(TILED, bounds=only_sea, cache=tmp_path, base_url=server.base, limits=limits)


def test_a_missing_tile_is_an_error_where_all_exist(server, limits, tmp_path):
    everywhere = TILED.model_copy(update={"sea_has_no_tile": False})
    with pytest.raises(InputError, match="404"):
        fetch(everywhere, bounds=HIGHLANDS, cache=tmp_path, base_url=server.base, limits=limits)


def test_tiles_need_a_box(tmp_path):
    with pytest.raises(InputError, match="--bbox"):
        fetch(TILED, cache=tmp_path)


def test_a_source_by_hand_says_where_to_go(tmp_path):
    with pytest.raises(InputError, match=r"by hand: see https://example.org/"):
        fetch(source(access="by hand"), cache=tmp_path)


def test_a_token_comes_from_the_environment_and_goes_nowhere_else(server, limits, tmp_path, monkeypatch):
    asks = source(
        url="https://example.org/get?token={token}&type=mcc", file="452.csv.gz",
        format="csv.gz", token_env="PHUSONG_X_TOKEN",  # noqa: S106 - the name of a variable
    )  # fmt: skip
    monkeypatch.delenv("PHUSONG_X_TOKEN", raising=False)
    with pytest.raises(InputError, match="PHUSONG_X_TOKEN"):
        fetch(asks, cache=tmp_path, base_url=server.base, limits=limits)
    monkeypatch.setenv("PHUSONG_X_TOKEN", "pk.s3cret")
    with pytest.raises(InputError) as caught:
        fetch(asks, cache=tmp_path, base_url=server.base, limits=limits)
    assert "s3cret" not in str(caught.value)
    server.files["/get?token=pk.s3cret&type=mcc"] = gzip.compress(b"radio,mcc\n")
    server.script[:] = [cut(3)]
    (path,) = fetch(asks, cache=tmp_path, base_url=server.base, limits=limits).files
    assert path.name == "452.csv.gz"
    assert all(b"s3cret" not in p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())


def test_a_failure_names_address_cause_and_remedy(server, limits, tmp_path):
    server.script[:] = [stall(50), status(500), status(500), status(500)]
    with pytest.raises(NetworkError) as caught:
        fetch(source(), cache=tmp_path, base_url=server.base, limits=limits)
    text = str(caught.value)
    assert f"{server.base}/data/people.tif" in text
    assert "500" in text
    assert "--base-url" in text
    assert "50 bytes are kept" in text
    fetch(source(), cache=tmp_path, base_url=server.base, limits=limits)
    assert server.asked[-1][1]["Range"] == "bytes=50-"


def test_another_address_may_be_given(server, limits, tmp_path):
    server.files["/mine.tif"] = TIF
    got = fetch(source(), cache=tmp_path, url=server.base + "/mine.tif", limits=limits)
    assert got.files[0].name == "mine.tif"
    with pytest.raises(InputError, match="--url"):
        fetch(source(), cache=tmp_path, url="/etc/passwd", limits=limits)


def test_a_circle_is_a_failure_in_words(server, limits, tmp_path):
    server.script[:] = [redirect("/data/people.tif")] * 9
    with pytest.raises(InputError, match="circle"):
        fetch(source(), cache=tmp_path, base_url=server.base, limits=limits)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 9, "files": {}}', '{"version": 1, "files": {"a": 1}}']
)
def test_a_broken_lock_is_named(tmp_path, text):
    (tmp_path / "phusong-data.lock").write_text(text)
    with pytest.raises(InputError, match=r"phusong-data\.lock"):
        fetch(source(), cache=tmp_path, offline=True)


def test_a_cache_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="--cache"):
        fetch(source(), cache=tmp_path / "file")


def test_the_environment_names_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv(CACHE_ENV, str(tmp_path))
    assert default_cache() == tmp_path
    monkeypatch.delenv(CACHE_ENV)
    assert default_cache().name == "phusong"


@pytest.fixture
def command(monkeypatch, capsys):
    """Run ``phusong data …`` here; exit code and both streams."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["phusong", "data", *words])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def test_the_command_prints_the_file_on_the_one_stream_and_the_licence_on_the_other(
    server, tmp_path, command
):
    server.files["/w.tif"] = TIF
    code, out, err = command(
        "fetch", "worldpop-2020-1km", "--url", server.base + "/w.tif", "--cache", str(tmp_path), "--quiet"
    )
    assert code == 0
    assert Path(out.strip()).read_bytes() == TIF
    assert "CC BY 4.0" in err
    assert "\x1b" not in err


@pytest.mark.parametrize("words", [(), ("--lang", "vi")], ids=["en", "vi"])
def test_a_network_that_is_down_is_no_fault_of_the_input(tmp_path, command, words):
    with serving() as gone:
        base = gone.base
    code, out, err = command(
        "fetch", "worldpop-2020-1km", "--base-url", base, "--cache", str(tmp_path), "--attempts", "1", *words
    )
    assert (code, out) == (1, "")
    said = " ".join(err.split())
    for part in (base, "could not be fetched", "(1 attempt)", "try again later, through another network"):
        assert part in said
    assert "input" not in said


def test_the_list_is_whole_as_json_and_short_by_layer(command):
    _, out, _ = command("list", "--json", "--layer", "elevation")
    names = [s["name"] for s in json.loads(out)["sources"]]
    assert names == ["copernicus-glo30", "srtm-skadi", "srtm-90m"]
    code, _, err = command("list", "--layer", "elevatoin")
    assert code == 2
    assert "did you mean elevation" in err


def test_everything_known_of_a_source_is_shown(command):
    _, out, _ = command("show", "gridfinder")
    assert "licence: CC BY 4.0" in out
    assert "address checked: stands in public programs of others" in out
