"""Whether a fetched file is what its name says: the first bytes of each format."""

from pathlib import Path

__all__ = ["format_problem"]

_STARTS: dict[str, tuple[bytes, ...]] = {
    "tif": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    "zip": (b"PK\x03\x04",),
    "gz": (b"\x1f\x8b\x08",),
    "gpkg": (b"SQLite format 3\x00",),
}
_PAGE = (b"<!doctype", b"<html", b"<?xml", b'{"', b"{'")
_HEAD = 64


def format_problem(path: Path, kind: str) -> str:
    """Return why a file is not of its kind, or nothing.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        Its ending in the catalogue, e.g. ``tif``, ``csv.gz`` or ``osm.pbf``; unknown kinds pass unless they
        look like a page.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    ending = kind.rpartition(".")[2]
    if ending == "pbf":
        right = b"OSMHeader" in head
    elif ending in _STARTS:
        right = head.startswith(_STARTS[ending])
    else:
        right = not head.lstrip().lower().startswith(_PAGE)
    if right:
        return ""
    looks = "is a page or a message" if head.lstrip().lower().startswith(_PAGE) else "begins with other bytes"
    return f"{looks}, no {kind} file"
