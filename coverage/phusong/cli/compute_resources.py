"""Compute resources of a command: threads or a cluster, and a store of what earlier runs gave."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path
from rich.markup import escape

from phusong.cli.options import console, errors, slim_table
from phusong.compute.cache import StageCache
from phusong.compute.executor import Executor, Threads, cluster
from phusong.compute.store import Store

if TYPE_CHECKING:
    from phusong.io.text import Text

__all__ = ["ComputeResources", "compute_resources", "tell_why"]

_GIB = 2**30


@dataclass(frozen=True)
class ComputeResources:
    """Who computes, and what is kept."""

    executor: Executor
    stage_cache: StageCache


@contextmanager
def compute_resources(
    *,
    workers: int,
    address: str | None,
    certificates: tuple[Path | None, Path | None, Path | None] = (None, None, None),
    trust_network: bool = False,
    store: Path | None,
    keep: bool,
    store_gib: float,
    text: "Text",
) -> Iterator[ComputeResources]:
    """Give the means of a run, and tidy up after it.

    Parameters
    ----------
    workers : int
        Threads, or processes of a local cluster.
    address : str, optional
        Of a dask scheduler, or ``local``.
    certificates : tuple of Path
        Authority, certificate and key for ``tls://``.
    trust_network : bool
        Whether ``tcp://`` may lead to another machine.
    store : Path, optional
        Folder of the store; $PHUSONG_STORE or the user's cache when left out.
    keep : bool
        Whether there is a store at all.
    store_gib : float
        Its greatest size. [GiB]
    text : Text
        The language to speak.
    """
    kept = Store(_store_folder(store), round(store_gib * _GIB)) if keep else None
    with ExitStack() as stack:
        executor: Executor = Threads(workers)
        if address is not None:
            ca, certificate, key = certificates
            executor = stack.enter_context(
                cluster(
                    address,
                    workers=workers,
                    ca=ca,
                    certificate=certificate,
                    key=key,
                    trust_network=trust_network,
                )
            )
        try:
            yield ComputeResources(executor, StageCache(kept))
        finally:
            if kept is not None:
                kept.trim()
    if kept is not None and kept.use.refused:
        _note(text.say("kept.full", folder=str(kept.folder), why=kept.use.refused), text)
    if kept is not None and kept.use.damaged:
        _note(text.say("kept.damaged", n=kept.use.damaged), text)


def _note(told: str, text: "Text") -> None:
    note = text.say("terminal.note")
    errors.print(f"[yellow]{escape(note)}[/yellow] {escape(told)}", highlight=False)


def _store_folder(asked: Path | None) -> Path:
    named = os.environ.get("PHUSONG_STORE")
    return asked or (Path(named) if named else user_cache_path("phusong") / "store")


def tell_why(stage_cache: StageCache, text: "Text") -> None:
    """Print which stages ran, and why."""
    heads = (text.say("kept.stage"), text.say("kept.outcome"), text.say("kept.why"))
    table = slim_table(text.say("kept.title"), left=heads, right=(text.say("kept.seconds"),))
    for note in stage_cache.notes:
        table.add_row(
            escape(text.code("stage", note.stage)), text.say("kept.reused" if note.kept else "kept.ran"),
            escape(text.note(note.why)), text.number(note.seconds, "decimal"),
        )  # fmt: skip
    console.print(table)
