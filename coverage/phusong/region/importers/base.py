"""What every importer takes and gives: files in, layers out, with where they come from and what was changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pyproj import Transformer

from phusong.compute.executor import Executor, Threads
from phusong.errors import Notice, Problem, and_more, plural
from phusong.region import Grid, Repair
from phusong.region.folder import Region, Source
from phusong.region.read.columns import ColumnMap
from phusong.region.read.left_out import DEFAULT_SHARE, LeftRow
from phusong.region.read.raster import RasterLimits

__all__ = [
    "Imported",
    "Importer",
    "Options",
    "Repair",
    "bounds_deg",
    "conversion_repairs",
    "counted",
    "names_of",
]


@dataclass(frozen=True)
class Options:
    """What the user says beside the files.

    Parameters
    ----------
    columns : mapping of str to ColumnMap
        How tables name what the layers name, by layer (see columns.toml).
    layers : tuple of str
        Take only these of the layers that the source holds; empty: those the importer takes of itself.
    crs : str
        CRS of files that state none.
    as_of, licence, source : str
        What region.toml shall say, where the importer cannot know.
    executor : Executor
        Who draws rasters; the layers do not depend on it.
    operators : mapping of str to str
        What the user says of owners and networks: their name = our operator, or ``none``.
    left_out_share : float
        Share of a list's rows that may be left out because they cannot be used.
    limits : RasterLimits
        How far rasters may fall short, their band and unit.
    """

    columns: Mapping[str, ColumnMap] = field(default_factory=dict)
    layers: tuple[str, ...] = ()
    crs: str = ""
    as_of: str = ""
    licence: str = ""
    source: str = ""
    executor: Executor = field(default_factory=lambda: Threads(1))
    operators: Mapping[str, str] = field(default_factory=dict)
    left_out_share: float = DEFAULT_SHARE

    def map_of(self, layer: str) -> ColumnMap:
        """Return the column map of a layer, with the CRS that was said for files that state none."""
        by = self.columns.get(layer, ColumnMap())
        if by.file.crs or not self.crs:
            return by
        return by.model_copy(update={"file": by.file.model_copy(update={"crs": self.crs})})

    def said_of_operators(self) -> Mapping[str, str]:
        """Return what the user says of owners and networks, in columns.toml and on the command line."""
        said: dict[str, str] = {}
        for by in self.columns.values():
            said |= by.operators
        return said | dict(self.operators)

    limits: RasterLimits = field(default_factory=RasterLimits)

    def takes(self, layer: str, *, of_itself: bool = True) -> bool:
        """Return whether a layer is wanted."""
        return layer in self.layers if self.layers else of_itself


@dataclass(frozen=True)
class Imported:
    """Layers as an importer read them, not yet part of a region.

    Parameters
    ----------
    layers : mapping
        Frames by layer name; `elevation` and `clutter` as arrays on the region's grid; `people` as :class:`People`
        whose pattern is wanted.
    sources : tuple of Source
        Where each layer comes from.
    notices : tuple of Notice
        What was converted, filled or left out.
    repairs : tuple of Repair
        What was changed row by row.
    beside : mapping
        Frames that no layer holds yet, such as `roads`.
    left_out : mapping of str to tuple of LeftRow
        Rows that cannot be used, by layer.
    """

    layers: Mapping[str, Any]
    sources: tuple[Source, ...] = ()
    notices: tuple[Notice, ...] = ()
    repairs: tuple[Repair, ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    left_out: Mapping[str, tuple[LeftRow, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Importer:
    """One kind of source.

    Parameters
    ----------
    kind, title : str
        Its word on the command line; what it is, for people.
    layers : tuple of str
        Layers it can give.
    read : callable
        ``read(region, files, options) -> Imported``; raises InputError naming everything wrong with the files.
    """

    kind: str
    title: str
    layers: tuple[str, ...]
    read: Callable[[Region, Sequence[Path], Options], Imported]


def bounds_deg(grid: Grid, *, margin_m: float = 0.0) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a grid in degrees, with a margin around it."""
    west, south, east, north = grid.bounds
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    found = to_degrees.transform_bounds(
        west - margin_m, south - margin_m, east + margin_m, north + margin_m, densify_pts=21
    )
    return float(found[0]), float(found[1]), float(found[2]), float(found[3])


def names_of(files: Sequence[Path]) -> str:
    """Return the files' names as region.toml shows them."""
    shown = [p.name for p in files[:3]]
    return ", ".join(shown) + and_more(len(files) - 3)


def counted(problems: list[Problem], total: int, where: str) -> list[Problem]:
    """Return problems, and how many more there are than were listed."""
    more = total - len(problems)
    return (
        [*problems, Problem(where, f"and {plural(more, 'more row')} with this problem")]
        if more > 0
        else problems
    )


def conversion_repairs(layer: str, doubts: pd.DataFrame) -> tuple[Repair, ...]:
    """Return a repair for each old unit that did not become exactly one commune of its own.

    Parameters
    ----------
    layer : str
        Whose codes were converted.
    doubts : DataFrame
        With columns `old_code`, `old_name`, `became`, `today`, `chosen`, `how`.
    """
    return tuple(
        Repair(
            layer,
            f"{r.became}: {r.how}",
            str(r.old_code),
            str(r.old_name),
            "commune_code",
            str(r.today),
            str(r.chosen),
        )
        for r in doubts.itertuples(index=False)
    )
