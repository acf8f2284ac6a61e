"""What changed between two regions is found, and nothing else."""

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.cli import main
from phusong.region import Grid
from phusong.region.diff import RegionDiff, _said, difference
from phusong.region.folder import Region
from small_region import small_region


def changes(found: RegionDiff, layer: str) -> dict[str, set[str]]:
    mine = found.rows[found.rows["layer"] == layer]
    return {change: set(rows["key"]) for change, rows in mine.groupby("change")}


def events(found: RegionDiff) -> dict[str, list[tuple[str, str]]]:
    grouped: dict[str, list[tuple[str, str]]] = {}
    for row in found.communes.itertuples():
        grouped.setdefault(row.event, []).append((row.before, row.after))
    return grouped


def with_communes(region: Region, communes: gpd.GeoDataFrame, codes: dict[str, str]) -> Region:
    demand = region.demand.assign(commune_code=region.demand["commune_code"].replace(codes))
    return replace(region, communes=communes.reset_index(drop=True), demand=demand)


def test_a_region_does_not_differ_from_itself(region):
    found = difference(region, region)
    assert found.empty
    assert found.layers[["added", "removed", "changed"]].to_numpy().sum() == 0


def test_a_region_does_not_differ_from_its_folder(region, tmp_path):
    region.write(tmp_path / "region")
    assert difference(region, Region.read(tmp_path / "region")).empty


@settings(max_examples=10, deadline=None)
@given(
    gone=st.sets(st.integers(1, 11), max_size=4),
    moved=st.sets(st.integers(1, 11), max_size=4),
    metres=st.floats(1, 900),
)
def test_sites_added_removed_and_moved_are_named_and_turn_round(gone, moved, metres):
    old = small_region(cell_m=2000.0)
    ids = old.sites["site_id"].to_numpy()
    places = old.sites.geometry.copy()
    for i in moved:
        places.iloc[i] = shapely.affinity.translate(places.iloc[i], metres, 0.0)
    new = replace(old, sites=old.sites.set_geometry(places).drop(index=list(gone)).reset_index(drop=True))
    there, back = (changes(difference(*pair, moved_m=20.0), "sites") for pair in ((old, new), (new, old)))
    far = {ids[i] for i in moved - gone} if metres > 20.0 else set()
    assert there.get("removed", set()) == {ids[i] for i in gone} == back.get("added", set())
    assert there.get("moved", set()) == far == back.get("moved", set())
    assert set(there) <= {"removed", "moved"}


def test_what_was_planned_and_now_is_active_was_commissioned(region):
    planned = region.sites.assign(
        status=["planned" if s == "s03" else "active" for s in region.sites["site_id"]]
    )
    now = region.sites.assign(status=["retired" if s == "s05" else "active" for s in region.sites["site_id"]])
    found = difference(replace(region, sites=planned), replace(region, sites=now))
    assert changes(found, "sites") == {"commissioned": {"s03"}, "retired": {"s05"}}


def test_changed_columns_are_named_with_both_values(region):
    cells = region.cells.copy()
    cells.loc[2, "eirp_dbm"] = 55.0
    found = difference(region, replace(region, cells=cells))
    assert found.rows["detail"].tolist() == ["eirp_dbm=52.0 → 55.0"]
    assert found.layers.set_index("layer").loc["cells", "columns"] == "eirp_dbm (1)"


def test_a_merger_is_found_by_ground(region):
    communes = region.communes.copy()
    both = communes.iloc[[0]].copy()
    both = both.set_geometry([shapely.union_all(communes.geometry.iloc[:2])]).assign(
        commune_code="00009", name="Tân Sơn"
    )
    new = with_communes(
        region, gpd.GeoDataFrame(pd.concat([both, communes.iloc[2:]])), {"00001": "00009", "00002": "00009"}
    )
    assert events(difference(region, new)) == {
        "merged": [("Minh Tân (00001), Thái Sơn (00002)", "Tân Sơn (00009)")]
    }
    assert events(difference(new, region)) == {
        "split": [("Tân Sơn (00009)", "Minh Tân (00001), Thái Sơn (00002)")]
    }


def test_a_commune_that_takes_in_another_keeps_its_code(region):
    communes = region.communes.copy()
    wide = list(communes.geometry)
    wide[0] = shapely.union_all(wide[:2])
    new = with_communes(region, communes.set_geometry(wide).drop(index=1), {"00002": "00001"})
    found = events(difference(region, new))
    assert found == {"merged": [("Minh Tân (00001), Thái Sơn (00002)", "Minh Tân (00001)")]}


def test_new_codes_and_names_on_the_same_ground_are_renamings(region):
    communes = region.communes.assign(
        commune_code=["00001", "00007", *region.communes["commune_code"][2:]],
        name=["Minh Tân Mới", *region.communes["name"][1:]],
    )
    found = events(difference(region, with_communes(region, communes, {"00002": "00007"})))
    assert found == {
        "renamed": [("Minh Tân (00001)", "Minh Tân Mới (00001)"), ("Thái Sơn (00002)", "Thái Sơn (00007)")]
    }


def test_a_ward_that_was_a_commune_and_a_border_drawn_otherwise_are_told(region):
    communes = region.communes.assign(kind=["ward", "commune", "commune", "commune"])
    shapes = list(communes.geometry)
    shapes[3] = shapely.box(510_000, 2_410_000, 519_000, 2_420_000)
    found = difference(region, replace(region, communes=communes.set_geometry(shapes)))
    assert events(found) == {
        "renamed": [("Minh Tân (00001)", "Minh Tân (00001)")], "redrawn": [("Hùng Đức (00004)", "Hùng Đức (00004)")],
    }  # fmt: skip
    assert "commune → ward" in found.communes["detail"].tolist()


def test_people_are_counted_by_commune(region):
    demand = region.demand.copy()
    demand.loc[demand["commune_code"] == "00002", "population"] += 1
    found = difference(region, replace(region, demand=demand))
    cells = int((demand["commune_code"] == "00002").sum())
    assert found.people[["commune_code", "change"]].to_numpy().tolist() == [["00002", cells]]
    assert found.totals["people_after"] - found.totals["people_before"] == cells


def test_pixels_are_compared_over_common_ground(region):
    raised = region.elevation.copy()
    raised[:, :10] += 8.0
    share = 10 / region.grid.width
    found = difference(region, replace(region, elevation=raised)).rasters.set_index("layer")
    assert found.loc["elevation", "share_changed"] == pytest.approx(share)
    assert found.loc["elevation", "mean_difference"] == pytest.approx(8.0 * share)
    assert found.loc["clutter", "share_changed"] == 0
    g = region.grid
    cut = Grid(g.crs, g.west_m, g.north_m, g.cell_m, g.height - 4, g.width)
    smaller = replace(region, grid=cut, elevation=region.elevation[:-4], clutter=region.clutter[:-4])
    found = difference(region, smaller).rasters.set_index("layer")
    assert not found["same_grid"].any()
    assert found.loc["elevation", "mean_absolute_difference"] == pytest.approx(0.0, abs=1e-4)
    assert found.loc["clutter", "share_changed"] == 0


def test_provenance_that_changed_is_told(region):
    sources = tuple(
        replace(s, kind="measured", as_of="2026-10") if s.layer == "sites" else s for s in region.sources
    )
    found = difference(region, replace(region, sources=sources)).sources
    assert found.to_numpy().tolist() == [
        ["sites", "kind", "modelled", "measured"],
        ["sites", "as_of", "", "2026-10"],
    ]


def test_a_column_that_came_counts_as_changed_and_a_doubled_key_loses_no_row(region):
    found = difference(region, replace(region, sites=region.sites.assign(height_source="laser")))
    assert found.layers.set_index("layer").loc["sites", "columns"] == f"height_source ({len(region.sites)})"
    twice = pd.concat([region.links, region.links.iloc[[0]]], ignore_index=True)
    assert changes(difference(region, replace(region, links=twice)), "links") == {"added": {"l1#2"}}


def test_the_json_is_plain_and_repeats(region):
    new = replace(region, elevation=np.full_like(region.elevation, np.nan))
    one, two = (difference(region, new).to_json() for _ in range(2))
    assert one == two
    tree = json.loads(one)
    assert set(tree) == {
        "before",
        "after",
        "totals",
        "layers",
        "rows",
        "communes",
        "people",
        "rasters",
        "sources",
    }
    assert tree["rasters"][0]["share_changed"] == 1.0


def call(monkeypatch, capsys, *arguments: object) -> tuple[int, str]:
    """Run the command line in this process: code and output."""
    monkeypatch.setattr("sys.argv", ["phusong", *map(str, arguments)])
    with pytest.raises(SystemExit) as done:
        main()
    return int(done.value.code or 0), capsys.readouterr().out


def test_the_command_tells_what_changed_as_text_and_as_json(region, tmp_path, monkeypatch, capsys):
    a, b = tmp_path / "a", tmp_path / "b"
    region.write(a)
    hostile = region.settlements.assign(name=["[red]=1+1<b>", *region.settlements["name"][1:]])
    replace(
        region,
        sites=region.sites[region.sites["site_id"] != "s11"].reset_index(drop=True),
        cells=region.cells[region.cells["site_id"] != "s11"].reset_index(drop=True),
        links=region.links[region.links["from_id"] != "s11"].reset_index(drop=True),
        settlements=hostile,
    ).write(b)
    code, out = call(monkeypatch, capsys, "region", "diff", a, b)
    assert code == 0
    assert "sites: 1 removed: s11" in out
    assert "[red]=1+1<b>" in out
    _, out = call(monkeypatch, capsys, "region", "diff", a, b, "--json")
    assert {r["key"] for r in json.loads(out)["rows"] if r["layer"] == "sites"} == {"s11"}
    assert "Nothing changed" in call(monkeypatch, capsys, "region", "diff", a, a)[1]
    assert call(monkeypatch, capsys, "region", "diff", a, tmp_path)[0] == 2


def test_a_long_figure_is_told_to_nine_digits() -> None:
    assert _said(161.81463182499974) == "161.814632"
    assert (_said(52.0), _said("mast"), _said(7)) == ("52.0", "mast", "7")
