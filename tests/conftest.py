"""Fixtures that several rooms test with."""

import pytest
from hypothesis import settings

from phusong.region.store import Region
from small_region import small_region

# a busy machine is no defect of what is tested
settings.register_profile("phusong", deadline=None)
settings.load_profile("phusong")


@pytest.fixture
def region() -> Region:
    return small_region()
