"""The scenario reference page, written from the settings themselves."""

from typing import Any, get_args

from pydantic import BaseModel

from phusong.scenario import Scenario, choices_text, toml_text

__all__ = ["scenario_reference"]


def scenario_reference() -> str:
    """Return every key with its meaning and default as Markdown, for docs/scenarios.md."""
    lines = [
        "# Scenario reference",
        "",
        "Written by `python docs/scenario_reference.py > docs/scenarios.md`. A scenario is a TOML file; what it leaves",
        'out has the default below; `extends = "default"` starts from another; `--set key=value` has the last word.',
    ]
    for name, field in Scenario.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            lines += ["", f"## [{name}]", "", (model.__doc__ or "").strip(), ""]
            lines += ["| key | default | meaning |", "| --- | --- | --- |"]
            plain = {k: f for k, f in model.model_fields.items() if not _is_table(f.annotation)}
            lines += [_row(key, setting) for key, setting in plain.items()]
            for key, setting in model.model_fields.items():
                lines += _tables_below(f"{name}.{key}", setting)
    return "\n".join([*lines, ""])


def _is_table(annotation: Any) -> bool:  # noqa: ANN401 - any annotation
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _tables_below(path: str, setting: Any) -> list[str]:  # noqa: ANN401 - pydantic's field
    """Return the keys of a table inside a table, or of a list of tables."""
    one = _is_table(setting.annotation)
    models = [setting.annotation] if one else [a for a in get_args(setting.annotation) if _is_table(a)]
    if not models:
        return []
    rows = [_row(f.alias or key, f) for key, f in models[0].model_fields.items()]
    head = ["", f"### [{path}]" if one else f"### [[{path}]]", "", (models[0].__doc__ or "").strip(), ""]
    return [*head, "| key | default | meaning |", "| --- | --- | --- |", *rows]


def _row(key: str, setting: Any) -> str:  # noqa: ANN401 - pydantic's field
    if setting.is_required():
        default = "required"
    elif setting.default is None:
        default = "not set"
    else:
        default = f"`{toml_text(setting.default)}`"
    words = f" {choices_text(setting.annotation)}".rstrip()
    return f"| {key} | {default} | {setting.description}{words} |"


if __name__ == "__main__":
    print(scenario_reference(), end="")
