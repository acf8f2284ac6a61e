"""The lists of docs/architecture.md: somebody who follows one touches those places alone, and the program has it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd

import phusong
from small_region import small_region

PACKAGE = Path(phusong.__file__).parent
PAGE = Path(__file__).resolve().parents[1] / "docs" / "architecture.md"

READER = '''"""Markets: a line each, degrees east, degrees north and a name."""

import geopandas as gpd

from phusong.region.folder import Source
from phusong.region.importers.base import Imported, names_of
from phusong.region.relink import codes_of_places


def import_markets(region, files, options):
    """Return markets as facilities."""
    rows = [line.split(maxsplit=2) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    lon, lat, _ = zip(*rows)
    places = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs="EPSG:4326").to_crs(region.grid.crs)
    codes = codes_of_places(places, [""] * len(rows), region.communes)
    ids = [f"m{k}" for k in range(len(rows))]
    frame = {"facility_id": ids, "kind": "other", "commune_code": codes, "record_kind": "measured"}
    markets = gpd.GeoDataFrame(frame, geometry=places, crs=region.grid.crs)
    return Imported({"facilities": markets}, (Source("facilities", "official", names_of(files), "", "", ""),))
'''


def test_an_importer_is_added_by_its_file_and_one_line(tmp_path):
    told = re.search(r"\*\*An importer\*\*: (.*?)\n- ", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    assert "region/importers/" in told
    assert "region/importers/__init__.py" in told
    # as in a checkout: geodata beside the sources
    for name in ("geodata", "scenarios"):
        (tmp_path / name).symlink_to(PACKAGE.parents[1] / name)
    copy = tmp_path / "coverage" / "phusong"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "region" / "importers" / "markets.py").write_text(READER, encoding="utf-8")
    table = copy / "region" / "importers" / "__init__.py"
    text = table.read_text(encoding="utf-8")
    line = '        Importer("markets", "markets, a line each", ("facilities",), import_markets),\n    )\n}'
    text = text.replace("    )\n}", line).replace(
        "\n__all__", "from phusong.region.importers.markets import import_markets\n\n__all__", 1
    )
    table.write_text(text, encoding="utf-8")

    region = small_region()
    region.write(tmp_path / "region")
    middle = region.communes.to_crs("EPSG:4326").geometry.iloc[0].representative_point()
    (tmp_path / "chợ.txt").write_text(f"{middle.x} {middle.y} Chợ Đồng Văn\n", encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "phusong", "region", "import", str(tmp_path / "region"), "markets",
            str(tmp_path / "chợ.txt"), "--out", str(tmp_path / "new"),
        ],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(copy.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = gpd.read_parquet(tmp_path / "new" / "facilities.parquet")
    code = region.communes["commune_code"].iloc[0]
    assert found[found["facility_id"] == "m0"]["commune_code"].tolist() == [code]
