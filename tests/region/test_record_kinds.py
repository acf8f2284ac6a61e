"""How each record came to be: said per record, kept when layers are replaced, written and read."""

from dataclasses import replace

import numpy as np
import pytest

from phusong.errors import InputError
from phusong.region.folder import Region, Source
from phusong.region.importers.base import Imported
from phusong.region.read.columns import RECORD_LAYERS
from phusong.region.replace import with_imported


def given_sites(region: Region):
    masts = region.sites[region.sites["structure"] != "exchange"].drop(columns="record_kind")
    masts = masts.assign(site_id="n" + masts["site_id"], backhaul_parent_id="", power_node_id="")
    return with_imported(
        region, Imported({"sites": masts}, (Source("sites", "measured", "list.csv"),))
    ).region


def test_every_layer_of_things_that_stand_somewhere_says_it_per_record():
    layers = {
        "sites",
        "cells",
        "links",
        "power_nodes",
        "power_lines",
        "facilities",
        "settlements",
        "communes",
    }
    assert set(RECORD_LAYERS) == layers


def test_records_that_say_nothing_are_as_their_layer(region):
    for layer in RECORD_LAYERS:
        assert set(region.record_kinds(layer)) <= {region.source_of(layer).kind}


def test_an_exchange_that_a_list_lacks_stays_modelled(region):
    region = replace(region, sources=tuple(replace(s, kind="modelled") for s in region.sources))
    out = given_sites(region)
    exchange = (out.sites["structure"] == "exchange").to_numpy()
    assert exchange.any()
    assert not exchange.all()
    assert (out.record_kinds("sites")[exchange] == "modelled").all()
    assert (out.record_kinds("sites")[~exchange] == "measured").all()
    assert out.kind_said("sites") == f"{int((~exchange).sum())} measured, {int(exchange.sum())} modelled"
    # cells and links were derived
    assert set(out.record_kinds("cells")) == {"assumed"}
    assert set(out.record_kinds("links")) == {"assumed"}


def test_kinds_survive_the_folder(region, tmp_path):
    region = replace(region, sources=tuple(replace(s, kind="modelled") for s in region.sources))
    out = given_sites(region)
    part = tuple(
        replace(s, kind="measured", share=0.875) if s.layer == "elevation" else s for s in out.sources
    )
    back = Region.read(replace(out, sources=part).write(tmp_path / "r"))
    assert back.record_kinds("sites").tolist() == out.record_kinds("sites").tolist()
    assert back.source_of("elevation").share == 0.875
    assert back.kind_said("elevation") == "measured; 12 % of the pixels modelled"


def test_an_unknown_kind_and_a_share_that_is_none_are_refused(region, tmp_path):
    folder = region.write(tmp_path / "r")
    sites = region.sites.assign(record_kind=["guessed", *[""] * (len(region.sites) - 1)])
    sites.to_parquet(folder / "sites.parquet")
    with pytest.raises(InputError, match=r"record_kind.*guessed"):
        Region.read(folder)
    region.write(folder)
    text = (folder / "region.toml").read_text()
    (folder / "region.toml").write_text(text.replace("[layers.sites]\n", "[layers.sites]\nshare = 1.5\n"))
    with pytest.raises(InputError, match=r"layers\.sites\.share"):
        Region.read(folder)


def test_a_settlement_that_is_drawn_is_modelled_in_a_measured_layer(region):
    drawn = region.settlements.assign(modelled=np.arange(len(region.settlements)) == 0)
    kinds = replace(
        region, settlements=drawn, sources=(Source("settlements", "measured", "list"),)
    ).record_kinds("settlements")
    assert kinds.tolist() == ["modelled", *["measured"] * (len(drawn) - 1)]
