import gzip
import os
import threading
from pathlib import Path

import pytest
from awkward_server import (
    Server,
    claims,
    corrupt,
    cut,
    encoded,
    redirect,
    right,
    serving,
    stall,
    status,
    without_range,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phusong.data.transfer import TransferError, TransferLimits, transfer

BODY = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def shared():
    with serving() as server:
        yield server


@pytest.fixture
def server(shared: Server):
    shared.files, shared.tags = {"/a.bin": BODY}, {}
    shared.script.clear()
    shared.asked.clear()
    return shared


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def limits(pauses):
    return TransferLimits(
        connect_s=2, read_s=0.3, attempts=4, sleep=pauses.append, share=lambda: 1.0, spare_bytes=0
    )


def left(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_a_file_comes_whole_and_leaves_nothing_beside_it(server, limits, tmp_path):
    seen = []
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits, progress=lambda *x: seen.append(x))
    assert (tmp_path / "a").read_bytes() == BODY
    assert left(tmp_path) == {"a"}
    assert seen[-1] == (len(BODY), len(BODY))


def test_a_cut_connection_is_resumed_where_it_stopped(server, limits, tmp_path):
    server.script[:] = [cut(1000), cut(50_000)]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY
    asked = [headers.get("Range") for _, headers in server.asked]
    assert asked == [None, "bytes=1000-", "bytes=51000-"]
    assert all(headers["If-Range"] == '"v1"' for _, headers in server.asked[1:])


def test_a_stalled_server_is_left_and_the_rest_fetched(server, limits, tmp_path):
    server.script[:] = [stall(2000)]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY
    assert server.asked[1][1]["Range"] == "bytes=2000-"


def test_what_came_stays_for_the_next_run(server, limits, tmp_path):
    server.script[:] = [cut(3000)] + [status(503)] * 9
    with pytest.raises(TransferError, match="503"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a.part").stat().st_size == 3000
    assert not (tmp_path / "a").exists()
    server.script.clear()
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert server.asked[-1][1]["Range"] == "bytes=3000-"
    assert (tmp_path / "a").read_bytes() == BODY


def test_pauses_double_up_to_the_longest_and_heed_the_server(server, tmp_path):
    waits = []
    limits = TransferLimits(
        attempts=6, pause_s=1, longest_pause_s=6, sleep=waits.append, share=lambda: 1.0, spare_bytes=0
    )
    server.script[:] = [status(500), status(502), status(500), status(429, Retry_After="5"), status(500)]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert waits == [2, 4, 6, 6, 6]
    half = []
    server.script[:] = [status(500)]
    calm = TransferLimits(sleep=half.append, share=lambda: 0.0, spare_bytes=0)
    transfer(server.base + "/a.bin", tmp_path / "b", limits=calm)
    assert half == [1.0]


@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 2),
        ("Fri, 31 Dec 99999999 23:59:59 GMT", 2),
        ("9" * 5000, 2),
        ("soon", 2),
    ],
    ids=["a date", "a date gone by", "no year", "no number", "a word"],
)
def test_a_pause_asked_for_as_a_date_is_heeded_and_nonsense_is_not(
    server, limits, pauses, tmp_path, asked, pause
):
    server.script[:] = [status(503, Retry_After=asked)]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert pauses == [pause]


def test_bytes_that_came_make_the_pauses_short_again(server, limits, pauses, tmp_path):
    server.script[:] = [status(500), status(500), cut(5000), status(500), status(500), status(500)]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert pauses == [2, 4, 1, 2, 4, 8]


def test_attempts_that_bring_nothing_are_bounded(server, limits, pauses, tmp_path):
    server.script[:] = [status(500)] * 40
    with pytest.raises(TransferError, match=r"500.*4 attempts"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert len(server.asked) == 4
    assert len(pauses) == 3


def test_attempts_that_bring_little_are_bounded_too(server, limits, tmp_path):
    server.script[:] = [cut(10)] * 200
    with pytest.raises(TransferError, match="40 attempts"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)


def test_a_server_that_ignores_ranges_sends_the_whole_file_anew(server, limits, tmp_path):
    server.script[:] = [cut(5000), without_range]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY


def test_another_version_is_never_glued_to_the_first(server, limits, tmp_path):
    server.script[:] = [cut(5000)]
    newer = BODY[::-1]

    def exchanged(handler):
        handler.server.files["/a.bin"], handler.server.tags["/a.bin"] = newer, '"v2"'
        right(handler)

    server.script.append(exchanged)
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == newer


def test_a_part_of_another_version_is_refused_even_where_the_server_gives_it(server, limits, tmp_path):
    newer = BODY[::-1]

    def glues(handler):
        handler.server.files["/a.bin"], handler.server.tags["/a.bin"] = newer, '"v2"'
        first = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
        handler.begin(
            206,
            {
                "Content-Length": str(len(newer) - first),
                "Content-Range": f"bytes {first}-{len(newer) - 1}/{len(newer)}",
            },
        )
        handler.wfile.write(newer[first:])

    server.script[:] = [cut(5000), glues]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == newer


def test_a_part_without_a_tag_is_fetched_anew(server, limits, tmp_path):
    server.tags["/a.bin"] = 'W/"weak"'
    server.script[:] = [cut(5000)]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert "Range" not in server.asked[1][1]
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_part_of_another_address_is_not_used(server, limits, tmp_path):
    server.script[:] = [cut(5000)] + [status(500)] * 4
    with pytest.raises(TransferError):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    server.files["/b.bin"] = b"other"
    server.script.clear()
    transfer(server.base + "/b.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == b"other"


def test_a_whole_part_needs_nothing_more(server, limits, tmp_path):
    (tmp_path / "a.part").write_bytes(BODY)
    (tmp_path / "a.part.json").write_text(f'{{"url": "{server.base}/a.bin", "validator": "\\"v1\\""}}')
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_part_longer_than_the_file_is_fetched_anew(server, limits, tmp_path):
    (tmp_path / "a.part").write_bytes(BODY + b"more")
    (tmp_path / "a.part.json").write_text(f'{{"url": "{server.base}/a.bin", "validator": "\\"v1\\""}}')
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize(
    ("code", "words"), [(404, "has moved"), (403, "refuses"), (401, "token"), (410, "gone"), (418, "418")]
)
def test_a_final_refusal_is_not_asked_again(server, limits, tmp_path, code, words):
    server.script[:] = [status(code)] * 5
    with pytest.raises(TransferError, match=words) as caught:
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert caught.value.status == code
    assert len(server.asked) == 1
    assert left(tmp_path) == set()


def test_redirections_are_followed(server, limits, tmp_path):
    server.script[:] = [redirect("/b", 301), redirect(server.base + "/a.bin", 307)]
    transfer(server.base + "/old", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_circle_of_redirections_is_left(server, limits, tmp_path):
    server.script[:] = [redirect("/a.bin")] * 50
    with pytest.raises(TransferError, match="circle"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert len(server.asked) == limits.redirects + 1


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://x"])
def test_redirections_to_other_things_than_web_pages_are_refused(server, limits, tmp_path, place):
    server.script[:] = [redirect(place)]
    with pytest.raises(TransferError, match="not followed"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)


def test_too_large_a_file_is_refused_before_and_while_it_comes(server, tmp_path):
    tight = TransferLimits(most_bytes=1000, spare_bytes=0)
    with pytest.raises(TransferError, match="above the limit"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=tight)

    def endless(handler):
        handler.begin(200, {})
        while True:
            handler.wfile.write(BODY)

    server.script[:] = [endless]
    with pytest.raises(TransferError, match="above the limit"):
        transfer(server.base + "/a.bin", tmp_path / "b", limits=tight)


def test_a_full_disk_is_seen_before_the_first_byte(server, tmp_path):
    with pytest.raises(TransferError, match="are free"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=TransferLimits(spare_bytes=1 << 62))


def test_gzip_transfer_encoding_is_unpacked(server, limits, tmp_path):
    server.script[:] = [encoded(gzip.compress(BODY))]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY


def test_gzip_transfer_encoding_of_a_gzip_file_is_the_file(server, limits, tmp_path):
    packed = gzip.compress(BODY)
    server.script[:] = [encoded(packed)]
    transfer(server.base + "/a.bin", tmp_path / "a.gz", limits=limits, raw_gzip=True)
    assert (tmp_path / "a.gz").read_bytes() == packed


def test_an_unpacked_file_is_never_resumed(server, limits, tmp_path):
    packed = gzip.compress(os.urandom(50_000))

    def cut_packed(handler):
        handler.begin(200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
        handler.wfile.write(packed[:20_000])

    server.script[:] = [cut_packed, encoded(packed)]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == gzip.decompress(packed)
    assert "Range" not in server.asked[1][1]


def test_a_broken_gzip_body_is_no_file(server, limits, tmp_path):
    server.script[:] = [encoded(b"not gzip at all")] * 9
    with pytest.raises(TransferError):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert not (tmp_path / "a").exists()


def test_fewer_bytes_than_promised_are_no_file(server, limits, tmp_path):
    server.script[:] = [claims(len(BODY) + 7)] * 9
    with pytest.raises(TransferError, match=r"ended after 102,400 of 102,407"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert not (tmp_path / "a").exists()


def test_an_empty_file_is_no_file(server, limits, tmp_path):
    server.files["/a.bin"] = b""
    with pytest.raises(TransferError, match="empty"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)


def test_a_length_that_is_no_number_is_as_none(server, limits, tmp_path):
    def odd(handler):
        handler.begin(200, {"Content-Length": "many"})
        handler.wfile.write(BODY)

    server.script[:] = [odd]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY


def chunked(*pieces: bytes, ended: bool):
    def behave(handler):
        handler.begin(200, {"Transfer-Encoding": "chunked"})
        for piece in pieces:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        if ended:
            handler.wfile.write(b"0\r\n\r\n")

    return behave


def test_a_body_in_chunks_is_whole_only_with_its_end(server, limits, tmp_path):
    server.script[:] = [
        chunked(BODY[:900], BODY[900:2000], ended=False),
        chunked(BODY[:7], BODY[7:], ended=True),
    ]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() == BODY
    assert server.asked[1][1]["Range"] == "bytes=2000-"


def test_an_answer_that_is_no_http_is_a_failure_in_words(server, limits, tmp_path):
    server.script[:] = [lambda h: h.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")] * 9
    with pytest.raises(TransferError, match="connection failed"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)


def test_nobody_listening_is_a_failure_in_words(limits, tmp_path):
    with serving() as gone:
        url = gone.base + "/a.bin"
    with pytest.raises(TransferError, match="refused"):
        transfer(url, tmp_path / "a", limits=limits)


def test_the_proxy_of_the_environment_is_asked(server, limits, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", server.base)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.files["http://data.example/a.bin"] = BODY
    transfer("http://data.example/a.bin", tmp_path / "a", limits=limits)
    assert server.asked[0][0] == "http://data.example/a.bin"
    assert (tmp_path / "a").read_bytes() == BODY


def test_two_at_once_do_not_mix(server, limits, tmp_path):
    begun, may_end = threading.Event(), threading.Event()

    def slow(handler):
        handler.begin(200, {"Content-Length": str(len(BODY))})
        begun.set()
        may_end.wait(5)
        handler.wfile.write(BODY)

    server.script[:] = [slow]
    patient = TransferLimits(read_s=5, spare_bytes=0)
    first = threading.Thread(
        target=transfer, args=(server.base + "/a.bin", tmp_path / "a"), kwargs={"limits": patient}
    )
    first.start()
    assert begun.wait(5)
    with pytest.raises(TransferError, match="another phusong"):
        transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    may_end.set()
    first.join()
    assert (tmp_path / "a").read_bytes() == BODY
    assert left(tmp_path) == {"a"}


_MISHAPS = st.sampled_from([
    cut(0), cut(1), cut(7000), status(500), status(503, Retry_After="1"), without_range, right,
    redirect("/a.bin"), encoded(gzip.compress(BODY)),
])  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(_MISHAPS, max_size=6))
def test_whatever_the_server_does_the_file_is_whole_or_not_there(server, limits, tmp_path_factory, script):
    folder = tmp_path_factory.mktemp("any")
    server.script[:] = list(script)
    try:
        transfer(server.base + "/a.bin", folder / "a", limits=limits)
    except TransferError:
        assert not (folder / "a").exists()
    else:
        assert (folder / "a").read_bytes() == BODY
    server.script.clear()


def test_wrong_bytes_of_the_right_number_are_for_the_checksum_to_find(server, limits, tmp_path):
    server.script[:] = [corrupt]
    transfer(server.base + "/a.bin", tmp_path / "a", limits=limits)
    assert (tmp_path / "a").read_bytes() != BODY
