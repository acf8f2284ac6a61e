"""Arguments of radio: their kinds, and for what each model holds: one row a model, for functions, sweeps and commands.

Two limits for each quantity. Outside `refused` there is no answer. Between it and `stated` the formula is carried on,
or the value held to the range, as the source allows or its users do; whoever asks is told.
"""

import inspect
import math
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from functools import cache, wraps
from numbers import Integral, Real
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt
from affine import Affine

from phusong.errors import Problem, refuse

__all__ = [
    "COVER_M",
    "GROUND_M",
    "RANGES",
    "QuantityRange",
    "Range",
    "checked",
    "fit_profile",
    "refuse_fields",
]

GROUND_M, COVER_M = (-12_000.0, 9_000.0), (0.0, 400.0)
"""Heights of a profile, from the floor of the deepest sea to Mount Everest, and of what stands on it."""


@dataclass(frozen=True)
class QuantityRange:
    """Limits of one quantity.

    Parameters
    ----------
    refused : tuple of float
        Lowest and highest value with an answer.
    stated : tuple of float, optional
        What the source states or measured, where that is less.
    beyond : str
        What is done between the two.
    """

    refused: tuple[float, float]
    stated: tuple[float, float] | None = None
    beyond: str = "the formula is carried on"

    def answers(self, value: float) -> bool:
        """Return whether there is an answer for a value; never for one that is no number."""
        low, high = self.refused
        return low <= value <= high

    def covers(self, value: float) -> bool:
        """Return whether a value lies where the source itself has been."""
        low, high = self.stated or self.refused
        return low <= value <= high


# what no mobile network leaves, whatever the model
_ANY_KM, _ANY_HEIGHT_M, _ANY_PERCENT = (1e-4, 3000.0), (0.1, 3000.0), (0.01, 99.99)


def _heights(low: float, high: float, beyond: str = "it is held to the range") -> QuantityRange:
    return QuantityRange(_ANY_HEIGHT_M, (low, high), beyond)


@dataclass(frozen=True)
class Range:
    """For what one model holds.

    Parameters
    ----------
    source : str
        Where the source says so.
    frequency_ghz, distance_km, tx_height_m, rx_height_m : QuantityRange
        Antenna heights above ground.
    time_percent, location_percent : QuantityRange
        Shares of time and of places.
    """

    source: str
    frequency_ghz: QuantityRange
    distance_km: QuantityRange = field(default=QuantityRange(_ANY_KM))
    tx_height_m: QuantityRange = field(default=QuantityRange(_ANY_HEIGHT_M))
    rx_height_m: QuantityRange = field(default=QuantityRange(_ANY_HEIGHT_M))
    time_percent: QuantityRange = field(default=QuantityRange(_ANY_PERCENT))
    location_percent: QuantityRange = field(default=QuantityRange(_ANY_PERCENT))

    def problems(self, where: str, **values: float) -> Iterator[Problem]:
        """Yield one problem for each value without an answer; names are those of the fields, or with another unit.

        ``frequency_mhz`` and ``distance_m`` are told in their own units.
        """
        for name, value in values.items():
            reach, scale = self._reach(name)
            if not reach.answers(_number(value) * scale):
                low, high = (f"{limit / scale:g}" for limit in reach.refused)
                yield Problem(
                    where, f"must be from {low} to {high} ({self.source})", column=name, value=value
                )

    def notices(self, where: str, **values: float) -> Iterator[str]:
        """Yield one sentence for each value beyond what the source states, saying what was done."""
        for name, value in values.items():
            reach, scale = self._reach(name)
            if reach.answers(value * scale) and not reach.covers(value * scale):
                low, high = (f"{limit / scale:g}" for limit in reach.stated or reach.refused)
                yield (
                    f"{where}: {name} {value:g} lies outside {low} to {high} ({self.source}); {reach.beyond}"
                )

    def _reach(self, name: str) -> tuple[QuantityRange, float]:
        return {
            "frequency_ghz": (self.frequency_ghz, 1.0),
            "frequency_mhz": (self.frequency_ghz, 1e-3),
            "distance_km": (self.distance_km, 1.0),
            "distance_m": (self.distance_km, 1e-3),
            "radius_m": (self.distance_km, 1e-3),
            "tx_height_m": (self.tx_height_m, 1.0),
            "base_height_m": (self.tx_height_m, 1.0),
            "bs_height_m": (self.tx_height_m, 1.0),
            "rx_height_m": (self.rx_height_m, 1.0),
            "mobile_height_m": (self.rx_height_m, 1.0),
            "ut_height_m": (self.rx_height_m, 1.0),
            "time_percent": (self.time_percent, 1.0),
            "location_percent": (self.location_percent, 1.0),
        }[name]


def _number(value: object) -> float:
    """Return a value as a number; what is none has no answer."""
    return math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)


_RMA = Range(
    "3GPP TR 38.901 V17, table 7.4.1-1, RMa",
    QuantityRange((0.5, 30.0)),
    QuantityRange(_ANY_KM, (0.01, 10.0)),
    _heights(10.0, 150.0),
    _heights(1.0, 10.0),
)

RANGES: Mapping[str, Range] = {
    "free_space": Range("ITU-R P.525-4, section 2", QuantityRange((0.03, 100.0))),
    "bullington": Range("ITU-R P.526-15, section 4.5.1", QuantityRange((0.03, 100.0))),
    "p1812": Range(
        "ITU-R P.1812-7, section 1 and annex 1, table 1",
        QuantityRange((0.03, 6.0)),
        QuantityRange(_ANY_KM, (0.25, 3000.0)),
        time_percent=QuantityRange((1.0, 50.0)),
        location_percent=QuantityRange((1.0, 99.0)),
    ),
    "itm": Range(
        "NTIA, ITM: input parameters, errors and warnings",
        QuantityRange((0.02, 20.0), (0.04, 10.0)),
        QuantityRange((1e-4, 2000.0), (1.0, 1000.0)),
        QuantityRange((0.5, 3000.0), (1.0, 1000.0), "the formula is carried on"),
        QuantityRange((0.5, 3000.0), (1.0, 1000.0), "the formula is carried on"),
    ),
    "ehata": Range(
        "NTIA TR-15-517, appendix A",
        QuantityRange((0.1, 6.0), (1.5, 3.0)),
        QuantityRange(_ANY_KM, (1.0, 100.0)),
        QuantityRange((0.0, 3000.0), (30.0, 200.0), "its effective height is held to the range"),
        QuantityRange((0.0, 3000.0), (1.0, 10.0), "its effective height is held to the range"),
    ),
    "hata": Range(
        "Hata 1980, table I; COST 231 final report, section 4.4.1",
        QuantityRange((0.15, 2.2), (0.15, 2.0)),
        QuantityRange(_ANY_KM, (1.0, 20.0)),
        _heights(30.0, 200.0),
        _heights(1.0, 10.0),
    ),
    "rma": _RMA,
    "rma_terrain": _RMA,
    "uma": Range(
        "3GPP TR 38.901 V17, table 7.4.1-1, UMa",
        QuantityRange((0.5, 100.0)),
        QuantityRange(_ANY_KM, (0.01, 5.0)),
        QuantityRange(_ANY_HEIGHT_M, (25.0, 25.0), "it is taken as it is from 10 m up"),
        _heights(1.5, 22.5),
    ),
    "umi": Range(
        "3GPP TR 38.901 V17, table 7.4.1-1, UMi",
        QuantityRange((0.5, 100.0)),
        QuantityRange(_ANY_KM, (0.01, 5.0)),
        QuantityRange(_ANY_HEIGHT_M, (10.0, 10.0), "it is taken as it is"),
        QuantityRange(_ANY_HEIGHT_M, (1.5, 22.5), "it is taken as it is"),
    ),
}
"""By the model's name; `umi` is a function of its own and no model."""


P = ParamSpec("P")
R = TypeVar("R")

_ARRAY_LIKE = frozenset(get_args(npt.ArrayLike))
_SCALARS = {float: "one number", int: "one whole number", bool: "True or False", str: "a text"}


def checked(
    where: str, *, gaps: Collection[str] = (), yes_no: Collection[str] = ()
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that refuses arguments of another kind than their annotations say, all at once.

    Numbers are neither text nor booleans, a value object is no dictionary, arrays hold numbers without a mask; whether
    a number can be is left to the function.

    Parameters
    ----------
    where : str
        What problems name as their place.
    gaps : collection of str
        Arrays that may be masked.
    yes_no : collection of str
        Arrays of booleans.
    """

    def guard(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs).arguments
            refuse(_problems(where, given, _hints(function), gaps, yes_no))
            return function(*args, **kwargs)

        return call

    return guard


def refuse_fields(value: object, where: str) -> None:
    """Raise where a field of a dataclass is of another kind than its annotation says.

    Raises
    ------
    InputError
        Listing every such field.
    """
    kind: Callable[..., object] = type(value)
    refuse(_problems(where, vars(value), _hints(kind), (), ()))


def fit_profile(where: str, name: str, values: npt.ArrayLike, points: int) -> npt.NDArray[np.float64]:
    """Return values with one for each point of a profile; a single one stands for all.

    Raises
    ------
    InputError
        If they are neither one value nor as many as points.
    """
    held = np.asarray(values, np.float64)
    told = f"must be one value, or one for each of the {points} points"
    wrong = held.shape not in ((), (1,), (points,))
    refuse([Problem(where, told, column=name, value=f"shape {held.shape}")] if wrong else [])
    return np.broadcast_to(held, (points,))


@cache
def _hints(of: Callable[..., object]) -> Mapping[str, Any]:
    return {name: hint for name, hint in get_type_hints(of).items() if name != "return"}


def _problems(
    where: str,
    given: Mapping[str, object],
    hints: Mapping[str, Any],
    gaps: Collection[str],
    yes_no: Collection[str],
) -> Iterator[Problem]:
    for name, value in given.items():
        hint = hints.get(name)
        if hint is None:
            continue
        if name in yes_no:
            optional = value is None and type(None) in _members(hint)
            wrong = None if optional else _wrong_flags(value)
        else:
            wrong = _wrong(value, hint, masked=name in gaps)
        if wrong is not None:
            yield Problem(where, f"must be {wrong}", column=name, value=_shown(value))


def _wrong(value: object, hint: Any, *, masked: bool = False) -> str | None:  # noqa: ANN401 - any annotation
    """Return what a value should be, or None where it is."""
    if value is None and type(None) in _members(hint):
        return None
    if hint in _SCALARS:
        return None if _is_scalar(value, hint) else _SCALARS[hint]
    origin, kinds = get_origin(hint), get_args(hint)
    told: str | None
    if _members(hint) >= _ARRAY_LIKE:
        told = _wrong_numbers(value, masked=masked)
    elif origin in (Union, types.UnionType):
        each = [_wrong(value, kind, masked=masked) for kind in kinds if kind is not type(None)]
        told = None if None in each else " or ".join(str(t) for t in each)
    elif origin is Literal:  # which words there are the function says
        told = _wrong(value, str)
    elif origin in (tuple, Sequence):
        told = _wrong_sequence(value, kinds)
    elif origin is np.ndarray:
        told = _wrong_array(value, get_args(kinds[1])[0])
    else:
        kind = origin or hint
        told = None if not isinstance(kind, type) or isinstance(value, kind) else _kind_name(value, kind)
    return told


def _wrong_array(value: object, scalar: Any) -> str | None:  # noqa: ANN401
    if not isinstance(value, np.ndarray):
        return "a NumPy array"
    flags = isinstance(scalar, type) and issubclass(scalar, np.bool_)
    return _wrong_flags(value) if flags else _wrong_numbers(value, masked=False)


def _shown(value: object) -> object:
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    return "None" if value is None else value


@cache
def _members(hint: Any) -> frozenset[Any]:  # noqa: ANN401
    return frozenset(get_args(hint))


def _is_scalar(value: object, kind: type) -> bool:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if kind is bool:
        return isinstance(value, bool | np.bool_)
    if kind is str:
        return isinstance(value, str)
    number = Integral if kind is int else Real
    return isinstance(value, number) and not isinstance(value, bool | np.bool_)


def _wrong_sequence(value: object, kinds: tuple[Any, ...]) -> str | None:
    """Return what is wrong with a row of values: of a fixed number of kinds, or of one kind."""
    endless = len(kinds) == 1 or kinds[-1] is Ellipsis
    each_one = _SCALARS.get(str if get_origin(kinds[0]) is Literal else kinds[0], "")
    told = f"a list, each of it {each_one}" if endless else f"{len(kinds)} values, each {each_one}"
    try:
        items = [] if isinstance(value, str | bytes | Mapping | set) else list(value)  # type: ignore[call-overload]
    except TypeError:
        return told
    if isinstance(value, str | bytes | Mapping | set) or not (endless or len(items) == len(kinds)):
        return told
    each = [kinds[0]] * len(items) if endless else kinds
    right = all(_wrong(item, kind) is None for item, kind in zip(items, each, strict=True))
    return None if right else told


def _wrong_numbers(value: object, *, masked: bool) -> str | None:
    try:
        held = np.asarray(value)
    except (TypeError, ValueError):
        return "numbers in rows of equal length"
    if held.dtype.kind not in "fiu":
        return "real numbers, neither text nor booleans"
    if not masked and np.ma.is_masked(value):  # what lies beneath a mask would be read as a value
        return "without masked values: fill or drop them"
    return None


def _wrong_flags(value: object) -> str | None:
    try:
        right = np.asarray(value).dtype.kind == "b"
    except (TypeError, ValueError):
        right = False
    return None if right else "True or False, for each point or for all"


def _kind_name(value: object, kind: type) -> str:
    name = kind.__name__
    if kind is Affine:
        return "an affine.Affine, as a rasterio dataset's transform is; Affine.from_gdal reads GDAL's six numbers"
    if isinstance(value, Mapping) and is_dataclass(kind):
        return f"a {name}, no dictionary: {name}(**values) makes one and checks every name"
    return f"a {name}"
