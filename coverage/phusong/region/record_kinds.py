"""How each record of a layer came to be: measured, official, modelled or assumed, where it is not as its whole layer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from phusong.region.columns import KINDS
from phusong.region.schema import LAYERS

__all__ = ["RECORD_LAYERS", "counted_kinds", "kinds_of", "said_kinds", "stamped"]

_COLUMN = "record_kind"

RECORD_LAYERS = tuple(layer for layer, columns in LAYERS.items() if any(c.name == _COLUMN for c in columns))
"""Layers whose records may each say how they came to be."""


def kinds_of(table: Any, layer_kind: str) -> npt.NDArray[np.str_]:  # noqa: ANN401 - with or without geometry
    """Return the kind of each record: its own word, else its layer's.

    Examples
    --------
    >>> import pandas as pd
    >>> kinds_of(pd.DataFrame({"record_kind": ["", "modelled"]}), "measured").tolist()
    ['measured', 'modelled']
    """
    if _COLUMN not in table.columns:
        return np.full(len(table), layer_kind)
    own = table[_COLUMN].to_numpy(object).astype(str)
    whole = np.full(len(table), layer_kind, dtype=object)
    if "modelled" in table.columns:  # a settlement whose place is drawn is none that somebody saw
        whole[table["modelled"].to_numpy(bool)] = "modelled"
    return np.where(own == "", whole, own).astype(str)


def stamped(table: Any, kinds: str | npt.NDArray[np.str_]) -> Any:  # noqa: ANN401
    """Return a table whose records say how they came to be, whatever layer they are put into.

    Parameters
    ----------
    table : DataFrame or GeoDataFrame
        Records.
    kinds : str or ndarray of str
        Kind of all, or of each. A record's own word goes before that of all.
    """
    return table.assign(**{_COLUMN: kinds_of(table, kinds) if isinstance(kinds, str) else kinds})


def counted_kinds(kinds: npt.NDArray[np.str_]) -> Mapping[str, int]:
    """Return how many records are of each kind, best first.

    Examples
    --------
    >>> dict(counted_kinds(np.array(["modelled", "measured", "measured"])))
    {'measured': 2, 'modelled': 1}
    """
    names, count = np.unique(kinds, return_counts=True)
    found = dict(zip(names.tolist(), count.tolist(), strict=True))
    return {k: found[k] for k in KINDS if k in found}


def said_kinds(counts: Mapping[str, int]) -> str:
    """Return counts of kinds for people.

    Examples
    --------
    >>> said_kinds({"measured": 1081, "modelled": 32})
    '1,081 measured, 32 modelled'
    """
    return ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
