"""Fixtures that several rooms test with."""

import os

import pytest
from hypothesis import settings

from made_result import make_result
from phusong.region.folder import Region
from phusong.report.folder import Result
from small_region import small_region

# a busy machine is no defect of what is tested, and the same tests try the same examples everywhere;
# HYPOTHESIS_PROFILE=search looks for new ones
settings.register_profile("phusong", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "phusong"))


@pytest.fixture
def region() -> Region:
    return small_region()


@pytest.fixture(scope="session")
def result() -> Result:
    return make_result()
