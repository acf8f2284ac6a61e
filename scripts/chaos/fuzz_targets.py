# ruff: noqa: PLC0415 - each target imports what it reads with, so that atheris can look into it
"""What scripts/chaos/fuzz.py throws bytes at: everything in phusong that reads a file of somebody else."""

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["TARGETS", "PromiseBrokenError", "Target", "require"]

_DRAWN = 64
_AS_IMPORT = 0.9
_PICTURED = 0.2  # a picture takes as long as all the rest
ROOT = Path(__file__).resolve().parents[2]


class PromiseBrokenError(Exception):
    """An input did what no input may."""


@dataclass(frozen=True)
class Target:
    """Something that reads a file.

    Parameters
    ----------
    name : str
        Name of the file in its folder.
    good : sequence of bytes
        Contents that are understood, to begin with.
    use : callable
        Reads the file; may raise InputError.
    drawn : sequence of bytes
        Contents that draw a change of structure, to begin with.
    """

    name: str
    good: Sequence[bytes]
    use: Callable[[Path], object]
    drawn: Sequence[bytes] = ()


def scenario_target(_folder: Path) -> Target:
    """Return the reader of scenarios."""
    from phusong.scenario import Scenario

    files = [p.read_bytes() for p in sorted((ROOT / "scenarios").glob("*.toml"))]
    return Target("mine.toml", files, lambda path: Scenario.read(path).to_toml())


def region_target(folder: Path) -> Target:
    """Return the reader of region folders; the first byte chooses the file that is changed."""
    import numpy as np

    from phusong.region.antennas import AntennaPattern, antenna_text
    from phusong.region.folder import Region

    place = _region().write(folder / "region")
    (place / "antennas").mkdir(exist_ok=True)
    pattern = AntennaPattern("a", 17.0, 900.0, np.zeros(360), np.zeros(360))
    (place / "antennas" / "a.msi").write_text(antenna_text(pattern), encoding="utf-8")
    (place / "repairs.csv").write_text("layer,column,reason\nsites,owner,x\n", encoding="utf-8")
    return _folder_target("region.bin", place, lambda _path, _chance: Region.read(place))


def result_target(folder: Path) -> Target:
    """Return the reader of result folders, and what is asked of a result: explain, compare, maps."""
    import zipfile

    from phusong.report.compare import compare
    from phusong.report.explain import explain
    from phusong.report.folder import Result
    from phusong.report.map_style import picture_bytes
    from phusong.report.maps import MAPS

    place = folder / "result"
    with zipfile.ZipFile(ROOT / "tests" / "security" / "small_result.zip") as packed:
        packed.extractall(place)
    good = Result.read(place)

    def use(_path: Path, chance: random.Random) -> object:
        from matplotlib import pyplot as plt

        from phusong.report.maps import draw_map, for_print

        result = Result.read(place)
        for table, column in (("communes", "commune_code"), ("options", "rank"), ("sites", "site_id"), ("bundles", "bundle_id"),
                              ("plan", "remedy_id"), ("options", "bundle_id"), ("remedies", "remedy_id")):  # fmt: skip
            frame = getattr(result, table)
            for name in [frame[column].iloc[chance.randrange(len(frame))]] if len(frame) else []:
                if str(name).strip():
                    explain(result, str(name))
        put = compare({"good": good, "theirs": result}, samples=10)
        put.verdict()
        put.break_even_lines("vi")
        if chance.random() < _PICTURED:
            try:
                picture_bytes(draw_map(for_print(result), chance.choice(list(MAPS))), "png")
            finally:
                plt.close("all")
        return result

    return _folder_target("result.bin", place, use)


def _folder_target(name: str, place: Path, use: Callable[[Path, random.Random], object]) -> Target:
    """Return a target that changes one file of a folder: its structure by what the bytes draw, or its bytes.

    Bytes that begin with S draw a change of structure; of others the first chooses the file, the rest are its bytes.
    """
    import shutil

    from fuzz_structures import change_file

    files = sorted(p for p in place.rglob("*") if p.is_file())
    whole = [p.read_bytes() for p in files]

    def used(path: Path) -> object:
        data = path.read_bytes()
        chance = random.Random(data)  # noqa: S311 - repeatable, not secret
        structural = data[:1] == b"S"
        which = chance.randrange(len(files)) if structural else (data[0] if data else 0) % len(files)
        file = files[which]
        try:
            if structural:
                change_file(file, chance)
            else:
                file.write_bytes(data[1:])
            return use(path, chance)
        finally:
            if file.is_dir() and not file.is_symlink():
                shutil.rmtree(file)
            else:
                file.unlink(missing_ok=True)
            file.write_bytes(whole[which])

    drawn = [b"S" + bytes([k, k >> 1]) + b"seed" for k in range(_DRAWN)]
    return Target(name, [bytes([k]) + w for k, w in enumerate(whole) if k != ord("S")], used, drawn)


def plan_target(_folder: Path) -> Target:
    """Return the reader of plans that somebody brings to `phusong evaluate`."""
    import pandas as pd

    from phusong.invest.evaluation import read_plan
    from phusong.invest.plan_book import PlanBook

    ids = ["build/s01", "battery/s02", "link/s03"]
    book = PlanBook.of_tables(
        {
            "remedies": pd.DataFrame(
                {"remedy_id": ids, "kind": "build", "capex_musd": 1.0, "opex_musd_year": 0.1, "cost_musd": 1.5,
                 "east_m": 5e5, "north_m": 2.4e6}
            ),
            "bundles": pd.DataFrame(
                {"bundle_id": ["b1", "b2"], "kinds": "build", "operators": "red", "commune_code": "00001",
                 "where": "s01", "east_m": 5e5, "north_m": 2.4e6, "remedies": [";".join(ids[:2]), ids[2]]}
            ),
            "people_groups": pd.DataFrame({"commune_code": ["00001", "00002"], "people": [10, 20]}),
            "bundle_groups": pd.DataFrame({"bundle": [0, 1], "group": [0, 1]}),
        }
    )  # fmt: skip
    good = [b"remedy_id,year,fund\nbuild/s01,2026,state\nlink/s03,,\n", "bundle;năm\nb1;2027\n".encode()]
    return Target("plan.csv", good, lambda path: read_plan(path, book))


def events_target(_folder: Path) -> Target:
    """Return the reader of `phusong watch`: lines are events or are rejected with a reason."""
    from phusong.live.events import LineError, parse
    from phusong.live.timeline import FilesRead, Waiting, batches

    def use(path: Path) -> object:
        taken = 0
        files = FilesRead()
        for batch in batches(str(path), files, follow=False):
            if isinstance(batch, Waiting):
                continue
            for line in batch:
                try:
                    taken += parse(line.text).time_ms > 0
                except LineError as error:
                    require(len(error.reason) > 8, "a rejected line has no reason")
        return taken

    time_ = '"time": "2026-01-31T08:00:00+07:00"'
    good = [
        f'{{"id": "1", {time_}, "kind": "site_down", "subject": "s1", "payload": {{"note": "x"}}}}\n'.encode(),
        f'{{"id": "2", {time_}, "kind": "money_disbursed", "subject": "00001", "payload": {{"fund": "state", '
        f'"amount_musd": 1.5}}}}\n{{"id": "3", {time_}, "kind": "clock"}}\n'.encode(),
    ]
    return Target("events.jsonl", good, use)


def importer_target(folder: Path) -> Target:
    """Return the importers: a good file of each kind changed in its structure, or by bytes the first of which chooses it."""
    import shutil

    from fuzz_imports import change_import, good_imports
    from fuzz_structures import change_file

    from phusong.region.importers import Options
    from phusong.region.importers.run import import_files

    region = _region()
    # by these the cells of OpenCelliD are somebody's
    region = replace(
        region, operators=region.operators.assign(operator=["viettel", "others"]),
        sites=region.sites.assign(owner="viettel"), cells=region.cells.assign(operator="viettel"),
    )  # fmt: skip
    made = good_imports(region, folder / "made")

    def use(path: Path) -> object:
        data = path.read_bytes()
        chance = random.Random(data)  # noqa: S311 - repeatable, not secret
        structural = data[:1] == b"S"
        kind, name, whole = chance.choice(made) if structural else made[(data[0] if data else 0) % len(made)]
        place = path.with_name("imports")
        place.mkdir()
        try:
            file = place / name
            file.write_bytes(whole if structural else data[1:])
            if structural and not (chance.random() < _AS_IMPORT and change_import(file, chance)):
                change_file(file, chance)
            return import_files(region, kind, [file], Options())
        finally:
            shutil.rmtree(place)

    drawn = [b"S" + bytes([k, k >> 1]) + b"seed" for k in range(_DRAWN)]
    return Target("import.bin", [bytes([k]) + w for k, (_, _, w) in enumerate(made)], use, drawn)


def storm_target(_folder: Path) -> Target:
    """Return the reader of storm tracks."""
    from phusong.hazard.track import read_track

    files = [p.read_bytes() for p in sorted((ROOT / "geodata" / "storms").glob("*.csv"))]
    return Target("storm.csv", files, lambda path: read_track(path).every(1.0).velocity_ms())


def costs_target(_folder: Path) -> Target:
    """Return the reader of costs that replace the shipped ones."""
    from phusong.invest.unit_costs import with_own_costs

    shipped = (ROOT / "geodata" / "costs.csv").read_bytes()
    return Target("costs.csv", [shipped], lambda path: with_own_costs(path, vnd_per_usd=25_000.0))


def flags_target(_folder: Path) -> Target:
    """Return the reader of communes that a plan favours."""
    import numpy as np

    from phusong.invest.priorities import read_flags

    good = [b"commune_code,ethnic_minority,border\n00001,1,0\n00002,0,1\n"]
    return Target("flags.csv", good, lambda path: read_flags(path, np.array(["00001", "00002"])))


def journal_target(_folder: Path) -> Target:
    """Return the reader of the journal that a watch keeps."""
    import zlib

    from phusong.live.session import journal_records

    text = b'{"standing":"0","line":1}'
    line = b"%08x %b\n" % (zlib.crc32(text), text)
    return Target("journal.jsonl", [line, line * 3], journal_records)


def columns_target(_folder: Path) -> Target:
    """Return the reader of columns.toml."""
    from phusong.region.read.columns import EXAMPLE, read_column_maps

    return Target("columns.toml", [EXAMPLE.encode()], read_column_maps)


def antenna_target(_folder: Path) -> Target:
    """Return the reader of antenna patterns."""
    from phusong.region.antennas import antenna_text, read_antenna

    good = "NAME x\nFREQUENCY 900\nGAIN 15 dBd\nTILT ELECTRICAL\nHORIZONTAL 3\n0 0\n120 10,5\n240 10\nVERTICAL 2\n0 0\n180 30\n"
    return Target("a.msi", [good.encode()], lambda path: antenna_text(read_antenna(path)))


TARGETS: dict[str, Callable[[Path], Target]] = {
    "scenario": scenario_target,
    "region": region_target,
    "result": result_target,
    "plan": plan_target,
    "events": events_target,
    "importer": importer_target,
    "storm": storm_target,
    "costs": costs_target,
    "flags": flags_target,
    "journal": journal_target,
    "columns": columns_target,
    "antenna": antenna_target,
}


def _region():
    sys.path.insert(0, str(ROOT / "tests"))
    from small_region import small_region

    return small_region()


def require(holds: bool, words: str) -> None:  # noqa: FBT001 - a plain condition
    """Raise PromiseBrokenError with the words unless something holds."""
    if not holds:
        raise PromiseBrokenError(words)
