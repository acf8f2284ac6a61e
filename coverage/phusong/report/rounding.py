"""Counts of people rounded so that nobody is told apart by them."""

import numpy as np
import numpy.typing as npt

__all__ = ["round_count", "round_digits", "round_parts"]

Floats = npt.NDArray[np.float64]


def round_count(people: npt.ArrayLike, least: int) -> Floats:
    """Return counts rounded to multiples of the least one shown; one above zero is never shown as zero.

    Examples
    --------
    >>> round_count([0, 3, 14, 16], 10).tolist()
    [0.0, 10.0, 10.0, 20.0]
    """
    given = np.asarray(people, np.float64)
    if least <= 1:
        return given.copy()
    steps = np.floor(given / least + 0.5) * least
    return np.asarray(np.where(given > 0, np.maximum(steps, least), np.minimum(given, 0.0)))


def round_digits(values: npt.ArrayLike, digits: int) -> Floats:
    """Return numbers rounded to so many significant digits.

    Examples
    --------
    >>> round_digits([0.0, 1234.0, 0.0678, -5.55], 2).tolist()
    [0.0, 1200.0, 0.068, -5.6]
    """
    given = np.asarray(values, np.float64)
    plain = np.where(np.isfinite(given), given, 0.0)
    shown = np.array([float(f"{v:.{digits - 1}e}") for v in plain.ravel().tolist()]).reshape(given.shape)
    return np.asarray(np.where(np.isfinite(given), shown, given))


def round_parts(parts: npt.ArrayLike, least: int) -> Floats:
    """Return parts of wholes without one between 0 and the least count shown, row by row with the same sum.

    Parameters
    ----------
    parts : array_like, shape (n, k)
        People of each part; none negative.
    least : int
        Least count shown. A row whose sum is smaller becomes zero.

    Examples
    --------
    >>> round_parts([[83.0, 4.0, 16.0], [3.0, 2.0, 0.0]], 10).tolist()
    [[83.0, 0.0, 20.0], [0.0, 0.0, 0.0]]
    """
    given = np.asarray(parts, np.float64)
    if least <= 1:
        return given.copy()
    whole = given.sum(axis=1)
    # sums of parts may miss a whole number by rounding
    steps = np.floor(whole / least + 1e-9)
    wanted = given * np.divide(steps, whole, out=np.zeros_like(whole), where=whole > 0)[:, None]
    units = np.floor(wanted + 1e-9)
    missing = np.rint(steps - units.sum(axis=1))
    order = np.argsort(-(wanted - units), axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.broadcast_to(np.arange(given.shape[1]), order.shape), axis=1)
    out = (units + (place < missing[:, None])) * least
    rest = np.where(steps > 0, whole - steps * least, 0.0)
    out[np.arange(len(out)), out.argmax(axis=1)] += rest
    return np.asarray(out)
