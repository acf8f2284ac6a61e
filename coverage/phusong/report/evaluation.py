"""A reviewer's plan beside a result: read, evaluated, and put into tables for people and programs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from phusong.errors import InputError, Problem
from phusong.invest.evaluation import Evaluation, evaluate, read_plan
from phusong.invest.plan_book import BOOK_TABLES, PlanBook
from phusong.invest.redundancy import Structures
from phusong.io.atomic import whole_folder
from phusong.io.limits import json_tree
from phusong.result.files import write_csv, write_json
from phusong.result.model import ResultData

__all__ = ["evaluate_plan", "evaluation_figures", "write_evaluation"]

_FILE = "evaluation.json"
_SOURCE = "modelled by phusong from the layers of the result; net present cost in million USD"


def evaluate_plan(
    result: ResultData, plan: str | Path | pd.DataFrame | Iterable[str], *, prove: bool = False
) -> Evaluation:
    """Return a plan in the terms of a result's own; parameters and errors as for :meth:`Result.evaluate`."""
    tables = {name: getattr(result, name) for name in BOOK_TABLES}
    if any(table.empty for table in (tables["remedies"], tables["bundles"])):
        raise InputError(
            Problem(
                "result",
                "holds no tables of what there is to buy (an older, a redacted or an empty result): run the scenario again",
            )
        )
    book = PlanBook.of_tables(tables)
    proposed = read_plan(plan, book)
    mine = np.isin(book.remedies["remedy_id"].to_numpy(str), result.plan["remedy_id"].to_numpy(str))
    found = evaluate(
        book, proposed, ours=mine, curve=result.curve, structures=_structures(result), prove=prove
    )
    names = result.communes.drop_duplicates("commune_code").set_index("commune_code")
    codes = found.communes["commune_code"]
    communes = found.communes.assign(
        name=codes.map(names["name"]).fillna(""),
        population=codes.map(names["population"]).fillna(0).astype(np.int64),
        people_served_before=codes.map(names["people_served"]).fillna(0).astype(np.int64),
    )
    return Evaluation(found.headline, communes, found.options, found.waste, found.years)


def evaluation_figures(found: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain values, as `evaluation.json` and `--json` hold it."""
    return {
        **found.headline,
        "years": found.years.to_dict("records"),
        "waste": found.waste.to_dict("records"),
        "communes": found.communes.to_dict("records"),
        "units": {"cost": "million USD, net present", "people": "registered people"},
        "source": _SOURCE,
    }


def write_evaluation(found: Evaluation, out: Path) -> None:
    """Write `evaluation.json`, `waste.csv`, `communes.csv` and `options.csv` to a folder, whole or not at all.

    Raises
    ------
    InputError
        If the folder holds other things or cannot be written.
    """
    with whole_folder(out, kind="an evaluation", is_ours=_is_evaluation) as folder:
        write_json(evaluation_figures(found), folder / _FILE)
        for name in ("waste", "communes", "options", "years"):
            write_csv(getattr(found, name), folder / f"{name}.csv")


def _is_evaluation(folder: Path) -> bool:
    try:
        found = json_tree(folder / _FILE)
    except InputError:
        return False
    return isinstance(found, dict) and "people_gained" in found


def _structures(result: ResultData) -> Structures | None:
    sites = result.sites
    if not {"shareable", "spare_slots"} <= set(sites.columns):
        return None
    return Structures(
        sites["site_id"].to_numpy(str),
        sites["owner"].astype(str).to_numpy(str),
        (sites["shareable"].astype(bool) & (sites["spare_slots"] > 0)).to_numpy(bool),
        sites.geometry.x.to_numpy(np.float64),
        sites.geometry.y.to_numpy(np.float64),
    )
