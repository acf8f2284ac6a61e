"""What can befall a run: each fault is a function that starts runs in a place, disturbs them, and tells how they ended."""

import contextlib
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

__all__ = ["FAULTS", "Ended", "Place", "Violation"]

LONGEST_S = 240.0  # a run that takes longer hangs
_MIB = 2**20
_FAKE_TIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
_KILLED = -signal.SIGKILL


class Violation(Exception):  # noqa: N818 - a finding, not an error
    """A promise that did not hold."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: its code (negative: the signal) and what it said."""

    code: int
    said: str


@dataclass
class Place:
    """Where runs of one round happen.

    Parameters
    ----------
    scenario, store, out : Path
        Of every run of the round.
    seconds : float
        How long an undisturbed run takes about.
    dice : Random
        Of the round.
    running : list of Popen
        Everything started, for tidying up.
    """

    scenario: Path
    store: Path
    out: Path
    seconds: float
    dice: random.Random
    running: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(
        self, *more: str, env: dict[str, str] | None = None, before: Callable[[], None] | None = None
    ) -> "subprocess.Popen[str]":
        """Start a run."""
        asked = [sys.executable, "-m", "phusong", "run", str(self.scenario), "--out", str(self.out)]
        return self.spawn([*asked, "--store", str(self.store), *more], env=env, before=before)

    def spawn(
        self,
        command: list[str],
        *,
        env: dict[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> "subprocess.Popen[str]":
        """Start a process in a group of its own."""
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, env={**os.environ, **(env or {})}, preexec_fn=before, start_new_session=True, text=True,  # noqa: PLW1509 - it sets a limit, no more
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.running.append(process)
        return process

    def wait(self, process: "subprocess.Popen[str]") -> Ended:
        """Return how a run ended.

        Raises
        ------
        Violation
            If it hangs.
        """
        try:
            said, _ = process.communicate(timeout=LONGEST_S)
        except subprocess.TimeoutExpired:
            end_group(process)
            raise Violation(f"hangs: no end after {LONGEST_S:.0f} s") from None
        return Ended(process.returncode, said)

    def run(self, *more: str, **how: object) -> Ended:
        """Run to the end."""
        return self.wait(self.start(*more, **how))  # type: ignore[arg-type] # the keywords of `start`

    def moment(self) -> None:
        """Wait until some moment of a run."""
        time.sleep(self.dice.uniform(0.0, self.seconds))

    def executor(self) -> list[str]:
        """Return options that name some workers."""
        return self.dice.choice(
            [["--workers", "1"], ["--workers", "3"], ["--cluster", "local", "--workers", "2"]]
        )


def end_group(process: "subprocess.Popen[str]") -> None:
    """End a process and all it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ValueError):  # read to the end already
        process.communicate()


def allow(ended: Ended, *codes: int) -> Ended:
    """Return how a run ended, if it may end so, with a sentence and not with a stack of calls.

    Raises
    ------
    Violation
        If it may not.
    """
    if ended.code not in codes:
        raise Violation(f"exit {ended.code}, not {codes}: {ended.said[-400:]!r}")
    if ended.code in {1, 2} and ("Traceback" in ended.said or "error:" not in ended.said):
        raise Violation(f"exit {ended.code} without a plain sentence: {ended.said[-400:]!r}")
    return ended


def kill_client(place: Place) -> Ended:
    """Kill -9 of the run itself."""
    process = place.start(*place.executor())
    place.moment()
    process.kill()
    return allow(_wait_alone(process), 0, _KILLED)


def _wait_alone(process: "subprocess.Popen[str]") -> Ended:
    """Wait for a killed run; its workers, which hold its output open, end with it."""
    process.wait(LONGEST_S)
    end_group(process)
    return Ended(process.returncode, "")


def kill_worker(place: Place) -> Ended:
    """Kill -9 of a worker of a local cluster."""
    process = place.start("--cluster", "local", "--workers", "2")
    place.moment()
    with contextlib.suppress(psutil.NoSuchProcess):
        workers = [
            p for p in psutil.Process(process.pid).children(recursive=True) if "spawn_main" in _line(p)
        ]
        if workers:
            place.dice.choice(workers).kill()
    return allow(place.wait(process), 0, 1)


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def kill_scheduler(place: Place) -> Ended:
    """Kill -9 of the scheduler of a cluster."""
    with _dask(place) as (address, scheduler):
        process = place.start("--cluster", address)
        place.moment()
        scheduler.kill()
        return allow(place.wait(process), 0, 1, 2)


def worker_out_of_memory(place: Place) -> Ended:
    """A worker that outgrows its memory, again and again."""
    with _dask(place, memory=f"{place.dice.randint(120, 320)}MiB") as (address, _):
        return allow(place.run("--cluster", address), 0, 1, 2)


@contextmanager
def _dask(place: Place, memory: str = "0") -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--host", "127.0.0.1"]
    scheduler = place.spawn([*dask, "--port", str(port)])
    worker = place.spawn(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", "2", "--nthreads", "1",
         "--memory-limit", memory, "--no-dashboard", "--death-timeout", "20"]
    )  # fmt: skip
    try:
        yield address, scheduler
    finally:
        end_group(worker)
        end_group(scheduler)


def stop(place: Place) -> Ended:
    """SIGTERM or SIGINT, as a service manager or Ctrl-C sends it."""
    how = place.dice.choice([signal.SIGTERM, signal.SIGINT])
    process = place.start(*place.executor())
    place.moment()
    process.send_signal(how)
    # before the program has begun, Python itself ends by the signal
    return allow(place.wait(process), 0, 130, -how)


def full_disk_of_result(place: Place) -> Ended:
    """A disk that fills while the result is written."""
    mib = place.dice.uniform(0.3, 9.0)
    if mounted(place.out.parent):
        _leave_room(place.out.parent, int(mib * 1024))
        return allow(place.run(), 0, 2)
    return allow(place.run(before=lambda: _limit(resource.RLIMIT_FSIZE, int(mib * _MIB / 4))), 0, 2)


def full_disk_of_store(place: Place) -> Ended:
    """A disk of the store that fills: the run goes on without keeping."""
    if mounted(place.store):
        _leave_room(place.store, place.dice.choice([4, 40, 120, 300]))
        return allow(place.run(), 0)
    place.store.mkdir(exist_ok=True)
    (place.store / "records").touch()  # a file in the place of a folder: nothing can be noted
    return allow(place.run(), 0)


def read_only(place: Place) -> Ended:
    """A folder that cannot be written: refused before the long part."""
    if mounted(place.out.parent):
        _remount(place.out.parent, "ro")
        ended = place.run()
    else:
        below = Place(
            place.scenario, place.store, place.scenario / "out", place.seconds, place.dice, place.running
        )
        ended = below.run()
    if "radio" in ended.said:
        raise Violation("computed before it saw that nothing can be written")
    return allow(ended, 2)


def few_files(place: Place) -> Ended:
    """So few file descriptors that some cannot be had."""
    most = place.dice.randint(6, 18)
    ended = place.run(before=lambda: _limit(resource.RLIMIT_NOFILE, most))
    # below a few dozen not even the libraries load, and Python tells that in its own way
    return ended if ended.code == 1 and "ImportError" in ended.said else allow(ended, 0, 1, 2)


def little_memory(place: Place) -> Ended:
    """An address space too small for the run: it may fall, as long as nothing half-written stays."""
    ended = place.run(before=lambda: _limit(resource.RLIMIT_AS, place.dice.randint(600, 3000) * _MIB))
    if ended.code == 130:
        raise Violation("told as if somebody had interrupted it")
    return ended


def clock_jump(place: Place) -> Ended:
    """A clock years off, or going many times too fast; what is kept seems to come from the future."""
    for path in place.store.rglob("*"):
        if path.is_file() and place.dice.random() < 0.5:
            when = time.time() + place.dice.uniform(-3e8, 3e8)
            os.utime(path, (when, when))
    if not _FAKE_TIME:
        return allow(place.run(), 0)
    jump = place.dice.choice(["-20y", "+9y", "-3d", "+0 x40", "-1y x0.2"])
    fake = {"LD_PRELOAD": str(_FAKE_TIME[0]), "FAKETIME": jump, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return allow(place.run(env=fake), 0)


def two_at_once(place: Place) -> Ended:
    """Two runs in one folder: the second is refused, or comes after the first."""
    first = place.start()
    time.sleep(place.dice.uniform(0.0, place.seconds / 2))
    second = place.start(*place.executor())
    ended = [allow(place.wait(process), 0, 2) for process in (first, second)]
    if all(one.code for one in ended):
        raise Violation("both were refused")
    return max(ended, key=lambda one: one.code)


def damaged_store(place: Place) -> Ended:
    """Flipped bits, cut files and rubbish in the store."""
    dice = place.dice
    for path in sorted(p for p in place.store.rglob("*") if p.is_file()):
        data = bytearray(path.read_bytes())
        how = dice.choice(["flip", "cut", "rubbish", "empty", "spare"])
        if how == "flip" and data:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        elif how == "cut":
            del data[dice.randrange(len(data) + 1) :]
        elif how != "spare":
            data = bytearray(dice.randbytes(dice.randrange(1, 99)) if how == "rubbish" else b"")
        path.write_bytes(data)
    return allow(place.run(), 0)


def store_removed(place: Place) -> Ended:
    """The store removed while a run uses it."""
    process = place.start()
    place.moment()
    for path in list(place.store.glob("*")):
        shutil.rmtree(path, ignore_errors=True)
    return allow(place.wait(process), 0)


def mounted(folder: Path) -> bool:
    """Return whether a folder is a disk of its own, whose size and rights we may change."""
    return folder.is_mount()


def _leave_room(folder: Path, kib: int) -> None:
    used = shutil.disk_usage(folder).used // 1024
    _remount(folder, f"size={used + kib}k")


def _remount(folder: Path, options: str) -> None:
    subprocess.run(["/bin/mount", "-o", f"remount,{options}", str(folder)], check=True)  # noqa: S603 - our own folder


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


FAULTS: dict[str, Callable[[Place], Ended]] = {
    "run killed": kill_client,
    "worker killed": kill_worker,
    "scheduler killed": kill_scheduler,
    "stopped by a signal": stop,
    "worker out of memory": worker_out_of_memory,
    "little memory": little_memory,
    "disk of the result full": full_disk_of_result,
    "disk of the store full": full_disk_of_store,
    "read-only folder": read_only,
    "few file descriptors": few_files,
    "clock jump": clock_jump,
    "two runs in one folder": two_at_once,
    "damaged store": damaged_store,
    "store removed": store_removed,
}
