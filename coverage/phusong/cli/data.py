"""phusong data: the catalogue of public sources, fetching them, and writing results to a data base."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

from phusong.cli.options import LangOption, console, errors, following, known_name, spoken
from phusong.errors import InputError, Problem

if TYPE_CHECKING:
    from phusong.data import DataSource
    from phusong.io.text import Text

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Find and fetch public data, and hand results on.")


@app.command("list")
def data_list(
    layer: Annotated[str | None, typer.Option(help="Only sources of this layer, e.g. population.")] = None,
    lang: LangOption = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Everything that is known, as JSON.")] = False,
) -> None:
    """Show the public sources: what, where, licence, size, checksum, for which layer.

    Example: phusong data list --layer population
    """
    from phusong.data import catalogue  # noqa: PLC0415

    text = spoken(lang)
    sources = list(catalogue().values())
    if layer is not None:
        known = sorted({part for s in sources for part in s.layer.split(", ")})
        known_name(layer, known, "--layer", "problem.no_source_of", text)
    chosen = [s for s in sources if layer is None or layer in s.layer.split(", ")]
    if as_json:
        rows = json.dumps({"sources": [s.row() for s in chosen]}, ensure_ascii=False, indent=2)
        console.print(rows, highlight=False, markup=False, soft_wrap=True)
        return
    # two columns fit any terminal: what is short, and what is said of it
    table = Table(title=text.say("source.title", n=len(chosen)), show_lines=True)
    table.add_column(text.say("source.short_head"), overflow="fold", max_width=26)
    table.add_column(text.say("source.said_head"), overflow="fold")
    for s in chosen:
        layers = ", ".join(text.code("input", part) for part in s.layer.split(", "))
        short = f"[bold]{escape(s.name)}[/bold]\n{escape(layers)}\n{escape(_size(s, text))}"
        title = text.code("dataset", s.name) + (
            f" ({text.say('source.by_hand')})" if s.access == "by hand" else ""
        )
        lines = (
            title, f"{text.note(s.area)}; {text.note(s.as_of)}",
            text.say("source.licence_line", licence=text.note(s.licence), checksum=text.note(s.checksum_said)),
        )  # fmt: skip
        table.add_row(short, escape("\n".join(lines)))
    console.print(table)
    following(text.say("source.next", show="phusong data show NAME", fetch="phusong data fetch NAME"), text)


def _size(source: "DataSource", text: "Text") -> str:
    if source.size_mb is None:
        return text.say("source.no_size")
    return text.say("source.tile_size" if source.tiles else "source.size", mb=source.size_mb)


@app.command("show")
def data_show(
    name: Annotated[str, typer.Argument(help="Name of a source.")], lang: LangOption = None
) -> None:
    """Show everything that is known of one source: address, attribution, how it was checked, notes.

    Example: phusong data show osm-vietnam
    """
    text = spoken(lang)
    source = _named_source(name, text)
    told = {
        "name": source.name, "title": text.code("dataset", source.name),
        "layer": ", ".join(text.code("input", part) for part in source.layer.split(", ")), "importer": source.importer,
        "area": text.note(source.area), "as_of": text.note(source.as_of), "access": text.code("source_access", source.access),
        "url": source.url, "page": source.page, "checked": text.code("source_checked", source.checked),
        "format": source.format, "size": _size(source, text), "checksum": text.note(source.checksum_said),
        "checksum_url": source.checksum_url, "token_env": source.token_env, "licence": text.note(source.licence),
        "attribution": source.attribution, "notes": source.notes,
    }  # fmt: skip
    if source.sea_has_no_tile:
        told["tiles"] = text.say("source.sea_has_no_tile")
    for key, value in told.items():
        if value:
            head = text.say(f"source_key.{key}")
            console.print(f"{head}: {value}", highlight=False, markup=False, soft_wrap=True)
    following(f"phusong data fetch {name}", text)


def _named_source(name: str, text: "Text") -> "DataSource":
    from phusong.data import catalogue  # noqa: PLC0415

    return catalogue()[known_name(name, catalogue(), "data", "problem.no_source", text)]


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
    lang: LangOption = None,
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

    from phusong.data import fetch  # noqa: PLC0415
    from phusong.data.catalogue import parse_bounds, region_bounds  # noqa: PLC0415
    from phusong.data.transfer import TransferLimits  # noqa: PLC0415

    text = spoken(lang)
    if region is not None and bbox is not None:
        raise InputError(Problem("data fetch", text.say("problem.region_or_bbox")))
    bounds = region_bounds(region) if region is not None else None if bbox is None else parse_bounds(bbox)
    source = _named_source(name, text)
    limits = TransferLimits(
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
    # the paths alone go to the standard output
    told = [text.say("source.changed", file=changed) for changed in got.changed]
    if got.absent:
        told.append(text.say("source.sea", tiles=", ".join(got.absent)))
    told.append(text.say("source.say", licence=text.note(source.licence), attribution=source.attribution))
    told.append(text.say("terminal.next", command="phusong region import REGION list"))
    for line in told:
        errors.print(line, highlight=False, markup=False, soft_wrap=True)


@app.command("push")
def data_push(
    result: Annotated[Path, typer.Argument(help="Result folder.")],
    url: Annotated[str, typer.Argument(help="postgresql://user@host:port/database, without password.")],
    schema: Annotated[str, typer.Option(help="Schema that gets the tables.")],
    lang: LangOption = None,
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

    found = Result.read(result)
    text = spoken(lang, found.lang)
    written = write_result(found, url, schema, meanings=comments(), replace=replace)
    for table, rows in written.items():
        told = text.say("source.pushed", table=f"{schema}.{table}", n=rows)
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    following(f"phusong map {result} --format gis", text)


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
