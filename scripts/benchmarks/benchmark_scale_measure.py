"""Processor seconds, wall seconds and greatest memory of some work, in a process of its own."""

import ctypes
import gc
import json
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phusong.io.progress import Stages

__all__ = [
    "CpuStages",
    "Machine",
    "in_a_child",
    "machine",
    "peak_mib",
    "repeated",
    "resident_mib",
    "timed",
    "when",
]

Work = Callable[[], object]
_FREE = 0.05  # share of the cores that others may take
_SHORT_S, _ENOUGH_S, _MOST = 5.0, 1.0, 15


@dataclass(frozen=True)
class Machine:
    """Where and when something was measured, and how far the machine was free for it.

    Parameters
    ----------
    date : str
        Of its end.
    cores, gib : int, float
        Of the machine.
    load : float
        Processes that wanted to run in the minute before.
    others : float
        Share of all cores' time that other processes (or other guests of the same host) took meanwhile.
    """

    date: str
    cores: int
    gib: float
    load: float
    others: float


@contextmanager
def machine(found: dict[str, Any]) -> Iterator[None]:
    """Note in `found` the machine, and what others took of it while something is measured."""
    load, wall, busy, own = os.getloadavg()[0], time.perf_counter(), _busy_s(), _family_s()
    yield
    cores = os.cpu_count() or 1
    others = (_busy_s() - busy - (_family_s() - own)) / (cores * (time.perf_counter() - wall))
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found["machine"] = vars(Machine(time.strftime("%Y-%m-%d"), cores, gib, load, max(others, 0.0)))


def when(part: dict[str, Any]) -> str:
    """Return where and when a part was measured."""
    m = part["machine"]
    busy = " **The machine was not free: wall times are not to be trusted.**" if m["others"] > _FREE else ""
    return (
        f"Measured on {m['date']}, {m['cores']} cores, {m['gib']:.0f} GiB; load before {m['load']:.1f}, other processes "
        f"took {m['others']:.0%} of the cores meanwhile.{busy}"
    )


def _busy_s() -> float:
    """Return the seconds that all cores have worked or were withheld since the machine started."""
    first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    user, nice, system, _idle, _wait, irq, soft, steal = (int(x) for x in first[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def _family_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def in_a_child(measure: Callable[[], Any], *, most_gib: float | None = None) -> Any:  # noqa: ANN401 - what it gives
    """Return what a function gives (as JSON) in a forked process; what broke it as `{"broke": …}` where memory is bounded.

    Parameters
    ----------
    measure : callable
        Gives numbers, lists and dictionaries.
    most_gib : float, optional
        Address space that the child may add.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        if most_gib is not None:
            most = int((status_mib("VmSize") / 1024 + most_gib) * 2**30)
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        try:
            try:
                found = measure()
            except MemoryError as error:
                if most_gib is None:
                    raise
                found = {"broke": str(error) or "out of memory"}
            with os.fdopen(write, "w") as pipe:
                json.dump(found, pipe)
        except BaseException as error:  # noqa: BLE001 - a child must not return into the parent's code
            print(f"failed: {type(error).__name__}: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            text = pipe.read()
    except BaseException:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        raise
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("a measurement failed")
    return json.loads(text)


def status_mib(name: str) -> float:
    """Return a line of /proc/self/status. [MiB]"""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name)) / 1024


def resident_mib() -> float:
    """Return the memory of this process, after giving back what it no longer uses. [MiB]"""
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    return status_mib("VmRSS")


def peak_mib(*, anew: bool = False) -> float:
    """Return the greatest memory of this process since it was last counted anew. [MiB]"""
    found = status_mib("VmHWM")
    if anew:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return found


def timed(work: Work) -> tuple[float, float]:
    """Return the processor seconds (user and system, all threads) and wall seconds of some work."""
    wall, before = time.perf_counter(), _cpu_s()
    work()
    return _cpu_s() - before, time.perf_counter() - wall


def repeated(work: Work, *, least: int = 3) -> list[tuple[float, float]]:
    """Return the times of work: at least so many runs, more where they are short, one or two where they are long."""
    times = [timed(work)]
    while len(times) < _MOST and (
        (len(times) < least and times[0][1] < _SHORT_S) or sum(wall for _, wall in times) < _ENOUGH_S
    ):
        times.append(timed(work))
    return times


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass
class CpuStages(Stages):
    """Stages of a run with their processor seconds and greatest memory. [s, MiB]"""

    cpu_s: dict[str, float] = field(default_factory=dict)
    mib: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure one stage."""
        peak_mib(anew=True)
        before = _cpu_s()
        with super().stage(name):
            yield
        self.cpu_s[name] = self.cpu_s.get(name, 0.0) + _cpu_s() - before
        self.mib[name] = max(self.mib.get(name, 0.0), peak_mib())
