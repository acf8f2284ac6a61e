"""Personal data stays out of layers: dropped and said, or the file refused."""

import pandas as pd
import pytest

from phusong.errors import InputError
from phusong.region.read.privacy import personal_kind
from phusong.region.read.table import read_layer

CRS = "EPSG:32648"


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Số điện thoại", "phone number"), ("SĐT liên hệ", "person name"), ("Phone", "phone number"),
        ("mobile_no", "phone number"), ("E-mail", "e-mail address"), ("CCCD", "identity number"),
        ("Số CMND", "identity number"), ("IMSI", "subscriber number"), ("msisdn", "subscriber number"),
        ("Họ và tên", "person name"), ("ho_ten", "person name"), ("contact_person", "person name"),
        ("Người quản lý", "person name"), ("Chủ nhà", "person name"), ("Ngày sinh", "date of birth"),
    ],
)  # fmt: skip
def test_names_of_columns_give_them_away(header, kind):
    assert personal_kind(pd.Series(["x", "y"]), header) == kind


@pytest.mark.parametrize(
    "header",
    ["name", "Tên xã", "owner", "owner_name", "operator", "Số thuê bao", "Số khách hàng", "mobile_coverage", "dt_km2",
     "telecom", "so_nguoi", "height_m", "Ghi chú"],
)  # fmt: skip
def test_names_of_things_and_counts_stay(header):
    assert personal_kind(pd.Series(["Hà Giang", "12"]), header) == ""


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["gọi 0912 345 678", "", "tốt"], "phone number"),
        (["+84 912.345.678"], "phone number"),
        (["a.b@vnpt.vn"], "e-mail address"),
        (["452041234567890"], "subscriber number"),
        (["001099012345"], "identity number"),
        (["Nguyễn Văn An", "Trần Thị Bình", "Ông Lê Hồng Sơn"], "person name"),
    ],
)
def test_contents_give_them_away(values, kind):
    assert personal_kind(pd.Series(values), "ghi_chu") == kind


@pytest.mark.parametrize(
    "values",
    [
        ["105.0912345678", "21.0351234567"], ["452-04-1234-5678"], ["2025-11-25"], ["12345678901", "8412345678"],
        ["Trường THCS Nguyễn Du"], ["S001", "S002"], [1.5, 2.5], [True, False],
    ],
    ids=str,
)  # fmt: skip
def test_measures_codes_and_places_stay(values):
    assert personal_kind(pd.Series(values), "ghi_chu") == ""


def test_a_stray_number_among_many_is_no_column_of_phones():
    assert personal_kind(pd.Series(["ok"] * 99 + ["0912345678"]), "note") == ""


def test_such_columns_are_left_out_and_said(tmp_path):
    path = tmp_path / "facilities.csv"
    path.write_text(
        "facility_id,kind,commune_code,lon,lat,Hiệu trưởng,Điện thoại,cấp\n"
        "T1,school,00001,105.2,22.5,Nguyễn Thị Hoa,0912345678,2\n",
        encoding="utf-8",
    )
    read = read_layer(path, "facilities", crs=CRS)
    assert list(read.frame.columns) == [
        "facility_id",
        "kind",
        "commune_code",
        "record_kind",
        "cấp",
        "geometry",
    ]
    said = [n for n in read.notices if "personal data" in n.what]
    assert [n.column for n in said] == ["Hiệu trưởng", "Điện thoại"]


def test_a_key_made_of_phone_numbers_is_refused(tmp_path):
    path = tmp_path / "operators.csv"
    path.write_text("operator,name,share\n0912345678,A,1\n")
    with pytest.raises(InputError, match=r"column operator.*phone numbers.*code of the thing"):
        read_layer(path, "operators", crs=CRS)


def test_an_owner_column_of_persons_phones_is_left_out(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("site_id,lon,lat,owner\nA,105.2,22.5,0912345678\n")
    assert read_layer(path, "sites", crs=CRS).frame["owner"].tolist() == ["unknown"]


def test_global_identities_of_cells_are_no_subscribers():
    assert personal_kind(pd.Series(["452041234512345"]), "cell_id", ours=True, key=True) == ""
