"""School lists and plain tables: columns by their names or a map, communes by place or by old codes."""

from contextlib import suppress

import pytest

from phusong.errors import InputError
from phusong.region.importers import IMPORTERS, Options
from phusong.region.importers.run import import_files, options_of
from phusong.region.read.columns import read_column_maps
from phusong.region.replace import with_imported
from phusong.region.schema import GEOMETRY_LAYERS, LAYERS
from phusong.region.validate import check_region
from phusong.region.vietnam.old_units import successors

# 105.05 east, 21.75 north lies in the small region's commune 00001; 105.15, 21.85 in 00004
GIGA = """school_id_giga,school_id_govt,school_name,latitude,longitude,education_level,connectivity,connectivity_type,admin1
3d1f-1,0101,Trường Tiểu học Minh Tân,21.75,105.05,Primary,Yes,fiber,Tuyên Quang
3d1f-2,0102,"Trường THCS Hùng Đức, điểm bản",21.85,105.15,Secondary,No,,Tuyên Quang
3d1f-3,0103,Trường ở nơi khác,21.85,107.15,Secondary,No,,Khác
"""


def imported(region, kind, path, **options):
    return IMPORTERS[kind].read(region, [path], Options(**options))


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_schools_of_a_giga_list_go_to_the_commune_they_lie_in(region, tmp_path):
    found = imported(region, "giga", write(tmp_path / "schools.csv", GIGA))
    layer = found.layers["facilities"]
    assert layer["facility_id"].tolist() == ["3d1f-1", "3d1f-2"]
    assert layer["commune_code"].tolist() == ["00001", "00004"]
    assert set(layer["kind"]) == {"school"}
    assert any("outside the region" in str(n) and n.rows == 1 for n in found.notices)
    out = with_imported(region, found).region
    assert check_region(out) == []
    assert out.source_of("facilities").kind == "official"


def test_other_kinds_of_facilities_stay_and_every_record_says_how_it_came_to_be(region, tmp_path):
    from dataclasses import replace

    kinds = ["school", "clinic", "school", "commune office"]
    mixed = replace(region, facilities=region.facilities.assign(kind=kinds))
    out = with_imported(mixed, imported(mixed, "giga", write(tmp_path / "s.csv", GIGA))).region
    assert out.facilities["kind"].value_counts().to_dict() == {"school": 2, "clinic": 1, "commune office": 1}
    kinds = dict(zip(out.facilities["kind"], out.record_kinds("facilities"), strict=True))
    assert kinds == {"school": "official", "clinic": "modelled", "commune office": "modelled"}
    assert "as before" in out.source_of("facilities").notes


def test_old_commune_codes_become_todays_and_doubts_are_listed(region, tmp_path):
    from dataclasses import replace

    units = successors()
    old = units[
        (units["province"] == "Lai Châu")
        & (units["default"] != units["old_code"])
        & ~units["codes"].str.contains(";")
    ].iloc[0]
    codes = [old["default"], "00002", "00003", "00004"]
    towns = region.communes.assign(commune_code=codes)
    mine = replace(
        region, communes=towns, demand=region.demand.replace({"commune_code": {"00001": codes[0]}}),
        settlements=region.settlements.assign(commune_code=codes), facilities=region.facilities.assign(commune_code=codes),
    )  # fmt: skip
    text = f"facility_id,kind,ma_xa,longitude,latitude\nA,clinic,{old['old_code']},105.05,21.75\n"
    found = imported(mine, "facilities", write(tmp_path / "f.csv", text))
    assert found.layers["facilities"]["commune_code"].tolist() == [codes[0]]
    assert any(r.key == old["old_code"] and "merged" in r.reason for r in found.repairs)


COLUMNS = """
[sites.columns]
site_id = "Mã trạm"
longitude = "Kinh độ"
latitude = "Vĩ độ"
[sites.constants]
owner = "red"
"""


def test_a_column_map_reads_a_table_as_it_is(region, tmp_path):
    path = write(tmp_path / "tram.csv", "Mã trạm;Kinh độ;Vĩ độ\nTQ01;105,05;21,75\nTQ02;105,15;21,85\n")
    maps = read_column_maps(write(tmp_path / "columns.toml", COLUMNS))
    found = imported(region, "sites", path, columns=maps)
    assert found.layers["sites"]["site_id"].tolist() == ["TQ01", "TQ02"]
    out = with_imported(region, found).region
    assert check_region(out) == []
    assert set(out.cells["site_id"]) == {"TQ01", "TQ02"}
    assert out.source_of("cells").kind == "assumed"


def test_cells_of_sites_that_are_gone_are_named(region, tmp_path):
    path = write(tmp_path / "cells.csv", "cell_id,site_id,operator\nc1,gone,red\n")
    with pytest.raises(InputError, match=r"cells row 1, column site_id: 'gone' does not exist in sites"):
        import_files(region, "cells", [path], options_of("cells"))


BAD = {
    "swapped": (GIGA.replace("21.75,105.05", "105.05,21.75"), ("row 1", "105.05")),
    "the middle of the ocean": (GIGA.replace("21.75,105.05", "0,0"), ("row 1",)),
    "an id twice": (GIGA.replace("3d1f-2", "3d1f-1"), ("row 2", "3d1f-1", "duplicate")),
    "a word for a number": (GIGA.replace("21.75", "north"), ("row 1", "north")),
    "no places": (GIGA.replace("latitude", "lattice"), ("no places",)),
    "cut off": (GIGA[: GIGA.index("Secondary,No")], ("row 2",)),
    "nothing in the region": (GIGA.replace("105.", "106.9"), ("no place in the region",)),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lists_are_refused_with_place_and_remedy(region, tmp_path, case):
    text, words = BAD[case]
    with pytest.raises(InputError) as error:
        imported(region, "giga", write(tmp_path / "schools.csv", text))
    for word in ("schools.csv", *words):
        assert word in str(error.value), str(error.value)


def test_other_encodings_and_delimiters_are_read_alike(region, tmp_path):
    plain = imported(region, "giga", write(tmp_path / "a.csv", GIGA)).layers["facilities"]
    (tmp_path / "b.csv").write_text(GIGA.replace(", ", " ").replace(",", ";"), encoding="utf-8-sig")
    assert (
        imported(region, "giga", tmp_path / "b.csv")
        .layers["facilities"]["commune_code"]
        .equals(plain["commune_code"])
    )


def test_columns_of_personal_data_stay_out(region, tmp_path):
    lines = GIGA.splitlines()
    text = "\n".join(
        [lines[0] + ",dien_thoai", *(line + f",091234567{i}" for i, line in enumerate(lines[1:]))]
    )
    found = imported(region, "giga", write(tmp_path / "s.csv", text))
    assert "dien_thoai" not in found.layers["facilities"].columns
    assert any("personal data" in str(n) for n in found.notices)


def test_power_lines_drawn_as_shapes_are_joined_and_a_table_of_them_is_taken_as_it_is(region, tmp_path):
    import geopandas as gpd
    import shapely

    feeder = shapely.LineString([(510_000, 2_410_000), (515_000, 2_415_000)])
    gpd.GeoDataFrame({"kv": ["22"]}, geometry=[feeder], crs=region.grid.crs).to_file(tmp_path / "lines.gpkg")
    assert set(imported(region, "power_lines", tmp_path / "lines.gpkg").layers) == {
        "power_nodes",
        "power_lines",
    }
    path = write(tmp_path / "lines.csv", "line_id,from_id,to_id,length_km\na,ss,t0,7\n")
    assert set(imported(region, "power_lines", path).layers) == {"power_lines"}


def test_options_name_every_mistake_at_once(tmp_path):
    with pytest.raises(InputError) as error:
        options_of("osm", layers=["road"], crs="EPSG:nonsense", columns=tmp_path / "none.toml")
    text = str(error.value)
    for word in ("did you mean roads", "EPSG:nonsense", "none.toml"):
        assert word in text, text
    with pytest.raises(InputError, match="did you mean opencellid"):
        options_of("opencelid")


def test_no_files_and_strange_totals_are_refused(region):
    with pytest.raises(InputError) as error:
        import_files(region, "giga", [], options_of("giga"), totals="village")
    assert len(error.value.problems) == 2


@pytest.mark.parametrize("layer", [n for n in IMPORTERS if n in LAYERS and n != "communes"])
def test_a_table_with_a_head_and_no_rows_makes_a_sound_region_or_is_refused(region, tmp_path, layer):
    columns = [c.name for c in LAYERS[layer]]
    head = ",".join([*columns, *(("east_m", "north_m") if layer in GEOMETRY_LAYERS else ())])
    # what is refused needs rows: any other error fails
    with suppress(InputError):
        found = import_files(region, layer, [write(tmp_path / "t.csv", head + "\n")], Options())
        assert check_region(found.region) == []


def test_sites_left_without_any_power_node_are_said(region, tmp_path):
    head = "node_id,kind,capacity_kw,saifi,caidi_h,load_kw,east_m,north_m\n"
    with pytest.raises(InputError, match=r"holds no node, but \d+ sites hang on the grid"):
        import_files(region, "power_nodes", [write(tmp_path / "t.csv", head)], Options())


@pytest.mark.parametrize("kind", ["sites", "cells", "operators", "facilities", "settlements"])
def test_a_list_without_rows_wipes_no_layer(region, tmp_path, kind):
    head = ",".join(c.name for c in LAYERS[kind] if c.name != "geometry") + ",longitude,latitude\n"
    with pytest.raises(InputError, match=rf"holds no rows.*nothing would be left of layer {kind}"):
        imported(region, kind, write(tmp_path / "list.csv", head))


def test_a_link_that_leads_to_its_own_site_is_refused(region, tmp_path):
    site = region.sites["site_id"].iloc[0]
    text = f"link_id,from_id,to_id,medium\nl1,{site},{site},fibre\n"
    with pytest.raises(InputError, match=r"row 1, column to_id: .* leads from a place to itself"):
        imported(region, "links", write(tmp_path / "links.csv", text))


def test_how_many_rows_a_list_takes_the_place_of_is_told(region, tmp_path):
    one, other = region.sites["site_id"].iloc[:2]
    text = f"link_id,from_id,to_id,medium\nl1,{one},{other},fibre\n"
    found = imported(region, "links", write(tmp_path / "links.csv", text))
    assert f"{len(region.links)} rows of layer links were replaced by 1 of the file" in "\n".join(
        map(str, found.notices)
    )


def test_no_notice_speaks_of_a_columns_toml_that_is_not_there(region, tmp_path):
    text = "settlement_id,name,longitude,latitude,population\nv1,Bản,105.05,21.75,120\n"
    for kind, path in (
        ("settlements", write(tmp_path / "v.csv", text)),
        ("giga", write(tmp_path / "schools.csv", GIGA)),
    ):
        assert not any("columns.toml says" in str(n) for n in imported(region, kind, path).notices)
