"""One radio path of a region: from what a user types to a study of it."""

import re

import numpy as np
from pyproj import Transformer

from phusong.errors import InputError, Problem
from phusong.radio.models import Conditions
from phusong.radio.path import PathStudy, profile_between, study_path
from phusong.radio.refractivity import refractivity
from phusong.region.facts import table
from phusong.region.store import Region

__all__ = ["read_point", "study_region_path"]

_APART = re.compile(r"\s*[,;]\s*|\s+")


def study_region_path(
    region: Region,
    transmitter: str,
    receiver: str,
    *,
    frequency_ghz: float,
    tx_height_m: float,
    rx_height_m: float,
    time_percent: float = 50.0,
    clutter: bool = True,
) -> tuple[PathStudy, str]:
    """Return a path between two points ``"LAT,LON"`` and a line that says what its ground stands on.

    Raises
    ------
    InputError
        If a point cannot be read or lies outside the region.
    """
    ends = [read_point(name, text) for name, text in (("transmitter", transmitter), ("receiver", receiver))]
    project = Transformer.from_crs("EPSG:4326", region.grid.crs, always_xy=True)
    tx_xy, rx_xy = (project.transform(lon, lat) for lat, lon in ends)
    heights = table("clutter").set_index("class")["height_m"].astype(float)
    by_class = np.zeros(256)
    by_class[heights.index.to_numpy(np.int64)] = heights.to_numpy(np.float64)
    profile = profile_between(
        region.elevation, region.grid, tx_xy, rx_xy, clutter_m=by_class[region.clutter] if clutter else None
    )
    latitude = (ends[0][0] + ends[1][0]) / 2.0
    air = refractivity(latitude)
    study = study_path(
        profile,
        frequency_ghz=frequency_ghz,
        tx_height_m=tx_height_m,
        rx_height_m=rx_height_m,
        conditions=Conditions(
            time_percent=time_percent, delta_n=air.delta_n, n0=air.n0, latitude_deg=latitude
        ),
    )
    source = region.source_of("elevation")
    note = f"Heights: {source.kind}, {source.source}; pixels of {region.grid.cell_m:g} m"
    return study, note


def read_point(name: str, text: str) -> tuple[float, float]:
    """Return latitude and longitude of ``"LAT,LON"``, south and west negative.

    Raises
    ------
    InputError
        If it is no such pair.
    """
    try:
        lat, lon = (float(part) for part in _APART.split(text.strip()))
    except ValueError:
        told = "must be LAT,LON in degrees, e.g. 21.82,105.21 or -21.82,105.21"
        raise InputError(Problem(name, told, value=text)) from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise InputError(
            Problem(name, "must be a latitude of -90 to 90 and a longitude of -180 to 180", value=text)
        )
    return lat, lon
