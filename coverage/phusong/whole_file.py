"""A file that is written whole or not at all: made under another name, on the disk, then renamed."""

import os
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that no half of it is ever seen, and so that it outlives a power cut.

    Parameters
    ----------
    path : Path
        The file; its folder is made where there is none.
    content : bytes
        What it is to hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.part")
    try:
        with work.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        work.replace(path)
    finally:
        work.unlink(missing_ok=True)
