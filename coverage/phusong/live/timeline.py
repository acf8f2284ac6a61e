"""Events put in the order of their times: what comes late within a window is put where it belongs."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass, field

from phusong.live.events import Event
from phusong.live.happened import NEVER
from phusong.live.increment import Touched
from phusong.live.register import Register

__all__ = ["SILENT_MS", "WINDOW_MS", "Entry", "Timeline"]

WINDOW_MS = 3_600_000
SILENT_MS = 86_400_000  # a source so far behind the newest keeps nobody waiting


@dataclass(order=True)
class Entry:
    """An event that may still be preceded by others.

    Parameters
    ----------
    time_ms : int
        When it happened.
    event_id : str
        Decides between events of one time.
    arrival : int
        Number of its line among all lines read.
    event : Event
        What happened.
    reason : str
        Why it cannot be so after what came before; empty when it can.
    touched : Touched or None
        What it changed.
    """

    time_ms: int
    event_id: str
    arrival: int = field(compare=False)
    event: Event = field(compare=False)
    reason: str = field(default="", compare=False)
    touched: Touched | None = field(default=None, compare=False)


class Timeline:
    """The present of a region, and what of it is settled.

    Whatever the order in which lines come, the present is that of applying the events by time (by id at one time). Two
    registers are kept: the settled one, and the present one, which is the settled one and the events that are pending.
    An event before the last one has the pending events applied anew upon the settled register.

    Parameters
    ----------
    settled : Register
        Everything up to `settled_ms`. Owned from now on.
    window_ms : int
        How far behind the newest that its own source has told a line may come.
    latest_ms : mapping of str to int, optional
        Newest time that each source has told.
    settled_ms : int
        Events before it are late.
    pending : list of Entry, optional
        Events since.
    """

    def __init__(
        self,
        settled: Register,
        *,
        window_ms: int = WINDOW_MS,
        latest_ms: Mapping[str, int] | None = None,
        settled_ms: int = NEVER,
        pending: list[Entry] | None = None,
    ) -> None:
        self.window_ms = window_ms
        self.latest_ms = dict(latest_ms or {})
        self.settled_ms = settled_ms
        self.pending = sorted(pending or [])
        self._settled = settled
        self.present = settled.copy()
        self._applied = 0  # of the pending ones, from the first
        self._out_of_order = False
        self.catch_up()

    @property
    def settled(self) -> Register:
        """The register of everything that no line can change any more."""
        return self._settled

    def late(self, event: Event) -> str:
        """Return why an event comes too late, or nothing."""
        if event.time_ms >= self.settled_ms:
            return ""
        behind = (self.settled_ms - event.time_ms) / 1000.0
        return (
            f"comes too late by {behind:,.3f} s: its source and the others have gone on by more than the reorder window of "
            f"{self.window_ms / 60_000:g} minutes"
        )

    def admit(self, entry: Entry, source: str) -> None:
        """Put an event that is not late in its place; :meth:`catch_up` lets it happen."""
        self._out_of_order |= bool(self._applied) and entry < self.pending[self._applied - 1]
        insort(self.pending, entry)
        self.latest_ms[source] = max(self.latest_ms.get(source, NEVER), entry.time_ms)
        newest = max(self.latest_ms.values())
        # a source that has fallen silent holds back nobody
        slowest = min(t for t in self.latest_ms.values() if t >= newest - SILENT_MS)
        self.settled_ms = max(self.settled_ms, slowest - self.window_ms)

    def catch_up(self) -> tuple[list[Entry], list[Entry]]:
        """Let happen what has been admitted.

        Returns
        -------
        changed : list of Entry
            Those that are now so and could not be so before, or the other way round.
        done : list of Entry
            Those that are settled now, in order.
        """
        changed: list[Entry] = []
        if self._out_of_order:
            self.present, self._applied, self._out_of_order = self._settled.copy(), 0, False
        for entry in self.pending[self._applied :]:
            before = entry.reason, entry.touched is not None
            _happen(self.present, entry)
            if before not in {("", False), (entry.reason, entry.touched is not None)}:
                changed.append(entry)
        done = [e for e in self.pending if e.time_ms < self.settled_ms]
        for entry in done:
            if not entry.reason:
                self._settled.apply(entry.event)
        self.pending = self.pending[len(done) :]
        self._applied = len(self.pending)
        return changed, done


def _happen(register: Register, entry: Entry) -> None:
    entry.reason = register.refusal(entry.event) or ""
    entry.touched = None if entry.reason else register.apply(entry.event)
