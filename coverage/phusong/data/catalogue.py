"""Catalogue of public sources, tiles, addresses, formats."""

import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from rasterio.warp import transform_bounds

from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.io.limits import toml_tree
from phusong.io.raster import RASTER_ERRORS, open_raster
from phusong.io.resources import geodata_path

__all__ = [
    "IMPORTERS",
    "SCHEMES",
    "Bounds",
    "DataSource",
    "Tile",
    "catalogue",
    "checked_url",
    "file_name",
    "filled",
    "find",
    "format_problem",
    "next_hop",
    "parse_bounds",
    "rebased",
    "region_bounds",
    "shown",
    "tiles_of",
    "token_of",
]

MOST_TILES = 400
"""More than all of Viet Nam in tiles of one degree; a box beyond that is a slip."""

_GHSL_WEST_DEG, _GHSL_NORTH_DEG = -180.0079, 89.0996  # corner of the 3 arc-second product, R2023A


@dataclass(frozen=True)
class Bounds:
    """A box in degrees (WGS 84).

    Parameters
    ----------
    west_deg, south_deg, east_deg, north_deg : float
        Its sides; west lies below east, south below north.

    Raises
    ------
    InputError
        If the sides are no box on the globe.
    """

    west_deg: float
    south_deg: float
    east_deg: float
    north_deg: float

    def __post_init__(self) -> None:
        sides = (self.west_deg, self.south_deg, self.east_deg, self.north_deg)
        if not (
            all(math.isfinite(s) for s in sides)
            and -180 <= self.west_deg < self.east_deg <= 180
            and -90 <= self.south_deg < self.north_deg <= 90
        ):
            raise InputError(
                Problem(
                    "bbox",
                    "is no box W,S,E,N in degrees with W < E and S < N, e.g. 104.5,21.5,106,23.5",
                    value=",".join(f"{s:g}" for s in sides),
                )
            )


@dataclass(frozen=True)
class Tile:
    """What is filled into a source's address: ``{tile}`` and, where folders go by latitude, ``{band}``."""

    tile: str
    band: str = ""


def parse_bounds(text: str) -> Bounds:
    """Return the box written as ``W,S,E,N``.

    Raises
    ------
    InputError
        If it is no such box.

    Examples
    --------
    >>> parse_bounds("104.5, 21.5, 106, 23.5").north_deg
    23.5
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            Problem("bbox", "must be four numbers W,S,E,N in degrees, e.g. 104.5,21.5,106,23.5", value=text)
        ) from None
    return Bounds(west, south, east, north)


def region_bounds(folder: Path) -> Bounds:
    """Return the box around a region folder, read from its heights.

    Raises
    ------
    InputError
        If the folder holds no elevation.tif with a CRS.
    """
    path = folder / "elevation.tif"
    if not path.is_file():
        raise InputError(Problem(str(path), "is missing; give a region folder, or --bbox W,S,E,N"))
    try:
        with open_raster(path) as raster:
            if raster.crs is None:
                raise InputError(Problem(str(path), "has no CRS; give --bbox W,S,E,N instead"))
            return Bounds(*transform_bounds(raster.crs, "EPSG:4326", *raster.bounds))
    except RASTER_ERRORS as error:
        raise InputError(
            Problem(str(path), f"cannot be read ({error}); give a region folder, or --bbox W,S,E,N")
        ) from None


def tiles_of(scheme: str, bounds: Bounds) -> tuple[Tile, ...]:
    """Return the tiles that overlap a box, from south-west to north-east.

    Parameters
    ----------
    scheme : str
        One of :data:`SCHEMES`.
    bounds : Bounds
        The box.

    Raises
    ------
    InputError
        If the box asks for more than 400 tiles, which no region needs.

    Examples
    --------
    >>> [t.tile for t in tiles_of("worldcover_3deg", Bounds(104.5, 21.5, 106.0, 23.5))]
    ['N21E102', 'N21E105']
    """
    name, step_deg, west_deg, south_deg = SCHEMES[scheme]
    columns = _covering(bounds.west_deg - west_deg, bounds.east_deg - west_deg, step_deg)
    rows = _covering(bounds.south_deg - south_deg, bounds.north_deg - south_deg, step_deg)
    if len(columns) * len(rows) > MOST_TILES:
        raise InputError(
            Problem(
                "bbox",
                f"asks for {len(columns) * len(rows):,} tiles, more than {MOST_TILES}; give a smaller box",
            )
        )
    return tuple(_named(name, rows, columns, step_deg, west_deg, south_deg))


def _named(
    name: "Callable[[float, float], Tile]",
    rows: range,
    columns: range,
    step_deg: float,
    west_deg: float,
    south_deg: float,
) -> Iterator[Tile]:
    for row in rows:
        for column in columns:
            yield name(south_deg + row * step_deg, west_deg + column * step_deg)


def _covering(least: float, most: float, step: float) -> range:
    """Return the indices of the steps that overlap an interval; one that only touches is left out."""
    return range(math.floor(least / step), math.ceil(most / step))


def _corner(south_deg: float, west_deg: float) -> tuple[str, str]:
    south, west = round(south_deg), round(west_deg)
    return f"{'N' if south >= 0 else 'S'}{abs(south):02d}", f"{'E' if west >= 0 else 'W'}{abs(west):03d}"


def _hgt(south_deg: float, west_deg: float) -> Tile:
    latitude, longitude = _corner(south_deg, west_deg)
    return Tile(latitude + longitude, band=latitude)


def _copernicus(south_deg: float, west_deg: float) -> Tile:
    latitude, longitude = _corner(south_deg, west_deg)
    return Tile(f"{latitude}_00_{longitude}_00")


def _srtm(south_deg: float, west_deg: float) -> Tile:
    return Tile(f"{round((west_deg + 180) / 5) + 1:02d}_{round((60 - south_deg) / 5):02d}")


def _ghsl(south_deg: float, west_deg: float) -> Tile:
    row = round((_GHSL_NORTH_DEG - south_deg) / 10)
    return Tile(f"R{row}_C{round((west_deg - _GHSL_WEST_DEG) / 10) + 1}")


SCHEMES: Mapping[str, tuple[Callable[[float, float], Tile], float, float, float]] = MappingProxyType(
    {
        "copernicus_1deg": (_copernicus, 1.0, -180.0, -90.0),
        "hgt_1deg": (_hgt, 1.0, -180.0, -90.0),
        "worldcover_3deg": (_hgt, 3.0, -180.0, -90.0),
        "srtm_5deg": (_srtm, 5.0, -180.0, -90.0),
        "ghsl_10deg": (_ghsl, 10.0, _GHSL_WEST_DEG, _GHSL_NORTH_DEG - 190.0),
    }
)
"""Name of a tile from its south-west corner, its side, and the corner the grid counts from. [degrees]"""


Importer = Literal[
    "boundaries", "elevation", "ghs_pop", "giga", "gridfinder", "kontur", "opencellid", "osm", "worldcover",
    "worldpop",
]  # fmt: skip
IMPORTERS: tuple[str, ...] = get_args(Importer)
"""Kinds of importer that a source may be meant for."""

_CHECKSUM = r"^$|^(md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$"


class DataSource(BaseModel):
    """One public source of a layer.

    Parameters
    ----------
    name, title, area, as_of, notes : str
        Key, what it is, where, of when, and what to know before using it.
    layer, importer : str
        Layers of a region it feeds, and the importer that reads it.
    access : str
        ``download`` (one file), ``tiles`` (one file a tile) or ``by hand`` (a form, a key or an API before it).
    url, page : str
        Address of the file, with ``{tile}``, ``{band}`` and ``{token}`` to fill in, and of the page about it.
    format : str
        Ending that says what the file is.
    licence, attribution : str
        What must be kept and said.
    checked : str
        Whether the address was found on the publisher's page, in users' programs, or not at all.
    tiles : str
        Tile scheme, see :data:`phusong.data.catalogue.SCHEMES`.
    sea_has_no_tile : bool
        Tiles without land do not exist, so a missing one is no error.
    checksum, checksum_url : str
        The publisher's checksum as ``algorithm:digest``, or where the publisher states it; empty: not published.
    size_mb : float, optional
        Size of the file, or of a tile. [MB]
    token_env : str
        Environment variable that holds the user's token.
    file : str
        Name in the cache where the address does not end in one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    layer: str
    importer: Importer
    area: str
    as_of: str
    access: Literal["download", "tiles", "by hand"]
    url: str = Field(pattern=r"^https://")
    format: str
    licence: str
    attribution: str
    page: str = Field(pattern=r"^https://")
    checked: Literal["publisher", "users", "no"]
    tiles: str = ""
    sea_has_no_tile: bool = False
    checksum: str = Field(default="", pattern=_CHECKSUM)
    checksum_url: str = Field(default="", pattern=r"^$|^https://")
    size_mb: float | None = Field(default=None, gt=0)
    token_env: str = Field(default="", pattern=r"^$|^PHUSONG_[A-Z0-9_]+$")
    file: str = ""
    notes: str = ""

    @model_validator(mode="after")
    def _whole(self) -> "DataSource":
        if (self.access == "tiles") != bool(self.tiles) or (self.tiles and self.tiles not in SCHEMES):
            raise ValueError(
                f"tiles must be one of {', '.join(SCHEMES)} for access tiles, and left out otherwise"
            )
        if ("{tile}" in self.url) != bool(self.tiles):
            raise ValueError("url holds {tile} exactly for access tiles")
        if ("{token}" in self.url) != bool(self.token_env):
            raise ValueError("url holds {token} exactly where token_env is given")
        return self

    @property
    def checksum_said(self) -> str:
        """How the file can be checked, in words."""
        if self.checksum:
            return self.checksum
        return "stated beside the file" if self.checksum_url else "not published"

    def row(self) -> dict[str, Any]:
        """Return the source as a row of plain values; ``sha256`` is empty where the publisher gives none."""
        algorithm, _, digest = self.checksum.partition(":")
        return self.model_dump() | {
            "sha256": digest if algorithm == "sha256" else "",
            "checksum_said": self.checksum_said,
        }


def catalogue(path: Path | None = None) -> Mapping[str, DataSource]:
    """Return the sources by name, in the order of the file.

    Parameters
    ----------
    path : Path, optional
        Another catalogue than the shipped geodata/catalogue.toml.

    Raises
    ------
    InputError
        Naming every source and key that is wrong.
    """
    place = geodata_path("catalogue.toml") if path is None else path
    tree = toml_tree(place)
    sources: dict[str, DataSource] = {}
    problems: list[Problem] = []
    for name, entry in tree.items():
        if not isinstance(entry, dict) or "name" in entry:
            problems.append(
                Problem(place.name, "is no table of a source; write [name] and its keys", column=name)
            )
            continue
        try:
            sources[name] = DataSource(name=name, **entry)
        except ValidationError as error:
            problems += [
                Problem(
                    place.name,
                    str(e["msg"]),
                    column=".".join([name, *(str(part) for part in e["loc"] if isinstance(part, str))]),
                )
                for e in error.errors()
            ]
    refuse(problems)
    return MappingProxyType(sources)


def find(name: str, sources: Mapping[str, DataSource] | None = None) -> DataSource:
    """Return one source by its name.

    Raises
    ------
    InputError
        If there is none of that name; the nearest one is named.
    """
    known = catalogue() if sources is None else sources
    if name not in known:
        raise InputError(
            Problem(
                "data", f"is no source{nearest_name(name, known)}; `phusong data list` shows them", value=name
            )
        )
    return known[name]


_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,180}")
_DEVICES = re.compile(
    r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE
)  # names Windows keeps for itself
_SECRET = re.compile(r"token|key|secret|sign?ature|passw|auth|credential|^sig$", re.IGNORECASE)
_SCHEMES = ("http", "https")


def checked_url(url: str, where: str) -> str:
    """Return an address that can be fetched.

    Raises
    ------
    InputError
        If it is no http or https address with a host.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in _SCHEMES or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise InputError(
            Problem(where, "must be an address that begins with https:// or http://", value=shown(url))
        )
    return url


def shown(url: str) -> str:
    """Return an address as messages show it: no user, no password, no token.

    Examples
    --------
    >>> shown("https://ann:pw@example.org/a.tif?token=pk.1&type=mcc")
    'https://example.org/a.tif?token=…&type=mcc'
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "an address that cannot be read"
    query = "&".join(f"{k}={'…' if _SECRET.search(k) else quote(v, safe='/:,{}')}" for k, v in pairs)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def next_hop(url: str, location: str) -> str | None:
    """Return the address a redirection leads to, or None when it may not be followed.

    Only http and https are followed, and never from https down to http.
    """
    try:
        target = urljoin(url, location)
        old, new = urlsplit(url), urlsplit(target)
        host = new.hostname
    except ValueError:
        return None
    if new.scheme not in _SCHEMES or not host or (old.scheme == "https" and new.scheme != "https"):
        return None
    return target


def filled(template: str, tile: Tile | None, token: str = "") -> str:
    """Return an address with ``{tile}``, ``{band}`` and ``{token}`` filled in; other braces stay."""
    out = template.replace("{token}", quote(token, safe=""))
    return out if tile is None else out.replace("{tile}", tile.tile).replace("{band}", tile.band)


def rebased(url: str, base: str) -> str:
    """Return the same path on a mirror.

    Examples
    --------
    >>> rebased("https://data.worldpop.org/GIS/a.tif", "http://mirror.local/worldpop/")
    'http://mirror.local/worldpop/GIS/a.tif'
    """
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return base.rstrip("/") + parts.path + query


def file_name(source: DataSource, url: str) -> str:
    """Return the name of a file in the cache: the catalogue's, or the end of the address where it is safe.

    Raises
    ------
    InputError
        If the address ends in no name that is safe on every system.
    """
    name = source.file or unquote(urlsplit(url).path.rpartition("/")[2])
    if not _SAFE_NAME.fullmatch(name) or _DEVICES.fullmatch(name) or name.endswith("."):
        raise InputError(
            Problem(shown(url), "must end in a plain file name (letters, digits, dots, dashes)", value=name)
        )
    return name


def token_of(source: DataSource) -> str:
    """Return the user's token for a source from the environment; empty where none is needed.

    Raises
    ------
    InputError
        If the source needs a token and the variable is not set.
    """
    if not source.token_env:
        return ""
    token = os.environ.get(source.token_env, "").strip()
    if not token:
        raise InputError(
            Problem(
                source.name,
                f"needs a token: get one at {source.page} and set the environment variable {source.token_env}",
            )
        )
    return token


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
