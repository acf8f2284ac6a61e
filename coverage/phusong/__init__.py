"""Who in which commune has no stable internet, why not, and which investments buy the most coverage."""

from phusong import invest, radio, service
from phusong.errors import InputError, PhusongError
from phusong.pipeline import run
from phusong.region.store import Region
from phusong.report.result import Result
from phusong.scenario import Scenario

__all__ = ["InputError", "PhusongError", "Region", "Result", "Scenario", "invest", "radio", "run", "service"]
