"""phusong explain, locked, map, compare, evaluate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from phusong.cli.options import (
    LangOption,
    console,
    following,
    known_name,
    print_json,
    slim_table,
    spoken,
    waiting,
    wrote,
)
from phusong.errors import InputError, Problem
from phusong.io.atomic import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from phusong.invest.evaluation import Evaluation
    from phusong.io.text import Text
    from phusong.report.compare import Comparison
    from phusong.report.folder import Result

__all__ = ["app", "comparison_tree", "result_labels", "show"]

app = typer.Typer(no_args_is_help=True)


@app.command()
def explain(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    name: Annotated[str, typer.Argument(help="Commune code or name, rank, bundle, remedy or site.")],
    lang: LangOption = None,
) -> None:
    """Say why a commune is not served, or why an option stands where it does.

    Example: phusong explain results/default 1
    """
    from phusong.report.explain import explain as tell  # noqa: PLC0415
    from phusong.report.folder import Result  # noqa: PLC0415

    with waiting("terminal.reading", str(result), spoken(lang)):
        found = Result.read(result)
        text = spoken(lang, found.lang)
        said = tell(found, name, lang=text.lang)
    # wrapped at words on a terminal, whole lines for programs
    console.print(said, highlight=False, markup=False, soft_wrap=not console.is_terminal)
    following(f"phusong map {result} gap", text)


@app.command()
def locked(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    most: Annotated[int, typer.Option(help="Sites listed.", min=1)] = 20,
    reason: Annotated[
        str, typer.Option(help="Only this lock, e.g. contract; any: all but no agreement.")
    ] = "any",
    lang: LangOption = None,
) -> None:
    """List the sites that reach people who may not use them, and what would open them.

    Example: phusong locked results/default --reason contract
    """
    from phusong.report.folder import Result  # noqa: PLC0415

    found = Result.read(result)
    text = spoken(lang, found.lang)
    if found.locked_assets.empty:
        raise InputError(Problem(str(result), text.say("problem.no_locked_sites")))
    assets = found.locked_assets
    if reason != "any":
        known_name(reason, sorted(assets["lock_reason"].unique()), "--reason", "problem.no_lock", text)
    sums = slim_table(
        text.say("locked_list.sums"),
        left=(text.say("locked.reason"),),
        right=(text.say("locked.sites"), text.say("column.people_behind"), text.say("locked.nothing")),
    )
    for row in found.locks.to_dict("records"):
        sums.add_row(
            escape(text.code("lock", row["lock_reason"])),
            *(text.number(row[c]) for c in ("sites", "people_behind", "people_locked_out")),
        )
    console.print(sums)
    chosen = assets["lock_reason"] == reason if reason != "any" else assets["lock_reason"] != "no agreement"
    table = slim_table(
        text.say("locked_list.most", shown=min(most, int(chosen.sum())), n=int(chosen.sum())),
        left=(text.say("column.site_id"), text.say("column.owner"), text.say("locked.reason")),
        right=(text.say("locked_list.behind"),),
    )
    table.add_column(text.say("locked.remedy"), overflow="fold")
    for name in (text.say("column.people"), "USD", text.say("locked_list.per")):
        table.add_column(name, justify="right", no_wrap=True)
    for row in assets[chosen].head(most).to_dict("records"):
        best = str(row["best_remedy"])
        figures = (
            [
                text.number(row["best_people"]),
                text.number(row["best_cost_musd"], "usd"),
                text.number(row["people_per_musd"]),
            ]
            if best
            else ["", "", ""]
        )
        table.add_row(
            escape(str(row["site_id"])), escape(text.named("owner", row["owner"])), escape(text.code("lock", row["lock_reason"])),
            text.number(row["people_behind"]), text.code("remedy", best) if best else text.say("ui.none"), *figures,
        )  # fmt: skip
    console.print(table)
    following(f"phusong map {result} locked", text)


_OVER = ("years", "policies", "results")


@app.command("map")
def map_(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    layer: Annotated[
        str, typer.Argument(help="gap, access, rsrp, options, network or locked; all for each of them.")
    ] = "gap",
    kind: Annotated[
        str,
        typer.Option(
            "--format", help="png, svg or pdf; gis for a styled GeoPackage and styles of the rasters."
        ),
    ] = "png",
    out: Annotated[
        Path | None,
        typer.Option(help="File to write (folder, for gis and all); else beside the maps of the result."),
    ] = None,
    over: Annotated[
        str, typer.Option(help="Small maps side by side: over years, policies, or results named by --beside.")
    ] = "",
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="A further result for --over results or policies; may be repeated."),
    ] = None,
    lang: LangOption = None,
) -> None:
    """Draw a map of a result for print (PNG, SVG, PDF) or write it for GIS, with its styles.

    Example: phusong map results/default access --format svg
    """
    from phusong.report.folder import Result  # noqa: PLC0415
    from phusong.report.map_style import FORMATS, picture_bytes  # noqa: PLC0415

    text = spoken(lang)
    known_name(kind, (*FORMATS, "gis"), "--format", "problem.no_format", text)
    if over:
        known_name(over, _OVER, "--over", "problem.none_of", text)
    if beside and not over:
        raise InputError(Problem("--beside", text.say("problem.beside")))
    found = Result.read(result)
    text = spoken(lang, found.lang)
    if kind == "gis":
        _write_gis(found, out or result / "gis", text)
        return
    names = _names(layer, text) if not over else [f"over_{over}"]
    figures = {name: _figure(found, name, over, result, beside or [], text) for name in names}
    several = len(names) > 1
    for name, figure in figures.items():
        file = f"{name}.{kind}"
        path = (out / file if several else out) if out is not None else result / "maps" / file
        write_whole(path, picture_bytes(figure, kind))
        wrote(path, text)
    following(
        f"phusong map {result} all --format pdf" if layer != "all" else f"phusong map {result} --format gis",
        text,
    )


def _names(layer: str, text: "Text") -> list[str]:
    from phusong.report.maps import MAPS  # noqa: PLC0415

    if layer == "all":
        return list(MAPS)
    return [known_name(layer, [*MAPS, "all"], "map", "problem.no_map", text)]


def _figure(found: "Result", name: str, over: str, path: Path, beside: list[Path], text: "Text") -> "Figure":
    from phusong.report.folder import Result  # noqa: PLC0415
    from phusong.report.maps import draw_map, for_print  # noqa: PLC0415
    from phusong.report.small_multiples import draw_multiples, policy_panels, result_panels, year_panels  # noqa: PLC0415

    if not over:
        return draw_map(for_print(found), name, text.lang)
    share = text.say("drawn.share_subtitle")
    if over == "years":
        return draw_multiples(
            for_print(found),
            year_panels(found, text),
            text.say("drawn.years_title"),
            text.say("drawn.years_subtitle"),
            text=text,
        )
    if over == "policies" and not beside:
        return draw_multiples(
            for_print(found), policy_panels(found, text), text.say("drawn.policies_title"), share, text=text
        )

    if not beside:
        raise InputError(Problem("--over results", text.say("problem.needs_beside")))
    every = [found, *(Result.read(p) for p in beside)]
    labels = result_labels([path, *beside])
    if over == "policies":
        policies = [text.code("policy", r.summary.get("policy", "")) for r in every]
        labels = policies if len(set(policies)) == len(policies) else labels
    title = text.say(f"drawn.{over}_title")
    return draw_multiples(
        for_print(found),
        result_panels(dict(zip(labels, every, strict=True)), text=text),
        title,
        share,
        text=text,
    )


def _write_gis(found: "Result", folder: Path, text: "Text") -> None:
    from phusong.report.gis import write_gis_folder  # noqa: PLC0415
    from phusong.result.files import GIS_FILES  # noqa: PLC0415

    write_gis_folder(found, folder)
    wrote(folder, text, text.say("terminal.gis", files=", ".join(GIS_FILES)))
    following(f"qgis {folder / 'gis.gpkg'}", text)


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
        raise InputError(Problem("compare", spoken(lang).say("problem.two_results")))
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
    wrote(out, text, text.say("compare.page_written"))
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
    from phusong.io.text import Text  # noqa: PLC0415
    from phusong.report.compare import (  # noqa: PLC0415
        FIGURE_UNITS,
        break_even_lines,
        verdict,
    )

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
    from phusong.report.compare import break_even_lines, verdict  # noqa: PLC0415

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


_SHOWN_LINES = 12


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
        wrote(out, text)
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
    from phusong.io.text import plain  # noqa: PLC0415
    from phusong.report.wording import waste_words  # noqa: PLC0415

    h = found.headline
    wasted, avoidable = text.money(h["wasted_musd"]), text.money(h["avoidable_musd"])
    console.print(text.say("judged.wasted", wasted=wasted, avoidable=avoidable), highlight=False)
    if found.waste.empty:
        return
    table = slim_table(
        text.say("judged.waste", shown=min(_SHOWN_LINES, len(found.waste)), n=len(found.waste)),
        left=(text.say("plan.remedies"), text.say("option.why")), right=(text.say("judged.saved"),),
    )  # fmt: skip
    for row in found.waste.head(_SHOWN_LINES).to_dict("records"):
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
        text.say("judged.communes", shown=min(_SHOWN_LINES, len(found.communes)), n=len(found.communes)),
        left=(text.say("column.commune"),),
        right=(text.say("column.people"), text.say("option.gained"), text.say("judged.best_known")),
    )
    for row in found.communes.head(_SHOWN_LINES).to_dict("records"):
        table.add_row(
            escape(f"{row['name']} ({row['commune_code']})"),
            *(text.number(row[c]) for c in ("population", "people_gained", "ours_people")),
        )
    console.print(table)
