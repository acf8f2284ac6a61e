"""The checksum a publisher states: in the catalogue, beside the file, or in Zenodo's record of it."""

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from phusong.data.address import rebased, shown
from phusong.data.catalogue import DataSource
from phusong.data.transfer import Limits, TransferError, transfer
from phusong.errors import InputError, Problem

__all__ = ["parse_checksum", "published_checksum"]

_MOST_BYTES = 1_000_000
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}


def published_checksum(
    source: DataSource, name: str, limits: Limits | None, *, url: str | None, base_url: str | None
) -> str:
    """Return the publisher's checksum of a file as ``algorithm:digest``; empty when there is none.

    Parameters
    ----------
    source : DataSource
        The source; its own checksum comes first.
    name : str
        Name of the file.
    limits : Limits, optional
        Times and attempts for the file of the checksum.
    url, base_url : str, optional
        Where the file is fetched from instead: a mirror is asked for the checksum too, another address is not.

    Raises
    ------
    InputError
        If the checksum stands beside the file and cannot be had.
    """
    if source.checksum or not source.checksum_url or url is not None:
        return source.checksum
    address = source.checksum_url if base_url is None else rebased(source.checksum_url, base_url)
    bounds = replace(Limits() if limits is None else limits, most_bytes=_MOST_BYTES)
    with tempfile.TemporaryDirectory(prefix="phusong-") as folder:
        place = Path(folder) / "checksum"
        try:
            transfer(address, place, limits=bounds)
        except TransferError as error:
            raise InputError(
                Problem(
                    f"{source.name} {shown(address)}",
                    f"the publisher's checksum could not be fetched: {error.cause}; {error.remedy}",
                )
            ) from None
        found = parse_checksum(place.read_bytes().decode("utf-8", errors="replace"), name)
    if not found:
        raise InputError(
            Problem(f"{source.name} {shown(address)}", f"states no checksum of {name}; is it another page?")
        )
    return found


def parse_checksum(text: str, name: str) -> str:
    """Return the checksum of a file stated in ``digest  name`` lines or in a Zenodo record; empty if none.

    Examples
    --------
    >>> parse_checksum("d41d8cd98f00b204e9800998ecf8427e  a.osm.pbf", "a.osm.pbf")
    'md5:d41d8cd98f00b204e9800998ecf8427e'
    """
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    if isinstance(record, dict):
        files = record.get("files")
        for entry in files if isinstance(files, list) else []:
            if isinstance(entry, dict) and entry.get("key") == name:
                stated = str(entry.get("checksum", "")).lower()
                algorithm, _, digest = stated.partition(":")
                right = _ALGORITHMS.get(len(digest)) == algorithm and re.fullmatch("[0-9a-f]+", digest)
                return stated if right else ""
        return ""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    # md5sum writes a star before the name of a file read as bytes
    named = [words for words in lines if len(words) == 2 and words[1].lstrip("*").rpartition("/")[2] == name]
    alone = lines if len(lines) == 1 and len(lines[0]) == 1 else []
    for words in named or alone:
        digest = words[0].lower()
        if len(digest) in _ALGORITHMS and re.fullmatch("[0-9a-f]+", digest):
            return f"{_ALGORITHMS[len(digest)]}:{digest}"
    return ""
