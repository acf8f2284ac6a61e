"""The tables of a watch as files, each written whole."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from phusong.live.happened import NEVER
from phusong.live.kpi_table import commune_table_now, iso, kpi_table
from phusong.live.register import Register
from phusong.spreadsheet_text import safe_text
from phusong.whole_file import write_whole

__all__ = ["write_tables"]


def write_tables(register: Register, folder: Path) -> pd.DataFrame:
    """Write kpis.csv, kpis.json and communes.csv; return the KPI table.

    Parameters
    ----------
    register : Register
        The present.
    folder : Path
        Where to write.
    """
    kpis = kpi_table(register)
    clock = register.happened.clock_ms
    tree = {
        "clock": None if clock == NEVER else iso(clock),
        "kpis": [
            {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in row.items()}
            for row in kpis.to_dict("records")
        ],
    }
    write_whole(folder / "communes.csv", _csv(commune_table_now(register)))
    write_whole(folder / "kpis.csv", _csv(kpis))
    write_whole(folder / "kpis.json", (json.dumps(tree, ensure_ascii=False, indent=1) + "\n").encode())
    return kpis


def _csv(frame: pd.DataFrame) -> bytes:
    cells = {c: [safe_text(v) if isinstance(v, str) else v for v in frame[c].tolist()] for c in frame.columns}
    # the byte-order mark makes spreadsheets read Vietnamese letters
    return pd.DataFrame(cells).to_csv(index=False, lineterminator="\n").encode("utf-8-sig")
