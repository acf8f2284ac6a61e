"""Which operator a name in somebody's list means: the region's own names, trade names, and the companies behind them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from phusong.errors import Problem, nearest_name
from phusong.region.facts import table
from phusong.region.names import fold

__all__ = ["EMPTY", "NOBODY", "OperatorNames", "operator_names", "said_problems"]

NOBODY = "none"
"""What a user says of an owner that runs no network: its masts stand without cells of their own."""

EMPTY = "(empty)"
"""How a user names rows that state nobody."""

_OTHERS = "others"
_NOT_SAID = ("", "unknown", "khong_ro", "chua_ro", "nan", "none", "null", "n_a", "na", "empty")
_SEVERAL = re.compile(r"[;,/&+|\n]|\s+(?:và|and|et|y|e)\s+", re.IGNORECASE)


@dataclass(frozen=True)
class OperatorNames:
    """Operators by the names that lists give them.

    Parameters
    ----------
    operators : tuple of str
        Those of the region.
    known : mapping of str to str
        Operator by folded name.
    said : mapping of str to str
        What the user says, by folded name: an operator, or ``none``.
    towers : frozenset of str
        Folded names of companies that own masts and run no network.
    """

    operators: tuple[str, ...]
    known: Mapping[str, str]
    said: Mapping[str, str]
    towers: frozenset[str]

    def of(self, name: object) -> str:
        """Return the operator that a name means, ``none`` where the user says so, or nothing.

        A name that holds the name of exactly one operator among its words means it.
        """
        folded = fold(name)
        folded = "" if folded in _NOT_SAID else folded
        if folded in self.said:
            return self.said[folded]
        if folded in self.known:
            return self.known[folded]
        if folded in self.towers:
            return ""
        within = f"_{folded}_"
        found = {ours for theirs, ours in self.known.items() if len(theirs) > 2 and f"_{theirs}_" in within}
        # "others" among other words names nobody
        found.discard(_OTHERS)
        return found.pop() if len(found) == 1 else ""

    def several(self, text: object) -> tuple[list[str], list[str]]:
        """Return the operators that a text names, and the names in it that mean none.

        Examples
        --------
        >>> names = OperatorNames(("viettel", "vinaphone"), {"viettel": "viettel", "vnpt": "vinaphone"}, {}, frozenset())
        >>> names.several("Viettel, VNPT; OCK")
        (['viettel', 'vinaphone'], ['OCK'])
        """
        whole = self.of(text)
        if whole:
            return [whole], []
        parts = [p.strip() for p in _SEVERAL.split(str(text)) if p.strip()] or [str(text)]
        found = [(p, self.of(p)) for p in parts]
        names = list(dict.fromkeys(o for _, o in found if o))
        return names, [p for p, o in found if not o]

    def is_tower_company(self, name: object) -> bool:
        """Return whether a name is known as a company that owns masts and runs no network."""
        return fold(name) in self.towers


def operator_names(operators: pd.DataFrame, said: Mapping[str, str] | None = None) -> OperatorNames:
    """Return the names that lists may give a region's operators.

    Parameters
    ----------
    operators : DataFrame
        The region's layer.
    said : mapping of str to str, optional
        What the user says: the list's name = our operator, or ``none``.
    """
    ours = tuple(operators["operator"].astype(str))
    known: dict[str, str] = {}
    towers = set()
    shipped = table("operator_names")
    # a short name means an operator only in its own country
    here = set(shipped["country"][shipped["operator"].isin(ours)]) | {""}
    shipped = shipped[shipped["country"].isin(here)]
    for name, operator in zip(shipped["name"].astype(str), shipped["operator"].astype(str), strict=True):
        if not operator:
            towers.add(fold(name))
        elif operator in ours:
            known[fold(name)] = operator
        elif _OTHERS in ours:
            # a network that the region does not list by name
            known[fold(name)] = _OTHERS
    for operator, name in zip(ours, operators["name"].astype(str), strict=True):
        known[fold(name)] = operator
        known[fold(operator)] = operator
    told = {("" if fold(k) in _NOT_SAID else fold(k)): _meant(v, ours) for k, v in (said or {}).items()}
    return OperatorNames(ours, known, told, frozenset(towers))


def said_problems(said: Mapping[str, str], operators: Iterable[str], where: str) -> list[Problem]:
    """Return which operators that a user names are none of the region's."""
    ours = list(operators)
    return [
        Problem(
            where,
            f"is no operator of the region{nearest_name(meant, ours)}; known: {', '.join(ours)}, or {NOBODY}",
            column=name or EMPTY,
            value=meant,
        )
        for name, meant in said.items()
        if _meant(meant, ours) not in {*ours, NOBODY}
    ]


def _meant(text: str, ours: Iterable[str]) -> str:
    folded = {fold(o): o for o in ours}
    if fold(text) in folded:
        return folded[fold(text)]
    return NOBODY if fold(text) in {"", NOBODY, "khong", "nobody"} else text
