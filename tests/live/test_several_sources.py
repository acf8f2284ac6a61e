"""Events of several sources: merged by time within the window, files known by content, no line lost without a word."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from live_world import HOUR_MS, differences, possible, world

from phusong.errors import InputError
from phusong.live.events import LineError, parse
from phusong.live.incremental import Live
from phusong.live.resolver import Register
from phusong.live.session import Fate, Journal, Session
from phusong.live.state import to_tree
from phusong.live.tables import iso, kpi_table
from phusong.live.timeline import Renewed, batches
from reference_cases import REFERENCE, needs_reference

STANDING = world(7, "mocn")
START_MS = 1_772_413_200_000
MINUTE_MS = 60_000
QUICKLY = (Phase.explicit, Phase.generate)  # a smaller seed explains nothing
ACTIVE = [str(STANDING.network.site_ids[k]) for k in np.flatnonzero(~STANDING.planned)]


def event(name: str, after_ms: int, kind: str = "site_down", subject: str = ACTIVE[0], **more) -> bytes:
    tree = {"id": name, "time": iso(START_MS + after_ms), "kind": kind, "subject": subject} | more
    return json.dumps({k: v for k, v in tree.items() if v != ""}).encode()


def states(name: str, after_ms: int, **payload) -> bytes:
    return event(name, after_ms, "state_as_of", "", payload=payload)


def stream(seed: int, n: int, most_ms: int) -> list[bytes]:
    """Return events of random kinds that follow one another; some contradict what came before."""
    rng, live, clock = np.random.default_rng(seed), Live(STANDING), START_MS
    ids = {"site": STANDING.network.site_ids, "line": STANDING.lines.ids, "link": STANDING.network.links.ids,
           "lock": STANDING.network.site_ids}  # fmt: skip
    out = []
    for k in range(n):
        clock += int(rng.integers(0, most_ms))
        live.at(clock)
        if k % 4 == 3:
            out.append(
                states(f"e{k}", clock - START_MS, sites={rng.choice(ACTIVE): str(rng.choice(["up", "down"]))})
            )
            continue
        options = possible(live)
        kind, subject = options[rng.integers(len(options))]
        if rng.random() < 0.8:
            getattr(live, kind)(subject)
        out.append(event(f"e{k}", clock - START_MS, kind, str(ids[kind.split("_", maxsplit=1)[0]][subject])))
    return out


def read_all(session: Session, place: Path, *, most: int = 10**9) -> list[object]:
    found: list[object] = []
    for batch in batches(str(place), session.files, follow=False):
        found += [batch] if not isinstance(batch, list) else session.take(batch[:most])
        if isinstance(batch, list) and len(batch) > most:
            break
    session.sync()
    return found


def lines_in(place: Path) -> int:
    return sum(len(p.read_bytes().splitlines()) for p in place.glob("*.jsonl"))


def present(register: Register) -> str:
    now = register.live.now
    tree = to_tree(STANDING, register.happened)
    return json.dumps(tree, sort_keys=True) + now.accepted.tobytes().hex() + now.rate_hours.tobytes().hex()


def by_time(lines: list[bytes]) -> tuple[Register, list[str]]:
    """Return the register after the events of lines, applied by time from nothing; and the ids that could not be so."""
    register, refused = Register(STANDING), []
    events = {e.id: e for e in map(parse, lines)}
    for e in sorted(events.values(), key=lambda e: (e.time_ms, e.id)):
        if register.refusal(e):
            refused.append(e.id)
        else:
            register.apply(e)
    return register, refused


def deliveries(lines: list[bytes], rng: np.random.Generator, window_ms: int) -> list[tuple[str, bytes]]:
    """Return lines in an order in which each comes before the newest is a window ahead; some twice; by source."""
    when = [parse(line).time_ms + int(rng.integers(0, window_ms)) for line in lines]
    order = np.argsort(when, kind="stable").tolist()
    order += rng.choice(order, len(order) // 3).tolist()  # told again by somebody, at any later time
    return [(str(rng.choice(["viettel", "vnpt", "mobifone"])), lines[k]) for k in order]


@settings(deadline=None, max_examples=5, phases=QUICKLY)
@given(st.integers(0, 10_000))
def test_any_order_within_the_window_rotations_and_kills_give_the_same_bytes(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    lines = stream(seed % 7, 14, 40 * MINUTE_MS)
    expected, refused = by_time(lines)
    inbox, folder = tmp_path_factory.mktemp("inbox"), tmp_path_factory.mktemp("state")
    session = Session(STANDING, folder, window_ms=HOUR_MS)
    read = 0
    steps = deliveries(lines, rng, HOUR_MS)
    for number, (source, line) in enumerate(steps):
        file = inbox / f"{source}.jsonl"
        change = str(rng.choice(["grow", "grow", "rotate", "rename", "kill", "half"]))
        if change == "rotate" and file.exists():
            file.unlink()
        elif change == "rename" and file.exists():
            file.rename(inbox / f"{source}-{number}.jsonl")
        with file.open("ab") as out:
            # no two deliveries are the same bytes: such a file would be the one read before
            out.write(line + b" " * number + b"\n")
        read += 1
        if change == "half":
            with file.open("ab") as out:  # a line that is being written while we read
                out.write(b'{"id": "')
            assert all(
                not getattr(found, "reason", "").startswith("is no JSON")
                for found in read_all(session, inbox)
            )
            file.write_bytes(file.read_bytes().removesuffix(b'{"id": "'))
        else:
            read_all(session, inbox)
        if change == "kill":
            if rng.random() < 0.5:
                session.snapshot()
            session = Session(STANDING, folder, window_ms=HOUR_MS)
    counts = session.counts
    assert sum(counts.values()) == read
    assert counts[Fate.late] == 0
    assert counts[Fate.repeated] == read - len(lines)
    assert counts[Fate.rejected] == len(refused)
    assert present(session.register) == present(expected)
    assert differences(session.register.live) == []
    assert kpi_table(session.register).equals(kpi_table(expected))
    session.close()
    again = Session(STANDING, folder, window_ms=HOUR_MS)
    assert present(again.register) == present(expected)
    assert again.counts == counts


@settings(deadline=None, max_examples=5, phases=QUICKLY)
@given(st.integers(0, 10_000), st.integers(0, 12))
def test_a_journal_cut_anywhere_is_read_on_from_its_files(tmp_path_factory, seed, most):
    rng = np.random.default_rng(seed)
    lines = stream(seed % 7, 12, 90 * MINUTE_MS)
    inbox = tmp_path_factory.mktemp("inbox")
    for source, line in deliveries(lines, rng, 30 * MINUTE_MS):
        with (inbox / f"{source}.jsonl").open("ab") as out:
            out.write(line + b"\n")
    whole = Session(STANDING, tmp_path_factory.mktemp("whole"))
    read_all(whole, inbox)
    folder = tmp_path_factory.mktemp("killed")
    first = Session(STANDING, folder)
    read_all(first, inbox, most=most)
    if rng.random() < 0.5:
        first.snapshot()
    snapshot, journal = folder / "snapshot.json", folder / "journal.jsonl"
    least = json.loads(snapshot.read_bytes())["journal_bytes"] if snapshot.is_file() else 0
    kept = journal.read_bytes()
    journal.write_bytes(kept[: int(rng.integers(least, len(kept) + 1))])
    again = Session(STANDING, folder)
    read_all(again, inbox)
    assert present(again.register) == present(whole.register)
    assert again.counts == whole.counts
    assert sum(again.counts.values()) == lines_in(inbox)
    assert (folder / "rejected.jsonl").read_bytes().count(b"\n") == again.rejected


def test_two_logs_whose_clocks_interleave_are_both_applied(tmp_path):
    a, b, c, d = ACTIVE[:4]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "viettel.jsonl").write_bytes(
        event("v1", 0, subject=a) + b"\n" + event("v2", 2400_000, subject=b) + b"\n"
    )
    (tmp_path / "in" / "vnpt.jsonl").write_bytes(
        event("n1", 600_000, subject=c) + b"\n" + event("n2", 2399_000, subject=d) + b"\n"
    )
    session = Session(STANDING, tmp_path / "state", window_ms=0)
    found = read_all(session, tmp_path / "in")
    assert [o.event_id for o in found] == ["v1", "n1", "n2", "v2"]
    assert session.counts[Fate.applied] == 4


def test_a_source_is_late_by_its_own_clock_not_by_anothers(tmp_path):
    session = Session(STANDING, tmp_path / "state", window_ms=10 * MINUTE_MS)
    place = tmp_path / "in"
    place.mkdir()
    slow, quick = place / "slow.jsonl", place / "quick.jsonl"
    slow.write_bytes(event("s0", 0, subject=ACTIVE[1]) + b"\n")
    quick.write_bytes(event("q0", 5 * HOUR_MS, subject=ACTIVE[2]) + b"\n")
    read_all(session, place)
    # hours behind the other, minutes behind itself
    slow.write_bytes(slow.read_bytes() + event("s1", HOUR_MS, subject=ACTIVE[3]) + b"\n")
    (found,) = read_all(session, place)
    assert found.fate is Fate.applied
    slow.write_bytes(slow.read_bytes() + event("s2", 49 * MINUTE_MS, subject=ACTIVE[4]) + b"\n")
    (found,) = read_all(session, place)
    assert found.fate is Fate.late
    assert "too late by 60.000 s" in found.reason
    assert "10 minutes" in found.reason


def test_a_source_that_has_fallen_silent_holds_back_nobody(tmp_path):
    session = Session(STANDING, tmp_path / "state", window_ms=MINUTE_MS)
    place = tmp_path / "in"
    place.mkdir()
    for k in range(4):  # a file a day, as some systems deliver
        (place / f"day{k}.jsonl").write_bytes(event(f"d{k}", k * 25 * HOUR_MS, "clock", "") + b"\n")
        read_all(session, place)
    assert session.unsettled == 1


def test_several_sources_in_one_file_are_told_apart_by_what_they_say(tmp_path):
    session = Session(STANDING, tmp_path / "state", window_ms=0)
    file = tmp_path / "all.jsonl"
    lines = [event("a0", 0, "clock", "", source="a"), event("b0", HOUR_MS, "clock", "", source="b"), event("a1", 1000, "clock", "", source="a")]  # fmt: skip
    file.write_bytes(b"\n".join(lines) + b"\n")
    assert {o.fate for o in read_all(session, file)} == {Fate.applied}


def test_an_earlier_event_changes_what_was_decided_on_a_later_one_and_that_is_told(tmp_path):
    session = Session(STANDING, tmp_path / "state")
    file = tmp_path / "log.jsonl"
    file.write_bytes(event("up", 60_000, "site_up") + b"\n")
    (found,) = read_all(session, file)
    assert (found.fate, found.revised) == (Fate.rejected, False)
    file.write_bytes(file.read_bytes() + event("down", 0) + b"\n")
    down, up = read_all(session, file)
    assert (down.event_id, down.fate) == ("down", Fate.applied)
    assert (up.event_id, up.fate, up.revised, up.number) == ("up", Fate.applied, True, 1)
    assert (tmp_path / "state" / "rejected.jsonl").read_bytes() == b""


def test_an_id_that_says_something_else_the_second_time_is_no_repetition(tmp_path):
    session = Session(STANDING, tmp_path / "state")
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"\n".join([event("a", 0), event("a", 0), event("a", 0, subject=ACTIVE[1])]) + b"\n")
    assert [o.fate for o in read_all(session, file)] == [Fate.applied, Fate.repeated, Fate.rejected]


FIRST, SECOND = event("a1", 0) + b"\n", event("b1", HOUR_MS, subject=ACTIVE[1]) + b"\n" + event("b2", HOUR_MS, subject=ACTIVE[2]) + b"\n"  # fmt: skip


@pytest.mark.parametrize(
    ("then", "new", "renewed"),
    [
        (SECOND, 2, True),  # rotated: another content, longer
        (event("c", 0, subject=ACTIVE[3]) + b"\n", 1, True),  # replaced by one of the same length
        (FIRST + SECOND, 2, False),  # grown
        (FIRST, 0, False),
        (b"", 0, False),  # emptied, to be written anew
        (FIRST[:-1], 1, True),  # cut off: read again, and found to say what was said before
    ],
    ids=["rotated", "same length", "grown", "untouched", "emptied", "cut off"],
)
def test_a_file_is_known_by_what_it_says(tmp_path, then, new, renewed):
    file = tmp_path / "log.jsonl"
    file.write_bytes(FIRST)
    read_all(Session(STANDING, tmp_path / "state"), file)
    other = tmp_path / "other"
    other.write_bytes(then)
    other.replace(file)
    found = read_all(Session(STANDING, tmp_path / "state"), file)
    assert [isinstance(f, Renewed) for f in found] == [True] * renewed + [False] * new
    assert all(f.fate in {Fate.applied, Fate.repeated} for f in found[renewed:])


def test_a_rotated_log_under_its_new_name_is_not_read_again_and_the_new_one_is(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    (place / "log.jsonl").write_bytes(FIRST)
    session = Session(STANDING, tmp_path / "state")
    read_all(session, place)
    (place / "log.jsonl").rename(place / "log-1.jsonl")
    (place / "log.jsonl").write_bytes(SECOND)
    (place / "log-1.jsonl").write_bytes(FIRST + event("a2", 1000, subject=ACTIVE[3]) + b"\n")
    found = [f for f in read_all(session, place) if not isinstance(f, Renewed)]
    assert [o.event_id for o in found] == ["a2", "b1", "b2"]
    assert {o.fate for o in found} == {Fate.applied}


def test_a_copy_of_a_log_is_read_and_told_to_repeat_it(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    for name in ("log.jsonl", "copy.jsonl"):
        (place / name).write_bytes(FIRST + SECOND)
    session = Session(STANDING, tmp_path / "state")
    read_all(session, place)
    assert session.counts == {Fate.applied: 3, Fate.repeated: 3, Fate.late: 0, Fate.rejected: 0}


def test_a_longer_window_later_takes_nothing_back(tmp_path):
    file = tmp_path / "log.jsonl"
    file.write_bytes(event("a", 2 * HOUR_MS, "clock", "") + b"\n" + event("b", 0, "clock", "") + b"\n")
    narrow = Session(STANDING, tmp_path / "state", window_ms=0)
    assert [o.fate for o in read_all(narrow, file)] == [Fate.applied, Fate.late]
    wide = Session(STANDING, tmp_path / "state", window_ms=5 * HOUR_MS)
    assert wide.counts == narrow.counts
    file.write_bytes(file.read_bytes() + event("c", 3 * HOUR_MS, "clock", "") + b"\n")
    read_all(wide, file)
    again = Session(STANDING, tmp_path / "state", window_ms=0)
    assert present(again.register) == present(wide.register)


def test_the_state_of_an_earlier_phusong_is_refused_by_name(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl", 0)
    journal.append({"standing": "x"})
    journal.close()
    with pytest.raises(
        InputError, match=r"journal\.jsonl: is of format 1; this phusong reads 2: name another --out"
    ):
        Session(STANDING, tmp_path)


def test_a_record_of_the_state_replaces_what_was_believed(tmp_path):
    line, link = str(STANDING.lines.ids[0]), str(STANDING.network.links.ids[0])
    session = Session(STANDING, tmp_path / "state")
    file = tmp_path / "log.jsonl"
    told = [
        event("1", 0, subject=ACTIVE[0]),
        event("2", 0, subject=ACTIVE[1]),
        states(
            "3", 1000, sites={ACTIVE[0]: "up", ACTIVE[2]: "down"}, lines={line: "down"}, links={link: "down"}
        ),
    ]
    file.write_bytes(b"\n".join(told) + b"\n")
    assert {o.fate for o in read_all(session, file)} == {Fate.applied}
    h = session.register.happened
    assert STANDING.network.site_ids[h.site_down].tolist() == sorted([ACTIVE[1], ACTIVE[2]])
    assert not h.closed[0]
    assert not h.link_up[0]
    assert differences(session.register.live) == []


def test_a_whole_list_says_that_the_rest_runs_as_normal(tmp_path):
    lines = stream(3, 12, HOUR_MS)
    end = states("end", 40 * HOUR_MS, sites={ACTIVE[2]: "down"}, others_normal=["sites", "lines", "links"])
    register, _ = by_time([*lines, end])
    h = register.happened
    assert STANDING.network.site_ids[h.site_down].tolist() == [ACTIVE[2]]
    assert (h.closed == STANDING.lines.closed).all()
    assert h.link_up.all()
    assert differences(register.live) == []


@settings(deadline=None, max_examples=5, phases=QUICKLY)
@given(st.integers(0, 1000), st.data())
def test_after_a_whole_record_it_does_not_matter_what_came_before(seed, data):
    named = data.draw(st.dictionaries(st.sampled_from(ACTIVE), st.sampled_from(["up", "down"]), max_size=4))
    ties = data.draw(
        st.dictionaries(
            st.sampled_from(STANDING.lines.ids.tolist()), st.sampled_from(["up", "down"]), max_size=3
        )
    )
    end = states("end", 40 * HOUR_MS, sites=named, lines=ties, others_normal=["sites", "lines", "links"])
    here, _ = by_time([*stream(seed, 8, HOUR_MS), end])
    plain, _ = by_time([end])
    assert differences(here.live) == []
    for name in ("site_down", "closed", "link_up"):
        assert (getattr(here.happened, name) == getattr(plain.happened, name)).all(), name
    assert ((here.happened.dark_since_ms >= 0) == (plain.happened.dark_since_ms >= 0)).all()


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({}, "names no asset"),
        ({"sites": {"s1": "away"}}, "'up' or 'down'"),
        ({"sites": ["s1"]}, "valid dictionary"),
        ({"masts": {"s1": "up"}}, "masts"),
        ({"others_normal": ["masts"]}, "'sites', 'lines' or 'links'"),
        ({"sites": {"s1": True}}, "'up' or 'down'"),
    ],
)  # fmt: skip
def test_a_malformed_record_of_the_state_says_what_was_expected(payload, words):
    with pytest.raises(LineError, match=words):
        parse(states("x", 0, **payload))


def test_a_record_that_names_strangers_is_refused_whole_and_names_them(tmp_path):
    session = Session(STANDING, tmp_path / "state")
    file = tmp_path / "log.jsonl"
    file.write_bytes(
        states("x", 0, sites={ACTIVE[0]: "down", "s0l": "up"}, links={"nowhere": "down"}) + b"\n"
    )
    (found,) = read_all(session, file)
    assert found.fate is Fate.rejected
    assert "'s0l' is no site_id of the region (did you mean s" in found.reason
    assert "'nowhere' is no link_id" in found.reason
    assert not session.register.happened.site_down.any()


def test_what_is_planned_cannot_be_stated_up(tmp_path):
    early = str(STANDING.network.site_ids[np.flatnonzero(STANDING.planned)[0]])
    register = Register(STANDING)
    assert "not commissioned yet" in str(register.refusal(parse(states("x", 0, sites={early: "up"}))))


@needs_reference
@pytest.mark.parametrize("case", ["two_sources", "rotated"])
def test_the_cases_that_lost_events_lose_none(tmp_path, case):
    # the sites of the cases exist in any region of six sites
    names = {f"s{k:06d}": ACTIVE[k] for k in range(6)}
    place = tmp_path / "in"
    place.mkdir()
    session = Session(STANDING, tmp_path / "state")
    for path in sorted((REFERENCE / "cases" / "events" / case).glob("*.jsonl")):
        text = path.read_text(encoding="utf-8")
        for old, new in names.items():
            text = text.replace(old, new)
        (place / ("log.jsonl" if case == "rotated" else path.name)).write_text(text, encoding="utf-8")
        if case == "rotated":
            read_all(session, place)
    read_all(session, place)
    assert session.counts == {
        Fate.applied: 6 if case == "rotated" else 4,
        Fate.repeated: 0,
        Fate.late: 0,
        Fate.rejected: 0,
    }
