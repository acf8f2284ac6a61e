"""The catalogue of unit costs: the shipped table, and a planner's own laid over it after a check."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from phusong.bounded import read_bytes
from phusong.errors import Problem, nearest_name, refuse
from phusong.region.facts import table
from phusong.region.text_table import read_text_table

__all__ = ["LEVELS", "SCALES", "cost_catalogue", "with_own_costs"]

LEVELS = ("low", "base", "high")
SCALES = ("ground", "haul", "fuel")
"""What multiplies an item: the slope of the ground, the carriage to a remote place, the carriage of fuel."""
_NEEDED = ("item", *LEVELS, "unit", "life_years")
_LONGEST_LIFE = 100


def cost_catalogue() -> pd.DataFrame:
    """Return the shipped unit costs: item, low, base, high [USD], unit, life_years, definition, as_of, source, …"""
    return table("costs")


def with_own_costs(path: str | Path, *, vnd_per_usd: float) -> pd.DataFrame:
    """Return the shipped catalogue with the items of a planner's own file in place of the shipped ones.

    Parameters
    ----------
    path : path
        A delimited file with item, low, base, high, unit, life_years; definition, as_of, source and sureness where
        known. Units begin with the currency, `USD` or `VND`, line by line.
    vnd_per_usd : float
        Rate at which lines in VND are converted.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    file = Path(path)
    data = read_bytes(file)
    own = read_text_table(data, file.name, known=_NEEDED).frame
    missing = [c for c in _NEEDED if c not in own.columns]
    refuse(Problem(file.name, f"has no column {c}; it needs {', '.join(_NEEDED)}") for c in missing)
    shipped = cost_catalogue()
    refuse(_problems(own, shipped, file.name))
    lines = own.assign(**{c: _numbers(own[c]) for c in (*LEVELS, "life_years")})
    in_vnd = lines["unit"].str.upper().str.startswith("VND")
    for level in LEVELS:
        lines[level] = np.where(in_vnd, lines[level] / vnd_per_usd, lines[level])
    lines["unit"] = np.where(in_vnd, "USD" + lines["unit"].str[3:], lines["unit"])
    lines["life_years"] = lines["life_years"].astype(int)
    lines["source"] = lines.get("source", f"own table {file.name}")
    out = shipped.set_index("item")
    for row in lines.to_dict("records"):
        given = {c: v for c, v in row.items() if c in out.columns}
        out.loc[row["item"], list(given)] = list(given.values())
    return out.reset_index()


def _numbers(texts: "pd.Series[str]") -> "pd.Series[float]":
    return pd.to_numeric(texts.astype(str).str.replace(" ", ""), errors="coerce")


def _problems(own: pd.DataFrame, shipped: pd.DataFrame, where: str) -> Iterator[Problem]:
    items = shipped["item"].tolist()
    life = dict(zip(items, shipped["life_years"].astype(int), strict=True))
    twice = own["item"].duplicated(keep="first")
    values = {c: _numbers(own[c]) for c in (*LEVELS, "life_years")}
    for at, row in enumerate(own.to_dict("records")):
        n, item = at + 1, str(row["item"]).strip()
        if item not in life:
            yield Problem(where, f"is no item of the catalogue{nearest_name(item, items)}", n, "item", item)
            continue
        if bool(twice.iloc[at]):
            yield Problem(where, "is listed twice: keep one line", n, "item", item)
        found = {c: float(values[c].iloc[at]) for c in values}
        for column, value in found.items():
            if not np.isfinite(value) or value < 0:
                yield Problem(where, "must be a number, 0 or more", n, column, row[column])
        if found["low"] > found["base"] or found["base"] > found["high"]:
            yield Problem(where, "must lie between low and high", n, "base", row["base"])
        if found["life_years"] > _LONGEST_LIFE or found["life_years"] % 1 > 0:
            yield Problem(
                where,
                "must be whole years, 100 at most (0: a running cost)",
                n,
                "life_years",
                row["life_years"],
            )
        elif (found["life_years"] == 0) != (life[item] == 0):
            word = (
                "a yearly running cost: life_years 0" if life[item] == 0 else "bought: give its life in years"
            )
            yield Problem(where, f"{item} is {word}", n, "life_years", row["life_years"])
        if str(row["unit"]).strip().upper()[:3] not in {"USD", "VND"}:
            yield Problem(where, "must begin with USD or VND, e.g. USD/km", n, "unit", row["unit"])
