"""Checked downloads into a cache on top of pooch, with a lock of checksums."""

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pooch

from phusong.data.catalogue import (
    Bounds,
    DataSource,
    Tile,
    checked_url,
    file_name,
    filled,
    format_problem,
    rebased,
    shown,
    tiles_of,
    token_of,
)
from phusong.data.transfer import Progress, TransferError, TransferLimits, transfer
from phusong.errors import InputError, PhusongError, Problem
from phusong.io.atomic import write_whole

__all__ = [
    "CACHE_ENV",
    "Fetched",
    "Lock",
    "NetworkError",
    "default_cache",
    "fetch",
    "parse_checksum",
    "published_checksum",
]


class NetworkError(PhusongError):
    """A network or a server that did not answer as it should: nothing that was given is wrong."""


_VERSION = 1


@dataclass(frozen=True)
class Lock:
    """What was fetched, by ``source/file``.

    Parameters
    ----------
    path : Path
        The file; it need not exist.
    files : mapping
        ``sha256``, ``bytes`` and ``url`` of each file.
    """

    path: Path
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, path: Path) -> "Lock":
        """Return the lock in a file, or an empty one when there is none.

        Raises
        ------
        InputError
            If the file is there and is no lock.
        """
        if not path.exists():
            return cls(path)
        try:
            tree = json.loads(path.read_text(encoding="utf-8"))
            files = {str(k): {**v, "sha256": str(v["sha256"])} for k, v in tree["files"].items()}
            version = tree["version"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(
                Problem(str(path), f"is no lock file of fetched data ({error}); move it away to start anew")
            ) from None
        if version != _VERSION:
            raise InputError(Problem(str(path), f"is of version {version}, not {_VERSION}; move it away"))
        return cls(path, MappingProxyType(files))

    def sha256(self, key: str) -> str:
        """Return the digest of a file as it was first fetched; empty when it never was."""
        return str(self.files[key]["sha256"]) if key in self.files else ""

    def with_file(self, key: str, sha256: str, size: int, url: str) -> "Lock":
        """Return a lock that knows one file more."""
        entry = {"sha256": sha256, "bytes": size, "url": url}
        return Lock(self.path, MappingProxyType({**self.files, key: entry}))

    def write(self) -> None:
        """Write the file in one piece, the same bytes for the same content."""
        tree = {"version": _VERSION, "files": {k: dict(v) for k, v in self.files.items()}}
        text = json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_whole(self.path, text.encode())


_MOST_BYTES = 1_000_000
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}


def published_checksum(
    source: DataSource, name: str, limits: TransferLimits | None, *, url: str | None, base_url: str | None
) -> str:
    """Return the publisher's checksum of a file as ``algorithm:digest``; empty when there is none.

    Parameters
    ----------
    source : DataSource
        The source; its own checksum comes first.
    name : str
        Name of the file.
    limits : TransferLimits, optional
        Times and attempts for the file of the checksum.
    url, base_url : str, optional
        Where the file is fetched from instead: a mirror is asked for the checksum too, another address is not.

    Raises
    ------
    InputError
        If the checksum stands beside the file and the address does not give it.
    NetworkError
        If the network or the server failed.
    """
    if source.checksum or not source.checksum_url or url is not None:
        return source.checksum
    address = source.checksum_url if base_url is None else rebased(source.checksum_url, base_url)
    bounds = replace(TransferLimits() if limits is None else limits, most_bytes=_MOST_BYTES)
    with tempfile.TemporaryDirectory(prefix="phusong-") as folder:
        place = Path(folder) / "checksum"
        try:
            transfer(address, place, limits=bounds)
        except TransferError as error:
            failure = Problem(
                f"{source.name} {shown(address)}",
                f"the publisher's checksum could not be fetched: {error.cause}; {error.remedy}",
            )
            raise _refused(failure, error) from None
        found = parse_checksum(place.read_bytes().decode("utf-8", errors="replace"), name)
    if not found:
        raise InputError(
            Problem(f"{source.name} {shown(address)}", f"states no checksum of {name}; is it another page?")
        )
    return found


def parse_checksum(text: str, name: str) -> str:
    """Return the checksum of a file stated in ``digest  name`` lines or in a Zenodo record; empty if none.

    Examples
    --------
    >>> parse_checksum("d41d8cd98f00b204e9800998ecf8427e  a.osm.pbf", "a.osm.pbf")
    'md5:d41d8cd98f00b204e9800998ecf8427e'
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, dict):
        files = record.get("files")
        for entry in files if isinstance(files, list) else []:
            if isinstance(entry, dict) and entry.get("key") == name:
                stated = str(entry.get("checksum", "")).lower()
                algorithm, _, digest = stated.partition(":")
                right = _ALGORITHMS.get(len(digest)) == algorithm and re.fullmatch("[0-9a-f]+", digest)
                return stated if right else ""
        return ""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    # md5sum writes a star before the name of a file read as bytes
    named = [words for words in lines if len(words) == 2 and words[1].lstrip("*").rpartition("/")[2] == name]
    alone = lines if len(lines) == 1 and len(lines[0]) == 1 else []
    for words in named or alone:
        digest = words[0].lower()
        if len(digest) in _ALGORITHMS and re.fullmatch("[0-9a-f]+", digest):
            return f"{_ALGORITHMS[len(digest)]}:{digest}"
    return ""


CACHE_ENV = "PHUSONG_CACHE"
"""Environment variable that names another cache folder."""

_NO_TILE = frozenset({403, 404})  # a bucket that may not be listed says 403 for what is not there
_TRIES = 3


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought.

    Parameters
    ----------
    source : DataSource
        The source.
    files : tuple of Path
        The files in the cache, one a tile for tiles.
    sha256 : mapping of str to str
        Digest of each file by its name.
    changed : tuple of str
        Names of files that differ from the last time, taken because it was asked for.
    absent : tuple of str
        Tiles that do not exist (sea).
    """

    source: DataSource
    files: tuple[Path, ...]
    sha256: Mapping[str, str]
    changed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Wish:
    """One file to fetch: address with and without the token, name, and tile if it is one."""

    url: str
    public_url: str
    name: str
    tile: Tile | None


def default_cache() -> Path:
    """Return the cache folder: ``PHUSONG_CACHE``, or the place the system keeps caches in."""
    return Path(str(pooch.create(path=pooch.os_cache("phusong"), base_url="", env=CACHE_ENV).path))


def fetch(
    source: DataSource,
    *,
    bounds: Bounds | None = None,
    cache: Path | None = None,
    lock: Path | None = None,
    offline: bool = False,
    refresh: bool = False,
    url: str | None = None,
    base_url: str | None = None,
    limits: TransferLimits | None = None,
    progress: Callable[[str], Progress] | None = None,
) -> Fetched:
    """Return the files of a source, from the cache where they are there unchanged.

    Parameters
    ----------
    source : DataSource
        What to fetch.
    bounds : Bounds, optional
        The box, needed for tiles.
    cache : Path, optional
        Cache folder; :func:`default_cache` when left out.
    lock : Path, optional
        File that remembers the SHA-256 of what was fetched; phusong-data.lock in the cache when left out.
    offline : bool
        Use the cache only.
    refresh : bool
        Fetch again and take what differs from the last time.
    url, base_url : str, optional
        Another address of the file (``{tile}`` and ``{band}`` are filled in), or a mirror with the same paths.
    limits : TransferLimits, optional
        Times, attempts and sizes.
    progress : callable, optional
        Called with a file's name; returns what is told of its bytes.

    Raises
    ------
    InputError
        If the source is fetched by hand, a token or a box is missing, or what the address gives is not the file.
    NetworkError
        If the network or the server failed; what had come stays beside the cache and is resumed.
    """
    if source.access == "by hand" and url is None and base_url is None:
        raise InputError(
            Problem(source.name, f"is fetched by hand: see {source.page}. {source.notes}".strip())
        )
    folder = (default_cache() if cache is None else cache) / source.name
    if not offline:
        _make(folder)
    known = Lock.read(folder.parent / "phusong-data.lock" if lock is None else lock)
    files, digests, changed, absent = [], {}, [], []
    for wish in _wishes(source, bounds, url, base_url, offline=offline):
        key = f"{source.name}/{wish.name}"
        before = known.sha256(key)
        try:
            path = _cached(folder, wish, before) if not refresh else None
            if path is None:
                if offline:
                    raise InputError(
                        Problem(
                            source.name,
                            f"{wish.name} is not in the cache {folder}, or not as it was first fetched; fetch "
                            "it once without --offline",
                        )
                    )
                path = _download(
                    source, wish, folder, "" if refresh else before, limits, url=url, base_url=base_url,
                    progress=None if progress is None else progress(wish.name),
                )  # fmt: skip
        except TransferError as error:
            if source.sea_has_no_tile and error.status in _NO_TILE and wish.tile is not None:
                absent.append(wish.tile.tile)
                continue
            raise _refused(_failure(source, wish, folder, error), error) from None
        digest = pooch.file_hash(str(path), alg="sha256")
        if before not in {"", digest}:
            changed.append(wish.name)
        known = known.with_file(key, digest, path.stat().st_size, wish.public_url)
        files.append(path)
        digests[wish.name] = digest
    if not files:
        raise InputError(
            Problem(
                source.name,
                f"has no tile in this box ({', '.join(absent)}); is it all sea, or the box wrong?",
            )
        )
    if not offline:
        known.write()
    return Fetched(source, tuple(files), digests, tuple(changed), tuple(absent))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            Problem(str(folder), f"cannot be made ({error.strerror}); name another place with --cache")
        ) from None


def _wishes(
    source: DataSource, bounds: Bounds | None, url: str | None, base_url: str | None, *, offline: bool
) -> list[_Wish]:
    template = source.url if url is None else checked_url(url, "--url")
    if base_url is not None and url is None:
        template = rebased(template, checked_url(base_url, "--base-url"))
    tiles: tuple[Tile | None, ...] = (None,)
    if source.tiles and "{tile}" in template:
        if bounds is None:
            raise InputError(
                Problem(source.name, "comes in tiles: say which with --region DIR or --bbox W,S,E,N")
            )
        tiles = tiles_of(source.tiles, bounds)
    token = token_of(source) if "{token}" in template and not offline else ""
    named = source if url is None else source.model_copy(update={"file": ""})
    out = []
    for tile in tiles:
        public = shown(filled(template, tile, "…"))
        address = filled(template, tile, token)
        out.append(_Wish(address, public, file_name(named, address), tile))
    return out


def _cached(folder: Path, wish: _Wish, before: str) -> Path | None:
    """Return a file of the cache that is still what it was, or None."""
    path = folder / wish.name
    if not path.is_file() or not before:
        return None
    return path if pooch.file_hash(str(path), alg="sha256") == before else None


def _download(
    source: DataSource,
    wish: _Wish,
    folder: Path,
    before: str,
    limits: TransferLimits | None,
    *,
    url: str | None,
    base_url: str | None,
    progress: Progress | None,
) -> Path:
    """Return the file, fetched anew; it takes its name only when its checksum and its kind are right."""
    fresh = f"{wish.name}.new"
    for attempt in range(1, _TRIES + 1):
        stated = published_checksum(source, wish.name, limits, url=url, base_url=base_url)
        expected = stated or (f"sha256:{before}" if before else None)
        (folder / fresh).unlink(missing_ok=True)
        registry = pooch.create(
            path=folder, base_url="", registry={fresh: expected}, urls={fresh: wish.public_url}
        )
        carry = _Carrier(wish.url, folder / wish.name, source.format, limits, progress)
        try:
            got = Path(registry.fetch(fresh, downloader=carry))
        except ValueError:
            # pooch found another checksum: damaged on the way, or another file
            if stated and attempt < _TRIES:
                continue
            raise _other_file(source, wish, stated, before) from None
        path = got.with_name(wish.name)
        got.replace(path)
        return path
    raise AssertionError("the last attempt returns or raises")


@dataclass(frozen=True)
class _Carrier:
    """What pooch calls to bring a file: our transfer, and a look at what it is."""

    url: str
    target: Path
    format: str
    limits: TransferLimits | None
    progress: Progress | None

    def __call__(self, _url: str, output_file: Any, _pooch: Any) -> None:  # noqa: ANN401 - pooch's protocol
        place = self.target.with_name(f"{self.target.name}.whole")
        transfer(
            self.url,
            place,
            limits=self.limits,
            raw_gzip=self.format.endswith("gz"),
            progress=self.progress,
        )
        wrong = format_problem(place, self.format)
        if wrong:
            place.unlink()
            raise TransferError(
                f"what came {wrong}",
                "open the address in a browser: a login, a notice or an error page may stand before the file",
            )
        place.replace(output_file)


def _other_file(source: DataSource, wish: _Wish, stated: str, before: str) -> InputError:
    if stated:
        what = (
            f"came {_TRIES} times with another checksum than the publisher states ({stated}): damaged or "
            "exchanged on the way; nothing was kept. Try another network or mirror"
        )
    else:
        what = (
            f"is no longer the file that was first fetched (sha256 {before}): the publisher changed it, or it "
            "was damaged; --refresh takes the new one"
        )
    return InputError(Problem(f"{source.name} {wish.public_url}", what))


def _refused(failure: Problem, error: TransferError) -> PhusongError:
    return NetworkError(str(failure)) if error.network else InputError(failure)


def _failure(source: DataSource, wish: _Wish, folder: Path, error: TransferError) -> Problem:
    part = folder / f"{wish.name}.whole.part"
    kept = (
        f". {part.stat().st_size:,} bytes are kept; the same command goes on from there"
        if part.is_file()
        else ""
    )
    return Problem(
        f"{source.name} {wish.public_url}", f"could not be fetched: {error.cause}; {error.remedy}{kept}"
    )
