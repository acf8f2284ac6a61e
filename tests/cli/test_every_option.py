"""Every option of every command changes what its help says it changes: run in one small world, looked at one by one.

An option without an entry here fails the tests, so that none is written, or documented, that nobody has tried.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
import rasterio
import typer

from phusong.cli import app
from phusong.data import find
from phusong.errors import InputError
from phusong.region.folder import Region
from phusong.report.folder import Result
from small_region import small_region

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "data"))
from awkward_server import Handler, right, serving, stall  # noqa: E402 - it stands beside the tests of fetching

pytestmark = pytest.mark.slow  # minutes: a world of its own, and a hundred commands

TINY = (
    "--set", "region.path=region", "--set", "invest.samples=4", "--set", "invest.budget_musd=0.3", "--store", "store",
)  # fmt: skip
PATH = ("21.72,105.02", "21.80,105.12")
EFFECTS: dict[str, Callable[["World"], None]] = {}

# tried where what they need is at hand: a cluster, a data base, a server, a terminal
ELSEWHERE = {
    "tests/compute/test_executor.py": ("run --cluster", "stress --cluster"),
    "tests/security/test_cluster_tls.py": (
        "run --tls-ca", "run --tls-cert", "run --tls-key", "run --trust-network",
        "stress --tls-ca", "stress --tls-cert", "stress --tls-key", "stress --trust-network",
    ),
    "tests/data/test_fetch.py": ("data fetch --quiet",),
    "tests/region/postgis/test_postgis_writing.py": (
        "data push --schema", "data push --replace", "data push --lang",
    ),
    "tests/region/importers/test_import_command.py": ("region import --roads", "region import --layer"),
    "tests/cli/test_languages.py": (
        "data fetch --lang", "data list --lang", "data show --lang", "new --lang", "radio profile --lang", "region build --lang",
        "region check --lang", "region diff --lang", "region import --lang", "region info --lang", "watch --lang",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        return json.loads(self.out)


class World:
    """A folder with a small region and its results, in which commands are called as from a shell."""

    def call(self, *words: object, code: int = 0) -> Done:
        out, err = io.StringIO(), io.StringIO()
        ended = 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                app([str(w) for w in words], standalone_mode=False)
            except InputError as error:
                ended = 2
                err.write("\n".join(str(p) for p in error.problems))
            except typer.Exit as end:
                ended = end.exit_code
        assert ended == code, err.getvalue() + out.getvalue()
        return Done(ended, out.getvalue(), err.getvalue())

    def run(self, *words: object, out: str, code: int = 0) -> Done:
        return self.call("run", "default", *TINY, "--quiet", *words, "--out", out, code=code)


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("world")
    before = Path.cwd()
    os.chdir(place)
    # what a command keeps lies in this world, not in the user's cache
    kept, os.environ["PHUSONG_STORE"] = os.environ.get("PHUSONG_STORE"), str(place / "store")
    try:
        small_region(cell_m=1000.0).write("region")
        made = World()
        made.run(out="results/base")
        made.run("--set", "sharing.policy=mocn", out="results/mocn")
        # two plans of nearly the same money: which of them serves more is a matter of chance
        made.run("--set", "invest.budget_musd=0.25", out="results/less")
        yield made
    finally:
        os.chdir(before)
        if kept is None:
            del os.environ["PHUSONG_STORE"]
        else:
            os.environ["PHUSONG_STORE"] = kept


def effect(*options: str) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Say which options a look looks at."""

    def keep(look: Callable[[World], None]) -> Callable[[World], None]:
        for option in options:
            assert option not in EFFECTS, option
            EFFECTS[option] = look
        return look

    return keep


def every_option() -> list[str]:
    """Return ``command --option`` of all that there is, by the first of its names that a page shows."""

    def walk(command: object, name: str) -> Iterator[str]:
        inner = getattr(command, "commands", None)
        if inner:
            for key in sorted(inner):
                yield from walk(inner[key], f"{name} {key}".strip())
            return
        for parameter in command.params:
            if parameter.param_type_name == "option":
                yield from (
                    f"{name} {o}" for o in (*parameter.opts, *parameter.secondary_opts) if o.startswith("--")
                )

    return list(walk(typer.main.get_command(app), ""))


def same_files(a: str, b: str, *, but: tuple[str, ...] = ()) -> None:
    names = sorted(p.relative_to(a).as_posix() for p in Path(a).rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(b).as_posix() for p in Path(b).rglob("*") if p.is_file())
    for name in names:
        if name not in but:
            assert (Path(a) / name).read_bytes() == (Path(b) / name).read_bytes(), name


def summary(folder: str) -> dict[str, object]:
    return json.loads((Path(folder) / "summary.json").read_text(encoding="utf-8"))


# run ----------------------------------------------------------------------------------------------------------------


@effect("run --out", "run --set")
def _(world: World) -> None:
    assert Result.read("results/base").summary["policy"] == "none"
    assert Result.read("results/mocn").summary["policy"] == "mocn"


@effect("run --workers", "run --store", "run --keep", "run --no-keep", "run --why-recompute")
def _(world: World) -> None:
    assert any(Path("store").iterdir())
    told = world.run("--why-recompute", "--workers", 1, out="results/again")
    assert "nothing it reads has changed" in told.out + told.err
    same_files("results/base", "results/again")
    told = world.run("--no-keep", "--why-recompute", "--workers", 2, out="results/anew")
    assert "nothing it reads has changed" not in told.out + told.err
    same_files("results/base", "results/anew")
    told = world.run("--keep", "--why-recompute", out="results/kept")
    assert "nothing it reads has changed" in told.out + told.err


@effect("run --store-gib")
def _(world: World) -> None:
    world.call(
        "run",
        "default",
        *TINY[:-2],
        "--store",
        "small",
        "--store-gib",
        0.0001,
        "--quiet",
        "--out",
        "results/s",
    )
    held = sum(p.stat().st_size for p in Path("small").rglob("*") if p.is_file())
    assert held < sum(p.stat().st_size for p in Path("store").rglob("*") if p.is_file())


@effect("run --only")
def _(world: World) -> None:
    world.run("--only", "measured", out="results/measured")
    assert len(Result.read("results/measured").options) < len(Result.read("results/base").options)
    world.run("--only", "guessed", out="results/never", code=2)
    assert not Path("results/never").exists()


@effect("run --redact")
def _(world: World) -> None:
    world.run("--redact", out="results/redacted")
    assert "redaction" in summary("results/redacted")
    assert "redaction" not in summary("results/base")


@effect("run --resume")
def _(world: World) -> None:
    world.run(out="results/resumed")
    before = {p: p.stat().st_mtime_ns for p in Path("results/resumed").rglob("*")}
    world.run("--resume", out="results/resumed")
    assert before == {p: p.stat().st_mtime_ns for p in Path("results/resumed").rglob("*")}


@effect("run --lang")
def _(world: World) -> None:
    world.run("--lang", "vi", out="results/vi")
    assert '<html lang="vi">' in Path("results/vi/report.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in Path("results/base/report.html").read_text(encoding="utf-8")


@effect("run --quiet", "run --json")
def _(world: World) -> None:
    whole = world.call("run", "default", *TINY, "--out", "results/loud")
    short = world.run(out="results/short")
    assert 0 < len(short.out.splitlines()) < len(whole.out.splitlines())
    told = world.run("--json", out="results/json").json
    assert told["people"] == summary("results/json")["people"]


# what is made of a result ------------------------------------------------------------------------------------------


@effect("compare --out", "compare --lang")
def _(world: World) -> None:
    for lang in ("en", "vi"):
        world.call(
            "compare",
            "results/base",
            "results/mocn",
            "--out",
            f"c-{lang}.html",
            "--lang",
            lang,
            "--samples",
            20,
        )
        assert f'lang="{lang}"' in Path(f"c-{lang}.html").read_text(encoding="utf-8")[:300]


@effect("compare --samples", "compare --seed", "compare --json", "compare --quiet")
def _(world: World) -> None:
    ask = ("compare", "results/base", "results/less", "--json")

    def chance(samples: int, seed: int) -> float:
        told = world.call(*ask, "--samples", samples, "--seed", seed).json
        return told["chance_that_row_beats_column"]["base"]["less"]

    assert 0.0 < chance(50, 5) < 1.0
    assert chance(50, 5) == chance(50, 5)
    assert len({chance(50, seed) for seed in (5, 6, 7)}) > 1
    assert (chance(10, 5) * 20) % 1 == pytest.approx(0.0, abs=1e-9)  # whole and half samples of ten
    assert world.call(*ask, "--samples", 10).json != world.call(*ask, "--samples", 50).json
    plain, short = (world.call(*ask[:3], "--samples", 10, *more).out for more in ((), ("--quiet",)))
    assert 0 < len(short.splitlines()) < len(plain.splitlines())


@effect("evaluate --out", "evaluate --json", "evaluate --prove", "evaluate --quiet")
def _(world: World) -> None:
    ask = ("evaluate", "results/base", "results/base/plan.csv")
    world.call(*ask, "--out", "review")
    assert any(Path("review").iterdir())
    loose, tight = world.call(*ask, "--json").json, world.call(*ask, "--json", "--prove").json
    assert tight.keys() == loose.keys()
    text = json.dumps(tight)
    assert "bound" in text
    short, whole = world.call(*ask, "--quiet").out, world.call(*ask).out
    assert 0 < len(short.splitlines()) < len(whole.splitlines())


@effect("locked --most", "locked --reason")
def _(world: World) -> None:
    whole = world.call("locked", "results/base").out
    assert len(world.call("locked", "results/base", "--most", 1).out) < len(whole)
    assert world.call("locked", "results/base", "--reason", "contract").code == 0
    world.call("locked", "results/base", "--reason", "weather", code=2)


VIETNAMESE = re.compile(r"[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịỉĩọỏốồổỗộớờởỡợụủũứừửữựỳỵỷỹ]", re.IGNORECASE)


@effect("audit --lang", "evaluate --lang", "explain --lang", "locked --lang")
def _(world: World) -> None:
    for ask in (
        ("audit", "region", "--as-of", "2026-11-25"), ("evaluate", "results/base", "results/base/plan.csv"),
        ("explain", "results/base", "1"), ("locked", "results/base"),
    ):  # fmt: skip
        english, vietnamese = (world.call(*ask, "--lang", lang).out for lang in ("en", "vi"))
        assert world.call(*ask).out == english, ask
        # names of places are Vietnamese in both; sentences only in one
        assert len(VIETNAMESE.findall(vietnamese)) > 10 + 2 * len(VIETNAMESE.findall(english)), ask
        assert re.search(r"\b(of|the|people|and)\b", english), ask
        world.call(*ask, "--lang", "fr", code=2)


@effect("map --lang", "map --over", "map --beside")
def _(world: World) -> None:
    def drawn(name: str, *more: object) -> bytes:
        world.call("map", "results/base", "gap", "--out", name, *more)
        return Path(name).read_bytes()

    plain = drawn("m0.png")
    assert drawn("m1.png", "--lang", "en") == plain
    assert drawn("m2.png", "--lang", "vi") != plain
    two = drawn("m3.png", "--over", "results", "--beside", "results/mocn")
    three = drawn("m4.png", "--over", "results", "--beside", "results/mocn", "--beside", "results/less")
    years = drawn("m5.png", "--over", "years")
    assert len({plain, two, three, years}) == 4
    world.call("map", "results/base", "gap", "--out", "m6.png", "--beside", "results/mocn", code=2)
    assert not Path("m6.png").exists()


@effect("map --format", "map --out")
def _(world: World) -> None:
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    for form, first in begins.items():
        world.call("map", "results/base", "gap", "--format", form, "--out", f"gap.{form}")
        assert Path(f"gap.{form}").read_bytes().startswith(first)
    world.call("map", "results/base", "--format", "gis", "--out", "gis")
    assert any(p.suffix == ".gpkg" for p in Path("gis").iterdir())


@effect("new --from", "new --out")
def _(world: World) -> None:
    world.call("new", "mine", "--from", "mocn", "--out", "elsewhere.toml")
    assert 'extends = "mocn"' in Path("elsewhere.toml").read_text(encoding="utf-8")
    world.call("new", "own")
    assert Path("own.toml").is_file()


# radio -------------------------------------------------------------------------------------------------------------


@effect(
    "radio profile --model", "radio profile --frequency-mhz", "radio profile --tx-height-m", "radio profile --rx-height-m",
    "radio profile --time-percent", "radio profile --out", "radio profile --clutter", "radio profile --no-clutter",
)  # fmt: skip
def _(world: World) -> None:
    ask = ("radio", "profile", "region", *PATH, "--out", "p.png")
    plain = world.call(*ask).out
    assert Path("p.png").read_bytes().startswith(b"\x89PNG")
    for more in (
        ("--model", "itm"), ("--frequency-mhz", 1800), ("--tx-height-m", 60), ("--rx-height-m", 3), ("--time-percent", 10),
        ("--no-clutter",),
    ):  # fmt: skip
        assert world.call(*ask, *more).out != plain, more
    assert world.call(*ask, "--clutter").out == plain


@effect(
    "radio sweep --out",
    "radio sweep --set",
    "radio sweep --workers",
    "radio sweep --quiet",
    "radio sweep --lang",
)
def _(world: World) -> None:
    def swept(out: str, *more: object) -> dict[str, bytes]:
        world.call("radio", "sweep", "default", "--set", "region.path=region", "--quiet", *more, "--out", out)
        return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(Path(out).rglob("*.tif"))}

    one, two = swept("w1", "--workers", 1), swept("w2", "--workers", 2)
    assert one == two
    assert one
    assert swept("w3", "--set", "radio.model=free_space") != one
    told = world.call(
        "radio", "sweep", "default", "--set", "region.path=region", "--out", "w4", "--lang", "vi"
    )
    assert "Đã ghi w4" in told.out


# storms and events -------------------------------------------------------------------------------------------------


@effect(
    "stress --scenario", "stress --set", "stress --samples", "stress --seed", "stress --out", "stress --json", "stress --plan",
    "stress --workers", "stress --store", "stress --store-gib", "stress --keep", "stress --no-keep", "stress --why-recompute",
    "stress --quiet", "stress --lang",
)  # fmt: skip
def _(world: World) -> None:
    pd.DataFrame(
        {
            "time": ["2024-09-07T00:00Z", "2024-09-07T06:00Z", "2024-09-07T12:00Z"],
            "latitude_deg": [21.5, 21.75, 22.0], "longitude_deg": [106.2, 105.2, 104.2],
            "central_hpa": 940.0, "max_wind_ms": 62.0, "rmw_km": 30.0, "source": "made up",
        }
    ).to_csv("near.csv", index=False)  # fmt: skip

    def stressed(*more: object) -> Done:
        own = () if "--store" in more else ("--store", "store")
        return world.call("stress", "region", "near.csv", "--samples", 8, *own, *more)

    def figures(*more: object) -> dict[str, object]:
        told = stressed(*more, "--json").json
        return {key: value for key, value in told.items() if key not in {"out", "seconds"}}

    plain = figures("--out", "storm")
    assert (Path("storm") / "storm_summary.json").is_file()
    assert figures("--out", "storm1", "--workers", 1) == plain
    assert figures("--out", "storm2", "--seed", 9) != plain
    assert figures("--out", "storm3", "--samples", 30) != plain
    assert figures("--out", "storm4", "--set", "sharing.policy=roaming") != plain
    assert figures("--out", "storm5", "--scenario", "roaming") != plain
    assert figures("--out", "storm6", "--plan", "results/base") != plain
    why = stressed("--out", "storm7", "--quiet", "--why-recompute")
    assert "nothing it reads has changed" in why.out + why.err
    why = stressed("--out", "storm8", "--no-keep", "--why-recompute")
    assert "nothing it reads has changed" not in why.out + why.err
    stressed("--out", "storm9", "--keep", "--store", "storm-store", "--store-gib", 1)
    assert any(Path("storm-store").iterdir())
    english, vietnamese = (stressed("--out", f"storm-{lang}", "--lang", lang).out for lang in ("en", "vi"))
    assert len(VIETNAMESE.findall(vietnamese)) > 10 + 2 * len(VIETNAMESE.findall(english))
    assert (Path("storm-en") / "storm_map.png").read_bytes() != (
        Path("storm-vi") / "storm_map.png"
    ).read_bytes()


@effect("watch --example")
def _(world: World) -> None:
    lines = world.call("watch", "region", "--example").out.splitlines()
    assert lines
    assert all("event" in json.loads(line) or "kind" in json.loads(line) for line in lines)
    Path("events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


@effect(
    "watch --out", "watch --scenario", "watch --set", "watch --plan", "watch --workers", "watch --json", "watch --quiet",
    "watch --once",
)  # fmt: skip
def _(world: World) -> None:
    if not Path("events.jsonl").is_file():
        EFFECTS["watch --example"](world)
    ask = ("watch", "region", "events.jsonl", "--once")
    told = world.call(*ask, "--out", "watch1", "--json", "--workers", 1)
    assert [json.loads(line) for line in told.out.splitlines()]
    assert any(Path("watch1").iterdir())
    whole, short = world.call(*ask, "--out", "watch2").out, world.call(*ask, "--out", "watch3", "--quiet").out
    assert 0 < len(short.splitlines()) < len(whole.splitlines())
    same_files("watch2", "watch3")
    for out, more in (
        ("watch4", ("--scenario", "roaming")), ("watch5", ("--set", "sharing.policy=mocn")), ("watch6", ("--plan", "results/base")),
    ):  # fmt: skip
        assert world.call(*ask, "--out", out, "--quiet", *more).code == 0
        tables = [p for p in Path(out).rglob("*") if p.is_file()]
        assert any(p.read_bytes() != (Path("watch2") / p.relative_to(out)).read_bytes() for p in tables), more


@effect("watch --window")
def _(world: World) -> None:
    sites = Region.read("region").sites["site_id"].iloc[1:4]
    told = [
        {"version": 1, "id": site, "time": f"2026-03-02T{hour}:00:00+07:00", "kind": "site_down", "subject": site}
        for site, hour in zip(sites, ("08", "12", "09"), strict=True)
    ]  # fmt: skip
    Path("late.jsonl").write_text("".join(json.dumps(event) + "\n" for event in told), encoding="utf-8")

    def fates(out: str, *more: object) -> list[str]:
        lines = world.call("watch", "region", "late.jsonl", "--json", "--out", out, *more).out.splitlines()
        return [json.loads(line)["fate"] for line in lines]

    # the last line comes three hours behind the newest
    assert fates("window170", "--window", 170) == ["applied", "applied", "late"]
    assert fates("window190", "--window", 190) == ["applied", "applied", "applied"]


@effect("watch --follow")
def _(world: World) -> None:
    if not Path("events.jsonl").is_file():
        EFFECTS["watch --example"](world)
    lines = Path("events.jsonl").read_text(encoding="utf-8").splitlines()
    Path("growing.jsonl").write_text(lines[0] + "\n", encoding="utf-8")
    command = [
        sys.executable, "-m", "phusong", "watch", "region", "growing.jsonl", "--follow", "--json", "--out", "following",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert json.loads(running.stdout.readline())
        with Path("growing.jsonl").open("a", encoding="utf-8") as file:
            file.write(lines[1] + "\n")
        assert json.loads(running.stdout.readline())
        running.terminate()
        assert running.wait(timeout=60) == 130


# regions -----------------------------------------------------------------------------------------------------------


@effect("region diff --moved-m", "region diff --json")
def _(world: World) -> None:
    region = Region.read("region")
    sites = region.sites.copy()
    sites["geometry"] = sites.geometry.translate(30.0, 0.0)
    from dataclasses import replace

    replace(region, sites=sites).write("moved")
    near = world.call("region", "diff", "region", "moved", "--json", "--moved-m", 50).json
    far = world.call("region", "diff", "region", "moved", "--json", "--moved-m", 10).json
    assert near != far
    assert world.call("region", "diff", "region", "moved").out


def _coordinates(folder: str) -> pd.DataFrame:
    sites = Region.read(folder).sites.to_crs("EPSG:4326")
    return pd.DataFrame(
        {
            "site_id": sites["site_id"],
            "owner": sites["owner"],
            "longitude": sites.geometry.x,
            "latitude": sites.geometry.y,
        }
    )


@effect(
    "region import --out", "region import --columns", "region import --crs", "region import --licence", "region import --source",
)  # fmt: skip
def _(world: World) -> None:
    table = _coordinates("region").rename(columns={"longitude": "kinh", "latitude": "vi_do"})
    table.to_csv("own.csv", index=False)
    Path("own.toml").write_text('[sites.columns]\nlongitude = "kinh"\nlatitude = "vi_do"\n', encoding="utf-8")
    common = (
        "--columns",
        "own.toml",
        "--licence",
        "ours",
        "--source",
        "the ministry",
        "--as-of",
        "2026-01-02",
    )
    world.call("region", "import", "region", "sites", "own.csv", *common, "--out", "imported")
    text = Path("imported/region.toml").read_text(encoding="utf-8")
    for said in ("ours", "the ministry", "2026-01-02"):
        assert said in text
    assert "the ministry" not in Path("region/region.toml").read_text(encoding="utf-8")
    metres = Region.read("region").sites
    flat = pd.DataFrame(
        {
            "site_id": metres["site_id"],
            "owner": metres["owner"],
            "x": metres.geometry.x,
            "y": metres.geometry.y,
        }
    )
    flat.to_csv("metres.csv", index=False)
    Path("metres.toml").write_text('[sites.columns]\neast_m = "x"\nnorth_m = "y"\n', encoding="utf-8")
    world.call(
        "region",
        "import",
        "region",
        "sites",
        "metres.csv",
        "--columns",
        "metres.toml",
        "--crs",
        metres.crs.to_string(),
        "--out",
        "flat",
    )
    back = Region.read("flat").sites
    assert (
        np.hypot(
            back.geometry.x.to_numpy() - metres.geometry.x.to_numpy(),
            back.geometry.y.to_numpy() - metres.geometry.y.to_numpy(),
        ).max()
        < 1.0
    )


@effect("region import --totals", "region import --workers")
def _(world: World) -> None:
    region = Region.read("region")
    grid = region.grid
    people = np.zeros(grid.shape, np.float32)
    people[region.demand["row"], region.demand["col"]] = 3.0
    with rasterio.open(
        "people.tif", "w", driver="GTiff", height=grid.height, width=grid.width, count=1, dtype="float32", crs=grid.crs,
        transform=grid.transform, nodata=-1.0,
    ) as file:  # fmt: skip
        file.write(people, 1)
    made = {}
    for out, more in (
        ("p1", ("--totals", "province", "--workers", 1)),
        ("p2", ("--totals", "province", "--workers", 2)),
        ("p3", ("--totals", "commune")),
    ):
        world.call("region", "import", "region", "worldpop", "people.tif", *more, "--out", out)
        made[out] = Region.read(out).demand.groupby("commune_code")["population"].sum()
    pd.testing.assert_series_equal(made["p1"], made["p2"])
    assert not made["p1"].equals(made["p3"])


@effect("audit --out", "audit --quiet")
def _(world: World) -> None:
    whole = world.call("audit", "region", "--out", "audit").out
    assert list(Path("audit").glob("*.html"))
    assert 0 < len(world.call("audit", "region", "--quiet").out.splitlines()) < len(whole.splitlines())


@effect("audit --rubric", "audit --as-of", "audit --json")
def _(world: World) -> None:
    def found(*more: object) -> dict[str, object]:
        return world.call("audit", "region", "--json", *more).json

    plain = found("--as-of", "2026-11-25")
    assert found("--as-of", "2026-11-25", "--rubric", "pilot") == plain
    official = found("--as-of", "2026-11-25", "--rubric", "official")
    assert official["rubric"] != plain["rubric"]
    assert official["scores"] != plain["scores"]
    later = found("--as-of", "2040-11-25")
    assert (plain["as_of"], later["as_of"]) == ("2026-11-25", "2040-11-25")
    world.call("audit", "region", "--as-of", "25/11/2026", code=2)
    world.call("audit", "region", "--rubric", "strictest", code=2)


BUILT = ("region", "build", "vietnam", "--cell-m", 5000)


@effect("region build --province", "region build --out", "region build --cell-m", "region build --seed")
def _(world: World) -> None:
    for out, more in (("b1", ()), ("b2", ("--seed", 7))):
        world.call(*BUILT, "--province", "Bắc Ninh", *more, "--out", out)
    one, two = Region.read("b1"), Region.read("b2")
    assert set(one.communes["province"]) == {"Bắc Ninh"}
    assert one.grid.cell_m == 5000.0
    assert one.sites.geometry.tolist() != two.sites.geometry.tolist()


@effect("region build --all")
def _(world: World) -> None:
    world.call(*BUILT, "--all", "--out", "country")
    assert Region.read("country").communes["province"].nunique() == 34


def raster(name: str, region: Region, *bands: np.ndarray, nodata: float = -9999.0) -> str:
    """Write numbers on the region's own grid."""
    grid = region.grid
    with rasterio.open(
        name, "w", driver="GTiff", height=grid.height, width=grid.width, count=len(bands), dtype="float32", crs=grid.crs,
        transform=grid.transform, nodata=nodata,
    ) as file:  # fmt: skip
        for k, band in enumerate(bands, start=1):
            file.write(np.where(np.isnan(band), nodata, band).astype(np.float32), k)
    return name


def people_of(region: Region) -> np.ndarray:
    people = np.zeros(region.grid.shape)
    np.add.at(people, (region.demand["row"], region.demand["col"]), region.demand["population"])
    return people


@effect(
    "region build --elevation", "region build --population", "region build --clutter", "region build --clutter-legend",
    "region build --sites", "region build --cells", "region build --links", "region build --power",
    "region build --power-lines", "region build --least-covered", "region build --fill-m", "region build --most-scaled",
    "region build --operator", "region build --workers",
)  # fmt: skip
def _(world: World) -> None:
    if not Path("b1/region.toml").is_file():
        EFFECTS["region build --out"](world)
    was = Region.read("b1")
    west = np.arange(was.grid.width) < 0.4 * was.grid.width
    heights = np.where(west, was.elevation + 7.0, np.nan)
    codes = np.where(
        (np.add.outer(np.arange(was.grid.height), np.arange(was.grid.width)) % 2) == 0, 71.0, 72.0
    )
    Path("legend.csv").write_text("code,class\n71,2\n72,3\n", encoding="utf-8")
    nodes = was.power_nodes.assign(saifi=1.25)
    nodes.to_file("nodes.gpkg", driver="GPKG")
    was.power_lines.assign(repair_h=7.5).to_csv("lines.csv", index=False)
    was.sites.assign(owner="Tháp Xanh", height_m=47.0)[[
        "site_id", "owner", "structure", "height_m", "power_source", "geometry"
    ]].to_file("sites.gpkg", driver="GPKG")  # fmt: skip
    was.cells.assign(bandwidth_mhz=5.0).to_csv("cells.csv", index=False)
    was.links.assign(availability=0.91).to_csv("links.csv", index=False)
    layers = (
        "--elevation", raster("heights.tif", was, heights), "--population", raster("five.tif", was, 5.0 * people_of(was)),
        "--clutter", raster("codes.tif", was, codes), "--clutter-legend", "legend.csv", "--power", "nodes.gpkg",
        "--power-lines", "lines.csv", "--sites", "sites.gpkg",
    )  # fmt: skip
    network = ("--cells", "cells.csv", "--links", "links.csv")
    ask = (*BUILT, "--province", "Bắc Ninh", *layers)
    # everything wrong with all of them is told at once, and each by the option that lets it through
    told = world.call(*ask, "--out", "refused", code=2).err
    for word in ("least-covered", "most-scaled", "--operator"):
        assert word in told
    assert not Path("refused").exists()
    open_ = ("--least-covered", 0.2, "--most-scaled", 10)
    world.call(*ask, *network, *open_, "--fill-m", 6000, "--workers", 1, "--out", "b3")
    world.call(*ask, *open_, "--fill-m", 0, "--operator", "Tháp Xanh=none", "--workers", 2, "--out", "b4")
    made, bare = Region.read("b3"), Region.read("b4")
    np.testing.assert_allclose(made.elevation[:, west], was.elevation[:, west] + 7.0, atol=0.01)
    edge = int(west.sum())  # the first column without a height: filled from its neighbour, or as it was
    np.testing.assert_allclose(made.elevation[:, edge], was.elevation[:, edge - 1] + 7.0, atol=0.01)
    np.testing.assert_array_equal(bare.elevation[:, edge], was.elevation[:, edge])
    assert len(np.unique(made.clutter)) == 2
    assert set(made.sites["owner"]) == {"Tháp Xanh"}
    assert made.sites["height_m"].eq(47.0).all()
    assert made.cells["bandwidth_mhz"].eq(5.0).all()
    assert made.links["availability"].eq(0.91).all()
    assert made.power_nodes["saifi"].eq(1.25).all()
    assert made.power_lines["repair_h"].eq(7.5).all()
    assert made.source_of("demand").source == "five.tif"
    assert bare.cells.empty
    # drawn by one thread or by two
    np.testing.assert_array_equal(made.clutter, bare.clutter)
    pd.testing.assert_frame_equal(made.demand, bare.demand)


@effect(
    "region import --as-of", "region import --operator", "region import --left-out-share",
)  # fmt: skip
def _(world: World) -> None:
    table = _coordinates("region").assign(owner="Tháp Xanh")
    table.loc[:1, "latitude"] = -40.0  # two of twelve far from the region
    table.to_csv("strangers.csv", index=False)
    ask = ("region", "import", "region", "sites", "strangers.csv")
    assert "--operator" in world.call(*ask, "--left-out-share", 0.5, "--out", "s1", code=2).err
    owner = ("--operator", "Tháp Xanh=red")
    world.call(*ask, *owner, "--left-out-share", 0.5, "--as-of", "2026-01-02", "--out", "s2")
    made = Region.read("s2")
    # the exchange is no mast of a list, and stays
    assert set(made.sites["site_id"]) == {"x0", *table["site_id"].iloc[2:]}
    assert set(made.cells["operator"]) == {"red"}
    assert made.source_of("sites").as_of == "2026-01-02"
    told = world.call(*ask, *owner, "--left-out-share", 0.1, "--out", "s3", code=2).err
    assert "--left-out-share" in told
    assert not Path("s1").exists()
    assert not Path("s3").exists()
    world.call(*ask, "--operator", "Tháp Xanh=none", "--left-out-share", 0.5, "--out", "s4")
    assert Region.read("s4").cells.empty


@effect(
    "region import --least-covered", "region import --most-scaled", "region import --fill-m", "region import --band",
    "region import --unit",
)  # fmt: skip
def _(world: World) -> None:
    was = Region.read("region")
    west = np.arange(was.grid.width) < 0.2 * was.grid.width
    part = np.where(west, was.elevation + 7.0, np.nan)
    ask = ("region", "import", "region", "elevation")

    def heights(out: str, file: str, *more: object) -> np.ndarray:
        world.call(*ask, file, *more, "--out", out)
        return Region.read(out).elevation

    raster("part.tif", was, part)
    assert "--least-covered" in world.call(*ask, "part.tif", "--out", "h0", code=2).err
    edge = int(west.sum())
    far = heights("h1", "part.tif", "--least-covered", 0.1, "--fill-m", 1500)
    near = heights("h2", "part.tif", "--least-covered", 0.1, "--fill-m", 0)
    np.testing.assert_allclose(far[:, edge], part[:, edge - 1], atol=0.01)
    np.testing.assert_array_equal(near[:, edge], was.elevation[:, edge])
    np.testing.assert_allclose(near[:, west], part[:, west], atol=0.01)

    raster("two.tif", was, np.full(was.grid.shape, 3.0), was.elevation + 9.0)
    assert "--band" in world.call(*ask, "two.tif", "--out", "h3", code=2).err
    np.testing.assert_allclose(heights("h4", "two.tif", "--band", 2), was.elevation + 9.0, atol=0.01)

    raster("tenths.tif", was, 10.0 * was.elevation)
    np.testing.assert_allclose(heights("h5", "tenths.tif", "--unit", "dm"), was.elevation, atol=0.01)
    world.call(*ask, "tenths.tif", "--unit", "cubits", "--out", "h6", code=2)

    raster("many.tif", was, 5.0 * people_of(was))
    crowd = ("region", "import", "region", "worldpop", "many.tif")
    assert "--most-scaled" in world.call(*crowd, "--out", "h7", code=2).err
    world.call(*crowd, "--most-scaled", 6, "--out", "h8")
    assert Region.read("h8").demand["population"].sum() == pytest.approx(
        was.demand["population"].sum(), rel=0.01
    )
    assert not any(Path(out).exists() for out in ("h0", "h3", "h6", "h7"))


# data --------------------------------------------------------------------------------------------------------------


@effect("data list --layer", "data list --json")
def _(world: World) -> None:
    some = world.call("data", "list", "--layer", "population", "--json").json["sources"]
    every = world.call("data", "list", "--json").json["sources"]
    assert 0 < len(some) < len(every)
    assert all("population" in s["layer"] for s in some)


@effect(
    "data fetch --base-url", "data fetch --url", "data fetch --cache", "data fetch --lock", "data fetch --offline",
    "data fetch --refresh", "data fetch --most-gb", "data fetch --timeout-s", "data fetch --attempts",
)  # fmt: skip
def _(world: World) -> None:
    path = urlsplit(find("worldpop-2025-100m").url).path
    name = Path(path).name
    body = b"II*\x00" + bytes(range(256)) * 8000  # two megabytes
    with serving() as server:
        server.files = {path: body, f"/elsewhere/{name}": body + b"of another place"}

        def fetched(*more: object, code: int = 0) -> Done:
            return world.call("data", "fetch", "worldpop-2025-100m", "--lock", "sums.lock", *more, code=code)

        mirror = ("--base-url", server.base)
        fetched(*mirror, "--cache", "empty", "--offline", code=2)
        assert server.asked == []
        first = Path(fetched(*mirror, "--cache", "cache").out.strip())
        assert first.is_relative_to(Path("cache").resolve())
        assert first.read_bytes() == body
        assert hashlib.sha256(body).hexdigest() in Path("sums.lock").read_text(encoding="utf-8")
        assert [asked for asked, _ in server.asked] == [path]
        assert Path(fetched("--cache", "cache", "--offline").out.strip()) == first
        assert len(server.asked) == 1
        fetched(*mirror, "--cache", "too-large", "--most-gb", 0.001, code=2)

        # another file than the first time: only where it is asked for
        other = ("--url", f"{server.base}/elsewhere/{name}")
        assert "--refresh" in fetched(*other, "--cache", "other", code=2).err
        taken = fetched(*other, "--cache", "other", "--refresh")
        assert Path(taken.out.strip()).read_bytes() == body + b"of another place"
        assert "changed since the last time" in taken.err

        def asked_of_a_silent_server(*more: object) -> int:
            before, server.script[:] = len(server.asked), [stall(0)] * 9
            fetched(*mirror, "--cache", "silent", "--refresh", "--timeout-s", 0.2, *more, code=2)
            server.script.clear()
            return len(server.asked) - before

        assert asked_of_a_silent_server("--attempts", 1) == 1
        assert asked_of_a_silent_server("--attempts", 2) == 2

        def late(handler: Handler) -> None:
            time.sleep(1.0)
            right(handler)

        server.script[:] = [late]
        fetched(*mirror, "--cache", "patient", "--refresh", "--timeout-s", 30, "--attempts", 1)
        server.released.set()


@effect("data fetch --region", "data fetch --bbox")
def _(world: World) -> None:
    with serving() as server:
        url = find("copernicus-glo30").url
        tiles = [f"N{north:02d}_00_E{east:03d}_00" for north in (20, 21, 22) for east in (104, 105, 106)]
        server.files = {
            urlsplit(url.replace("{tile}", tile)).path: b"II*\x00" + tile.encode() * 40 for tile in tiles
        }

        def brought(*more: object) -> set[str]:
            ask = ("data", "fetch", "copernicus-glo30", "--cache", "tiles", "--base-url", server.base)
            names = world.call(*ask, *more).out.split()
            return {tile for tile in tiles if any(tile in name for name in names)}

        assert brought("--region", "region") == {"N21_00_E105_00"}
        assert brought("--bbox", "104.5,21.2,105.5,22.5") == {
            "N21_00_E104_00", "N21_00_E105_00", "N22_00_E104_00", "N22_00_E105_00",
        }  # fmt: skip
        ask = ("data", "fetch", "copernicus-glo30", "--region", "region", "--bbox", "104,21,105,22")
        world.call(*ask, code=2)


@pytest.mark.parametrize("option", every_option())
def test_an_option_does_what_its_help_says(option, world):
    for file, options in ELSEWHERE.items():
        if option in options:
            text = (ROOT / file).read_text(encoding="utf-8")
            assert f'"{option.split()[-1]}' in text, f"{file} does not try {option}"
            return
    assert option in EFFECTS, f"nobody looks at what {option} does: add an @effect here"
    look = EFFECTS[option]
    if look not in _LOOKED:
        try:
            look(world)
        except Exception as wrong:  # noqa: BLE001 - raised below, for each of the options that the look looks at
            _LOOKED[look] = wrong
        else:
            _LOOKED[look] = None
    wrong = _LOOKED[look]
    if wrong is not None:
        raise AssertionError(f"{option}: {wrong}") from wrong


_LOOKED: dict[Callable[[World], None], Exception | None] = {}


def test_there_is_no_look_at_an_option_that_is_gone():
    known = {*EFFECTS, *(o for options in ELSEWHERE.values() for o in options)}
    assert known <= set(every_option())
