"""Time and memory of the importers of large files: python scripts/benchmarks/benchmark_import.py [opencellid|osm] [size].

Makes a seeded file of the real format in a temporary folder, imports it and prints seconds and peak memory.
opencellid: size in rows (default 1,000,000). osm: size in nodes (default 40,000,000, about a country).
"""

import argparse
import gzip
import multiprocessing
import resource
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import osmium
import pandas as pd

from phusong.region.folder import Region
from phusong.region.importers import IMPORTERS
from phusong.region.importers.base import Options, bounds_deg
from phusong.region.replace import with_imported
from phusong.region.validate import check_region
from phusong.region.vietnam import build_vietnam


def write_opencellid(path: Path, rows: int, bounds: tuple[float, float, float, float], seed: int = 1) -> None:
    """Write rows of stations of four operators strewn over an area: LTE in sectors and carriers, UMTS and GSM cells."""
    rng = np.random.default_rng(seed)
    west, south, east, north = bounds
    stations = max(1, rows // 16)
    at = rng.integers(0, stations, rows)
    towns = np.c_[rng.uniform(west, east, 60), rng.uniform(south, north, 60)]
    near = towns[rng.integers(0, 60, stations)] + rng.normal(0, 0.15, (stations, 2))
    near = np.clip(near, [west, south], [east, north])
    net = rng.choice([1, 2, 4, 5, 7], stations, p=[0.2, 0.25, 0.45, 0.08, 0.02])[at]
    radio = rng.choice(["GSM", "UMTS", "LTE", "NR"], rows, p=[0.2, 0.25, 0.5, 0.05])
    sector = rng.integers(0, 9, rows)
    cell = np.where(
        radio == "LTE",
        at * 256 + sector,
        np.where(radio == "NR", at * 4096 + sector, rng.integers(1, 65000, rows)),
    )
    place = near[at] + rng.normal(0, 0.003, (rows, 2))
    created = rng.integers(1_300_000_000, 1_700_000_000, rows)
    frame = pd.DataFrame(
        {
            "radio": radio, "mcc": 452, "net": net, "area": at % 60000 + 1, "cell": cell, "unit": 0,
            "lon": place[:, 0].round(6), "lat": place[:, 1].round(6), "range": rng.integers(100, 5000, rows),
            "samples": rng.integers(1, 500, rows), "changeable": 1, "created": created,
            "updated": created + rng.integers(0, 50_000_000, rows), "averageSignal": 0,
        }
    )  # fmt: skip
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as file:
        frame.to_csv(file, index=False)


def write_osm(path: Path, nodes: int, bounds: tuple[float, float, float, float], seed: int = 1) -> None:
    """Write a country by repetition: a province with power, roads and schools, and blocks of land beside it, again and again.

    The blocks repeat, numbers included, which costs a reader what new ones would.
    """
    base = 2_000_000
    inner, outer = min(nodes // 4, 1_000_000), min(nodes, base)
    west, south, east, _ = bounds
    away = (west, south - 3.0, east, south - 1.0)
    with tempfile.TemporaryDirectory() as folder:
        parts = {
            name: _write_part(Path(folder), name, size, box, first, seed)
            for name, size, box, first in (("province", inner, bounds, 1), ("land", outer, away, 10**9))
        }
        times = max(1, round((nodes - inner) / outer))
        with path.open("wb") as out:
            for i, (name, many) in enumerate(
                (kind, n) for kind in (0, 1) for n in (("province", 1), ("land", times))
            ):
                which, repeat = many
                head, body = _blocks(parts[which][name])
                out.write(head if i == 0 else b"")
                for _ in range(repeat):
                    out.write(body)


def _write_part(
    folder: Path, name: str, nodes: int, bounds: tuple[float, float, float, float], first: int, seed: int
) -> tuple[Path, Path]:
    """Write chains of nodes and the ways along them, in two files, and return them."""
    rng = np.random.default_rng(seed)
    west, south, east, north = bounds
    chain = 50
    ways = nodes // chain
    start = np.c_[rng.uniform(west, east, ways), rng.uniform(south, north, ways)]
    steps = rng.normal(0, 0.0005, (ways, chain, 2)).cumsum(axis=1) + start[:, None, :]
    paths = folder / f"{name}-nodes.osm.pbf", folder / f"{name}-ways.osm.pbf"
    node, way = osmium.osm.mutable.Node, osmium.osm.mutable.Way
    writer = osmium.SimpleWriter(str(paths[0]))
    for w, line in enumerate(steps.tolist()):
        for k, place in enumerate(line):
            tags = {"amenity": "school", "name": f"T {w}"} if k == 0 and w % 40 == 0 else {}
            writer.add_node(node(id=first + w * chain + k, location=place, tags=tags))
    writer.close()
    writer = osmium.SimpleWriter(str(paths[1]))
    kinds = {0: {"power": "line", "voltage": "35000"}, 1: {"highway": "residential"}, 2: {"building": "yes"}}
    for w in range(ways):
        tags = kinds[0] if w % 50 == 0 else kinds[1 + w % 2]
        writer.add_way(way(id=first + w, nodes=range(first + w * chain, first + (w + 1) * chain), tags=tags))
    writer.close()
    return paths


def _blocks(path: Path) -> tuple[bytes, bytes]:
    """Return the header block of a .osm.pbf and all blocks behind it (wiki.openstreetmap.org: PBF Format)."""
    data = path.read_bytes()
    size = int.from_bytes(data[:4], "big")
    header = data[4 : 4 + size]
    at, body = header.index(b"\x18") + 1, 0  # field 3 of the header: size of the block, a varint
    shift = 0
    while True:
        byte = header[at]
        body |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    end = 4 + size + body
    return data[:end], data[end:]


class Memory(threading.Thread):
    """Largest private memory seen while it runs; pages of mapped files, which the system may drop, are apart."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most_mib, self.done = 0.0, False

    def run(self) -> None:
        """Look twenty times a second."""
        while not self.done:
            for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
                if line.startswith("RssAnon"):
                    self.most_mib = max(self.most_mib, int(line.split()[1]) / 1024)
            time.sleep(0.05)


def measure(kind: str, region: Region, path: Path) -> None:
    """Import a file and print what it took."""
    print(f"{path.name}: {path.stat().st_size / 2**20:.0f} MiB")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    memory = Memory()
    memory.start()
    start = time.perf_counter()
    found = IMPORTERS[kind].read(region, [path], Options())
    seconds = time.perf_counter() - start
    joined = with_imported(region, found).region
    problems = check_region(joined)
    whole = time.perf_counter() - start
    memory.done = True
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sizes = ", ".join(f"{len(v):,} {k}" for k, v in found.layers.items())
    print(
        f"{kind}: {seconds:.1f} s to read, {whole:.1f} s joined and checked ({len(problems)} problems), peak {peak:.0f} MiB resident (before: {before:.0f}), private {memory.most_mib:.0f} MiB; {sizes}"
    )


def main() -> None:
    """Run the one asked for."""
    parser = argparse.ArgumentParser(description="Time and memory of the importers of large files.")
    parser.add_argument("kind", nargs="?", choices=("opencellid", "osm"), default="opencellid")
    parser.add_argument("size", nargs="?", type=int, help="rows, or nodes of the map")
    given = parser.parse_args()
    kind = given.kind
    size = given.size or {"opencellid": 1_000_000, "osm": 40_000_000}[kind]
    region = build_vietnam(("Lai Châu",), cell_m=1000.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / {"opencellid": "452.csv.gz", "osm": "country.osm.pbf"}[kind]
        # the file is made by another process, so that its memory does not count
        write = {"opencellid": write_opencellid, "osm": write_osm}[kind]
        maker = multiprocessing.get_context("spawn").Process(
            target=write, args=(path, size, bounds_deg(region.grid))
        )
        maker.start()
        maker.join()
        measure(kind, region, path)


if __name__ == "__main__":
    main()
