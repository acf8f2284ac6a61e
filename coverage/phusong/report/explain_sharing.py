"""Plain words about a locked site and about a commune's readiness."""

from typing import Any

import pandas as pd

from phusong.report.result import ResultData
from phusong.report.text import Text

__all__ = ["locked_words", "readiness_words"]


def locked_words(result: ResultData, site_id: str, text: Text) -> list[str]:
    """Return what a result says of whom a site could serve but may not, and what would change that."""
    assets, twins = result.locked_assets, result.isolated_builds
    lines = []
    for row in _where(assets, "site_id", site_id):
        counts = {
            name: text.number(row[column])
            for name, column in (
                ("behind", "people_behind"), ("out", "people_locked_out"), ("only", "people_only_here"),
                ("room", "room_people"),
            )
        }  # fmt: skip
        lines.append(text.say("explain.locked_hear", reason=text.code("lock", row["lock_reason"]), **counts))
        if not row["stable"]:
            fix = row["stabilise_musd"]
            lines.append(
                text.say("explain.stabilise", cost=text.money(fix))
                if pd.notna(fix)
                else text.say("explain.stabilise_not")
            )
        allowed = {
            c.removeprefix("cost_").removesuffix("_musd"): v for c, v in row.items() if c.startswith("cost_")
        }
        named = [
            text.say("explain.allowed", remedy=text.code("remedy", name), cost=text.money(cost))
            for name, cost in allowed.items()
            if pd.notna(cost)
        ]
        if named:
            lines.append(text.say("explain.allows", remedies="; ".join(named)))
        if row["best_remedy"]:
            best = text.code("remedy", row["best_remedy"])
            lines.append(text.say("explain.best", remedy=best, people=text.number(row["people_per_musd"])))
    for row in _where(twins, "site_id", site_id):
        parts = {"twin": str(row["twin_id"]), "owner": str(row["twin_owner"])}
        free = text.number(row["twin_spare_slots"])
        lines.append(text.say("explain.twin", metres=text.number(row["distance_m"]), free=free, **parts))
    return lines


def readiness_words(result: ResultData, commune_code: str, text: Text) -> list[str]:
    """Return what a result says of signal, power and backhaul together in a commune."""
    lines = []
    for row in _where(result.readiness, "commune_code", commune_code):
        shares = {
            name: text.number(row[column], "percent")
            for name, column in (
                ("ready", "ready_share"), ("signal", "has_signal"), ("power", "has_power"), ("backhaul", "has_backhaul"),
            )
        }  # fmt: skip
        lines.append(text.say("explain.ready", **shares))
        if row["stranded_assets"]:
            value = text.money(row["stranded_musd"])
            lines.append(text.say("explain.stranded", n=int(row["stranded_assets"]), value=value))
        if not row["reaches_core"]:
            lines.append(text.say("explain.no_core"))
        elif row["single_homed"]:
            lines.append(text.say("explain.single"))
        if row["cut_point"]:
            people = text.number(row["people_behind"])
            lines.append(text.say("explain.cut", n=int(row["communes_behind"]), people=people))
    return lines


def _where(frame: pd.DataFrame, column: str, value: str) -> list[dict[str, Any]]:
    if frame.empty:
        return []
    return [
        {str(k): v for k, v in r.items()}
        for r in frame[frame[column].astype(str) == value].to_dict("records")
    ]
