"""A watch survives kills, and what is twice, late, unknown, malformed or cut changes nothing and is told."""

import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_world import HOUR_MS, possible, world

from phusong.errors import InputError
from phusong.live.events import LineError, parse
from phusong.live.incremental import Live
from phusong.live.session import Session, example_events, journal_records
from phusong.live.state import to_tree
from phusong.live.tables import iso, kpi_table, write_tables
from phusong.live.timeline import Line, Waiting, batches, mark_of

STANDING = world(7, "mocn")
START_MS = 1_772_413_200_000  # 2026-03-02T01:00:00Z


def stream(seed: int, n: int = 10) -> list[bytes]:
    """Return lines of events that can follow one another, made on a region of their own."""
    rng, live, clock = np.random.default_rng(seed), Live(STANDING), START_MS
    ids = {"site": STANDING.network.site_ids, "line": STANDING.lines.ids, "link": STANDING.network.links.ids,
           "lock": STANDING.network.site_ids}  # fmt: skip
    out = []
    for k in range(n):
        clock += int(rng.integers(0, 3 * HOUR_MS))
        live.at(clock)
        options = possible(live)
        kind, subject = options[rng.integers(len(options))]
        getattr(live, kind)(subject)
        name = str(ids[kind.split("_", maxsplit=1)[0]][subject])
        out.append(json.dumps({"id": f"e{k}", "time": iso(clock), "kind": kind, "subject": name}).encode())
    money = {"id": "m", "time": iso(clock), "kind": "money_disbursed", "subject": "08",
             "payload": {"fund": "Quỹ", "amount_musd": 0.1}}  # fmt: skip
    return [*out, json.dumps(money).encode()]


def feed(session: Session, lines: list[bytes], start: int = 0) -> list[str]:
    out, said = [], b""
    for k, text in enumerate(lines, start=1):
        said += text + b"\n"
        if k > start:
            line = Line("events.jsonl", 1, k, len(said), mark_of(said, said, len(said)), text)
            out += [o.reason for o in session.take([line]) if not o.revised]
    return out


def read_all(session: Session, place: Path) -> list[object]:
    """Return what becomes of everything new there: reasons of lines, and what was told besides."""
    found: list[object] = []
    for batch in batches(str(place), session.files, follow=False):
        found += [batch] if not isinstance(batch, list) else [o.reason for o in session.take(batch)]
    session.sync()
    return found


def state(session: Session) -> str:
    now = session.register.live.now
    return json.dumps(to_tree(STANDING, session.register.happened)) + now.accepted.tobytes().hex()


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 1000), st.data())
def test_a_kill_anywhere_and_a_restart_give_the_same_state(tmp_path_factory, seed, data):
    lines = stream(seed)
    whole = Session(STANDING, tmp_path_factory.mktemp("whole"))
    assert set(feed(whole, lines)) == {""}
    folder = tmp_path_factory.mktemp("killed")
    first = Session(STANDING, folder)
    feed(first, lines[: data.draw(st.integers(0, len(lines)))])
    if data.draw(st.booleans()):
        first.snapshot()
    first.sync()
    # the kill leaves any number of bytes of what was written after the snapshot
    journal = folder / "journal.jsonl"
    kept = journal.read_bytes()
    snapshot = folder / "snapshot.json"
    least = json.loads(snapshot.read_bytes())["journal_bytes"] if snapshot.is_file() else 0
    journal.write_bytes(kept[: data.draw(st.integers(least, len(kept)))])
    again = Session(STANDING, folder)
    feed(again, lines, start=again.files.reads[1].number if again.files.reads else 0)
    assert state(again) == state(whole)
    assert kpi_table(again.register).equals(kpi_table(whole.register))
    assert again.rejected == 0


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
def test_twice_and_late_change_nothing(tmp_path_factory, seed, random):
    lines = stream(seed)
    plain = Session(STANDING, tmp_path_factory.mktemp("plain"))
    feed(plain, lines)
    mixed = []
    for k, line in enumerate(lines):
        mixed.append(line)
        if random.random() < 0.5:
            mixed.append(lines[random.randrange(k + 1)])
        if k and random.random() < 0.5:
            late = json.loads(lines[0]) | {"id": f"late{k}", "time": iso(START_MS - 25 * HOUR_MS)}
            mixed.append(json.dumps(late).encode())
    told = Session(STANDING, tmp_path_factory.mktemp("mixed"))
    reasons = feed(told, mixed)
    assert state(told) == state(plain)
    assert sum(bool(r) for r in reasons) == len(mixed) - len(lines) == told.rejected
    assert all("already" in r or "comes too late" in r for r in reasons if r)


OK = {"id": "a", "time": "2026-03-02T08:00:00+07:00", "kind": "site_down", "subject": "s01"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"id": "a", "time": "2026-', "is no JSON"),
        (b"[1]", "is no JSON object"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[" * 5000, "is no JSON"),
        (b'{"id": "a", "id": "b"}', "says id twice"),
        (b'{"id": NaN}', "no JSON number"),
        (b"x" * 70_000, "is longer than"),
        ({**OK, "kind": "site_dwn"}, "did you mean site_down"),
        ({**OK, "time": "2026-03-02T08:00:00"}, "has no zone"),
        ({**OK, "time": "1826-03-02T08:00:00Z"}, "between 2000 and 2100"),
        ({**OK, "subjct": "s"}, "is no field of an event"),
        ({**OK, "version": 2}, "schema version 2"),
        ({**OK, "subject": ""}, "subject must name"),
        ({**OK, "payload": {"x": 1}}, "x"),
        ({**OK, "kind": "money_disbursed", "payload": {"fund": "f", "amount_musd": -1}}, "greater than 0"),
        ({k: v for k, v in OK.items() if k != "id"}, "id is missing"),
    ],
)  # fmt: skip
def test_a_malformed_line_says_what_was_expected(line, words):
    text = line if isinstance(line, bytes) else json.dumps(line).encode()
    with pytest.raises(LineError, match=words):
        parse(text)


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(line):
    with suppress(LineError):
        parse(line)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"subject": "s0l"}, "is no site_id of the region"),
        ({"kind": "line_up", "subject": "p0"}, "is up already"),
        ({"kind": "link_down", "subject": "l9999"}, "is no link_id"),
        ({"kind": "money_disbursed", "subject": "99", "payload": {"fund": "f", "amount_musd": 1}}, "no commune_code"),
        ({"kind": "site_up"}, "is up already|not commissioned"),
    ],
)  # fmt: skip
def test_an_event_that_cannot_be_so_is_refused_and_kept(tmp_path, change, words):
    session = Session(STANDING, tmp_path)
    before = state(session)
    (reason,) = feed(session, [json.dumps(OK | change).encode()])
    import re

    assert re.search(words, reason)
    assert state(session) == before
    session.sync()
    (kept,) = (tmp_path / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(kept)["line"] == 1
    assert json.loads(json.loads(kept)["text"])["id"] == "a"


def test_a_growing_file_waits_for_the_rest_of_its_line(tmp_path):
    lines = stream(1, 3)
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines[0] + b"\n" + lines[1][:20])
    session = Session(STANDING, tmp_path / "state")
    taken, waiting = read_all(session, file)
    assert taken == ""
    assert isinstance(waiting, Waiting)
    assert "cut in mid-line" in str(waiting)
    assert "row 2" in str(waiting)
    file.write_bytes(lines[0] + b"\n" + lines[1] + b"\n" + lines[2])
    assert read_all(session, file) == ["", ""]
    assert read_all(session, file) == []


def test_a_folder_is_read_and_drafts_are_left(tmp_path):
    lines = stream(2, 4)
    place = tmp_path / "inbox"
    place.mkdir()
    (place / "b.jsonl").write_bytes(b"\n".join(lines[2:]))
    (place / "a.jsonl").write_bytes(b"\n".join(lines[:2]) + b"\n")
    (place / ".c.jsonl").write_bytes(b"half")
    (place / "d.jsonl.part").write_bytes(b"half")
    session = Session(STANDING, tmp_path / "state")
    assert read_all(session, place) == [""] * 5
    (place / "e.jsonl").write_bytes(b'{"id": "cut", "ti')
    (cut,) = read_all(session, place)
    assert isinstance(cut, Waiting)


def test_a_damaged_journal_is_named_and_not_replayed(tmp_path):
    session = Session(STANDING, tmp_path)
    feed(session, stream(3, 4))
    session.sync()
    path = tmp_path / "journal.jsonl"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="checksum does not fit"):
        journal_records(path)


def test_state_of_another_region_is_refused(tmp_path):
    Session(STANDING, tmp_path).close()
    with pytest.raises(InputError, match="another region or scenario"):
        Session(world(8, "mocn"), tmp_path)
    (tmp_path / "snapshot.json").unlink()
    with pytest.raises(InputError, match="another region or scenario"):
        Session(world(8, "mocn"), tmp_path)


def test_the_example_is_accepted_but_for_its_mistake(tmp_path):
    session = Session(STANDING, tmp_path)
    reasons = feed(session, [line.encode() for line in example_events(STANDING)])
    assert [bool(r) for r in reasons] == [False] * (len(reasons) - 1) + [True]


def test_tables_are_whole_and_their_provinces_add_up(tmp_path):
    session = Session(STANDING, tmp_path / "state", {"00000": 0.5})
    feed(session, stream(4))
    table = write_tables(session.register, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["communes.csv", "kpis.csv", "kpis.json", "state"]
    by = table[table["kpi"] == "villages_no_signal"].groupby("level")["actual"].sum()
    assert by["region"] == by["province"] == by["commune"]
    paid = table[(table["kpi"] == "money_disbursed") & (table["level"] == "region")]["actual"].item()
    assert paid == pytest.approx(0.1)
    assert json.loads((tmp_path / "kpis.json").read_text(encoding="utf-8"))["clock"]


def test_what_no_event_told_of_grows_stale(tmp_path):
    session = Session(STANDING, tmp_path)
    clocks = [
        {"id": f"c{k}", "time": iso(START_MS + k * 400 * 24 * HOUR_MS), "kind": "clock"} for k in (0, 1)
    ]
    feed(session, [json.dumps(c).encode() for c in clocks])
    assert kpi_table(session.register)["freshness"].str.startswith("stale: ").all()
    ages = kpi_table(session.register)["age_days"].unique()
    assert all(a == b for a, b in pairwise(ages))
    assert Path(tmp_path / "rejected.jsonl").read_bytes() == b""


def test_a_site_reported_up_after_its_battery_ran_down_unseen_is_believed(tmp_path):
    feeding = next(
        k for k in range(STANDING.lines.ids.size)
        if STANDING.lines.closed[k] and STANDING.sites_of_node.of(int(STANDING.lines.b[k])).size
    )  # fmt: skip
    site = int(STANDING.sites_of_node.of(int(STANDING.lines.b[feeding]))[0])
    told = [
        ("line_down", str(STANDING.lines.ids[feeding]), 0),
        ("site_up", str(STANDING.network.site_ids[site]), 300 * HOUR_MS),
    ]
    lines = [
        json.dumps({"id": f"b{k}", "time": iso(START_MS + after), "kind": kind, "subject": name}).encode()
        for k, (kind, name, after) in enumerate(told)
    ]
    session = Session(STANDING, tmp_path)
    expected = "not commissioned" if STANDING.planned[site] else ""
    reasons = feed(session, lines)
    assert reasons[0] == ""
    assert expected in reasons[1]
    assert bool(reasons[1]) == bool(expected)
