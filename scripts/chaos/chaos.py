"""Breaks runs at random, for as long as it is told, and sees that nothing is lost.

    python scripts/chaos/chaos.py --minutes 10 --seed 1 [--only "run killed"] [--rounds N] [--quick]

Every round takes a folder with an earlier result or none, and a cold or a warm store; one fault befalls a run there.
Held to, each time: what lies in the folder is the earlier result or the new one, whole; a run that was not killed ends
with 0 or with a plain sentence; and the same command run again gives, byte for byte, the result of an undisturbed run
and leaves nothing beside it. Prints a table of the faults, and exits 1 on any violation.
"""

import argparse
import contextlib
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tomli_w
from chaos_faults import FAULTS, Place, Violation, end_group
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from small_region import small_region

Digests = dict[str, str]
_DISK = "size=200m,mode=755"


@dataclass(frozen=True)
class Truth:
    """What undisturbed runs gave: the result to come to, an earlier one, and a store that knows the way.

    Parameters
    ----------
    scenario, earlier, store : Path
        The question, a result folder of another question, a warm store.
    wanted, before : dict
        Digest of every file of the result, and of the earlier one.
    seconds : float
        An undisturbed run took.
    """

    scenario: Path
    earlier: Path
    store: Path
    wanted: Digests
    before: Digests
    seconds: float


def main() -> int:
    """Break runs until the time is over, and return the exit code."""
    parser = argparse.ArgumentParser(description="Break runs at random and see that nothing is lost.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=10**9, help="at the most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), help="these faults alone")
    parser.add_argument("--quick", action="store_true", help="one undisturbed run alone before the faults")
    asked = parser.parse_args()
    dice = random.Random(asked.seed)  # noqa: S311 - of faults, not of secrets
    end = time.monotonic() + asked.minutes * 60.0
    times, ends = Counter[str](), defaultdict[str, Counter[str]](Counter)
    broken: list[tuple[str, int, str]] = []
    with tempfile.TemporaryDirectory(prefix="phusong-chaos-") as folder:
        truth = undisturbed(Path(folder), quick=asked.quick)
        names: list[str] = []
        for number in range(asked.rounds):
            if time.monotonic() >= end:
                break
            if not names:  # every fault before any comes again
                names = sorted(asked.only or FAULTS)
                dice.shuffle(names)
            name = names.pop()
            times[name] += 1
            try:
                ends[name][
                    one_round(name, truth, Path(folder) / f"round{number}", dice.randrange(2**32))
                ] += 1
            except Violation as error:
                broken.append((name, number, str(error)))
                print(f"round {number}, {name}: {error}", file=sys.stderr, flush=True)
    show(asked.seed, truth.seconds, times, ends, broken)
    return 1 if broken or not times else 0


def undisturbed(folder: Path, *, quick: bool) -> Truth:
    """Return what comes out when nothing is broken, having seen that it comes out alike cold, warm and on a cluster."""
    small_region().write(folder / "region")
    scenario = folder / "asked.toml"
    settings = {"samples": 2, "budget_musd": 0.3}
    tree = {"extends": "default", "region": {"path": str(folder / "region")}, "invest": settings}
    scenario.write_text(tomli_w.dumps(tree))
    dice = random.Random(0)  # noqa: S311
    found = []
    ways = {
        "cold": (), "warm": ("--workers", "1"), "first": ("--no-keep",),
        "cluster": ("--no-keep", "--cluster", "local", "--workers", "3"),
    }  # fmt: skip
    for name, more in list(ways.items())[: 1 if quick else None]:
        start = time.monotonic()
        run_whole(Place(scenario, folder / "warm-store", folder / name, 1.0, dice), *more)
        found.append((digests(folder / name), time.monotonic() - start))
    if any(one != found[0][0] for one, _ in found):
        raise SystemExit("undisturbed runs differ between cold, warm and a cluster")
    before = earlier_result(folder / "cold", folder / "earlier")
    return Truth(scenario, folder / "earlier", folder / "warm-store", found[0][0], before, found[0][1])


def earlier_result(result: Path, out: Path) -> Digests:
    """Make a result folder of another question, as a run before may have left it."""
    shutil.copytree(result, out)
    told = json.loads((out / "provenance.json").read_text())
    (out / "provenance.json").write_text(json.dumps({**told, "seed": told["seed"] + 1}))
    (out / "report.html").write_text("another report")
    return digests(out)


def run_whole(place: Place, *more: str) -> None:
    """Run to the end, with success."""
    ended = place.run(*more)
    if ended.code:
        raise Violation(f"the run that nothing disturbs ends with {ended.code}: {ended.said[-600:]!r}")


def one_round(name: str, truth: Truth, folder: Path, seed: int) -> str:
    """Break one run, mend it, and return how the broken one ended.

    Raises
    ------
    Violation
        If a promise did not hold.
    """
    dice = random.Random(seed)  # noqa: S311
    with disks(folder / "disk", folder / "store"):
        place = Place(truth.scenario, folder / "store", folder / "disk" / "out", truth.seconds, dice)
        earlier = dice.random() < 0.5
        if earlier:
            shutil.copytree(truth.earlier, place.out)
        if dice.random() < 0.5 or name == "damaged store":
            shutil.copytree(truth.store, place.store, dirs_exist_ok=True)
        try:
            ended = FAULTS[name](place)
        finally:
            for process in place.running:
                end_group(process)
        grow(folder / "disk", folder / "store")
        # a run that was killed while two folders changed places has the earlier one back with the next run
        there = digests(place.out) if place.out.exists() else None
        moved = any((draft / "old").exists() for draft in place.out.parent.glob(".*.draft-*"))
        if there not in (truth.wanted, truth.before if earlier else None) and not (moved and there is None):
            raise Violation(
                f"the folder is neither as before nor new: {differing(there or {}, truth.wanted)}"
            )
        if ended.code == 0 and there != truth.wanted:
            raise Violation("ended with 0, and the result is not the new one")
        shutil.rmtree(folder / "store" / "records", ignore_errors=True) if dice.random() < 0.1 else None
        run_whole(place, "--resume")
        if digests(place.out) != truth.wanted:
            raise Violation(f"run again, other bytes: {differing(digests(place.out), truth.wanted)}")
        left = [p.name for p in place.out.parent.iterdir() if p != place.out]
        left += [p.name for p in place.store.rglob(".part-*")]
        if left:
            raise Violation(f"left behind: {left}")
    shutil.rmtree(folder)
    return f"exit {ended.code}" if ended.code >= 0 else f"signal {-ended.code}"


@contextmanager
def disks(*folders: Path) -> Iterator[None]:
    """Make folders that are small disks of their own, where we may; plain folders where not."""
    with contextlib.ExitStack() as stack:
        for folder in folders:
            folder.mkdir(parents=True)
            made = subprocess.run(  # noqa: S603
                ["/bin/mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(folder)],
                capture_output=True,
                check=False,
            )
            if made.returncode == 0:
                stack.callback(subprocess.run, ["/bin/umount", "--lazy", str(folder)], check=True)
        yield


def grow(*folders: Path) -> None:
    """Make small or read-only disks large and writable again; a file in a folder's place goes."""
    for folder in folders:
        if folder.is_mount():
            remount = ["/bin/mount", "-o", f"remount,rw,{_DISK}", str(folder)]
            subprocess.run(remount, check=True)  # noqa: S603 - our own folder
        if (folder / "records").is_file():
            (folder / "records").unlink()


def digests(folder: Path) -> Digests:
    """Return the digest of every file in a folder."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def differing(a: Digests, b: Digests) -> list[str]:
    """Return the files that differ."""
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def show(
    seed: int,
    seconds: float,
    times: Counter[str],
    ends: dict[str, Counter[str]],
    broken: list[tuple[str, int, str]],
) -> None:
    """Print what befell, how often, and how it went."""
    table = Table(
        title=f"Faults, seed {seed}; an undisturbed run takes {seconds:.0f} s", box=None, title_justify="left"
    )
    table.add_column("fault")
    table.add_column("times", justify="right")
    table.add_column("survived", justify="right")
    table.add_column("the disturbed run ended with")
    failed = Counter(name for name, _, _ in broken)
    for name in sorted(times):
        how = ", ".join(f"{code} × {n}" for code, n in sorted(ends[name].items()))
        table.add_row(name, str(times[name]), str(times[name] - failed[name]), how)
    table.add_row("all", str(times.total()), str(times.total() - len(broken)), "")
    Console(width=110).print(table)


if __name__ == "__main__":
    raise SystemExit(main())
