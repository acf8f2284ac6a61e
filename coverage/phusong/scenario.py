"""Read, merge, override and write a scenario.

Order of priority, lowest first: the defaults in `settings/`, the files named by ``extends`` (oldest first), the
scenario file itself, then ``--set key=value`` overrides.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Literal, get_args, get_origin

import tomli_w
from pydantic import BaseModel, Field, ValidationError

from phusong.errors import InputError, Problem, nearest_name
from phusong.io.html import card
from phusong.io.limits import toml_tree, toml_value
from phusong.io.resources import scenario_names, scenario_path
from phusong.io.text import Text, slug
from phusong.settings import (
    AccessSettings,
    InvestSettings,
    RadioSettings,
    RegionSettings,
    ReportSettings,
    ServiceSettings,
    SettingsTable,
    SharingSettings,
)

__all__ = ["Scenario", "choices_text", "policy_label", "scenario_template", "toml_text"]

_MOST_EXTENDED = 20  # scenarios behind one another
_DEEPEST_KEY = 8


class Scenario(SettingsTable):
    """One question a planner asks."""

    title: str = Field(
        "", description="One line for people; {region} in it becomes the region's name. Empty: made of it."
    )
    title_vi: str = Field("", description="The same in Vietnamese; empty: as the title.")
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        2025, description="Seed of everything drawn at random."
    )
    region: RegionSettings = RegionSettings()
    radio: RadioSettings = RadioSettings()
    service: ServiceSettings = ServiceSettings()
    sharing: SharingSettings = SharingSettings()
    access: AccessSettings = AccessSettings()
    invest: InvestSettings = InvestSettings()
    report: ReportSettings = ReportSettings()

    @classmethod
    def read(cls, name_or_path: str | Path, overrides: Sequence[str] = ()) -> "Scenario":
        """Return the scenario of a shipped name or a TOML file.

        Parameters
        ----------
        name_or_path : str or Path
            A shipped name (``"default"``) or a file.
        overrides : sequence of str
            ``"key.path=value"`` each; the value is TOML, or plain text.

        Raises
        ------
        InputError
            If the file is missing or broken, or any key or value is not understood; all of them at once.
        """
        path = _locate(name_or_path)
        tree = _read_tree(path, seen=())
        for override in overrides:
            tree = _merge(tree, _override(override))
        said = [override.partition("=")[0].strip() for override in overrides]
        try:
            return cls.from_tree(tree, where=path.name)
        except InputError as error:
            # what was said on the command line is no fault of the file
            raise InputError(
                [replace(p, where="--set") if p.column in said else p for p in error.problems]
            ) from None

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any], *, where: str = "scenario") -> "Scenario":
        """Return the scenario of a nested mapping.

        Raises
        ------
        InputError
            Listing every unknown key and every bad value.
        """
        try:
            return cls.model_validate(dict(tree))
        except ValidationError as error:
            raise InputError([_problem(e, where) for e in error.errors()]) from None

    def _repr_html_(self) -> str:
        default, own = (_flat(s.model_dump(mode="json", by_alias=True)) for s in (Scenario(), self))
        rows = [(key, value) for key, value in own.items() if value != default.get(key)]
        note = f"{len(own) - len(rows)} other settings are as phusong sets them; see .to_toml()"
        return card(f"Scenario {self.title}".strip(), rows, note=note)

    def to_toml(self) -> str:
        """Return the whole resolved scenario as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True, by_alias=True))


def policy_label(sharing: SharingSettings) -> str:
    """Return what the policy in force is called beside others: its name, and that agreements join it."""
    return f"{sharing.policy} with agreements" if sharing.agreements else sharing.policy


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return found


def _locate(name_or_path: str | Path) -> Path:
    text = str(name_or_path)
    if text in scenario_names():
        return scenario_path(text)
    path = Path(name_or_path)
    if path.is_file():
        return path
    known = ", ".join(scenario_names())
    raise InputError(
        Problem(
            text,
            f"is no scenario file and no shipped scenario{nearest_name(text, scenario_names())}; shipped: {known}",
        )
    )


def _read_tree(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if len(seen) > _MOST_EXTENDED:
        raise InputError(Problem(path.name, f"stands behind more than {_MOST_EXTENDED} `extends`"))
    if path.resolve() in seen:
        chain = " → ".join(p.name for p in (*seen, path))
        raise InputError(Problem(path.name, f"extends itself ({chain}); remove one `extends`"))
    tree = toml_tree(path)
    base = tree.pop("extends", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise InputError(
            Problem(path.name, "must be the name or path of one scenario", column="extends", value=base)
        )
    if base not in scenario_names() and ("\x00" in base or Path(base).suffix.lower() != ".toml"):
        told = f"is no shipped scenario ({', '.join(scenario_names())}) and no .toml file"
        raise InputError(Problem(path.name, told, column="extends", value=base))
    beside = path.parent / base
    parent = beside if beside.is_file() else _locate(base)
    return _merge(_read_tree(parent, (*seen, path.resolve())), tree)


def _merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    if "title" in top:
        # what is said anew is not said by the old words of another language
        merged.pop("title_vi", None)
    for key, value in top.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    parts = [p.strip() for p in key.split(".")]
    if not equals or not all(parts):
        raise InputError(Problem("--set", "must read key=value, e.g. sharing.policy=mocn", value=text))
    try:
        parsed: Any = toml_value(f"v = {value}", "--set")["v"]
    except InputError:
        parsed = value.strip()
    if len(parts) > _DEEPEST_KEY:
        raise InputError(Problem("--set", f"names a key of more than {_DEEPEST_KEY} parts", value=key))
    for part in reversed(parts):
        parsed = {part: parsed}
    return dict(parsed)


def _problem(error: Any, where: str) -> Problem:  # noqa: ANN401 - pydantic's error dictionaries
    location = [str(p) for p in error["loc"]]
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        close = nearest_name(location[-1], known)
        whole = difflib.get_close_matches(key, _all_keys(), n=1)
        hint = close or (f" (did you mean {whole[0]}?)" if whole else f"; known here: {', '.join(known)}")
        return Problem(where, f"is no key of a scenario{hint}", column=key)
    value = error["input"]
    if error["type"] == "literal_error":
        allowed = [w.strip("'") for w in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return Problem(
            where,
            f"is not one of {', '.join(allowed)}{nearest_name(str(value), allowed)}",
            column=key,
            value=value,
        )
    return Problem(
        where, f"is not accepted: {error['msg'][:1].lower()}{error['msg'][1:]}", column=key, value=value
    )


def _known_keys(parents: Sequence[str]) -> list[str]:
    model: Any = Scenario
    for part in parents:
        if part.isdecimal():
            continue  # the place in a list of tables
        field = model.model_fields.get(part)
        if field is None:
            return []
        # a list of tables holds one model
        model = next((a for a in get_args(field.annotation) if isinstance(a, type)), field.annotation)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _all_keys() -> list[str]:
    keys = []
    for name, field in Scenario.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += [f"{name}.{k}" for k in field.annotation.model_fields]
        else:
            keys.append(name)
    return keys


_LETTERS = 100


def scenario_template(base: str, lang: str = "en") -> str:
    """Return a commented scenario that extends another and so far changes nothing.

    Parameters
    ----------
    base : str
        Name of a shipped scenario, or a file.
    lang : str
        Language of its remarks, one of :data:`phusong.io.text.LANGUAGES`.

    Raises
    ------
    InputError
        If there is no such scenario, or it is broken.
    """
    asked = Scenario.read(base)
    values = asked.model_dump(mode="json", by_alias=True)
    text = Text(lang)
    lines = [*_remark(text.say("scenario.head")), f"extends = {toml_text(base)}", ""]
    tables = []
    for name, field in Scenario.model_fields.items():
        if _is_table(field.annotation):
            tables.append((name, field.annotation))
        else:
            lines += _key("", name, field, values[name], text)
    for name, model in tables:
        lines += _table(name, model, values[name], text)
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


def choices_text(annotation: Any, text: Text | None = None) -> str:  # noqa: ANN401 - any annotation
    """Return what a key of few values may be, as a sentence; empty for others."""
    if get_origin(annotation) is not Literal:
        return ""
    return (text or Text()).say("scenario.one_of", names=", ".join(str(a) for a in get_args(annotation)))


def _table(path: str, model: Any, values: Mapping[str, Any], text: Text) -> Iterator[str]:  # noqa: ANN401 - a class
    yield from ("", f"[{path}]", *_remark(text.say(f"scenario.{slug(path)}")), "")
    below = {k: m for k, f in model.model_fields.items() if (m := _model_below(f.annotation)) is not None}
    for name, field in model.model_fields.items():
        if name not in below:
            yield from _key(path, name, field, values[field.alias or name], text)
    for name, inner in below.items():
        if _is_table(model.model_fields[name].annotation):
            yield from _table(f"{path}.{name}", inner, values[name], text)
        else:
            yield from _list_of_tables(f"{path}.{name}", inner, len(values[name]), text)


def _list_of_tables(path: str, model: Any, standing: int, text: Text) -> Iterator[str]:  # noqa: ANN401 - a class
    said = [text.say(f"scenario.{slug(path)}"), text.say("scenario.again")]
    if standing:
        said.append(text.say("scenario.replaces", n=standing))
    yield from ("", *_remark(" ".join(said)))
    yield f"# [[{path}]]"
    for name, field in model.model_fields.items():
        value = "..." if field.is_required() else field.default
        yield from _key(path, name, field, value, text)


def _key(path: str, name: str, field: Any, value: object, text: Text) -> Iterator[str]:  # noqa: ANN401 - pydantic's field
    key = field.alias or name
    means = text.meaning(f"{path}.{key}".removeprefix("."))
    said = [means, choices_text(field.annotation, text)]
    if field.is_required():
        said.append(text.say("scenario.required"))
    elif value is None:
        said.append(text.say("scenario.not_set"))
    yield from _remark(" ".join(part for part in said if part))
    yield f"# {key} = {'...' if value is None or value == '...' else toml_text(value)}"


def _remark(text: str) -> list[str]:
    # two marks: a remark stays one when a single # is taken off
    return [f"## {line}" for line in wrap(" ".join(text.split()), _LETTERS - 3)]


def _is_table(annotation: Any) -> bool:  # noqa: ANN401 - any annotation
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _model_below(annotation: Any) -> Any:  # noqa: ANN401 - any annotation
    if _is_table(annotation):
        return annotation
    return next((a for a in get_args(annotation) if _is_table(a)), None)
