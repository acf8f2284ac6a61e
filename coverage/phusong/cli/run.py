"""phusong run, new."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from phusong.cli.options import (
    Address,
    Keep,
    LangOption,
    StoreFolder,
    StoreGib,
    TlsAuthority,
    TlsCertificate,
    TlsKey,
    TrustNetwork,
    WhyRecompute,
    Workers,
    console,
    following,
    print_json,
    slim_table,
    spoken,
    stages_said,
    tell_notices,
    wrote,
)
from phusong.errors import InputError, Problem
from phusong.io.atomic import write_whole

if TYPE_CHECKING:
    from phusong.io.text import Text

__all__ = ["app"]

GAP_PARTS = ("gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")

app = typer.Typer(no_args_is_help=True)


@app.command()
def run(
    scenario: Annotated[str, typer.Argument(help="A file, or the name of a shipped scenario.")] = "default",
    out: Annotated[Path | None, typer.Option(help="Result folder.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, e.g. sharing.policy=mocn.")
    ] = None,
    workers: Workers = 2,
    cluster: Address = None,
    tls_ca: TlsAuthority = None,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    store: StoreFolder = None,
    store_gib: StoreGib = 8.0,
    only: Annotated[
        str | None,
        typer.Option(help="all, or measured: rank only what rests on measured and official layers."),
    ] = None,
    *,
    trust_network: TrustNetwork = False,
    redact: Annotated[
        bool,
        typer.Option(
            "--redact",
            help="Coarsen critical sites, show no small counts (redact_… of the table report).",
        ),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on after an interruption; a result that is complete is left as it is."
        ),
    ] = False,
    keep: Keep = True,
    why_recompute: WhyRecompute = False,
    lang: LangOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the last lines.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")
    ] = False,
) -> None:
    """Answer a scenario.

    Example: phusong run default --set sharing.policy=mocn --out results/mocn
    """
    from phusong.cli.compute_resources import compute_resources, tell_why  # noqa: PLC0415
    from phusong.cli.options import shown_stages  # noqa: PLC0415
    from phusong.io.atomic import alone_in  # noqa: PLC0415
    from phusong.io.progress import Stages  # noqa: PLC0415
    from phusong.pipeline import run as run_scenario  # noqa: PLC0415 - --help must be quick
    from phusong.scenario import Scenario  # noqa: PLC0415
    from phusong.stages.calibration import KNOWN_KINDS  # noqa: PLC0415

    overrides = [*(set_ or ())]
    if only:
        overrides.append(f"invest.only={only}")
    if lang:
        overrides.append(f"report.lang={lang}")
    if redact:
        overrides.append("report.redact=true")
    asked = Scenario.read(scenario, overrides=overrides)
    folder = out or Path("results") / Path(scenario).stem
    with (
        alone_in(folder),
        compute_resources(
            workers=workers, address=cluster, certificates=(tls_ca, tls_cert, tls_key), trust_network=trust_network,
            store=store, keep=keep, store_gib=store_gib,
            text=spoken(lang, asked.report.lang),
        ) as use,
    ):  # fmt: skip
        kept, question = use.stage_cache.store, _kind_of_question(asked)
        expected = {} if kept is None else kept.record(question)
        with shown_stages(expected, quiet=quiet or as_json, text=spoken(lang, asked.report.lang)) as say:
            stages = Stages(say, tell=None if say is None else say.share)
            result = run_scenario(
                asked,
                folder,
                stages=stages,
                executor=use.executor,
                stage_cache=use.stage_cache,
                resume=resume,
            )
        written = "report" in stages.seconds
        if kept is not None and written:
            kept.note(question, {name: round(seconds, 1) for name, seconds in stages.seconds.items()})
    tell_notices(stages.notices)
    if as_json:
        told = {"out": str(folder), "written": written, "seconds": stages.seconds, **result.summary}
        print_json({**told, "outcome_digest": result.outcome.digest})
        return
    text = spoken(lang, result.lang)
    if asked.invest.costs_path:
        from phusong.invest.unit_costs import own_cost_notices  # noqa: PLC0415

        rate = asked.invest.vnd_per_usd
        for notice in own_cost_notices(asked.invest.costs_path, vnd_per_usd=rate):
            console.print(notice, highlight=False, markup=False, soft_wrap=True)
    if not quiet:
        _calibration(result.calibration, text)
        _policies(result.summary["policies"], result.summary["people"], text)
    communes = result.communes
    _headline(
        result.summary,
        dict(zip(communes["commune_code"].astype(str), communes["name"].astype(str), strict=True)),
        text,
    )
    if asked.invest.only == "measured" and result.options.empty:
        made = result.layers.set_index("layer")
        added = made.reindex(columns=["records_modelled", "records_assumed"]).sum(axis=1) > 0
        filled = made.reindex(columns=["share"])["share"] < 1.0
        partly = made.index[~made["kind"].isin(KNOWN_KINDS) | added | filled]
        weak = ", ".join(text.code("input", k) for k in partly)
        console.print(text.say("ran.only_modelled", layers=weak), highlight=False)
    if why_recompute:
        tell_why(use.stage_cache, text)
    console.print(stages_said(stages.seconds, text), highlight=False)
    page = str(folder / "report.html")
    inputs = str(result.provenance.get("digest", ""))[:16]
    console.print(text.say("ran.outcome", outcome=result.outcome.short, inputs=inputs), highlight=False)
    if written:
        wrote(folder, text, text.say("audit.open", file=page))
    else:
        console.print(
            escape(text.say("ran.complete", folder=str(folder), page=page)),
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    following(f"phusong {f'explain {folder} 1' if len(result.options) else f'map {folder} gap'}", text)


def _kind_of_question(asked: Any) -> str:  # noqa: ANN401 - a Scenario
    """Return the name under which the store notes how long such a run took."""
    return f"seconds of {asked.region.model_dump_json()} {asked.radio.model_dump_json()}"


def _headline(summary: dict[str, Any], names: dict[str, str], text: "Text") -> None:
    from phusong.io.text import plain  # noqa: PLC0415
    from phusong.report.wording import plan_sentences, statement_words  # noqa: PLC0415

    parts = ", ".join(f"{text.number(summary[p])} {text.code('cause', p)}" for p in GAP_PARTS)
    plan = summary["plan"]
    served = {
        "served": text.number(summary["people_served"]), "people": text.number(summary["people"]),
        "share": text.number(summary["share_served"], "percent"),
    }  # fmt: skip
    console.print(
        f"[bold]{escape(summary['region'])}[/bold]: {text.say('ran.served', parts=parts, **served)}",
        highlight=False,
    )
    for sentence in plan_sentences(summary):
        console.print(escape(plain(sentence, text)), highlight=False)
    for said in plan.get("statements", ()):
        console.print(escape(plain(statement_words(said, names), text)), highlight=False)


def _calibration(calibration: Any, text: "Text") -> None:  # noqa: ANN401 - a frame
    table = slim_table(
        text.say("facts.title"),
        left=(text.say("facts.what"),),
        right=(text.say("facts.model"), text.say("facts.fact")),
    )
    for name in ("facts.unit", "column.source"):
        table.add_column(text.say(name), overflow="fold")
    for row in calibration.to_dict("records"):
        form = "percent" if row["unit"] == "share" else "figure"
        known = "" if row["fact"] != row["fact"] else text.number(row["fact"], form)
        table.add_row(
            escape(text.code("fact", row["what"])), text.number(row["model"], form), known,
            escape(text.code("unit", row["unit"])), escape(text.note(row["source"])),
        )  # fmt: skip
    console.print(table)


def _policies(policies: list[dict[str, Any]], people: int, text: "Text") -> None:
    heads = ("served", *GAP_PARTS)
    table = slim_table(
        text.say("ran.policies"), left=(text.say("column.policy"),),
        right=(*(text.code("cause", h) for h in heads), text.say("unit.share")),
    )  # fmt: skip
    for row in policies:
        figures = (text.number(row[c]) for c in ("people_served", *GAP_PARTS))
        share = text.number(row["people_served"] / people, "percent")
        table.add_row(escape(text.code("policy", row["policy"])), *figures, share)
    console.print(table)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the scenario: NAME.toml is written.")],
    base: Annotated[
        str, typer.Option("--from", help="A shipped scenario, or a file, whose values it starts from.")
    ] = "default",
    out: Annotated[Path | None, typer.Option(help="File to write instead.")] = None,
    lang: LangOption = None,
) -> None:
    """Write a scenario with every key, its meaning and its value commented out; nothing is ever replaced.

    Example: phusong new my-district --from mocn
    """
    from phusong.io.resources import scenario_names  # noqa: PLC0415 - --help must be quick
    from phusong.scenario import scenario_template  # noqa: PLC0415

    text = spoken(lang)
    path = out or Path(name if name.endswith(".toml") else f"{name}.toml")
    if out is None and path.name != str(path):
        raise InputError(Problem("new", text.say("problem.no_plain_name"), value=name))
    if path.exists():
        raise InputError(Problem(str(path), text.say("problem.exists")))
    if path.stem in scenario_names() and out is None:
        raise InputError(Problem("new", text.say("problem.shipped"), value=path.stem))
    # a file is named as seen from the new one
    source = base if base in scenario_names() else str(Path(base).resolve())
    write_whole(path, scenario_template(source, text.lang).encode())
    wrote(path, text)
    following(text.say("terminal.run_new", file=str(path)), text)
