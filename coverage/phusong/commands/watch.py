"""phusong watch: events applied to a region as they come."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from phusong.commands.terminal import Interrupted, cell, console, errors, following, slim_table, wrote

if TYPE_CHECKING:
    import pandas as pd

    from phusong.live.session import Outcome, Session

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_LIGHTS = {"green": "[green]● met[/]", "amber": "[yellow]▲ in time[/]", "red": "[red]■ late[/]", "none": "–"}


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
    from phusong.commands.means import means  # noqa: PLC0415 - --help must be quick
    from phusong.engine.lock import alone_in  # noqa: PLC0415
    from phusong.errors import InputError, Problem  # noqa: PLC0415
    from phusong.live.example import example_events  # noqa: PLC0415
    from phusong.live.session import Session  # noqa: PLC0415
    from phusong.live_setup import planned_money, region_standing  # noqa: PLC0415
    from phusong.scenario import Scenario  # noqa: PLC0415
    from phusong.stress import region_of  # noqa: PLC0415

    if events is None and not example:
        raise InputError(Problem("EVENTS", "is missing: a file, a folder, or - ; --example shows some"))
    asked = Scenario.read(scenario, overrides=tuple(set_ or ()))
    money = None if plan is None else planned_money(plan)
    with means(
        workers=workers, address=None, certificates=(None, None, None), store=None, keep=True, store_gib=8.0
    ) as use:
        standing = region_standing(asked, region_of(region, asked), crew=use.crew, keeper=use.keeper)
    if example:
        for line in example_events(standing):
            typer.echo(line)
        return
    assert events is not None  # noqa: S101 - said above
    out.mkdir(parents=True, exist_ok=True)
    with alone_in(out):
        session = Session(standing, out / "state", money, window_ms=round(window * 60_000))
        for notice in session.notices:
            errors.print(f"[dim]· {escape(notice)}[/dim]", highlight=False)
        try:
            _watch(session, events, out, follow=follow, as_json=as_json, quiet=quiet)
        except KeyboardInterrupt:
            raise Interrupted("the state is kept, the same command goes on from here") from None
        finally:
            session.close()
    if not as_json:
        wrote(out, f"open {out / 'kpis.csv'}")
        following(
            f"phusong watch {region} {events} --out {out} --follow"
            if not follow
            else f"phusong watch {region} {events} --out {out}"
        )


def _watch(session: "Session", events: str, out: Path, *, follow: bool, as_json: bool, quiet: bool) -> None:
    import time  # noqa: PLC0415

    from phusong.live.files import write_tables  # noqa: PLC0415
    from phusong.live.session import Fate  # noqa: PLC0415
    from phusong.live.sources import Renewed, Waiting, batches  # noqa: PLC0415

    times: list[float] = []
    kpis = write_tables(session.register, out)
    for batch in batches(events, session.files, follow=follow):
        if isinstance(batch, (Waiting, Renewed)):
            word = "waiting" if isinstance(batch, Waiting) else "new file"
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
                _tell(outcome, written, as_json=as_json)
    if as_json:
        return
    if not quiet:
        _table(kpis)
    if times:
        times.sort()
        console.print(
            f"{len(times):,} events: {1000 * times[len(times) // 2]:.1f} ms each in the middle, "
            f"{1000 * times[-1]:.1f} ms at most",
            highlight=False,
        )
    else:
        console.print("No new event.", highlight=False)
    counts = session.counts
    told = " + ".join(f"{counts[fate]:,} {fate}" for fate in Fate)
    console.print(
        f"{sum(counts.values()):,} lines read so far = {told} (state/rejected.jsonl says which and why). Reorder window "
        f"{session.window_min:g} minutes: {session.unsettled:,} of the events applied may still change with an earlier one.",
        highlight=False,
        soft_wrap=True,
    )


def _tell(outcome: "Outcome", written_s: float, *, as_json: bool) -> None:
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
    place = f"{outcome.source} line {outcome.number}"
    again = "after an earlier event has come, " if outcome.revised else ""
    if event is None or touched is None:
        named = f" id {outcome.event_id!r}" if outcome.event_id else ""
        errors.print(
            f"[yellow]{again}{outcome.fate}:[/] {escape(f'{place}{named}: {outcome.reason}')}; nothing changed",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        return
    what = f"{event.kind} {event.subject or event.source}".rstrip()
    console.print(
        escape(
            f"{again}{event.time.isoformat()} {what}: {touched.sites.size:,} sites, {touched.cells:,} squares, "
            f"{touched.communes.size:,} communes in {1000 * outcome.seconds:.1f} ms (written in {1000 * written_s:.0f} ms)"
        ),
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _table(kpis: "pd.DataFrame") -> None:
    table = slim_table("KPIs of the whole region", left=())
    # who answers for each stands in kpis.csv; here the name and the dates stay whole
    table.add_column("KPI", no_wrap=True)
    for name in ("actual", "target"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("by", "forecast", "light"):
        table.add_column(name, no_wrap=True)
    table.add_column("unit", overflow="fold")
    late = []
    for row in kpis[kpis["level"] == "region"].to_dict("records"):
        shown = ["–" if row[k] != row[k] else cell(float(row[k])) for k in ("actual", "target")]
        light = _LIGHTS[row["light"]]
        table.add_row(row["kpi"], *shown, row["target_date"], row["forecast"], light, row["unit"])
        if row["freshness"] != "current":
            late.append(f"{row['kpi']} is {row['freshness']}")
    console.print(table)
    for words in late:
        console.print(words, highlight=False, soft_wrap=True)
