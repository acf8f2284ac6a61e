"""How the tests ask for a layer, and for what is said against it."""

import pandas as pd
import pytest
from postgis_cluster import PASSWORD, Cluster

from phusong.errors import InputError
from phusong.region.postgis import Stored, read_stored


def read(db: Cluster, **keys) -> pd.DataFrame:
    plain = {"layer": "sites", "url": db.url}
    return read_stored((Stored(**(plain | keys)),))["sites"]


def problems(db: Cluster, **keys) -> str:
    with pytest.raises(InputError) as caught:
        read(db, **keys)
    text = str(caught.value)
    assert PASSWORD not in text
    return text
