"""Power layers that contradict themselves: islands, cycles, second feeders, batteries that are not there."""

import dataclasses

import pandas as pd
import pytest

from phusong.region.validate import check_region
from small_region import small_region


def with_lines(*more):
    region = small_region()
    lines = region.power_lines.assign(normally_open=False, switch_h=1.0)
    rows = [
        {**lines.iloc[0].to_dict(), "line_id": f"more{k}", "from_id": a, "to_id": b, "normally_open": is_open}
        for k, (a, b, is_open) in enumerate(more)
    ]
    table = pd.concat([lines, pd.DataFrame(rows)], ignore_index=True) if rows else lines
    return dataclasses.replace(region, power_lines=table)


def said(region):
    return " | ".join(str(p) for p in check_region(region))


def test_a_sound_region_has_no_problem():
    assert said(with_lines()) == ""


def test_a_second_closed_feeder_is_refused_and_an_open_one_is_not():
    assert "mark the other normally_open" in said(with_lines(("t1", "t2", False)))
    assert said(with_lines(("t1", "t2", True), ("t2", "t0", True))) == ""


def test_a_cycle_of_closed_lines_is_named():
    assert "closes a cycle in the power tree" in said(with_lines(("t2", "ss", False)))


def test_an_island_without_a_source_is_named():
    region = with_lines()
    lines = region.power_lines[region.power_lines["line_id"] != "p1"]  # t1 and t3 hang on nothing
    found = said(dataclasses.replace(region, power_lines=lines.reset_index(drop=True)))
    assert (
        "power_nodes row 3, column node_id: 't1' is one of 2 nodes joined by lines to no plant or substation"
        in found
    )


def test_a_node_without_any_line_is_fed_by_what_the_data_do_not_show():
    region = with_lines()
    kept = region.power_lines[~region.power_lines["to_id"].isin(["t1", "t3"])].reset_index(drop=True)
    assert said(dataclasses.replace(region, power_lines=kept)) == ""


@pytest.mark.parametrize("source", ["grid", "none"])
def test_autonomy_without_a_battery_is_named(source):
    region = small_region()
    region.sites.loc[2, ["power_source", "autonomy_h"]] = [source, 6.0]
    assert f"sites row 3, column autonomy_h: '6' is given to a site with power_source '{source}'" in said(
        region
    )


@pytest.mark.parametrize(
    ("layer", "column", "value"),
    [
        ("power_nodes", "saifi", -1.0),
        ("power_lines", "repair_h", -2.0),
        ("power_lines", "failures_per_km_year", -0.1),
    ],
)
def test_negative_rates_are_refused(layer, column, value):
    region = with_lines()
    getattr(region, layer).loc[0, column] = value
    assert column in said(region)


def test_what_hangs_on_an_open_line_alone_has_no_source():
    region = with_lines()
    opened = region.power_lines["line_id"] == "p3"  # t3 hangs on t1 by it
    lines = region.power_lines.assign(normally_open=opened)
    assert "'t3' is joined to a plant or substation by open lines alone" in said(
        dataclasses.replace(region, power_lines=lines)
    )
    opened = region.power_lines["line_id"] == "p1"  # t1 and t3 hang on ss by it
    lines = region.power_lines.assign(normally_open=opened)
    assert "'t1' is one of 2 nodes" in said(dataclasses.replace(region, power_lines=lines))


def test_a_line_drawn_the_wrong_way_round_is_named():
    region = with_lines()
    lines = region.power_lines.copy()
    at = lines["line_id"] == "p3"
    lines.loc[at, ["from_id", "to_id"]] = ["t3", "t1"]
    found = said(dataclasses.replace(region, power_lines=lines))
    assert "'t3' feeds others, but nothing feeds it" in found
    assert "from_id and to_id" in found
