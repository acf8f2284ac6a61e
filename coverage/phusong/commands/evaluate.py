"""phusong evaluate: a plan that somebody brings, in the terms of ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from phusong.commands.terminal import console, following, print_json, slim_table, wrote

if TYPE_CHECKING:
    from phusong.invest.evaluation import Evaluation

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_SHOWN = 12


@app.command()
def evaluate(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    plan: Annotated[Path, typer.Argument(help="CSV with remedy_id or bundle_id; year and fund if known.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the tables.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    prove: Annotated[
        bool, typer.Option("--prove", help="Look for the best plan of exactly this cost; takes longer.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the headline.")] = False,
) -> None:
    """Say what a plan does: people, cost, distance from the best, and the money it wastes.

    Example: phusong evaluate results/default results/default/plan.csv
    """
    from phusong.report.evaluation import evaluation_figures, write_evaluation  # noqa: PLC0415
    from phusong.report.result import Result  # noqa: PLC0415

    found = Result.read(result).evaluate(plan, prove=prove)
    if out is not None:
        write_evaluation(found, out)
    if as_json:
        print_json(evaluation_figures(found))
        return
    _headline(found.headline)
    if not quiet:
        _waste(found)
        _years(found)
        _communes(found)
    if out is not None:
        wrote(out)
        following(f"phusong explain {result} 1")
    else:
        following(f"phusong evaluate {result} {plan} --out evaluation")


def _headline(h: Any) -> None:  # noqa: ANN401 - a mapping of figures
    from phusong.report.text import Text  # noqa: PLC0415

    per = "at no cost" if h["cost_musd"] <= 0 else f"{h['people_per_musd']:,.0f} people per million USD"
    console.print(
        f"[bold]{h['people_gained']:,} more people[/bold] for {Text().money(h['cost_musd'])} ({per}); {h['remedies']:,} remedies.",
        highlight=False,
    )
    if h["bound_people"] < float("inf"):
        console.print(
            f"No plan of that money serves more than {h['bound_people']:,.0f}: this one is within {h['distance_share']:.1%}.",
            highlight=False,
        )
    console.print(
        f"The best known for the same money serves {h['ours_people']:,} ({h['share_of_ours']:.1%} of it reached); "
        f"{h['remedies_in_our_plan']:,} of the remedies are in the result's own plan.",
        highlight=False,
    )


def _waste(found: "Evaluation") -> None:
    from phusong.report.plan_words import waste_words  # noqa: PLC0415
    from phusong.report.sentences import plain  # noqa: PLC0415
    from phusong.report.text import Text  # noqa: PLC0415

    text = Text()
    h = found.headline
    console.print(
        f"Money that serves nobody: {text.money(h['wasted_musd'])}; saved by using what stands: {text.money(h['avoidable_musd'])}.",
        highlight=False,
    )
    if found.waste.empty:
        return
    table = slim_table(
        f"Where the money goes astray: {min(_SHOWN, len(found.waste))} of {len(found.waste)}",
        left=("remedy", "why"), right=("saved",),
    )  # fmt: skip
    for row in found.waste.head(_SHOWN).to_dict("records"):
        told = f"[bold]{escape(text.code('waste', row['waste']))}[/bold]: {escape(plain(waste_words(row), text))}"
        table.add_row(escape(str(row["remedy_id"])), told, text.money(row["saved_musd"]))
    console.print(table)


def _years(found: "Evaluation") -> None:
    if found.years.empty:
        return
    heads = ("mUSD spent", "people served", "mUSD idle, twin late")
    table = slim_table("By the end of the year", left=("year",), right=heads)
    for row in found.years.to_dict("records"):
        table.add_row(
            str(row["year"]),
            f"{row['cost_musd']:.3f}",
            f"{row['people_gained']:,}",
            f"{row['idle_musd']:.3f}",
        )
    console.print(table)


def _communes(found: "Evaluation") -> None:
    table = slim_table(
        f"Communes: {min(_SHOWN, len(found.communes))} of {len(found.communes)}, most people first",
        left=("commune",), right=("people", "more people", "with the best known"),
    )  # fmt: skip
    for row in found.communes.head(_SHOWN).to_dict("records"):
        table.add_row(
            escape(f"{row['name']} ({row['commune_code']})"), f"{row['population']:,}",
            f"{row['people_gained']:,}", f"{row['ours_people']:,}",
        )  # fmt: skip
    console.print(table)
