"""OpenCelliD files: read in blocks, gathered into sites, joined to the region, or refused by row and column."""

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from phusong.errors import InputError
from phusong.region.importers import IMPORTERS, Options
from phusong.region.importers.opencellid import cluster_cells, network_operators
from phusong.region.importers.opencellid_csv import COLUMNS, read_cell_rows
from phusong.region.replace import with_imported
from phusong.region.validate import check_region
from small_region import small_region

HEADER = ",".join(COLUMNS)
TO_DEGREES = Transformer.from_crs("EPSG:32648", "EPSG:4326", always_xy=True)
VIET_NAM = (102.0, 8.0, 110.0, 24.0)


def row(radio="LTE", mcc=452, net=4, area=100, cell=1000 * 256 + 1, east=505_000.0, north=2_405_000.0, samples=5, updated=1_700_000_000):  # fmt: skip
    lon, lat = TO_DEGREES.transform(east, north)
    return f"{radio},{mcc},{net},{area},{cell},0,{lon:.6f},{lat:.6f},1000,{samples},1,1500000000,{updated},0"


@pytest.fixture
def viet_region(region):
    from dataclasses import replace

    operators = region.operators.assign(operator=["viettel", "others"])
    sites = region.sites.assign(owner="viettel")
    cells = region.cells.assign(operator="viettel")
    return replace(region, operators=operators, sites=sites, cells=cells)


def write(path, *rows, header=True, end="\n"):
    text = "\n".join([*([HEADER] if header else []), *rows]) + end
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def imported(region, path):
    return IMPORTERS["opencellid"].read(region, [path], Options())


ROWS = [
    row(cell=1000 * 256 + s, east=505_000 + 150 * np.sin(s * 2.1), north=2_405_000 + 150 * np.cos(s * 2.1)) for s in (1, 2, 3)
] + [
    row("UMTS", cell=4711, east=505_060, north=2_405_050),
    row("GSM", cell=4712, east=512_000, north=2_412_000),
    row(net=5, cell=77 * 256, east=505_010, north=2_405_000),
]  # fmt: skip


@pytest.mark.parametrize("name", ["452.csv", "452.csv.gz"])
@pytest.mark.parametrize("header", [True, False])
def test_cells_become_sites_by_station_and_place(viet_region, tmp_path, name, header):
    found = imported(viet_region, write(tmp_path / name, *ROWS, header=header))
    sites, cells = found.layers["sites"], found.layers["cells"]
    # the station with its UMTS neighbour, the GSM cell far off, and the other operator's station at the same place
    assert len(sites) == 3
    assert cells.groupby("site_id").size().sort_values().tolist() == [1, 1, 4]
    assert set(cells["technology"]) == {"2G", "3G", "4G"}
    assert sites.set_index("site_id").loc[cells["site_id"], "owner"].tolist() == cells["operator"].tolist()
    assert set(sites["owner"]) == {"viettel", "others"}
    notes = {s.layer: s for s in found.sources}
    assert notes["sites"].kind == "measured"
    assert notes["cells"].kind == "assumed"
    assert "EIRP" in notes["cells"].notes


def test_an_import_makes_a_sound_region_that_says_where_it_comes_from(viet_region, tmp_path):
    found = imported(viet_region, write(tmp_path / "452.csv", *ROWS))
    joined = with_imported(viet_region, found).region
    assert check_region(joined) == []
    assert "x0" in set(joined.sites["site_id"])  # the exchange stays
    assert joined.source_of("sites").source == "OpenCelliD (452.csv)"
    assert joined.source_of("links").kind == "assumed"
    assert joined.source_of("sites").as_of == "2023-11"


def test_the_order_of_rows_does_not_matter(viet_region, tmp_path):
    one = imported(viet_region, write(tmp_path / "a.csv", *ROWS)).layers
    other = imported(viet_region, write(tmp_path / "a.csv", *reversed(ROWS))).layers
    for layer in ("sites", "cells"):
        assert one[layer].equals(other[layer])


def test_sectors_point_to_where_they_were_heard(viet_region, tmp_path):
    path = write(
        tmp_path / "a.csv",
        row(cell=256, east=505_000, north=2_406_000),
        row(cell=257, east=505_000, north=2_404_000),
    )
    cells = imported(viet_region, path).layers["cells"].set_index("cell_id")
    assert cells["azimuth_deg"].tolist() == [0.0, 180.0]
    assert set(cells["beamwidth_deg"]) == {65.0}


def test_what_is_left_out_is_counted(viet_region, tmp_path):
    path = write(
        tmp_path / "a.csv", ROWS[0], row(mcc=460), row(cell=9, east=900_000), row("CDMA", cell=8), row(net=99, cell=5),
        row(cell=1000 * 256 + 1, updated=1, samples=900),
    )  # fmt: skip
    found = imported(viet_region, path)
    text = "\n".join(map(str, found.notices))
    for word in ("other countries", "outside the region", "CDMA", "452-99", "older rows"):
        assert word in text, text
    assert len(found.layers["cells"]) == 1


def test_every_network_goes_to_an_operator_of_the_region(region, viet_region):
    codes, _ = network_operators(viet_region)
    assert codes["452-04"] == "viettel"
    assert codes["452-05"] == "others"
    found, missing = network_operators(region)  # its operators are red and blue
    assert found == {}
    assert any("MobiFone" in m for m in missing)


BAD = {
    "swapped": ([HEADER, "LTE,452,4,1,256,0,21.7,105.05,1,1,1,1,1,0"], ("row 1, column lat", "swapped")),
    "swapped within range": ([HEADER.replace("lon,lat", "lat,lon"), ROWS[0]], ("beyond 90", "swapped")),
    "a word for a number": (
        [HEADER, ROWS[0].replace(",100,", ",x,")],
        ("row 1, column area", "'x'", "is no number"),
    ),
    "too few values": ([HEADER, ROWS[0], ",".join(ROWS[1].split(",")[:9])], ("row 3", "9 values", "cut off")),
    "too many values": ([HEADER, ROWS[0] + ",,1"], ("16 values",)),
    "a column missing": ([HEADER.replace(",cell,", ",zelle,"), ROWS[0]], ("column cell", "is missing")),
    "a wrong delimiter within": ([HEADER, ROWS[0].replace(",", ";")], ("has 1 value where",)),
    "another country": ([HEADER, row(mcc=460)], ("mcc 452",)),
    "only what cannot be": ([HEADER, row(cell=0), row("LTD", cell=9)], ("cell identity 0", "no known radio")),
    "another place": ([HEADER, row(east=900_000)], ("no cell in the region",)),
    "nothing": ([""], ("empty",)),
    "only a header": ([HEADER], ("no cells",)),
    "endless numbers": ([HEADER, ROWS[0].replace(",100,", ",1e400,")], ("column area", "1e400")),
    "negative": ([HEADER, ROWS[0].replace(",100,", ",-1,")], ("column area", "-1")),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_place_and_remedy(viet_region, tmp_path, case):
    lines, words = BAD[case]
    path = tmp_path / "cells.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as error:
        imported(viet_region, path)
    for word in ("cells.csv", *words):
        assert word in str(error.value), str(error.value)


def test_other_writings_are_read_alike(viet_region, tmp_path):
    plain = imported(viet_region, write(tmp_path / "a.csv", *ROWS)).layers["cells"]
    lines = [HEADER, *ROWS]
    semicolons = [line.replace(".", "#").replace(",", ";").replace("#", ",") for line in lines]
    for data in (
        b"\xef\xbb\xbf" + "\n".join(lines).encode(),
        "\r\n".join(lines).encode(),
        "\n".join(semicolons).encode(),
    ):
        (tmp_path / "b.csv").write_bytes(data)
        assert imported(viet_region, tmp_path / "b.csv").layers["cells"].equals(plain)
    (tmp_path / "c.csv").write_text("\n".join(lines), encoding="utf-16")
    with pytest.raises(InputError, match="UTF-16"):
        imported(viet_region, tmp_path / "c.csv")


def test_a_truncated_archive_is_refused(viet_region, tmp_path):
    rng = np.random.default_rng(1)
    many = [row(cell=int(c)) for c in rng.integers(1, 2**27, 3000)]
    path = write(tmp_path / "452.csv.gz", *many)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match="cut off"):
        imported(viet_region, path)


def test_all_wrong_rows_are_counted_and_the_first_are_shown(viet_region, tmp_path):
    path = write(tmp_path / "a.csv", *[ROWS[0].replace(",100,", ",x,")] * 50)
    with pytest.raises(InputError) as error:
        imported(viet_region, path)
    assert len(error.value.problems) == 22
    assert "30 more" in str(error.value.problems[-2])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 4000), st.floats(0, 4000), st.integers(0, 1), st.integers(0, 3)), min_size=1, max_size=60)
)  # fmt: skip
def test_no_site_is_wider_than_twice_the_reach_and_none_mixes_operators(points):
    east, north, operator, radio = (np.array(v) for v in zip(*points, strict=True))
    radio = np.where(radio == 2, 0, radio).astype(np.int8)  # without identities only places count
    radio = np.where(radio == 3, 1, radio).astype(np.int8)
    cell = np.arange(east.size)
    found = cluster_cells(radio, operator, cell, np.ones(east.size, np.int64), east, north, reach_m=200.0)
    assert found.site.size == east.size
    assert set(found.site) == set(range(found.leader.size))
    for s in range(found.leader.size):
        mine = found.site == s
        assert len(set(operator[mine])) == 1
        lead = found.leader[s]
        assert np.hypot(east[mine] - east[lead], north[mine] - north[lead]).max() <= 200.0 + 1e-6


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_mutated_files_are_read_or_refused_never_a_traceback(tmp_path, data):
    base = bytearray(("\n".join([HEADER, *ROWS]) + "\n").encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(base) - 1))
        kind = data.draw(st.sampled_from(["set", "cut", "insert", "end"]))
        if kind == "set":
            base[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del base[at : at + data.draw(st.integers(1, 40))]
        elif kind == "insert":
            base[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        else:
            del base[at:]
        if not base:
            base = bytearray(b"\n")
    path = tmp_path / "cells.csv"
    path.write_bytes(bytes(base))
    try:
        rows = read_cell_rows(path, VIET_NAM)
    except InputError as error:
        assert "cells.csv" in str(error)  # noqa: PT017 - it may as well be read
    else:
        assert (np.abs(rows.lat) <= 90).all()
        assert rows.lon.size <= rows.rows


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_never_a_traceback(tmp_path, content, packed):
    path = tmp_path / "cells.csv"
    path.write_bytes(gzip.compress(content)[: 20 + len(content)] if packed else content)
    with pytest.raises(InputError, match=r"cells\.csv"):
        read_cell_rows(path, VIET_NAM)


def test_the_small_region_has_no_operator_of_viet_nam(tmp_path):
    with pytest.raises(InputError, match="region's operators"):
        imported(small_region(), write(tmp_path / "a.csv", *ROWS))
