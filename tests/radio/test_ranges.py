"""What the Python functions refuse, as files and commands do: values out of a model's range, ground that cannot be."""

import warnings

import numpy as np
import pandas as pd
import pytest
from affine import Affine

from phusong.errors import InputError
from phusong.radio import Conditions, Scene, area_loss, p1812, tr38901
from phusong.radio.area import RangeWarning, as_terrain
from phusong.radio.footprints import footprints
from phusong.radio.jobs import RadioPlan
from phusong.radio.link_budget import LinkBudget
from phusong.radio.models import MODELS, Mast, Profile, Terrain
from phusong.radio.path import profile_between, study_path
from phusong.radio.ranges import RANGES
from phusong.region import Grid

SIDE, CELL_M = 41, 100.0
SQUARE = Affine(CELL_M, 0.0, 500_000.0, 0.0, -CELL_M, 2_400_000.0)
MIDDLE = (500_000.0 + 20.5 * CELL_M, 2_400_000.0 - 20.5 * CELL_M)
GRID = Grid("EPSG:32648", 500_000.0, 2_400_000.0, CELL_M, SIDE, SIDE)
AIR = Conditions()


def hills(value: float | None = None) -> np.ndarray:
    ground = np.full((SIDE, SIDE), 200.0)
    if value is not None:
        ground[3, 5] = value
    return ground


def asked(**changes):
    return area_loss(
        **{"elevation": hills(), "transform": SQUARE, "tx_xy": MIDDLE, "radius_m": 1500.0} | changes
    )


def columns(error: InputError) -> set[str | None]:
    return {p.column for p in error.problems}


@pytest.mark.parametrize("value", [-32768.0, -9999.0, 1e20, np.inf, -np.inf, np.nan, 29_000.0])
def test_a_height_that_is_none_is_refused_inland(value):
    with pytest.raises(InputError, match="row 3, column 5"):
        asked(elevation=hills(value))
    with pytest.raises(InputError, match="row 3, column 5"):
        as_terrain(hills(value), CELL_M)
    with pytest.raises(InputError, match="elevation"):
        profile_between(hills(value), GRID, (500_150.0, 2_399_950.0), (501_000.0, 2_399_400.0))


def test_a_network_over_such_ground_is_refused_before_it_is_swept():
    none = pd.DataFrame({"site_id": [], "east_m": [], "north_m": []})
    plan = RadioPlan("bullington", LinkBudget(threshold_dbm={"4G": -110.0}), AIR, 5_000.0)
    cells = pd.DataFrame(
        {
            "cell_id": ["a"], "site_id": ["s"], "operator": ["o"], "technology": ["4G"], "band_mhz": [900.0],
            "bandwidth_mhz": [10.0], "eirp_dbm": [60.0], "antenna_height_m": [30.0], "azimuth_deg": [0.0],
            "beamwidth_deg": [360.0], "tilt_deg": [0.0],
        }
    )  # fmt: skip
    with pytest.raises(InputError, match="no height on Earth"):
        footprints(cells, none, Scene(GRID, hills(-32768.0)), plan)


def test_a_gap_at_the_rim_by_low_ground_is_the_sea_and_one_that_zones_call_sea_too():
    coast = hills()
    coast[:, 4] = 3.0
    coast[:, :4] = np.nan
    assert np.isfinite(asked(elevation=coast)[20, 20])
    zone = np.full((SIDE, SIDE), 4)
    zone[3, 5] = 1
    assert np.isfinite(asked(elevation=hills(np.nan), zone=zone)[20, 20])
    with pytest.raises(InputError, match="on land"):
        asked(elevation=hills(np.nan), zone=np.full((SIDE, SIDE), 4))
    cliff = hills()
    cliff[:, :4] = np.nan
    with pytest.raises(InputError, match="inland"):
        asked(elevation=cliff)


def test_a_raster_without_any_height_is_no_sea():
    nothing = np.full((SIDE, SIDE), np.nan)
    doors = {
        "area_loss": lambda: asked(elevation=nothing),
        "as_terrain": lambda: as_terrain(nothing, CELL_M),
        "profile_between": lambda: profile_between(
            nothing, GRID, (500_150.0, 2_399_950.0), (501_000.0, 2_399_400.0)
        ),
    }
    for door in doors.values():
        with pytest.raises(
            InputError, match=r"elevation: '1,681' pixels have no height, which is all of them"
        ):
            door()
    sea = asked(elevation=nothing, zone=np.ones((SIDE, SIDE), int))
    assert np.isfinite(sea[20, 20])


def test_a_path_over_open_sea_is_one_where_there_is_ground_elsewhere():
    coast = np.full((SIDE, SIDE), np.nan)
    coast[:, 30:] = 3.0
    path = profile_between(coast, GRID, (500_150.0, 2_399_950.0), (500_900.0, 2_399_400.0))
    assert (path.ground_m == 0.0).all()
    assert (path.zone == 1).all()


def test_one_pixel_too_high_is_told_without_more():
    with pytest.raises(InputError, match=r"row 3, column 5 is no height"):
        asked(elevation=hills(29_000.0))


def test_masked_pixels_are_gaps_not_the_values_beneath():
    with pytest.raises(InputError, match="inland"):
        asked(elevation=np.ma.masked_equal(hills(7.0), 7.0))


@pytest.mark.parametrize(
    ("transform", "told"),
    [
        (Affine(100, 0, 0, 0, -90, 4100), "square"),
        (Affine(100, 3, 0, 3, -100, 4100), "rotated"),
        (Affine(100, 0, 0, 0, 100, 0), "flip"),
        (Affine(0.00083, 0, 105.0, 0, -0.00083, 21.0), "degrees"),
        (Affine(0.1, 0, 500.0, 0, -0.1, 2400.0), "kilometres or degrees"),
        (Affine(0.25, 0, 500.0, 0, -0.25, 2400.0), "kilometres or degrees"),
        (Affine(50_000, 0, 0, 0, -50_000, 4100), "too large"),
        (Affine(np.nan, 0, 0, 0, -1, 0), "finite"),
    ],
    ids=["oblong", "rotated", "south up", "degrees", "100 m in km", "250 m in km", "huge", "no number"],
)
def test_only_square_north_up_pixels_in_metres_are_taken(transform, told):
    with pytest.raises(InputError, match=told):
        asked(transform=transform)


def test_a_grid_in_degrees_or_feet_is_refused():
    for crs in ("EPSG:4326", "EPSG:2230", "nonsense"):
        grid = Grid(crs, 500_000.0, 2_400_000.0, CELL_M, SIDE, SIDE)
        with pytest.raises(InputError, match="crs"):
            profile_between(hills(), grid, (500_150.0, 2_399_950.0), (501_000.0, 2_399_400.0))


def test_all_that_is_wrong_is_named_at_once():
    with pytest.raises(InputError) as found:
        asked(
            elevation=hills(-32768.0), transform=Affine(100, 3, 0, 3, -100, 4100), frequency_ghz=900.0,
            tx_height_m=np.nan, rx_height_m=-1.0, radius_m=0.0, clutter_m=np.full((SIDE, SIDE), np.nan),
        )  # fmt: skip
    assert columns(found.value) >= {
        None, "transform", "frequency_ghz", "tx_height_m", "rx_height_m", "radius_m", "clutter_m",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"clutter_m": -2.0},
        {"clutter_m": np.zeros((3, 3))},
        {"zone": np.full((SIDE, SIDE), 2)},
        {"zone": np.full((3, 3), 4)},
        {"tx_xy": (0.0, 0.0)},
        {"tx_xy": (np.nan, 0.0)},
        {"elevation": [["a"]]},
        {"elevation": [1.0, 2.0]},
        {"elevation": np.zeros((2, 2), complex)},
        {"elevation": np.zeros((0, 3))},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_layers_that_fit_no_ground_are_refused(wrong):
    with pytest.raises(InputError):
        asked(**wrong)


def flat_path(km: float = 5.0) -> Profile:
    return Profile(np.linspace(0.0, km, 51), np.full(51, 20.0), np.zeros(51), np.full(51, 4, np.int64))


@pytest.mark.parametrize("name", list(MODELS))
def test_every_model_refuses_on_map_and_path_what_its_row_refuses(name):
    model, low_high = MODELS[name], RANGES[name].frequency_ghz.refused
    ground = np.full((SIDE, SIDE), 20.0, np.float32)
    terrain = Terrain(ground, ground, np.full((1, 1), 4, np.int8), CELL_M)
    for ghz in (low_high[0] * 0.99, low_high[1] * 1.01, 900.0, 0.0, np.nan, -1.0):
        with pytest.raises(InputError, match="frequency_ghz"):
            model.path(flat_path(), ghz, 30.0, 1.5, AIR)
        with pytest.raises(InputError, match="frequency_ghz"):
            model.window(terrain, Mast(20.0, 20.0, 30.0, 1.5, 1500.0), np.array([0.9, ghz]), AIR)
    for ghz in low_high:
        assert np.isfinite(model.path(flat_path(), ghz, 30.0, 1.5, AIR))
    for tx_m, rx_m in ((-1.0, 1.5), (30.0, np.nan), (5_000.0, 1.5), (30.0, 1e9)):
        with pytest.raises(InputError, match="height_m"):
            model.path(flat_path(), 0.9, tx_m, rx_m, AIR)


def test_p1812_answers_neither_below_30_mhz_nor_above_6_ghz_by_any_door():
    d, h = np.linspace(0.0, 5.0, 51), np.zeros(51)
    air = {"delta_n": 45.0, "n0": 330.0, "latitude_deg": 20.0, "tx_height_m": 30.0, "rx_height_m": 1.5}
    for ghz in (0.01, 7.0):
        with pytest.raises(InputError, match="section 1"):
            p1812.basic_loss(d, h, frequency_ghz=ghz, **air)
        with pytest.raises(InputError, match="section 1"):
            asked(model="p1812", frequency_ghz=ghz)
    with pytest.raises(InputError, match="time_percent"):
        asked(model="p1812", conditions=Conditions(time_percent=80.0))


def test_tr38901_refuses_900_ghz_and_distances_that_are_no_number():
    for distance in (np.nan, [100.0, np.nan], [0.0, 5.0], [1e12]):
        with pytest.raises(InputError) as found:
            tr38901.loss(
                "RMa", distance_m=distance, frequency_ghz=900, bs_height_m=30, ut_height_m=1.5, los=True
            )
        assert columns(found.value) == {"distance_m", "frequency_ghz"}
    with pytest.raises(InputError, match="frequency_ghz"):
        tr38901.loss("RMa", distance_m=100, frequency_ghz=40, bs_height_m=30, ut_height_m=1.5, los=True)


@pytest.mark.parametrize(
    "wrong",
    [{"delta_n": 400.0}, {"n0": np.nan}, {"latitude_deg": 91.0}, {"climate": 9}, {"time_percent": 0.0}],
)
def test_air_that_is_none_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Conditions(**wrong)


def test_what_the_source_does_not_state_is_answered_and_told():
    with pytest.warns(RangeWarning, match=r"tx_height_m 12 lies outside 30 to 200 .*held"):
        asked(model="hata", tx_height_m=12.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asked(model="hata", tx_height_m=40.0)
    study = study_path(flat_path(30.0), frequency_ghz=0.9, tx_height_m=40.0, rx_height_m=1.5, conditions=AIR)
    told = study.losses.set_index("model")["notice"]
    assert "distance_km 30 lies outside 1 to 20" in told["hata"]
    assert told["p1812"] == told["bullington"] == ""


def test_a_radius_beyond_the_raster_costs_nothing_and_changes_nothing():
    assert asked(radius_m=2.9e6) == pytest.approx(asked(radius_m=10_000.0))


def test_every_model_has_a_row_and_every_row_a_source():
    assert set(MODELS) <= set(RANGES)
    assert all(row.source for row in RANGES.values())
