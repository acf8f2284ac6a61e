"""A layer written to a file that reads back as the same layer."""

import os
import tempfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from phusong.errors import InputError, Problem
from phusong.parquet_files import in_one_piece
from phusong.region.schema import GEOMETRY_LAYERS, SCHEMAS
from phusong.spreadsheet_text import ESCAPED_FORMULA, FORMULA

__all__ = ["plain_cells", "safe_cells", "write_table"]


def write_table(frame: Any, path: Path, layer: str) -> Path:  # noqa: ANN401
    """Write a layer in one piece and return the path; the ending tells the kind: .parquet, .gpkg or .csv.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        The layer. Text that a spreadsheet would run as a formula gets an apostrophe before it in .csv, which the
        reader takes off.
    path : Path
        A file in an existing folder; an older file there is replaced.
    layer : str
        A layer of the data dictionary.

    Raises
    ------
    InputError
        If the ending is none of these.
    """
    ending = path.suffix.lower()
    if ending not in _WRITERS:
        raise InputError(
            Problem(path.name, f"is of a kind that is not written; expected one of {', '.join(_WRITERS)}")
        )
    with tempfile.TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as folder:
        work = Path(folder) / path.name
        _WRITERS[ending](frame, work, layer)
        os.replace(work, path)  # noqa: PTH105 - the same call for a file that is there and one that is not
    return path


def safe_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose text no spreadsheet runs as a formula.

    Examples
    --------
    >>> safe_cells(pd.DataFrame({"name": ["=1+1", "Bản"]}))["name"].tolist()
    ["'=1+1", 'Bản']
    """
    text = [c for c in frame.columns if pd.api.types.is_string_dtype(frame[c].dtype)]
    return frame.assign(**{str(c): frame[c].str.replace(FORMULA, "'", regex=True) for c in text})


def plain_cells(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return text without the apostrophe that :func:`safe_cells` puts before a formula."""
    return values.str.replace(ESCAPED_FORMULA, "", regex=True)


def _write_parquet(frame: Any, path: Path, _layer: str) -> None:  # noqa: ANN401
    # with sums over its pages, a file that changed on the way is refused
    in_one_piece(frame).to_parquet(path, index=False, write_page_checksum=True)


def _write_gpkg(frame: Any, path: Path, layer: str) -> None:  # noqa: ANN401
    import pyogrio  # noqa: PLC0415 - only this kind of file needs it

    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG")


def _write_csv(frame: Any, path: Path, layer: str) -> None:  # noqa: ANN401
    table = pd.DataFrame(frame)
    if layer in GEOMETRY_LAYERS:
        shapes = gpd.GeoSeries(frame.geometry)
        table = table.drop(columns=["geometry"])
        if SCHEMAS[layer].columns["geometry"].checks[-1].statistics["types"] == ("Point",):
            table = table.assign(east_m=shapes.x.to_numpy(), north_m=shapes.y.to_numpy())
        else:
            table = table.assign(geometry=shapes.to_wkt(rounding_precision=-1).to_numpy(object))
    safe_cells(table).to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


_WRITERS = {".parquet": _write_parquet, ".gpkg": _write_gpkg, ".csv": _write_csv}
