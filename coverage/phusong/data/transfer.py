"""One file over HTTP, whole or not at all: resumed, retried with growing pauses, bounded in time and size."""

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

from phusong.data.address import next_hop, shown
from phusong.data.part import BusyError, Part, alone

__all__ = ["Limits", "Progress", "TransferError", "transfer"]

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes there are, None where the server does not say."""

_CHUNK = 1 << 18
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OFF = "try again later, through another network, or from a mirror with --base-url"


@dataclass(frozen=True)
class Limits:
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
    """

    def __init__(
        self, cause: str, remedy: str = _OFF, *, status: int = 0, again: bool = False, wait_s: float = 0.0
    ) -> None:
        super().__init__(f"{cause}; {remedy}")
        self.cause, self.remedy, self.status, self.again, self.wait_s = cause, remedy, status, again, wait_s


def transfer(
    url: str,
    target: Path,
    *,
    limits: Limits | None = None,
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
    limits : Limits, optional
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
    bounds = Limits() if limits is None else limits
    part = Part(target.with_name(target.name + ".part"))
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
    part: Part,
    bounds: Limits,
    *,
    raw_gzip: bool,
    progress: Progress | None,
) -> None:
    session.headers["User-Agent"] = "phusong (open coverage planning)"
    # the bytes of the file, not a packed form of them: only those can be resumed
    session.headers["Accept-Encoding"] = "identity"
    most, idle, total = part.have(), 0, 0
    while True:
        try:
            _attempt(session, url, part, bounds, raw_gzip=raw_gzip, progress=progress)
        except TransferError as error:
            total += 1
            idle = 0 if part.have() > most else idle + 1
            most = max(most, part.have())
            if not error.again:
                raise
            if idle >= bounds.attempts or total >= 10 * bounds.attempts:
                raise TransferError(
                    f"{error.cause} ({total} attempts)", error.remedy, status=error.status
                ) from None
            pause = min(bounds.longest_pause_s, bounds.pause_s * 2.0 ** min(idle, 16))
            # at least half of it, so that the pauses still grow
            pause *= 0.5 + 0.5 * bounds.share()
            bounds.sleep(max(pause, min(error.wait_s, bounds.longest_pause_s)))
        else:
            return


def _attempt(
    session: requests.Session,
    url: str,
    part: Part,
    limits: Limits,
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
    session: requests.Session, url: str, headers: dict[str, str], limits: Limits
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
    part: Part,
    have: int,
    whole: int | None,
    limits: Limits,
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
    if status in _AGAIN:
        raise TransferError(
            said, status=status, again=True, wait_s=float(_number(answer.headers.get("Retry-After")) or 0)
        )
    remedies = {
        401: "it asks for a user: check the token, or fetch the file by hand",
        403: "it refuses: check the token and the licence, or fetch the file by hand",
        404: "the file has moved: look at the source's page and give the new address with --url",
        410: "the file is gone: look at the source's page",
    }
    raise TransferError(said, remedies.get(status, _OFF), status=status)


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


def _check_room(folder: Path, have: int, whole: int | None, limits: Limits) -> None:
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


def _too_large(size: int, limits: Limits) -> TransferError:
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
