"""Crews: the order of the jobs is kept, whoever does them; a cluster gives what threads give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.compute.executor import Threads, cluster
from phusong.errors import InputError


def scaled(shared: np.ndarray, job: int) -> np.ndarray:
    return shared * job


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 4))
def test_threads_keep_the_order(jobs, workers):
    shared = np.arange(3)
    found = list(Threads(workers).run(scaled, shared, jobs))
    assert [f.tolist() for f in found] == [(shared * j).tolist() for j in jobs]


def test_an_error_of_a_job_reaches_the_caller():
    with pytest.raises(TypeError):
        list(Threads(2).run(scaled, np.arange(3), [1, None]))


@pytest.mark.parametrize("address", ["", "http://x", "tls://127.0.0.1:1", "tcp://127.0.0.1:9"])
def test_addresses_that_lead_nowhere_are_named(address, monkeypatch):
    import distributed

    real = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda *a, **k: real(*a, **{**k, "timeout": 0.2}))
    with pytest.raises(InputError, match="--cluster"), cluster(address):
        pass
