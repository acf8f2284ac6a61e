"""Fixtures that several rooms test with."""

import pytest

from phusong.region.store import Region
from small_region import small_region


@pytest.fixture
def region() -> Region:
    return small_region()
