"""Results side by side: `phusong compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from phusong.commands.terminal import LangOption, console, following, print_json, slim_table, spoken, wrote
from phusong.errors import InputError, Problem
from phusong.whole_file import write_whole

if TYPE_CHECKING:
    from phusong.report.compare import Comparison
    from phusong.report.text import Text

__all__ = ["app", "comparison_tree", "result_labels", "show"]

app = typer.Typer(no_args_is_help=True)

_COLUMNS = 3  # results beside each other in 80 columns
_SHOWN = (
    "policy", "people", "served", "share_served", "budget", "expected", "expected_low", "expected_high", "within_budget",
    "plan_cost", "gained", "bound", "served_with_plan",
    "share_with_plan", "cost_a_person", "bound_regret", "set_regret",
)  # fmt: skip


@app.command()
def compare(
    results: Annotated[list[Path], typer.Argument(help="Two or more result folders; the first is the base.")],
    out: Annotated[Path | None, typer.Option(help="Page to write: one HTML file that opens offline.")] = None,
    lang: LangOption = None,
    samples: Annotated[
        int, typer.Option(help="Samples of costs and people behind the chances.", min=10, max=100_000)
    ] = 400,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the samples; that of the first result if not given.", min=0)
    ] = None,
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only what follows from it.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print figures, chances and verdict as JSON, and nothing else.")
    ] = False,
) -> None:
    """Put results side by side: who gains, what it costs, how sure it is, what would change it.

    Example: phusong compare results/default results/mocn --out compare.html
    """
    from phusong.report.compare import compare as put  # noqa: PLC0415
    from phusong.report.compare_page import comparison_html  # noqa: PLC0415
    from phusong.report.folder import Result  # noqa: PLC0415

    if len(results) < 2:
        raise InputError(Problem("compare", "needs two or more result folders"))
    labels = result_labels(results)
    read = {label: Result.read(path) for label, path in zip(labels, results, strict=True)}
    outcomes = {label: result.outcome.digest for label, result in read.items()}
    comparison = put(read, samples=samples, seed=seed)
    text = spoken(lang, read[labels[0]].lang)
    page = comparison_html(comparison, language=text.lang) if out is not None else ""
    if out is not None:
        write_whole(out, page.encode())
    if as_json:
        print_json({**comparison_tree(comparison), "outcomes": outcomes})
        return
    show(comparison, text, quiet=quiet)
    console.print(_outcome_line(outcomes, text), highlight=False, markup=False)
    if out is None:
        following(f"phusong compare {' '.join(str(p) for p in results)} --out compare.html", text)
        return
    wrote(out, text.say("compare.page_written"), text)
    following(f"phusong explain {results[labels.index(comparison.leader)]} 1", text)


def _outcome_line(outcomes: dict[str, str], text: "Text") -> str:
    """Return the sentence by which results are told apart: those of the same digest say the same in every table."""
    same: dict[str, list[str]] = {}
    for label, mark in outcomes.items():
        same.setdefault(mark, []).append(label)
    parts = [f"{mark[:16]} ({', '.join(labels)})" for mark, labels in same.items()]
    return text.say("compare.outcomes" if len(parts) > 1 else "compare.outcome", marks="; ".join(parts))


def comparison_tree(comparison: "Comparison") -> dict[str, Any]:
    """Return a comparison as plain values: figures by result, chances that one beats another, what follows."""
    from phusong.report.compare import FIGURE_UNITS  # noqa: PLC0415
    from phusong.report.compare_verdict import break_even_lines, verdict  # noqa: PLC0415
    from phusong.report.text import Text  # noqa: PLC0415

    text, drawn = Text(), comparison.samples
    rows = comparison.summary.set_index("key")
    names = drawn.names
    return {
        "results": list(comparison.names),
        "notes": list(comparison.notes),
        "figures": {name: rows[name].to_dict() for name in comparison.names},
        "units": {key: FIGURE_UNITS[key] for key in rows.index},
        "leader": comparison.leader,
        "chance_that_row_beats_column": {
            a: {b: drawn.beats(i, j) for j, b in enumerate(names) if i != j} for i, a in enumerate(names)
        },
        "verdict": verdict(comparison, text),
        "would_change_it": [
            {"if": what, "leads": leads} for what, leads in break_even_lines(comparison, text)
        ],
    }


def show(comparison: "Comparison", text: "Text", *, quiet: bool = False) -> None:
    """Print a comparison: figures, chances (unless quiet), and what follows from them."""
    from phusong.report.compare_verdict import break_even_lines, verdict  # noqa: PLC0415

    for note in comparison.told(text.lang):
        console.print(text.say("compare.note", note=note), highlight=False, markup=False)
    if not quiet:
        _print_figures(comparison, text)
        _print_chances(comparison, text)
    for line in verdict(comparison, text):
        console.print(line, highlight=False, markup=False)
    for what, leads in break_even_lines(comparison, text):
        console.print(text.say("compare.leads_if", what=what, leads=leads), highlight=False, markup=False)


def _print_figures(comparison: "Comparison", text: "Text") -> None:
    from phusong.report.compare import FIGURE_FORMS, figure_said  # noqa: PLC0415

    rows = comparison.summary.set_index("key")
    for start in range(0, len(comparison.names), _COLUMNS):
        title = text.say("compare.headline" if start == 0 else "compare.continued")
        table = slim_table(title, left=("",))
        part = comparison.names[start : start + _COLUMNS]
        for name in part:
            table.add_column(escape(name), justify="right", overflow="fold")
        for key in _SHOWN:
            figures = (escape(figure_said(rows.at[key, n], FIGURE_FORMS[key], text)) for n in part)
            table.add_row(text.say(f"figure.{key}"), *figures)
        console.print(table)


def _print_chances(comparison: "Comparison", text: "Text") -> None:
    drawn = comparison.samples
    if len(drawn.names) > _COLUMNS + 1:
        return  # the page has the whole square
    table = slim_table(text.say("compare.chance"), left=(text.say("compare.than"),))
    for name in drawn.names:
        table.add_column(escape(name), justify="right", overflow="fold")
    for a, name in enumerate(drawn.names):
        row = ["" if a == b else text.number(drawn.beats(a, b), "percent") for b in range(len(drawn.names))]
        table.add_row(escape(name), *row)
    console.print(table)


def result_labels(paths: list[Path]) -> list[str]:
    """Return a name for each folder: its own, its path where two share one, numbered where a path comes twice."""
    names = [path.resolve().name for path in paths]
    labels = [str(path) if names.count(name) > 1 else name for path, name in zip(paths, names, strict=True)]
    return [f"{n} ({k + 1})" if labels.count(n) > 1 else n for k, n in enumerate(labels)]
