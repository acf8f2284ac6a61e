# ruff: noqa: PLC0415 - each target imports what it reads with, so that atheris can look into it
"""Throw bytes at what reads files: each must give a result, or an error that a planner can act on, and nothing else.

`python scripts/chaos/fuzz.py --minutes 10 --target scenario` changes good files at random, steered by the lines they reach
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fuzz_targets import TARGETS, PromiseBrokenError, Target, require

PATIENCE_S = 30
_STRUCTURAL = 0.8  # of what folders are tried with
MEMORY_BYTES = 3 * 2**30
COVERAGE_MEMORY_MB = 6144  # the largest raster of a region that is not refused takes 5 GB

_PIECES = (
    b"[", b"]", b"{", b"}", b'"', b"'", b"\n", b"=", b",", b";", b".", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"-1",
    b"1e999", b"nan", b"inf", b"9" * 40, b"9" * 5000, b"../" * 5, b"=cmd()", b"\xe2\x80\xae", b"\xed\xa0\x80",
    b"0x", b"1979-05-27", b"extends", b"[[", b"'''", b'"""', b"\\u0000", b"POINT (1 1)", b"2024-09-07T06:00Z",
)  # fmt: skip


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
        require(bool(error.problems), "an error without a problem")
        for problem in error.problems:
            require(bool(problem.where) and len(problem.what) > 5, f"an error that says nothing: {problem!r}")
            require(len(str(problem)) < 20_000, "an error as long as a book")
        understood = False
    except Exception as error:
        raise PromiseBrokenError(f"{type(error).__name__}: {str(error)[:300]}") from error
    else:
        understood = True
    finally:
        path.unlink(missing_ok=True)
    left = _listing(folder) - before
    require(not left, f"files appeared: {left}")
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
        if target.drawn and rng.random() < _STRUCTURAL:
            yield rng.choice(target.drawn) + rng.randbytes(8)
        else:
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

    kernels = _compiled()
    with atheris.instrument_imports(
        include=["phusong", "tomllib"], exclude=kernels, enable_loader_override=False
    ):
        import phusong.scenario  # noqa: F401 - instrumented while it is imported
    place = Path(tempfile.mkdtemp(prefix="phusong-fuzz-"))
    work, corpus = place / "work", place / "corpus"
    for folder in (work, corpus):
        folder.mkdir()
    with atheris.instrument_imports(include=["phusong"], exclude=kernels, enable_loader_override=False):
        target = TARGETS[name](place)
    for k, good in enumerate([*target.good, *target.drawn]):
        (corpus / str(k)).write_bytes(good)
    found: dict[str, int] = {}

    def one(data: bytes) -> None:
        try:
            hold(target, data, work)
        except PromiseBrokenError as error:
            _keep(name, data, error, out, found)
            raise

    options = [f"-max_total_time={round(60 * minutes)}", f"-seed={seed + 1}", f"-rss_limit_mb={COVERAGE_MEMORY_MB}", "-max_len=200000",
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


def _compiled() -> list[str]:
    """Return the modules that Numba compiles: what atheris puts into a function, Numba does not know."""
    found = importlib.util.find_spec("phusong")
    require(
        found is not None and "phusong" not in sys.modules, "what is imported already cannot be looked into"
    )
    root = Path(str(found.origin)).parent  # type: ignore[union-attr]
    paths = [p for p in root.rglob("*.py") if "njit" in p.read_text(encoding="utf-8")]
    return [".".join(("phusong", *p.relative_to(root).with_suffix("").parts)) for p in paths]


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
