"""Who in which commune has no stable internet, why not, and which investments buy the most coverage."""

from phusong.kernel_cache import use_kernel_cache

use_kernel_cache()  # before any kernel is declared

from phusong import invest, radio, service  # noqa: E402
from phusong.errors import InputError, PhusongError  # noqa: E402
from phusong.pipeline import run  # noqa: E402
from phusong.region.store import Region  # noqa: E402
from phusong.report.compare import compare  # noqa: E402
from phusong.report.result import Result  # noqa: E402
from phusong.scenario import Scenario  # noqa: E402

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
