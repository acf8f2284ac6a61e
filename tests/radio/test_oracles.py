"""Our models against others' programs on random paths: pycraf (ITU-R P.452, P.2109, TR 38.901) and itmlogic (ITM).

pycraf: ``pip install astropy sgp4 && pip install --no-deps pycraf==2.1.0`` (what it lists brings pytest plugins that
break pytest 9).
"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.radio import tr38901
from phusong.radio.link_budget import building_entry_loss_db
from phusong.radio.models.itm import point_to_point
from phusong.radio.models.itm_terms import horizons
from phusong.radio.p1812 import loss_breakdown

DELTA_N, N0, LATITUDE_DEG, DEG_PER_KM = 52.0, 374.0, 20.0, 1.0 / 111.195


@pytest.fixture(scope="module")
def craf():
    """Return pycraf's path profiles, astropy's units, and pycraf's conversions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pycraf starts astropy's test runner, which warns of its own end
        why = "pycraf is not installed (see the head of this file)"
        pathprof = pytest.importorskip("pycraf.pathprof", reason=why)
        from astropy import units
        from pycraf import conversions
    return pathprof, units, conversions


paths = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 100_000),
        "n": st.integers(5, 150),
        "step_km": st.sampled_from([0.1, 0.25, 0.5]),
        "relief_m": st.sampled_from([0.0, 1.0, 30.0, 200.0, 900.0]),
        "ghz": st.sampled_from([0.2, 0.7, 0.9, 2.1, 3.5, 6.0]),
        "tx_m": st.floats(3.0, 200.0),
        "rx_m": st.floats(1.5, 60.0),
        "time": st.sampled_from([1.0, 5.0, 20.0, 50.0]),
        "horizontal": st.booleans(),
    }
)


def by_p452(craf, case, d, h):
    """Return pycraf's path, in air thin and dry enough that gases absorb nothing that counts."""
    pathprof, u, cnv = craf
    return pathprof.PathProp(
        case["ghz"] * u.GHz, 290 * u.K, 1e-6 * u.hPa, 0 * u.deg, LATITUDE_DEG * u.deg, 0 * u.deg,
        (LATITUDE_DEG + d[-1] * DEG_PER_KM) * u.deg, case["tx_m"] * u.m, case["rx_m"] * u.m, 100 * u.m,
        case["time"] * u.percent, polarization=0 if case["horizontal"] else 1, version=16,
        delta_N=DELTA_N * cnv.dimless / u.km,
        N0=N0 * cnv.dimless, hprof_dists=d * u.km, hprof_heights=h * u.m, hprof_bearing=0 * u.deg,
        hprof_backbearing=0 * u.deg, base_water_density=0.5 * u.g / u.m**3,
    )  # fmt: skip


@settings(deadline=None, max_examples=120)
@given(paths)
def test_p1812_and_p452_share_their_mechanisms(craf, case):
    """P.1812-7 took them from P.452 (pycraf: 16th edition). What differs, and is allowed for, is

    - tropospheric scatter: 190.1 and 10.125 here, 190, 10.1 and a coupling loss of 0.051 there, and water vapour of
      3 g/m³, which absorbs up to 0.01 dB on these paths;
    - the wavelength: 0.2998/f here, 0.3/f there in Bullington's construction: 1e-3 dB;
    - the latitude of the path's middle, along the meridian on an ellipsoid there: 1e-3 dB.

    Land only: pycraf 2.1 adds 99 % of the loss over land to that over sea, and reads lengths over land as metres.
    """
    rng = np.random.default_rng(case["seed"])
    d = np.arange(case["n"] + 1) * case["step_km"]
    h = np.abs(np.cumsum(rng.normal(0, 1, d.size))) * case["relief_m"] / np.sqrt(case["n"])
    pathprof, _, cnv = craf
    path = by_p452(craf, case, d, h)
    ours = loss_breakdown(
        d, h, frequency_ghz=case["ghz"], tx_height_m=case["tx_m"], rx_height_m=case["rx_m"],
        polarization="horizontal" if case["horizontal"] else "vertical", time_percent=case["time"], delta_n=DELTA_N,
        n0=N0, latitude_deg=LATITUDE_DEG + d[-1] * DEG_PER_KM / 2.0,
    )  # fmt: skip
    diffraction = pathprof.loss_diffraction(path)
    assert ours.diffraction_median_db == pytest.approx(diffraction[0].value, abs=2e-3)
    assert ours.diffraction_db == pytest.approx(diffraction[1].value, abs=2e-3)
    focusing = pathprof.loss_freespace(path)[1].value
    assert ours.line_of_sight_db - ours.free_space_db == pytest.approx(focusing, abs=1e-6)
    scatter = pathprof.loss_troposcatter(path, 0 * cnv.dBi, 0 * cnv.dBi).value
    known = 0.1 - 0.051 - 0.025 * np.log10(50.0 / case["time"]) ** 0.7
    assert ours.troposcatter_db - scatter == pytest.approx(known, abs=0.02)
    assert ours.ducting_db == pytest.approx(pathprof.loss_ducting(path).value, abs=2e-3)


MACRO = {"RMa": "imt_rural_macro_losses", "UMa": "imt_urban_macro_losses", "UMi": "imt_urban_micro_losses"}
HEIGHTS = {"RMa": [(35.0, 1.5), (80.0, 3.0), (150.0, 10.0)], "UMa": [(25.0, 1.5), (25.0, 13.0)],
           "UMi": [(10.0, 1.5), (10.0, 22.0)]}  # fmt: skip


@pytest.mark.parametrize(
    ("scenario", "bs_m", "ut_m"), [(name, *pair) for name, pairs in HEIGHTS.items() for pair in pairs]
)
@pytest.mark.parametrize("ghz", [0.7, 2.1, 3.5, 6.0])
def test_tr38901_as_pycraf_has_it(craf, scenario, bs_m, ut_m, ghz):
    """Beyond RMa's breakpoint pycraf goes on from the slant distance there, the table from the distance itself."""
    pathprof, u, _ = craf
    d = np.array([10.0, 50.0, 200.0, 700.0, 1500.0, 3000.0, 4999.0])
    clear, blocked, share = getattr(pathprof, MACRO[scenario])(
        ghz * u.GHz, d * u.m, h_bs=bs_m * u.m, h_ue=ut_m * u.m
    )
    common = {"distance_m": d, "frequency_ghz": ghz, "bs_height_m": bs_m, "ut_height_m": ut_m}
    slack_db = 0.02 if scenario == "RMa" else 1e-4
    assert tr38901.loss(scenario, los=True, **common) == pytest.approx(clear.value, abs=slack_db)
    assert tr38901.loss(scenario, los=False, **common) == pytest.approx(blocked.value, abs=slack_db)
    probability = tr38901.los_probability(scenario, distance_m=d, ut_height_m=ut_m)
    assert probability == pytest.approx(share.value, abs=1e-9)


@settings(deadline=None, max_examples=80)
@given(
    st.floats(0.1, 100.0), st.floats(0.01, 0.99), st.floats(-90.0, 90.0),
    st.sampled_from(["traditional", "thermally_efficient"]),
)  # fmt: skip
def test_building_entry_as_pycraf_has_it(craf, ghz, probability, elevation_deg, building):
    """pycraf approximates the inverse normal distribution, to some thousandths of a dB."""
    pathprof, u, _ = craf
    kinds = {
        "traditional": pathprof.BuildingType.TRADITIONAL, "thermally_efficient": pathprof.BuildingType.THERM_EFF,
    }  # fmt: skip
    theirs = pathprof.building_entry_loss(
        ghz * u.GHz, elevation_deg * u.deg, probability * 100 * u.percent, kinds[building]
    )
    ours = building_entry_loss_db(
        ghz, probability=probability, building=building, elevation_deg=elevation_deg
    )
    assert float(ours) == pytest.approx(float(np.squeeze(theirs.value)), abs=0.01)


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


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 100_000), st.integers(3, 300), st.sampled_from([1.0, 40.0, 400.0, 2000.0]),
    st.sampled_from([30.0, 100.0, 300.0, 1000.0]), st.sampled_from([40.0, 100.0, 900.0, 2100.0, 10_000.0]),
    st.floats(8.0, 200.0), st.floats(1.0, 40.0),
)  # fmt: skip
def test_itm_as_itmlogic_has_it(seed, n, relief_m, step_m, mhz, tx_m, rx_m):
    """On paths well in sight itmlogic takes the last height but one for the receiver's: there both are made equal.

    Low antennas on both ends at low frequencies are left out: there scatter is not defined, and itmlogic goes on.
    What is left is the rounding of its constants (4.343, 0.49, 1.38), up to 0.06 dB.
    """
    h = 50 + np.abs(np.cumsum(np.random.default_rng(seed).normal(0, relief_m / np.sqrt(n), n + 1)))
    far = sum(horizons(h, n, step_m, tx_m, rx_m, 1.0 / 8.5e6)[2:])
    if far > 1.4 * n * step_m:
        h[-2] = h[-1]
    ours = point_to_point(
        h, step_m, frequency_mhz=mhz, tx_height_m=tx_m, rx_height_m=rx_m, horizontal=True, climate=5, n0=301.0
    )
    assert ours == pytest.approx(by_itmlogic(h, step_m, mhz, tx_m, rx_m), abs=0.1)
