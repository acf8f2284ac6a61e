"""Any bytes under any ending: a layer that holds to its schema, or an error that names the file; nothing else."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from phusong.errors import InputError
from phusong.region.read.columns import read_column_maps
from phusong.region.read.table import ENDINGS, read_table, table_problems, write_table
from phusong.region.schema import LAYERS
from small_region import small_region

CRS = "EPSG:32648"
QUICK = settings(
    max_examples=12,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def read_or_refuse(path: Path, layer: str):
    """Return the layer, or None when it was refused in the way that a planner can act on."""
    frame, problems = None, []
    try:
        frame = read_table(path, layer, crs=CRS)
    except InputError as error:
        problems = error.problems
    assert (frame is None) == bool(problems)
    for problem in problems:
        assert problem.where
        assert len(problem.what) > 8
    if frame is not None:
        assert table_problems(frame, layer, layer) == []
    return frame


@pytest.mark.parametrize("ending", ENDINGS)
def test_random_bytes_are_refused_or_are_a_layer(ending, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / (f"sites.csv{ending}" if ending == ".gz" else f"sites{ending}")

    @QUICK
    @given(
        st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
    )
    def holds(data):
        path.write_bytes(data)
        read_or_refuse(path, "sites")

    holds()


@pytest.mark.parametrize("layer", LAYERS)
def test_random_tables_are_refused_or_are_a_layer(layer, tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / f"{layer}.csv"
    names = [c.name for c in LAYERS[layer]] + ["lon", "lat", "x", "y", "geometry"]
    cell = st.one_of(
        st.sampled_from(
            ["", "1", "-1", "105,2", "21°01'N", "1.234", "tower", "nan", "inf", "POINT (1 1)", '"', "=1"]
        ),
        st.text(max_size=6),
    )

    @settings(QUICK, max_examples=5)
    @given(st.lists(cell, min_size=len(names), max_size=len(names)), st.sampled_from(",;\t|"))
    def holds(cells, mark):
        path.write_bytes(f"{mark.join(names)}\n{mark.join(cells)}\n".encode("utf-8", "replace"))
        found = read_or_refuse(path, layer)
        assert found is None or len(found) <= 1

    holds()


@st.composite
def damages(draw: st.DrawFn, data: bytes) -> bytes:
    """Return a file with bytes changed, cut out, put in or cut off."""
    at = draw(st.integers(0, len(data) - 1))
    how = draw(st.sampled_from(["change", "remove", "insert", "cut", "blank"]))
    some = draw(st.binary(min_size=1, max_size=4))
    if how == "change":
        return data[:at] + some + data[at + len(some) :]
    if how == "remove":
        return data[:at] + data[at + len(some) :]
    if how == "insert":
        return data[:at] + some + data[at:]
    return data[:at] if how == "cut" else data[:at] + bytes(len(data[at : at + 512])) + data[at + 512 :]


def valid_files(folder: Path) -> dict[str, Path]:
    region = small_region()
    files = {e: write_table(region.sites, folder / f"sites.{e}", "sites") for e in ("parquet", "gpkg", "csv")}
    region.sites.to_crs("EPSG:4326").to_file(folder / "sites.geojson", driver="GeoJSON")
    region.sites[["site_id", "geometry"]].to_file(folder / "shape.shp")
    with zipfile.ZipFile(folder / "sites.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.write(files["csv"], "sites.csv")
    return files | {
        "geojson": folder / "sites.geojson", "zip": folder / "sites.zip", "shp": folder / "shape.shp",
        "dbf": folder / "shape.dbf", "shx": folder / "shape.shx", "prj": folder / "shape.prj",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "gpkg", "csv", "geojson", "zip", "shp", "dbf", "shx", "prj"])
def test_a_damaged_file_is_refused_or_keeps_its_rows(kind, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    path = valid_files(folder)[kind]
    main = folder / "shape.shp" if kind in {"dbf", "shx", "prj"} else path
    whole = path.read_bytes()
    rows = len(small_region().sites)

    @QUICK
    @given(damages(whole))
    def holds(data):
        path.write_bytes(data)
        found = read_or_refuse(main, "sites")
        if found is not None and kind != "csv":
            assert len(found) == rows
        if (
            found is not None
            and kind == "csv"
            and data.count(b"\n") == whole.count(b"\n")
            and data.count(b"\r") == 0
        ):
            assert len(found) == rows

    holds()


def test_random_column_maps_are_refused_or_are_maps(tmp_path):
    path = tmp_path / "columns.toml"
    word = st.sampled_from(
        [
            "sites",
            "columns",
            "units",
            "words",
            "file",
            "height_m",
            "ft",
            "encoding",
            "x",
            "[",
            "]",
            "=",
            "'",
            ".",
            "\n",
            "1",
        ]
    )

    @settings(QUICK, max_examples=60)
    @given(st.one_of(st.binary(max_size=60), st.lists(word, max_size=12).map(lambda w: "".join(w).encode())))
    def holds(data):
        path.write_bytes(data)
        problems = []
        try:
            read_column_maps(path)
        except InputError as error:
            problems = error.problems
        assert all(p.where == "columns.toml" for p in problems)

    holds()
