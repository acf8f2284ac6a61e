"""What an answer stands on: shares by the layers that decide, options marked, only the measured ranked."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from phusong.pipeline import run_region
from phusong.region.folder import Source
from phusong.report.explain import explain
from phusong.scenario import Scenario
from phusong.stages.calibration import (
    KNOWN_KINDS,
    footing,
    known_by_commune,
    known_shares,
    layer_is_known,
    share_measured,
    unknown_behind,
    weak_remedies,
)
from small_region import small_region


def region(kind: str, *but: str):
    base = small_region()
    sources = tuple(Source(s.layer, "modelled" if s.layer in but else kind, s.source) for s in base.sources)
    return replace(base, sources=sources)


def answer(place, *settings: str):
    asked = Scenario.read("default", overrides=("invest.samples=0", "invest.budget_musd=0.5", *settings))
    return run_region(asked, place)


@pytest.mark.parametrize("kind", ["measured", "official"])
def test_a_region_of_known_layers_stands_wholly_on_data(kind):
    result = answer(region(kind))
    assert (result.communes["share_measured"] == 1.0).all()
    assert result.summary["share_measured"] == 1.0
    assert (result.options["modelled_layers"] == "").all()
    assert "rests on measured and official layers alone" in explain(result, "1")


def test_only_the_measured_are_ranked_and_they_serve_no_fewer():
    weak = region("measured", "power_lines")
    everything, some = answer(weak), answer(weak, "invest.only=measured")
    trusted = everything.options[everything.options["modelled_layers"] == ""]
    assert 0 < len(some.options) <= len(everything.options)
    assert (some.options["modelled_layers"] == "").all()
    # what modelled options served first falls to trusted ones: together they serve no fewer
    assert some.options["people_gained"].sum() >= trusted["people_gained"].sum()
    assert "battery_backup" not in ";".join(some.options["kinds"])
    assert (everything.communes["share_measured"] < 1.0).all()


def test_nothing_is_ranked_where_nothing_is_measured():
    result = answer(region("modelled"), "invest.only=measured")
    assert result.options.empty
    assert result.plan.empty
    assert (result.communes["share_measured"] == 0.0).all()


def test_one_more_known_layer_never_lowers_the_share():
    communes = answer(region("modelled")).communes
    known = dict.fromkeys(layer_is_known(small_region()), False)
    before = share_measured(communes, known)
    for layer in known:
        known[layer] = True
        after = share_measured(communes, known)
        assert (after >= before - 1e-12).all()
        before = after
    assert np.allclose(before, 1.0)


def test_a_layer_of_no_stated_kind_is_not_known():
    assert "assumed" not in KNOWN_KINDS
    bare = replace(small_region(), sources=())
    assert not any(layer_is_known(bare).values())
    assert unknown_behind(["build_site"], layer_is_known(bare))[0].startswith("communes;demand;sites")


def part_measured():
    """A measured region in which the model added one exchange, one power node and one cell."""
    base = region("measured")

    def soft(table, k):
        return table.assign(record_kind=np.where(np.arange(len(table)) == k, "modelled", ""))

    return replace(base, cells=soft(base.cells, 2), power_nodes=soft(base.power_nodes, 4))


def remedies(*sites: str) -> pd.DataFrame:
    return pd.DataFrame({"site_id": sites, "to_id": "", "east_m": 510_000.0, "north_m": 2_410_000.0})


def test_an_option_stands_on_the_records_at_its_sites_and_on_the_way_to_them():
    place = part_measured()
    on = footing(place)
    weak_cell = place.cells["site_id"].iloc[2]
    dark = place.sites["site_id"][place.sites["power_node_id"] == "t3"]
    assert on.weak_sites["cells"] == {weak_cell}
    assert on.weak_sites["power_nodes"] == set(dark)
    firm = next(s for s in place.sites["site_id"] if s not in {weak_cell, *dark, "x0"})
    weak = weak_remedies(remedies(firm, weak_cell, dark.iloc[0]), on)
    kinds = ["battery_backup"] * 3
    found = unknown_behind(kinds, on, weak, ["00001"] * 3)
    assert found[0] == ""
    assert "cells" in found[1]
    assert "power_nodes" in found[2]


@pytest.mark.parametrize("settings", [(), ("invest.only=measured",)], ids=["all", "only measured"])
def test_a_run_on_layers_known_in_part_marks_its_options(settings):
    base = region("measured")
    half = np.where(np.arange(len(base.sites)) % 2, "modelled", "")
    result = answer(replace(base, sites=base.sites.assign(record_kind=half)), *settings)
    assert len(result.options)
    assert (result.options["modelled_layers"] != "").any() != bool(settings)
    assert "to_id" in result.remedies


def test_a_modelled_substation_weakens_everything_below_it():
    base = region("measured")
    kinds = np.where(base.power_nodes["node_id"] == "ss", "modelled", "")
    on = footing(replace(base, power_nodes=base.power_nodes.assign(record_kind=kinds)))
    assert on.weak_sites["power_nodes"] == set(base.sites["site_id"])


def test_the_share_counts_records_and_pixels():
    place = part_measured()
    n = len(place.cells)
    assert known_shares(place)["cells"] == pytest.approx(1 - 1 / n)
    assert known_by_commune(place)["cells"].min() < 1.0
    filled = replace(
        place, sources=tuple(replace(s, share=0.9) if s.layer == "elevation" else s for s in place.sources)
    )
    assert known_shares(filled)["elevation"] == 0.9
    assert not layer_is_known(filled)["elevation"]
    assert not layer_is_known(place)["cells"]
