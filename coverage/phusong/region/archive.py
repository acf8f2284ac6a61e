"""One table out of an archive that anyone may have made: no path leaves the folder, no size goes unasked."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from phusong.errors import InputError, Problem, refuse

__all__ = ["MOST_BYTES", "unpacked"]

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
