"""Which power nodes are dark now: only the piece of the grid behind a line is walked."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from phusong.kernel_cache import nb
from phusong.live.standing import PowerLines

__all__ = ["dark_nodes", "darkened", "relit"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def dark_nodes(lines: PowerLines, closed: Bools) -> Bools:
    """Return which nodes no source reaches over closed lines, all of the grid at once.

    Parameters
    ----------
    lines : PowerLines
        Of the grid.
    closed : ndarray of bool, shape (n_lines,)
        Lines that carry.
    """
    n = lines.is_source.size
    a, b = lines.a[closed], lines.b[closed]
    _, piece = connected_components(csr_matrix((np.ones(a.size), (a, b)), shape=(n, n)), directed=False)
    fed = np.zeros(n, bool)
    fed[piece[lines.is_source]] = True
    return np.asarray(~fed[piece])


def darkened(lines: PowerLines, closed: Bools, dark: Bools, line: int) -> Ints:
    """Return the nodes that lose their source as a line opens (`closed` says so already), ascending."""
    gone = [_unfed(int(end), *_grid(lines), closed, lines.is_source, dark) for end in _ends(lines, line)]
    return np.unique(np.concatenate(gone))


def relit(lines: PowerLines, closed: Bools, dark: Bools, line: int) -> Ints:
    """Return the nodes that find a source as a line closes (`closed` says so already), ascending."""
    a, b = _ends(lines, line)
    if dark[a] == dark[b]:
        return np.zeros(0, np.int64)
    start = a if dark[a] else b
    nowhere = np.zeros_like(lines.is_source)
    return np.unique(_unfed(start, *_grid(lines), closed, nowhere, ~dark))


def _ends(lines: PowerLines, line: int) -> tuple[int, int]:
    return int(lines.a[line]), int(lines.b[line])


def _grid(lines: PowerLines) -> tuple[Ints, Ints, Ints, Ints]:
    return lines.at.start, lines.at.item, lines.a, lines.b


@nb.njit(cache=True)
def _unfed(node, start, line_at, a, b, closed, is_source, skip):  # type: ignore[no-untyped-def]
    """Return what hangs together with a node, beyond what is skipped; nothing as soon as a source is met."""
    found = nb.typed.List.empty_list(nb.int64)
    if skip[node] or is_source[node]:
        return np.empty(0, np.int64)
    seen = {np.int64(node)}
    stack = [np.int64(node)]
    while len(stack) > 0:
        k = stack.pop()
        found.append(k)
        for at in range(start[k], start[k + 1]):
            line = line_at[at]
            if not closed[line]:
                continue
            to = b[line] if a[line] == k else a[line]
            if to in seen or skip[to]:
                continue
            if is_source[to]:
                return np.empty(0, np.int64)
            seen.add(to)
            stack.append(to)
    out = np.empty(len(found), np.int64)
    for n in range(out.size):
        out[n] = found[n]
    return out
