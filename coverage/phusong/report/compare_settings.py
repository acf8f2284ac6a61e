"""What scenarios and their inputs set differently, in words a reviewer reads."""

import tomllib
from collections.abc import Mapping
from typing import Any

import pandas as pd
from pydantic import BaseModel

__all__ = ["flat_settings", "input_differences", "setting_differences"]


def flat_settings(toml: str) -> dict[str, Any]:
    r"""Return the settings of a scenario as dotted keys.

    Examples
    --------
    >>> flat_settings('seed = 1\n[sharing]\npolicy = "mocn"')
    {'seed': 1, 'sharing.policy': 'mocn'}
    """
    found: dict[str, Any] = {}

    def walk(prefix: str, table: Mapping[str, Any]) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                walk(f"{prefix}{key}.", value)
            else:
                found[prefix + key] = value

    walk("", tomllib.loads(toml))
    return found


def setting_differences(scenarios: Mapping[str, str]) -> pd.DataFrame:
    """Return the settings that differ: setting, meaning, and the value in each scenario (None where not set)."""
    settings = {name: flat_settings(toml) for name, toml in scenarios.items()}
    keys = list(dict.fromkeys(k for s in settings.values() for k in s))
    rows = []
    for key in keys:
        values = [s.get(key) for s in settings.values()]
        if any(v != values[0] for v in values[1:]):
            rows.append(
                {"setting": key, "meaning": _meaning(key), **dict(zip(settings, values, strict=True))}
            )
    return pd.DataFrame(rows, columns=["setting", "meaning", *settings]).astype(object)


def input_differences(provenance: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Return the input layers that differ: layer, and the first 12 digits of its hash in each result."""
    digests = {name: dict(p.get("inputs_sha256") or p.get("inputs") or {}) for name, p in provenance.items()}
    rows = []
    for layer in sorted({k for d in digests.values() for k in d}):
        values = [str(d.get(layer, ""))[:12] for d in digests.values()]
        if len(set(values)) > 1:
            rows.append({"layer": layer, **dict(zip(digests, values, strict=True))})
    return pd.DataFrame(rows, columns=["layer", *digests])


def _meaning(key: str) -> str:
    from phusong.scenario import Scenario  # noqa: PLC0415 - the scenario stands above the report

    model: Any = Scenario
    text = ""
    for part in key.split("."):
        field = (
            model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        )
        if field is None:
            return text
        text, model = field.description or "", field.annotation
    return text
