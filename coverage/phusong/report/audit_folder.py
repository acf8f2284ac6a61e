"""The files of an audit: for people, for machines, and for the map on which records are mended."""

from pathlib import Path

from phusong.region.audit import Audit
from phusong.report.audit_map import audit_map_png
from phusong.report.audit_page import audit_html
from phusong.report.files import write_csv, write_geopackage
from phusong.report.text import Text
from phusong.whole_folder import whole_folder

__all__ = ["AUDIT_FILES", "write_audit"]

AUDIT_FILES = ("audit.json", "audit.html", "records.gpkg", "records.csv", "map.png")
"""What an audit leaves in its folder."""


def write_audit(audit: Audit, out: Path, *, lang: str = "en") -> None:
    """Write the files of an audit to a folder, all or none; other files there are kept.

    Parameters
    ----------
    audit : Audit
        What was found.
    out : Path
        A new or empty folder, or one that an earlier audit wrote.
    lang : str
        Language of page and map, ``en`` or ``vi``.

    Raises
    ------
    InputError
        If ``out`` holds other things, or cannot be written.
    """
    with whole_folder(
        out,
        kind="an audit",
        is_ours=lambda old: (old / "audit.json").is_file(),
        kept=lambda name: name not in AUDIT_FILES,
    ) as new:
        _write(audit, new, lang)


def _write(audit: Audit, folder: Path, lang: str) -> None:
    picture = audit_map_png(audit, Text(lang))
    (folder / "audit.json").write_text(audit.to_json(), encoding="utf-8", newline="\n")
    (folder / "map.png").write_bytes(picture)
    (folder / "audit.html").write_text(audit_html(audit, picture, lang=lang), encoding="utf-8", newline="\n")
    write_csv(audit.records.drop(columns="geometry"), folder / "records.csv")
    write_geopackage(audit.records, folder / "records.gpkg", layer="records")
