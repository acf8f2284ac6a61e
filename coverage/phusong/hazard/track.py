"""Storm tracks.

Modules in the order of the way: `track`, `wind`, `field`, `fragility`, `damage`, `recovery`, `impact`.
"""

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from phusong.compute.array_types import Floats
from phusong.errors import InputError, Problem, nearest_name, refuse
from phusong.io.limits import read_bytes
from phusong.io.resources import geodata_path
from phusong.region.read.table import read_text_table

__all__ = ["TRACK_SCHEMA", "Track", "read_track", "storm_names", "track_of"]


_EARTH_KM = 6371.0
_FASTEST_MS = 45.0  # no tropical cyclone has moved faster for long
_LONGEST_H = 60 * 24.0  # the longest known, Freddy in 2023, lasted 36 days
_SHOWN = 20


def _column(least: float, most: float, meaning: str, *, required: bool = True) -> pa.Column:
    within = pa.Check.in_range(least, most, error=f"must lie between {least:g} and {most:g} ({meaning})")
    # what is no number is named by the typing, with its text
    return pa.Column(float, within, required=required, nullable=True, description=meaning)


TRACK_SCHEMA = pa.DataFrameSchema(
    {
        "latitude_deg": _column(-60.0, 60.0, "degrees north of the centre"),
        "longitude_deg": _column(-180.0, 360.0, "degrees east of the centre"),
        "central_hpa": _column(850.0, 1020.0, "pressure in the centre"),
        "max_wind_ms": _column(1.0, 110.0, "strongest 1-minute mean wind at 10 m, m/s"),
        "rmw_km": _column(3.0, 300.0, "radius of the strongest wind", required=False),
        "environment_hpa": _column(980.0, 1030.0, "pressure outside the storm", required=False),
    }
)
"""Columns of a track beside `time`; others are kept aside."""

_USUAL_ENVIRONMENT_HPA = 1010.0


@dataclass(frozen=True)
class Track:
    """A storm's positions and strength.

    Parameters
    ----------
    name, source : str
        Of the storm, and where its figures come from.
    start : numpy.datetime64
        Time of the first position, UTC.
    hour : ndarray, shape (n,)
        Hours since then, rising.
    latitude_deg, longitude_deg : ndarray, shape (n,)
        The centre.
    central_hpa, environment_hpa : ndarray, shape (n,)
        Pressure in the centre and outside the storm.
    max_wind_ms : ndarray, shape (n,)
        Strongest 1-minute mean wind at 10 m over open water.
    rmw_km : ndarray, shape (n,)
        Radius of the strongest wind.
    """

    name: str
    source: str
    start: np.datetime64
    hour: Floats
    latitude_deg: Floats
    longitude_deg: Floats
    central_hpa: Floats
    environment_hpa: Floats
    max_wind_ms: Floats
    rmw_km: Floats

    def every(self, step_h: float) -> "Track":
        """Return the track at even steps: everything goes in straight lines between the positions given.

        Parameters
        ----------
        step_h : float
            Step; the positions given are kept as well. [h]
        """
        even = np.arange(self.hour[0], self.hour[-1] + step_h / 2.0, step_h)
        hour = np.union1d(self.hour, even[even <= self.hour[-1]])
        names = ("latitude_deg", "longitude_deg", "central_hpa", "environment_hpa", "max_wind_ms", "rmw_km")
        return Track(
            self.name, self.source, self.start, hour,
            *(np.interp(hour, self.hour, getattr(self, name)) for name in names),
        )  # fmt: skip

    def velocity_ms(self) -> tuple[Floats, Floats]:
        """Return the velocity of the centre to the east and to the north at each position. [m/s]"""
        second = np.maximum(self.hour * 3600.0, 0.0)
        north_m = np.radians(self.latitude_deg) * _EARTH_KM * 1000.0
        # metres to the east, step by step, since a degree shrinks to the north
        middle = np.radians((self.latitude_deg[1:] + self.latitude_deg[:-1]) / 2.0)
        east = np.radians(np.diff(self.longitude_deg)) * np.cos(middle) * _EARTH_KM * 1000.0
        east_m = np.r_[0.0, np.cumsum(east)]
        return np.gradient(east_m, second), np.gradient(north_m, second)


def storm_names() -> list[str]:
    """Return the names of the shipped tracks."""
    return sorted(p.stem for p in geodata_path("storms/yagi_2024.csv").parent.glob("*.csv"))


def read_track(name_or_path: str | Path) -> Track:
    """Return the track of a shipped name, or of a user's CSV.

    Parameters
    ----------
    name_or_path : str or Path
        ``"yagi_2024"``, or a file with the columns of :data:`TRACK_SCHEMA` and `time` (ISO 8601, UTC where no
        offset is given).

    Raises
    ------
    InputError
        If there is no such storm, or naming everything wrong with its table.
    """
    text = str(name_or_path)
    shipped = storm_names()
    path = geodata_path(f"storms/{text}.csv") if text in shipped else Path(name_or_path)
    if not path.is_file():
        known = ", ".join(shipped)
        raise InputError(
            Problem(text, f"is no file and no shipped storm{nearest_name(text, shipped)}; shipped: {known}")
        )
    table = read_text_table(read_bytes(path), path.name, known=["time", *TRACK_SCHEMA.columns]).frame
    return track_of(table, path.stem, where=path.name)


def track_of(table: pd.DataFrame, name: str, *, where: str = "storm") -> Track:
    """Return the track of a table.

    Parameters
    ----------
    table : DataFrame
        `time` and the columns of :data:`TRACK_SCHEMA`, as text or numbers; `source` is kept where given.
    name, where : str
        Of the storm; of the table, for problems.

    Raises
    ------
    InputError
        Naming every missing column and every value that cannot be.

    Notes
    -----
    Where no radius is given it follows Vickery and Wadhera (2008), equation 11 for all hurricanes:
    ln R = 3.015 - 6.291e-5 Δp² + 0.0337 φ.
    """
    needed = ["time", *(c for c, column in TRACK_SCHEMA.columns.items() if column.required)]
    lacking = [c for c in needed if c not in table.columns]
    refuse(Problem(where, "is missing: a track needs " + ", ".join(needed), column=c) for c in lacking)
    if len(table) < 2:
        raise InputError(Problem(where, "holds fewer than two positions: a track needs two or more"))
    table = table.reset_index(drop=True)
    values, problems = _numbers(table, where)
    time = pd.to_datetime(table["time"].astype(str), utc=True, errors="coerce", format="ISO8601")
    problems += [
        Problem(where, "is no time; expected e.g. 2024-09-07T06:00Z", int(i) + 1, "time", table["time"].iloc[i])
        for i in np.flatnonzero(time.isna())
    ]  # fmt: skip
    problems += _limits(values, where)
    refuse(problems[:_SHOWN])
    hour: Floats = np.asarray((time - time.iloc[0]) / pd.Timedelta(hours=1), np.float64)
    environment: Floats = np.full(len(values), _USUAL_ENVIRONMENT_HPA)
    if "environment_hpa" in values:
        environment = np.asarray(values["environment_hpa"], np.float64)
    central = values["central_hpa"].to_numpy(float)
    rmw = values["rmw_km"].to_numpy(float) if "rmw_km" in values else np.full(len(values), np.nan)
    latitude = values["latitude_deg"].to_numpy(float)
    usual = np.exp(3.015 - 6.291e-5 * (environment - central) ** 2 + 0.0337 * np.abs(latitude))
    sources = sorted(set(table["source"].astype(str))) if "source" in table else []
    track = Track(
        name=name,
        source=_source(sources, where),
        start=np.datetime64(time.iloc[0].tz_convert(None)),
        hour=hour,
        latitude_deg=latitude,
        longitude_deg=values["longitude_deg"].to_numpy(float),
        central_hpa=central,
        environment_hpa=environment,
        max_wind_ms=values["max_wind_ms"].to_numpy(float),
        rmw_km=np.where(np.isfinite(rmw), rmw, usual),
    )
    refuse(_contradictions(track, where)[:_SHOWN])
    return track


def _source(sources: list[str], where: str) -> str:
    """Return what all positions' sources begin with, and where the rest is told."""
    words = zip(*(s.replace(",", " ,").replace(";", " ;").split() for s in sources), strict=False)
    alike = " ".join(w[0] for w in takewhile(lambda w: len(set(w)) == 1, words)).strip(" ,;:")
    if len(set(sources)) == 1 and alike:
        return alike
    return f"{alike} ({where} names the source of each position)" if alike else where


def _numbers(table: pd.DataFrame, where: str) -> tuple[pd.DataFrame, list[Problem]]:
    values, problems = {}, []
    for name in TRACK_SCHEMA.columns:
        if name not in table.columns:
            continue
        column = table[name]
        blank = column.isna() | (column.astype(str).str.strip() == "")
        number = pd.to_numeric(column, errors="coerce").astype(float)
        wrong = ~np.isfinite(number.to_numpy()) & ~(blank & (name == "rmw_km")).to_numpy()
        problems += [
            Problem(where, "is no number", int(i) + 1, name, column.iloc[i]) for i in np.flatnonzero(wrong)
        ]
        values[name] = number
    return pd.DataFrame(values), problems


def _limits(values: pd.DataFrame, where: str) -> list[Problem]:
    try:
        TRACK_SCHEMA.validate(values.replace([np.inf, -np.inf], np.nan), lazy=True)
    except pa.errors.SchemaErrors as errors:
        found = errors.failure_cases.sort_values(["index", "column"])
        return [
            Problem(where, str(r["check"]), int(r["index"]) + 1, str(r["column"]), r["failure_case"])
            for r in found.to_dict("records")
        ]
    return []


def _contradictions(track: Track, where: str) -> list[Problem]:
    problems = [
        Problem(where, "does not come after the row above; times must rise", int(i) + 2, "time")
        for i in np.flatnonzero(np.diff(track.hour) <= 0.0)
    ]
    problems += [
        Problem(where, f"comes {track.hour[i] / 24.0:,.0f} days after the first; storms last at most {_LONGEST_H / 24.0:g}: is the year "
                "right?", int(i) + 1, "time")
        for i in np.flatnonzero(track.hour > _LONGEST_H)
    ]  # fmt: skip
    problems += [
        Problem(where, f"is not below the {track.environment_hpa[i]:g} hPa outside the storm", int(i) + 1,
                "central_hpa", f"{track.central_hpa[i]:g}")
        for i in np.flatnonzero(track.central_hpa >= track.environment_hpa)
    ]  # fmt: skip
    if not problems:
        speed = np.hypot(*track.velocity_ms())
        problems += [
            Problem(where, f"is reached at {speed[i]:.0f} m/s; storms move at most at {_FASTEST_MS:g}: are latitude "
                    "and longitude right?", int(i) + 1, "latitude_deg", f"{track.latitude_deg[i]:g}")
            for i in np.flatnonzero(speed > _FASTEST_MS)
        ]  # fmt: skip
    return problems
