"""Who in which commune has no stable internet, why not, and which investments buy the most coverage."""

from typing import TYPE_CHECKING

from phusong.lazy import lazy_names

if TYPE_CHECKING:
    from phusong import invest, radio, service
    from phusong.errors import InputError, PhusongError
    from phusong.pipeline import run
    from phusong.region.folder import Region
    from phusong.report.compare import compare
    from phusong.report.folder import Result
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "InputError": "phusong.errors",
        "PhusongError": "phusong.errors",
        "Region": "phusong.region.folder",
        "Result": "phusong.report.folder",
        "Scenario": "phusong.scenario",
        "compare": "phusong.report.compare",
        "invest": "phusong.invest",
        "radio": "phusong.radio",
        "run": "phusong.pipeline",
        "service": "phusong.service",
    },
)
