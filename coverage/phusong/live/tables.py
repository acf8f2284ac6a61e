"""KPI tables and files."""

import json
from datetime import UTC, date, datetime, timedelta
from math import fsum
from pathlib import Path

import numpy as np
import pandas as pd

from phusong.io.atomic import write_whole
from phusong.io.limits import safe_text
from phusong.io.resources import HOURS_YEAR
from phusong.live.recompute import Kpi, kpis, values
from phusong.live.resolver import Register
from phusong.live.state import NEVER, Point

__all__ = ["commune_table_now", "forecast", "iso", "kpi_table", "write_tables"]

_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_GAPS = ("gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")


def kpi_table(register: Register) -> pd.DataFrame:
    """Return every KPI of the region, its provinces and its communes.

    Returns
    -------
    DataFrame
        level, code, area, kpi, name, formula, unit, direction, target, target_date, owner, actual, forecast (a date, `met`, or
        `none`), light (`green`, `amber`, `red`, or `none` without a target or a value), told (when an event last told of
        it, or the region's date), age_days, refresh_days, freshness (`current`, `stale: …`, or `age unknown`).
    """
    clock = register.happened.clock_ms
    found = values(register.figures())
    names = _area_names(register)
    base = _date_ms(register.live.static.places.as_of)
    rows = []
    for row, area in enumerate(register.areas):
        for kpi in kpis():
            actual = float(found[kpi.key][row])
            points = register.happened.works.get((area, kpi.key), [])
            when = forecast(kpi, points, actual)
            told = register.happened.told_ms.get((area, kpi.topic), base)
            age = (clock - told) / _DAY_MS if NEVER not in (told, clock) else np.nan
            rows.append(
                {
                    "level": area[0],
                    "code": area[1],
                    "area": names[row],
                    "kpi": kpi.key,
                    "name": kpi.name,
                    "formula": kpi.formula,
                    "unit": kpi.unit,
                    "direction": kpi.direction,
                    "target": np.nan if kpi.target is None else kpi.target,
                    "target_date": "" if kpi.target_date is None else kpi.target_date.isoformat(),
                    "owner": kpi.owner,
                    "actual": actual,
                    "forecast": when,
                    "light": _light(kpi, actual, when),
                    "told": "" if told == NEVER else iso(told),
                    "age_days": round(age, 3),
                    "refresh_days": kpi.refresh_days,
                    "freshness": _freshness(age, kpi.refresh_days),
                }
            )
    return pd.DataFrame(rows)


def commune_table_now(register: Register) -> pd.DataFrame:
    """Return the communes with their people by gap part, as they are now."""
    places, sums = register.live.static.places, register.live.now.sums
    columns = {name: getattr(sums, name) for name in ("population", "people_served", *_GAPS)}
    share = np.where(sums.population > 0, sums.people_served / np.maximum(sums.population, 1), 1.0)
    hours = np.where(sums.with_signal > 0, sums.lost_hours / np.maximum(sums.with_signal, 1), HOURS_YEAR)
    told = [
        register.happened.told_ms.get((("commune", str(c)), "network"), NEVER) for c in places.commune_codes
    ]
    return pd.DataFrame(
        {
            "commune_code": places.commune_codes,
            "name": places.commune_names,
            "province": places.province_names[places.province],
            **columns,
            "share_served": share,
            "hours_lost_year": hours,
            "told": ["" if t == NEVER else iso(t) for t in told],
        }
    )


def forecast(kpi: Kpi, points: list[Point], actual: float) -> str:
    """Return when a KPI reaches its target if works go on as they have: a date, ``met``, or ``none``.

    Parameters
    ----------
    kpi : Kpi
        With its target.
    points : list of (time in ms, value)
        Values after each work, the first before any.
    actual : float
        Value now.

    Notes
    -----
    The line of least squares through the points gives the pace; from the latest point the rest of the way is walked
    at it. Works at one moment only, or a pace away from the target, give none.
    """
    if kpi.target is None or not np.isfinite(actual):
        return "none"
    if kpi.met(actual):
        return "met"
    days = [(t - points[0][0]) / _DAY_MS for t, _ in points]
    if len(points) < 2 or days[-1] <= 0.0:
        return "none"
    mean_day, mean = fsum(days) / len(days), fsum(v for _, v in points) / len(points)
    spread = fsum((d - mean_day) ** 2 for d in days)
    pace = fsum((d - mean_day) * (v - mean) for d, (_, v) in zip(days, points, strict=True)) / spread
    rest = kpi.target - points[-1][1]
    if pace == 0.0 or rest / pace < 0.0:
        return "none"
    ahead = rest / pace
    last = _EPOCH + timedelta(milliseconds=points[-1][0])
    if ahead > (_LATEST - last).days:
        return "none"
    return (last + timedelta(days=ahead)).date().isoformat()


def iso(time_ms: int) -> str:
    """Return a time as text, UTC, to the millisecond where it has any."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.isoformat(timespec="milliseconds" if time_ms % 1000 else "seconds").replace("+00:00", "Z")


def _light(kpi: Kpi, actual: float, when: str) -> str:
    if kpi.target is None or kpi.target_date is None or not np.isfinite(actual):
        return "none"
    if when == "met":
        return "green"
    return "amber" if when != "none" and date.fromisoformat(when) <= kpi.target_date else "red"


def _freshness(age_days: float, refresh_days: float) -> str:
    if not np.isfinite(age_days):
        return "age unknown"
    if age_days > refresh_days:
        return f"stale: {age_days:,.1f} days old, refreshed every {refresh_days:g}"
    return "current"


def _area_names(register: Register) -> list[str]:
    places = register.live.static.places
    return ["whole region", *places.province_names.tolist(), *places.commune_names.tolist()]


def _date_ms(text: str) -> int:
    """Return the time of a date as regions state it (2025, 2025-07 or 2025-07-01); `NEVER` when it is none."""
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return round(
                (datetime.strptime(text, form).replace(tzinfo=UTC) - _EPOCH) / timedelta(milliseconds=1)
            )
        except ValueError:
            continue
    return NEVER


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
