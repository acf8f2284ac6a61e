"""Comparison page and maps."""

import base64
import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from phusong.errors import InputError, Problem
from phusong.io.text import LANGUAGES, Text
from phusong.report.compare import FIGURE_FORMS, Comparison, break_even_lines, figure_said, verdict
from phusong.report.map_style import CHANGE_CLASSES, percent, picture_bytes
from phusong.report.maps import for_print
from phusong.report.small_multiples import Panel, draw_multiples, result_panels
from phusong.result.schema import as_words

__all__ = ["comparison_html", "difference_map", "plans_map"]


def plans_map(comparison: Comparison, *, title: str, subtitle: str, text: Text) -> Figure:
    """Return who is not served once each plan is built, in the same frame, scale and classes."""
    first = for_print(comparison.results[comparison.names[0]])
    return draw_multiples(
        first, result_panels(comparison.results, with_plan=True, text=text), title, subtitle, text=text
    )


def difference_map(comparison: Comparison, *, title: str, subtitle: str, text: Text) -> Figure:
    """Return how much larger the share served is with each plan than with the first. [percentage points]"""
    base, *others = comparison.names
    first = comparison.results[base]
    table = comparison.communes.set_index("commune_code").loc[first.communes["commune_code"].astype(str)]
    shares = {
        n: _share(table[f"with plan: {n}"].to_numpy(np.float64), comparison, n) for n in comparison.names
    }
    panels = []
    for name in others:
        change = table[f"change: {name}"].to_numpy(np.float64)
        up, down = (text.number(change[at].sum(), "change") for at in (change > 0, change < 0))
        note = text.say("compare.moves", up=up, down=down)
        panels.append(
            Panel(text.say("compare.against", name=name, base=base), note, shares[name] - shares[base])
        )
    return draw_multiples(for_print(first), panels, title, subtitle, classes=CHANGE_CLASSES, text=text)


def _share(served: npt.NDArray[np.float64], comparison: Comparison, name: str) -> npt.NDArray[np.float64]:
    return percent(served, comparison.results[name].communes["population"].to_numpy(np.float64))


_FIRST_STEPS = 40
_MOST_COMMUNES = 4000


@dataclass(frozen=True)
class _Say:
    """The strings of the comparison as a template asks for them."""

    text: Text

    def __getattr__(self, key: str) -> str:
        """Return one of them."""
        return self.text.say(f"compare.{key}")


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
    text = Text(language)
    base = comparison.names[0]
    folder = files("phusong.report")
    script = folder.joinpath("compare.js").read_text(encoding="utf-8")
    pictures = [
        (
            text.say("compare.map_left"),
            plans_map(
                comparison, title=text.say("compare.maps"), subtitle=text.say("compare.map_left"), text=text
            ),
        ),
        (
            text.say("compare.map_change", base=base),
            difference_map(
                comparison,
                title=text.say("compare.communes"),
                subtitle=text.say("compare.map_change", base=base)[:150],
                text=text,
            ),
        ),
    ]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(folder.joinpath("compare.html.j2").read_text(encoding="utf-8"))
    return template.render(
        language=language,
        say=_Say(text),
        names=comparison.names,
        notes=comparison.told(language),
        verdict=verdict(comparison, text),
        changes=break_even_lines(comparison, text),
        pictures=[(alt, base64.b64encode(picture_bytes(f, "svg")).decode()) for alt, f in pictures],
        moves=_moves(comparison, text),
        before=[_headline(comparison, text)],
        after=[
            _communes(comparison, text),
            _costs(comparison, text),
            _regret(comparison, text),
            _certain(comparison, text),
            _equity(comparison, text),
            _overlap(comparison, text),
            _first_steps(comparison, text),
            _settings(comparison, text),
            _inputs(comparison, text),
        ],
        css=Markup(folder.joinpath("compare.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        # the page runs this script and no other, whatever a name contains
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _headline(comparison: Comparison, text: Text) -> _Table:
    rows = []
    for row in comparison.summary.to_dict("records"):
        key = str(row["key"])
        figures = [figure_said(row[n], FIGURE_FORMS[key], text) for n in comparison.names]
        rows.append([text.say(f"figure.{key}"), *figures])
    columns = [(text.say("compare.figure"), False), *((n, True) for n in comparison.names)]
    return _Table("headline", text.say("compare.headline"), text.say("compare.headline_note"), columns, rows)


def _moves(comparison: Comparison, text: Text) -> list[str]:
    lines = []
    for name in comparison.names[1:]:
        change = comparison.communes[f"change: {name}"].to_numpy(np.float64)
        up, down = change[change >= 0.5], change[change <= -0.5]
        lines.append(
            text.say(
                "compare.gain_lose", name=name, gain=up.size, up=text.number(up.sum(), "people"), lose=down.size,
                down=text.number(-down.sum(), "people"),
            )
        )  # fmt: skip
    return lines


def _communes(comparison: Comparison, text: Text) -> _Table:
    base, *others = comparison.names
    table = comparison.communes
    moved = int((table[[f"change: {n}" for n in others]].abs() >= 0.5).any(axis=1).sum())
    columns = [
        (text.say("compare.commune"), False),
        (text.say("compare.province"), False),
        (text.say("compare.people"), True),
    ]
    columns += [(text.say("compare.with_plan", name=n), True) for n in comparison.names]
    columns += [(text.say("compare.change_of", name=n), True) for n in others]
    rows = []
    for row in table.head(_MOST_COMMUNES).to_dict("records"):
        cells = [
            f"{row['name']} ({row['commune_code']})",
            str(row["province"]),
            text.number(row["population"], "people"),
        ]
        cells += [text.number(row[f"with plan: {n}"], "people") for n in comparison.names]
        cells += [text.number(row[f"change: {n}"], "change") for n in others]
        rows.append(cells)
    note = text.say("compare.communes_note", base=base, moved=moved, n=len(table))
    return _Table("communes", text.say("compare.communes"), note, columns, rows, tall=True)


def _costs(comparison: Comparison, text: Text) -> _Table:
    rows = [
        [
            text.code("fund", row["fund"]),
            str(row["year"]),
            *(text.number(row[n], "usd") for n in comparison.names),
        ]
        for row in comparison.funds.to_dict("records")
    ]
    columns = [
        (text.say("compare.fund"), False),
        (text.say("compare.year"), True),
        *((n, True) for n in comparison.names),
    ]
    return _Table("costs", text.say("compare.costs"), text.say("compare.costs_note"), columns, rows)


def _regret(comparison: Comparison, text: Text) -> _Table:
    columns = [
        (text.say("compare.plan"), False),
        *((text.say("compare.if_world", name=n), True) for n in comparison.names),
    ]
    columns += [(text.say("compare.most"), True), (text.say("compare.left_out"), True)]
    rows = []
    for row in comparison.regret.to_dict("records"):
        figures = [*(f"if {n}" for n in comparison.names), "most", "left out"]
        rows.append([str(row["plan"]), *(text.number(row[f], "people") for f in figures)])
    return _Table(
        "regret",
        text.say("compare.regret"),
        text.say("compare.regret_note"),
        columns,
        rows,
        empty=text.say("compare.no_regret"),
    )


def _certain(comparison: Comparison, text: Text) -> _Table:
    drawn = comparison.samples
    behind = drawn.regret()
    rows = []
    for a, name in enumerate(drawn.names):
        low, high = np.percentile(drawn.people[:, a], [5, 95])
        chances = [
            "" if a == b else text.number(drawn.beats(a, b), "percent") for b in range(len(drawn.names))
        ]
        spread = f"{text.number(low, 'people')} – {text.number(high, 'people')}"
        rows.append([name, *chances, spread, text.number(behind[:, a].mean(), "people")])
    columns = [
        (text.say("compare.plan"), False),
        *((text.say("compare.beats", name=n), True) for n in drawn.names),
    ]
    columns += [(text.say("compare.range"), True), (text.say("compare.mean_regret"), True)]
    return _Table(
        "certain",
        text.say("compare.certain"),
        text.say("compare.certain_note", n=len(drawn.people)),
        columns,
        rows,
    )


def _equity(comparison: Comparison, text: Text) -> _Table:
    columns, rows = [(text.say("compare.plan"), False)], []
    for when in ("today", "after"):
        said = text.say(f"compare.{when}")
        columns += [
            (f"{text.say(f'compare.{k}')}, {said}", k != "worst") for k in ("gini", "decile", "worst")
        ]
    for row in comparison.equity.to_dict("records"):
        cells = [str(row["result"])]
        for when in ("today", "with plan"):
            cells += [
                text.number(row[f"gini {when}"], "ratio"),
                text.number(row[f"worst decile {when}"], "percent"),
                f"{row[f'worst commune {when}']}: {text.number(row[f'worst share {when}'], 'percent')}",
            ]
        rows.append(cells)
    return _Table("equity", text.say("compare.equity"), text.say("compare.equity_note"), columns, rows)


def _overlap(comparison: Comparison, text: Text) -> _Table:
    columns = [
        (text.say("compare.plan"), False),
        (text.say("compare.also"), False),
        (text.say("compare.remedies"), True),
        (text.say("compare.money"), True),
        (text.say("compare.of_plan"), True),
    ]
    rows = [
        [
            str(row["plan_a"]), str(row["plan_b"]), text.number(row["remedies"], "people"),
            text.number(row["money_musd"], "usd"), text.number(row["money_share"], "percent"),
        ]
        for row in comparison.overlap.to_dict("records")
    ]  # fmt: skip
    return _Table("overlap", text.say("compare.overlap"), text.say("compare.overlap_note"), columns, rows)


def _first_steps(comparison: Comparison, text: Text) -> _Table:
    every = comparison.remedies[comparison.remedies["plans"] == len(comparison.names)]["remedy_id"].astype(
        str
    )
    plan = comparison.results[comparison.names[0]].plan
    known = plan.drop_duplicates("remedy_id").set_index("remedy_id").loc[list(every[:_FIRST_STEPS])]
    rows = [
        [
            str(name),
            str(row["year"]),
            text.number(row["cost_musd"], "usd"),
            text.number(row["people_gained"], "people"),
        ]
        for name, row in known.iterrows()
    ]
    columns = [
        (text.say("compare.remedies"), False),
        (text.say("compare.year"), True),
        (text.say("compare.money"), True),
        (text.say("compare.people"), True),
    ]
    note = text.say("compare.first_note", n=len(every), shown=len(rows))
    return _Table("first", text.say("compare.first_steps"), note, columns, rows, tall=True)


def _settings(comparison: Comparison, text: Text) -> _Table:
    columns = [
        (text.say("compare.setting"), False),
        (text.say("compare.meaning"), False),
        *((n, False) for n in comparison.names),
    ]
    rows = [
        [str(row["setting"]), _meaning(row, text), *(_value(row[n], text) for n in comparison.names)]
        for row in comparison.scenarios.to_dict("records")
    ]
    return _Table(
        "assumptions", text.say("compare.assumptions"), text.say("compare.assumptions_note"), columns, rows
    )


def _meaning(row: dict[Hashable, Any], text: Text) -> str:
    return str(row["meaning"]) if text.lang == "en" else text.meaning(str(row["setting"]))


def _inputs(comparison: Comparison, text: Text) -> _Table:
    columns = [(text.say("compare.layer"), False), *((n, False) for n in comparison.names)]
    rows = [
        [text.code("input", row["layer"]), *(str(row[n]) for n in comparison.names)]
        for row in comparison.inputs.to_dict("records")
    ]
    return _Table("inputs", text.say("compare.inputs"), text.say("compare.inputs_note"), columns, rows)


def _value(value: Any, text: Text) -> str:  # noqa: ANN401 - a setting is any value of TOML
    if isinstance(value, (list, tuple)):
        return (
            ", ".join(as_words(value) if all(isinstance(v, str) for v in value) else map(str, value)) or "[]"
        )
    return text.say("compare.not_set") if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 - not a number
