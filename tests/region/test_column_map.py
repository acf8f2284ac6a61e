"""columns.toml: users' names, units, words and constants; unknown ones refused with the nearest."""

import pytest
from data_dictionary import data_dictionary

from phusong.errors import InputError
from phusong.region.read.columns import EXAMPLE, ColumnMap, FileFormat, read_column_maps
from phusong.region.read.table import read_layer, read_table

CRS = "EPSG:32648"


def test_the_documented_example_reads_the_file_it_describes(tmp_path):
    (tmp_path / "columns.toml").write_text(EXAMPLE, encoding="utf-8")
    header = "Mã trạm;Kinh độ;Vĩ độ;Chiều cao cột (ft);Loại cột"
    rows = "HG-1;105,2;22,5;100;Cột dây co\nHG-2;105,25;22,55;150;Cột tự đứng\n"
    from test_legacy_text import TO_TCVN3, written

    (tmp_path / "sites.csv").write_bytes(written(f"{header}\n{rows}", TO_TCVN3))
    read = read_layer(tmp_path / "sites.csv", "sites", crs=CRS)
    frame = read.frame
    assert frame["site_id"].tolist() == ["HG-1", "HG-2"]
    assert frame["height_m"].tolist() == pytest.approx([30.48, 45.72])
    assert frame["structure"].tolist() == ["mast", "tower"]
    assert frame["owner"].tolist() == ["vnpt", "vnpt"]
    assert any("converted from ft" in str(n) for n in read.notices)
    assert EXAMPLE in data_dictionary()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[sits.columns]\nsite_id = 'a'", ("sits", "did you mean sites")),
        ("[sites.colums]\nsite_id = 'a'", ("sites.colums", "did you mean columns")),
        ("[sites.columns]\nheigth_m = 'a'", ("sites.columns.heigth_m", "did you mean height_m")),
        ("[sites.units]\nheight_m = 'feet'", ("sites.units.height_m", "'feet'", "m, ft, km")),
        ("[sites.units]\nowner = 'ft'", ("sites.units.owner",)),
        ("[sites.words.height_m]\na = 'b'", ("sites.words.height_m",)),
        ("[sites.file]\nencodng = 'x'", ("encodng", "did you mean encoding")),
        ("[sites.file]\nencoding = 'x'", ("sites.file.encoding", "tcvn3")),
        ("[sites.file]\ncrs = 'EPSG:1'", ("sites.file.crs", "no known coordinate")),
        ("[sites.file]\ndelimiter = ';;'", ("sites.file.delimiter",)),
        ("[sites.columns]\nowner = 'a'\n[sites.constants]\nowner = 'b'", ("owner", "both")),
        ("[sites", ("not valid TOML",)),
        ("sites = 3", ("sites",)),
    ],
)
def test_a_map_that_says_nonsense_is_refused(tmp_path, text, words):
    path = tmp_path / "columns.toml"
    path.write_text(text)
    with pytest.raises(InputError) as found:
        read_column_maps(path)
    for word in (*words, "columns.toml"):
        assert word in str(found.value), str(found.value)


def test_all_problems_of_a_map_come_at_once(tmp_path):
    path = tmp_path / "columns.toml"
    path.write_text("[sits]\n[cells.units]\nband_mhz = 'kg'\n[links.columns]\nmedim = 'a'\n")
    with pytest.raises(InputError) as found:
        read_column_maps(path)
    assert len(found.value.problems) == 3


def test_a_column_the_file_lacks_is_refused_with_the_nearest(tmp_path):
    path = tmp_path / "operators.csv"
    path.write_text("Ma,Ten nha mang,share\na,A,1\n")
    with pytest.raises(InputError, match="did you mean Ten nha mang"):
        read_table(
            path, "operators", crs=CRS, columns=ColumnMap(columns={"name": "Ten nha manh", "operator": "Ma"})
        )


def test_power_in_watts_becomes_dbm_and_no_power_is_refused(tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("cell_id,site_id,operator,P\na,s,o,20\nb,s,o,0\n")
    columns = ColumnMap(columns={"eirp_dbm": "P"}, units={"eirp_dbm": "W"})
    with pytest.raises(InputError, match=r"row 2.*cannot be converted from W"):
        read_table(path, "cells", crs=CRS, columns=columns)
    path.write_text("cell_id,site_id,operator,P\na,s,o,20\n")
    assert read_table(path, "cells", crs=CRS, columns=columns)["eirp_dbm"].tolist() == pytest.approx(
        [43.0103], abs=1e-4
    )


def test_lines_above_the_header_are_skipped(tmp_path):
    path = tmp_path / "operators.csv"
    path.write_text("BÁO CÁO\nnăm 2025\noperator,name,share\na,A,1\n", encoding="utf-8")
    columns = ColumnMap(file=FileFormat(skip_lines=2))
    assert len(read_table(path, "operators", crs=CRS, columns=columns)) == 1
