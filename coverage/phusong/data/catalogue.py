"""The catalogue of public data sources: what there is, under which licence, for which layer."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from phusong.bounded import toml_tree
from phusong.data.tiles import SCHEMES
from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.resources import geodata_path

__all__ = ["IMPORTERS", "DataSource", "catalogue", "find"]

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
        Tile scheme, see :data:`phusong.data.tiles.SCHEMES`.
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
