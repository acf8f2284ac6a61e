"""phusong new: a commented scenario to fill in."""

from pathlib import Path
from typing import Annotated

import typer

from phusong.commands.terminal import following, wrote
from phusong.errors import InputError, Problem
from phusong.whole_file import write_whole

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the scenario: NAME.toml is written.")],
    base: Annotated[
        str, typer.Option("--from", help="A shipped scenario, or a file, whose values it starts from.")
    ] = "default",
    out: Annotated[Path | None, typer.Option(help="File to write instead.")] = None,
) -> None:
    """Write a scenario with every key, its meaning and its value commented out; nothing is ever replaced.

    Example: phusong new my-district --from mocn
    """
    from phusong.resources import scenario_names  # noqa: PLC0415 - --help must be quick
    from phusong.scenario_template import scenario_template  # noqa: PLC0415

    path = out or Path(name if name.endswith(".toml") else f"{name}.toml")
    if out is None and path.name != str(path):
        raise InputError(Problem("new", "is no plain name; name a file elsewhere with --out", value=name))
    if path.exists():
        raise InputError(Problem(str(path), "exists already and is left as it is; choose another name"))
    if path.stem in scenario_names() and out is None:
        raise InputError(
            Problem(
                "new", "is the name of a shipped scenario, which `phusong run` would take", value=path.stem
            )
        )
    # a file is named as seen from the new one
    source = base if base in scenario_names() else str(Path(base).resolve())
    write_whole(path, scenario_template(source).encode())
    wrote(path)
    following(f"phusong run {path}, after taking the # off what you change")
