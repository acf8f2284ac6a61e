"""From the catalogue to the cache: fetched once, checked against the publisher or against the first time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch

from phusong.data.address import checked_url, file_name, filled, rebased, shown, token_of
from phusong.data.catalogue import DataSource
from phusong.data.formats import format_problem
from phusong.data.lock import Lock
from phusong.data.publisher import published_checksum
from phusong.data.tiles import Bounds, Tile, tiles_of
from phusong.data.transfer import Limits, Progress, TransferError, transfer
from phusong.errors import InputError, Problem

__all__ = ["CACHE_ENV", "Fetched", "default_cache", "fetch"]

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
    limits: Limits | None = None,
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
    limits : Limits, optional
        Times, attempts and sizes.
    progress : callable, optional
        Called with a file's name; returns what is told of its bytes.

    Raises
    ------
    InputError
        If the source is fetched by hand, a token or a box is missing, or a file could not be had whole and
        unchanged; what had come stays beside the cache and is resumed.
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
            raise InputError(_failure(source, wish, folder, error)) from None
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
    limits: Limits | None,
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
    limits: Limits | None
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
