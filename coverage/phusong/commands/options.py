"""Options that several commands have: who computes, and what is kept."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

__all__ = [
    "Address",
    "CoordinateCommand",
    "Keep",
    "StoreFolder",
    "StoreGib",
    "TlsAuthority",
    "TlsCertificate",
    "TlsKey",
    "TrustNetwork",
    "WhyRecompute",
    "Workers",
]

_NEGATIVE = re.compile(r"-[0-9.]")


class CoordinateCommand(TyperCommand):
    """A command that takes coordinates: what begins with a minus and a digit is a number, not an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - a context of click, or of typer's own copy of it
        """Return what is left of the arguments once read."""
        # no option begins with a space, and no number minds one
        return super().parse_args(ctx, [f" {word}" if _NEGATIVE.match(word) else word for word in args])


Workers = Annotated[
    int, typer.Option(help="Threads, or processes of --cluster local; the result is the same.", min=1)
]
Address = Annotated[
    str | None,
    typer.Option("--cluster", help="Dask scheduler (tcp://…, tls://…), or local.", show_default="threads"),
]
TlsAuthority = Annotated[Path | None, typer.Option(help="Authority of a tls:// cluster, PEM.")]
TlsCertificate = Annotated[Path | None, typer.Option(help="Our certificate for it, PEM.")]
TlsKey = Annotated[Path | None, typer.Option(help="The certificate's key, PEM.")]
TrustNetwork = Annotated[
    bool,
    typer.Option(
        "--trust-network",
        help="Let --cluster tcp:// lead to another machine: nothing is encrypted or proved.",
    ),
]
StoreFolder = Annotated[
    Path | None,
    typer.Option(
        help="Folder that keeps what runs gave, for the next one.",
        show_default="$PHUSONG_STORE, else the user's cache",
    ),
]
StoreGib = Annotated[float, typer.Option(help="Greatest size of the store.", min=0.0)]
Keep = Annotated[bool, typer.Option("--keep/--no-keep", help="Use the store, or compute everything.")]
WhyRecompute = Annotated[bool, typer.Option("--why-recompute", help="Tell which stages ran, and why.")]
