"""Shipped tables and scenarios, with sources."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from phusong.errors import InputError, Problem, nearest_name

__all__ = [
    "HOURS_YEAR",
    "Fact",
    "assumption",
    "fact",
    "geodata_path",
    "scenario_names",
    "scenario_path",
    "table",
]

HOURS_YEAR = 8760.0
"""Hours of a year of 365 days. [h]"""

_PACKAGE = Path(__file__).resolve().parent.parent


def geodata_path(name: str) -> Path:
    """Return the path of a shipped table, e.g. ``geodata_path("provinces.csv")``.

    Raises
    ------
    FileNotFoundError
        If no such file is shipped.
    """
    return _find("geodata", name)


def scenario_path(name: str) -> Path:
    """Return the path of a shipped scenario by its name without ``.toml``.

    Raises
    ------
    FileNotFoundError
        If no such scenario is shipped.
    """
    return _find("scenarios", f"{name}.toml")


def scenario_names() -> list[str]:
    """Return the names of the shipped scenarios, sorted."""
    return sorted({p.stem for folder in _folders("scenarios") for p in folder.glob("*.toml")})


def _folders(kind: str) -> list[Path]:
    # a wheel carries them inside the package; an editable install finds them at the checkout's root
    candidates = [_PACKAGE / "shipped" / kind, _PACKAGE.parents[1] / kind]
    return [c for c in candidates if c.is_dir()]


def _find(kind: str, name: str) -> Path:
    for folder in _folders(kind):
        path = folder / name
        if path.is_file():
            return path
    raise FileNotFoundError(f"{kind}/{name} is not shipped with phusong")


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
