"""The faultless region as a fixture."""

import pytest
from audited_region import clean_region

from phusong.region.folder import Region


@pytest.fixture
def clean() -> Region:
    return clean_region()
