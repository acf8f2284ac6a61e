"""Files and folders written whole or not at all, locked."""

import errno
import glob
import hashlib
import os
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from phusong.errors import InputError, Problem

__all__ = ["alone_in", "checked_place", "try_place", "whole_folder", "write_whole"]

_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, bytes that are no text, line and paragraph ends


def checked_place(path: Path) -> Path:
    """Return where a path leads, aliases followed, if something can be written there and be named to people.

    Raises
    ------
    InputError
        If a name in it holds control characters or bytes that are no UTF-8, is too long, or leads in a circle.
    """
    shown = "".join(c if unicodedata.category(c) not in _UNSHOWN else "\ufffd" for c in str(path))
    if shown != str(path):
        told = (
            "has control characters, line breaks or bytes that are no UTF-8 in its name: no map, table or page could "
            "name it; choose another name"
        )
        raise InputError(Problem(shown, told))
    try:
        place = path.resolve()
        place.exists()
    except (OSError, RuntimeError) as error:  # RuntimeError: how older Pythons tell of links in a circle
        told = getattr(error, "strerror", None) or "symbolic links lead in a circle"
        raise InputError(Problem(str(path), f"cannot be written ({told}); name another place")) from None
    if place.is_symlink():
        raise InputError(
            Problem(str(path), "cannot be written (symbolic links lead in a circle); name another place")
        )
    return place


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that no half of it is ever seen, and so that it outlives a power cut.

    Parameters
    ----------
    path : Path
        The file; its folder is made where there is none.
    content : bytes
        What it is to hold.

    Raises
    ------
    InputError
        If nothing can be written there.
    """
    place = checked_place(path)
    work = place.with_name(f".{place.name}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with work.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            work.replace(place)
        finally:
            work.unlink(missing_ok=True)
    except OSError as error:
        told = f"cannot be written ({error.strerror or type(error).__name__}); what was there before is as it was"
        raise InputError(Problem(str(path), told)) from error


_DRAFT = ".draft-"
_OLD = "old"
_SIGN = "writing"
_TRIES = 8
_PROBE_FILES = 16
_PROBE_BYTES = 2**18  # of a disk on which a result can be tried
_TROUBLES = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EACCES,
    errno.EPERM,
)  # fmt: skip


def _nothing(_name: str) -> bool:
    return False


@contextmanager
def whole_folder(
    out: Path, *, kind: str, is_ours: Callable[[Path], bool], kept: Callable[[str], bool] = _nothing
) -> Iterator[Path]:
    """Give an empty folder to fill, and put it in the place of ``out`` when the block ends without an error.

    Nobody ever sees the folder half-written; after an error or a kill the earlier one is still there.

    Parameters
    ----------
    out : Path
        Where the folder is to be. A new or empty place, or a folder that an earlier call wrote, which is replaced.
    kind : str
        What the folder is, for people: ``"a region"``.
    is_ours : callable
        Whether an existing folder is of that kind and so may be replaced.
    kept : callable, optional
        Whether an entry of the earlier folder, by its name, is somebody else's and stays beside the new ones.

    Yields
    ------
    Path
        The empty folder to fill.

    Raises
    ------
    InputError
        If ``out`` holds other things, or nothing can be written there.

    Examples
    --------
    >>> place = Path(tempfile.mkdtemp()) / "notes"
    >>> with whole_folder(place, kind="a set of notes", is_ours=lambda p: (p / "notes.txt").is_file()) as folder:
    ...     _ = (folder / "notes.txt").write_text("Nà Hang")
    >>> [entry.name for entry in place.iterdir()]
    ['notes.txt']
    """
    out = checked_place(out)  # an alias of a folder stays one: what it points to is replaced
    _refuse_others(out, kind, is_ours, kept)
    with _draft(out) as draft:
        # a temporary folder is private; one made inside it gets the rights of any new folder
        new = draft / "new"
        new.mkdir()
        try:
            yield new
            _settle(new)
            _replace(new, out, draft / _OLD, kept)
        except Exception as error:
            trouble = _trouble(error, draft)
            if not trouble:
                raise
            raise InputError(
                Problem(str(out), f"cannot be written ({trouble}); what was there before is as it was")
            ) from error


def try_place(
    out: Path, *, kind: str, is_ours: Callable[[Path], bool], kept: Callable[[str], bool] = _nothing
) -> None:
    """Refuse what :func:`whole_folder` would refuse, before the long work whose outcome is to be written there.

    What killed writers left beside the place is put right and removed.

    Raises
    ------
    InputError
        If ``out`` holds other things, or nothing can be written there.
    """
    out = checked_place(out)
    _refuse_others(out, kind, is_ours, kept)
    with _draft(out) as draft:
        trouble = _disk_trouble(draft)
    if trouble:
        raise InputError(Problem(str(out), f"cannot be written ({trouble})"))


def _refuse_others(
    out: Path, kind: str, is_ours: Callable[[Path], bool], kept: Callable[[str], bool]
) -> None:
    try:
        _tidy(out, kept)
        empty = out.is_dir() and not any(out.iterdir())
    except OSError as error:
        raise InputError(Problem(str(out), f"cannot be read ({error.strerror or error})")) from error
    if out.exists() and not empty and not (out.is_dir() and is_ours(out)):
        raise InputError(
            Problem(str(out), f"exists and is not {kind}; name another folder, it is left as it is")
        )


@contextmanager
def _draft(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside ``out``, held by a lock that ends with the process, however it ends."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft, hold = _held_draft(out)
    except OSError as error:
        raise InputError(Problem(str(out), f"cannot be written ({error.strerror or error})")) from error
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        hold.release()


def _held_draft(out: Path) -> tuple[Path, FileLock]:
    for _ in range(_TRIES):
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}{_DRAFT}", dir=out.parent))
        hold = FileLock(draft / _SIGN)
        try:
            hold.acquire(timeout=0)
        except Timeout:
            continue  # somebody who tidies up took it for a left one in that moment
        except NotImplementedError:
            return draft, hold  # a disk without locks: nobody will take it for a left one either
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return draft, hold
    raise OSError(errno.EAGAIN, "others keep taking the place")


def _tidy(out: Path, kept: Callable[[str], bool]) -> None:
    """Remove the drafts of writers that were killed; the earlier folder comes back from one killed while replacing."""
    for draft in sorted(out.parent.glob(f".{glob.escape(out.name)}{_DRAFT}*")):
        hold = FileLock(draft / _SIGN)
        try:
            hold.acquire(timeout=0)
        except (Timeout, NotImplementedError, OSError):
            continue  # somebody is writing there, or it is not ours to change
        try:
            old = draft / _OLD
            if old.is_dir() and not out.exists():
                old.rename(out)
            elif old.is_dir():
                _keep_of_others(old, out, kept)
            shutil.rmtree(draft, ignore_errors=True)
        finally:
            hold.release()


def _settle(folder: Path) -> None:
    """Have the disk hold what was written before its name says that it is whole: the power may go at any time."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with (Path(parent) / name).open("rb+") as file:
                os.fsync(file.fileno())
        if os.name == "nt":
            continue  # there a folder cannot be opened
        handle = os.open(parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _replace(new: Path, out: Path, old: Path, kept: Callable[[str], bool]) -> None:
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        if not out.exists():
            old.rename(out)
        raise
    _keep_of_others(old, out, kept)


def _keep_of_others(old: Path, out: Path, kept: Callable[[str], bool]) -> None:
    for entry in sorted(old.iterdir()):
        if kept(entry.name) and not (out / entry.name).exists():
            entry.rename(out / entry.name)


def _trouble(error: BaseException, draft: Path) -> str:
    """Return what is wrong with the disk or the process's limits; empty when the error is another's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _TROUBLES:
            return os.strerror(cause.errno)
        cause = cause.__cause__ or cause.__context__
    # libraries that write files have errors of their own: whether the disk is to blame, the disk can say
    return "" if isinstance(error, InputError) else _disk_trouble(draft) or _limit_trouble(draft)


def _limit_trouble(draft: Path) -> str:
    """Return what is wrong when not even the files that a library opens at once can be opened."""
    held: list[int] = []
    try:
        for _ in range(_PROBE_FILES):
            held.append(os.open(draft / _SIGN, os.O_RDONLY | os.O_CREAT))
    except OSError as error:
        return error.strerror or type(error).__name__
    finally:
        for handle in held:
            os.close(handle)
    return ""


def _disk_trouble(draft: Path) -> str:
    try:
        with (draft / "probe").open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or type(error).__name__
    (draft / "probe").unlink(missing_ok=True)
    return ""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold a folder for this run; the lock lies in the user's cache and ends with the process, however it ends.

    Raises
    ------
    InputError
        If another run on this machine holds it, or nothing can be written there.
    """
    place = checked_place(folder)
    mark = hashlib.blake2b(str(place).encode(), digest_size=16).hexdigest()
    locks = user_cache_path("phusong") / "locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
        lock = FileLock(locks / f"{mark}.lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            Problem(str(folder), "is being written by another run; wait for it, or name another folder")
        ) from None
    except (OSError, NotImplementedError):
        # nowhere to put a lock: a read-only home is no reason not to run
        yield
        return
    try:
        yield
    finally:
        lock.release()
