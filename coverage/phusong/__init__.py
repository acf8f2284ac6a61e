"""Who in which commune has no stable internet, why not, and which investments buy the most coverage."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phusong import invest, radio, service
    from phusong.errors import InputError, PhusongError
    from phusong.pipeline import run
    from phusong.region.store import Region
    from phusong.report.compare import compare
    from phusong.report.result import Result
    from phusong.scenario import Scenario

__all__ = [
    "InputError",
    "PhusongError",
    "Region",
    "Result",
    "Scenario",
    "compare",
    "invest",
    "radio",
    "run",
    "service",
]

# loaded when first asked for, so that a command loads what it uses alone
_HOMES = {
    "InputError": "phusong.errors",
    "PhusongError": "phusong.errors",
    "Region": "phusong.region.store",
    "Result": "phusong.report.result",
    "Scenario": "phusong.scenario",
    "compare": "phusong.report.compare",
    "run": "phusong.pipeline",
}


def __getattr__(name: str) -> object:
    """Return a public name, loading the module it stands in."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(_HOMES.get(name, f"{__name__}.{name}"))
    return getattr(home, name) if name in _HOMES else home


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
