"""The comparison as one page for reviewers: opens offline, asks nothing from outside, every text escaped."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from phusong.errors import InputError, Problem
from phusong.report.compare import Comparison
from phusong.report.compare_maps import difference_map, plans_map
from phusong.report.compare_verdict import break_even_lines, verdict
from phusong.report.compare_words import FIGURES, LANGUAGES, words
from phusong.report.figure_words import number_text
from phusong.report.pictures import picture_bytes
from phusong.report.result import as_words

__all__ = ["comparison_html"]

_FIRST_STEPS = 40
_MOST_COMMUNES = 4000


@dataclass(frozen=True)
class _Table:
    """A section of the page: title, what it means, columns (label, is a figure) and rows of text."""

    key: str
    title: str
    note: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[str]]
    empty: str = ""
    tall: bool = False


def comparison_html(comparison: Comparison, *, language: str = "en") -> str:
    """Return the comparison as one HTML page.

    Parameters
    ----------
    comparison : Comparison
        What :func:`phusong.report.compare.compare` returned.
    language : str
        ``en`` or ``vi``.

    Raises
    ------
    InputError
        If the language is neither.
    """
    if language not in LANGUAGES:
        raise InputError(Problem("--lang", f"is not one of {', '.join(LANGUAGES)}", value=language))
    say = words(language)
    base = comparison.names[0]
    folder = files("phusong.report")
    script = folder.joinpath("compare.js").read_text(encoding="utf-8")
    pictures = [
        (say["map_left"], plans_map(comparison, title=say["maps"], subtitle=say["map_left"])),
        (
            say["map_change"].format(base=base),
            difference_map(
                comparison, title=say["communes"], subtitle=say["map_change"].format(base=base)[:150]
            ),
        ),
    ]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(folder.joinpath("compare.html.j2").read_text(encoding="utf-8"))
    return template.render(
        language=language,
        say=say,
        names=comparison.names,
        notes=comparison.notes,
        verdict=verdict(comparison, say),
        changes=break_even_lines(comparison, say),
        pictures=[(alt, base64.b64encode(picture_bytes(f, "svg")).decode()) for alt, f in pictures],
        moves=_moves(comparison, say),
        before=[_headline(comparison, say, language)],
        after=[
            _communes(comparison, say),
            _costs(comparison, say),
            _regret(comparison, say),
            _certain(comparison, say),
            _equity(comparison, say),
            _overlap(comparison, say),
            _first_steps(comparison, say),
            _settings(comparison, say),
            _inputs(comparison, say),
        ],
        css=Markup(folder.joinpath("compare.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        # the page runs this script and no other, whatever a name contains
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _headline(comparison: Comparison, say: dict[str, str], language: str) -> _Table:
    rows = []
    for row in comparison.summary.to_dict("records"):
        unit, *names = FIGURES[str(row["key"])]
        rows.append(
            [names[LANGUAGES.index(language)], *(number_text(row[n], unit) for n in comparison.names)]
        )
    columns = [(say["figure"], False), *((n, True) for n in comparison.names)]
    return _Table("headline", say["headline"], say["headline_note"], columns, rows)


def _moves(comparison: Comparison, say: dict[str, str]) -> list[str]:
    lines = []
    for name in comparison.names[1:]:
        change = comparison.communes[f"change: {name}"].to_numpy(np.float64)
        up, down = change[change >= 0.5], change[change <= -0.5]
        lines.append(
            say["gain_lose"].format(
                name=name, gain=up.size, up=number_text(up.sum(), "people"), lose=down.size,
                down=number_text(-down.sum(), "people"),
            )
        )  # fmt: skip
    return lines


def _communes(comparison: Comparison, say: dict[str, str]) -> _Table:
    base, *others = comparison.names
    table = comparison.communes
    moved = int((table[[f"change: {n}" for n in others]].abs() >= 0.5).any(axis=1).sum())
    columns = [(say["commune"], False), (say["province"], False), (say["people"], True)]
    columns += [(say["with_plan"].format(name=n), True) for n in comparison.names]
    columns += [(say["change_of"].format(name=n), True) for n in others]
    rows = []
    for row in table.head(_MOST_COMMUNES).to_dict("records"):
        cells = [
            f"{row['name']} ({row['commune_code']})",
            str(row["province"]),
            number_text(row["population"], "people"),
        ]
        cells += [number_text(row[f"with plan: {n}"], "people") for n in comparison.names]
        cells += [number_text(row[f"change: {n}"], "change") for n in others]
        rows.append(cells)
    note = say["communes_note"].format(base=base, moved=moved, n=len(table))
    return _Table("communes", say["communes"], note, columns, rows, tall=True)


def _costs(comparison: Comparison, say: dict[str, str]) -> _Table:
    rows = [
        [str(row["fund"]), str(row["year"]), *(number_text(row[n], "musd") for n in comparison.names)]
        for row in comparison.funds.to_dict("records")
    ]
    columns = [(say["fund"], False), (say["year"], True), *((n, True) for n in comparison.names)]
    return _Table("costs", say["costs"], say["costs_note"], columns, rows)


def _regret(comparison: Comparison, say: dict[str, str]) -> _Table:
    columns = [(say["plan"], False), *((say["if_world"].format(name=n), True) for n in comparison.names)]
    columns += [(say["most"], True), (say["left_out"], True)]
    rows = []
    for row in comparison.regret.to_dict("records"):
        figures = [*(f"if {n}" for n in comparison.names), "most", "left out"]
        rows.append([str(row["plan"]), *(number_text(row[f], "people") for f in figures)])
    return _Table("regret", say["regret"], say["regret_note"], columns, rows, empty=say["no_regret"])


def _certain(comparison: Comparison, say: dict[str, str]) -> _Table:
    drawn = comparison.samples
    behind = drawn.regret()
    rows = []
    for a, name in enumerate(drawn.names):
        low, high = np.percentile(drawn.people[:, a], [5, 95])
        chances = [
            "" if a == b else number_text(drawn.beats(a, b), "percent") for b in range(len(drawn.names))
        ]
        spread = f"{number_text(low, 'people')} – {number_text(high, 'people')}"
        rows.append([name, *chances, spread, number_text(behind[:, a].mean(), "people")])
    columns = [(say["plan"], False), *((say["beats"].format(name=n), True) for n in drawn.names)]
    columns += [(say["range"], True), (say["mean_regret"], True)]
    return _Table("certain", say["certain"], say["certain_note"].format(n=len(drawn.people)), columns, rows)


def _equity(comparison: Comparison, say: dict[str, str]) -> _Table:
    columns, rows = [(say["plan"], False)], []
    for text in (say["today"], say["after"]):
        columns += [(f"{say[k]}, {text}", k != "worst") for k in ("gini", "decile", "worst")]
    for row in comparison.equity.to_dict("records"):
        cells = [str(row["result"])]
        for when in ("today", "with plan"):
            cells += [
                number_text(row[f"gini {when}"], "ratio"),
                number_text(row[f"worst decile {when}"], "percent"),
                f"{row[f'worst commune {when}']}: {number_text(row[f'worst share {when}'], 'percent')}",
            ]
        rows.append(cells)
    return _Table("equity", say["equity"], say["equity_note"], columns, rows)


def _overlap(comparison: Comparison, say: dict[str, str]) -> _Table:
    columns = [
        (say["plan"], False),
        (say["also"], False),
        (say["remedies"], True),
        (say["money"], True),
        (say["of_plan"], True),
    ]
    rows = [
        [
            str(row["plan_a"]), str(row["plan_b"]), number_text(row["remedies"], "people"),
            number_text(row["money_musd"], "musd"), number_text(row["money_share"], "percent"),
        ]
        for row in comparison.overlap.to_dict("records")
    ]  # fmt: skip
    return _Table("overlap", say["overlap"], say["overlap_note"], columns, rows)


def _first_steps(comparison: Comparison, say: dict[str, str]) -> _Table:
    every = comparison.remedies[comparison.remedies["plans"] == len(comparison.names)]["remedy_id"].astype(
        str
    )
    plan = comparison.results[comparison.names[0]].plan
    known = plan.drop_duplicates("remedy_id").set_index("remedy_id").loc[list(every[:_FIRST_STEPS])]
    rows = [
        [
            str(name),
            str(row["year"]),
            number_text(row["cost_musd"], "small_musd"),
            number_text(row["people_gained"], "people"),
        ]
        for name, row in known.iterrows()
    ]
    columns = [(say["remedies"], False), (say["year"], True), (say["money"], True), (say["people"], True)]
    note = say["first_note"].format(n=len(every), shown=len(rows))
    return _Table("first", say["first_steps"], note, columns, rows, tall=True)


def _settings(comparison: Comparison, say: dict[str, str]) -> _Table:
    columns = [(say["setting"], False), (say["meaning"], False), *((n, False) for n in comparison.names)]
    rows = [
        [str(row["setting"]), str(row["meaning"]), *(_value(row[n], say) for n in comparison.names)]
        for row in comparison.scenarios.to_dict("records")
    ]
    return _Table("assumptions", say["assumptions"], say["assumptions_note"], columns, rows)


def _inputs(comparison: Comparison, say: dict[str, str]) -> _Table:
    columns = [(say["layer"], False), *((n, False) for n in comparison.names)]
    rows = [[str(row[c]) for c in comparison.inputs.columns] for row in comparison.inputs.to_dict("records")]
    return _Table("inputs", say["inputs"], say["inputs_note"], columns, rows)


def _value(value: Any, say: dict[str, str]) -> str:  # noqa: ANN401 - a setting is any value of TOML
    if isinstance(value, (list, tuple)):
        return (
            ", ".join(as_words(value) if all(isinstance(v, str) for v in value) else map(str, value)) or "[]"
        )
    return say["not_set"] if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 - not a number
