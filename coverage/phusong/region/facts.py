"""Public figures shipped as small tables: every row with its definition, date, source and sureness."""

from dataclasses import dataclass

import pandas as pd

from phusong.errors import InputError, Problem, nearest_name
from phusong.resources import geodata_path

__all__ = ["Fact", "assumption", "fact", "table"]


@dataclass(frozen=True)
class Fact:
    """One public figure.

    Parameters
    ----------
    key, unit, definition, as_of, source : str
        What it is and where it comes from.
    value : float
        The figure.
    sureness : str
        H high, M medium, L low (assumed).
    """

    key: str
    value: float
    unit: str
    definition: str
    as_of: str
    source: str
    sureness: str


def table(name: str) -> pd.DataFrame:
    """Return a shipped table, e.g. ``table("provinces")``; codes stay text.

    Raises
    ------
    FileNotFoundError
        If no such table is shipped.
    """
    text = {"province_code": str, "as_of": str, "merged_from": str}
    return pd.read_csv(geodata_path(f"{name}.csv"), dtype=text, keep_default_na=False)


def fact(key: str) -> Fact:
    """Return one public figure by its key.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    facts = table("facts")
    row = facts[facts["key"] == key]
    if row.empty:
        raise InputError(Problem("facts.csv", f"has no such key{nearest_name(key, facts['key'])}", value=key))
    values = row.iloc[0]
    return Fact(
        key,
        float(values["value"]),
        *(str(values[c]) for c in ("unit", "definition", "as_of", "source", "sureness")),
    )


def assumption(key: str) -> float:
    """Return one assumption of the modelled network (geodata/network_model.csv)."""
    rows = table("network_model").set_index("key")["value"]
    return float(rows[key])
