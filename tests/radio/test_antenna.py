"""Sector patterns: 3GPP's by beamwidth, and a measured one in two cuts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phusong.radio.link_budget import pattern_tables, sector_loss_db
from phusong.region.antennas import AntennaPattern

NONE, _ = pattern_tables([""], {})
ANGLES = np.arange(360.0)
CUT_H = np.minimum(12 * (((ANGLES + 180) % 360 - 180) / 65.0) ** 2, 28.0)
CUT_V = np.minimum(12 * ((((ANGLES - 6) + 180) % 360 - 180) / 8.0) ** 2, 22.0)
MEASURED = AntennaPattern("m", 17.0, 900.0, CUT_H, CUT_V)
TABLES, ROW = pattern_tables(["m.msi"], {"m.msi": MEASURED})


def by_beam(turn, down, beam=65.0, tilt=2.0):
    return sector_loss_db(turn, down, 0.0, beam, tilt, -1, NONE.horizontal_db, NONE.vertical_db)


def measured(turn, down, tilt=0.0):
    return sector_loss_db(turn, down, 0.0, 65.0, tilt, ROW[0], TABLES.horizontal_db, TABLES.vertical_db)


def test_pattern_of_tr_36_814_at_spot_angles():
    assert by_beam(0.0, 2.0) == 0.0
    assert by_beam(32.5, 2.0) == pytest.approx(3.0)
    assert by_beam(0.0, 7.0) == pytest.approx(3.0)
    assert by_beam(180.0, 2.0) == 25.0
    assert by_beam(0.0, 80.0) == 20.0
    assert by_beam(180.0, 80.0) == 25.0
    assert by_beam(90.0, 2.0, beam=360.0) == 0.0


@given(turn=st.floats(-180, 180))
def test_a_measured_pattern_gives_back_its_cuts(turn):
    assert measured(turn, 0.0) == pytest.approx(
        max(np.interp(turn % 360, ANGLES, CUT_H, period=360) - (1 - abs(turn) / 180) * (CUT_H[0] - CUT_V[0])
            - abs(turn) / 180 * (CUT_H[180] - CUT_V[180]), 0.0), abs=1e-3
    )  # fmt: skip
    # in front the vertical cut, behind its other half
    down = turn / 2
    assert measured(0.0, down) == pytest.approx(np.interp(down % 360, ANGLES, CUT_V, period=360), abs=1e-3)


def test_mechanical_tilt_looks_down_in_front_and_up_behind():
    assert measured(0.0, 10.0, tilt=4.0) == pytest.approx(measured(0.0, 6.0))
    assert measured(180.0, 170.0 - 0.0, tilt=4.0) == pytest.approx(measured(180.0, 174.0))


@given(turn=st.floats(-720, 720), down=st.floats(-90, 90), tilt=st.floats(-20, 30))
def test_loss_is_finite_never_negative_and_bounded(turn, down, tilt):
    for loss in (by_beam(turn, down, tilt=tilt), measured(turn, down, tilt)):
        assert 0.0 <= loss <= 60.0
