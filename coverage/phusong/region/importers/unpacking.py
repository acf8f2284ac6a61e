"""Rasters and data bases as publishers pack them: folders, .zip and .gz, opened without writing outside."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from phusong.errors import InputError, Problem, refuse
from phusong.region.archive import MOST_BYTES

__all__ = ["unpacked_files"]

_BLOCK = 1 << 20
_SYMLINK = 0o120000


@contextmanager
def unpacked_files(files: Sequence[Path], endings: tuple[str, ...]) -> Iterator[list[Path]]:
    """Give files of certain endings, from the files themselves, folders, .zip archives and .gz files.

    What is packed is unpacked into a folder that lasts as long as the context.

    Parameters
    ----------
    files : sequence of Path
        What the user gave.
    endings : tuple of str
        Endings wanted, such as ``.tif``.

    Raises
    ------
    InputError
        Naming every file that does not exist, holds nothing of use, is broken, or leads out of its archive.
    """
    problems: list[Problem] = []
    found: list[Path] = []
    with ExitStack() as stack:
        for number, path in enumerate(files):
            try:
                found += _found(path, endings, number, stack)
            except InputError as error:
                problems += error.problems
        refuse(problems)
        yield found


def _found(path: Path, endings: tuple[str, ...], number: int, stack: ExitStack) -> list[Path]:
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in endings and p.is_file())
        if not inside:
            raise InputError(Problem(path.name, f"holds no file of use ({', '.join(endings)})"))
        return inside
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    ending = path.suffix.lower()
    if ending not in {".zip", ".gz"}:
        if ending not in endings:
            told = f"is of an unknown kind; expected one of {', '.join((*endings, '.zip', '.gz'))}"
            raise InputError(Problem(path.name, told))
        return [path]
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="phusong-"))) / str(number)
    folder.mkdir()
    return (_from_zip if ending == ".zip" else _from_gzip)(path, folder, endings)


def _from_zip(path: Path, folder: Path, endings: tuple[str, ...]) -> list[Path]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            refuse(_unsafe(members, path.name))
            out = [
                p
                for p in _extracted(archive, members, folder, endings, path.name)
                if p.suffix.lower() in endings
            ]
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - a broken archive makes zipfile raise anything
        told = f"is no readable zip archive, or is cut off: {str(error)[:120]}"
        raise InputError(Problem(path.name, told)) from None
    if not out:
        raise InputError(Problem(path.name, f"holds no file of use ({', '.join(endings)})"))
    return out


def _extracted(
    archive: zipfile.ZipFile,
    members: Sequence[zipfile.ZipInfo],
    folder: Path,
    endings: tuple[str, ...],
    where: str,
) -> Iterator[Path]:
    """Write the members of use and what lies beside them under the same name (the parts of a shapefile)."""
    stems: dict[tuple[PurePosixPath, str], int] = {}
    for member in members:
        name = PurePosixPath(member.filename)
        if name.suffix.lower() in endings:
            stems.setdefault((name.parent, name.stem), len(stems))
    left = MOST_BYTES
    for member in members:
        name = PurePosixPath(member.filename)
        place = stems.get((name.parent, name.stem))
        if place is None:
            continue
        # a folder of our own for each, so that no two members meet; tiles keep their name, which says where they lie
        target = folder / str(place) / name.name
        target.parent.mkdir(exist_ok=True)
        with archive.open(member) as source:
            left -= _copy(source, target, left, where)
        yield target


def _from_gzip(path: Path, folder: Path, endings: tuple[str, ...]) -> list[Path]:
    target = folder / path.stem
    if target.suffix.lower() not in endings:
        raise InputError(
            Problem(path.name, f"holds no file of use ({', '.join(e + '.gz' for e in endings)})")
        )
    try:
        with gzip.open(path) as source:
            _copy(source, target, MOST_BYTES, path.name)
    except (OSError, EOFError, zlib.error) as error:
        told = f"is no readable gzip file, or is cut off: {str(error)[:100]}"
        raise InputError(Problem(path.name, told)) from None
    return [target]


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path, most: int, where: str) -> int:
    size = 0
    with target.open("wb") as out:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > most:
                raise InputError(
                    Problem(where, f"holds more than {MOST_BYTES / 1e9:.0f} GB; unpack it yourself")
                )
            out.write(block)
    return size


def _unsafe(members: Sequence[zipfile.ZipInfo], where: str) -> list[Problem]:
    problems = []
    for member in members:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if name.startswith(("/", "\\")) or ".." in parts or ":" in name:
            told = "holds a path that leads out of the archive; pack it anew with plain names"
            problems.append(Problem(where, told, value=name))
        elif (member.external_attr >> 16) & 0o170000 == _SYMLINK:
            problems.append(Problem(where, "holds a link; pack the file itself", value=name))
        elif member.flag_bits & 1:
            problems.append(Problem(where, "is locked by a password; pack it without one", value=name))
    return problems
