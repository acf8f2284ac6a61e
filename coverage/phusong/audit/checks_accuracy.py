"""Audit checks of accuracy."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import shapely

from phusong.audit.context import (
    Case,
    Check,
    FailingRows,
    Whole,
    codes_of_province,
    on_cycle,
    positions,
    reached,
)
from phusong.compute.array_types import Bools, Floats, Ints
from phusong.io.resources import table
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS
from phusong.region.validate import closed_lines

__all__ = ["CORRECT", "TOPOLOGY"]


def _broken_shape(case: Case, layer: str) -> FailingRows:
    found = case.table(layer).geometry.to_numpy()
    usable = ~shapely.is_missing(case.shapes(layer))
    polygonal = np.isin(shapely.get_type_id(found), (3, 6))
    wrong_kind = usable & (~polygonal if layer == "communes" else shapely.get_type_id(found) != 0)
    crossed = usable & ~wrong_kind & ~shapely.is_valid(found)

    def tell(i: int) -> str:
        if not usable[i]:
            return "has no geometry"
        if wrong_kind[i]:
            wanted = "a polygon" if layer == "communes" else "a point"
            return f"is a {shapely.get_type_id(found[i]) and found[i].geom_type}, not {wanted}"
        return f"is no valid shape: {shapely.is_valid_reason(found[i])}"

    return FailingRows(~usable | wrong_kind | crossed, tell, "geometry")


def _limits(case: Case, layer: str) -> list[FailingRows]:
    found = []
    for column in LAYERS[layer]:
        if column.kind == "text":
            continue
        unread = case.evidence.sheets[layer].unread.get(column.name, np.zeros(0, bool))
        values = case.table(layer)[column.name].to_numpy(np.float64)
        low = values < (-np.inf if column.least is None else column.least)
        high = values > (np.inf if column.most is None else column.most)
        found.append(FailingRows(unread | low | high, _beyond(values, unread, column), column.name))
    return found


def _beyond(values: Floats, unread: Bools, column: object) -> Callable[[int], str]:
    name, meaning = getattr(column, "name", ""), getattr(column, "meaning", "")
    low, high = getattr(column, "least", None), getattr(column, "most", None)

    def tell(i: int) -> str:
        if unread[i]:
            return f"{name} is no {'yes or no' if low is None and high is None else 'number'} ({meaning})"
        return f"{name} {values[i]:g} is outside {low if low is not None else '…'} to {high if high is not None else '…'} ({meaning})"

    return tell


_OVERLAP = 0.05  # of a polygon over its neighbours: more than borders of two surveys differ
_AREA_SLIPS = (("hectares", 100.0), ("square metres", 1e6), ("acres", 247.1), ("square miles", 0.3861))
_SLIP = 0.1


def _height(case: Case, layer: str) -> FailingRows:
    sites, ranges = case.table(layer), case.rubric.limits.height_m
    height = sites["height_m"].to_numpy(np.float64)
    low, high = np.array(
        [ranges.get(s, (0.0, np.inf)) for s in sites["structure"]], np.float64
    ).reshape(-1, 2).T  # fmt: skip
    return FailingRows(
        (height < low) | (height > high),
        lambda i: (
            f"{height[i]:g} m is unusual for a {sites['structure'].iloc[i]} ({low[i]:g} to {high[i]:g} m)"
        ),
        "height_m",
    )


def _power(case: Case, layer: str) -> FailingRows:
    low, high = case.rubric.limits.eirp_dbm
    eirp = case.table(layer)["eirp_dbm"].to_numpy(np.float64)
    return FailingRows(
        (eirp < low) | (eirp > high),
        lambda i: f"EIRP {eirp[i]:g} dBm is not plausible ({low:g} to {high:g} dBm)",
        "eirp_dbm",
    )


def _band(case: Case, layer: str) -> FailingRows:
    limits = case.rubric.limits
    band = case.table(layer)["band_mhz"].to_numpy(np.float64)
    off = np.abs(band[:, None] - np.asarray(limits.bands_mhz)).min(axis=1)
    return FailingRows(
        off > limits.band_slack_mhz,
        lambda i: f"{band[i]:g} MHz lies in no band of mobile networks here",
        "band_mhz",
    )


def _antenna(case: Case, layer: str) -> FailingRows:
    cells, sites = case.table(layer), case.table("sites")
    at = positions(cells["site_id"], sites["site_id"])
    height = sites["height_m"].to_numpy(np.float64)
    mast = np.where(at >= 0, height[np.maximum(at, 0)], np.nan) if height.size else np.full(at.size, np.nan)
    antenna = cells["antenna_height_m"].to_numpy(np.float64)
    return FailingRows(
        antenna > mast + case.rubric.limits.mast_slack_m,
        lambda i: f"antenna at {antenna[i]:g} m on a structure of {mast[i]:g} m",
        "antenna_height_m",
    )


def _in_commune(case: Case, layer: str) -> FailingRows | None:
    if not case.evidence.has("communes"):
        return None
    claimed, xy = case.claimed(layer), case.xy(layer)
    known = (claimed >= 0) & np.isfinite(xy).all(axis=1)
    allowed = case.rubric.limits.commune_tolerance_m
    if layer == "demand" and case.evidence.grid is not None:
        allowed += case.evidence.grid.cell_m  # a square lies across the border
    off = np.full(len(xy), np.nan)
    at = np.flatnonzero(known)
    off[at] = shapely.distance(shapely.points(xy[at]), case.borders[claimed[at]])
    names = case.commune_names
    return FailingRows(
        ~known | ~(off <= allowed),
        lambda i: f"lies {off[i] / 1000:.1f} km outside {names[claimed[i]]}, the commune it claims",
        "commune_code",
        told=np.asarray(np.isfinite(off)),
    )


def _in_region(case: Case, layer: str) -> FailingRows | None:
    if not case.evidence.has("communes"):
        return None
    xy = case.xy(layer)
    known = np.isfinite(xy).all(axis=1)
    inside = np.zeros(len(xy), bool)
    inside[known] = case.commune_at(xy[known]) >= 0
    margin = case.rubric.limits.region_margin_m
    return FailingRows(
        ~inside,
        lambda i: (
            f"stands more than {margin / 1000:g} km outside every commune ({xy[i, 0]:.0f}, {xy[i, 1]:.0f})"
        ),
        "geometry",
        told=np.asarray(known),
    )


def _commissioned_later(case: Case, layer: str) -> FailingRows:
    sites = case.table(layer)
    year = sites["commissioned"].to_numpy(np.float64)
    return FailingRows(
        (sites["status"] == "active").to_numpy(bool) & (year > case.as_of.year),
        lambda i: f"is active, yet commissioned in {year[i]:.0f}, after the audit of {case.as_of}",
        "commissioned",
    )


def _area(case: Case, layer: str) -> list[FailingRows]:
    """Compare stated areas with polygons, and say which of the two is wrong.

    A drawn polygon of a model is: its area was never surveyed. A surveyed one is where it lies over its neighbours by
    as much as it is too large; else the stated figure is.
    """
    stated = case.table(layer)["area_km2"].to_numpy(np.float64)
    drawn = shapely.area(case.borders) / 1e6
    unknown = ~(drawn > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.exp(np.abs(np.log(stated / drawn)))
    allowed = case.rubric.limits.area_ratio
    bad = unknown | (ratio > allowed)
    modelled = ~case.delivered(layer)
    over = np.zeros(stated.size)
    over[bad & ~modelled & ~unknown] = [
        _overlap(case.borders, i) / 1e6 for i in np.flatnonzero(bad & ~modelled & ~unknown).tolist()
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.exp(np.abs(np.log(stated / (drawn - over))))
    shape = modelled | ((over > _OVERLAP * drawn) & (without < ratio))

    def drawing(i: int) -> str:
        what = f"its polygon has {drawn[i]:.1f} km² where {stated[i]:.1f} km² are stated"
        if modelled[i]:
            return f"{what}; the polygon is modelled, so the drawing is wrong, not the figure"
        return f"{what}; {over[i]:.1f} km² of it lie over its neighbours, so the drawing is wrong"

    def figure(i: int) -> str:
        what = f"states {stated[i]:.1f} km², its polygon has {drawn[i]:.1f} km² and fits its neighbours"
        slip = next((u for u, f in _AREA_SLIPS if abs(stated[i] / drawn[i] / f - 1.0) < _SLIP), "")
        return f"{what}, so the figure is wrong" + (f": it looks like {slip}" if slip else "")

    return [
        FailingRows(bad & shape, drawing, "geometry", told=~unknown),
        FailingRows(bad & ~shape, figure, "area_km2", told=~unknown),
    ]


def _overlap(borders: npt.NDArray[np.object_], i: int) -> float:
    """Return how much of a polygon lies over others. [m²]"""
    others = np.delete(borders, i)
    near = others[shapely.intersects(others, borders[i])]
    return (
        float(shapely.area(shapely.intersection(borders[i], shapely.union_all(near)))) if near.size else 0.0
    )


def _people(case: Case, layer: str) -> FailingRows | None:
    if not case.evidence.has("demand"):
        return None
    _, people, commune = case.cells
    stated = case.table(layer)["population"].to_numpy(np.float64)
    counted = np.bincount(commune[commune >= 0], people[commune >= 0], len(stated))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.exp(np.abs(np.log(stated / counted)))
    return FailingRows(
        (ratio > case.rubric.limits.people_ratio) & (np.abs(stated - counted) >= 1.0),
        lambda i: f"states {stated[i]:,.0f} people, its demand cells hold {counted[i]:,.0f}",
        "population",
    )


def _official_people(case: Case, layer: str) -> FailingRows | None:
    """Compare whole provinces with the registers: a province is whole when all its communes of today are there."""
    communes = case.table(layer)
    _, people, commune = case.cells
    by_commune = np.bincount(commune[commune >= 0], people[commune >= 0], len(communes))
    here = set(communes["commune_code"])
    codes = communes["province_code"].to_numpy(object)
    bad, told = np.zeros(len(communes), bool), np.zeros(len(communes), bool)
    off: dict[str, tuple[float, float]] = {}
    judged = False
    for row in table("provinces").itertuples():
        if not here >= codes_of_province(str(row.province_code)):
            continue
        judged = True
        mine = codes == str(row.province_code)
        counted, known = float(by_commune[mine].sum()), float(str(row.people_registered))
        if not 1 / case.rubric.limits.official_ratio <= counted / known <= case.rubric.limits.official_ratio:
            bad |= mine
            told[np.flatnonzero(mine)[:1]] = True
            off[str(row.province_code)] = (counted, known)
    if not judged:
        return None

    def tell(i: int) -> str:
        counted, known = off[codes[i]]
        return (
            f"all communes of {case.province_of_commune[i]} hold {counted:,.0f} people, "
            f"its registers {known:,.0f} (geodata/provinces.csv)"
        )

    return FailingRows(bad, tell, "population", told)


def _density(case: Case, layer: str) -> FailingRows | None:
    grid = case.evidence.grid
    if grid is None:
        return None
    density = case.table(layer)["population"].to_numpy(np.float64) / grid.pixel_km2
    most = case.rubric.limits.people_km2
    return FailingRows(
        density > most,
        lambda i: f"{density[i]:,.0f} people a km² in one square; more than {most:,.0f} live nowhere here",
        "population",
    )


def _operator_shares(case: Case, layer: str) -> Whole:
    total = float(case.table(layer)["share"].sum())
    off = abs(total - 1.0)
    if off <= 0.01:
        return Whole(0.0)
    return Whole(min(1.0, off), [("share", f"the operators' shares sum to {total:.3f}, not 1")])


def _elevation(case: Case, layer: str) -> Whole | None:
    heights = case.evidence.rasters.get(layer)
    if heights is None:
        return None
    low, high = case.rubric.limits.elevation_m
    bad = (heights < low) | (heights > high)
    if not bad.any():
        return Whole(0.0)
    text = f"{bad.sum():,} pixels lie outside {low:g} to {high:g} m (from {np.nanmin(heights):g} to {np.nanmax(heights):g} m)"
    return Whole(float(bad.mean()), [("elevation", text)])


def _refused(case: Case, layer: str) -> Whole | None:
    """Fail a layer that the reader of plans refuses; the audit adds what no other record says of it."""
    refused = any(r.layer == layer for r in case.evidence.refusals)
    if not refused and layer != "region" and not case.evidence.has(layer):
        return None  # what is not there is not correct either
    return Whole(1.0 if refused else 0.0)


_TABLES = tuple(LAYERS)

CORRECT = (
    Check("shape-valid", "correct", GEOMETRY_LAYERS, "every row has a valid shape of its kind",
          "draw it again, or mend it (make valid in QGIS)", _broken_shape),
    Check("within-limits", "correct", _TABLES, "every figure is one, within the limits of the data dictionary",
          "look up the figure and its unit", _limits),
    Check("height-plausible", "correct", ("sites",), "structures are as high as their kind usually is",
          "measure it, or correct the kind of structure", _height),
    Check("power-plausible", "correct", ("cells",), "radiated powers are those of mobile cells",
          "check dBm against watts, and whether antenna gain is counted once", _power),
    Check("band-known", "correct", ("cells",), "carriers lie in bands of mobile networks",
          "check MHz against channel numbers", _band),
    Check("antenna-on-structure", "correct", ("cells",), "antennas hang on their structure",
          "correct the height of the antenna or of the structure", _antenna),
    Check("in-its-commune", "correct", ("demand", "settlements", "facilities"),
          "every row lies in the commune it claims", "correct the code or the place", _in_commune),
    Check("in-the-region", "correct", ("sites", "power_nodes"), "equipment stands in the region or just outside",
          "check for swapped coordinates and another CRS", _in_region),
    Check("date-possible", "correct", ("sites",), "what is active was commissioned before the audit",
          "correct the year, or mark it planned", _commissioned_later),
    Check("area-as-drawn", "correct", ("communes",), "stated areas agree with the polygons",
          "take the polygon from the state's map where the drawing is wrong, else correct the area", _area),
    Check("people-as-counted", "correct", ("communes",), "a commune's people are those of its demand cells",
          "sum the cells again, or take the newer count for both", _people),
    Check("people-as-registered", "correct", ("communes",), "a whole province holds about its registered people",
          "scale the cells of the province to its official figure", _official_people),
    Check("density-possible", "correct", ("demand",), "no square holds more people than live anywhere here",
          "check whether figures are people a square or a km²", _density),
    Check("shares-sum-to-one", "correct", ("operators",), "the operators' shares sum to 1",
          "complete the list of operators", _operator_shares),
    Check("heights-possible", "correct", ("elevation",), "heights are those of the country",
          "set nodata, or check feet against metres", _elevation),
    Check("readable", "correct", (*_TABLES, "elevation", "clutter", "region"),
          "the reader of plans takes it as it is", "do what the message says", _refused, absent=True),
)  # fmt: skip


def _core_reached(case: Case, layer: str) -> FailingRows:
    """Flag active sites with cells on air that no way leads from to an exchange."""
    sites = case.table(layer)
    core = (sites["structure"] == "exchange").to_numpy(bool)
    child, parent = case.hops
    # a link carries both ways: what its owner calls from and to does not matter here
    linked = reached(len(sites), np.r_[child, parent], np.r_[parent, child], core)
    on_air = sites["site_id"].isin(set(case.table("cells")["site_id"])).to_numpy(bool)
    return FailingRows(
        ~linked & on_air & case.active_sites,
        lambda _i: "carries cells, yet no backhaul leads from it to an exchange",
        "backhaul_parent_id",
    )


def _power_rooted(case: Case, layer: str) -> FailingRows:
    nodes, lines = case.table(layer), case.table("power_lines")
    keys = nodes["node_id"]
    source = nodes["kind"].isin(["plant", "substation"]).to_numpy(bool)
    fed = reached(len(nodes), positions(lines["to_id"], keys), positions(lines["from_id"], keys), source)
    return FailingRows(~fed, lambda _i: "no chain of lines leads up to a substation or plant")


def _power_cycle(case: Case, layer: str) -> FailingRows:
    lines, keys = case.table(layer), case.table("power_nodes")["node_id"]
    # a line that stands open may close a loop: that is what it is for
    child = np.where(closed_lines(lines), positions(lines["to_id"], keys), -1)
    return _cycle(len(keys), child, positions(lines["from_id"], keys), "power lines")


def _backhaul_cycle(case: Case, layer: str) -> FailingRows:
    sites = case.table(layer)
    child, parent = np.arange(len(sites)), positions(sites["backhaul_parent_id"], sites["site_id"])
    return _cycle(len(sites), child, parent, "backhaul")


def _cycle(n: int, child: Ints, parent: Ints, what: str) -> FailingRows:
    round_ = on_cycle(n, child, parent)
    both = (child >= 0) & (parent >= 0)
    if n == 0:
        return FailingRows(np.zeros(child.size, bool), lambda _i: "")
    bad = both & round_[np.maximum(child, 0)] & round_[np.maximum(parent, 0)]
    return FailingRows(bad, lambda _i: f"closes a cycle of {what}: no supply can come from it", "from_id")


def _length(case: Case, layer: str) -> FailingRows:
    lines, keys = case.table(layer), case.table("power_nodes")["node_id"]
    xy = case.xy("power_nodes")
    ends = [positions(lines[c], keys) for c in ("from_id", "to_id")]
    known = (ends[0] >= 0) & (ends[1] >= 0)
    straight = np.full(len(lines), np.nan)
    a, b = ends[0][known], ends[1][known]
    straight[known] = np.hypot(*(xy[a] - xy[b]).T) / 1000.0
    stated = lines["length_km"].to_numpy(np.float64)
    limits = case.rubric.limits
    short = stated < straight - limits.line_slack_km
    long = stated > limits.line_ratio * straight + limits.line_slack_km
    return FailingRows(
        short | long | ~np.isfinite(straight),
        lambda i: f"is {stated[i]:g} km long; its ends lie {straight[i]:.2f} km apart",
        "length_km",
        told=np.isfinite(straight),
    )


def _fed_once(case: Case, layer: str) -> FailingRows:
    lines = case.table(layer)
    closed = closed_lines(lines)
    feeding = lines["to_id"].where(closed & (lines["to_id"] != "").to_numpy(bool))
    twice = (feeding.duplicated(keep="first") & feeding.notna()).to_numpy(bool)
    return FailingRows(twice, lambda i: f"{lines['to_id'].iloc[i]} is fed by another line already", "to_id")


TOPOLOGY = (
    Check("power-reaches-source", "correct", ("power_nodes",), "every node is fed from a substation or plant",
          "add the missing line, or mark the node that feeds the others as substation", _power_rooted),
    Check("power-no-cycle", "correct", ("power_lines",), "no line closes a cycle",
          "turn the line round, or leave out the normally open one", _power_cycle),
    Check("power-fed-once", "correct", ("power_lines",), "every node is fed by one line",
          "keep the line that feeds in normal operation", _fed_once),
    Check("line-length", "correct", ("power_lines",), "lines are about as long as their ends lie apart",
          "check metres against kilometres, and the ends", _length),
    Check("backhaul-reaches-core", "correct", ("sites",), "a way leads from every site on air to an exchange",
          "add the missing link, or mark the site planned", _core_reached, below=True),
    Check("backhaul-no-cycle", "correct", ("sites",), "no backhaul runs in a circle",
          "correct backhaul_parent_id of one of them", _backhaul_cycle, below=True),
)  # fmt: skip
