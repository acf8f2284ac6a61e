"""Sampled states as bits, 64 to a word: drawing them, packing them, counting them."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.kernel_cache import nb

__all__ = ["draw_into", "events", "mixed", "ones", "pack", "stream_keys", "uniform"]

Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
_ONE = np.uint64(1)
_C1, _C2, _C4 = (np.uint64(c) for c in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F))
_SUM, _U1, _U2, _U4, _U56 = (np.uint64(c) for c in (0x0101010101010101, 1, 2, 4, 56))


def stream_keys(ids: npt.NDArray[np.str_], what: str, seed: int) -> Words:
    """Return a key a thing, by its id: another thing added or taken away changes no other's states.

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
        Things.
    what : str
        What is drawn for them.
    seed : int
        Of the run.
    """
    if ids.size == 0:
        return np.zeros(0, np.uint64)
    named = pd.util.hash_array(ids.astype(object), categorize=False)
    salt = pd.util.hash_array(np.array([f"{what}/{seed}"], object), categorize=False)
    return np.asarray(named ^ salt[0], np.uint64)


def pack(states: npt.NDArray[np.bool_]) -> Words:
    """Return states as words, the first in the lowest bit; their number is a multiple of 64.

    Examples
    --------
    >>> pack(np.arange(64) == 3)
    array([8], dtype=uint64)
    """
    return np.packbits(states, bitorder="little").view("<u8").astype(np.uint64)


@nb.njit(cache=True, nogil=True)
def ones(word):  # type: ignore[no-untyped-def]
    """Return how many bits of a word are set."""
    word = word - ((word >> _U1) & _C1)
    word = (word & _C2) + ((word >> _U2) & _C2)
    word = (word + (word >> _U4)) & _C4
    return np.int64((word * _SUM) >> _U56)


@nb.njit(cache=True, nogil=True)
def mixed(key):  # type: ignore[no-untyped-def]
    """Return a word whose bits all depend on all bits of the key: one step of splitmix64."""
    z = key + _GOLDEN
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@nb.njit(cache=True, nogil=True)
def uniform(key, k):  # type: ignore[no-untyped-def]
    """Return the k-th number of a stream, in (0, 1): the splitmix64 generator by counter."""
    z = mixed(key + np.uint64(k) * _GOLDEN)
    return (np.float64(z >> _S11) + 0.5) * (1.0 / 9007199254740992.0)


@nb.njit(cache=True, nogil=True)
def _walk(key, share, n):  # type: ignore[no-untyped-def]
    # as many states as the share asks for, to within one, spread by an odd step from a random start: each
    # state is hit with probability `share`, independently between streams, and a larger share keeps the hits
    count = min(np.int64(n * share + uniform(key, 0)), n)
    start = np.int64(uniform(key, 1) * n)
    step = np.int64(uniform(key, 2) * (n // 2)) * 2 + 1
    return count, start, step


@nb.njit(cache=True, nogil=True)
def draw_into(row, key, share):  # type: ignore[no-untyped-def]
    """Set the bits of one thing that fails in this share of the states.

    Parameters
    ----------
    row : ndarray of uint64, shape (n_words,)
        Bits are added; the number of states is a power of two.
    key : uint64
        Of its stream.
    share : float
        0 to 1. A larger share sets the bits of a smaller one and more.
    """
    n = row.size * 64
    count, start, step = _walk(key, share, n)
    for j in range(count):
        state = (start + j * step) & (n - 1)
        row[state >> 6] |= _ONE << np.uint64(state & 63)


@nb.njit(cache=True, nogil=True)
def events(keys, share, mean_h, n_states):  # type: ignore[no-untyped-def]
    """Return what is down in which state, and since when: (state, thing, age_h), in order of state.

    Parameters
    ----------
    keys : ndarray of uint64, shape (n,)
        Streams.
    share, mean_h : ndarray, shape (n,)
        Share of time that each thing is down, and mean length of a repair, exponential. Seen at an instant, the
        age of a fault that lasts has the same law.
    n_states : int
        A power of two.
    """
    counts = np.zeros(n_states + 1, np.int64)
    for e in range(keys.size):
        if share[e] > 0.0:
            count, start, step = _walk(keys[e], share[e], n_states)
            for j in range(count):
                counts[((start + j * step) & (n_states - 1)) + 1] += 1
    indptr = np.cumsum(counts)
    at = indptr[:-1].copy()
    thing, age = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
    for e in range(keys.size):
        if share[e] > 0.0:
            count, start, step = _walk(keys[e], share[e], n_states)
            shift = uniform(keys[e], 3)
            for j in range(count):
                state = (start + j * step) & (n_states - 1)
                # ages at evenly spread quantiles: the share that outlasts a battery is exact to within one
                age[at[state]] = -mean_h[e] * np.log((j + shift) / count)
                thing[at[state]] = e
                at[state] += 1
    return indptr, thing, age
