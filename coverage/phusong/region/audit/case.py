"""One audit's case: the evidence, the rubric and the date, and what several checks need to know of the ground."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from phusong.region.audit.evidence import Evidence
from phusong.region.audit.rubric import Rubric
from phusong.region.audit.trees import first_parents, positions
from phusong.region.near import nearest
from phusong.region.record_kinds import kinds_of

__all__ = ["DELIVERED", "NOBODY", "Case"]

DELIVERED = ("measured", "official")
"""Kinds of records that somebody delivered; the others are a model's or a guess."""

NOBODY = "not stated"
"""Owner of what nobody is said to own."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_OWNER_COLUMN = {"sites": "owner", "links": "owner", "cells": "operator"}
_UNKNOWN = ("", "unknown", "nan", "none")


@dataclass(frozen=True)
class Case:
    """What is audited, by which rubric, as of which day.

    Parameters
    ----------
    evidence : Evidence
        The region as it lies there.
    rubric : Rubric
        Thresholds and weights.
    as_of : date
        Day of the audit: ages are counted up to it.
    """

    evidence: Evidence
    rubric: Rubric
    as_of: date

    @cached_property
    def _kinds(self) -> dict[str, npt.NDArray[np.str_]]:
        return {}

    def table(self, layer: str) -> Any:  # noqa: ANN401 - a frame with or without geometry
        """Return the rows of a layer; an empty frame where there is none."""
        return self.evidence.table(layer)

    def shapes(self, layer: str) -> npt.NDArray[np.object_]:
        """Return the geometries of a layer; None where one is missing, empty or not finite."""
        found = np.asarray(self.table(layer).geometry.to_numpy(), dtype=object)
        bounds = shapely.bounds(found)
        usable = ~shapely.is_missing(found) & ~shapely.is_empty(found) & np.isfinite(bounds).all(axis=1)
        out = np.full(found.shape, None, dtype=object)
        out[usable] = found[usable]
        return out

    def xy(self, layer: str) -> Floats:
        """Return easting and northing of each row, of its middle where it is no point; NaN without a place. [m]"""
        if layer in {"demand", "cells", "links", "power_lines"}:
            return self._derived_xy(layer)
        if layer not in self.evidence.sheets or not hasattr(self.table(layer), "geometry"):
            return np.full((len(self.table(layer)), 2), np.nan)
        middle = shapely.centroid(shapely.make_valid(self.shapes(layer)))
        return np.asarray(np.c_[shapely.get_x(middle), shapely.get_y(middle)], np.float64)

    def _derived_xy(self, layer: str) -> Floats:
        frame = self.table(layer)
        if layer == "demand":
            return self.demand_xy
        if layer == "cells":
            return _take(self.xy("sites"), positions(frame["site_id"], self.table("sites")["site_id"]))
        ends, keys = ("sites", "site_id") if layer == "links" else ("power_nodes", "node_id")
        place = self.xy(ends)
        both = [_take(place, positions(frame[c], self.table(ends)[keys])) for c in ("from_id", "to_id")]
        middle = np.mean(both, axis=0)
        return np.where(np.isfinite(middle), middle, np.where(np.isfinite(both[0]), both[0], both[1]))

    @cached_property
    def borders(self) -> npt.NDArray[np.object_]:
        """Commune polygons made valid; an empty polygon where there is none."""
        shapes = shapely.make_valid(self.shapes("communes"))
        flat = np.isin(shapely.get_type_id(shapes), (3, 6, 7))
        out = np.full(shapes.shape, shapely.Polygon(), dtype=object)
        out[flat] = shapes[flat]
        return out

    @cached_property
    def commune_names(self) -> list[str]:
        """Names of the communes, the code where there is none."""
        frame = self.table("communes")
        return [n or c for n, c in zip(frame["name"], frame["commune_code"], strict=True)]

    @cached_property
    def province_of_commune(self) -> npt.NDArray[np.object_]:
        """Name of the province of each commune, its code where it has no name."""
        frame = self.table("communes")
        named = frame["province"].where(frame["province"] != "", frame["province_code"])
        return np.asarray(named.where(named != "", NOBODY), dtype=object)

    @cached_property
    def demand_xy(self) -> Floats:
        """Middles of the demand cells; of their commune where there is no grid. [m]"""
        frame, grid = self.table("demand"), self.evidence.grid
        row, col = frame["row"].to_numpy(np.float64), frame["col"].to_numpy(np.float64)
        known = np.isfinite(row) & np.isfinite(col)
        if grid is None:
            inner = shapely.point_on_surface(self.borders)
            place = np.c_[shapely.get_x(inner), shapely.get_y(inner)]
            return _take(place, positions(frame["commune_code"], self.table("communes")["commune_code"]))
        east, north = grid.centres(np.where(known, row, 0), np.where(known, col, 0))
        return np.where(known[:, None], np.c_[east, north], np.nan)

    def commune_at(self, xy: Floats) -> Ints:
        """Return the commune that holds each place, else the nearest within the region's margin, else -1."""
        out = np.full(len(xy), -1, np.int64)
        known = np.flatnonzero(np.isfinite(xy).all(axis=1))
        if known.size == 0 or self.borders.size == 0:
            return out
        tree = shapely.STRtree(self.borders)
        points = shapely.points(xy[known])
        at, which = tree.query(points, predicate="intersects")
        # where borders overlap, the first commune of the table
        order = np.lexsort((which, at))[::-1]
        out[known[at[order]]] = which[order]
        lost = known[out[known] < 0]
        if lost.size:
            at, which = tree.query_nearest(
                shapely.points(xy[lost]), max_distance=self.rubric.limits.region_margin_m, all_matches=False
            )
            out[lost[at]] = which
        return out

    def claimed(self, layer: str) -> Ints:
        """Return the commune that each row says it lies in, -1 where there is none of that code."""
        return positions(self.table(layer)["commune_code"], self.table("communes")["commune_code"])

    def commune_of(self, layer: str) -> Ints:
        """Return the commune of each row: as it says, else by its place; -1 where neither helps."""
        return self._communes[layer]

    @cached_property
    def _communes(self) -> dict[str, Ints]:
        found = {"communes": np.arange(len(self.table("communes")), dtype=np.int64)}
        for layer in ("sites", "power_nodes", "settlements", "facilities", "demand"):
            told = (
                self.claimed(layer)
                if "commune_code" in self.table(layer)
                else np.full(len(self.table(layer)), -1, np.int64)
            )
            lost = told < 0
            if lost.any():
                told[lost] = self.commune_at(self.xy(layer)[lost])
            found[layer] = told
        sites, nodes = self.table("sites")["site_id"], self.table("power_nodes")["node_id"]
        found["cells"] = _take(found["sites"], positions(self.table("cells")["site_id"], sites))
        found["links"] = _take(found["sites"], positions(self.table("links")["from_id"], sites))
        found["power_lines"] = _take(
            found["power_nodes"], positions(self.table("power_lines")["to_id"], nodes)
        )
        found["operators"] = np.full(len(self.table("operators")), -1, np.int64)
        return found

    def owner_of(self, layer: str) -> npt.NDArray[np.object_]:
        """Return who owns each row; whoever gives the layer, where it has no column that says so."""
        frame, column = self.table(layer), _OWNER_COLUMN.get(layer)
        if column is None:
            return np.full(len(frame), self.giver(layer), dtype=object)
        named = frame[column]
        return np.asarray(named.where(~named.str.casefold().isin(_UNKNOWN), NOBODY), dtype=object)

    def kinds(self, layer: str) -> npt.NDArray[np.str_]:
        """Return how each row of a layer came to be: measured, official, modelled or assumed."""
        if layer not in self._kinds:
            self._kinds[layer] = kinds_of(self.table(layer), self.evidence.source(layer).kind)
        return self._kinds[layer]

    def delivered(self, layer: str) -> Flags:
        """Return which rows somebody delivered, rather than a model; one value for a layer that is no table."""
        if layer not in self.evidence.sheets:
            return np.array([self.evidence.source(layer).kind in DELIVERED])
        return np.asarray(np.isin(self.kinds(layer), DELIVERED))

    def giver(self, layer: str) -> str:
        """Return who gives a layer: its owner or source in region.toml."""
        return self.evidence.givers.get(layer, "") or NOBODY

    @cached_property
    def cells(self) -> tuple[Floats, Floats, Ints]:
        """Where people are: place [m], people and commune of each demand cell; of each commune without demand."""
        layer = "demand" if self.evidence.has("demand") else "communes"
        people = np.nan_to_num(self.table(layer)["population"].to_numpy(np.float64), posinf=0.0)
        return self.xy(layer), np.maximum(people, 0.0), self.commune_of(layer)

    @cached_property
    def active_sites(self) -> Flags:
        """Sites that are on air."""
        return np.asarray(self.table("sites")["status"].isin(["active", ""]), bool)

    @cached_property
    def cell_site(self) -> Ints:
        """Nearest active site of each demand cell, -1 where none is within reach."""
        xy, _, _ = self.cells
        return nearest_of(xy, self.xy("sites"), self.active_sites, self.rubric.limits.site_reach_m)

    @cached_property
    def node_parent(self) -> Ints:
        """Node above each power node, -1 at a source or where the tree is broken."""
        lines, keys = self.table("power_lines"), self.table("power_nodes")["node_id"]
        return first_parents(len(keys), positions(lines["to_id"], keys), positions(lines["from_id"], keys))

    @cached_property
    def site_parent(self) -> Ints:
        """Site that the backhaul of each site goes to, -1 at an exchange or where it is broken."""
        child, parent = self.hops
        return first_parents(len(self.table("sites")), child, parent)

    @cached_property
    def hops(self) -> tuple[Ints, Ints]:
        """Steps of the backhaul as (site, site nearer to the core): each site's parent, and the links."""
        sites, links = self.table("sites"), self.table("links")
        keys = sites["site_id"]
        return (
            np.r_[np.arange(len(sites), dtype=np.int64), positions(links["from_id"], keys)],
            np.r_[positions(sites["backhaul_parent_id"], keys), positions(links["to_id"], keys)],
        )

    @cached_property
    def points(self) -> dict[str, Any]:
        """A point for each row of each layer, to draw records with; None without a place."""
        out = {}
        for layer in self.evidence.sheets:
            xy = self.xy(layer)
            known = np.isfinite(xy).all(axis=1)
            place = np.full(len(xy), None, dtype=object)
            place[known] = shapely.points(xy[known])
            out[layer] = gpd.GeoSeries(place, crs=self.evidence.crs)
        return out


def nearest_of(xy: Floats, among: Floats, usable: Flags, within_m: float) -> Ints:
    """Return which usable place is nearest to each point, -1 where none is within the distance."""
    out = np.full(len(xy), -1, np.int64)
    pool = np.flatnonzero(usable & np.isfinite(among).all(axis=1))
    known = np.flatnonzero(np.isfinite(xy).all(axis=1))
    if pool.size and known.size:
        distance, which = nearest(among[pool], xy[known])
        near = distance <= within_m
        out[known[near]] = pool[which[near]]
    return out


def _take(values: npt.NDArray[Any], at: Ints) -> npt.NDArray[Any]:
    """Return the rows of some positions; NaN, or -1 for whole numbers, where a position is -1."""
    lost = np.nan if np.issubdtype(values.dtype, np.floating) else -1
    if len(values) == 0:
        return np.full((at.size, *values.shape[1:]), lost, values.dtype)
    found = values[np.maximum(at, 0)]
    return np.where((at >= 0).reshape(-1, *[1] * (values.ndim - 1)), found, lost)
