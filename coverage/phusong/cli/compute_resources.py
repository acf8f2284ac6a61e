"""Compute resources of a command: threads or a cluster, and a store of what earlier runs gave."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_cache_path
from rich.markup import escape

from phusong.cli.options import console, errors, slim_table
from phusong.compute.cache import Keeper
from phusong.compute.executor import Crew, Threads, cluster
from phusong.compute.store import Store

__all__ = ["Means", "means", "tell_why"]

_GIB = 2**30


@dataclass(frozen=True)
class Means:
    """Who computes, and what is kept."""

    crew: Crew
    keeper: Keeper


@contextmanager
def means(
    *,
    workers: int,
    address: str | None,
    certificates: tuple[Path | None, Path | None, Path | None] = (None, None, None),
    trust_network: bool = False,
    store: Path | None,
    keep: bool,
    store_gib: float,
) -> Iterator[Means]:
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
    """
    kept = Store(_store_folder(store), round(store_gib * _GIB)) if keep else None
    with ExitStack() as stack:
        crew: Crew = Threads(workers)
        if address is not None:
            ca, certificate, key = certificates
            crew = stack.enter_context(
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
            yield Means(crew, Keeper(kept))
        finally:
            if kept is not None:
                kept.trim()
    if kept is not None and kept.use.refused:
        errors.print(
            f"[yellow]note:[/yellow] {escape(str(kept.folder))} takes no more ({escape(kept.use.refused)}); the result is whole, the next run has more to do",
            highlight=False,
        )
    if kept is not None and kept.use.damaged:
        errors.print(
            f"[yellow]note:[/yellow] {kept.use.damaged} kept values were damaged (wrong checksum) and were computed again",
            highlight=False,
        )


def _store_folder(asked: Path | None) -> Path:
    named = os.environ.get("PHUSONG_STORE")
    return asked or (Path(named) if named else user_cache_path("phusong") / "store")


def tell_why(keeper: Keeper) -> None:
    """Print which stages ran, and why."""
    table = slim_table("What ran, and why", left=("stage", "outcome", "why"), right=("seconds",))
    for note in keeper.notes:
        table.add_row(
            escape(note.stage), "reused" if note.kept else "ran", escape(note.why), f"{note.seconds:.1f}"
        )
    console.print(table)
