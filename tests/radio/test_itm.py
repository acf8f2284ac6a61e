"""ITM against NTIA's own cases and against itmlogic, which somebody else wrote."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.radio.itm import point_to_point
from small_region import REFERENCE, needs_reference

FOLDER = REFERENCE / "validation" / "radio"


def rows(path):
    with path.open(encoding="utf-8") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def profiles(path):
    with path.open(encoding="utf-8") as file:
        numbers = [np.array([float(x) for x in line.split(",") if x.strip()]) for line in file]
    return [(p[2 : int(p[0]) + 3], float(p[1])) for p in numbers if p.size]


@needs_reference
def test_ntias_point_to_point_cases():
    cases = rows(FOLDER / "itm_ntia" / "p2p.csv")
    assert len(cases) == 5
    for case, (h, step) in zip(cases, profiles(FOLDER / "itm_ntia" / "pfls.csv"), strict=True):
        loss = point_to_point(
            h,
            step,
            frequency_mhz=case["f__mhz"],
            tx_height_m=case["h_tx__meter"],
            rx_height_m=case["h_rx__meter"],
            horizontal=case["pol"] == 0,
            climate=int(case["climate"]),
            n0=case["N_0"],
            permittivity=case["epsilon"],
            conductivity_s_m=case["sigma"],
            time_percent=case["time"],
            location_percent=case["location"],
            situation_percent=case["situation"],
            variability=int(case["mdvar"]),
        )
        assert loss == pytest.approx(case["A__db"], abs=0.0051)


@needs_reference
def test_the_quantiles_of_huffords_example():
    ((h, step),) = profiles(FOLDER / "itm_qkpfl" / "qkpfl_profile.csv")
    cases = rows(FOLDER / "itm_qkpfl" / "qkpfl_expected.csv")
    assert len(cases) == 30
    for case in cases:
        loss = point_to_point(
            h,
            step,
            frequency_mhz=case["f_mhz"],
            tx_height_m=case["h_tx_m"],
            rx_height_m=case["h_rx_m"],
            horizontal=True,
            climate=5,
            n0=314.0,
            time_percent=case["reliability_pct"],
            situation_percent=case["confidence_pct"],
            variability=12,
        )
        assert loss == pytest.approx(case["loss_db"], abs=0.15)


def by_itmlogic(h, step_m, mhz, tx_m, rx_m):
    qlrps = pytest.importorskip("itmlogic.preparatory_subroutines.qlrps").qlrps
    from itmlogic.preparatory_subroutines.qlrpfl import qlrpfl
    from itmlogic.statistics.avar import avar

    n, tenth = len(h) - 1, int(0.1 * (len(h) - 1))
    wn, gme, ens, zgnd = qlrps(mhz, np.mean(h[tenth : n - tenth + 1]), 301.0, 0, 15, 0.005)
    prop = {
        "fmhz": mhz, "hg": [tx_m, rx_m], "pfl": [n, step_m, *h], "klimx": 5, "klim": 5, "mdvarx": 12, "mdvar": 12,
        "lvar": 5, "kwx": 0, "wls": 0, "wn": wn, "gme": gme, "ens": ens, "zgnd": zgnd,
    }  # fmt: skip
    attenuation, _ = avar(0.0, 0.0, 0.0, qlrpfl(prop))
    return 32.45 + 20 * np.log10(mhz * n * step_m / 1000) + attenuation


def test_itmlogic_agrees_but_where_it_reads_the_last_height_one_point_early():
    """On clear smooth paths itmlogic takes the last height but one for the receiver's: a few dB at most."""
    rng = np.random.default_rng(0)
    apart = []
    for _ in range(120):
        n, relief_m = int(rng.integers(20, 200)), float(rng.choice([1, 40, 400]))
        h = 50 + np.abs(np.cumsum(rng.normal(0, relief_m / np.sqrt(n), n + 1)))
        mhz, tx_m, rx_m = float(rng.choice([100, 900, 2100])), rng.uniform(5, 100), rng.uniform(1, 20)
        ours = point_to_point(
            h,
            100.0,
            frequency_mhz=mhz,
            tx_height_m=tx_m,
            rx_height_m=rx_m,
            horizontal=True,
            climate=5,
            n0=301.0,
        )
        apart.append(abs(ours - by_itmlogic(h, 100.0, mhz, tx_m, rx_m)))
    assert np.median(apart) < 0.02
    assert np.quantile(apart, 0.85) < 0.5
    assert max(apart) < 8


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10_000), st.integers(2, 200), st.sampled_from([1.0, 40.0, 700.0]), st.floats(25.0, 6000.0)
)
def test_any_finite_profile_has_a_finite_loss(seed, n, relief_m, mhz):
    h = np.cumsum(np.random.default_rng(seed).normal(0, relief_m / np.sqrt(n), n))
    assert np.isfinite(point_to_point(h, 100.0, frequency_mhz=mhz, tx_height_m=30, rx_height_m=1.5))


def test_bad_arguments_are_refused_together():
    with pytest.raises(InputError) as found:
        point_to_point([0.0], -1.0, frequency_mhz=5, tx_height_m=30, rx_height_m=1.5, climate=9)
    assert {p.column for p in found.value.problems} == {"height_m", "step_m", "frequency_mhz", "climate"}
