"""Antenna files as makers write them, and files that are not what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.region.antennas import antenna_text, read_antenna, read_antennas


def cut(peak: int) -> list[float]:
    return [round(min(12 * (((k - peak + 180) % 360 - 180) / 10.0) ** 2, 30.0), 2) for k in range(360)]


def text(vertical: list[float], head: str = "TILT ELECTRICAL 6", gain: str = "15.85 dBd") -> str:
    lines = [
        "NAME K 742 215",
        "MAKE K",
        "FREQUENCY 947.5",
        f"GAIN {gain}",
        head,
        "COMMENT dịch vụ",
        "HORIZONTAL 360",
    ]
    lines += [f"{k}.0\t{v}" for k, v in enumerate(cut(0))]
    lines += ["VERTICAL 360", *(f"{k}.0 {v}" for k, v in enumerate(vertical))]
    return "\r\n".join(lines)


def test_a_maker_s_file_is_read_and_reads_back_the_same(tmp_path):
    path = tmp_path / "a.msi"
    path.write_text(text(cut(6)), encoding="utf-8")
    found = read_antenna(path)
    assert found.name == "K 742 215"
    assert found.gain_dbi == pytest.approx(18.0)
    assert found.frequency_mhz == 947.5
    assert found.vertical_db.argmin() == 6
    (tmp_path / "b.pln").write_text(antenna_text(found), encoding="utf-8")
    again = read_antennas(tmp_path)["b.pln"]
    assert np.array_equal(again.vertical_db, found.vertical_db)
    assert np.array_equal(again.horizontal_db, found.horizontal_db)
    assert again.gain_dbi == found.gain_dbi


def test_a_cut_that_counts_upwards_is_turned_over(tmp_path):
    (tmp_path / "a.msi").write_text(text(cut(354)), encoding="utf-8")
    assert read_antenna(tmp_path / "a.msi").vertical_db.argmin() == 6
    (tmp_path / "a.msi").write_text(text(cut(354), head="TILT MECHANICAL"), encoding="utf-8")
    assert read_antenna(tmp_path / "a.msi").vertical_db.argmin() == 354


def test_gain_in_dbi_stays_and_signs_do_not_matter(tmp_path):
    lines = text([-v for v in cut(6)], gain="17.5 dBi")
    (tmp_path / "a.msi").write_text(lines, encoding="utf-8")
    found = read_antenna(tmp_path / "a.msi")
    assert found.gain_dbi == 17.5
    assert found.vertical_db[6] == 0.0
    assert (found.vertical_db >= 0).all()


def test_everything_wrong_is_named_with_its_line(tmp_path):
    broken = text(cut(6)).replace("3.0\t1.08", "3.0\tlots").replace("VERTICAL 360", "VERTICAL many")
    (tmp_path / "a.msi").write_text(broken, encoding="utf-8")
    (tmp_path / "b.msi").write_text("\n".join(text(cut(6)).splitlines()[:-5]), encoding="utf-8")
    (tmp_path / "c.msi").write_text("NAME only", encoding="utf-8")
    with pytest.raises(InputError) as found:
        read_antennas(tmp_path)
    said = str(found.value)
    assert "a.msi row 11" in said
    assert "VERTICAL 360" in said
    assert "355 of 360 lines" in said
    assert "c.msi: has no HORIZONTAL section" in said


@settings(max_examples=60, deadline=None)
@given(junk=st.binary(max_size=400), at=st.integers(0, 3000))
def test_junk_is_refused_or_read_never_a_crash(tmp_path_factory, junk, at):
    path = tmp_path_factory.mktemp("junk") / "a.msi"
    whole = text(cut(6)).encode()
    path.write_bytes(whole[:at] + junk + whole[at + len(junk) :])
    try:
        found = read_antenna(path)
    except InputError:
        return
    assert np.isfinite(found.horizontal_db).all()
    assert np.isfinite(found.vertical_db).all()
