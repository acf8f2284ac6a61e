"""Unit costs: what the ITU's platform publishes, where works stand, a planner's own table, who pays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.invest.cost_sharing import FUND, ITEM_OF_KIND, UTILITY, payers
from phusong.invest.costs import Costs, annuity, written_off_present_value
from phusong.invest.new_site_supply import cheapest_solar, generator_litres_year, solar_sizes
from phusong.invest.unit_costs import cost_catalogue, slope_multiplier, with_own_costs
from phusong.service.power_supply import dark_hours, weather
from phusong.service.sharing import POLICIES, operator_cost

ITEMS = sorted(cost_catalogue()["item"])


def costs(**given) -> Costs:
    return Costs(**({"horizon_years": 10, "discount_rate": 0.05} | given))


# ITU Connectivity Planning Platform, 50 Mbit/s, ten years at 2 %: capital, part renewed, its life, running cost
@pytest.mark.parametrize(
    ("capital", "renewed", "life", "running", "published"),
    [
        pytest.param(500 + 1.1 * 20_000, 500, 10, 0.05 * 22_500, 30_765.35, id="fibre 1 km"),
        pytest.param(500 + 5.5 * 20_000, 500, 10, 0.05 * 110_500, 149_335.48, id="fibre 5 km"),
        pytest.param(120, 120, 5, 0.12 * 120, 452.72, id="cellular"),
        pytest.param(3_000 + 40 * 50, 3_000, 7, 40 * 15 + 300, 15_270.39, id="point to point"),
        pytest.param(800, 800, 5, 0.1 * 800, 2_874.43, id="satellite"),
    ],
)
def test_written_off_costs_are_those_of_the_itu(capital, renewed, life, running, published):
    found = written_off_present_value(
        capital=capital,
        renewed=renewed,
        renewal_years=life,
        running_year=running,
        years=10,
        discount_rate=0.02,
    )
    assert found == pytest.approx(published, abs=0.01)


def test_fibre_equals_satellite_at_59_metres():
    def fibre(km):
        capital = 500 + 1.1 * 20_000 * km
        return written_off_present_value(
            capital=capital,
            renewed=500,
            renewal_years=10,
            running_year=0.05 * capital,
            years=10,
            discount_rate=0.02,
        )

    per_km = fibre(1.0) - fibre(0.0)
    assert (2_874.43 - fibre(0.0)) / per_km == pytest.approx(0.0591, abs=5e-5)


@given(st.sampled_from(ITEMS), st.floats(0.0, 60.0), st.integers(0, 3))
def test_low_base_and_high_keep_their_order_wherever_it_is(item, slope, remote):
    found = costs().at(slope_deg=slope, remote=remote).of(**{item: 1.0})
    assert 0.0 <= found.low_musd <= found.npv_musd + 1e-15
    assert found.npv_musd <= found.high_musd + 1e-15


@given(st.sampled_from(ITEMS))
def test_steeper_and_farther_never_costs_less(item):
    base = costs()
    steep = [base.at(slope_deg=s, remote=1).of(**{item: 1.0}).npv_musd for s in (0, 15, 25, 35, 50)]
    far = [base.at(slope_deg=0, remote=r).of(**{item: 1.0}).npv_musd for r in range(4)]
    assert steep == sorted(steep)
    assert far == sorted(far)


def test_taxes_and_residual_value_only_move_what_they_should():
    plain, taxed, kept = costs(), costs(tax_rate=0.1), costs(residual=False)
    assert taxed.of(tower=1.0).npv_musd == pytest.approx(1.1 * plain.of(tower=1.0).npv_musd)
    assert kept.of(tower=1.0).npv_musd == pytest.approx(30_000e-6)
    assert kept.of(site_opex=1.0).npv_musd == plain.of(site_opex=1.0).npv_musd


def test_energy_is_priced_by_the_unit_and_fuel_by_the_way_it_is_carried():
    base = costs()
    assert base.energy(kwh_year=13_140.0).opex_musd_year == pytest.approx(
        13_140 * 2204 / 26_000 / 1e6, rel=1e-3
    )
    near = base.at(slope_deg=0, remote=0).energy(litres_year=1000.0).opex_musd_year
    # hand-carried fuel doubles (facts: diesel_vnd_l)
    assert base.at(slope_deg=0, remote=3).energy(litres_year=1000.0).opex_musd_year == pytest.approx(2 * near)
    assert near == pytest.approx(1000 * 19_000 / 26_000 / 1e6, rel=2e-3)
    assert generator_litres_year(100.0) > generator_litres_year(10.0) > 0


@pytest.mark.parametrize("allowed", [17.5, 8.0, 5.0])
def test_panels_and_battery_meet_the_target_in_the_hourly_balance(allowed):
    size = cheapest_solar(costs(), 1, allowed)
    there = weather(1)
    dark = dark_hours(there, oversize=size.oversize, autonomy_h=size.autonomy_h).mean() * 8760.0
    assert dark <= size.hours_lost <= allowed
    # 3.8 hours of sun a day, 9.5 kW, left a site of 1.5 kW short in the dull months
    assert size.kwp > 20.0
    small = [s for s in solar_sizes(1) if s.kwp < 10.0 and s.autonomy_h <= 72.0]
    assert small
    assert min(s.hours_lost for s in small) > 400.0


@given(st.sampled_from(sorted(ITEM_OF_KIND)), st.sampled_from(sorted(POLICIES)), st.floats(0.0, 1.0))
def test_everybody_together_pays_the_whole(kind, policy, share):
    found = payers(kind, policy, ["a", "b", "c"], "b", fund_share=share)
    assert sum(found.values()) == pytest.approx(1.0)
    assert min(found.values()) >= 0.0
    if kind in {"feeder", "extend_grid"}:
        assert found == {UTILITY: 1.0}
    else:
        assert found.get(FUND, 0.0) == pytest.approx(share)
        each = operator_cost(policy, {ITEM_OF_KIND[kind]: 1.0 - share}, 3)
        assert found.get("b", 0.0) == pytest.approx(each)


def test_annuity_without_interest_counts_the_years():
    assert annuity(0.0, 7) == 7.0
    assert np.all(np.diff(slope_multiplier([0, 12, 25, 33, 60])) > 0)


def own_table(tmp_path, *lines: str):
    path = tmp_path / "costs.csv"
    path.write_text("\n".join(["item,low,base,high,unit,life_years", *lines]), encoding="utf-8")
    return path


def test_an_own_table_replaces_its_lines_and_turns_dong_into_dollars(tmp_path):
    path = own_table(tmp_path, "tower,260000000,520000000,780000000,VND,20", "rent,0,0,100,USD/year,0")
    table = with_own_costs(path, vnd_per_usd=26_000.0)
    found = costs(catalogue=table, residual=False)
    assert found.of(tower=1.0).capex_musd == pytest.approx(0.02)
    assert found.of(rent=1.0).npv_musd == 0.0
    assert found.of(fibre=1.0) == costs(residual=False).of(fibre=1.0)


def test_every_problem_of_an_own_table_is_named(tmp_path):
    path = own_table(
        tmp_path,
        "towr,1,2,3,USD,25",
        "tower,5,2,3,USD,25",
        "radio,1,-2,3,EUR,10",
        "site_opex,1,2,3,USD/year,9",
        "fibre,1,x,3,USD/km,25",
        "fibre,1,2,3,USD/km,25",
    )
    with pytest.raises(InputError) as found:
        with_own_costs(path, vnd_per_usd=26_000.0)
    text = str(found.value)
    for word in (
        "did you mean tower",
        "between low and high",
        "0 or more",
        "USD or VND",
        "running cost",
        "twice",
    ):
        assert word in text
    assert text.count("costs.csv row") == len(found.value.problems)


def test_a_table_that_is_not_there_or_lacks_columns_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        with_own_costs(tmp_path / "none.csv", vnd_per_usd=26_000.0)
    bare = tmp_path / "bare.csv"
    bare.write_text("item,base\ntower,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no column low"):
        with_own_costs(bare, vnd_per_usd=26_000.0)
