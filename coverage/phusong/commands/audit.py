"""phusong audit: how good a region's data are."""

from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from phusong.commands.terminal import console, following, slim_table, wrote
from phusong.errors import InputError, Problem

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

_LISTED = 15
_NAME_LETTERS = 20
_HEADS = {"rank": "#", "sufficient": "suff.", "unified": "unif.", "overall": "all"}


@app.command("audit")
def audit_(
    region: Annotated[Path, typer.Argument(help="Region folder, also one that runs refuse.")],
    rubric: Annotated[str, typer.Option(help="pilot, official, or a TOML file of that form.")] = "pilot",
    as_of: Annotated[str, typer.Option(help="Day of the audit, YYYY-MM-DD; today when left out.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for page, map, records and JSON.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only the last lines.")] = False,
) -> None:
    """Grade a region's data by six principles, and list the records to mend with the people they touch.

    Example: phusong audit regions/tuyen-quang --rubric pilot --as-of 2026-11-25 --out audits/tuyen-quang
    """
    from phusong.region.audit import audit  # noqa: PLC0415 - --help must be quick

    try:
        day = datetime.strptime(as_of, "%Y-%m-%d").date() if as_of else datetime.now(UTC).date()  # noqa: DTZ007 - a day
    except ValueError:
        raise InputError(Problem("--as-of", "must be a day as YYYY-MM-DD", value=as_of)) from None
    found = audit(region, as_of=day, rubric=rubric)
    if out is not None:
        from phusong.report.audit_folder import write_audit  # noqa: PLC0415

        write_audit(found, out)
    if json:
        typer.echo(found.to_json(), nl=False)
        return
    if not quiet:
        _describe(found)
    _headline(found)
    if out is not None:
        wrote(out, f"open {out / 'audit.html'}")
        following(f"phusong region check {region}")
    else:
        following(f"phusong audit {region} --out audit")


def _describe(found: Any) -> None:  # noqa: ANN401 - an Audit
    for scope, title in (("layer", "Layers"), ("province", "Provinces"), ("owner", "Data owners")):
        console.print(_ranking(title, found.ranking(scope)))
    checks = found.checks[found.checks["records"] > 0]
    lacking = checks[checks["whole_layer"]]
    for name, group in lacking.groupby("check", sort=False):
        console.print(
            f"{group['principle'].iloc[0]}: {escape(group['says'].iloc[0])}, but not for {', '.join(group['layer'])} ({name})",
            highlight=False,
        )
    failing = checks[~checks["whole_layer"]].sort_values(
        ["people", "records"], ascending=False, kind="stable"
    )
    table = slim_table(
        "Rows that fail, and how many people stand on them",
        left=("layer", "what should hold"), right=("failing", "records", "people"),
    )  # fmt: skip
    for row in failing.head(_LISTED).to_dict("records"):
        table.add_row(
            row["layer"],
            row["says"],
            f"{row['share_failing']:.1%}",
            f"{row['records']:,}",
            f"{row['people']:,.0f}",
        )
    console.print(table)
    own = found.records[~found.records["whole_layer"]]
    for row in own.head(_LISTED).to_dict("records"):
        whose = "" if row["delivered"] else "modelled "
        console.print(
            f"{whose}{row['layer']} {escape(row['key'])}: {escape(row['detail'])} ({row['people']:,.0f} people)",
            highlight=False,
        )
    if len(own) > _LISTED:
        console.print(f"… and {len(own) - _LISTED:,} more; --out writes all of them", highlight=False)


def _headline(found: Any) -> None:  # noqa: ANN401 - an Audit
    top = found.ranking("region").iloc[0]
    console.print(
        f"[bold]{escape(found.region)}[/bold]: {top['overall']:.1f} of 100, class {top['class']}, by rubric "
        f"{escape(found.rubric.name)} {escape(found.rubric.version)} as of {found.as_of}; {int(found.records['delivered'].sum()):,} delivered "
        f"records to mend and {int((~found.records['delivered']).sum()):,} of the model's, on which {found.people_affected:,.0f} of {found.people:,.0f} people stand.",
        highlight=False,
    )


def _ranking(title: str, rows: Any) -> Table:  # noqa: ANN401 - a frame
    """Return a table that fits 80 columns; --json has the decimals and the whole names."""
    table = Table(title=title, box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    for name in rows.columns:
        table.add_column(
            _HEADS.get(name, name), justify="left" if name in {"name", "class"} else "right", no_wrap=True
        )
    for row in rows.to_dict("records"):
        table.add_row(
            str(row.pop("rank")),
            escape(shorten(row.pop("name"), _NAME_LETTERS, placeholder=" …")),
            row.pop("class") or "–",
            *("–" if isnan(score) else f"{score:.0f}" for score in row.values()),
        )
    return table
