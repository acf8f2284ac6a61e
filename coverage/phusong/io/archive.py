"""Archives opened without leaving the folder."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

from phusong.errors import InputError, Problem, refuse

__all__ = ["MOST_BYTES", "unpacked", "unpacked_files"]

MOST_BYTES = 8 * 1024**3
"""Largest content that is unpacked."""

_MOST_MEMBERS = 10_000
_TABLES = (".csv", ".tsv", ".txt", ".parquet", ".gpkg", ".geojson", ".json", ".shp", ".xlsx", ".kml")
_BESIDE = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx")
_BLOCK = 1 << 20
_SYMLINK = 0o120000


@contextmanager
def unpacked(path: Path, stem: str = "", *, most_bytes: int = MOST_BYTES) -> Iterator[Path]:
    """Give the one table of a zip archive as a file that lasts as long as the context.

    Parameters
    ----------
    path : Path
        The archive.
    stem : str
        Name without ending of the table, which decides when there are several.
    most_bytes : int
        Largest content that is unpacked.

    Raises
    ------
    InputError
        If the archive is broken or encrypted, holds paths that lead out of it or links, is too large,
        or holds no table or several.
    """
    with TemporaryDirectory(prefix="phusong-") as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.infolist() if not m.is_dir()]
                refuse(_unsafe(members, path.name, most_bytes))
                chosen = _chosen(members, path.name, stem)
                left = most_bytes
                for member in chosen:
                    left -= _extract(archive, member, Path(folder) / _name(member), left, path.name)
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 - a broken archive makes zipfile raise anything
            told = f"is no readable zip archive, or is cut off: {str(error)[:120]}"
            raise InputError(Problem(path.name, told)) from None
        yield Path(folder) / _name(chosen[0])


def _name(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).name


def _unsafe(members: list[zipfile.ZipInfo], where: str, most_bytes: int) -> list[Problem]:
    problems = []
    if len(members) > _MOST_MEMBERS:
        problems.append(
            Problem(where, f"holds {len(members)} files; at most {_MOST_MEMBERS} are looked through")
        )
    for member in members[:_MOST_MEMBERS]:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\x00" in name:
            problems.append(
                Problem(
                    where,
                    "holds a path that leads out of the archive; pack it anew with plain names",
                    value=name,
                )
            )
        elif (member.external_attr >> 16) & 0o170000 == _SYMLINK:
            problems.append(Problem(where, "holds a link; pack the file itself", value=name))
        elif member.flag_bits & 1:
            problems.append(Problem(where, "is locked by a password; pack it without one", value=name))
    size = sum(m.file_size for m in members)
    if size > most_bytes:
        problems.append(
            Problem(where, f"holds {size / 1e9:.1f} GB; at most {most_bytes / 1e9:.1f} GB are unpacked")
        )
    return problems


def _chosen(members: list[zipfile.ZipInfo], where: str, stem: str) -> list[zipfile.ZipInfo]:
    """Return the table, and behind it the files that belong to it."""
    tables = [
        m
        for m in members
        if PurePosixPath(_name(m)).suffix.lower() in _TABLES and not _name(m).startswith(".")
    ]
    named = [m for m in tables if PurePosixPath(_name(m)).stem == stem]
    tables = named if len(named) == 1 else tables
    if len(tables) != 1:
        found = ", ".join(sorted(_name(m) for m in tables)[:10]) or "none"
        raise InputError(
            Problem(
                where,
                f"must hold one table ({', '.join(_TABLES)}), or one named {stem or 'as the layer'}; it holds {found}",
            )
        )
    table = tables[0]
    path = PurePosixPath(table.filename)
    if path.suffix.lower() != ".shp":
        return [table]
    beside = [
        m for m in members
        if m is not table
        and PurePosixPath(m.filename).parent == path.parent
        and PurePosixPath(m.filename).stem == path.stem
        and PurePosixPath(m.filename).suffix.lower() in _BESIDE
    ]  # fmt: skip
    return [table, *beside]


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int, where: str) -> int:
    """Write one file and return its size; what the directory states of it is not trusted."""
    size = 0
    with archive.open(member) as source, target.open("wb") as out:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > left:
                raise InputError(
                    Problem(where, "holds more than it states; it was not unpacked", value=member.filename)
                )
            out.write(block)
    return size


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
            refuse(_unsafe_name(members, path.name))
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


def _unsafe_name(members: Sequence[zipfile.ZipInfo], where: str) -> list[Problem]:
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
