"""Lists of sites as operators and ministries keep them: whose cells stand where, what is left out, and what is asked."""

from dataclasses import replace

import pandas as pd
import pytest
from openpyxl import Workbook

from phusong.errors import InputError
from phusong.region.folder import Region
from phusong.region.importers.run import import_files, options_of
from phusong.region.operators import generations_of, operator_names
from reference_cases import REFERENCE, needs_reference

CASES = REFERENCE / "cases" / "import"


@pytest.fixture
def viet(region):
    """The small region with the four operators of Viet Nam."""
    operators = pd.DataFrame(
        {
            "operator": ["viettel", "vinaphone", "mobifone", "others"],
            "name": ["Viettel", "VinaPhone", "MobiFone", "Vietnamobile and others"],
            "share": [0.5, 0.25, 0.2, 0.05],
        }
    )
    sites = region.sites.assign(owner="viettel")
    cells = region.cells.assign(operator="viettel")
    return replace(
        region, operators=operators, sites=sites, cells=cells, links=region.links.assign(owner="viettel")
    )


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def done(region, path, kind="sites", **said):
    return import_files(region, kind, [path], options_of(kind, **said))


def said(found):
    return "\n".join(map(str, found.notices))


def sites(*owners, head="owner"):
    rows = [f"n{k},{105.05 + k / 1000:.3f},21.75,{owner}" for k, owner in enumerate(owners)]
    return "\n".join([f"site_id,longitude,latitude,{head}", *rows]) + "\n"


def test_a_parent_company_stands_for_its_network_and_the_counts_are_told(viet, tmp_path):
    owners = ["VNPT", "VNPT VinaPhone", "Viettel Group", "MobiFone Lai Châu", "khác"]
    found = done(viet, write(tmp_path / "s.csv", sites(*owners)))
    of = found.region.cells.groupby("site_id")["operator"].first()
    assert [of[f"n{k}"] for k in range(5)] == ["vinaphone", "vinaphone", "viettel", "mobifone", "others"]
    assert f"{len(viet.cells)} cells of the region were replaced by 15 assumed ones" in said(found)
    assert found.region.source_of("cells").kind == "assumed"


def test_owners_that_are_no_operators_are_asked_for_all_at_once(viet, tmp_path):
    with pytest.raises(InputError) as error:
        done(viet, write(tmp_path / "s.csv", sites("Tháp Xanh", "Tháp Xanh", "OCK", "", "Viettel")))
    text = str(error.value)
    for word in ("'Tháp Xanh'", "2 sites", "tower company", "(empty)", "viettel, vinaphone", "--operator"):
        assert word in text, text


def test_an_owner_said_to_run_no_network_keeps_its_masts_without_cells(viet, tmp_path):
    path = write(tmp_path / "s.csv", sites("Tháp Xanh", "OCK", ""))
    found = done(viet, path, operators=["tháp xanh=vinaphone", "OCK=none", "(empty)=mobifone"])
    cells = found.region.cells
    assert cells.groupby("operator")["site_id"].unique().map(list).to_dict() == {
        "vinaphone": ["n0"],
        "mobifone": ["n2"],
    }
    assert "1 mast stands without cells" in said(found)
    assert found.region.sites.set_index("site_id")["owner"]["n1"] == "OCK"


def test_an_operator_that_the_region_lacks_is_refused_with_the_nearest(viet, tmp_path):
    with pytest.raises(InputError, match=r"did you mean viettel"):
        done(viet, write(tmp_path / "s.csv", sites("A")), operators=["A=vietel"])
    with pytest.raises(InputError, match=r"OWNER=OPERATOR"):
        options_of("sites", operators=["viettel"])


def test_measured_cells_of_sites_that_are_still_there_stay(viet, tmp_path):
    sources = tuple(replace(s, kind="measured") if s.layer == "cells" else s for s in viet.sources)
    measured = replace(viet, sources=sources)
    text = "site_id,longitude,latitude,owner\ns01,105.05,21.75,Viettel\nnew,105.06,21.75,VNPT\n"
    found = done(measured, write(tmp_path / "s.csv", text))
    assert set(found.region.cells["cell_id"]) == {"s01/0", "new/0", "new/1", "new/2"} | {
        c for c in found.region.cells["cell_id"] if c.startswith("s01/")
    }
    assert "1 measured cell stays" in said(found)


LIST = """Mã trạm,Kinh độ,Vĩ độ,Nhà mạng,Công nghệ,Tower height (ft),antenna_height,Azimuth,tan_so_mhz,Ghi chú,Tổ
A,105.05,21.75,VNPT,2G/3G + LTE,100,25,,,x,1
B,105.06,21.76,"Viettel, MobiFone",4G,120,30,40,1800,y,2
B,105.06,21.76,Viettel,5G,120,31,160,2600,y,2
C,105.07,21.77,Viettel,WiMAX,90,30,,,z,3
D,105.08,21.77,MobiFone,,90,30,,B3,z,3
"""


def test_operators_generations_and_heights_of_a_list_make_its_cells(viet, tmp_path):
    found = done(viet, write(tmp_path / "list.csv", LIST))
    sites, cells = found.region.sites.set_index("site_id"), found.region.cells
    assert sites["height_m"][["A", "B", "C"]].tolist() == pytest.approx([30.48, 36.576, 27.432])
    assert sites["owner"]["A"] == "vinaphone"
    by = cells.groupby(["site_id", "operator", "technology"]).size().to_dict()
    assert by == {
        ("A", "vinaphone", "2G"): 3, ("A", "vinaphone", "3G"): 3, ("A", "vinaphone", "4G"): 3,
        ("B", "viettel", "4G"): 1, ("B", "mobifone", "4G"): 1, ("B", "viettel", "5G"): 1, ("D", "mobifone", "4G"): 3,
    }  # fmt: skip
    five = cells[cells["technology"] == "5G"].iloc[0]
    assert (five["azimuth_deg"], five["band_mhz"], five["antenna_height_m"]) == (160.0, 2600.0, 31.0)
    text = said(found)
    for word in ("WiMAX", "Ghi chú, Tổ", "converted from ft", "B3", "operator was taken as owner"):
        assert word in text, text


def test_one_row_that_cannot_be_used_does_not_block_a_list_and_is_named_beside_the_region(viet, tmp_path):
    rows = [f"n{k},{105.05 + k / 1000:.3f},21.75,30,VNPT" for k in range(40)]
    rows[7] = "n7,here,21.75,30,VNPT"
    rows[20] = "n20,105.06,21.75,=cmd,VNPT"
    path = write(tmp_path / "s.csv", "site_id,longitude,latitude,height_m,owner\n" + "\n".join(rows) + "\n")
    found = done(viet, path)
    assert {"n7", "n20"} & set(found.region.sites["site_id"]) == set()
    assert "left-out/sites.csv" in said(found)
    found.region.write(tmp_path / "region")
    left = Region.read(tmp_path / "region").left_out["sites"]
    assert left[["file", "row", "column", "value"]].to_numpy().tolist() == [
        ["s.csv", "8", "longitude", "here"], ["s.csv", "21", "height_m", "=cmd"],
    ]  # fmt: skip
    assert "'=cmd" in (tmp_path / "region" / "left-out" / "sites.csv").read_text()
    with pytest.raises(InputError, match=r"--left-out-share"):
        done(viet, path, left_out_share=0.01)


def test_duplicates_and_rows_off_the_region_are_left_out_with_their_reason(viet, tmp_path):
    rows = [f"n{k},{105.05 + k / 1000:.3f},21.75,VNPT" for k in range(30)]
    rows[5], rows[9] = "n4,105.2,21.9,VNPT", "n9,108.9,15.1,VNPT"
    found = done(
        viet, write(tmp_path / "s.csv", "site_id,longitude,latitude,owner\n" + "\n".join(rows) + "\n")
    )
    left = found.region.left_out["sites"]
    assert left["row"].tolist() == ["6", "10"]
    assert "duplicate" in left["why"][0]
    assert "off the region" in left["why"][1]
    assert len(found.region.sites) == 28 + 1  # and the exchange


def test_a_region_without_left_out_rows_has_no_such_folder(viet, tmp_path):
    found = done(viet, write(tmp_path / "s.csv", sites("VNPT")))
    found.region.write(tmp_path / "r")
    assert not (tmp_path / "r" / "left-out").exists()


def book(path, rows, *, merged=(), more=()):
    workbook = Workbook()
    sheet = workbook.active
    for row in rows:
        sheet.append(row)
    for ranges in merged:
        sheet.merge_cells(ranges)
    for title, others in more:
        other = workbook.create_sheet(title)
        for row in others:
            other.append(row)
    workbook.save(path)
    return path


def test_a_workbook_with_titles_two_rows_of_names_merged_operators_and_totals_is_read(viet, tmp_path):
    path = book(
        tmp_path / "tram.xlsx",
        [
            ["DANH SÁCH TRẠM"],
            ["TT", "Trạm", None, "Tọa độ", None, "Nhà mạng", "Ngày phát sóng"],
            [None, "Mã trạm", "Cao (m)", "Kinh độ", "Vĩ độ", None, None],
            [1, "A", 30, "105,05", 21.75, "VNPT", "2019-05-01"],
            [2, "B", 31, "105,06", 21.75, None, "2020-05-01"],
            [None, None, "Tổng cộng", 2, None, None, None],
            [None, "Người lập: 0912345678"],
        ],
        merged=["A1:G1", "B2:C2", "D2:E2", "F2:F3", "F4:F5"],
        more=[("Ghi chú", [["không có gì"]])],
    )
    found = done(viet, path)
    mine = found.region.sites.set_index("site_id").loc[["A", "B"]]
    assert mine["height_m"].tolist() == [30.0, 31.0]
    assert mine["commissioned"].tolist() == [2019, 2020]
    assert set(found.region.cells["operator"]) == {"vinaphone"}
    text = said(found)
    for word in ("no records", "sheets that were not read: Ghi chú", "TT"):
        assert word in text, text
    assert "0912345678" not in text


def test_placemarks_of_a_kml_say_what_stands_in_their_descriptions(viet, tmp_path):
    marks = "".join(
        f"<Placemark><name>K{k}</name><description><![CDATA[Nhà mạng: {o}<br>Cao: 2{k} m]]></description>"
        f"<Point><coordinates>105.0{k + 4},21.75,0</coordinates></Point></Placemark>"
        for k, o in enumerate(["Viettel", "VNPT"])
    )
    kml = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>BTS</name>{marks}</Folder></Document></kml>'
    found = done(viet, write(tmp_path / "bts.kml", kml))
    mine = found.region.sites.set_index("site_id").loc[["K0", "K1"]]
    assert mine["height_m"].tolist() == [20.0, 21.0]
    assert mine["owner"].tolist() == ["viettel", "vinaphone"]


def test_a_kml_that_declares_entities_is_refused(viet, tmp_path):
    kml = '<!DOCTYPE x [<!ENTITY a "b">]><kml><Placemark><name>&a;</name></Placemark></kml>'
    with pytest.raises(InputError, match="entities"):
        done(viet, write(tmp_path / "x.kml", kml))


def test_metres_of_a_stated_crs_are_brought_to_the_region_whichever_axis_comes_first(viet, tmp_path):
    from pyproj import Transformer

    x, y = Transformer.from_crs("EPSG:4326", "EPSG:3405", always_xy=True).transform(105.05, 21.75)
    text = f"Mã trạm,X,Y,owner\nA,{y:.2f},{x:.2f},VNPT\n"
    found = done(viet, write(tmp_path / "vn2000.csv", text), crs="EPSG:3405")
    point = found.region.sites.set_index("site_id").to_crs("EPSG:4326").geometry["A"]
    assert (point.x, point.y) == pytest.approx((105.05, 21.75), abs=1e-5)
    assert "x was read as the northing" in said(found)


FIBRE = {
    "nodes": '{"type":"FeatureCollection","features":[%s]}',
    "node": '{"type":"Feature","geometry":{"type":"Point","coordinates":[%s]},"properties":{"id":"%s","featureType":"node",'
    '"physicalInfrastructureProvider":{"id":"x","name":"FibreCo"}}}',
    "span": '{"type":"Feature","geometry":{"type":"LineString","coordinates":[[105.05,21.75],[105.15,21.85]]},"properties":'
    '{"id":"S1","start":{"id":"N1"},"end":{"id":"N2"},"featureType":"span","capacity":10}}',
}


def test_fibre_nodes_are_no_masts_and_their_own_kind_makes_exchanges_and_links_of_them(viet, tmp_path):
    nodes = FIBRE["node"] % ("105.05,21.75", "N1") + "," + FIBRE["node"] % ("105.15,21.85", "N2")
    a, b = (
        write(tmp_path / "n.geojson", FIBRE["nodes"] % nodes),
        write(tmp_path / "s.geojson", FIBRE["nodes"] % FIBRE["span"]),
    )
    for kind, path in (("sites", a), ("links", b)):
        with pytest.raises(InputError, match="kind fibre"):
            done(viet, path, kind)
    found = import_files(viet, "fibre", [a, b], options_of("fibre"))
    added = found.region.sites.set_index("site_id").loc[["fibre-N1", "fibre-N2"]]
    assert set(added["structure"]) == {"exchange"}
    assert set(added["owner"]) == {"FibreCo"}
    link = found.region.links.set_index("link_id").loc["span-S1"]
    assert (link["from_id"], link["to_id"], link["capacity_mbps"]) == ("fibre-N1", "fibre-N2", 10_000.0)
    assert len(found.region.cells) == len(viet.cells)


@pytest.mark.parametrize("head", ["site_id", "id"])
def test_rows_of_a_list_of_masts_that_are_fibre_nodes_by_their_type_become_no_masts(viet, tmp_path, head):
    rows = [f"n{k},{105.05 + k / 1000:.3f},21.75,{'tower' if k % 2 else 'mast'},VNPT" for k in range(40)]
    rows[3], rows[8] = rows[3].replace("tower", "splice"), rows[8].replace("mast", "Măng xông")
    text = f"{head},longitude,latitude,type,owner\n"
    found = done(viet, write(tmp_path / "s.csv", text + "\n".join(rows) + "\n"))
    assert {"n3", "n8"} & {*found.region.sites["site_id"], *found.region.cells["site_id"]} == set()
    assert found.region.left_out["sites"]["row"].tolist() == ["4", "9"]
    mixed = [row.replace(",mast,", ",OLT,") for row in rows]
    with pytest.raises(InputError, match=r"of 40 rows cannot be used|holds nodes of a fibre"):
        done(viet, write(tmp_path / "s.csv", text + "\n".join(mixed) + "\n"))


def test_any_kind_of_place_is_taken_and_what_is_not_known_is_other(viet, tmp_path):
    text = "poi_id,poi_type,lat,lon\na,market,21.75,105.05\nb,hospital,21.75,105.06\nc,school,21.75,105.07\n"
    found = done(viet, write(tmp_path / "poi.csv", text), "facilities")
    kinds = found.region.facilities.set_index("facility_id")["kind"]
    assert kinds[["a", "b", "c"]].tolist() == ["other", "clinic", "school"]
    assert "market" in said(found)


@pytest.mark.parametrize(("text", "found"), [("2G,3G,4G", ["2G", "3G", "4G"]), ("LTE1800", ["4G"]), ("GSM-LTE", ["2G", "4G"]), ("NR", ["5G"]), ("", [])])  # fmt: skip
def test_generations_are_read_however_written(text, found):
    assert generations_of(text.replace("-", "/")) == found


def test_names_of_two_operators_in_one_mean_neither(viet):
    names = operator_names(viet.operators)
    assert names.of("Viettel - VNPT") == ""
    assert names.several("Viettel/VNPT") == (["viettel", "vinaphone"], [])


@needs_reference
@pytest.mark.parametrize(
    ("name", "operators"),
    [
        ("vnpt_sites.csv", {"vinaphone"}),
        ("tram_lai_chau.xlsx", {"viettel", "vinaphone", "mobifone", "others"}),
        ("BTS.kml", {"viettel"}),
    ],
)
def test_reference_lists_go_to_the_operators_they_name(viet, name, operators):
    # the lists lie in another province: what they would become is told before their place is
    from phusong.region.importers.site_lists import cells_in_list, cells_of_list, sites_of_list
    from phusong.region.read.columns import ColumnMap
    from phusong.region.read.table import opened_for, table_of

    path = CASES / name
    listed = sites_of_list(
        opened_for(path, "sites", ColumnMap(), known=cells_in_list()).frame, ColumnMap(), path.name
    )
    read = table_of(listed.frame, path.name, "sites", crs=viet.grid.crs, leave_out=0.05)
    names = operator_names(viet.operators)
    if listed.names_operators:
        cells = cells_of_list(listed, read, viet.operators, {}, path.name).cells
        assert operators <= set(cells["operator"])
        assert set(cells["site_id"]) == set(read.frame["site_id"])
    else:
        assert {names.of(o) for o in read.frame["owner"]} == operators


def test_the_counts_that_are_told_are_those_of_the_region_that_comes_out(viet, tmp_path):
    """Rows far away, out of limits and beside the operators are left out; no notice counts their cells."""
    rows = [
        *(f"n{k},{105.05 + k / 1000:.3f},21.75,Viettel,4G,30" for k in range(20)),
        *(f"far{k},{107.05 + k / 1000:.3f},21.75,Viettel,4G,30" for k in range(4)),
        "low,105.06,21.76,Viettel,4G,-12",
    ]
    text = "\n".join(["site_id,longitude,latitude,operator,technology,height_m", *rows]) + "\n"
    found = done(viet, write(tmp_path / "s.csv", text), left_out_share=0.5)
    masts = found.region.sites[found.region.sites["structure"] != "exchange"]
    assert set(masts["site_id"]) == {f"n{k}" for k in range(20)}
    assert f"{len(found.region.cells)} cells were made" in said(found)
    assert (
        f"{len(viet.cells)} cells of the region were replaced by {len(found.region.cells)} of the file"
        in said(found)
    )


def test_one_mast_is_told_in_the_singular(viet, tmp_path):
    found = done(viet, write(tmp_path / "s.csv", sites("OCK", "Viettel")), operators=["OCK=none"])
    assert "1 mast stands without cells" in said(found)
