"""Rows of an OpenCelliD file that lie in an area, read in blocks so that memory does not grow with the file."""

import gzip
import zlib
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from phusong.errors import InputError, Problem, plural, refuse
from phusong.io.archive import unpacked
from phusong.region.importers.base import counted
from phusong.region.read.encoding import fold
from phusong.region.read.left_out import DEFAULT_SHARE, refuse_too_many

__all__ = ["COLUMNS", "RADIOS", "CellRows", "read_cell_rows"]

COLUMNS = (
    "radio", "mcc", "net", "area", "cell", "unit", "lon", "lat", "range", "samples", "changeable", "created",
    "updated", "averageSignal",
)  # fmt: skip
"""Columns of a file, in their order where it has no header."""

RADIOS = ("GSM", "UMTS", "LTE", "NR", "CDMA", "NBIOT")
_NEEDED = ("radio", "mcc", "net", "area", "cell", "lon", "lat")
_WHOLE = ("net", "area", "cell", "samples", "created", "updated")
_RESERVED_16 = (0xFFFF, 0xFFFE)  # 3GPP TS 23.003: no location or tracking area has these
_MOST_RANGE_M = 100_000.0  # timing allows no phone to be served from further off
_OPTIONAL = ("samples", "created", "updated", "range")
_ALIASES = {"mnc": "net", "lac": "area", "tac": "area", "lac_tac": "area", "cid": "cell", "cellid": "cell", "cell_id": "cell",
            "longitude": "lon", "latitude": "lat", "long": "lon", "lng": "lon", "lat_deg": "lat", "average_signal": "averageSignal",
            "averagesignal": "averageSignal", "network": "net", "network_type": "radio", "radio_type": "radio", "type": "radio",
            "country_code": "mcc", "mobile_country_code": "mcc", "network_code": "net", "mobile_network_code": "net",
            "range_m": "range", "created_at": "created", "updated_at": "updated", "sample": "samples"}  # fmt: skip
_BLOCK_BYTES = 4 << 20
_GZIP = b"\x1f\x8b"
_HEAD_BYTES = 1 << 16
_SHOWN = 20
_MOST_CELL = 2**36 - 1  # NR cell identity, 36 bits: the longest


@dataclass(frozen=True)
class CellRows:
    """Cells of one country in an area, as arrays of one length, and what was left out.

    Parameters
    ----------
    radio : ndarray of int8
        Position in RADIOS.
    net, area, cell : ndarray of int64
        Network code, location or tracking area, cell identity.
    lon, lat : ndarray of float64
        Where phones heard it. [°]
    samples : ndarray of int64
        Measurements behind the place.
    created, updated : ndarray of int64
        Seconds since 1970; 0: not said.
    mcc : ndarray of int64
        Mobile country code.
    rows, abroad, elsewhere, other_radio : int
        Rows of the file; of other countries; off the area; of radios without a generation.
    cannot_be : mapping of str to int
        Rows in the area whose identity or place cannot be, by reason.
    wrong : tuple of Problem
        Rows that cannot be read, few enough to be left out.
    unused : tuple of str
        Columns of the file that were not read.
    """

    radio: npt.NDArray[np.int8]
    mcc: npt.NDArray[np.int64]
    net: npt.NDArray[np.int64]
    area: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    samples: npt.NDArray[np.int64]
    created: npt.NDArray[np.int64]
    updated: npt.NDArray[np.int64]
    rows: int
    abroad: int
    elsewhere: int
    other_radio: int
    cannot_be: Mapping[str, int] = field(default_factory=dict)
    wrong: tuple[Problem, ...] = ()
    unused: tuple[str, ...] = ()


def read_cell_rows(
    path: Path,
    bounds: tuple[float, float, float, float],
    *,
    mcc: Sequence[int] = (452,),
    left_out_share: float = DEFAULT_SHARE,
) -> CellRows:
    """Return the rows of one country that lie in an area and whose identity can be.

    Parameters
    ----------
    path : Path
        .csv, .csv.gz or .zip, with or without a header.
    bounds : tuple of float
        West, south, east, north. [°]
    mcc : sequence of int
        Mobile country codes.
    left_out_share : float
        Share of the country's rows that may be left out because they cannot be read.

    Raises
    ------
    InputError
        Naming row, column and value of everything wrong, where that is more than may be left out.
    """
    if not path.is_file():
        raise InputError(Problem(path.name, "does not exist"))
    if path.suffix.lower() == ".zip":
        with unpacked(path) as inner:
            return read_cell_rows(inner, bounds, mcc=mcc, left_out_share=left_out_share)
    reading = _Reading(path.name, bounds, tuple(mcc), left_out_share)
    try:
        delimiter, names, skip = _layout(path)
        known = {*COLUMNS} - {"unit", "changeable", "averageSignal"}
        reading.unused = tuple(n for n in names if n not in known)
        for batch in _batches(path, delimiter, names, skip, reading):
            reading.take(batch, decimal_comma=delimiter != ",")
    except (pa.ArrowInvalid, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        refuse([*reading.miscounted, *reading.problems])
        told = f"cannot be read on, or is cut off, behind row {reading.rows}: {' '.join(str(error).split())[:150]}"
        raise InputError(Problem(path.name, told)) from None
    return reading.result()


class _Reading:
    """What has been read so far: the one place that changes while blocks come in."""

    def __init__(
        self, where: str, bounds: tuple[float, float, float, float], mcc: tuple[int, ...], share: float
    ) -> None:
        self.where, self.bounds, self.mcc, self.share = where, bounds, mcc, share
        self.here = 0
        self.unused: tuple[str, ...] = ()
        self.cannot_be: Counter[str] = Counter()
        self.bad_rows: set[int] = set()
        self.rows = self.abroad = self.elsewhere = self.other_radio = self.swapped = 0
        self.problems: list[Problem] = []
        self.miscounted: list[Problem] = []
        self.wrong = self.wrong_counts = 0
        self.parts: list[dict[str, Any]] = []

    def skip_row(self, row: Any) -> str:  # noqa: ANN401 - pyarrow's InvalidRow
        self.wrong_counts += 1
        if len(self.miscounted) < _SHOWN:
            told = (
                f"has {plural(row.actual_columns, 'value')} where {row.expected_columns} were expected; "
                "is the file cut off here, or is a value missing?"
            )
            self.miscounted.append(Problem(self.where, told, row=row.number))
        return "skip"

    def tell(self, bad: npt.NDArray[np.bool_], rows: Any, column: str, values: Any, what: str) -> None:  # noqa: ANN401
        self.wrong += int(bad.sum())
        self.bad_rows |= {int(rows[i]) for i in np.flatnonzero(bad)}
        for i in np.flatnonzero(bad)[: max(_SHOWN - len(self.problems), 0)]:
            self.problems.append(Problem(self.where, what, int(rows[i]) + 1, column, str(values[int(i)])))

    def take(self, batch: pa.RecordBatch, *, decimal_comma: bool) -> None:
        rows = self.rows + np.arange(batch.num_rows)
        self.rows += batch.num_rows
        mcc = self._numbers(batch.column("mcc"), rows, "mcc")
        here = np.isin(mcc, self.mcc)
        self.here += int(here.sum())
        self.abroad += int((~here).sum())
        if not here.any():
            return
        rows = rows[here]
        kept = batch.filter(pa.array(here))
        part: dict[str, Any] = {}
        words = pc.utf8_upper(pc.utf8_trim_whitespace(kept.column("radio")))
        at = pc.index_in(words, pa.array(RADIOS)).to_numpy(zero_copy_only=False)
        part["radio"] = np.nan_to_num(np.asarray(at, np.float64), nan=-1).astype(np.int8)
        part["mcc"] = mcc[here].astype(np.int64)
        for name in _WHOLE:
            there = name in kept.schema.names
            numbers = (
                self._numbers(kept.column(name), rows, name, empty=0.0 if name in _OPTIONAL else None)
                if there
                else None
            )
            part[name] = np.zeros(rows.size) if numbers is None else numbers
            if there:
                bad = (part[name] < 0) | (np.nan_to_num(part[name]) % 1 != 0) | (part[name] > _MOST_CELL)
                self.tell(bad, rows, name, kept.column(name), "is no whole number from 0 up")
            part[name] = np.nan_to_num(part[name]).astype(np.int64)
        for name, limit in (("lon", 180.0), ("lat", 90.0)):
            part[name] = self._numbers(kept.column(name), rows, name, comma=decimal_comma)
            beyond = np.abs(part[name]) > limit
            hint = "; are longitude and latitude swapped?" if name == "lat" else ""
            self.tell(beyond, rows, name, kept.column(name), f"is beyond {limit:g} degrees{hint}")
        west, south, east, north = self.bounds
        inside = (
            (part["lon"] >= west) & (part["lon"] <= east) & (part["lat"] >= south) & (part["lat"] <= north)
        )
        self.swapped += int(
            (
                (part["lat"] >= west)
                & (part["lat"] <= east)
                & (part["lon"] >= south)
                & (part["lon"] <= north)
            ).sum()
        )
        known = (part["radio"] < RADIOS.index("CDMA")) & (part["radio"] >= 0)
        strange = inside & (part["radio"] < 0)
        self.cannot_be["is of no known radio (" + ", ".join(RADIOS) + ")"] += int(strange.sum())
        reach = (
            self._numbers(kept.column("range"), rows, "range", empty=0.0)
            if "range" in kept.schema.names
            else np.zeros(rows.size)
        )
        self.elsewhere += int((~inside).sum())
        self.other_radio += int((inside & ~known & ~strange).sum())
        keep = inside & known & ~np.isin(rows, list(self.bad_rows))
        told_samples = "samples" in kept.schema.names
        for why, bad in _cannot_be(part, reach, told_samples=told_samples):
            self.cannot_be[why] += int((keep & bad).sum())
            keep &= ~bad
        if keep.any():
            self.parts.append({k: v[keep] for k, v in part.items()})

    def _numbers(
        self,
        values: pa.Array,
        rows: Any,  # noqa: ANN401
        column: str,
        *,
        empty: float | None = None,
        comma: bool = False,
    ) -> npt.NDArray[np.float64]:
        text = pc.utf8_trim_whitespace(values)
        if comma:
            text = pc.replace_substring(text, ",", ".")
        if empty is not None:
            text = pc.if_else(pc.equal(text, ""), str(empty), text)
        try:
            numbers = np.asarray(pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
        except pa.ArrowInvalid:
            plain = pd.Series(text.to_pylist(), dtype=object)
            numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
        bad = ~np.isfinite(numbers)
        if bad.any():
            self.tell(bad, rows, column, values, "is no number")
        return np.where(bad, np.nan, numbers)

    def result(self) -> CellRows:
        # rows are counted without those that had too many values, so only these can be named rightly
        refuse(counted(self.miscounted, self.wrong_counts, self.where))
        if self.bad_rows:
            problems = counted(self.problems, self.wrong, self.where)
            refuse_too_many(
                problems, len(self.bad_rows), max(self.here, len(self.bad_rows)), self.share, self.where
            )
        if self.rows == 0:
            raise InputError(Problem(self.where, "holds no cells"))
        if not self.parts:
            raise InputError(Problem(self.where, self._nothing()))
        whole = {k: np.concatenate([p[k] for p in self.parts]) for k in self.parts[0]}
        return CellRows(
            **whole,
            rows=self.rows,
            abroad=self.abroad,
            elsewhere=self.elsewhere,
            other_radio=self.other_radio,
            cannot_be={k: n for k, n in self.cannot_be.items() if n},
            wrong=tuple(self.problems),
            unused=self.unused,
        )

    def _nothing(self) -> str:
        if self.swapped:
            return "has longitude and latitude swapped: exchange the two columns"
        if self.abroad == self.rows:
            codes = ", ".join(map(str, self.mcc))
            return f"holds no cell of the region's country (mcc {codes}); take the file of the country, e.g. {self.mcc[0]}.csv.gz"
        left = {k: n for k, n in self.cannot_be.items() if n}
        if left:
            told = "; ".join(f"{plural(n, 'row')}: {k}" for k, n in left.items())
            return f"holds no cell in the region whose identity can be ({told})"
        return f"holds no cell in the region ({self.elsewhere} of its {plural(self.rows, 'row')} elsewhere)"


def _cannot_be(
    part: Mapping[str, Any], reach: npt.NDArray[np.float64], *, told_samples: bool
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Give each reason why a cell cannot be, and the rows it holds for (3GPP TS 23.003, 36.413, 38.413)."""
    radio, area, cell = part["radio"], part["area"], part["cell"]
    gsm, umts, lte, nr = (radio == RADIOS.index(r) for r in ("GSM", "UMTS", "LTE", "NR"))
    yield "cell identity 0", cell == 0
    yield "area 0", area == 0
    yield (
        "area 65534, 65535 or beyond its bits: reserved or not set",
        np.where(nr, (area >= 0xFFFFFE) | np.isin(area, _RESERVED_16), area >= min(_RESERVED_16)).astype(
            bool
        ),
    )
    yield (
        "cell identity 65535 or all ones: not set",
        (cell == 0xFFFF) | (cell == np.where(nr, _MOST_CELL, 2**28 - 1)),
    )
    yield (
        "cell identity of more than 16 bits (GSM) or 28 bits (UMTS, LTE)",
        (gsm & (cell > 0xFFFF)) | ((umts | lte) & (cell >= 2**28)),
    )
    yield "heard once only: its place is a phone's, not the cell's", (part["samples"] == 1) & told_samples
    yield "range below 0 or above 100 km", (reach < 0) | (reach > _MOST_RANGE_M)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Give the text of a file, packed or not, behind its byte order mark."""
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
        file.seek(0)
        with gzip.open(file) if packed else nullcontext(file) as text:
            if text.read(len(BOM_UTF8)) != BOM_UTF8:
                text.seek(0)
            yield text


def _layout(path: Path) -> tuple[str, list[str], int]:
    """Return delimiter, column names and lines to skip, from the first line."""
    with _opened(path) as file:
        head = file.read(_HEAD_BYTES)
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise InputError(Problem(path.name, "is UTF-16; save it as CSV UTF-8"))
    line = head.split(b"\n", 1)[0].decode("utf-8", "replace").strip("\r")
    if not line.strip():
        raise InputError(
            Problem(path.name, "is empty or begins with an empty line; expected cells of OpenCelliD")
        )
    delimiter = max(",;\t|", key=line.count)
    first = [v.strip().strip('"') for v in line.split(delimiter)]
    if first[0].upper() in RADIOS:
        if len(first) != len(COLUMNS):
            told = f"has no header and {len(first)} columns; OpenCelliD files have {len(COLUMNS)}: {','.join(COLUMNS)}"
            raise InputError(Problem(path.name, told))
        return delimiter, list(COLUMNS), 0
    own = {fold(c): c for c in COLUMNS}
    names = [_ALIASES.get(fold(v), own.get(fold(v), v)) for v in first]
    missing = [c for c in _NEEDED if c not in names]
    told = "is missing; expected the columns of OpenCelliD: " + ",".join(COLUMNS)
    refuse(Problem(path.name, told, column=c) for c in missing)
    twice = sorted({n for n in names if names.count(n) > 1})
    refuse(Problem(path.name, "stands twice in the header", column=c) for c in twice)
    return delimiter, names, 1


def _batches(
    path: Path, delimiter: str, names: list[str], skip: int, reading: _Reading
) -> Iterator[pa.RecordBatch]:
    wanted = [c for c in (*_NEEDED, *_OPTIONAL) if c in names]
    with (
        _opened(path) as file,
        csv.open_csv(
            pa.PythonFile(file, mode="r"),
            read_options=csv.ReadOptions(
                encoding="latin-1",
                use_threads=False,
                block_size=_BLOCK_BYTES,
                column_names=names,
                skip_rows=skip,
            ),
            parse_options=csv.ParseOptions(delimiter=delimiter, invalid_row_handler=reading.skip_row),
            convert_options=csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
            ),
        ) as table,
    ):
        yield from table
