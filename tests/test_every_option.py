"""Every option of every command changes what its help says it changes: run in one small world, looked at one by one.

An option without an entry here fails the tests, so that none is written, or documented, that nobody has tried.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import typer

from phusong.cli import app
from phusong.errors import InputError
from phusong.region.store import Region
from phusong.report.folder import Result
from small_region import small_region

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.slow  # minutes: a world of its own, and a hundred commands

TINY = (
    "--set", "region.path=region", "--set", "invest.samples=4", "--set", "invest.budget_musd=0.3", "--store", "store",
)  # fmt: skip
PATH = ("21.72,105.02", "21.80,105.12")
EFFECTS: dict[str, Callable[["World"], None]] = {}

# tried where what they need is at hand: a cluster, a data base, a server, a terminal
ELSEWHERE = {
    "tests/engine/test_crew.py": ("run --cluster", "stress --cluster"),
    "tests/security/test_cluster_tls.py": (
        "run --tls-ca", "run --tls-cert", "run --tls-key", "run --trust-network",
        "stress --tls-ca", "stress --tls-cert", "stress --tls-key", "stress --trust-network",
    ),
    "tests/data/test_fetch.py": (
        "data fetch --bbox", "data fetch --cache", "data fetch --url", "data fetch --base-url", "data fetch --attempts",
        "data fetch --quiet",
    ),
    "tests/region/postgis/test_postgis_writing.py": ("data push --schema", "data push --replace"),
    "tests/region/importers/test_import_command.py": (
        "region import --roads", "region import --layer", "region import --as-of",
    ),
    "tests/report/test_audit_page.py": ("audit --rubric", "audit --as-of", "audit --json"),
    "tests/report/test_multiples.py": ("map --over", "map --beside"),
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
    try:
        small_region(cell_m=1000.0).write("region")
        made = World()
        made.run(out="results/base")
        made.run("--set", "sharing.policy=mocn", out="results/mocn")
        yield made
    finally:
        os.chdir(before)


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
    ask = ("compare", "results/base", "results/mocn", "--json")
    few, many = (world.call(*ask, "--samples", n).json for n in (10, 50))
    assert few != many
    assert (
        world.call(*ask, "--samples", 10, "--seed", 5).json
        == world.call(*ask, "--samples", 10, "--seed", 5).json
    )
    assert world.call(*ask, "--samples", 10, "--seed", 5).json != few
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


@effect("radio sweep --out", "radio sweep --set", "radio sweep --workers", "radio sweep --quiet")
def _(world: World) -> None:
    def swept(out: str, *more: object) -> dict[str, bytes]:
        world.call("radio", "sweep", "default", "--set", "region.path=region", "--quiet", *more, "--out", out)
        return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(Path(out).rglob("*.tif"))}

    one, two = swept("w1", "--workers", 1), swept("w2", "--workers", 2)
    assert one == two
    assert one
    assert swept("w3", "--set", "radio.model=free_space") != one


# storms and events -------------------------------------------------------------------------------------------------


@effect(
    "stress --scenario", "stress --set", "stress --samples", "stress --seed", "stress --out", "stress --json", "stress --plan",
    "stress --workers", "stress --store", "stress --store-gib", "stress --keep", "stress --no-keep", "stress --why-recompute",
    "stress --quiet",
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

    plain = stressed("--out", "storm", "--json")
    assert (Path("storm") / "summary.json").is_file()
    assert stressed("--out", "storm1", "--json", "--workers", 1).out == plain.out
    assert stressed("--out", "storm2", "--json", "--seed", 9).out != plain.out
    assert stressed("--out", "storm3", "--json", "--samples", 30).out != plain.out
    assert stressed("--out", "storm4", "--json", "--set", "sharing.policy=roaming").out != plain.out
    assert stressed("--out", "storm5", "--json", "--scenario", "roaming").out != plain.out
    assert stressed("--out", "storm6", "--json", "--plan", "results/base").out != plain.out
    why = stressed("--out", "storm7", "--quiet", "--why-recompute")
    assert "nothing it reads has changed" in why.out + why.err
    why = stressed("--out", "storm8", "--no-keep", "--why-recompute")
    assert "nothing it reads has changed" not in why.out + why.err
    stressed("--out", "storm9", "--keep", "--store", "storm-store", "--store-gib", 1)
    assert any(Path("storm-store").iterdir())


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
    Path("own.toml").write_text('[sites]\nlongitude = "kinh"\nlatitude = "vi_do"\n', encoding="utf-8")
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
    Path("metres.toml").write_text('[sites]\neast = "x"\nnorth = "y"\n', encoding="utf-8")
    world.call(
        "region", "import", "region", "sites", "metres.csv", "--crs", metres.crs.to_string(), "--out", "flat"
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


@effect("region build --province", "region build --out", "region build --cell-m", "region build --seed")
def _(world: World) -> None:
    for out, more in (("b1", ()), ("b2", ("--seed", 7))):
        world.call(
            "region", "build", "vietnam", "--province", "Bắc Ninh", "--cell-m", 2000, *more, "--out", out
        )
    one, two = Region.read("b1"), Region.read("b2")
    assert set(one.communes["province"]) == {"Bắc Ninh"}
    assert one.grid.cell_m == 2000.0
    assert one.sites.geometry.tolist() != two.sites.geometry.tolist()


# data --------------------------------------------------------------------------------------------------------------


@effect("data list --layer", "data list --json")
def _(world: World) -> None:
    some = world.call("data", "list", "--layer", "population", "--json").json["sources"]
    every = world.call("data", "list", "--json").json["sources"]
    assert 0 < len(some) < len(every)
    assert all("population" in s["layer"] for s in some)


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
        _LOOKED.add(look)
        look(world)


_LOOKED: set[Callable[[World], None]] = set()


def test_there_is_no_look_at_an_option_that_is_gone():
    known = {*EFFECTS, *(o for options in ELSEWHERE.values() for o in options)}
    assert known <= set(every_option())
