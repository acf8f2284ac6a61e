"""The published P.1812 cases, read where they lie beside the project."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reference_cases import REFERENCE

FOLDER = REFERENCE / "validation" / "radio" / "p1812"


@dataclass(frozen=True)
class Case:
    name: str
    arguments: dict
    loss_db: float


def cases() -> Iterator[Case]:
    for path in sorted((FOLDER / "profiles").glob("*.csv")):
        yield from _of(path)


def _of(path: Path) -> Iterator[Case]:
    lines = [line.strip() for line in path.read_text("utf-8", errors="replace").splitlines()]

    def value(key: str) -> float:
        return float(next(x for x in lines if x.startswith(key)).split(",")[1])

    start = next(i for i, x in enumerate(lines) if x.startswith("{Begin of Profile}"))
    stop = next(i for i, x in enumerate(lines) if x.startswith("{End of Profile}"))
    profile = np.array(
        [[float(v) for v in x.split(",")[:5]] for x in lines[start + 2 : stop] if x.strip(",")]
    )
    start = next(i for i, x in enumerate(lines) if x.startswith("{Begin of Measurements}"))
    stop = next(i for i, x in enumerate(lines) if x.startswith("{End of Measurements}"))
    latitude = middle_latitude(
        value("Tx LAT"), value("Tx LON"), value("Rx LAT"), value("Rx LON"), profile[-1, 0] / 2
    )
    for line in lines[start + 1 : stop]:
        m = line.split(",")
        if len(m) < 18 or not m[17]:
            continue
        yield Case(
            f"{path.stem} {float(m[0]):g} MHz {m[14]} %",
            {
                "distance_km": profile[:, 0],
                "height_m": profile[:, 1],
                "clutter_m": profile[:, 3],
                "zone": profile[:, 4],
                "frequency_ghz": float(m[0]) / 1000.0,
                "tx_height_m": float(m[1]),
                "rx_height_m": float(m[3]),
                "polarization": {"2": "vertical"}.get(m[4], "horizontal"),
                "time_percent": float(m[14]),
                "delta_n": value("Average annual values dN"),
                "n0": value("Average annual sea-level surface"),
                "latitude_deg": latitude,
            },
            float(m[17]),
        )


def middle_latitude(lat1: float, lon1: float, lat2: float, lon2: float, half_km: float) -> float:
    """Latitude of the point half the profile's length along the great circle."""
    (a, b), (c, d) = np.radians([[lat1, lon1], [lat2, lon2]])
    bearing = np.arctan2(
        np.sin(d - b) * np.cos(c), np.cos(a) * np.sin(c) - np.sin(a) * np.cos(c) * np.cos(d - b)
    )
    turn = half_km / 6371.0
    return float(np.degrees(np.arcsin(np.sin(a) * np.cos(turn) + np.cos(a) * np.sin(turn) * np.cos(bearing))))
