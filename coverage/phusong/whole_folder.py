"""A folder that is written whole or not at all: made under another name beside its place, then renamed."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from phusong.errors import InputError, Problem

__all__ = ["whole_folder"]


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
    # an alias of a folder stays one: what it points to is replaced
    out = out.resolve()
    empty = out.is_dir() and not any(out.iterdir())
    if out.exists() and not empty and not (out.is_dir() and is_ours(out)):
        raise InputError(
            Problem(str(out), f"exists and is not {kind}; name another folder, it is left as it is")
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.draft-", dir=out.parent))
    except OSError as error:
        raise InputError(Problem(str(out), f"cannot be written ({error.strerror})")) from error
    try:
        # a temporary folder is private; one made inside it gets the rights of any new folder
        new = draft / "new"
        new.mkdir()
        yield new
        _replace(new, out, draft / "old", kept)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace(new: Path, out: Path, old: Path, kept: Callable[[str], bool]) -> None:
    if not out.exists():
        new.rename(out)
        return
    out.rename(old)
    try:
        new.rename(out)
    except OSError:
        old.rename(out)
        raise
    for entry in sorted(old.iterdir()):
        if kept(entry.name) and not (out / entry.name).exists():
            entry.rename(out / entry.name)
