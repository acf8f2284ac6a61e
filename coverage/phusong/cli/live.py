"""phusong watch, stress."""

import json
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from phusong.cli.options import (
    Address,
    Interrupted,
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
    errors,
    following,
    print_json,
    slim_table,
    spoken,
    stages_said,
    wrote,
)

if TYPE_CHECKING:
    import pandas as pd

    from phusong.io.text import Text
    from phusong.live.session import LineOutcome, Session

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_LIGHTS = {"green": ("green", "●"), "amber": ("yellow", "▲"), "red": ("red", "■")}


@app.command("watch")
def watch_(
    region: Annotated[str, typer.Argument(help="Region folder, or the name of a province to build.")],
    events: Annotated[
        str | None, typer.Argument(help="JSON lines: a file, a folder in which files appear, or - (stdin).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the tables and of the state.")] = Path("results/watch"),
    scenario: Annotated[str, typer.Option(help="A file, or the name of a shipped scenario.")] = "default",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, e.g. sharing.policy=mocn.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Result folder (or plan.csv) with the money planned.")
    ] = None,
    window: Annotated[
        float,
        typer.Option(
            help="Reorder window in minutes: so far behind the newest of its own source a line may come.",
            min=0.0,
            max=10_080.0,
        ),
    ] = 60.0,
    workers: Annotated[int, typer.Option(help="Threads; the result does not depend on them.", min=1)] = 2,
    lang: LangOption = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow/--once", help="Wait for more, or stop at the end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line for each event.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the last lines, no event.")] = False,
    example: Annotated[
        bool, typer.Option("--example", help="Print made-up events of the region, and stop.")
    ] = False,
) -> None:
    """Keep gap parts and KPIs current, event by event, by touching only what each changes.

    Example: phusong watch regions/tuyen-quang events.jsonl --out results/watch
    """
    from phusong.cli.compute_resources import compute_resources  # noqa: PLC0415
    from phusong.errors import InputError, Problem  # noqa: PLC0415
    from phusong.io.atomic import alone_in  # noqa: PLC0415
    from phusong.live.session import Session, example_events  # noqa: PLC0415
    from phusong.scenario import Scenario  # noqa: PLC0415
    from phusong.stages.live import planned_money, region_static  # noqa: PLC0415
    from phusong.stages.storm import region_of  # noqa: PLC0415

    if events is None and not example:
        raise InputError(Problem("EVENTS", spoken(lang).say("problem.no_events")))
    asked = Scenario.read(scenario, overrides=tuple(set_ or ()))
    text = spoken(lang, asked.report.lang)
    money = None if plan is None else planned_money(plan)
    with compute_resources(
        workers=workers,
        address=None,
        certificates=(None, None, None),
        store=None,
        keep=True,
        store_gib=8.0,
        text=text,
    ) as use:
        static = region_static(
            asked, region_of(region, asked), executor=use.executor, stage_cache=use.stage_cache
        )
    if example:
        for line in example_events(static):
            typer.echo(line)
        return
    assert events is not None  # noqa: S101 - said above
    out.mkdir(parents=True, exist_ok=True)
    with alone_in(out):
        session = Session(static, out / "state", money, window_ms=round(window * 60_000))
        for notice in session.notices:
            errors.print(f"[dim]· {escape(notice)}[/dim]", highlight=False)
        try:
            _watch(session, events, out, text, follow=follow, as_json=as_json, quiet=quiet)
        except KeyboardInterrupt:
            raise Interrupted(text.say("watch.kept")) from None
        finally:
            session.close()
    if not as_json:
        wrote(out, text, text.say("audit.open", file=str(out / "kpis.csv")))
        following(
            f"phusong watch {region} {events} --out {out} --follow"
            if not follow
            else f"phusong watch {region} {events} --out {out}",
            text,
        )


def _watch(
    session: "Session", events: str, out: Path, text: "Text", *, follow: bool, as_json: bool, quiet: bool
) -> None:
    import time  # noqa: PLC0415

    from phusong.live.session import Fate  # noqa: PLC0415
    from phusong.live.tables import write_tables  # noqa: PLC0415
    from phusong.live.timeline import Renewed, Waiting, batches  # noqa: PLC0415

    times: list[float] = []
    kpis = write_tables(session.register, out)
    for batch in batches(events, session.files, follow=follow):
        if isinstance(batch, (Waiting, Renewed)):
            word = text.say("watch.waiting" if isinstance(batch, Waiting) else "watch.new_file")
            errors.print(f"[yellow]{word}:[/] {escape(str(batch))}", highlight=False, soft_wrap=True)
            continue
        outcomes = session.take(batch)
        start = time.perf_counter()
        session.sync()
        kpis = write_tables(session.register, out)
        written = time.perf_counter() - start
        for outcome in outcomes:
            if not outcome.reason:
                times.append(outcome.seconds)
            # what was refused is told in any case
            if outcome.reason or not quiet or as_json:
                _tell(outcome, written, text, as_json=as_json)
    if as_json:
        return
    if not quiet:
        _table(kpis, text)
    if times:
        times.sort()
        middle, most = (text.number(1000 * t, "decimal") for t in (times[len(times) // 2], times[-1]))
        console.print(text.say("watch.times", n=len(times), middle=middle, most=most), highlight=False)
    else:
        console.print(text.say("watch.no_event"), highlight=False)
    counts = session.counts
    told = " + ".join(f"{text.number(counts[fate])} {text.code('fate', fate)}" for fate in Fate)
    lines = text.say("watch.lines", n=sum(counts.values()), told=told)
    settled = text.say("watch.window", n=session.unsettled, minutes=text.number(session.window_min, "figure"))
    console.print(f"{lines} {settled}", highlight=False, soft_wrap=True)


def _tell(outcome: "LineOutcome", written_s: float, text: "Text", *, as_json: bool) -> None:
    event, touched = outcome.event, outcome.touched
    if as_json:
        tree: dict[str, Any] = {
            "source": outcome.source, "line": outcome.number, "id": outcome.event_id, "accepted": event is not None,
            "fate": outcome.fate.value, "revised": outcome.revised, "reason": outcome.reason,
            "latency_ms": round(1000 * outcome.seconds, 3), "written_ms": round(1000 * written_s, 3),
        }  # fmt: skip
        if touched is not None:
            tree |= {"sites": touched.sites.size, "squares": touched.cells, "communes": touched.communes.size}
        typer.echo(json.dumps(tree, ensure_ascii=False))
        return
    again = text.say("watch.again") + " " if outcome.revised else ""
    if event is None or touched is None:
        place = text.say("watch.line", file=outcome.source, number=text.number(outcome.number, "plain"))
        named = f" id {outcome.event_id!r}" if outcome.event_id else ""
        head = f"{again}{text.code('fate', outcome.fate)}:"
        told = f"{place}{named}: {outcome.reason}; {text.say('watch.unchanged')}"
        errors.print(f"[yellow]{escape(head)}[/] {escape(told)}", highlight=False, soft_wrap=True)
        return
    what = f"{text.code('event', event.kind)} {event.subject or event.source}".rstrip()
    told = text.say(
        "watch.event", time=event.time.isoformat(), what=what, sites=touched.sites.size, squares=touched.cells,
        communes=touched.communes.size, took=text.number(1000 * outcome.seconds, "decimal"),
        written=text.number(1000 * written_s),
    )  # fmt: skip
    console.print(escape(again + told), highlight=False, soft_wrap=True)


def _table(kpis: "pd.DataFrame", text: "Text") -> None:
    table = slim_table(text.say("watch.title"), left=())
    # who answers for each stands in kpis.csv
    table.add_column("KPI", overflow="fold")
    for name in ("actual", "target"):
        table.add_column(text.say(f"watch.{name}"), justify="right", no_wrap=True)
    for name in ("by", "forecast"):
        table.add_column(text.say(f"watch.{name}"), max_width=11)
    table.add_column(text.say("watch.light"), no_wrap=True)
    late = []
    for row in kpis[kpis["level"] == "region"].to_dict("records"):
        name = text.code("kpi", row["kpi"])
        shown = (
            text.number(row[k], "ratio" if row["unit"] == "share" else "figure") for k in ("actual", "target")
        )
        table.add_row(
            escape(f"{name} [{text.code('unit', row['unit'])}]"), *shown, text.date(row["target_date"]),
            _forecast(row["forecast"], text), _light(row["light"], text),
        )  # fmt: skip
        if row["freshness"] != "current":
            late.append(f"{name}: {_age(row, text)}")
    console.print(table)
    for words in late:
        console.print(escape(words), highlight=False, soft_wrap=True)


def _forecast(when: str, text: "Text") -> str:
    return text.say(f"watch.forecast_{when}") if when in {"met", "none"} else text.date(when)


def _light(light: str, text: "Text") -> str:
    if light not in _LIGHTS:
        return "–"
    colour, mark = _LIGHTS[light]
    return f"[{colour}]{mark} {escape(text.say(f'watch.{light}'))}[/]"


def _age(row: "dict[Hashable, Any]", text: "Text") -> str:
    if row["age_days"] != row["age_days"]:
        return text.say("watch.age_unknown")
    days, every = text.number(row["age_days"], "decimal"), text.number(row["refresh_days"], "figure")
    return text.say("watch.stale", days=days, every=every)


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
    from phusong.cli.compute_resources import compute_resources, tell_why  # noqa: PLC0415
    from phusong.cli.options import shown_stages  # noqa: PLC0415
    from phusong.hazard.track import read_track  # noqa: PLC0415
    from phusong.report.storm import write_storm  # noqa: PLC0415 - --help must be quick
    from phusong.scenario import Scenario  # noqa: PLC0415
    from phusong.stages.storm import read_plan_remedies, region_of, stress  # noqa: PLC0415

    asked = Scenario.read(scenario, overrides=tuple(set_ or ()))
    track, text = read_track(storm), spoken(lang, asked.report.lang)
    remedies = None if plan is None else read_plan_remedies(plan)
    folder = out or Path("results") / f"storm-{track.name}"
    with (
        compute_resources(
            workers=workers,
            address=cluster,
            certificates=(tls_ca, tls_cert, tls_key),
            trust_network=trust_network,
            store=store,
            keep=keep,
            store_gib=store_gib,
            text=text,
        ) as use,
        shown_stages(quiet=quiet or as_json, text=text) as say,
    ):
        found = stress(
            region_of(region, asked, use.stage_cache), track, asked, plan=remedies, samples=samples, seed=seed,
            executor=use.executor, say=say, tell=None if say is None else say.share, stage_cache=use.stage_cache,
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
        tell_why(use.stage_cache, text)
    console.print(stages_said(found.seconds, text), highlight=False)
    wrote(folder, text, text.say("audit.open", file=str(folder / "storm_map.png")))
    following(
        f"phusong stress {region} {storm} --plan results/default"
        if plan is None
        else f"phusong explain {plan} 1",
        text,
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
