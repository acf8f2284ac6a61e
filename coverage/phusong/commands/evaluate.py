"""phusong evaluate: a plan that somebody brings, in the terms of ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from phusong.commands.terminal import LangOption, console, following, print_json, slim_table, spoken, wrote

if TYPE_CHECKING:
    from phusong.invest.evaluation import Evaluation
    from phusong.report.text import Text

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_SHOWN = 12


@app.command()
def evaluate(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    plan: Annotated[Path, typer.Argument(help="CSV with remedy_id or bundle_id; year and fund if known.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the tables.")] = None,
    lang: LangOption = None,
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
    from phusong.report.folder import Result  # noqa: PLC0415

    read = Result.read(result)
    text = spoken(lang, read.lang)
    found = read.evaluate(plan, prove=prove)
    if out is not None:
        write_evaluation(found, out)
    if as_json:
        print_json(evaluation_figures(found))
        return
    _headline(found.headline, text)
    if not quiet:
        _waste(found, text)
        _years(found, text)
        _communes(found, text)
    if out is not None:
        wrote(out, text=text)
        following(f"phusong explain {result} 1", text)
    else:
        following(f"phusong evaluate {result} {plan} --out evaluation", text)


def _headline(h: Any, text: "Text") -> None:  # noqa: ANN401 - a mapping of figures
    free = h["cost_musd"] <= 0
    per = (
        text.say("judged.free") if free else text.say("judged.per", people=text.number(h["people_per_musd"]))
    )
    gained = text.say("judged.gained", people=text.number(h["people_gained"]))
    cost = text.say("judged.cost", cost=text.money(h["cost_musd"]), per=per, n=int(h["remedies"]))
    console.print(f"[bold]{gained}[/bold] {cost}", highlight=False)
    if h["bound_people"] < float("inf"):
        share = text.number(h["distance_share"], "percent")
        bound = text.number(h["bound_people"])
        console.print(text.say("judged.bound", bound=bound, share=share), highlight=False)
    parts = {
        "people": text.number(h["ours_people"]), "share": text.number(h["share_of_ours"], "percent"),
        "remedies": text.number(h["remedies_in_our_plan"]),
    }  # fmt: skip
    console.print(text.say("judged.ours", **parts), highlight=False)


def _waste(found: "Evaluation", text: "Text") -> None:
    from phusong.report.plan_words import waste_words  # noqa: PLC0415
    from phusong.report.sentences import plain  # noqa: PLC0415

    h = found.headline
    wasted, avoidable = text.money(h["wasted_musd"]), text.money(h["avoidable_musd"])
    console.print(text.say("judged.wasted", wasted=wasted, avoidable=avoidable), highlight=False)
    if found.waste.empty:
        return
    table = slim_table(
        text.say("judged.waste", shown=min(_SHOWN, len(found.waste)), n=len(found.waste)),
        left=(text.say("plan.remedies"), text.say("option.why")), right=(text.say("judged.saved"),),
    )  # fmt: skip
    for row in found.waste.head(_SHOWN).to_dict("records"):
        waste = escape(text.code("waste", row["waste"]))
        told = f"[bold]{waste}[/bold]: {escape(plain(waste_words(row), text))}"
        table.add_row(escape(str(row["remedy_id"])), told, text.number(row["saved_musd"], "usd"))
    console.print(table)


def _years(found: "Evaluation", text: "Text") -> None:
    if found.years.empty:
        return
    heads = (text.say("column.spent_musd"), text.say("column.people_served"), text.say("judged.idle"))
    table = slim_table(text.say("judged.years"), left=(text.say("column.year"),), right=heads)
    for row in found.years.to_dict("records"):
        table.add_row(
            str(row["year"]),
            text.number(row["cost_musd"], "usd"),
            text.number(row["people_gained"]),
            text.number(row["idle_musd"], "usd"),
        )
    console.print(table)


def _communes(found: "Evaluation", text: "Text") -> None:
    table = slim_table(
        text.say("judged.communes", shown=min(_SHOWN, len(found.communes)), n=len(found.communes)),
        left=(text.say("column.commune"),),
        right=(text.say("column.people"), text.say("option.gained"), text.say("judged.best_known")),
    )
    for row in found.communes.head(_SHOWN).to_dict("records"):
        table.add_row(
            escape(f"{row['name']} ({row['commune_code']})"),
            *(text.number(row[c]) for c in ("population", "people_gained", "ours_people")),
        )
    console.print(table)
