"""Operators: names, parents, shares, whose cells an owner's mast carries."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.errors import InputError, Notice, Problem, nearest_name, refuse
from phusong.io.resources import table
from phusong.region.read.encoding import fold
from phusong.region.schema import LAYERS

__all__ = [
    "EMPTY",
    "NOBODY",
    "USUAL",
    "OperatorNames",
    "Owned",
    "ask_operators",
    "generations_of",
    "operator_names",
    "owner_cells",
    "said_problems",
    "share_problems",
    "shares_by_province",
    "usual_cells",
]

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


USUAL = pd.DataFrame(
    {
        "technology": ["2G", "3G", "4G", "5G"],
        # the band on which each generation was first built out in Viet Nam (facts: 900, 1800, 2100; 2500-2600 for 5G)
        "band_mhz": [900.0, 2100.0, 1800.0, 2600.0],
        "bandwidth_mhz": [5.0, 5.0, 10.0, 80.0],
        "eirp_dbm": [58.0, 60.0, 60.0, 70.0],
    }
)
"""What a list does not know of a cell, by generation; every cell takes it, and region.toml says so."""

_SECTOR_DEG = 65.0
_SECTORS = 3
_RURAL = {
    "technology": "4G",
    "band_mhz": 900.0,
    "bandwidth_mhz": 10.0,
    "eirp_dbm": 60.0,
}  # of a mast that says no generation
_LEAST_HEIGHT_M = 5.0
_MOST_NAMED = 40
_GENERATION = re.compile(r"(?<![0-9])([2-5])\s*g(?![a-z0-9])", re.IGNORECASE)
_SPLIT = re.compile(r"[;,/&+|\n\s]+")


@dataclass(frozen=True)
class Owned:
    """Cells made for sites, and what was said about them.

    Parameters
    ----------
    cells : DataFrame
        Layer `cells`.
    bare : int
        Sites that stand without cells, because their owner runs no network.
    notices : tuple of Notice
        Which owner went to which operator.
    """

    cells: pd.DataFrame
    bare: int = 0
    notices: tuple[Notice, ...] = ()


def generations_of(text: object) -> list[str]:
    """Return the generations that a text names, in order; none where it names none.

    Examples
    --------
    >>> generations_of("2G/3G + LTE"), generations_of("5G NR"), generations_of("wifi")
    (['2G', '3G', '4G'], ['5G'], [])
    """
    column = next(c for c in LAYERS["cells"] if c.name == "technology")
    words = {str(k).casefold(): v for k, v in column.words.items()}
    found = {f"{digit}G" for digit in _GENERATION.findall(str(text))}
    # LTE1800 and UMTS900 name a band behind the generation
    found |= {
        words[w]
        for part in _SPLIT.split(str(text).casefold())
        if (w := part.rstrip("0123456789-_ ")) in words
    }
    return sorted(found)


def owner_cells(
    sites: Any,  # noqa: ANN401
    operators: pd.DataFrame,
    said: Mapping[str, str],
    where: str,
) -> Owned:
    """Return three sectors for the operator of each site's owner.

    Parameters
    ----------
    sites : GeoDataFrame
        Sites that have no cells; exchanges are passed over.
    operators : DataFrame
        The region's.
    said : mapping of str to str
        What the user says: owner = operator, or ``none`` for an owner that runs no network.
    where : str
        What problems and notices call the sites.

    Raises
    ------
    InputError
        Naming every owner that is none of the region's operators, with the number of its sites.
    """
    refuse(said_problems(said, operators["operator"].astype(str), where))
    names = operator_names(operators, said)
    masts = sites[sites["structure"] != "exchange"]
    owner = masts["owner"].astype(str)
    meant = {o: names.of(o) for o in owner.unique()}
    strange = owner[owner.map(meant) == ""]
    refuse(_strangers(strange, names, where))
    operator = owner.map(meant).to_numpy(str)
    told = tuple(
        Notice(
            where,
            f"{name} runs no network: its masts have no cells of their own",
            "owner",
            int((owner == name).sum()),
        )
        for name, ours in meant.items()
        if ours == NOBODY
    )
    has = operator != NOBODY
    carried = masts[has]
    frame = pd.DataFrame(
        {
            "site_id": carried["site_id"].to_numpy(str),
            "operator": operator[has],
            "technology": _RURAL["technology"],
            "antenna_height_m": carried["height_m"].to_numpy(np.float64),
            **{k: _RURAL[k] for k in ("band_mhz", "bandwidth_mhz", "eirp_dbm")},
        }
    )
    return Owned(usual_cells(frame), int((~has).sum()), told)


def usual_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return cells with usual figures where a list says nothing: three sectors where it names no direction.

    Parameters
    ----------
    frame : DataFrame
        `site_id`, `operator`, `technology`, `antenna_height_m`; any other column of layer `cells`, NaN where not known.
    """
    rows = frame.reset_index(drop=True)
    of = USUAL.set_index("technology").loc[rows["technology"].tolist()].reset_index(drop=True)
    azimuth = _given(rows, "azimuth_deg")
    several = azimuth.isna().to_numpy()
    copies = np.where(several, _SECTORS, 1)
    at = np.repeat(np.arange(len(rows)), copies)
    sector = np.concatenate([np.arange(n) for n in copies]) if len(rows) else np.zeros(0, int)
    out = rows.iloc[at].reset_index(drop=True)
    of = of.iloc[at].reset_index(drop=True)
    for name in ("band_mhz", "bandwidth_mhz", "eirp_dbm"):
        out[name] = _given(out, name).fillna(of[name])
    out["azimuth_deg"] = _given(out, "azimuth_deg").fillna(pd.Series(360.0 / _SECTORS * sector)) % 360.0
    out["beamwidth_deg"] = _given(out, "beamwidth_deg").fillna(_SECTOR_DEG)
    out["tilt_deg"] = _given(out, "tilt_deg").fillna(2.0)
    out["antenna_height_m"] = np.maximum(_given(out, "antenna_height_m").fillna(30.0), _LEAST_HEIGHT_M)
    out["guests"] = ""
    number = out.groupby("site_id", sort=False).cumcount().astype(str)
    out["cell_id"] = out["site_id"].astype(str) + "/" + number
    first = ["cell_id", "site_id", "operator", "technology", "band_mhz", "bandwidth_mhz", "eirp_dbm", "antenna_height_m",
             "azimuth_deg", "beamwidth_deg", "tilt_deg", "guests"]  # fmt: skip
    return out[[*first, *(c for c in out.columns if c not in first)]]


def _given(frame: pd.DataFrame, name: str) -> "pd.Series[float]":
    if name not in frame.columns:
        return pd.Series(np.nan, index=frame.index)
    return frame[name].astype("float64")


def _strangers(owner: "pd.Series[str]", names: OperatorNames, where: str) -> list[Problem]:
    """Return what to ask: whose cells the masts of each owner carry."""
    if owner.empty:
        return []
    counts = owner.value_counts()
    ours = ", ".join(names.operators)
    problems = []
    for name, count in list(counts.items())[:_MOST_NAMED]:
        text = str(name)
        nobody = text in {"", "unknown"}
        shown = EMPTY if nobody else text
        also = " (known as a tower company)" if names.is_tower_company(text) else ""
        who = "stands for nobody" if nobody else f"is no operator of the region{also}"
        told = (
            f"{who}, and {count} {'site' if count == 1 else 'sites'} without cells of their own {'has' if count == 1 else 'have'} "
            f"it as owner: say whose cells they carry, "
            f'--operator "{shown}=OPERATOR" (one of {ours}), or --operator "{shown}={NOBODY}" for masts without cells'
        )
        problems.append(Problem(where, told, column="owner", value=shown))
    if len(counts) > _MOST_NAMED:
        problems.append(
            Problem(
                where, f"and {len(counts) - _MOST_NAMED} more owners that are no operators", column="owner"
            )
        )
    return problems


def ask_operators(texts: Sequence[str], names: OperatorNames, where: str, column: str) -> None:
    """Refuse names of operators that the region does not have, all of them, with how to map them.

    Raises
    ------
    InputError
        If there is any.
    """
    if not texts:
        return
    counts = pd.Series(list(texts)).value_counts()
    ours = ", ".join(names.operators)
    problems = [
        Problem(
            where,
            f"is no operator of the region ({count} {'row' if count == 1 else 'rows'}): "
            f'--operator "{name or EMPTY}=OPERATOR" says which of {ours} it is, "{name or EMPTY}={NOBODY}" leaves its cells out',
            column=column,
            value=name or EMPTY,
        )
        for name, count in list(counts.items())[:_MOST_NAMED]
    ]
    if len(counts) > _MOST_NAMED:
        problems.append(Problem(where, f"and {len(counts) - _MOST_NAMED} more such names", column=column))
    raise InputError(problems)


_TOLERANCE = 0.01  # shares are published to a percent


def shares_by_province(operators: pd.DataFrame, province_codes: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return each operator's share of the subscribers of each province, provinces by operators.

    Parameters
    ----------
    operators : DataFrame
        The layer; its ``province_shares`` is empty where nothing is known.
    province_codes : sequence of str
        Provinces asked for, in order; one that no operator states has the country's shares.

    Examples
    --------
    >>> table = pd.DataFrame({"share": [0.6, 0.4], "province_shares": ["08=0.9", "08=0.1"]})
    >>> shares_by_province(table, ["08", "14"]).tolist()
    [[0.9, 0.1], [0.6, 0.4]]
    """
    country = operators["share"].to_numpy(np.float64)
    stated = [_stated(text) for text in operators["province_shares"]]
    known = {code for one in stated for code in one}
    rows = [[one.get(code, 0.0) for one in stated] if code in known else country for code in province_codes]
    return np.asarray(rows, np.float64).reshape(len(province_codes), len(operators))


def share_problems(operators: pd.DataFrame) -> list[Problem]:
    """Return what is wrong with the shares: the country's and each stated province's must sum to 1.

    Parameters
    ----------
    operators : DataFrame
        The layer, right by its schema.
    """
    total = float(operators["share"].sum())
    problems = []
    if abs(total - 1.0) > _TOLERANCE:
        problems.append(Problem("operators", "must sum to 1", column="share", value=f"{total:.3f}"))
    if "province_shares" not in operators.columns:
        return problems
    for code in sorted({c for text in operators["province_shares"] for c in _stated(text)}):
        total = float(shares_by_province(operators, [code]).sum())
        if abs(total - 1.0) > _TOLERANCE:
            told = f"must sum to 1 over the operators in province {code}; state it for each of them"
            problems.append(Problem("operators", told, column="province_shares", value=f"{total:.3f}"))
    return problems


def _stated(text: str) -> dict[str, float]:
    parts = (part.partition("=") for part in text.split(";") if "=" in part)
    return {code.strip(): float(share) for code, _, share in parts}
