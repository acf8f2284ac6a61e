"""Every layer of a region, declared once: columns, types, units, meaning, limits, other names, references.

Readers, writers, checks, tests and docs/data-dictionary.md derive from the pandera schemas here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandera.pandas as pa

from phusong.region.columns import Column, view
from phusong.region.ground_check import HIGHEST_M, LOWEST_M
from phusong.region.headings import headings_of
from phusong.region.schema_network import NETWORK
from phusong.region.schema_places import PLACES

__all__ = [
    "GEOMETRY_LAYERS",
    "LAYERS",
    "RASTERS",
    "SCHEMAS",
    "TABLE_LAYERS",
    "Column",
    "Raster",
    "Reference",
    "key_of",
    "references",
]

SCHEMAS: Mapping[str, pa.DataFrameSchema] = {**PLACES, **NETWORK}
"""The source: one pandera schema a layer."""

LAYERS: Mapping[str, tuple[Column, ...]] = {
    layer: tuple(
        view(c, aliases=headings_of(layer, name)) for name, c in schema.columns.items() if name != "geometry"
    )
    for layer, schema in SCHEMAS.items()
}
"""The same, as plain values; the geometry apart."""

GEOMETRY_LAYERS = tuple(layer for layer, schema in SCHEMAS.items() if "geometry" in schema.columns)
TABLE_LAYERS = tuple(layer for layer in SCHEMAS if layer not in GEOMETRY_LAYERS)


@dataclass(frozen=True)
class Raster:
    """One raster of a region.

    Parameters
    ----------
    name, meaning, unit : str
        ``name.tif`` is its file.
    dtype : str
        Of its pixels.
    least, most : float
        Limits, inclusive.
    required : bool
        Whether a region cannot be without it.
    without : str
        What stands for a pixel without data, or for the whole raster when it is not there.
    """

    name: str
    meaning: str
    unit: str
    dtype: str
    least: float
    most: float
    required: bool
    without: str


RASTERS: Mapping[str, Raster] = {
    r.name: r
    for r in (
        Raster("elevation", "ground height above sea level", "m", "float32", LOWEST_M, HIGHEST_M, True, "refused"),
        Raster("clutter", "class of geodata/clutter.csv", "code", "uint8", 0, 254, False, "0 (open ground)"),
        Raster(
            "population", "people in the pixel; given to `phusong region build`, which makes demand of it", "people",
            "float32", 0.0, 1e7, False, "nobody",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """A column of ``layer`` whose value must stand in ``to_column`` of ``to_layer``."""

    layer: str
    column: Column
    to_layer: str
    to_column: str


def key_of(layer: str) -> str:
    """Return the name of the column that tells a layer's rows apart.

    Examples
    --------
    >>> key_of("sites")
    'site_id'
    """
    return next(c.name for c in LAYERS[layer] if c.key)


def references() -> tuple[Reference, ...]:
    """Return every reference between layers.

    Examples
    --------
    >>> sorted({r.to_layer for r in references()})
    ['communes', 'operators', 'power_nodes', 'sites']
    """
    return tuple(
        Reference(layer, column, *column.refers.split(".", 1))
        for layer, columns in LAYERS.items()
        for column in columns
        if column.refers
    )
