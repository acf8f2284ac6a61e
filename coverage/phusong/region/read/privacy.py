"""Personal data in users' tables: person names, phones, e-mails, subscriber and identity numbers stay out of layers."""

import re
from typing import Any

import pandas as pd

from phusong.errors import Notice, Problem
from phusong.region.read.encoding import fold
from phusong.region.schema import LAYERS

__all__ = ["holds_personal_data", "personal_kind", "without_personal_data"]

_SHARE = 0.05  # of the values: a column of notes with a phone here and there is one too
_NAME_SHARE = 0.6  # of the values that begin like a person's name
_SAMPLE = 20_000  # values looked at, spread over the column

_HEADERS = {
    "person name": re.compile(
        r"(^|_)(ho_(va_)?ten|hoten|full_?name|first_?name|last_?name|sur_?name|hieu_truong|lien_he|contact|"
        r"nguoi_(lien_he|lien_lac|quan_ly|dai_dien|phu_trach|dung_ten|lap|ky)|chu_(nha|ho|dat|thue_bao)|"
        r"ten_(khach_hang|thue_bao|chu_nha|chu_ho|chu_dat|can_bo|nhan_vien|hieu_truong|nguoi_\w+)|"
        r"(customer|subscriber|contact|manager|landlord|principal|person|head_teacher|technician)_?(name|person))(_|$)"
    ),
    "phone number": re.compile(
        r"(^|_)((so_)?(dien_thoai|sdt|dtdd)|so_(dt|di_dong)|dienthoai|(tele)?phone(_?(no|number))?|"
        r"mobile_?(no|number|phone)|tel|fax|hotline|zalo)(_|$)"
    ),
    "subscriber number": re.compile(r"(^|_)(imsi|msisdn|imei|iccid|subscriber_?(id|no))(_|$)"),
    "identity number": re.compile(
        r"(^|_)(cccd|cmnd|can_cuoc(_cong_dan)?|chung_minh(_nhan_dan)?|so_dinh_danh|passport(_?no)?|ho_chieu|"
        r"national_id|id_card|identity_(no|number))(_|$)"
    ),
    "e-mail address": re.compile(r"(^|_)(e_?mail|thu_dien_tu)(_|$)"),
    "date of birth": re.compile(r"(^|_)(ngay_sinh|date_of_birth|birth_?(date|day)|dob)(_|$)"),
}
_CONTENTS = {
    # no part is longer in an address, nor may a text without one be searched for ever
    "e-mail address": re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}\.[A-Za-z]{2}"),
    # mobile numbers of Viet Nam, with any of the usual gaps; no run of digits behind a decimal mark
    "phone number": re.compile(r"(?:^|[^\d.,])(?:\+?84|0)[ .-]?[35789](?:[ .-]?\d){8}(?:$|[^\d])"),
    "subscriber number": re.compile(r"(?:^|[^\d.,])452\d{12}(?:$|\D)"),
    # the citizen's card: province 001 to 096, sex and century, year, six digits
    "identity number": re.compile(r"(?:^|[^\d.,])0(?:0[1-9]|[1-8]\d|9[0-6])\d{9}(?:$|\D)"),
}
_SURNAMES = "nguyen|tran|le|pham|hoang|huynh|phan|vu|vo|dang|bui|do|ho|ngo|duong|ly|dao|doan|vuong|trinh|dinh|lam|mai|to|ha|luong"
_PERSON = re.compile(rf"^(?:(?:ong|ba|anh|chi|mr|mrs|ms)_)?(?:{_SURNAMES})_[a-z]+_[a-z]+(?:_[a-z]+)?$")
_PLACES_HEADER = re.compile(
    r"(^|_)(ten|name|truong|school|duong|street|pho|road|dia_chi|address|thon|ban|xa|phuong)(_|$)"
)


def without_personal_data(
    frame: Any,  # noqa: ANN401 - with or without geometry
    layer: str,
    where: str,
) -> tuple[Any, list[Problem], list[Notice]]:
    """Return a table without columns that hold personal data, and which were dropped.

    A column that the layer cannot be without is refused instead.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Columns as the schema names them, and any others.
    layer, where : str
        Which layer; the file's name.
    """
    columns = {c.name: c for c in LAYERS[layer]}
    problems: list[Problem] = []
    notices: list[Notice] = []
    dropped = []
    for name in frame.columns:
        if name == "geometry":
            continue
        column = columns.get(str(name))
        kind = personal_kind(
            frame[name], str(name), ours=column is not None, key=column is not None and column.key
        )
        if not kind:
            continue
        if column is not None and column.default is None:
            told = f"looks like {kind}s; layers hold no personal data: put a code of the thing there instead"
            problems.append(Problem(where, told, column=str(name)))
        else:
            dropped.append(name)
            notices.append(
                Notice(where, f"looks like {kind}s and was left out: layers hold no personal data", str(name))
            )
    return frame.drop(columns=dropped), problems, notices


def holds_personal_data(text: str) -> bool:
    """Return whether a text holds an address, a phone number, a subscriber's or an identity number.

    Examples
    --------
    >>> holds_personal_data("Người lập biểu, ĐT 0912345678"), holds_personal_data("Tổng cộng")
    (True, False)
    """
    return any(pattern.search(text) for pattern in _CONTENTS.values())


def personal_kind(values: "pd.Series[Any]", name: str, *, ours: bool = False, key: bool = False) -> str:
    """Return which personal data a column looks like; empty: none.

    Parameters
    ----------
    values : Series
        The column.
    name : str
        Its name.
    ours : bool
        Whether it is a column of the schema: its name is no sign then, only what it holds.
    key : bool
        Whether it is a key: a cell's global identity has as many digits as a subscriber's.

    Examples
    --------
    >>> personal_kind(pd.Series(["0912 345 678", "n/a"]), "ghi_chu")
    'phone number'
    >>> personal_kind(pd.Series(["S1", "S2"]), "Người liên hệ")
    'person name'
    """
    folded = fold(name)
    if not ours:
        for kind, pattern in _HEADERS.items():
            if pattern.search(folded):
                return kind
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_float_dtype(values.dtype):
        return ""
    text = values.iloc[:: max(1, len(values) // _SAMPLE)].dropna().astype("str")
    text = text[text.str.strip() != ""]
    if text.empty:
        return ""
    values_seen = text.tolist()
    joined = "\n".join(values_seen)
    for kind, looks in _CONTENTS.items():
        if (key and kind == "subscriber number") or not looks.search(joined):
            continue
        if sum(bool(looks.search(v)) for v in values_seen) > _SHARE * len(values_seen):
            return kind
    if not ours and not _PLACES_HEADER.search(folded):
        words = text.iloc[:2000].map(fold)
        if float(words.map(lambda w: bool(_PERSON.match(w))).mean()) > _NAME_SHARE:
            return "person name"
    return ""
