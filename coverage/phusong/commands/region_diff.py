"""phusong region diff: what changed between two region folders."""

from math import isnan
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from phusong.commands.region import app
from phusong.commands.terminal import console, following, slim_table

__all__ = ["app"]

_LISTED = 20
_NAMED = 3


@app.command("diff")
def region_diff(
    before: Annotated[Path, typer.Argument(help="Region folder as it was.")],
    after: Annotated[Path, typer.Argument(help="Region folder as it is.")],
    moved_m: Annotated[float, typer.Option(help="Nearer than this is not moved. [m]", min=0)] = 20.0,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say what changed between two regions: sites, communes, people, pixels, sources.

    Example: phusong region diff regions/tuyen-quang-2025 regions/tuyen-quang-2026
    """
    from phusong.region.diff import difference  # noqa: PLC0415 - --help must be quick
    from phusong.region.store import Region  # noqa: PLC0415

    found = difference(Region.read(before), Region.read(after), moved_m=moved_m)
    if json:
        typer.echo(found.to_json(), nl=False)
        return
    if found.empty:
        console.print("Nothing changed.", highlight=False)
        return
    console.print(
        f"[bold]{escape(found.before)}[/bold] → [bold]{escape(found.after)}[/bold]", highlight=False
    )
    changed = found.layers[found.layers[["added", "removed", "changed"]].any(axis=1)]
    _print("Layers", changed)
    _print("Communes", found.communes)
    _changes(found.rows)
    was, now = found.totals["people_before"], found.totals["people_after"]
    console.print(
        f"People: {was:,} → {now:,} ({now - was:+,}) in {len(found.people):,} communes", highlight=False
    )
    _print(
        "People by commune",
        found.people.reindex(found.people["change"].abs().sort_values(ascending=False).index),
    )
    for row in found.rasters.to_dict("records"):
        if row["share_changed"] or not row["same_grid"]:
            grid = "" if row["same_grid"] else " (compared over the ground that both cover)"
            mean = "" if isnan(row["mean_difference"]) else f", by {row['mean_difference']:+.2f} on the mean"
            console.print(
                f"{row['layer']}: {row['share_changed']:.1%} of the pixels differ{mean}{grid}",
                highlight=False,
            )
    _print("Sources", found.sources)
    following(f"phusong run default --set region.path={after}")


def _changes(rows: Any) -> None:  # noqa: ANN401 - a frame
    """Print one line a layer and kind of change, with the first few."""
    kinds = rows[["layer", "change"]].drop_duplicates()
    for layer, change in zip(kinds["layer"], kinds["change"], strict=True):
        mine = rows[(rows["layer"] == layer) & (rows["change"] == change)]
        told = [
            f"{key} ({detail})" if detail else key
            for key, detail in zip(mine["key"].head(_NAMED), mine["detail"].head(_NAMED), strict=True)
        ]
        more = f", … {len(mine) - len(told):,} more" if len(mine) > len(told) else ""
        console.print(f"{layer}: {len(mine):,} {change}: {escape('; '.join(told))}{more}", highlight=False)


def _print(title: str, frame: Any) -> None:  # noqa: ANN401 - a frame
    if len(frame) == 0:
        return
    table = slim_table(
        f"{title} ({len(frame)})" if len(frame) > _LISTED else title, left=tuple(map(str, frame.columns))
    )
    for row in frame.head(_LISTED).itertuples(index=False):
        table.add_row(*(escape(f"{v:,}" if isinstance(v, int) else str(v)) for v in row))
    console.print(table)
