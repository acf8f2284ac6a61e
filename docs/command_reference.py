"""The command reference page, written from the commands themselves."""

from typing import Any

import typer

from phusong.cli import app

__all__ = ["command_reference"]

_HIDDEN = {"help", "install_completion", "show_completion"}


def command_reference() -> str:
    """Return every command with its arguments, options and example as Markdown, for docs/commands.md."""
    root = typer.main.get_command(app)
    lines = [
        "# Commands",
        "",
        "Written by `python docs/command_reference.py > docs/commands.md`. Exit codes: 0 done, 1 not your fault (ours, a disk, a network), 2 bad input (all",
        "problems are listed, nothing is written), 130 interrupted (nothing is half-written). Results go to the standard output,",
        "progress and problems to the standard error; `--json` prints one JSON value and nothing else. No colour where the output",
        "is no terminal, or `NO_COLOR` is set.",
        "",
        "`phusong --install-completion` makes the Tab key complete commands and options in bash, zsh, fish and PowerShell;",
        "`phusong --show-completion` prints what it would install.",
    ]
    for path, command in _commands(root, ("phusong",)):
        lines += ["", f"## {' '.join(path)}", "", *_said(command.help or "")]
        lines += _parameters(command)
    return "\n".join([*lines, ""])


def _commands(command: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - typer's
    below = getattr(command, "commands", None)
    if below is None:
        return [(path, command)]
    return [found for name in sorted(below) for found in _commands(below[name], (*path, name))]


def _said(text: str) -> list[str]:
    """Return a docstring as Markdown, its example as code."""
    lines = []
    for line in text.strip().splitlines():
        words = line.strip()
        if words.startswith("Example: "):
            lines += ["```bash", words.removeprefix("Example: "), "```"]
        else:
            lines.append(_plain(words))
    return lines


def _parameters(command: Any) -> list[str]:  # noqa: ANN401 - typer's
    rows = []
    for parameter in command.params:
        if parameter.name in _HIDDEN:
            continue
        argument = parameter.param_type_name == "argument"
        names = [*parameter.opts, *parameter.secondary_opts]
        shown = parameter.metavar or parameter.name.upper() if argument else ", ".join(names)
        rows.append(
            f"| `{shown}` | {_default(parameter)} | {_plain(getattr(parameter, 'help', None) or '')} |"
        )
    return ["", "| argument or option | default | meaning |", "| --- | --- | --- |", *rows] if rows else []


def _default(parameter: Any) -> str:  # noqa: ANN401 - typer's
    if parameter.required:
        return "required"
    told = getattr(parameter, "show_default", None)
    if isinstance(told, str):
        return told
    value = parameter.default
    if value is None or callable(value) or value == "":
        return ""
    if isinstance(value, bool):
        return (
            ""
            if not parameter.secondary_opts
            else f"`{parameter.opts[0] if value else parameter.secondary_opts[0]}`"
        )
    return f"`{value}`"


def _plain(words: str) -> str:
    # a bar would end the cell, a bracket open a link
    return " ".join(words.split()).replace("|", "\\|").replace("[[", "\\[\\[").replace("<", "&lt;")


if __name__ == "__main__":
    print(command_reference(), end="")
