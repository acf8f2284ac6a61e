"""phusong region import: what a planner types, and what stands on the disk afterwards."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from phusong.cli.region import app
from phusong.errors import InputError
from phusong.region.folder import Region
from phusong.region.importers import IMPORTERS
from phusong.region.schema import LAYERS

SCHOOLS = "school_id_giga,latitude,longitude\ns1,21.75,105.05\ns2,21.85,105.15\n"


@pytest.fixture
def folder(region, tmp_path):
    region.write(tmp_path / "region")
    (tmp_path / "schools.csv").write_text(SCHOOLS)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)


def test_a_new_region_is_written_and_the_old_one_stays(folder):
    before = Region.read(folder / "region").digests()
    done = run(
        "import",
        folder / "region",
        "giga",
        folder / "schools.csv",
        "--out",
        folder / "new",
        "--as-of",
        "2025",
    )
    assert done.exit_code == 0, done.output
    new = Region.read(folder / "new")
    assert new.facilities["facility_id"].tolist() == ["s1", "s2"]
    assert new.source_of("facilities").as_of == "2025"
    assert Region.read(folder / "region").digests() == before


def test_without_out_the_region_itself_takes_the_layer(folder):
    run("import", folder / "region", "giga", folder / "schools.csv")
    assert len(Region.read(folder / "region").facilities) == 2


def test_a_bad_file_changes_nothing(folder):
    before = {p.name: p.read_bytes() for p in (folder / "region").iterdir()}
    (folder / "schools.csv").write_text(SCHOOLS.replace("21.75", "nowhere"))
    with pytest.raises(InputError, match=r"schools\.csv row 1"):
        run("import", folder / "region", "giga", folder / "schools.csv")
    assert {p.name: p.read_bytes() for p in (folder / "region").iterdir()} == before


def test_a_region_imported_twice_has_the_same_bytes(folder):
    for name in ("a", "b"):
        run("import", folder / "region", "giga", folder / "schools.csv", "--out", folder / name)
    one, other = ({p.name: p.read_bytes() for p in (folder / n).iterdir()} for n in ("a", "b"))
    assert one == other


def test_the_list_names_every_kind_and_every_layer_exists(folder):
    shown = run("import", folder / "region", "list").output
    for kind, importer in IMPORTERS.items():
        assert kind in shown
        assert set(importer.layers) <= {*LAYERS, "elevation", "clutter", "roads"}


def test_roads_are_written_beside_the_region(folder, region):
    osmium = pytest.importorskip("osmium")
    import geopandas as gpd

    writer = osmium.SimpleWriter(str(folder / "vn.osm.pbf"))
    m = osmium.osm.mutable
    for i, place in enumerate([(105.05, 21.75), (105.06, 21.76)], 1):
        writer.add_node(m.Node(id=i, location=place, tags={"amenity": "school"} if i == 1 else {}))
    writer.add_way(m.Way(id=1, nodes=[1, 2], tags={"highway": "track"}))
    writer.close()
    done = run(
        "import",
        folder / "region",
        "osm",
        folder / "vn.osm.pbf",
        "--roads",
        folder / "roads.gpkg",
        "--layer",
        "facilities",
    )
    assert done.exit_code == 0, done.output
    assert gpd.read_file(folder / "roads.gpkg")["kind"].tolist() == ["track"]
    assert Region.read(folder / "region").facilities["facility_id"].tolist() == ["osm-n1"]


def test_hostile_names_are_shown_as_they_are_and_exit_2_tells_bad_input(folder):
    done = subprocess.run(
        [sys.executable, "-m", "phusong", "region", "import", str(folder / "region"), "[red]giga[/red]", "x.csv"],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin", "NO_COLOR": "1", "COLUMNS": "300"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "[red]giga[/red]" in done.stderr
    assert "Traceback" not in done.stderr


def test_every_source_of_the_catalogue_has_its_importer():
    import tomllib

    from phusong.io.resources import geodata_path

    catalogue = tomllib.loads(geodata_path("catalogue.toml").read_text(encoding="utf-8"))
    assert {entry["importer"] for entry in catalogue.values() if "importer" in entry} <= set(IMPORTERS)
