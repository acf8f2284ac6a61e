"""One event, as a line of JSON: what it must say, and what is wrong with a line that does not."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from phusong.errors import PhusongError, nearest_name

__all__ = [
    "LONGEST_LINE",
    "SCHEMA_VERSION",
    "AssetClass",
    "AssetState",
    "Event",
    "EventKind",
    "LineError",
    "Money",
    "StateAsOf",
    "parse",
]

SCHEMA_VERSION = 1
LONGEST_LINE = 65_536  # bytes
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = '{"id": "…", "time": "2026-01-31T08:00:00+07:00", "kind": "site_down", "subject": "…"}'


class EventKind(StrEnum):
    """What can happen."""

    site_down = "site_down"
    site_up = "site_up"
    line_down = "line_down"
    line_up = "line_up"
    link_down = "link_down"
    link_up = "link_up"
    site_commissioned = "site_commissioned"
    lock_opened = "lock_opened"
    money_disbursed = "money_disbursed"
    state_as_of = "state_as_of"
    clock = "clock"


class LineError(PhusongError):
    """A line that is no event; `event_id` is given where it could be read."""

    def __init__(self, reason: str, event_id: str = "") -> None:
        self.reason, self.event_id = reason, event_id
        super().__init__(reason)


class Note(BaseModel):
    """Payload of every kind that needs none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    note: Annotated[str, Field(max_length=1000)] = Field("", description="For people.")


class Money(Note):
    """Payload of `money_disbursed`."""

    fund: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="Who pays.")
    amount_musd: Annotated[float, Field(gt=0.0, le=1e6, allow_inf_nan=False)] = Field(
        description="Payment, to the cent. [million USD]"
    )

    @property
    def cents(self) -> int:
        """The payment in US cents."""
        return round(self.amount_musd * 1e8)


class AssetState(StrEnum):
    """What a record of the state says of an asset."""

    up = "up"
    down = "down"


class AssetClass(StrEnum):
    """What a record of the state may name."""

    sites = "sites"
    lines = "lines"
    links = "links"


_Stated = dict[Annotated[str, Field(min_length=1, max_length=128)], AssetState]


class StateAsOf(Note):
    """Payload of `state_as_of`: what is up and what is down, whatever was believed of it before."""

    sites: _Stated = Field(default_factory=dict, description="site_id: up or down.")
    lines: _Stated = Field(default_factory=dict, description="line_id of a power line: up (closed) or down.")
    links: _Stated = Field(default_factory=dict, description="link_id: up or down.")
    others_normal: list[AssetClass] = Field(
        default_factory=list,
        description="Classes of which the record is a whole list: what it does not name of them runs as normal.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> "StateAsOf":
        if not (self.sites or self.lines or self.links or self.others_normal):
            raise ValueError(
                'names no asset; write e.g. {"sites": {"s000001": "down"}, "others_normal": ["sites"]}'
            )
        return self

    def of(self, group: AssetClass) -> Mapping[str, AssetState]:
        """Return what is said of the assets of a class."""
        stated: Mapping[str, AssetState] = getattr(self, group.value)
        return stated


_PAYLOADS: Mapping[EventKind, type[Note]] = {
    EventKind.money_disbursed: Money,
    EventKind.state_as_of: StateAsOf,
}
_NO_SUBJECT = (EventKind.clock, EventKind.state_as_of)


class Event(BaseModel):
    """What happened, to what, when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = Field(1, description="Version of this schema.")
    id: Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")] = Field(
        description="Unique name of the event; the second of two with one id changes nothing."
    )
    time: AwareDatetime = Field(description="When it happened, ISO 8601 with zone.")
    kind: EventKind = Field(description="What happened.")
    subject: Annotated[str, Field(max_length=128)] = Field(
        "", description="site_id, line_id, link_id, or for money a commune_code or province_code."
    )
    source: Annotated[str, Field(max_length=128)] = Field(
        "", description="Who tells, where one file holds several: the clock of each is followed by itself."
    )
    payload: dict[str, Any] = Field(default_factory=dict, description="By kind; a `note` is always allowed.")

    @model_validator(mode="after")
    def _sensible(self) -> "Event":
        if not _EARLIEST <= self.time < _LATEST:
            raise ValueError("time must lie between 2000 and 2100")
        if (self.kind in _NO_SUBJECT) == bool(self.subject):
            raise ValueError(
                f"a {self.kind} event has no subject"
                if self.subject
                else "subject must name what it happened to"
            )
        _PAYLOADS.get(self.kind, Note).model_validate(self.payload)
        return self

    @property
    def time_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return (self.time - _EPOCH) // timedelta(milliseconds=1)

    @property
    def money(self) -> Money:
        """The payload of a payment."""
        return Money.model_validate(self.payload)

    @property
    def states(self) -> StateAsOf:
        """The payload of a record of the state."""
        return StateAsOf.model_validate(self.payload)

    @property
    def content(self) -> str:
        """All that the event says, as text that is the same for two that say the same."""
        told = {"id": self.id, "time": self.time_ms, "kind": self.kind, "subject": self.subject}
        return json.dumps(told | {"payload": self.payload}, sort_keys=True, ensure_ascii=True)


def parse(line: bytes) -> Event:
    """Return the event of a line.

    Parameters
    ----------
    line : bytes
        Without its line end.

    Raises
    ------
    LineError
        Saying what was expected.

    Examples
    --------
    >>> parse(b'{"id": "7", "time": "2026-01-31T08:00:00+07:00", "kind": "site_down", "subject": "s1"}').time_ms
    1769821200000
    """
    if len(line) > LONGEST_LINE:
        raise LineError(f"is longer than {LONGEST_LINE:,} bytes")
    try:
        tree = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_constant)
    except LineError:
        raise
    except UnicodeDecodeError as error:
        raise LineError(f"is not UTF-8 text (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise LineError(f"is no JSON: {error.msg} at character {error.pos + 1}; expected {_FORM}") from None
    except (RecursionError, ValueError):
        raise LineError(f"is no JSON that can be read; expected {_FORM}") from None
    if not isinstance(tree, dict):
        raise LineError(f"is no JSON object; expected {_FORM}")
    if b"\\u" in line and not _writable(tree):
        raise LineError("holds half a character (a lone surrogate such as \\ud800), which no text can hold")
    name = tree.get("id")
    event_id = name if isinstance(name, str) else ""
    if "version" in tree and tree["version"] != SCHEMA_VERSION:
        raise LineError(
            f"is of schema version {str(tree['version'])[:20]}; this phusong reads {SCHEMA_VERSION}", event_id
        )
    try:
        return Event.model_validate(tree)
    except ValidationError as error:
        raise LineError("; ".join(_words(e) for e in error.errors()), event_id) from None


def _writable(tree: object) -> bool:
    try:
        json.dumps(tree, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise LineError(f"says {twice[:40]} twice")
    return out


def _no_constant(name: str) -> float:
    raise LineError(f"holds {name}, which is no JSON number")


def _words(error: Mapping[str, Any]) -> str:
    place = ".".join(str(p) for p in error["loc"])
    if error["type"] == "missing":
        return f"{place} is missing"
    if error["type"] == "extra_forbidden":
        return f"{place} is no field of an event{nearest_name(place, Event.model_fields)}"
    value = str(error["input"])[:60]
    if place == "kind":
        return (
            f"kind {value!r} is unknown{nearest_name(value, list(EventKind))}; known: {', '.join(EventKind)}"
        )
    if error["type"] == "timezone_aware":
        return f"time {value!r} has no zone; write e.g. 2026-01-31T08:00:00+07:00"
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place} {value!r}: {message}" if place else message
