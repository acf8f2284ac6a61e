"""The tables of the package vietnamadminunits, as they lie in it: units of today, units of before, what became what."""

import json
import sqlite3
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import pandas as pd

__all__ = ["UnitTables", "unit_tables"]


@dataclass(frozen=True)
class UnitTables:
    """Administrative units before and since July 2025.

    Parameters
    ----------
    today : DataFrame
        One row a commune of today.
    before : DataFrame
        One row a commune of before, and islands that were districts without communes (no `wardCode`).
    converter : dict
        Keys of old units by the key of today's commune, those that went whole and those that were divided.
    """

    today: pd.DataFrame
    before: pd.DataFrame
    converter: dict[str, Any]


def unit_tables() -> UnitTables:
    """Return the tables, read anew, so that a caller may change them."""
    folder = files("vietnamadminunits") / "data"
    with as_file(folder / "dataset.db") as path:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            today = pd.read_sql("select * from admin_units", connection)
            before = pd.read_sql("select * from admin_units_legacy", connection)
        finally:
            connection.close()
    converter = json.loads((folder / "converter_2025.json").read_text(encoding="utf-8"))
    return UnitTables(today, before, converter)
