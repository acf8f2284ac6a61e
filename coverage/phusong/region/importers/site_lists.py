"""Lists of sites that also say whose network stands there, of which generation, band and direction: sites and their cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import Notice, plural, refuse
from phusong.region.operators import (
    NOBODY,
    ask_operators,
    generations_of,
    operator_names,
    said_problems,
    usual_cells,
)
from phusong.region.read.columns import ColumnMap
from phusong.region.read.coordinates import PLACE_ALIASES
from phusong.region.read.encoding import fold
from phusong.region.read.headings import NAME_HEADINGS, column_of, convert, known_headings
from phusong.region.read.left_out import LeftRow
from phusong.region.read.table import Reading
from phusong.region.read.values import measures_of, numbers_of
from phusong.region.schema import LAYERS

__all__ = ["ListedSites", "SiteList", "cells_in_list", "cells_of_list", "sites_of_list"]

_CELL_COLUMNS = (
    "operator", "technology", "band_mhz", "bandwidth_mhz", "eirp_dbm", "antenna_height_m", "azimuth_deg", "beamwidth_deg",
    "tilt_deg",
)  # fmt: skip
_NUMBERS = tuple(c for c in _CELL_COLUMNS if c not in {"operator", "technology"})
_ASSUMED = "4G"  # of a row that names no generation
_ASSUMED_BAND_MHZ = 900.0
_SHOWN = 5


@dataclass(frozen=True)
class SiteList:
    """A list of sites before it is read as layer `sites`.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        A row for each site.
    rows : DataFrame
        Every row of the list, with what it says of cells, by our names.
    site_of : ndarray of int
        For each row, the position of its site in `frame`.
    units : mapping of str to str
        Units that headings state.
    found : mapping of str to str
        The list's column for each of ours.
    has_owner : bool
        Whether the list says who owns a site.
    notices : tuple of Notice
        What was read as what.
    """

    frame: Any
    rows: pd.DataFrame
    site_of: npt.NDArray[np.int64]
    units: Mapping[str, str] = field(default_factory=dict)
    found: Mapping[str, str] = field(default_factory=dict)
    has_owner: bool = False
    notices: tuple[Notice, ...] = ()

    @property
    def names_operators(self) -> bool:
        """Whether the list tells cells: an operator, or at least a generation."""
        return "operator" in self.found or "technology" in self.found

    @property
    def used(self) -> tuple[str, ...]:
        """The list's columns that cells are made of."""
        return tuple(self.found.values()) if self.names_operators else ()

    def numbers(self, rows: Sequence[int]) -> list[int]:
        """Return the row in the list of each row of `frame`, both counted from 1."""
        first = pd.Series(np.arange(len(self.site_of))).groupby(self.site_of).first()
        return [int(first[r - 1]) + 1 for r in rows]

    def renumbered(self, left: Sequence[LeftRow]) -> tuple[LeftRow, ...]:
        """Return left-out rows of `frame` by their rows in the list."""
        numbers = self.numbers([r.row for r in left])
        return tuple(replace(r, row=n) for r, n in zip(left, numbers, strict=True))


@dataclass(frozen=True)
class ListedSites:
    """Sites of a list, and the cells that it tells."""

    sites: Any
    cells: pd.DataFrame
    notices: tuple[Notice, ...] = ()


def cells_in_list() -> tuple[str, ...]:
    """Return the headings of cells that may stand in a list of sites."""
    return tuple(sorted(known_headings("cells", _CELL_COLUMNS)))


def sites_of_list(frame: Any, by: ColumnMap, where: str) -> SiteList:  # noqa: ANN401
    """Return a list of sites with one row a site, and what its rows say of cells.

    Rows of one key at one place are one site with several cells. Rows without any key are told apart by their places.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        As the file holds it.
    by : ColumnMap
        The map of layer `sites`.
    where : str
        The file's name.
    """
    table = frame.reset_index(drop=True)
    table.columns = pd.Index([str(c) for c in table.columns])
    taken, found, units = _columns(table, by)
    notices = [
        Notice(where, f"was read as {ours} of the site's cells", theirs) for ours, theirs in found.items()
    ]
    tells = "operator" in found or "technology" in found
    if not tells:
        notices, found = [], {}
    place = _places(table)
    key = taken.get("site_id") or _name_key(table)
    first = np.arange(len(table))
    if key is None and len(table):
        # a place stands for a site where cells are listed; else each row is one
        number = pd.factorize(place)[0] if tells else first
        stem = fold(Path(where).stem) or "site"
        table = table.assign(site_id=[f"{stem}-{n + 1}" for n in number])
        key = "site_id"
        notices.append(Notice(where, "has no keys: sites were numbered", "site_id"))
    if key is not None and tells and len(table):
        text = table[key].astype("str").str.strip()
        first = (
            pd.Series(np.arange(len(table)))
            .groupby(text.to_numpy(), sort=False)
            .transform("first")
            .to_numpy()
        )
        same = place.to_numpy() == place.to_numpy()[first]
        first = np.where(
            same & (text != "").to_numpy() & table[key].notna().to_numpy(), first, np.arange(len(table))
        )
    heads = np.unique(first)
    if heads.size < len(table):
        told = f"rows are cells of {plural(int(heads.size), 'site')}: those of one key at one place belong together"
        notices.append(Notice(where, told, key, len(table)))
    rows = pd.DataFrame({ours: table[theirs].to_numpy() for ours, theirs in found.items()}, index=table.index)
    return SiteList(
        table.iloc[heads].reset_index(drop=True),
        rows,
        np.searchsorted(heads, first),
        units,
        found,
        "owner" in taken or "owner" in by.constants,
        tuple(notices),
    )


def cells_of_list(
    listed: SiteList, read: Reading, operators: pd.DataFrame, said: Mapping[str, str], where: str
) -> ListedSites:
    """Return the sites of a list as read, and the cells that its rows tell.

    Parameters
    ----------
    listed : SiteList
        The list.
    read : Reading
        Its sites, as layer `sites`.
    operators : DataFrame
        The region's.
    said : mapping of str to str
        What the user says of names: our operator, or ``none``.
    where : str
        The file's name.

    Raises
    ------
    InputError
        Naming every operator that the region does not have.
    """
    refuse(said_problems(said, operators["operator"].astype(str), where))
    names = operator_names(operators, said)
    at = pd.Series(np.arange(len(read.rows)), index=np.array(read.rows, np.int64) - 1).reindex(listed.site_of)
    here = at.notna().to_numpy()
    site = at[here].to_numpy(np.int64)
    rows = listed.rows[here].reset_index(drop=True)
    text = (
        _text(rows["operator"])
        if "operator" in rows
        else read.frame["owner"].astype("str").iloc[site].reset_index(drop=True)
    )
    meant = {t: names.several(t) for t in text.unique()}
    column = listed.found.get("operator", "owner")
    ask_operators([s for t in text for s in meant[t][1]], names, where, column)
    notices = [
        Notice(where, f"{t} was read as operator {', '.join(ours)}", column, int((text == t).sum()))
        for t, (ours, _) in meant.items()
        if [t] != ours
    ]
    frame, told = _cells(
        rows, text.map(lambda t: [o for o in meant[t][0] if o != NOBODY]), read.frame, site, listed, where
    )
    notices += told
    sites = read.frame
    if not listed.has_owner:
        owner = pd.Series(
            text.map(lambda t: meant[t][0][0] if meant[t][0] else "unknown").to_numpy(), index=site
        )
        owner = owner.where(owner != NOBODY, text.to_numpy())
        sites = sites.assign(
            owner=owner.groupby(level=0).first().reindex(np.arange(len(sites))).fillna("unknown").to_numpy()
        )
        notices.append(
            Notice(where, "no column says who owns the masts: the operator was taken as owner", "owner")
        )
    # what the list says of direction and band is delivered; sectors and bands that it does not name are assumed
    says = frame.reindex(columns=["azimuth_deg", "band_mhz"]).notna().all(axis=1).to_numpy()
    cells = usual_cells(frame.assign(record_kind=np.where(says, "measured", "assumed")))
    return ListedSites(sites, cells, tuple(notices))


def _cells(
    rows: pd.DataFrame,
    operators: "pd.Series[Any]",
    sites: Any,  # noqa: ANN401
    site: npt.NDArray[np.int64],
    listed: SiteList,
    where: str,
) -> tuple[pd.DataFrame, list[Notice]]:
    """Return one row for each operator and generation of each row of a list."""
    notices: list[Notice] = []
    out = pd.DataFrame({"site_id": sites["site_id"].to_numpy(str)[site], "operator": operators})
    generations, told = _generations(rows, listed.found.get("technology", "technology"), where)
    notices += told
    out["technology"] = generations
    for name in _NUMBERS:
        if name in rows:
            out[name], told = _number(rows[name], name, listed, where)
            notices += told
    height = sites["height_m"].to_numpy(np.float64)[site]
    out["antenna_height_m"] = (
        out["antenna_height_m"].fillna(pd.Series(height)) if "antenna_height_m" in out else height
    )
    nothing = generations.map(lambda g: g == [""]).to_numpy()
    out["band_mhz"] = np.where(
        nothing, _ASSUMED_BAND_MHZ, out["band_mhz"] if "band_mhz" in out else np.full(len(out), np.nan)
    )
    out = out.explode("operator").explode("technology")
    out = out[out["operator"].notna() & out["technology"].notna()].reset_index(drop=True)
    out["technology"] = out["technology"].replace({"": _ASSUMED})
    again = out.duplicated().to_numpy()
    if again.any():
        notices.append(
            Notice(
                where,
                "rows say the same of a cell as another one and were left out",
                "cells",
                int(again.sum()),
            )
        )
    return out[~again].reset_index(drop=True), notices


def _generations(rows: pd.DataFrame, column: str, where: str) -> tuple["pd.Series[Any]", list[Notice]]:
    if "technology" not in rows:
        told = f"no column says of which generation the cells are: {_ASSUMED} at {_ASSUMED_BAND_MHZ:.0f} MHz was taken"
        return pd.Series([[""]] * len(rows), index=rows.index, dtype=object), [
            Notice(where, told, "technology")
        ]
    text = _text(rows["technology"])
    known = {t: generations_of(t) for t in text.unique()}
    strange = text[(text != "") & (text.map(lambda t: not known[t]))]
    notices = []
    if len(strange):
        shown = ", ".join(strange.unique()[:_SHOWN])
        notices.append(
            Notice(
                where,
                f"names no generation of mobile networks ({shown}): no cell was made",
                column,
                len(strange),
            )
        )
    empty = int((text == "").sum())
    if empty:
        told = f"nothing stood there: {_ASSUMED} at {_ASSUMED_BAND_MHZ:.0f} MHz was taken"
        notices.append(Notice(where, told, column, empty))
    return text.map(lambda t: known[t] if t else [""]), notices


def _number(
    values: "pd.Series[Any]", name: str, listed: SiteList, where: str
) -> tuple["pd.Series[float]", list[Notice]]:
    """Return a column of cells in our unit; what is no number, or cannot be, is not known."""
    column = next(c for c in LAYERS["cells"] if c.name == name)
    unit = listed.units.get(name, "")
    beside = measures_of(
        values,
        column.unit,
        stated=unit,
        named=listed.found[name] == name,
        least=column.least,
        most=column.most,
    )
    read = beside.numbers if beside else numbers_of(values, least=column.least, most=column.most)
    number = read.number
    if beside is None and unit and unit != column.unit:
        number = convert(number, column.unit, unit)
    off = (number < (column.least if column.least is not None else -np.inf)) | (
        number > (column.most if column.most is not None else np.inf)
    )
    lost = (read.wrong | off | ~np.isfinite(number)) & ~read.empty
    notices = [Notice(where, beside.note, listed.found[name])] if beside else []
    if lost.any():
        shown = ", ".join(values[lost].astype("str").unique()[:_SHOWN])
        why = read.doubt or f"is no {column.meaning} from {column.least:g} to {column.most:g} {column.unit}"
        notices.append(
            Notice(where, f"{why} ({shown}): the usual was taken", listed.found[name], int(lost.sum()))
        )
    return pd.Series(np.where(lost, np.nan, number), index=values.index), notices


def _columns(table: Any, by: ColumnMap) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:  # noqa: ANN401
    """Return the list's column for each column of sites and of cells, and the units that headings state."""
    folded = {fold(c): str(c) for c in table.columns}
    site_known = {fold(n): c.name for c in LAYERS["sites"] for n in (c.name, *c.aliases)}
    site_units = {c.name: c.unit for c in LAYERS["sites"] if c.unit}
    taken = {ours: folded.get(fold(theirs), theirs) for ours, theirs in by.columns.items()}
    for name in table.columns:
        ours, _ = column_of(str(name), site_known, site_units)
        if ours and ours not in taken and str(name) not in taken.values():
            taken[ours] = str(name)
    cell_known = {
        fold(n): c.name for c in LAYERS["cells"] if c.name in _CELL_COLUMNS for n in (c.name, *c.aliases)
    }
    cell_units = {c.name: c.unit for c in LAYERS["cells"] if c.unit}
    found: dict[str, str] = {}
    units: dict[str, str] = {}
    for name in table.columns:
        ours, unit = column_of(str(name), cell_known, cell_units)
        if not ours or ours in found or str(name) in taken.values() or str(name) == "geometry":
            continue
        if not _text(table[name]).str.strip().any():
            continue  # a heading with nothing below it answers nothing
        found[ours] = str(name)
        units[ours] = unit
    return taken, found, units


def _name_key(table: Any) -> str | None:  # noqa: ANN401
    name = next((str(c) for c in table.columns if fold(c) in NAME_HEADINGS), None)
    if name is None:
        return None
    text = _text(table[name]).str.strip()
    return name if len(text) and (text != "").all() and not text.duplicated().any() else None


def _places(table: Any) -> "pd.Series[str]":  # noqa: ANN401
    """Return a text that is equal for rows at one place."""
    if isinstance(table, gpd.GeoDataFrame) and table.active_geometry_name is not None:
        shapes: pd.Series[str] = table.geometry.to_wkb(hex=True).fillna("").astype("str")
        return shapes
    known = {fold(a) for names in PLACE_ALIASES.values() for a in names}
    columns = [c for c in table.columns if fold(c) in known]
    out = pd.Series("", index=table.index, dtype="str")
    for c in columns:
        out = out + "|" + _text(table[c]).str.strip()
    return out


def _text(values: "pd.Series[Any]") -> "pd.Series[str]":
    text: pd.Series[str] = values.astype("str").where(values.notna(), "").astype("str").str.strip()
    return text
