"""What MkDocs is told beside its configuration: where the pages lie, and the tutorials as pages."""

import json
from pathlib import Path
from runpy import run_path
from typing import Any

from mkdocs.structure.files import File

__all__ = ["notebook_page", "on_config", "on_files"]

DOCS = Path(__file__).resolve().parent


def on_config(config: Any) -> Any:  # noqa: ANN401 - MkDocs' own
    """Take the folder of the configuration for that of the pages."""
    config.docs_dir = str(DOCS)
    return config


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401 - MkDocs' own
    """Add a page for each tutorial, and the rooms as the code stands now.

    The notebook itself lies beside its page to take along.
    """
    name, drawing = run_path(str(DOCS / "drawings" / "draw.py"))["rooms"]()
    known = files.get_file_from_path(f"drawings/{name}.svg")
    if known is not None:
        files.remove(known)
    files.append(File.generated(config, f"drawings/{name}.svg", content=drawing))
    for path in sorted((DOCS / "tutorials").glob("*.ipynb")):
        text = path.read_text(encoding="utf-8")
        files.append(
            File.generated(config, f"tutorials/{path.stem}.md", content=notebook_page(text, path.name))
        )
    return files


def notebook_page(notebook: str, name: str) -> str:
    """Return a notebook as Markdown: its words, and its code to be copied.

    Parameters
    ----------
    notebook : str
        Content of the file; kept without outputs.
    name : str
        Of the file, which the page links to.
    """
    note = f"This page is the notebook [{name}]({name}): take it along and run it. The tests run it from top to bottom."
    parts = []
    for cell in json.loads(notebook)["cells"]:
        source = "".join(cell["source"]).strip()
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
    title, *rest = parts
    return "\n\n".join([title, note, *rest]) + "\n"
