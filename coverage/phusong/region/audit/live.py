"""Live: layers are renewed in their time, rows say what holds today."""

import re
from datetime import date, timedelta

import numpy as np

from phusong.region.audit.case import Case
from phusong.region.audit.check import Check, Rows, Whole
from phusong.region.audit.evidence import RASTERS
from phusong.region.schema import LAYERS

__all__ = ["LIVE", "period"]

_DAYS_PER_YEAR = 365.25
_STATED = re.compile(r"^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")


def period(stated: str) -> tuple[date, date] | None:
    """Return the first and last day of a stated year, month or day, or None where it is none of these.

    Examples
    --------
    >>> period("2025-07"), period("soon")
    ((datetime.date(2025, 7, 1), datetime.date(2025, 7, 31)), None)
    """
    found = _STATED.match(stated.strip()[:10])
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    try:
        if day:
            return date(year, month, day), date(year, month, day)
        if month:
            start = date(year, month, 1)
            return start, (start.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return date(year, 1, 1), date(year, 12, 31)
    except ValueError:
        return None


def _age(case: Case, layer: str) -> Whole | None:
    """Grade the age against the refresh time: 0 up to it, 1 at three times it and beyond."""
    if not case.evidence.has(layer):
        return None
    stated = case.evidence.source(layer).as_of
    found = period(stated)
    if found is None:
        what = f"{stated!r} is no date" if stated else "no date"
        return Whole(1.0, [(layer, f"{what} in region.toml (as_of = YYYY, YYYY-MM or YYYY-MM-DD)")])
    start, end = found
    if start > case.as_of:
        return Whole(1.0, [(layer, f"is dated {stated}, after the audit of {case.as_of}")])
    years = max(0.0, (case.as_of - end).days / _DAYS_PER_YEAR)
    refresh = case.rubric.refresh_years[layer]
    share = float(np.clip((years - refresh) / (2.0 * refresh), 0.0, 1.0))
    told = [(layer, f"is of {stated}, {years:.1f} years old; it should be renewed every {refresh:g}")]
    return Whole(share, told if share > 0 else [])


def _life(case: Case, layer: str) -> Rows:
    sites = case.table(layer)
    year = sites["commissioned"].to_numpy(np.float64)
    age = case.as_of.year - year
    return Rows(
        case.active_sites & (age > case.rubric.limits.site_life_years),
        lambda i: f"is said to be active since {year[i]:.0f}, {age[i]:.0f} years: confirm it",
        "commissioned",
    )


def _overdue(case: Case, layer: str) -> Rows:
    sites = case.table(layer)
    year = sites["commissioned"].to_numpy(np.float64)
    return Rows(
        (sites["status"] == "planned").to_numpy(bool) & (year < case.as_of.year),
        lambda i: f"was planned for {year[i]:.0f}: built, put off or given up?",
        "status",
    )


LIVE = (
    Check("renewed-in-time", "live", (*LAYERS, *RASTERS), "the layer is not older than its refresh time",
          "ask its owner for today's, and write as_of into region.toml", _age),
    Check("site-confirmed", "live", ("sites",), "an active structure has been confirmed within its life",
          "confirm that it still stands, or mark it retired", _life),
    Check("plan-kept", "live", ("sites",), "what was planned for past years is built or given up",
          "ask the owner, and correct status and year", _overdue),
)  # fmt: skip
