"""What the numbers of a raster mean: which band holds them, and how they become metres, people or classes."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from rasterio.enums import ColorInterp

from phusong.errors import Problem

__all__ = ["UNITS", "Quantity", "RasterMeaning", "meaning_of", "unit_factor"]

Quantity = Literal["height", "people", "class"]

UNITS: dict[str, dict[str, float]] = {
    "height": {
        **dict.fromkeys(("m", "metre", "metres", "meter", "meters", "mét"), 1.0),
        **dict.fromkeys(("dm", "decimetre", "decimetres", "decimeter", "decimeters"), 0.1),
        **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), 0.01),
        **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), 0.001),
        **dict.fromkeys(("km", "kilometre", "kilometres", "kilometer", "kilometers"), 1000.0),
        **dict.fromkeys(("ft", "foot", "feet", "international foot", "ift"), 0.3048),
        **dict.fromkeys(("us-ft", "ftus", "us survey foot", "foot_us", "us_survey_foot"), 1200.0 / 3937.0),
    },
    "people": {
        **dict.fromkeys(("people", "persons", "person", "inhabitants", "population", "count", "người"), 1.0),
        **dict.fromkeys(("people/pixel", "people per pixel", "persons per pixel", "ppp"), 1.0),
        **dict.fromkeys(("thousand people", "thousands", "thousand", "1000 people"), 1000.0),
    },
}
"""Units that are read, by quantity, and how many metres or people one of each is."""

_PLAIN = {"height": "m", "people": "people"}


@dataclass(frozen=True)
class RasterMeaning:
    """How a raster's stored numbers become values.

    Parameters
    ----------
    band : int
        Counted from 1.
    alpha : int
        Band that says where there is anything; 0: none.
    scale, offset : float
        Value = stored number × scale + offset, the unit included.
    told : str
        What is done to the numbers, for people; empty: nothing.
    """

    band: int = 1
    alpha: int = 0
    scale: float = 1.0
    offset: float = 0.0
    told: str = ""

    def applied(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return values; the array itself where the numbers mean what they say."""
        if self.scale == 1.0 and self.offset == 0.0:
            return stored
        return np.asarray(stored, np.float64) * self.scale + self.offset


def unit_factor(unit: str, quantity: Quantity) -> float | None:
    """Return how many metres or people one of a unit is; None where it is none of the quantity's.

    Examples
    --------
    >>> unit_factor("FT", "height"), unit_factor("", "people"), unit_factor("people/km2", "people")
    (0.3048, 1.0, None)
    """
    plain = " ".join(unit.strip().casefold().split())
    return 1.0 if not plain else UNITS.get(quantity, {}).get(plain)


def meaning_of(
    source: Any,  # noqa: ANN401 - rasterio carries no types
    where: str,
    quantity: Quantity,
    *,
    band: int | None = None,
    unit: str = "",
) -> RasterMeaning | list[Problem]:
    """Return how an open raster's numbers become values, or everything that keeps them from it.

    Parameters
    ----------
    source : DatasetReader
        The raster.
    where : str
        Its file's name.
    quantity : {"height", "people", "class"}
        What it is to hold.
    band : int, optional
        The band that holds it; needed of a raster of several.
    unit : str
        Of its values, where the file's own tag is missing or wrong.
    """
    if any(str(d).startswith("complex") for d in source.dtypes):
        return [Problem(where, f"holds complex numbers ({source.dtypes[0]}); give a raster of real ones")]
    alpha = [k for k, c in zip(source.indexes, source.colorinterp, strict=True) if c == ColorInterp.alpha]
    bands = [k for k in source.indexes if k not in alpha]
    if band is not None and band not in bands:
        told = f"is no band of it; it has {', '.join(map(str, bands))}"
        return [Problem(where, told, column="--band", value=band)]
    if band is None and len(bands) != 1:
        names = [d for d in source.descriptions if d]
        of = f" ({', '.join(names[:5])})" if names else ""
        told = (
            f"has {len(bands)} bands{of}, and which of them holds the values is not said: choose it with `phusong region import --band N`, or "
            f"write it alone, e.g. with gdal_translate -b 1 {where} NEW.tif"
        )
        return [Problem(where, told)]
    chosen = band if band is not None else bands[0]
    scale, offset = float(source.scales[chosen - 1]), float(source.offsets[chosen - 1])
    problems = []
    if not np.isfinite([scale, offset]).all() or scale == 0.0:
        told = "is no scale and offset; set them, e.g. with gdal_edit.py -scale 1 -offset 0 FILE"
        problems.append(Problem(where, told, value=f"{scale:g}, {offset:g}"))
    if quantity == "class":
        if (scale, offset) != (1.0, 0.0):
            told = "is a scale and offset of a raster of class codes, which have none; take them off with gdal_edit.py"
            problems.append(Problem(where, told, value=f"{scale:g}, {offset:g}"))
        return problems or RasterMeaning(chosen, alpha[0] if alpha else 0)
    stated = unit or str(source.units[chosen - 1] or "")
    factor = unit_factor(stated, quantity)
    if factor is None:
        problems.append(_no_unit(where, stated, quantity, by_hand=bool(unit)))
    if problems or factor is None:
        return problems
    done: list[str] = []
    if (scale, offset) != (1.0, 0.0):
        done.append(f"stored numbers times {scale:g}" + (f" plus {offset:g}" if offset else ""))
    if factor != 1.0:
        done.append(f"{stated} brought to {_PLAIN[quantity]} (times {factor:g})")
    return RasterMeaning(chosen, alpha[0] if alpha else 0, scale * factor, offset * factor, "; ".join(done))


def _no_unit(where: str, stated: str, quantity: Quantity, *, by_hand: bool) -> Problem:
    plain = stated.casefold()
    known = ", ".join(dict.fromkeys(UNITS[quantity]))
    if quantity == "people" and ("km" in plain or "/ha" in plain or "per ha" in plain or "sq" in plain):
        told = "is people by area, and people per pixel are needed: multiply each pixel by its area first"
    elif "%" in plain or "percent" in plain:
        told = "is a share, and not heights or people: give the raster of values itself"
    else:
        told = f"is no unit that is read ({known}); say it with `phusong region import --unit`"
    return Problem(where, told, column="--unit" if by_hand else "unit", value=stated)
