"""Plain words about a locked site and about a commune's readiness."""

from typing import Any

import pandas as pd

from phusong.report.result import Result

__all__ = ["locked_words", "readiness_words"]


def locked_words(result: Result, site_id: str) -> list[str]:
    """Return what a result says of whom a site could serve but may not, and what would change that."""
    assets, twins = result.locked_assets, result.isolated_builds
    lines = []
    for row in _where(assets, "site_id", site_id):
        lines.append(
            f"{row['people_behind']:,.0f} people of other operators hear it, may not use it ({row['lock_reason']}) and have "
            f"no stable internet otherwise; {row['people_locked_out']:,.0f} of them hear nothing they may use, "
            f"{row['people_only_here']:,.0f} hear no other closed site. It has room for {row['room_people']:,.0f}."
        )
        if not row["stable"]:
            fix = row["stabilise_musd"]
            cost = (
                f"{fix:.3f} million USD, included below" if pd.notna(fix) else "no way of doing so is known"
            )
            lines.append(f"It must be made stable first: {cost}.")
        if row["remedies"]:
            lines.append(f"The lock allows: {row['remedies']}.")
        if row["best_remedy"]:
            lines.append(
                f"Most people per million USD: {str(row['best_remedy']).replace('_', ' ')} ({row['people_per_musd']:,.0f})."
            )
    for row in _where(twins, "site_id", site_id):
        lines.append(
            f"{row['distance_m']:,.0f} m away stands {row['twin_id']} ({row['twin_owner']}), unlocked with "
            f"{row['twin_spare_slots']} free antenna positions: the two could be one."
        )
    return lines


def readiness_words(result: Result, commune_code: str) -> list[str]:
    """Return what a result says of signal, power and backhaul together in a commune."""
    lines = []
    for row in _where(result.readiness, "commune_code", commune_code):
        lines.append(
            f"Signal, power and backhaul at once: {100 * row['ready_share']:.1f} % of people (signal "
            f"{100 * row['has_signal']:.1f} %, power {100 * row['has_power']:.1f} %, backhaul {100 * row['has_backhaul']:.1f} %)."
        )
        if row["stranded_assets"]:
            lines.append(
                f"{row['stranded_assets']:,} assets worth {row['stranded_musd']:.2f} million USD lie idle or half used for "
                "want of one of the three."
            )
        if not row["reaches_core"]:
            lines.append("No link leads from here to the core.")
        elif row["single_homed"]:
            lines.append("It reaches the core over one link or through one other commune only.")
        if row["cut_point"]:
            lines.append(
                f"{row['communes_behind']} communes with {row['people_behind']:,} people lose the core with it."
            )
    return lines


def _where(frame: pd.DataFrame, column: str, value: str) -> list[dict[str, Any]]:
    if frame.empty:
        return []
    return [
        {str(k): v for k, v in r.items()}
        for r in frame[frame[column].astype(str) == value].to_dict("records")
    ]
