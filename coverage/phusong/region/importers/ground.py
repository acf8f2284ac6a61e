"""Ground: heights (SRTM, Copernicus) and land cover (ESA WorldCover), onto the region's grid."""

from collections.abc import Sequence
from pathlib import Path

from phusong.region.importers.base import Imported, Options, names_of
from phusong.region.importers.unpacking import unpacked_files
from phusong.region.notices import Notice
from phusong.region.rasters import read_elevation, read_landcover
from phusong.region.store import Region, Source

__all__ = ["import_elevation", "import_worldcover"]

_RASTERS = (".tif", ".tiff", ".hgt", ".vrt", ".dt0", ".dt1", ".dt2")


def import_elevation(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layer `elevation` of GeoTIFF or .hgt tiles, alone, in folders or packed; errors of `read_elevation`."""
    with unpacked_files(files, _RASTERS) as tiles:
        heights = read_elevation(
            tiles, region.grid, former=region.elevation, limits=options.limits, crew=options.crew
        )
    where = names_of(files)
    notes = f"given by the user: {heights.report()}"
    source = Source(
        "elevation", "measured", options.source or where, options.licence, options.as_of, notes, heights.known_share
    )  # fmt: skip
    told = heights.known_share < 1.0 or heights.told
    notices = [Notice(where, heights.report(), "elevation")] if told else []
    return Imported({"elevation": heights.elevation}, (source,), tuple(notices))


def import_worldcover(region: Region, files: Sequence[Path], options: Options) -> Imported:
    """Return layer `clutter` of ESA WorldCover tiles; errors of `read_landcover`."""
    with unpacked_files(files, (".tif", ".tiff", ".vrt")) as tiles:
        found = read_landcover(
            tiles, region.grid, former=region.clutter, limits=options.limits, crew=options.crew
        )
    notes = "classes by geodata/worldcover.csv, the commonest in each square"
    notices = []
    if found.covered < 1.0:
        told = f"covers {found.covered:.2%} of the region; the rest keeps the classes of before"
        notices.append(Notice(names_of(files), told, "clutter"))
        notes += f"; {told}"
    source = Source(
        "clutter", "measured", options.source or f"ESA WorldCover ({names_of(files)})", options.licence or "CC BY 4.0",
        options.as_of, notes, found.covered,
    )  # fmt: skip
    return Imported({"clutter": found.clutter}, (source,), tuple(notices))
