"""phusong stress: a storm over a region, hour by hour, today and with a plan."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

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
from phusong.commands.terminal import (
    LangOption,
    console,
    following,
    print_json,
    slim_table,
    spoken,
    stages_said,
    wrote,
)

if TYPE_CHECKING:
    from phusong.report.text import Text

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.command("stress")
def stress_(
    region: Annotated[str, typer.Argument(help="Region folder, or the name of a province to build.")],
    storm: Annotated[str, typer.Argument(help="A shipped storm (yagi_2024), or a CSV of positions.")],
    scenario: Annotated[str, typer.Option(help="A file, or the name of a shipped scenario.")] = "default",
    plan: Annotated[
        Path | None, typer.Option(help="Result folder (or plan.csv) whose plan is compared with today.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Versions of the storm, each with its own damage.")] = 300,
    seed: Annotated[int | None, typer.Option(help="The scenario's when left out.", min=0)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; results/storm-NAME when left out.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, e.g. sharing.policy=roaming.")
    ] = None,
    lang: LangOption = None,
    workers: Workers = 2,
    cluster: Address = None,
    tls_ca: TlsAuthority = None,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    store: StoreFolder = None,
    store_gib: StoreGib = 8.0,
    *,
    trust_network: TrustNetwork = False,
    keep: Keep = True,
    why_recompute: WhyRecompute = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the last lines.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")
    ] = False,
) -> None:
    """Say who is without service 0, 4, 8, 24 and 72 hours after a storm, where and why.

    Example: phusong stress regions/tuyen-quang yagi_2024 --plan results/default --out results/yagi
    """
    from phusong.commands.means import means, tell_why  # noqa: PLC0415
    from phusong.commands.progress import shown_stages  # noqa: PLC0415
    from phusong.report.storm_folder import write_storm  # noqa: PLC0415 - --help must be quick
    from phusong.scenario import Scenario  # noqa: PLC0415
    from phusong.service.storms.track import read_track  # noqa: PLC0415
    from phusong.stress import read_plan_remedies, region_of, stress  # noqa: PLC0415

    asked = Scenario.read(scenario, overrides=tuple(set_ or ()))
    track, text = read_track(storm), spoken(lang, asked.report.lang)
    remedies = None if plan is None else read_plan_remedies(plan)
    folder = out or Path("results") / f"storm-{track.name}"
    with (
        means(
            workers=workers,
            address=cluster,
            certificates=(tls_ca, tls_cert, tls_key),
            trust_network=trust_network,
            store=store,
            keep=keep,
            store_gib=store_gib,
        ) as use,
        shown_stages(quiet=quiet or as_json) as say,
    ):
        found = stress(
            region_of(region, asked, use.keeper), track, asked, plan=remedies, samples=samples, seed=seed,
            crew=use.crew, say=say, tell=None if say is None else say.share, keeper=use.keeper,
        )  # fmt: skip
        tables = write_storm(found, folder, text.lang)
    summary = tables.summary()
    if as_json:
        print_json({"out": str(folder), "seconds": found.seconds, **summary})
        return
    if not quiet:
        _hours(summary, text)
        _hardest(tables.communes, summary["today"]["hours"], text)
    _headline(summary, text)
    if why_recompute:
        tell_why(use.keeper)
    console.print(stages_said(found.seconds, text), highlight=False)
    wrote(folder, text.say("audit.open", file=str(folder / "storm_map.png")))
    following(
        f"phusong stress {region} {storm} --plan results/default"
        if plan is None
        else f"phusong explain {plan} 1"
    )


def _hours(summary: dict[str, Any], text: "Text") -> None:
    title = text.say("storm.hours", region=summary["region"], storm=summary["storm"])
    planned = summary.get("with_plan")
    console.print(_table_of_hours(title, summary["today"]["hours"], text))
    if planned:
        console.print(_table_of_hours(text.say("storm.with_plan"), planned["hours"], text))
        now, then = (text.number(summary[k]["people_without_before"]) for k in ("today", "with_plan"))
        console.print(text.say("storm.usual", now=now, then=then), highlight=False)


def _table_of_hours(title: str, hours: list[dict[str, Any]], text: "Text") -> Table:
    causes = ("tower", "power", "backhaul")
    heads = (text.say("storm.cut_off"), *(text.code("storm", c) for c in causes), text.say("storm.sites_off"))
    table = slim_table(escape(title), left=(text.say("storm.hour"),), right=heads)
    for row in hours:
        table.add_row(
            text.number(row["hour"], "figure"),
            _range(row["people_lost"], text),
            *(text.number(row["people_lost_by_cause"][c]) for c in causes),
            _range(row["sites_off"], text),
        )
    return table


def _hardest(communes: Any, hours: list[dict[str, Any]], text: "Text") -> None:  # noqa: ANN401 - a frame
    worst = max(hours, key=lambda row: row["people_lost"]["mean"])
    column = f"people_without_{worst['hour']:g}h_mean"
    lost = communes[column] - communes["people_without_before"]
    hardest = (
        communes.assign(lost=lost).sort_values(["lost", "commune_code"], ascending=[False, True]).head(10)
    )
    hardest = hardest[hardest["lost"] > 0]
    if hardest.empty:
        return
    table = slim_table(
        text.say("storm.hardest", hours=text.number(worst["hour"], "figure")),
        left=(text.say("column.commune"),),
        right=(
            text.say("storm.gust"),
            text.say("column.people"),
            text.say("storm.cut_off"),
            text.say("unit.share"),
        ),
    )
    for row in hardest.to_dict("records"):
        table.add_row(
            escape(str(row["name"])), text.number(row["gust_ms"]), text.number(row["population"]),
            text.number(row["lost"]), text.number(row["lost"] / max(row["population"], 1), "percent"),
        )  # fmt: skip
    console.print(table)


def _headline(summary: dict[str, Any], text: "Text") -> None:
    today = summary["today"]
    worst = max(today["hours"], key=lambda row: row["people_lost"]["mean"])
    hit = today["sites_hit"]
    said = text.say(
        "storm.told", storm=summary["storm"], lost=_range(worst["people_lost"], text), people=summary["people"],
        hours=text.number(worst["hour"], "figure"), hit=_range(hit, text), sites=summary["sites"],
        power=text.number(hit["by_cause"]["power"]),
    )  # fmt: skip
    console.print(f"[bold]{escape(summary['region'])}[/bold]: {escape(said)}", highlight=False)
    if "plan" in summary and summary["plan"]["left_out"]:
        left = ", ".join(
            f"{text.number(n)} {text.code('kind', kind)}"
            for kind, n in sorted(summary["plan"]["left_out"].items())
        )
        console.print(escape(text.say("storm.left_out", left=left)), highlight=False)


def _range(spread: dict[str, float], text: "Text") -> str:
    low, high = text.number(spread["p05"]), text.number(spread["p95"])
    return text.say("storm.range", mean=text.number(spread["mean"]), low=low, high=high)
