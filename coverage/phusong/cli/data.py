"""phusong data: the catalogue of public sources, fetching them, and writing results to a data base."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from phusong.cli.options import console, errors, following
from phusong.errors import InputError, Problem, counted, nearest_name

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Find and fetch public data, and hand results on.")


@app.command("list")
def data_list(
    layer: Annotated[str | None, typer.Option(help="Only sources of this layer, e.g. population.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is known, as JSON.")] = False,
) -> None:
    """Show the public sources: what, where, licence, size, checksum, for which layer.

    Example: phusong data list --layer population
    """
    from phusong.data import catalogue  # noqa: PLC0415

    sources = list(catalogue().values())
    known = sorted({part for s in sources for part in s.layer.split(", ")})
    if layer is not None and layer not in known:
        raise InputError(
            Problem(
                "--layer",
                f"has no source{nearest_name(layer, known)}; there are {', '.join(known)}",
                value=layer,
            )
        )
    chosen = [s for s in sources if layer is None or layer in s.layer.split(", ")]
    if as_json:
        text = json.dumps({"sources": [s.row() for s in chosen]}, ensure_ascii=False, indent=2)
        console.print(text, highlight=False, markup=False, soft_wrap=True)
        return
    # two columns fit any terminal: what is short, and what is said of it
    table = Table(title=f"{len(chosen)} public sources", show_lines=True)
    table.add_column("name, layer, size", overflow="fold", max_width=26)
    table.add_column("what, where, of when, licence, checksum", overflow="fold")
    for s in chosen:
        size = "not known" if s.size_mb is None else f"{s.size_mb:g} MB{' a tile' if s.tiles else ''}"
        by_hand = " (by hand)" if s.access == "by hand" else ""
        short = f"[bold]{escape(s.name)}[/bold]\n{escape(s.layer)}\n{escape(size)}"
        said = f"{s.title}{by_hand}\n{s.area}; {s.as_of}\n{s.licence}; checksum {s.checksum_said}"
        table.add_row(short, escape(said))
    console.print(table)
    following("phusong data show NAME, or phusong data fetch NAME")


@app.command("show")
def data_show(name: Annotated[str, typer.Argument(help="Name of a source.")]) -> None:
    """Show everything that is known of one source: address, attribution, how it was checked, notes.

    Example: phusong data show osm-vietnam
    """
    from phusong.data import find  # noqa: PLC0415

    for key, value in find(name).row().items():
        if value not in ("", None, False):
            console.print(f"{key}: {value}", highlight=False, markup=False, soft_wrap=True)
    following(f"phusong data fetch {name}")


@app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="Name of a source.")],
    region: Annotated[Path | None, typer.Option(help="Region folder whose box the tiles cover.")] = None,
    bbox: Annotated[str | None, typer.Option(help="W,S,E,N in degrees, for tiles.")] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Cache folder; else PHUSONG_CACHE or the system's.")
    ] = None,
    lock: Annotated[
        Path | None, typer.Option(help="File of checksums at first fetch; else beside the cache.")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Another address of the file.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Mirror with the publisher's paths.")] = None,
    timeout_s: Annotated[float, typer.Option(help="Longest wait for the next bytes.", min=0.1)] = 45.0,
    attempts: Annotated[int, typer.Option(help="Attempts in a row that bring nothing.", min=1, max=50)] = 5,
    most_gb: Annotated[float, typer.Option(help="Larger files are refused.", min=0.001)] = 50.0,
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Use the cache only.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Fetch again, take what changed.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
) -> None:
    """Fetch a source into the cache and print where its files are; a broken fetch goes on where it stopped.

    Proxies are taken from HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

    Example: phusong data fetch copernicus-glo30 --bbox 104.5,21.5,106,23.5
    """
    import pooch  # noqa: PLC0415

    from phusong.data import fetch, find  # noqa: PLC0415
    from phusong.data.catalogue import parse_bounds, region_bounds  # noqa: PLC0415
    from phusong.data.download import Limits  # noqa: PLC0415

    if region is not None and bbox is not None:
        raise InputError(Problem("data fetch", "takes --region or --bbox, not both"))
    bounds = region_bounds(region) if region is not None else None if bbox is None else parse_bounds(bbox)
    source = find(name)
    limits = Limits(
        connect_s=min(15.0, timeout_s), read_s=timeout_s, attempts=attempts, most_bytes=int(most_gb * 1e9)
    )
    pooch.get_logger().setLevel(logging.WARNING)
    with _bars(shown=errors.is_terminal and not quiet) as bar:
        got = fetch(
            source, bounds=bounds, cache=None if cache is None else cache.absolute(), lock=lock, offline=offline, refresh=refresh, url=url,
            base_url=base_url, limits=limits, progress=bar,
        )  # fmt: skip
    for path in got.files:
        console.print(str(path), highlight=False, markup=False, soft_wrap=True)
    for changed in got.changed:
        errors.print(f"changed since the last time: {escape(changed)}", highlight=False)
    if got.absent:
        errors.print(f"no tile, so sea: {escape(', '.join(got.absent))}", highlight=False)
    errors.print(
        f"Licence: {escape(source.licence)}. Say: {escape(source.attribution)}.",
        highlight=False,
        soft_wrap=True,
    )
    # the paths alone go to the standard output
    errors.print("Next: phusong region import REGION list", highlight=False)


@app.command("push")
def data_push(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    url: Annotated[str, typer.Argument(help="postgresql://user@host:port/database, without password.")],
    schema: Annotated[str, typer.Option(help="Schema that gets the tables.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace tables of an earlier result there.")
    ] = False,
) -> None:
    """Write a result's tables to PostGIS in one transaction: communes, sites, options, plan.

    The password is taken from PHUSONG_PGPASSWORD, PGPASSWORD or ~/.pgpass.

    Example: phusong data push results/default postgresql://planner@db.example/plan --schema coverage
    """
    from phusong.report.folder import Result  # noqa: PLC0415
    from phusong.result.postgis import write_result  # noqa: PLC0415
    from phusong.result.schema import comments  # noqa: PLC0415

    written = write_result(Result.read(result), url, schema, meanings=comments(), replace=replace)
    for table, rows in written.items():
        console.print(
            f"Wrote {schema}.{table}: {counted(rows, 'row')}", highlight=False, markup=False, soft_wrap=True
        )
    following(f"phusong map {result} --format gis")


@contextmanager
def _bars(*, shown: bool) -> Iterator[Any]:
    """Give what makes a progress bar a file, or None where nobody looks."""
    if not shown:
        yield None
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=errors) as progress:

        def bar(name: str) -> Any:  # noqa: ANN401 - a function of bytes here and in all
            task = progress.add_task(escape(name), total=None)
            return lambda have, whole: progress.update(task, completed=have, total=whole)

        yield bar
