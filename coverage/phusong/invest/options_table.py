"""The ranked options as a table, and why each stands where it does."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.bundles import Offers
from phusong.invest.ranking import Ranking

__all__ = ["options_table"]

Floats = npt.NDArray[np.float64]


def options_table(
    offers: Offers,
    ranking: Ranking,
    low: Floats,
    high: Floats,
    names: dict[str, str],
    parts: dict[str, Floats],
) -> pd.DataFrame:
    """Return the ranked bundles with cost, people, rank range and reason (columns of the result's `options`)."""
    rows = offers.bundles.iloc[ranking.order].reset_index(drop=True)
    ids = offers.remedies["remedy_id"].to_numpy(str)
    capex = offers.remedies["capex_musd"].to_numpy(np.float64)
    opex = offers.remedies["opex_musd_year"].to_numpy(np.float64)
    needs = offers.model.needs
    bought = np.zeros(ids.size, bool)
    served = np.zeros(offers.model.weights.size, bool)
    causes = {name: values.ravel() for name, values in parts.items()}
    records = []
    for bundle in ranking.order:
        need = needs.indices[needs.indptr[bundle] : needs.indptr[bundle + 1]]
        new = need[~bought[need]]
        covers = offers.model.covers
        cells = covers.indices[covers.indptr[bundle] : covers.indptr[bundle + 1]]
        fresh = cells[~served[cells]]
        bought[need] = True
        served[fresh] = True
        why = {name: float(values[fresh].sum()) for name, values in causes.items()}
        records.append(
            {
                "remedies": ";".join(ids[need]),
                "capex_musd": float(capex[new].sum()),
                "opex_musd_year": float(opex[new].sum()),
                "shared": int(need.size - new.size),
                "causes": ", ".join(f"{v:,.0f} {k}" for k, v in why.items() if v >= 1),
            }
        )
    extra = pd.DataFrame(records, columns=["remedies", "capex_musd", "opex_musd_year", "shared", "causes"])
    cost = ranking.cost_musd
    per = np.divide(ranking.people_gained, cost, out=np.full(cost.size, np.inf), where=cost > 0)
    out = pd.DataFrame(
        {
            "rank": np.arange(1, len(rows) + 1),
            "bundle_id": rows["bundle_id"],
            "kinds": rows["kinds"],
            "remedies": extra["remedies"],
            "commune_code": rows["commune_code"],
            "operators": rows["operators"],
            "cost_musd": cost,
            "capex_musd": extra["capex_musd"],
            "opex_musd_year": extra["opex_musd_year"],
            "people_gained": ranking.people_gained.astype(np.int64),
            "people_alone": ranking.people_alone.astype(np.int64),
            "people_per_musd": per,
            "cumulative_cost_musd": np.cumsum(cost),
            "cumulative_people": np.cumsum(ranking.people_gained).astype(np.int64),
            "rank_p05": low,
            "rank_p95": high,
            "east_m": rows["east_m"].astype(np.float64),
            "north_m": rows["north_m"].astype(np.float64),
        }
    )
    out["why"] = [_why(i, out, extra, rows, names) for i in range(len(out))]
    return out


def _why(
    i: int, options: pd.DataFrame, extra: pd.DataFrame, rows: pd.DataFrame, names: dict[str, str]
) -> str:
    """Say in words why an option stands where it does."""
    o = options.iloc[i]
    code = str(o["commune_code"])
    words = str(o["kinds"]).replace("_", " ").replace(";", " + ")
    text = f"{words} at {rows['where'].iloc[i]} in {names.get(code, code)} ({code}) serves {o['people_gained']:,} more people ({extra['causes'].iloc[i]})"
    if o["cost_musd"] <= 0:
        return f"{text} at no further cost: everything it needs is bought by options above it."
    text += f" for {o['cost_musd']:.3f} million USD net present cost, {o['people_per_musd']:,.0f} people per million."
    if o["people_alone"] > o["people_gained"]:
        text += f" Alone it would serve {o['people_alone']:,}; options above already serve the others."
    if extra["shared"].iloc[i]:
        text += f" {extra['shared'].iloc[i]} of its remedies are already paid for by options above."
    later = options.iloc[i + 1 :]
    later = later[later["cost_musd"] > 0]
    if len(later):
        after = later.iloc[0]
        text += f" It would fall behind {after['bundle_id']} if it cost {_share(o, after)} more."
    return text


def _share(option: "pd.Series[float]", after: "pd.Series[float]") -> str:
    if after["people_per_musd"] <= 0 or not np.isfinite(after["people_per_musd"]):
        return "nothing"
    return f"{max(option['people_per_musd'] / after['people_per_musd'] - 1.0, 0.0):.0%}"
