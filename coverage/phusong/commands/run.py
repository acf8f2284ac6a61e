"""phusong run: answer a scenario."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from phusong.commands.options import (
    Address,
    Keep,
    StoreFolder,
    StoreGib,
    TlsAuthority,
    TlsCertificate,
    TlsKey,
    TrustNetwork,
    WhyRecompute,
    Workers,
)
from phusong.commands.terminal import cell, console, following, print_json, slim_table, wrote

__all__ = ["app"]

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
        typer.Option("--redact", help="Coarsen critical sites, show no small counts ([report] redact_…)."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on after an interruption; a result that is complete is left as it is."
        ),
    ] = False,
    keep: Keep = True,
    why_recompute: WhyRecompute = False,
    lang: Annotated[
        str | None, typer.Option(help="en or vi: language in which report.html opens (it holds both).")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the last lines.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")
    ] = False,
) -> None:
    """Answer a scenario.

    Example: phusong run default --set sharing.policy=mocn --out results/mocn
    """
    from phusong.commands.means import means, tell_why  # noqa: PLC0415
    from phusong.commands.progress import shown_stages  # noqa: PLC0415
    from phusong.engine.lock import alone_in  # noqa: PLC0415
    from phusong.evidence import KNOWN_KINDS  # noqa: PLC0415
    from phusong.pipeline import run as run_scenario  # noqa: PLC0415 - --help must be quick
    from phusong.scenario import Scenario  # noqa: PLC0415
    from phusong.stages import Stages  # noqa: PLC0415

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
        means(
            workers=workers, address=cluster, certificates=(tls_ca, tls_cert, tls_key), trust_network=trust_network,
            store=store, keep=keep, store_gib=store_gib,
        ) as use,
    ):  # fmt: skip
        kept, question = use.keeper.store, _kind_of_question(asked)
        expected = {} if kept is None else kept.record(question)
        with shown_stages(expected, quiet=quiet or as_json) as say:
            stages = Stages(say, tell=None if say is None else say.share)
            result = run_scenario(
                asked, folder, stages=stages, crew=use.crew, keeper=use.keeper, resume=resume
            )
        written = "report" in stages.seconds
        if kept is not None and written:
            kept.note(question, {name: round(seconds, 1) for name, seconds in stages.seconds.items()})
    if as_json:
        told = {"out": str(folder), "written": written, "seconds": stages.seconds, **result.summary}
        print_json({**told, "outcome_digest": result.outcome.digest})
        return
    if asked.invest.costs_path:
        from phusong.invest.cost_catalogue import own_cost_notices  # noqa: PLC0415

        rate = asked.invest.vnd_per_usd
        for told in own_cost_notices(asked.invest.costs_path, vnd_per_usd=rate):
            console.print(told, highlight=False, markup=False, soft_wrap=True)
    if not quiet:
        _calibration(result.calibration)
        _policies(result.summary["policies"], result.summary["people"])
    _headline(result.summary)
    if asked.invest.only == "measured" and result.options.empty:
        kinds = result.layers.set_index("layer")["kind"]
        weak = ", ".join(kinds[~kinds.isin(KNOWN_KINDS)].index)
        console.print(
            f"No option rests on measured or official layers alone; still modelled: {weak}", highlight=False
        )
    if why_recompute:
        tell_why(use.keeper)
    took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in stages.seconds.items())
    console.print(f"Stages: {took}; {sum(stages.seconds.values()):.0f} s in all", highlight=False)
    inputs = str(result.provenance.get("digest", ""))[:16]
    console.print(f"Outcome {result.outcome.short} of inputs {inputs}", highlight=False)
    if written:
        wrote(folder, f"open {folder / 'report.html'}")
    else:
        console.print(
            f"Already complete: {escape(str(folder))}; open {escape(str(folder / 'report.html'))}",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    following(f"phusong explain {folder} 1")


def _kind_of_question(asked: Any) -> str:  # noqa: ANN401 - a Scenario
    """Return the name under which the store notes how long such a run took."""
    return f"seconds of {asked.region.model_dump_json()} {asked.radio.model_dump_json()}"


def _headline(summary: dict[str, Any]) -> None:
    people = summary["people"]
    parts = ", ".join(
        f"{summary[f'gap_{k}']:,} {words}"
        for k, words in (
            ("no_signal", "no signal"),
            ("locked", "locked out"),
            ("unstable", "unstable"),
            ("congested", "congested"),
        )
    )
    plan = summary["plan"]
    console.print(
        f"[bold]{escape(summary['region'])}[/bold]: {summary['people_served']:,} of {people:,} people ({summary['share_served']:.1%}) have stable internet; not: {parts}.",
        highlight=False,
    )
    vnd = plan["cost_musd"] * summary["currency"]["vnd_per_usd"] / 1000
    console.print(
        f"A plan of {plan['cost_musd']:.2f} million USD ({vnd:,.0f} billion VND) gives it to {plan['people_gained']:,} more; "
        f"no plan of that budget reaches more than {plan['bound_people']:,.0f} (within {plan['distance_share']:.1%}).",
        highlight=False,
    )
    for sentence in plan.get("statements", ()):
        console.print(escape(sentence), highlight=False)


def _calibration(calibration: Any) -> None:  # noqa: ANN401 - a frame
    table = slim_table("The model beside public facts", left=("what",), right=("model", "fact"))
    for name in ("unit", "source"):
        table.add_column(name, overflow="fold")
    for row in calibration.to_dict("records"):
        known = "" if row["fact"] != row["fact"] else cell(row["fact"])
        table.add_row(escape(row["what"]), cell(row["model"]), known, row["unit"], escape(row["source"]))
    console.print(table)


def _policies(policies: list[dict[str, Any]], people: int) -> None:
    columns = ("people_served", "gap_no_signal", "gap_locked", "gap_unstable", "gap_congested")
    table = slim_table(
        "Sharing policies on the same network",
        left=("policy",), right=("served", "no signal", "locked", "unstable", "congested", "share"),
    )  # fmt: skip
    for row in policies:
        table.add_row(
            row["policy"], *(f"{row[c]:,}" for c in columns), f"{row['people_served'] / people:.2%}"
        )
    console.print(table)
