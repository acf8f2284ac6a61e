# ruff: noqa: PLC0415 - each target imports what it reads with, so that atheris can look into it
"""Throw bytes at what reads files: each must give a result, or an error that a planner can act on, and nothing else.

`python scripts/fuzz.py --minutes 10 --target scenario` changes good files at random, steered by the lines they reach
where atheris is installed (`pip install phusong[test]` on Linux). What breaks the promise is kept under --out.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 30
MEMORY_BYTES = 3 * 2**30

_PIECES = (
    b"[", b"]", b"{", b"}", b'"', b"'", b"\n", b"=", b",", b";", b".", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"-1",
    b"1e999", b"nan", b"inf", b"9" * 40, b"9" * 5000, b"../" * 5, b"=cmd()", b"\xe2\x80\xae", b"\xed\xa0\x80",
    b"0x", b"1979-05-27", b"extends", b"[[", b"'''", b'"""', b"\\u0000", b"POINT (1 1)", b"2024-09-07T06:00Z",
)  # fmt: skip


class PromiseBrokenError(Exception):
    """An input did what no input may."""


@dataclass(frozen=True)
class Target:
    """Something that reads a file.

    Parameters
    ----------
    name : str
        Name of the file in its folder.
    good : sequence of bytes
        Contents that are understood, to begin with.
    use : callable
        Reads the file; may raise InputError.
    """

    name: str
    good: Sequence[bytes]
    use: Callable[[Path], object]


def scenario_target(_folder: Path) -> Target:
    """Return the reader of scenarios."""
    from phusong.scenario import Scenario

    files = [p.read_bytes() for p in sorted((ROOT / "scenarios").glob("*.toml"))]
    return Target("mine.toml", files, lambda path: Scenario.read(path).to_toml())


def region_target(folder: Path) -> Target:
    """Return the reader of region folders; the first byte chooses the file that is changed."""
    from phusong.region.antennas import AntennaPattern, antenna_text
    from phusong.region.store import Region

    region = _region()
    place = region.write(folder / "region")
    import numpy as np

    (place / "antennas").mkdir(exist_ok=True)
    pattern = AntennaPattern("a", 17.0, 900.0, np.zeros(360), np.zeros(360))
    (place / "antennas" / "a.msi").write_text(antenna_text(pattern), encoding="utf-8")
    (place / "repairs.csv").write_text("layer,column,reason\nsites,owner,x\n", encoding="utf-8")
    files = sorted(p for p in place.rglob("*") if p.is_file())
    whole = [p.read_bytes() for p in files]

    def use(path: Path) -> object:
        data = path.read_bytes()
        which = data[0] % len(files) if data else 0
        try:
            files[which].write_bytes(data[1:])
            return Region.read(place)
        finally:
            files[which].write_bytes(whole[which])

    return Target("region.bin", [bytes([k]) + w for k, w in enumerate(whole)], use)


def plan_target(_folder: Path) -> Target:
    """Return the reader of plans that somebody brings to `phusong evaluate`."""
    import pandas as pd

    from phusong.invest.plan_book import PlanBook
    from phusong.invest.plan_file import read_plan

    ids = ["build/s01", "battery/s02", "link/s03"]
    book = PlanBook.of_tables(
        {
            "remedies": pd.DataFrame(
                {"remedy_id": ids, "kind": "build", "capex_musd": 1.0, "opex_musd_year": 0.1, "cost_musd": 1.5,
                 "east_m": 5e5, "north_m": 2.4e6}
            ),
            "bundles": pd.DataFrame(
                {"bundle_id": ["b1", "b2"], "kinds": "build", "operators": "red", "commune_code": "00001",
                 "where": "s01", "east_m": 5e5, "north_m": 2.4e6, "remedies": [";".join(ids[:2]), ids[2]]}
            ),
            "people_groups": pd.DataFrame({"commune_code": ["00001", "00002"], "people": [10, 20]}),
            "bundle_groups": pd.DataFrame({"bundle": [0, 1], "group": [0, 1]}),
        }
    )  # fmt: skip
    good = [b"remedy_id,year,fund\nbuild/s01,2026,state\nlink/s03,,\n", "bundle;năm\nb1;2027\n".encode()]
    return Target("plan.csv", good, lambda path: read_plan(path, book))


def events_target(_folder: Path) -> Target:
    """Return the reader of `phusong watch`: lines are events or are rejected with a reason."""
    from types import SimpleNamespace

    from phusong.live.events import LineError, parse
    from phusong.live.sources import Waiting, batches

    def use(path: Path) -> object:
        taken = 0
        session: object = SimpleNamespace(reads={})
        for batch in batches(str(path), session, follow=False):  # type: ignore[arg-type]  # only reads is asked for
            if isinstance(batch, Waiting):
                continue
            for line in batch:
                try:
                    taken += parse(line.text).time_ms > 0
                except LineError as error:
                    _require(len(error.reason) > 8, "a rejected line has no reason")
        return taken

    time_ = '"time": "2026-01-31T08:00:00+07:00"'
    good = [
        f'{{"id": "1", {time_}, "kind": "site_down", "subject": "s1", "payload": {{"note": "x"}}}}\n'.encode(),
        f'{{"id": "2", {time_}, "kind": "money_disbursed", "subject": "00001", "payload": {{"fund": "state", '
        f'"amount_musd": 1.5}}}}\n{{"id": "3", {time_}, "kind": "clock"}}\n'.encode(),
    ]
    return Target("events.jsonl", good, use)


def importer_target(folder: Path) -> Target:
    """Return the importers; the first byte chooses kind and ending."""
    from phusong.region.importers import IMPORTERS, Options
    from phusong.region.importing import import_files
    from phusong.region.writing import write_table

    region = _region()
    made = folder / "made"
    made.mkdir()
    endings = (
        ".csv",
        ".zip",
        ".csv.gz",
        ".gpkg",
        ".geojson",
        ".tif",
        ".osm.pbf",
        ".osm",
        ".parquet",
        ".vrt",
        ".hgt",
    )
    ways = [(kind, ending) for kind in IMPORTERS for ending in endings]
    write_table(region.sites, made / "sites.csv", "sites")
    write_table(region.sites, made / "sites.gpkg", "sites")
    region.communes.to_crs("EPSG:4326").to_file(made / "communes.geojson", driver="GeoJSON")
    rows = b"radio,mcc,net,area,cell,unit,lon,lat,range,samples,changeable,created,updated,averageSignal\n"
    rows += b"LTE,452,1,100,2561,0,105.2,21.8,1000,20,1,1459743588,1459743588,0\n"
    by_ending = {
        ".csv": [rows, (made / "sites.csv").read_bytes()],
        ".gpkg": [(made / "sites.gpkg").read_bytes()],
        ".geojson": [(made / "communes.geojson").read_bytes()],
        ".osm": [
            b'<osm version="0.6"><node id="1" lat="21.8" lon="105.2"><tag k="power" v="tower"/></node></osm>'
        ],
    }

    def use(path: Path) -> object:
        data = path.read_bytes()
        kind, ending = ways[(data[0] if data else 0) % len(ways)]
        file = path.with_name(f"input{ending}")
        file.write_bytes(data[1:])
        try:
            return import_files(region, kind, [file], Options())
        finally:
            file.unlink()

    good = [bytes([k]) + g for k, (_, e) in enumerate(ways[:256]) for g in by_ending.get(e, [b""])]
    return Target("import.bin", good, use)


def storm_target(_folder: Path) -> Target:
    """Return the reader of storm tracks."""
    from phusong.service.storms.track import read_track

    files = [p.read_bytes() for p in sorted((ROOT / "geodata" / "storms").glob("*.csv"))]
    return Target("storm.csv", files, lambda path: read_track(path).every(1.0).velocity_ms())


def columns_target(_folder: Path) -> Target:
    """Return the reader of columns.toml."""
    from phusong.region.column_map import EXAMPLE, read_column_maps

    return Target("columns.toml", [EXAMPLE.encode()], read_column_maps)


def antenna_target(_folder: Path) -> Target:
    """Return the reader of antenna patterns."""
    from phusong.region.antennas import antenna_text, read_antenna

    good = "NAME x\nFREQUENCY 900\nGAIN 15 dBd\nTILT ELECTRICAL\nHORIZONTAL 3\n0 0\n120 10,5\n240 10\nVERTICAL 2\n0 0\n180 30\n"
    return Target("a.msi", [good.encode()], lambda path: antenna_text(read_antenna(path)))


TARGETS: dict[str, Callable[[Path], Target]] = {
    "scenario": scenario_target,
    "region": region_target,
    "plan": plan_target,
    "events": events_target,
    "importer": importer_target,
    "storm": storm_target,
    "columns": columns_target,
    "antenna": antenna_target,
}


def hold(target: Target, data: bytes, folder: Path) -> bool:
    """Return whether bytes were understood; they are read from a file in a folder.

    Raises
    ------
    PromiseBrokenError
        If anything but a result or a usable error came of them, or a file appeared.
    """
    from phusong.errors import InputError

    path = folder / target.name
    path.write_bytes(data)
    before = _listing(folder)
    try:
        with _patience(PATIENCE_S), contextlib.chdir(folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.use(path)
    except InputError as error:
        _require(bool(error.problems), "an error without a problem")
        for problem in error.problems:
            _require(
                bool(problem.where) and len(problem.what) > 5, f"an error that says nothing: {problem!r}"
            )
            _require(len(str(problem)) < 20_000, "an error as long as a book")
        understood = False
    except Exception as error:
        raise PromiseBrokenError(f"{type(error).__name__}: {str(error)[:300]}") from error
    else:
        understood = True
    finally:
        path.unlink(missing_ok=True)
    left = _listing(folder) - before
    _require(not left, f"files appeared: {left}")
    return understood


def changed(data: bytes, rng: random.Random) -> bytes:
    """Return bytes with a few places changed, removed, doubled, cut, or replaced by what readers stumble over."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        to = min(len(data), at + rng.choice((1, 2, 8, 64, 1024)))
        how = rng.randrange(6)
        if how == 0:
            data = data[:at] + rng.randbytes(to - at) + data[to:]
        elif how == 1:
            data = data[:at] + data[to:]
        elif how == 2:
            data = data[:to] + data[at:]
        elif how == 3:
            data = data[:at]
        elif how == 4:
            data = data[:at] + rng.choice(_PIECES) + data[to:]
        else:
            data = data[:at] + rng.choice(_PIECES) * rng.choice((1, 3, 200)) + data[at:]
    return data


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """Yield the good contents, then changed ones without end; the same ones for the same seed."""
    yield from target.good
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    while True:
        yield changed(rng.choice(target.good), rng)


def fuzz(name: str, *, minutes: float, seed: int, out: Path) -> int:
    """Return how many different ways of breaking the promise were found in a time, and keep an input of each."""
    end = time.monotonic() + 60.0 * minutes
    found: dict[str, int] = {}
    tried = understood = 0
    with tempfile.TemporaryDirectory(prefix="phusong-fuzz-") as place:
        work = Path(place) / "work"
        work.mkdir()
        target = TARGETS[name](Path(place))
        for data in inputs(target, seed):
            if time.monotonic() > end:
                break
            tried += 1
            try:
                understood += hold(target, data, work)
            except PromiseBrokenError as error:
                _keep(name, data, error, out, found)
    print(f"{name}: {tried:,} inputs, {understood:,} understood, {len(found)} ways of breaking the promise")
    return len(found)


def fuzz_by_coverage(name: str, *, minutes: float, seed: int, out: Path) -> None:
    """Let atheris choose the inputs by the lines they reach; it ends the process when the time is over."""
    import atheris

    with atheris.instrument_imports(include=["phusong", "tomllib"], enable_loader_override=False):
        import phusong.scenario  # noqa: F401 - instrumented while it is imported
    place = Path(tempfile.mkdtemp(prefix="phusong-fuzz-"))
    work, corpus = place / "work", place / "corpus"
    for folder in (work, corpus):
        folder.mkdir()
    with atheris.instrument_imports(include=["phusong"], enable_loader_override=False):
        target = TARGETS[name](place)
    for k, good in enumerate(target.good):
        (corpus / str(k)).write_bytes(good)
    found: dict[str, int] = {}

    def one(data: bytes) -> None:
        try:
            hold(target, data, work)
        except PromiseBrokenError as error:
            _keep(name, data, error, out, found)
            raise

    options = [f"-max_total_time={round(60 * minutes)}", f"-seed={seed + 1}", "-rss_limit_mb=4096", "-max_len=200000",
               f"-timeout={PATIENCE_S}", f"-artifact_prefix={out}/"]  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def main() -> int:
    """Fuzz what was asked for; 1 if anything was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--engine", choices=["auto", "random", "atheris"], default="auto")
    asked = parser.parse_args()
    names = list(TARGETS) if asked.target == "all" else [asked.target]
    there = importlib.util.find_spec("atheris") is not None
    if asked.engine == "atheris" and not there:
        parser.error("atheris is not installed (pip install atheris); --engine random needs nothing")
    if asked.engine == "atheris" or (asked.engine == "auto" and there and len(names) == 1):
        fuzz_by_coverage(names[0], minutes=asked.minutes, seed=asked.seed, out=asked.out)
    _limit_memory()
    found = [fuzz(n, minutes=asked.minutes, seed=asked.seed, out=asked.out) for n in names]
    return 1 if sum(found) else 0


def _region():
    sys.path.insert(0, str(ROOT / "tests"))
    from small_region import small_region

    return small_region()


def _keep(name: str, data: bytes, error: PromiseBrokenError, out: Path, found: dict[str, int]) -> None:
    cause = error.__cause__ or error
    frame = traceback.extract_tb(cause.__traceback__)[-1]
    way = f"{type(cause).__name__} at {Path(frame.filename).name}:{frame.lineno}"
    found[way] = found.get(way, 0) + 1
    if found[way] == 1:
        out.mkdir(parents=True, exist_ok=True)
        file = out / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}.bin"
        file.write_bytes(data)
        print(f"{name}: {way}: {error}; kept as {file}")


def _require(holds: bool, words: str) -> None:  # noqa: FBT001 - a plain condition
    if not holds:
        raise PromiseBrokenError(words)


def _listing(folder: Path) -> set[str]:
    # beside the folder is where a path that leads out would write
    return {str(p) for p in [*folder.rglob("*"), *folder.parent.iterdir()]}


def _limit_memory() -> None:
    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


@contextmanager
def _patience(seconds: int) -> Iterator[None]:
    def stop(_signal: int, _frame: object) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
