"""phusong audit: how good a region's data are."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from phusong.cli.options import LangOption, console, following, slim_table, spoken, wrote
from phusong.errors import InputError, Problem

if TYPE_CHECKING:
    from phusong.io.text import Text

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_LISTED = 15
_NAME_LETTERS = 20
_HEADS = {
    "rank": "#",
    "sufficient": "suff.",
    "unified": "unif.",
    "overall": "all",
}  # short enough for 80 columns


@app.command("audit")
def audit_(
    region: Annotated[Path, typer.Argument(help="Region folder, also one that runs refuse.")],
    rubric: Annotated[str, typer.Option(help="pilot, official, or a TOML file of that form.")] = "pilot",
    as_of: Annotated[str, typer.Option(help="Day of the audit, YYYY-MM-DD; today when left out.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for page, map, records and JSON.")] = None,
    lang: LangOption = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the last lines.")] = False,
) -> None:
    """Grade a region's data by six principles, and list the records to mend with the people they touch.

    Example: phusong audit regions/tuyen-quang --rubric pilot --as-of 2026-11-25 --out audits/tuyen-quang
    """
    from phusong.audit import audit  # noqa: PLC0415 - --help must be quick

    text = spoken(lang)
    try:
        day = datetime.strptime(as_of, "%Y-%m-%d").date() if as_of else datetime.now(UTC).date()  # noqa: DTZ007 - a day
    except ValueError:
        raise InputError(Problem("--as-of", text.say("problem.day"), value=as_of)) from None
    found = audit(region, as_of=day, rubric=rubric)
    if out is not None:
        from phusong.report.audit import write_audit  # noqa: PLC0415

        write_audit(found, out, lang=text.lang)
    if json:
        typer.echo(found.to_json(), nl=False)
        return
    if not quiet:
        _describe(found, text)
    _headline(found, text)
    if out is not None:
        wrote(out, text, text.say("audit.open", file=str(out / "audit.html")))
        following(f"phusong region check {region}", text)
    else:
        following(f"phusong audit {region} --out audit", text)


def _describe(found: Any, text: "Text") -> None:  # noqa: ANN401 - an Audit
    for scope in ("layer", "province", "owner"):
        console.print(_ranking(text.say(f"audit.{scope}s"), scope, found.ranking(scope), text))
    checks = found.checks[found.checks["records"] > 0]
    lacking = checks[checks["whole_layer"]]
    for name, group in lacking.groupby("check", sort=False):
        said = text.say(
            "audit.not_for", principle=text.code("principle", group["principle"].iloc[0]),
            says=text.note(group["says"].iloc[0]), layers=", ".join(text.code("input", n) for n in group["layer"]),
            check=str(name),
        )  # fmt: skip
        console.print(escape(said), highlight=False)
    failing = checks[~checks["whole_layer"]].sort_values(
        ["people", "records"], ascending=False, kind="stable"
    )
    table = slim_table(
        text.say("audit.table_title"),
        left=(text.say("audit.layer"), text.say("audit.should")),
        right=(text.say("audit.failing"), text.say("audit.records_head"), text.say("audit.people")),
    )
    for row in failing.head(_LISTED).to_dict("records"):
        table.add_row(
            text.code("input", row["layer"]),
            text.note(row["says"]),
            text.number(row["share_failing"], "percent"),
            text.number(row["records"]),
            text.number(row["people"]),
        )
    console.print(table)
    own = found.records[~found.records["whole_layer"]]
    for row in own.head(_LISTED).to_dict("records"):
        said = text.say(
            "audit.record" if row["delivered"] else "audit.record_modelled", layer=text.code("input", row["layer"]), key=str(row["key"]),
            detail=text.note(row["detail"]), people=text.number(row["people"]),
        )  # fmt: skip
        console.print(escape(said), highlight=False)
    if len(own) > _LISTED:
        console.print(text.say("audit.more", n=len(own) - _LISTED), highlight=False)


def _headline(found: Any, text: "Text") -> None:  # noqa: ANN401 - an Audit
    top = found.ranking("region").iloc[0]
    parts = {
        "score": text.number(top["overall"], "decimal"), "class": str(top["class"]),
        "rubric": f"{found.rubric.name} {found.rubric.version}", "day": text.date(found.as_of),
        "drawn": text.number((~found.records["delivered"]).sum()),
        "affected": text.number(found.people_affected), "people": text.number(found.people),
    }  # fmt: skip
    said = escape(text.say("audit.told", n=int(found.records["delivered"].sum()), **parts))
    console.print(f"[bold]{escape(found.region)}[/bold]: {said}", highlight=False)


def _ranking(title: str, scope: str, rows: Any, text: "Text") -> Table:  # noqa: ANN401 - a frame
    """Return a table that fits 80 columns; --json has the decimals and the whole names."""
    table = Table(title=title, box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    for name in rows.columns:
        table.add_column(
            _head(name, text), justify="left" if name in {"name", "class"} else "right", no_wrap=True
        )
    named = {"layer": partial(text.code, "input"), "owner": partial(text.named, "owner")}.get(
        scope, text.note
    )
    for row in rows.to_dict("records"):
        table.add_row(
            str(row.pop("rank")),
            escape(shorten(named(row.pop("name")), _NAME_LETTERS, placeholder=" …")),
            row.pop("class") or "–",
            *(text.number(score) for score in row.values()),
        )
    return table


def _head(column: str, text: "Text") -> str:
    if column == "rank" or text.lang == "en":
        return _HEADS.get(column, column)
    return (
        text.say(f"audit.{column}")
        if column in {"name", "class", "overall"}
        else text.code("principle", column)
    )
