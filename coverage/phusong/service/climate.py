"""The weather that power and microwave links live in: monthly sun, rain and temperature of the nearest station."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from phusong.region.facts import table

__all__ = ["MONTH_DAYS", "Climate", "climate"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True)
class Climate:
    """Monthly means of some stations, geodata/climate_months.csv.

    Parameters
    ----------
    stations : tuple of str
        Names.
    latitude_deg, longitude_deg : ndarray, shape (n,)
        Where they stand.
    sun_hours, rain_mm, temperature_c : ndarray, shape (n, 12)
        Bright sunshine and rain of the month, mean air temperature.
    """

    stations: tuple[str, ...]
    latitude_deg: Floats
    longitude_deg: Floats
    sun_hours: Floats
    rain_mm: Floats
    temperature_c: Floats

    def nearest(self, latitude_deg: npt.ArrayLike, longitude_deg: npt.ArrayLike) -> Ints:
        """Return the position of the station nearest to each place, on the sphere."""
        lat, lon = np.radians(np.asarray(latitude_deg, float)), np.radians(np.asarray(longitude_deg, float))
        there, east = np.radians(self.latitude_deg), np.radians(self.longitude_deg)
        half = np.sin((lat[..., None] - there) / 2.0) ** 2
        half += np.cos(lat[..., None]) * np.cos(there) * np.sin((lon[..., None] - east) / 2.0) ** 2
        return np.asarray(np.argmin(half, axis=-1), np.int64)


@cache
def climate() -> Climate:
    """Return the shipped stations."""
    rows = table("climate_months")
    names = tuple(str(n) for n in dict.fromkeys(rows["station"]))
    months = rows.sort_values(["station", "month"], kind="stable").set_index("station")

    def monthly(column: str) -> Floats:
        return np.array([months.loc[[n], column].to_numpy(np.float64) for n in names])

    return Climate(
        names,
        monthly("latitude_deg")[:, 0],
        monthly("longitude_deg")[:, 0],
        monthly("sun_hours"),
        monthly("rain_mm"),
        monthly("temperature_c"),
    )
