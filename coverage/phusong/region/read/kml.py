"""Places out of KML and KMZ as map programs write them: folders, extended data, tables in descriptions."""

import re
import zipfile
from collections.abc import Iterator
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from phusong.errors import InputError, Notice, Problem
from phusong.io.limits import read_bytes

__all__ = ["read_kml"]

_MOST_BYTES = 1 << 30
_MOST_FIELDS = 2000
_DEEPEST = 64
_ROW = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>\s*<t[dh][^>]*>(.*?)</t[dh]>", re.IGNORECASE | re.DOTALL)
_LINE = re.compile(r"<br\s*/?>|</p>|</div>|</li>|</tr>|\n", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_PAIR = re.compile(r"^\s*([^:=<>]{1,60}?)\s*[:=]\s*(.{1,500}?)\s*$")
_UNIT_BEHIND = re.compile(r"^([+-]?\d+(?:[.,]\d+)?)\s*(m|km|ft|MHz|GHz|h|°|kW|W)$")
_COORDINATE = re.compile(r"[^\s]+")


def read_kml(path: Path) -> tuple[gpd.GeoDataFrame, tuple[Notice, ...]]:
    """Return the placemarks of a KML or KMZ file with all that they say, in degrees.

    Columns: `name` (or its key where no two are alike), `folder`, every field of extended data, and every
    ``heading: value`` of a description.

    Raises
    ------
    InputError
        If it cannot be read, is too large, declares entities, or holds no placemark.
    """
    where = path.name
    try:
        data = _unpacked(path) if path.suffix.lower() == ".kmz" else read_bytes(path, _MOST_BYTES)
        rows, shapes, links = _placemarks(data)
    except DefusedXmlException:
        raise InputError(Problem(where, "declares entities, which no KML needs; export it anew")) from None
    except (ParseError, zipfile.BadZipFile, ValueError, EOFError, OSError) as error:
        told = f"cannot be read as KML, or is cut off: {' '.join(str(error).split())[:150]}"
        raise InputError(Problem(where, told)) from None
    notices = []
    if links:
        told = "points to files elsewhere, which were not fetched; export it with its places"
        notices.append(Notice(where, told, rows=links))
    if not rows:
        told = "holds no placemark" + ("; it only points to files elsewhere" if links else "")
        raise InputError(Problem(where, told))
    kept = [k for k, s in enumerate(shapes) if s is not None]
    if len(kept) < len(rows):
        notices.append(Notice(where, "placemarks without a place were left out", rows=len(rows) - len(kept)))
    if not kept:
        raise InputError(Problem(where, "holds no placemark with a place"))
    kinds = np.array([shapes[k].geom_type for k in kept])
    if (kinds == "Point").any() and (kinds != "Point").any():
        drawn = ", ".join(sorted(set(kinds[kinds != "Point"])))
        told = f"areas and lines drawn beside the points ({drawn}) were left out"
        notices.append(Notice(where, told, rows=int((kinds != "Point").sum())))
        kept = [k for k, kind in zip(kept, kinds, strict=True) if kind == "Point"]
    frame = pd.DataFrame([rows[k] for k in kept])
    if len(frame.columns) > _MOST_FIELDS:
        raise InputError(
            Problem(where, f"has {len(frame.columns):,} fields; at most {_MOST_FIELDS:,} are read")
        )
    frame = frame.fillna("").astype("str")
    frame = frame[[c for c in frame.columns if (frame[c] != "").any()]]
    if "name" in frame.columns:
        again = frame.groupby("name").cumcount()
        if (again > 0).any() or (frame["name"] == "").any():
            base = frame["name"].where(frame["name"] != "", "unnamed")
            again = base.groupby(base).cumcount()
            frame["name"] = base.where(again == 0, base + "#" + (again + 1).astype("str"))
            notices.append(
                Notice(
                    where,
                    "placemarks of one name were told apart by #2, #3 …",
                    "name",
                    int((again > 0).sum()),
                )
            )
    return gpd.GeoDataFrame(frame, geometry=[shapes[k] for k in kept], crs="EPSG:4326"), tuple(notices)


def _unpacked(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        inside = [m for m in archive.infolist() if m.filename.lower().endswith(".kml")]
        if not inside:
            raise InputError(Problem(path.name, "holds no .kml; is it a .kmz?"))
        # the main file is called doc.kml, or stands first
        chosen = next((m for m in inside if m.filename.lower().endswith("doc.kml")), inside[0])
        if chosen.flag_bits & 1:
            raise InputError(Problem(path.name, "is locked by a password"))
        out = bytearray()
        with archive.open(chosen) as file:
            while block := file.read(1 << 20):
                out += block
                if len(out) > _MOST_BYTES:
                    raise InputError(Problem(path.name, f"holds more than {_MOST_BYTES:,} bytes"))
    return bytes(out)


def _placemarks(data: bytes) -> tuple[list[dict[str, str]], list[Any], int]:
    rows: list[dict[str, str]] = []
    shapes: list[Any] = []
    links = 0
    folders: list[list[str]] = []
    depth = 0
    names: list[str] = []
    for event, element in iterparse(BytesIO(data), events=("start", "end")):
        tag = _local(element.tag)
        if event == "start":
            depth += 1
            if depth > _DEEPEST:
                raise ValueError(f"is nested more than {_DEEPEST} deep")
            names.append(tag)
            if tag in {"Folder", "Document"}:
                folders.append([""])
            continue
        depth -= 1
        names.pop()
        if tag == "name" and names and names[-1] in {"Folder", "Document"} and folders:
            folders[-1][0] = (element.text or "").strip()
        elif tag in {"Folder", "Document"}:
            folders.pop()
            element.clear()
        elif tag == "NetworkLink":
            links += 1
        elif tag == "Placemark":
            row, shape = _placemark(element)
            folder = next((f[0] for f in reversed(folders) if f[0]), "")
            rows.append({**row, **({"folder": folder} if folder and "folder" not in row else {})})
            shapes.append(shape)
            element.clear()
    return rows, shapes, links


def _placemark(element: Any) -> tuple[dict[str, str], Any]:  # noqa: ANN401 - an element of the tree
    row: dict[str, str] = {}
    description = ""
    for child in element:
        tag = _local(child.tag)
        if tag == "name":
            row["name"] = (child.text or "").strip()
        elif tag == "description":
            description = "".join(child.itertext())
        elif tag == "ExtendedData":
            for key, value in _extended(child):
                row.setdefault(key, value)
    for key, value in _described(description):
        row.setdefault(key, value)
    parts = [s for s in (_shape(e) for e in element.iter()) if s is not None]
    shape = None if not parts else parts[0] if len(parts) == 1 else shapely.union_all(parts)
    return row, shape


def _extended(element: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    for item in element.iter():
        tag = _local(item.tag)
        if tag == "Data" and item.get("name"):
            value = next((c.text for c in item if _local(c.tag) == "value"), "")
            yield str(item.get("name")), (value or "").strip()
        elif tag == "SimpleData" and item.get("name"):
            yield str(item.get("name")), (item.text or "").strip()


def _described(text: str) -> Iterator[tuple[str, str]]:
    """Give ``heading: value`` lines and rows of a table of two columns out of a description."""
    if not text.strip():
        return
    pairs = [(_bare(a), _bare(b)) for a, b in _ROW.findall(text)]
    if not pairs:
        lines = (_bare(part) for part in _LINE.split(text))
        pairs = [(m[1], m[2]) for line in lines if (m := _PAIR.match(line))]
    for heading, value in pairs:
        if not heading or heading.casefold() in {"http", "https"}:
            continue
        measured = _UNIT_BEHIND.match(value)
        # 21 m is 21 under a heading that says metres
        yield (f"{heading} ({measured[2]})", measured[1]) if measured else (heading, value)
    if not pairs:
        yield "description", _bare(text)


def _bare(text: str) -> str:
    return " ".join(unescape(_TAG.sub(" ", text)).split())


def _shape(element: Any) -> Any:  # noqa: ANN401
    tag = _local(element.tag)
    if tag == "Point":
        points = _points(element)
        return shapely.Point(points[0]) if points else None
    if tag == "LineString":
        points = _points(element)
        return shapely.LineString(points) if len(points) > 1 else None
    if tag == "Polygon":
        rings = {"outerBoundaryIs": [], "innerBoundaryIs": []}  # type: dict[str, list[list[tuple[float, float]]]]
        for side in element:
            if _local(side.tag) in rings:
                rings[_local(side.tag)].append(_points(side))
        outer = rings["outerBoundaryIs"]
        holes = [r for r in rings["innerBoundaryIs"] if len(r) > 3]
        return shapely.Polygon(outer[0], holes) if outer and len(outer[0]) > 3 else None
    return None


def _points(element: Any) -> list[tuple[float, float]]:  # noqa: ANN401
    text = next(("".join(e.itertext()) for e in element.iter() if _local(e.tag) == "coordinates"), "")
    out = []
    for piece in _COORDINATE.findall(text):
        parts = piece.split(",")
        if len(parts) >= 2:
            out.append((float(parts[0]), float(parts[1])))
    return out


def _local(tag: object) -> str:
    return str(tag).rsplit("}", 1)[-1]
