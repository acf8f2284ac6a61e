"""A file that is written whole or not at all: made under another name, on the disk, then renamed."""

import os
import unicodedata
from pathlib import Path

from phusong.errors import InputError, Problem

__all__ = ["checked_place", "write_whole"]

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
