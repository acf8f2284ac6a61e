"""The files of an audit: for people, for machines, and for the map on which records are mended."""

import shutil
import tempfile
from pathlib import Path

from phusong.errors import InputError, Problem
from phusong.region.audit import Audit
from phusong.report.audit_map import audit_map_png
from phusong.report.audit_page import audit_html
from phusong.report.files import write_csv, write_geopackage

__all__ = ["AUDIT_FILES", "write_audit"]

AUDIT_FILES = ("audit.json", "audit.html", "records.gpkg", "records.csv", "map.png")
"""What an audit leaves in its folder."""


def write_audit(audit: Audit, out: Path) -> None:
    """Write the files of an audit to a folder, all or none; other files there are kept.

    Parameters
    ----------
    audit : Audit
        What was found.
    out : Path
        A new or empty folder, or one that an earlier audit wrote.

    Raises
    ------
    InputError
        If ``out`` holds other things, or cannot be written.
    """
    out = out.resolve()
    strange = out.is_dir() and any(out.iterdir()) and not (out / "audit.json").is_file()
    if strange or (out.exists() and not out.is_dir()):
        raise InputError(
            Problem(str(out), "exists and is no audit; name another folder, it is left as it is")
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.draft-", dir=out.parent))
    except OSError as error:
        raise InputError(Problem(str(out), f"cannot be written ({error.strerror})")) from error
    try:
        new = draft / "new"
        new.mkdir()
        _write(audit, new)
        if out.is_dir():
            for entry in sorted(out.iterdir()):
                if entry.name not in AUDIT_FILES:
                    entry.rename(new / entry.name)
            out.rename(draft / "old")
        new.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(audit: Audit, folder: Path) -> None:
    picture = audit_map_png(audit)
    (folder / "audit.json").write_text(audit.to_json(), encoding="utf-8", newline="\n")
    (folder / "map.png").write_bytes(picture)
    (folder / "audit.html").write_text(audit_html(audit, picture), encoding="utf-8", newline="\n")
    write_csv(audit.records.drop(columns="geometry"), folder / "records.csv")
    write_geopackage(audit.records, folder / "records.gpkg", layer="records")
