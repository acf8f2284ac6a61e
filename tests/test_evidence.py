"""What an answer stands on: shares by the layers that decide, options marked, only the measured ranked."""

from dataclasses import replace

import numpy as np
import pytest

from phusong.evidence import KNOWN_KINDS, layer_is_known, share_measured, unknown_behind
from phusong.pipeline import run_region
from phusong.region.store import Source
from phusong.report.explain import explain
from phusong.scenario import Scenario
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
