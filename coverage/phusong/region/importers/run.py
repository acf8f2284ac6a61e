"""An import from start to end: files of a kind into a region, checked as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from phusong.compute.executor import Executor, Threads
from phusong.errors import InputError, Notice, Problem, nearest_name, refuse
from phusong.region.folder import Region
from phusong.region.importers import IMPORTERS, Importer, Options
from phusong.region.read.columns import read_column_maps
from phusong.region.read.left_out import DEFAULT_SHARE
from phusong.region.read.raster import RasterLimits
from phusong.region.relink import Totals
from phusong.region.replace import with_imported
from phusong.region.validate import check_region

__all__ = ["ImportResult", "import_files", "options_of", "said_of_owners"]


@dataclass(frozen=True)
class ImportResult:
    """A region with imported layers, what was changed on the way, and frames that no layer holds (roads)."""

    region: Region
    notices: tuple[Notice, ...]
    beside: Mapping[str, Any]


def options_of(
    kind: str,
    *,
    layers: Sequence[str] = (),
    columns: Path | None = None,
    crs: str = "",
    as_of: str = "",
    licence: str = "",
    source: str = "",
    executor: Executor | None = None,
    operators: Sequence[str] = (),
    left_out_share: float = DEFAULT_SHARE,
    limits: RasterLimits | None = None,
) -> Options:
    """Return the options of an import, checked; parameters as in :class:`Options`, `columns` a file.

    `operators` are texts ``owner=operator``.

    Raises
    ------
    InputError
        Naming every unknown kind, layer and CRS, and everything wrong with the column map.
    """
    problems: list[Problem] = []
    importer = IMPORTERS.get(kind)
    if importer is None:
        told = f"is no kind of source{nearest_name(kind, IMPORTERS)}; known: {', '.join(IMPORTERS)}"
        problems.append(Problem("region import", told, value=kind))
    else:
        problems += _strange_layers(importer, layers)
    if crs:
        try:
            CRS.from_user_input(crs)
        except CRSError:
            told = "is no known coordinate reference system; expected e.g. EPSG:4326"
            problems.append(Problem("region import", told, column="--crs", value=crs))
    said, wrong = said_of_owners(operators, "region import")
    problems += wrong
    if not 0.0 <= left_out_share <= 1.0:
        told = "is no share between 0 and 1"
        problems.append(Problem("region import", told, column="--left-out-share", value=left_out_share))
    problems += [] if limits is None else limits.problems()
    maps = {}
    if columns is not None:
        if not columns.is_file():
            problems.append(Problem(str(columns), "does not exist"))
        else:
            try:
                maps = dict(read_column_maps(columns))
            except InputError as error:
                problems += error.problems
    refuse(problems)
    return Options(
        maps,
        tuple(layers),
        crs,
        as_of,
        licence,
        source,
        executor or Threads(1),
        operators=said,
        left_out_share=left_out_share,
        limits=limits or RasterLimits(),
    )


def said_of_owners(texts: Sequence[str], where: str) -> tuple[dict[str, str], list[Problem]]:
    """Return whose cells an owner's masts carry, from texts ``owner=operator``, and the texts that say nothing."""
    said: dict[str, str] = {}
    problems: list[Problem] = []
    for text in texts:
        owner, mark, ours = text.rpartition("=")
        if not mark:
            told = "says nothing; expected OWNER=OPERATOR, e.g. VNPT=vinaphone, or OWNER=none"
            problems.append(Problem(where, told, column="--operator", value=text))
        said[owner.strip()] = ours.strip()
    return said, problems


def import_files(
    region: Region, kind: str, files: Sequence[Path], options: Options, *, totals: str = "province"
) -> ImportResult:
    """Return a region with the layers of files in place of its own.

    Parameters
    ----------
    region : Region
        The region.
    kind : str
        A kind of IMPORTERS.
    files : sequence of Path
        At least one.
    options : Options
        From :func:`options_of`.
    totals : str
        Whether people are brought to each province's or each commune's number.

    Raises
    ------
    InputError
        Naming everything wrong with the files, or with the region that they would make.
    """
    problems = []
    if not files:
        problems.append(Problem("region import", f"needs at least one file of kind {kind}", column="FILE"))
    if totals not in {"province", "commune"}:
        problems.append(
            Problem("region import", "is not province or commune", column="--totals", value=totals)
        )
    refuse(problems)
    imported = IMPORTERS[kind].read(region, files, options)
    whose: Totals = "commune" if totals == "commune" else "province"
    joined = with_imported(
        region, imported, totals=whose, operators=options.said_of_operators(), limits=options.limits
    )
    refuse(check_region(joined.region))
    return ImportResult(joined.region, (*imported.notices, *joined.notices), imported.beside)


def _strange_layers(importer: Importer, layers: Sequence[str]) -> list[Problem]:
    return [
        Problem(
            "region import",
            f"is no layer of {importer.kind}{nearest_name(name, importer.layers)}; it has {', '.join(importer.layers)}",
            column="--layer",
            value=name,
        )
        for name in layers
        if name not in importer.layers
    ]
