"""The layers of a region that lie in PostGIS, checked like those in files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phusong.errors import InputError, Problem
from phusong.region.column_map import ColumnMap, read_column_maps
from phusong.region.layers import COLUMN_MAP_FILE, Reading, table_of
from phusong.region.postgis.read import read_stored, stored_layers

__all__ = ["layers_from_postgis"]


def layers_from_postgis(
    tree: Mapping[str, Any], folder: Path, crs: str
) -> tuple[Mapping[str, Reading | None], list[Problem]]:
    """Return the layers that a region.toml takes from PostGIS, and what is wrong with them.

    Parameters
    ----------
    tree : mapping
        The region.toml, see :func:`phusong.region.postgis.read.stored_layers`.
    folder : Path
        The region; its columns.toml maps columns of tables as it does those of files.
    crs : str
        CRS of the region.

    Returns
    -------
    mapping of str to Reading or None
        Each layer named with a table or a query; None where it could not be had.
    list of Problem
        Of all of them.
    """
    named = _named(tree)
    if not named:
        return {}, []
    out: dict[str, Reading | None] = dict.fromkeys(named)
    problems: list[Problem] = []
    try:
        frames = read_stored(stored_layers(tree))
        maps = _maps(folder)
    except InputError as error:
        return out, error.problems
    for layer, frame in frames.items():
        try:
            out[layer] = table_of(frame, f"{layer} in PostGIS", layer, crs=crs, columns=maps.get(layer))
        except InputError as error:
            problems += error.problems
    return out, problems


def _named(tree: Mapping[str, Any]) -> list[str]:
    layers = tree.get("layers", {})
    if not isinstance(layers, Mapping):
        return []
    return [str(k) for k, v in layers.items() if isinstance(v, Mapping) and {"table", "query"} & v.keys()]


def _maps(folder: Path) -> Mapping[str, ColumnMap]:
    path = folder / COLUMN_MAP_FILE
    return read_column_maps(path) if path.is_file() else {}
