"""A planner's own prices: every unit read and converted, what cannot be refused by row and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.invest.costs import Costs
from phusong.invest.unit_costs import LEVELS, cost_catalogue, own_cost_notices, usd_factor, with_own_costs
from reference_cases import REFERENCE, needs_reference

RATE = 26_000.0
HEAD = "item,low,base,high,unit,life_years"
SHIPPED = cost_catalogue().set_index("item")


def table(tmp_path, *lines: str, head: str = HEAD):
    path = tmp_path / "costs.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def prices(path, item: str) -> list[float]:
    found = with_own_costs(path, vnd_per_usd=RATE).set_index("item")
    return [float(found.loc[item, level]) for level in LEVELS]


@pytest.mark.parametrize(
    ("item", "unit", "factor"),
    [
        ("fibre", "USD/m", 1000.0),
        ("fibre", "usd per metre", 1000.0),
        ("fibre", "VND/km", 1 / RATE),
        ("fibre", "triệu đồng/km", 1e6 / RATE),
        ("fibre", "VND million/km", 1e6 / RATE),
        ("fibre", "đ/mét", 1000.0 / RATE),
        ("fibre", "$/km", 1.0),
        ("tower", "tỷ đồng", 1e9 / RATE),
        ("tower", "1000 đ", 1e3 / RATE),
        ("tower", "million VND per site", 1e6 / RATE),
        ("tower", "thousand USD", 1000.0),
        ("tower", "triệu đồng/trạm", 1e6 / RATE),
        ("pv", "USD/W", 1000.0),
        ("pv", "USD/kWp", 1.0),
        ("battery", "USD/Wh", 1000.0),
        ("battery", "USD/MWh", 0.001),
        ("rent", "USD/month", 12.0),
        ("rent", "VND/tháng", 12.0 / RATE),
        ("rent", "USD/site/year", 1.0),
        ("rent", "USD a year", 1.0),
        ("rent", "million VND per site and month", 12e6 / RATE),
    ],
)
def test_a_price_is_converted_to_the_unit_of_the_shipped_line(tmp_path, item, unit, factor):
    shipped = SHIPPED.loc[item]
    own = [float(shipped[level]) / factor for level in LEVELS]
    row = f"{item},{','.join(f'{v:.10f}' for v in own)},{unit},{shipped['life_years']}"
    assert prices(table(tmp_path, row), item) == pytest.approx([float(shipped[level]) for level in LEVELS])


@pytest.mark.parametrize(
    ("item", "unit"),
    [
        ("fibre", "USD"), ("fibre", "USD/kW"), ("fibre", "USD/km/year"), ("fibre", "EUR/km"), ("fibre", "km"),
        ("fibre", ""), ("fibre", "USD/mile"), ("tower", "USD/km"), ("tower", "USD/year"), ("rent", "USD"),
        ("battery", "USD/kW"), ("pv", "USD/kWh"), ("rent", "USD/year/month"), ("tower", "true"), ("tower", "5"),
    ],
)  # fmt: skip
def test_a_unit_that_cannot_be_converted_is_refused_with_the_shipped_one(tmp_path, item, unit):
    shipped = SHIPPED.loc[item]
    path = table(tmp_path, f"{item},1,2,3,{unit},{shipped['life_years']}")
    with pytest.raises(InputError) as found:
        with_own_costs(path, vnd_per_usd=RATE)
    (problem,) = (p for p in found.value.problems if p.column == "unit")
    assert (problem.where, problem.row) == ("costs.csv", 1)
    assert str(shipped["unit"]) in problem.what


@pytest.mark.parametrize(
    "word", ["true", "TRUE", "nan", "NaN", "inf", "-inf", "1e999", "-1", "", "12 apples", "0x10"]
)
@pytest.mark.parametrize("column", [*LEVELS, "life_years"])
def test_what_is_no_number_is_named(tmp_path, column, word):
    cells = {"low": "20000", "base": "30000", "high": "45000", "life_years": "25"} | {column: word}
    path = table(tmp_path, f"tower,{cells['low']},{cells['base']},{cells['high']},USD,{cells['life_years']}")
    with pytest.raises(InputError) as found:
        with_own_costs(path, vnd_per_usd=RATE)
    assert {(p.row, p.column) for p in found.value.problems} == {(1, column)}


@pytest.mark.parametrize("mark", [".", ","])
def test_thousands_that_may_be_decimals_are_not_guessed(tmp_path, mark):
    path = table(tmp_path, f'tower,"20{mark}000","30{mark}000","45{mark}000",USD,25')
    with pytest.raises(InputError, match="write 30000 without marks of thousands"):
        with_own_costs(path, vnd_per_usd=RATE)


def test_numbers_with_one_meaning_are_read_whatever_their_marks(tmp_path):
    path = table(
        tmp_path,
        'tower,"520.000.000","780 000 000","1,000,000,000",VND,25',
        '"diesel_set",600,"750,5",900.25,USD/kW,10',
    )
    assert prices(path, "tower") == pytest.approx([20_000.0, 30_000.0, 1e9 / RATE])
    assert prices(path, "diesel_set") == [600.0, 750.5, 900.25]


def test_a_price_far_off_the_shipped_one_is_told_and_a_thousandfold_one_refused(tmp_path):
    (told,) = own_cost_notices(table(tmp_path, "tower,400000,500000,600000,USD,25"), vnd_per_usd=RATE)
    assert "costs.csv row 1: tower at 500,000 USD is 16.7 times the shipped 30,000 USD" in told
    assert own_cost_notices(table(tmp_path, "tower,20000,40000,60000,USD,25"), vnd_per_usd=RATE) == []
    for base in ("30", "30000000"):
        with pytest.raises(InputError, match="marks of thousands"):
            with_own_costs(table(tmp_path, f"tower,{base},{base},{base},USD,25"), vnd_per_usd=RATE)
    assert prices(table(tmp_path, "rent,0,0,100,USD/year,0"), "rent") == [0.0, 0.0, 100.0]


def test_all_problems_of_all_rows_come_at_once(tmp_path):
    path = table(
        tmp_path, "towr,1,2,3,USD,25", "fibre,true,2,nan,EUR/km,9.5", "tower,20000,30000,45000,USD,25",
        "tower,20000,30000,45000,USD,25", "rent,3000,5000,10000,USD,5",
    )  # fmt: skip
    with pytest.raises(InputError) as found:
        with_own_costs(path, vnd_per_usd=RATE)
    assert {(p.row, p.column) for p in found.value.problems} == {
        (1, "item"), (2, "low"), (2, "high"), (2, "life_years"), (2, "unit"), (4, "item"), (5, "unit"), (5, "life_years"),
    }  # fmt: skip


def test_scales_are_those_known_and_blank_means_none(tmp_path):
    row = "tower,20000,30000,45000,USD,25,"
    with pytest.raises(InputError, match="ground, haul, fuel"):
        with_own_costs(table(tmp_path, row + "uphill", head=HEAD + ",scales"), vnd_per_usd=RATE)
    own = with_own_costs(table(tmp_path, row, head=HEAD + ",scales"), vnd_per_usd=RATE)
    costs = Costs(horizon_years=10, discount_rate=0.0, catalogue=own)
    assert costs.at(slope_deg=40, remote=3).of(tower=1.0) == costs.of(tower=1.0)


@given(
    st.sampled_from(sorted(SHIPPED.index)),
    st.floats(0.2, 5.0),
    st.sampled_from(["USD", "VND", "million VND"]),
)
def test_prices_are_floats_whatever_is_laid_over(item, times, currency):
    unit = str(SHIPPED.loc[item, "unit"])
    factor = usd_factor(unit.replace("USD", currency), unit, RATE)
    assert isinstance(factor, float)
    # there and back again
    assert usd_factor(unit, unit, RATE) == 1.0
    assert float(SHIPPED.loc[item, "base"]) * times / factor * factor == pytest.approx(
        float(SHIPPED.loc[item, "base"]) * times
    )


def test_the_table_keeps_types_that_take_decimals(tmp_path):
    own = with_own_costs(table(tmp_path, "diesel_set,600,750.5,900,USD/kW,10"), vnd_per_usd=RATE)
    assert [str(own[c].dtype) for c in LEVELS] == ["float64"] * 3
    assert str(own["life_years"].dtype) == "int64"
    assert own["item"].tolist() == cost_catalogue()["item"].tolist()


@needs_reference
@pytest.mark.parametrize(
    ("name", "item", "right"),
    [
        ("docs_example", "fibre", [11_000, 17_000, 24_000]),
        ("docs_block", "tower", [20_000, 30_000, 1e9 / RATE]),
        ("all_vnd", "installation", [3e8 / RATE, 4e8 / RATE, 6e8 / RATE]),
        ("decimal", "diesel_set", [600, 750.5, 900]),
        ("usd_per_metre", "fibre", [5_000, 15_000, 25_000]),
    ],
)
def test_cases_that_went_wrong(name, item, right):
    assert prices(REFERENCE / "cases" / "costs" / f"{name}.csv", item) == pytest.approx(right)


def test_a_list_without_prices_is_refused_rather_than_passed_over(tmp_path):
    with pytest.raises(InputError, match=r"costs\.csv: holds no prices"):
        with_own_costs(table(tmp_path), vnd_per_usd=RATE)
