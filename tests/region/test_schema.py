"""The schemas: one key a layer, references that resolve, other names that cannot be confused, a page that says it all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from data_dictionary import REMAKE, data_dictionary

from phusong.region.read.encoding import fold
from phusong.region.read.headings import UNITS
from phusong.region.read.validate import table_problems
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS, RASTERS, SCHEMAS, TABLE_LAYERS, key_of, references
from small_region import small_region

# design section 3, layer by layer
PROMISED = {
    "communes": "commune_code name province_code province kind area_km2 population remote",
    "demand": "cell_id commune_code population row col",
    "sites": "site_id owner structure height_m shareable lock_reason spare_slots power_source power_node_id autonomy_h "
    "backhaul_parent_id commissioned status",
    "cells": "cell_id site_id operator technology band_mhz bandwidth_mhz eirp_dbm antenna_height_m azimuth_deg "
    "beamwidth_deg tilt_deg guests antenna_pattern",
    "power_nodes": "node_id kind capacity_kw saifi caidi_h",
    "power_lines": "line_id from_id to_id length_km failures_per_km_year repair_h",
    "links": "link_id from_id to_id medium capacity_mbps owner availability",
    "operators": "operator name share province_shares",
    "facilities": "facility_id kind commune_code",
}


@pytest.mark.parametrize("layer", PROMISED)
def test_every_promised_column_is_there(layer):
    assert set(PROMISED[layer].split()) <= {c.name for c in LAYERS[layer]}


def test_layers_with_and_without_places_are_all_layers():
    assert {*GEOMETRY_LAYERS, *TABLE_LAYERS} == set(SCHEMAS)
    assert set(RASTERS) == {"elevation", "clutter", "population"}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_one_key_and_it_comes_first(layer):
    assert [c.name for c in LAYERS[layer] if c.key] == [LAYERS[layer][0].name] == [key_of(layer)]


@pytest.mark.parametrize("layer", LAYERS)
def test_other_names_mean_one_column_only(layer):
    names = [c.name for c in LAYERS[layer]]
    aliases = [a for c in LAYERS[layer] for a in c.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(names)
    assert all(fold(a) == a for a in aliases)


def test_references_name_keys():
    assert all(link.to_column == key_of(link.to_layer) for link in references())
    assert len(references()) >= 10


@pytest.mark.parametrize("layer", LAYERS)
def test_words_and_defaults_are_allowed_ones(layer):
    for column in LAYERS[layer]:
        if column.among:
            assert set(column.words.values()) <= set(column.among)
            assert column.default is None or column.default in column.among
        if column.kind in {"number", "whole"} and column.default is not None:
            assert column.least is None or column.least <= column.default
            assert column.most is None or column.default <= column.most


def test_units_in_names_are_the_stated_ones():
    ends = {"_km2": "km²", "_m": "m", "_km": "km", "_h": "h", "_kw": "kW", "_dbm": "dBm", "_mhz": "MHz",
            "_mbps": "Mbit/s", "_deg": "°", "_kwp": "kW", "_ghz": "GHz", "_db": "dB"}  # fmt: skip
    for columns in LAYERS.values():
        for column in columns:
            if column.kind != "number":
                continue
            end = next((e for e in ends if column.name.endswith(e)), None)
            assert column.unit == ends[end] if end else column.unit in {"share", "1/year", "1/(km·year)"}
            assert end is None or column.unit in UNITS


def test_a_made_up_region_holds_to_every_schema():
    region = small_region()
    for layer in LAYERS:
        assert table_problems(getattr(region, layer), layer, layer) == []


@pytest.mark.parametrize("layer", LAYERS)
def test_a_missing_column_without_default_is_named(layer):
    region = small_region()
    for column in LAYERS[layer]:
        found = table_problems(getattr(region, layer).drop(columns=column.name), layer, layer)
        assert [(p.column, "missing" in p.what) for p in found] == (
            [] if column.default is not None else [(column.name, True)]
        )


def test_each_bad_value_is_told_with_row_column_and_value():
    cells = small_region().cells.copy()
    cells["band_mhz"] = cells["band_mhz"].astype(object)
    cells.loc[2, "band_mhz"] = "wide"
    cells.loc[3, "band_mhz"] = 90_000.0
    cells.loc[4, "technology"] = "6G"
    cells.loc[5, "cell_id"] = cells.loc[1, "cell_id"]
    cells.loc[6, "cell_id"] = " "
    told = {(p.row, p.column, str(p.value)) for p in table_problems(cells, "cells", "cells")}
    assert told == {
        (3, "band_mhz", "wide"), (4, "band_mhz", "90000"), (5, "technology", "6G"),
        (6, "cell_id", cells.loc[1, "cell_id"]), (7, "cell_id", "None"),
    }  # fmt: skip


def test_many_bad_rows_are_counted_not_listed():
    n = 300_000
    lines = pd.DataFrame(
        {"line_id": np.arange(n).astype(str), "from_id": "a", "to_id": "b", "length_km": np.full(n, -1.0)}
    )
    found = table_problems(lines, "power_lines", "power_lines")
    assert len(found) == 21
    assert found[-1].what == f"and {n - 20:,} more rows with this problem"


def test_a_number_that_is_not_whole_is_no_count_of_people():
    demand = small_region().demand.assign(population=12.5)
    assert "no whole number" in table_problems(demand, "demand", "demand")[0].what


def test_the_data_dictionary_in_docs_is_current():
    path = Path(__file__).resolve().parents[2] / "docs" / "data-dictionary.md"
    assert path.read_text(encoding="utf-8") == data_dictionary(), f"remake it: {REMAKE}"


def test_the_data_dictionary_names_every_column_and_layer():
    page = data_dictionary()
    for layer, columns in LAYERS.items():
        assert f"## {layer}" in page
        assert all(f"| {c.name} |" in page for c in columns)
