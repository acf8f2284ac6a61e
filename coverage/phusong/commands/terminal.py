"""Where commands print: results on the one stream, progress and errors on the other."""

from pathlib import Path

from rich.console import Console

__all__ = ["cell", "console", "errors", "write_whole"]

console = Console()
errors = Console(stderr=True)


def cell(value: object) -> str:
    """Return a value as a table on the terminal shows it."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under another name first, so that no half of it is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f".{path.name}.part")
    work.write_bytes(content)
    work.replace(path)
