"""Luck: a number between 0 and 1 for each asset and sample, by the asset's name."""

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.service.bits import uniform

__all__ = ["luck", "words"]


def luck(keys: npt.NDArray[np.uint64], samples: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the numbers of some samples, shape (n_keys, n_samples).

    Parameters
    ----------
    keys : ndarray of uint64, shape (n_keys,)
        From :func:`phusong.service.bits.stream_keys`: another asset added changes no other's luck.
    samples : ndarray of int, shape (n_samples,)
        Their numbers: the first ones do not depend on how many there are.

    Examples
    --------
    >>> from phusong.service.bits import stream_keys
    >>> keys = stream_keys(np.array(["s1", "s2"]), "storm mast", 1)
    >>> bool((luck(keys, np.arange(4))[1] == luck(keys[1:], np.arange(4))[0]).all())
    True
    """
    out = np.empty((keys.size, samples.size))
    _fill(out, keys, samples)
    return out


def words(n_samples: int) -> list[npt.NDArray[np.int64]]:
    """Return the numbers of the samples of each word of 64; the last word is filled up with further ones."""
    return [np.arange(first, first + 64, dtype=np.int64) for first in range(0, n_samples, 64)]


@nb.njit(cache=True, nogil=True)
def _fill(out, keys, samples):  # type: ignore[no-untyped-def]
    for k in range(keys.size):
        for j in range(samples.size):
            out[k, j] = uniform(keys[k], samples[j])
