"""Kinds of arguments: one check for every public function and value of radio, by their annotations."""

import inspect
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache, wraps
from numbers import Integral, Real
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt
from affine import Affine

from phusong.errors import Problem, refuse

__all__ = ["checked", "fit_profile", "refuse_fields"]

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
