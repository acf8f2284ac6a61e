"""Parquet files: those of other people are known before they are held, ours are the same bytes for the same content."""

from pathlib import Path
from typing import TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from phusong.errors import InputError, Problem

__all__ = ["check_parquet", "in_one_piece"]

F = TypeVar("F", bound=pd.DataFrame)

_MOST_BYTES = 2 * 1024**3
_MOST_CELLS = 1_000_000_000
_MOST_COLUMNS = 10_000
_ROWS_AT_ONCE = 1024


def check_parquet(path: Path, *, most: int = _MOST_BYTES, plain: bool = True) -> None:
    """Refuse a Parquet file that unpacks to more than is read, or holds types that only code could rebuild.

    Parameters
    ----------
    path : Path
        The file.
    most : int
        Unpacked. [bytes]
    plain : bool
        Whether columns of other types than numbers, text, and true or false are refused too.

    Raises
    ------
    InputError
        If it is refused; what Arrow raises over a broken file passes through.

    Notes
    -----
    Repeated values are packed once, whatever they repeat: the sizes that a file states do not bound what it unpacks to,
    so text is counted a few rows at a time.
    """
    with pq.ParquetFile(path) as file:
        stated = file.metadata
        schema = file.schema_arrow
        groups = [stated.row_group(k) for k in range(stated.num_row_groups)]
        if (
            sum(g.total_byte_size for g in groups) > most
            or len(schema) > _MOST_COLUMNS
            or stated.num_rows * max(1, len(schema)) > _MOST_CELLS
        ):
            raise InputError(
                Problem(path.name, f"unpacks to more than {most:,} bytes or {_MOST_CELLS:,} values")
            )
        odd = [f.name for f in schema if plain and not _plain(f.type)]
        if odd:
            told = f"holds columns of a type that is not read ({', '.join(odd[:5])}); expected numbers, text, true or false"
            raise InputError(Problem(path.name, told))
        wide = [f.name for f in schema if not pa.types.is_primitive(f.type)]
        held = 0
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=wide) if wide else ():
            held += sum(_unpacked(column).nbytes for column in batch.columns)
            if held > most:
                raise InputError(Problem(path.name, f"unpacks to more than {most:,} bytes"))


def _unpacked(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _plain(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return not pa.types.is_nested(kind.value_type) and _plain(kind.value_type)
    return not isinstance(kind, pa.BaseExtensionType) and (
        pa.types.is_primitive(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_null(kind)
        or pa.types.is_boolean(kind)
    )


def in_one_piece(frame: F) -> F:
    """Return a frame whose text lies in one piece: where Arrow's pieces end, pages of a file end too.

    A column that was read back, or put together, is in pieces; one just computed is not.
    """
    pieces = {
        str(name): pd.Series(frame[name].to_numpy(object), frame.index, dtype=frame[name].dtype)
        for name in frame.columns
        if isinstance(frame[name].dtype, pd.StringDtype) and _pieces(frame[name]) > 1
    }
    return frame.assign(**pieces) if pieces else frame


def _pieces(values: "pd.Series[str]") -> int:
    found = values.array.__arrow_array__() if hasattr(values.array, "__arrow_array__") else None
    return found.num_chunks if isinstance(found, pa.ChunkedArray) else 1
