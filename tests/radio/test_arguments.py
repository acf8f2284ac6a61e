"""Whatever a public function of radio is given: an answer, or an InputError that names the parameter."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest

from phusong.errors import InputError
from phusong.radio import Conditions, LinkBudget, RadioPlan, area_loss, p1812, tr38901
from phusong.radio.area import as_terrain, find_model
from phusong.radio.link_budget import (
    building_entry_loss_db,
    cell_range_m,
    refractivity,
    spectral_efficiency,
)
from phusong.radio.models import MODELS, Mast, Profile, Terrain, ehata, empirical, itm
from phusong.radio.models.base import free_space_loss
from phusong.radio.path import profile_between, study_path
from phusong.region import Grid

SIDE, CELL_M = 21, 100.0
MIDDLE = (500_000.0 + 10.5 * CELL_M, 2_400_000.0 - 10.5 * CELL_M)
GRID = Grid("EPSG:32648", 500_000.0, 2_400_000.0, CELL_M, SIDE, SIDE)
HILLS = np.full((SIDE, SIDE), 200.0)
PATH = Profile(np.linspace(0.0, 5.0, 11), np.full(11, 20.0), np.zeros(11), np.full(11, 4, np.int64))
GROUND = np.full((SIDE, SIDE), 20.0, np.float32)
ENDS = {"frequency_ghz": 0.9, "tx_height_m": 30.0, "rx_height_m": 1.5}
PERCENT = {"time_percent": 50.0, "location_percent": 50.0, "situation_percent": 50.0}
ITM = {"frequency_mhz": 900.0, "tx_height_m": 30.0, "rx_height_m": 1.5, "horizontal": False, "climate": 1,
       "n0": 350.0, "permittivity": 15.0, "conductivity_s_m": 0.005, "variability": 12} | PERCENT  # fmt: skip
P1812 = ENDS | {
    "distance_km": np.linspace(0.0, 5.0, 11), "height_m": np.zeros(11), "clutter_m": 0.0, "zone": 4,
    "polarization": "vertical", "time_percent": 50.0, "location_percent": 50.0, "location_sd_db": 0.0,
    "delta_n": 45.0, "n0": 330.0, "latitude_deg": 20.0, "tx_coast_km": 500.0, "rx_coast_km": 500.0,
}  # fmt: skip
TR = {
    "scenario": "RMa",
    "distance_m": [100.0, 900.0],
    "frequency_ghz": 0.9,
    "bs_height_m": 30.0,
    "ut_height_m": 1.5,
}
AREA = ENDS | {"elevation": HILLS, "transform": GRID.transform, "tx_xy": MIDDLE, "model": "bullington",
               "radius_m": 500.0, "clutter_m": 0.0, "zone": np.full((SIDE, SIDE), 4), "conditions": Conditions()}  # fmt: skip
AIR = vars(Conditions())
BUDGET = vars(LinkBudget({"4G": -110.0}))
PLAN = vars(RadioPlan("bullington", LinkBudget({"4G": -110.0}), Conditions(), 15_000.0))

DOORS: dict[str, tuple[Callable[..., object], dict[str, object]]] = {
    "area_loss": (area_loss, AREA),
    "as_terrain": (as_terrain, {"elevation": HILLS, "cell_m": CELL_M, "clutter_m": 0.0, "zone": AREA["zone"]}),
    "find_model": (find_model, {"name": "p1812"}),
    "profile_between": (
        profile_between,
        {"elevation": HILLS, "grid": GRID, "tx_xy": MIDDLE, "rx_xy": (500_150.0, 2_399_850.0), "clutter_m": HILLS,
         "step_m": 50.0},
    ),
    "study_path": (study_path, ENDS | {"profile": PATH, "conditions": Conditions()}),
    "model path": (MODELS["hata"].path, ENDS | {"profile": PATH, "conditions": Conditions()}),
    "model window": (
        MODELS["free_space"].window,
        {"terrain": Terrain(GROUND, GROUND, np.full((1, 1), 4, np.int8), CELL_M),
         "mast": Mast(10.0, 10.0, 30.0, 1.5, 500.0), "ghz": np.array([0.9]), "conditions": Conditions()},
    ),
    "p1812.basic_loss": (p1812.basic_loss, P1812),
    "p1812.loss_breakdown": (p1812.loss_breakdown, P1812),
    "p1812.location_sd_db": (p1812.location_sd_db, {"frequency_ghz": 0.9, "square_m": 500.0}),
    "p1812.height_share": (p1812.height_share, {"rx_height_m": 1.5, "clutter_m": 4.0}),
    "itm.point_to_point": (itm.point_to_point, ITM | {"height_m": np.zeros(11), "step_m": 500.0}),
    "itm.area_mode": (
        itm.area_mode,
        ITM | {"distance_km": 10.0, "delta_h_m": 90.0, "siting": ("random", "careful")},
    ),
    "ehata.loss": (
        ehata.loss,
        {"height_m": np.ones(11), "step_m": 500.0, "frequency_mhz": 1800.0, "base_height_m": 30.0,
         "mobile_height_m": 1.5, "environment": "urban", "location_percent": 50.0, "sea": np.zeros(11, bool),
         "ridge_limits": True},
    ),
    "ehata.environment_of_nlcd": (ehata.environment_of_nlcd, {"code": 24}),
    "okumura_hata_loss": (
        empirical.okumura_hata_loss,
        {"distance_m": [2000.0], "frequency_mhz": 900.0, "base_height_m": 30.0, "mobile_height_m": 1.5,
         "environment": "urban", "city": "small"},
    ),
    "free_space_loss": (free_space_loss, ENDS | {"distance_m": [2000.0]}),
    "tr38901.loss": (tr38901.loss, TR | {"los": True}),
    "tr38901.mean_loss": (tr38901.mean_loss, TR),
    "tr38901.los_probability": (
        tr38901.los_probability,
        {"scenario": "UMa", "distance_m": [100.0, 900.0], "ut_height_m": 1.5},
    ),
    "building_entry_loss_db": (
        building_entry_loss_db,
        {"frequency_ghz": [0.9], "probability": 0.5, "building": "traditional", "elevation_deg": 0.0},
    ),
    "spectral_efficiency": (spectral_efficiency, {"sinr_db": [3.0], "technology": "4G"}),
    "cell_range_m": (cell_range_m, {"prach_format": 0}),
    "refractivity": (refractivity, {"latitude_deg": 20.0}),
    "Conditions": (Conditions, AIR),
    "Profile": (Profile, vars(PATH)),
    "LinkBudget": (LinkBudget, BUDGET),
    "RadioPlan": (RadioPlan, PLAN),
}  # fmt: skip

ODD = {
    "None": None,
    "a number as text": "0.9",
    "an unknown word": "mocnn",
    "no text": "",
    "bytes": b"4",
    "True": True,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "huge": 1e300,
    "negative": -7.5,
    "no values": [],
    "ragged": [[1.0], [2.0, 3.0]],
    "texts": ["1", "2"],
    "a triple": (1.0, 2.0, 3.0),
    "booleans": np.array([True, False]),
    "a cube": np.zeros((2, 2, 2)),
    "complex": 1j,
    "masked": np.ma.masked_equal([1.0, 7.0], 7.0),
    "no keys": {},
    "keys": {"time_percent": 10.0},
    "a thing": object(),
}

# a place or a word is told as what it is
ALSO = {
    "tx_xy": ("transmitter", "same point"), "rx_xy": ("receiver",), "scenario": ("tr38901",), "model": ("radio.model",),
    "name": ("radio.model",), "technology": ("technology",), "ghz": ("frequency_ghz",), "threshold_dbm": ("threshold",),
    "ground_m": ("profile",), "rx_height_m": ("rx_height_m",),
}  # fmt: skip


def finite(answer: object) -> bool:
    if isinstance(answer, float | np.ndarray):
        return not bool(np.isinf(answer).any())
    return True


@pytest.mark.parametrize(("door", "name"), [(d, n) for d, (_, right) in DOORS.items() for n in right])
def test_any_value_of_any_parameter_is_answered_or_refused_by_name(door, name):
    function, right = DOORS[door]
    for odd, value in ODD.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                answer = function(**right | {name: value})
            except InputError as refused:
                told = str(refused)
                assert any(word in told for word in (name, *ALSO.get(name, ()))), f"{odd}: {told}"
            except Exception as other:  # noqa: BLE001 - what the test is about
                pytest.fail(f"{odd}: {type(other).__name__}: {other}")
            else:
                assert finite(answer), odd


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"conditions": {}},
            r"conditions: '\{\}' must be a Conditions, no dictionary: Conditions\(\*\*values\)",
        ),
        ({"transform": None}, "transform: 'None' must be an affine.Affine"),
        ({"transform": (500_000.0, 100.0, 0.0, 2_400_000.0, 0.0, -100.0)}, "Affine.from_gdal"),
        ({"model": None}, "name|model: 'None' must be a text"),
        ({"tx_xy": "12"}, "tx_xy: '12' must be 2 values, each one number"),
        ({"frequency_ghz": "0.9"}, "frequency_ghz: '0.9' must be one number"),
        ({"tx_height_m": True}, "tx_height_m: 'True' must be one number"),
    ],
    ids=str,
)
def test_what_is_of_another_kind_is_told_with_what_is_expected(wrong, told):
    with pytest.raises(InputError, match=told):
        area_loss(**AREA | wrong)


def test_all_arguments_of_another_kind_are_told_at_once():
    with pytest.raises(InputError) as found:
        area_loss(
            **AREA | {"conditions": {}, "transform": None, "model": None, "tx_xy": 3, "frequency_ghz": "0.9"}
        )
    assert {p.column for p in found.value.problems} == {
        "conditions",
        "transform",
        "model",
        "tx_xy",
        "frequency_ghz",
    }


def test_a_shape_that_fits_no_distance_or_profile_is_refused():
    with pytest.raises(InputError, match="los"):
        tr38901.loss(**TR, los=[True, False, True])
    with pytest.raises(InputError, match="zone"):
        p1812.basic_loss(**P1812 | {"zone": np.full(5, 4)})
    with pytest.raises(InputError, match="zone"):
        p1812.basic_loss(**P1812 | {"zone": 3.7})
