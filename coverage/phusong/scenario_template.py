"""A scenario to fill in: every key with its meaning and the value that holds, commented out."""

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any, Literal, get_args, get_origin

import tomli_w
from pydantic import BaseModel

from phusong.scenario import Scenario

__all__ = ["choices_text", "scenario_template", "toml_text"]

_LETTERS = 100
_HEAD = (
    "A scenario of phusong. Remove the # before a key to change it; what stays commented is as in the scenario named "
    "by `extends`. `phusong run THIS_FILE` answers it; unknown keys and bad values are told with what was expected."
)


def scenario_template(base: str) -> str:
    """Return a commented scenario that extends another and so far changes nothing.

    Parameters
    ----------
    base : str
        Name of a shipped scenario, or a file.

    Raises
    ------
    InputError
        If there is no such scenario, or it is broken.
    """
    asked = Scenario.read(base)
    values = asked.model_dump(mode="json", by_alias=True)
    lines = [*_remark(_HEAD), f"extends = {toml_text(base)}", ""]
    tables = []
    for name, field in Scenario.model_fields.items():
        if _is_table(field.annotation):
            tables.append((name, field.annotation))
        else:
            lines += _key(name, field, values[name])
    for name, model in tables:
        lines += _table(name, model, values[name])
    return "\n".join(lines).rstrip("\n") + "\n"


def toml_text(value: object) -> str:
    """Return a value as TOML on one line.

    Examples
    --------
    >>> toml_text(["Tuyên Quang"]), toml_text({"build_site": 40}), toml_text(True)
    ('["Tuyên Quang"]', '{build_site = 40}', 'true')
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml_text(v)}" for key, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_text(v) for v in value) + "]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")


def choices_text(annotation: Any) -> str:  # noqa: ANN401 - any annotation
    """Return what a key of few values may be, as a sentence; empty for others."""
    if get_origin(annotation) is not Literal:
        return ""
    return f"One of {', '.join(str(a) for a in get_args(annotation))}."


def _table(path: str, model: Any, values: Mapping[str, Any]) -> Iterator[str]:  # noqa: ANN401 - a class
    yield from ("", f"[{path}]", *_remark((model.__doc__ or "").strip()), "")
    below = {k: m for k, f in model.model_fields.items() if (m := _model_below(f.annotation)) is not None}
    for name, field in model.model_fields.items():
        if name not in below:
            yield from _key(name, field, values[field.alias or name])
    for name, inner in below.items():
        if _is_table(model.model_fields[name].annotation):
            yield from _table(f"{path}.{name}", inner, values[name])
        else:
            yield from _list_of_tables(f"{path}.{name}", inner, len(values[name]))


def _list_of_tables(path: str, model: Any, standing: int) -> Iterator[str]:  # noqa: ANN401 - a class
    there = (
        f" The scenario extended has {standing}; one written here takes the place of all." if standing else ""
    )
    yield from ("", *_remark((model.__doc__ or "").strip() + " Give the table again for each." + there))
    yield f"# [[{path}]]"
    for name, field in model.model_fields.items():
        value = "..." if field.is_required() else field.default
        yield from _key(field.alias or name, field, value)


def _key(name: str, field: Any, value: object) -> Iterator[str]:  # noqa: ANN401 - pydantic's field
    needed = " Required." if field.is_required() else " Not set." if value is None else ""
    yield from _remark(f"{field.description or ''} {choices_text(field.annotation)}".strip() + needed)
    yield f"# {name} = {'...' if value is None or value == '...' else toml_text(value)}"


def _remark(text: str) -> list[str]:
    # two marks: a remark stays one when a single # is taken off
    return [f"## {line}" for line in wrap(" ".join(text.split()), _LETTERS - 3)]


def _is_table(annotation: Any) -> bool:  # noqa: ANN401 - any annotation
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _model_below(annotation: Any) -> Any:  # noqa: ANN401 - any annotation
    if _is_table(annotation):
        return annotation
    return next((a for a in get_args(annotation) if _is_table(a)), None)
