"""Resumable, bounded transfer of one file over http."""

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import requests
import urllib3

from phusong.data.catalogue import next_hop, shown
from phusong.errors import plural

__all__ = [
    "BusyError",
    "PartialDownload",
    "Progress",
    "TransferError",
    "TransferLimits",
    "alone",
    "transfer",
]


class BusyError(Exception):
    """Another process is fetching the same file."""


@dataclass(frozen=True)
class PartialDownload:
    """The half-fetched file, and what the server said of it: only the same version is added to.

    Parameters
    ----------
    path : Path
        The file; beside it stands a note of the address and of the version.
    """

    path: Path

    @property
    def note(self) -> Path:
        """Where the note is."""
        return self.path.with_name(self.path.name + ".json")

    def have(self) -> int:
        """Return how many bytes are here."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def validator(self, url: str) -> str:
        """Return what tells the version of the bytes that are here; empty where nobody knows."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        known = isinstance(note, dict) and note.get("url") == shown(url)
        return str(note.get("validator", "")) if known else ""

    def begin(self, url: str, validator: str) -> None:
        """Begin anew with a version."""
        self.path.unlink(missing_ok=True)
        self.note.write_text(json.dumps({"url": shown(url), "validator": validator}), encoding="utf-8")

    def drop(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


@contextmanager
def alone(part: Path) -> Iterator[None]:
    """Keep two processes from writing the same half-fetched file, where the system can.

    Raises
    ------
    BusyError
        If another one is at it.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ImportError:
        yield
        return
    guard = part.with_name(part.name + ".lock")
    with guard.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # the one before may have removed the file between opening and locking
            ours = guard.stat().st_ino == os.fstat(held.fileno()).st_ino
        except OSError:
            ours = False
        if not ours:
            raise BusyError
        try:
            yield
        finally:
            guard.unlink(missing_ok=True)


Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes there are, None where the server does not say."""

_CHUNK = 1 << 18
_RETRY = urllib3.Retry(status_forcelist=(408, 425, 429, 500, 502, 503, 504))
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OFF = "try again later, through another network, or from a mirror with --base-url"


@dataclass(frozen=True)
class TransferLimits:
    """How long and how much a transfer may take.

    Parameters
    ----------
    connect_s, read_s : float
        Longest wait for a connection, and for the next bytes. [s]
    attempts : int
        Attempts in a row that bring nothing new; ten times as many in all.
    pause_s, longest_pause_s : float
        First pause between attempts, doubled each time up to the longest. [s]
    redirects : int
        Longest chain of redirections.
    most_bytes : int
        Larger files are refused.
    spare_bytes : int
        Space on the disk that must stay free.
    sleep, share : callable
        How to pause, and which share of a pause to take (0 to 1, so that clients spread out).
    """

    connect_s: float = 15.0
    read_s: float = 45.0
    attempts: int = 5
    pause_s: float = 1.0
    longest_pause_s: float = 60.0
    redirects: int = 5
    most_bytes: int = 50_000_000_000
    spare_bytes: int = 200_000_000
    sleep: Callable[[float], None] = time.sleep
    share: Callable[[], float] = field(default=random.random)


class TransferError(Exception):
    """A transfer that failed: the cause, what to do, and whether another attempt may help.

    Parameters
    ----------
    cause, remedy : str
        In words for the user, without secrets.
    status : int
        Status the server gave, 0 for none.
    again : bool
        Another attempt may help.
    wait_s : float
        Pause the server asked for. [s]
    network : bool
        The network or the server failed, not what was asked for; as `again` when left out.
    """

    def __init__(
        self,
        cause: str,
        remedy: str = _OFF,
        *,
        status: int = 0,
        again: bool = False,
        wait_s: float = 0.0,
        network: bool | None = None,
    ) -> None:
        super().__init__(f"{cause}; {remedy}")
        self.cause, self.remedy, self.status, self.again, self.wait_s = cause, remedy, status, again, wait_s
        self.network = again if network is None else network


def transfer(
    url: str,
    target: Path,
    *,
    limits: TransferLimits | None = None,
    raw_gzip: bool = False,
    progress: Progress | None = None,
) -> None:
    """Bring a file to ``target``; what a broken attempt brought stays in ``target.part`` and is resumed.

    Parameters
    ----------
    url : str
        An http or https address.
    target : Path
        Where the whole file goes, under that name only once it is whole.
    limits : TransferLimits, optional
        Times, attempts and sizes.
    raw_gzip : bool
        The file itself is gzip, so a gzip transfer encoding is the file and is kept.
    progress : callable, optional
        See :data:`Progress`.

    Raises
    ------
    TransferError
        If it could not be had.
    """
    bounds = TransferLimits() if limits is None else limits
    part = PartialDownload(target.with_name(target.name + ".part"))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with alone(part.path), requests.Session() as session:
            _until_whole(session, url, part, bounds, raw_gzip=raw_gzip, progress=progress)
            part.path.replace(target)
            part.drop()
    except BusyError:
        raise TransferError("another phusong is fetching it now", "wait for it") from None


def _until_whole(
    session: requests.Session,
    url: str,
    part: PartialDownload,
    bounds: TransferLimits,
    *,
    raw_gzip: bool,
    progress: Progress | None,
) -> None:
    session.headers["User-Agent"] = "phusong (open coverage planning)"
    # the bytes of the file, not a packed form of them: only those can be resumed
    session.headers["Accept-Encoding"] = "identity"
    most, all_attempts = part.have(), 10 * bounds.attempts
    retry = _RETRY.new(
        total=all_attempts,
        other=bounds.attempts - 1,
        backoff_factor=bounds.pause_s,
        backoff_max=bounds.longest_pause_s,
    ).increment()  # the first request
    while True:
        try:
            _attempt(session, url, part, bounds, raw_gzip=raw_gzip, progress=progress)
        except TransferError as error:
            if not error.again:
                raise
            if part.have() > most:
                most = part.have()
                retry = retry.new(other=bounds.attempts, history=())
            try:
                retry = retry.increment(error=error)
            except urllib3.exceptions.MaxRetryError:
                raise TransferError(
                    f"{error.cause} ({plural(all_attempts - (retry.total or 0), 'attempt')})",
                    error.remedy,
                    status=error.status,
                    network=error.network,
                ) from None
            pause = max(bounds.pause_s, retry.get_backoff_time())
            # at least half of it, so that the pauses still grow
            pause *= 0.5 + 0.5 * bounds.share()
            bounds.sleep(max(pause, min(error.wait_s, bounds.longest_pause_s)))
        else:
            return


def _attempt(
    session: requests.Session,
    url: str,
    part: PartialDownload,
    limits: TransferLimits,
    *,
    raw_gzip: bool,
    progress: Progress | None,
) -> None:
    have, validator = part.have(), part.validator(url)
    headers = {}
    if have and validator:
        headers = {"Range": f"bytes={have}-", "If-Range": validator}
    with _open(session, url, headers, limits) as answer:
        if answer.status_code == 416 and have and _whole_size(answer) == have:
            return  # everything was here already
        if answer.status_code == 416:
            part.drop()
            raise TransferError("the server no longer has that part of the file", again=True)
        if answer.status_code not in {200, 206}:
            _refuse_status(answer)
        packed = answer.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}
        decode = packed and not (raw_gzip and "gzip" in answer.headers["Content-Encoding"].lower())
        if answer.status_code == 206 and (decode or not _continues(answer, have, validator)):
            part.drop()
            raise TransferError("the file changed at the server while it was fetched", again=True)
        if answer.status_code == 200:
            have = 0
            part.begin(url, "" if decode else _validator_of(answer))
        whole = None if decode else _size_of(answer, have)
        _check_room(part.path.parent, have, whole, limits)
        have = _write(answer, part, have, whole, limits, decode=decode, progress=progress)
        if whole is not None and have != whole:
            raise TransferError(f"the connection ended after {have:,} of {whole:,} bytes", again=True)
        if have == 0:
            raise TransferError("the server sent an empty file", again=True)


@contextmanager
def _open(
    session: requests.Session, url: str, headers: dict[str, str], limits: TransferLimits
) -> Iterator[requests.Response]:
    """Open an address, following redirections one by one; every failure of the network is a TransferError."""
    try:
        for _ in range(limits.redirects + 1):
            answer = session.get(
                url,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(limits.connect_s, limits.read_s),
            )
            if answer.status_code not in _REDIRECTS or "Location" not in answer.headers:
                with answer:
                    yield answer
                return
            answer.close()
            following = next_hop(url, answer.headers["Location"])
            if following is None:
                raise TransferError(
                    f"the server leads on to {shown(answer.headers['Location'])}, which is not followed (only "
                    "https, or http from http)",
                    "look for the file's new address and give it with --url",
                )
            url = following
        raise TransferError(
            f"the server leads in a circle (more than {limits.redirects} redirections)",
            "look for the file's new address and give it with --url",
        )
    except requests.exceptions.SSLError as error:
        raise TransferError(
            f"the server's certificate is not trusted ({_reason(error)})",
            "check the clock and the proxy; REQUESTS_CA_BUNDLE names a file of further certificates",
            network=True,
        ) from None
    except requests.exceptions.ProxyError as error:
        raise TransferError(
            f"the proxy refused ({_reason(error)})", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY", again=True
        ) from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
        raise TransferError("the server fell silent", again=True) from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise TransferError(f"the address is wrong ({_reason(error)})", "correct it") from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise TransferError(f"the connection failed ({_reason(error)})", again=True) from None


def _write(
    answer: requests.Response,
    part: PartialDownload,
    have: int,
    whole: int | None,
    limits: TransferLimits,
    *,
    decode: bool,
    progress: Progress | None,
) -> int:
    try:
        with part.path.open("ab") as out:
            for chunk in _chunks(answer, decode=decode):
                out.write(chunk)
                have += len(chunk)
                if have > limits.most_bytes:
                    raise _too_large(have, limits)
                if progress is not None:
                    progress(have, whole)
    except OSError as error:
        raise TransferError(
            f"the file cannot be written ({error.strerror or error})", "free the disk or use --cache"
        ) from None
    except (urllib3.exceptions.IncompleteRead, urllib3.exceptions.ProtocolError):
        there = part.have()
        raise TransferError(
            f"the connection ended after {there:,}{'' if whole is None else f' of {whole:,}'} bytes",
            again=True,
        ) from None
    return have


def _chunks(answer: requests.Response, *, decode: bool) -> Iterator[bytes]:
    """Yield the body as it arrives, so that what came before a stall is kept."""
    if decode:
        yield from answer.raw.stream(_CHUNK, decode_content=True)
        return
    while chunk := answer.raw.read1(_CHUNK, decode_content=False):
        yield chunk


def _refuse_status(answer: requests.Response) -> NoReturn:
    status = answer.status_code
    said = f"the server answered {status} {answer.reason or ''}".rstrip()
    wait = answer.headers.get("Retry-After", "")
    if _RETRY.is_retry("GET", status, has_retry_after=bool(wait)):
        raise TransferError(said, status=status, again=True, wait_s=_wait_s(wait))
    remedies = {
        401: "it asks for a user: check the token, or fetch the file by hand",
        403: "it refuses: check the token and the licence, or fetch the file by hand",
        404: "the file has moved: look at the source's page and give the new address with --url",
        410: "the file is gone: look at the source's page",
    }
    raise TransferError(said, remedies.get(status, _OFF), status=status)


def _wait_s(stated: str) -> float:
    """Return the pause a server asks for, in seconds or as a date; 0 where it is neither. [s]"""
    try:
        return _RETRY.parse_retry_after(stated)
    except (urllib3.exceptions.InvalidHeader, ValueError, OverflowError):
        return 0.0


def _continues(answer: requests.Response, have: int, validator: str) -> bool:
    unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
    first = _number(rest.partition("-")[0])
    said = _validator_of(answer)
    return unit == "bytes" and first == have and said in {validator, ""}


def _validator_of(answer: requests.Response) -> str:
    """Return what tells one version of the file from another; weak tags do not."""
    tag = answer.headers.get("ETag", "")
    return answer.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


def _size_of(answer: requests.Response, have: int) -> int | None:
    """Return the size of the whole file; a server may send less than was asked for, so its total counts."""
    length = _number(answer.headers.get("Content-Length"))
    if answer.status_code == 206:
        return _whole_size(answer) or (None if length is None else have + length)
    return length


def _whole_size(answer: requests.Response) -> int | None:
    return _number(answer.headers.get("Content-Range", "").rpartition("/")[2])


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() and len(text) < 19 else None


def _check_room(folder: Path, have: int, whole: int | None, limits: TransferLimits) -> None:
    if whole is None:
        return
    if whole > limits.most_bytes:
        raise _too_large(whole, limits)
    free = shutil.disk_usage(folder).free
    if whole - have + limits.spare_bytes > free:
        raise TransferError(
            f"{whole - have:,} bytes are to come and {free:,} are free in {folder}",
            "free the disk, or choose another place with --cache",
        )


def _too_large(size: int, limits: TransferLimits) -> TransferError:
    return TransferError(
        f"the file has {size:,} bytes or more, above the limit of {limits.most_bytes:,}",
        "raise the limit with --most-gb if that is right",
    )


def _reason(error: BaseException) -> str:
    """Return the innermost cause in a few words, without the address that libraries repeat."""
    inner: Any = error
    while True:
        deeper = (
            inner.__cause__
            or getattr(inner, "reason", None)
            or next((a for a in inner.args if isinstance(a, BaseException)), None)
        )
        if not isinstance(deeper, BaseException):
            break
        inner = deeper
    words = getattr(inner, "strerror", None) or type(inner).__name__
    return str(words)[:120]
