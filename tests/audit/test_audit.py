"""What holds of an audit as a whole: dates, kinds, groups, people, broken folders, the same bytes."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from audited_region import AS_OF, clean_region
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from phusong.audit import PRINCIPLES, audit, read_rubric
from phusong.audit.checks_completeness import period
from phusong.audit.context import below, first_parents, on_cycle, reached, sums_below
from phusong.errors import InputError
from phusong.io.resources import geodata_path
from phusong.region.folder import Region, Source

HOSTILE = '=cmd|"/c calc"!A1 <script>alert(1)</script> [red]'


def kinds(region: Region, kind: str) -> Region:
    return replace(region, sources=tuple(replace(s, kind=kind) for s in region.sources))


@pytest.mark.parametrize("rubric", ["pilot", "official"])
def test_the_same_region_date_and_rubric_give_the_same_bytes(clean, tmp_path, rubric):
    spoilt = replace(clean, sites=clean.sites.assign(height_m=1.0))
    spoilt.write(tmp_path / "region")
    one, two = (audit(tmp_path / "region", as_of=AS_OF, rubric=rubric).to_json() for _ in range(2))
    assert one == two


def test_the_json_keeps_its_contract(clean):
    tree = json.loads(audit(replace(clean, sites=clean.sites.assign(height_m=1.0)), as_of=AS_OF).to_json())
    assert {"layer", "key", "check", "principle", "detail"} <= set(tree["records"][0])
    assert set(tree["scores"]) == {
        "overall", "layers", "provinces", "owners", "communes", "delivered", "modelled",
    }  # fmt: skip
    assert set(PRINCIPLES) < set(tree["scores"]["overall"])
    assert set(tree["scores"]["provinces"]) == {"Tuyên Quang"}
    assert {"red", "blue"} <= set(tree["scores"]["owners"])
    assert tree["rubric"]["name"] == "pilot"
    assert re.fullmatch(r"[0-9a-f]{64}", tree["rubric"]["sha256"])
    assert tree["as_of"] == "2026-11-25"


@pytest.mark.parametrize("rubric", ["pilot", "official"])
@pytest.mark.parametrize(("kind", "most"), [("modelled", 50.0), ("assumed", 25.0)])
def test_a_faultless_modelled_layer_never_scores_as_a_measured_one(clean, kind, most, rubric):
    result = audit(kinds(clean, kind), as_of=AS_OF, rubric=rubric)
    overall = result.scores[result.scores["principle"] == "overall"]
    assert (overall["score"] <= most).all()
    assert set(overall["class"]) == {"C"}
    assert result.score("layer", "sites", "correct") == most


def test_a_layer_that_nobody_describes_is_assumed(clean):
    result = audit(replace(clean, sources=clean.sources[1:]), as_of=AS_OF)
    assert result.layers.set_index("layer").loc["communes", "kind"] == "assumed"
    assert result.score("layer", "communes") <= 25.0


def test_a_region_modelled_by_more_than_half_its_weight_is_held_to_class_c(clean):
    soft = {"sites", "cells", "links", "demand", "elevation"}
    sources = tuple(replace(s, kind="modelled" if s.layer in soft else "measured") for s in clean.sources)
    result = audit(replace(clean, sources=sources), as_of=AS_OF)
    assert result.score("region", clean.name) > read_rubric("pilot").classes["B"]
    assert result.ranking("region")["class"].tolist() == ["C"]


@settings(max_examples=4, deadline=None)
@given(days=st.lists(st.integers(0, 12_000), min_size=2, max_size=3).map(sorted))
def test_a_layer_never_gets_livelier_with_age(days):
    region = clean_region()
    scores = [audit(region, as_of=AS_OF + timedelta(days=d)).score("layer", "cells", "live") for d in days]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("stated", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-12-05", date(2026, 12, 5), date(2026, 12, 5)),
        ("2026-12-05T10:00", date(2026, 12, 5), date(2026, 12, 5)),
    ],
)
def test_a_year_a_month_and_a_day_are_read_as_periods(stated, first, last):
    assert period(stated) == (first, last)


@pytest.mark.parametrize("stated", ["", "soon", "05/12/2026", "2026-13", "2026-02-30", "0000"])
def test_what_is_no_date_is_none(stated):
    assert period(stated) is None


def test_the_faults_of_one_owner_and_province_are_not_charged_to_others(clean):
    sites = clean.sites.copy()
    sites.loc[sites["owner"] == "red", "height_m"] = 200.0
    communes = clean.communes.assign(province=["Tuyên Quang", "Tuyên Quang", "Cao Bằng", "Cao Bằng"],
                                     province_code=["08", "08", "04", "04"])  # fmt: skip
    result = audit(replace(clean, sites=sites, communes=communes), as_of=AS_OF)
    assert result.score("owner", "red", "correct") < 100.0
    assert result.score("owner", "blue", "correct") == 100.0
    assert result.score("province", "Cao Bằng", "unified") < result.score(
        "province", "Tuyên Quang", "unified"
    )
    assert set(result.records.loc[result.records["check"] == "height-plausible", "owner"]) == {"red"}


def test_people_are_those_of_the_cells_that_read_the_row(clean):
    demand, sites = clean.demand, clean.sites
    east, north = clean.grid.centres(demand["row"], demand["col"])
    off = np.hypot(east[:, None] - sites.geometry.x.to_numpy(), north[:, None] - sites.geometry.y.to_numpy())
    mine = (off.argmin(axis=1) == 7) & (off.min(axis=1) <= 10_000)
    sites = sites.copy()
    sites.loc[7, "height_m"] = 200.0
    result = audit(replace(clean, sites=sites), as_of=AS_OF)
    expected = demand["population"].to_numpy()[mine].sum()
    assert result.records["people"].tolist() == [expected]
    assert result.people_affected == expected == result.communes["people_affected"].sum()
    assert result.people == demand["population"].sum()


def test_people_of_two_records_of_one_check_are_not_counted_twice(clean):
    cells = clean.cells.copy()
    cells.loc[[3, 4], "eirp_dbm"] = 5.0
    cells.loc[4, "site_id"] = cells["site_id"].iloc[3]
    result = audit(replace(clean, cells=cells), as_of=AS_OF)
    row = result.checks[result.checks["check"] == "power-plausible"].iloc[0]
    mine = result.records[result.records["check"] == "power-plausible"]
    assert row["records"] == 2
    assert row["people"] == mine["people"].iloc[0] < mine["people"].sum()


def test_a_power_line_carries_all_that_it_feeds(clean):
    lines = clean.power_lines.assign(length_km=[500.0, 12.0, 15.0, 20.0])
    result = audit(replace(clean, power_lines=lines), as_of=AS_OF)
    fed = audit(replace(clean, power_nodes=clean.power_nodes.assign(saifi=[0.5, -1, 3, -1, 9])), as_of=AS_OF)
    people = fed.records.set_index("key")["people"]
    assert result.records["people"].tolist() == [people["t0"]]
    assert people["t0"] > people["t2"] > 0


def test_a_region_that_runs_refuse_is_audited_and_its_refusals_are_records(clean, tmp_path):
    folder = tmp_path / "region"
    clean.write(folder)
    sites = clean.sites.assign(height_m=[-4.0, *clean.sites["height_m"][1:]], owner=HOSTILE)
    sites.to_parquet(folder / "sites.parquet", index=False)
    pd.DataFrame(clean.cells).drop(columns="operator").assign(tilt_deg="steep").to_parquet(
        folder / "cells.parquet"
    )
    (folder / "facilities.parquet").unlink()
    (folder / "elevation.tif").write_bytes(b"II*\0torn")
    (folder / "demand.parquet").write_bytes(b"")
    with pytest.raises(InputError) as refused:
        Region.read(folder)
    result = audit(folder, as_of=AS_OF)
    found = {(r.layer, r.key) for r in result.records.itertuples()}
    assert {("sites", "x0"), ("cells", "operator"), ("facilities", "facilities"), ("elevation", "elevation"),
            ("demand", "demand")} <= found  # fmt: skip
    assert result.score("layer", "facilities") == 0.0
    assert result.score("layer", "demand") < 100.0
    named = " ".join(f"{r.layer} {r.detail}" for r in result.records.itertuples())
    for problem in refused.value.problems:
        layer = problem.where.split(".")[0]
        layer = next((n for n in ("facilities",) if n in problem.what), layer)
        assert layer in named, problem
    assert json.loads(result.to_json())["records"]


@pytest.mark.parametrize(
    "toml",
    ["", "[region", "region = 3\nlayers = 4", '[region]\ncrs = "EPSG:4326"', '[region]\ncrs = "no"', "\xff"],
)
def test_a_broken_description_is_a_record(clean, tmp_path, toml):
    clean.write(tmp_path / "region")
    (tmp_path / "region" / "region.toml").write_text(toml, encoding="latin-1")
    result = audit(tmp_path / "region", as_of=AS_OF)
    assert "region" in set(result.records["layer"])
    assert set(result.layers["kind"]) == {"assumed"}


def test_an_empty_folder_with_a_description_is_all_missing(tmp_path):
    (tmp_path / "region.toml").write_text('[region]\nname = "nothing"\ncrs = "EPSG:32648"\n')
    result = audit(tmp_path, as_of=AS_OF)
    assert result.score("region", "nothing") == 0.0
    assert result.people == 0
    assert set(result.records.loc[result.records["check"] == "layer-present", "layer"]) == set(
        result.layers["layer"]
    )


def test_tables_as_csv_in_degrees_legacy_text_and_all(clean, tmp_path):
    clean.write(tmp_path / "region")
    sites = clean.sites.to_crs("EPSG:4326")
    table = pd.DataFrame(sites.drop(columns="geometry")).assign(
        longitude=sites.geometry.x, latitude=sites.geometry.y
    )
    table["latitude"] = [
        "north" if s == "s02" else str(y) for s, y in zip(table["site_id"], table["latitude"], strict=True)
    ]
    table["height_m"] = [
        "ba mươi" if s == "s03" else str(h) for s, h in zip(table["site_id"], table["height_m"], strict=True)
    ]
    (tmp_path / "region" / "sites.parquet").unlink()
    (tmp_path / "region" / "sites.csv").write_bytes(table.to_csv(index=False).encode("utf-8-sig"))
    result = audit(tmp_path / "region", as_of=AS_OF)
    found = {(r.check, r.key) for r in result.records[~result.records["whole_layer"]].itertuples()}
    assert {("shape-valid", "s02"), ("within-limits", "s03")} <= found


def test_no_region_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match=r"no folder|no region"):
            audit(path, as_of=AS_OF)


def test_records_have_a_point_where_their_row_has_one(clean):
    result = audit(replace(clean, sites=clean.sites.assign(height_m=1.0)), as_of=AS_OF)
    first = result.records[result.records["key"] == "s05"].iloc[0]
    assert first.geometry.equals(clean.sites.geometry.iloc[5])
    assert first["row"] == 6
    assert result.records.crs == clean.sites.crs


def test_hostile_text_is_carried_as_text(clean):
    frame = clean.settlements.assign(commune_code=HOSTILE)
    result = audit(replace(clean, settlements=frame), as_of=AS_OF)
    details = [r["detail"] for r in json.loads(result.to_json())["records"]]
    assert any("<script>" in d and "[red]" in d for d in details)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("correct = 1.0", "principles"),
        ("clean = 0.25", "zero_at"),
        ("A = 80.0", "classes"),
        ("sites = 3.0", "layers"),
        ("same_owner_m = 10.0", "same_owner_m"),
    ],
)
def test_a_rubric_that_lacks_a_line_is_refused_and_named(tmp_path, line, word):
    text = geodata_path("audit_rubric_pilot.toml").read_text(encoding="utf-8")
    lines = [x for x in text.splitlines() if not x.startswith(line)]
    assert len(lines) < len(text.splitlines())
    (tmp_path / "mine.toml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=word):
        read_rubric(tmp_path / "mine.toml")


def test_a_rubric_with_an_unknown_line_or_name_is_refused(tmp_path):
    text = geodata_path("audit_rubric_pilot.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text("colour = 1\n" + text, encoding="utf-8")
    with pytest.raises(InputError, match="colour"):
        read_rubric(tmp_path / "mine.toml")
    with pytest.raises(InputError, match="did you mean official"):
        read_rubric("oficial")


def test_a_rubric_of_ones_own_changes_the_score_and_its_hash(clean, tmp_path):
    text = geodata_path("audit_rubric_pilot.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(
        text.replace("tower = [15.0, 150.0]", "tower = [30.0, 150.0]"), encoding="utf-8"
    )
    mine, usual = audit(clean, as_of=AS_OF, rubric=tmp_path / "mine.toml"), audit(clean, as_of=AS_OF)
    assert mine.score("layer", "sites", "correct") < usual.score("layer", "sites", "correct")
    assert mine.rubric.sha256 != usual.rubric.sha256


@given(st.lists(st.integers(-1, 9), min_size=10, max_size=10))
def test_trees_agree_with_walking_up_by_hand(parents):
    parent = np.array(parents)
    n = parent.size
    cyclic = on_cycle(n, np.arange(n), parent)

    def climb(i: int) -> list[int]:
        path = [i]
        while parents[path[-1]] >= 0 and parents[path[-1]] not in path:
            path.append(parents[path[-1]])
        return path

    for i in range(n):
        path = climb(i)
        assert cyclic[i] == (parents[path[-1]] == i)
    tree = first_parents(n, np.arange(n), parent)
    assert (tree[cyclic] == -1).all()
    assert (tree[~cyclic] == parent[~cyclic]).all()
    roots = parent == -1
    up = reached(n, np.arange(n), parent, roots)
    assert up.tolist() == [parents[climb(i)[-1]] == -1 for i in range(n)]
    assert sums_below(tree, np.ones(n))[tree == -1].sum() == n
    flags = np.arange(n) == 0
    assert below(tree, flags).sum() == sums_below(tree, np.ones(n))[0]


def test_a_source_may_name_its_owner(clean, tmp_path):
    clean.write(tmp_path / "region")
    path = tmp_path / "region" / "region.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("[layers.power_lines]", '[layers.power_lines]\nowner = "EVN"'), encoding="utf-8"
    )
    result = audit(tmp_path / "region", as_of=AS_OF)
    assert "EVN" in set(result.ranking("owner")["name"])
    assert Source("power_lines", "measured", "surveyors", "CC BY 4.0", "2026-10") == clean.source_of(
        "power_lines"
    )


@settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    layer=st.sampled_from(["sites", "communes", "demand", "links", "elevation"]),
    ending=st.sampled_from(["csv", "parquet", "gpkg", "geojson", "tif"]),
    content=st.one_of(
        st.binary(max_size=80),
        st.lists(st.text("site_id,east_m north_m\t;\n\"'=-0123456789.eEnNaA½đ", max_size=40), max_size=6).map(
            lambda rows: ("site_id,east_m,north_m,height_m\n" + "\n".join(rows)).encode()
        ),
    ),
)
def test_any_file_is_audited_without_a_traceback(tmp_path_factory, layer, ending, content):
    folder = tmp_path_factory.mktemp("fuzz") / "region"
    clean_region().write(folder)
    for path in folder.glob(f"{layer}.*"):
        path.unlink()
    (folder / f"{layer}.{ending}").write_bytes(content)
    result = audit(folder, as_of=AS_OF)
    assert layer in set(result.records["layer"])
    assert json.loads(result.to_json())


def test_what_was_delivered_comes_before_what_a_model_drew_and_owners_are_those_who_deliver(clean):
    kinds_ = np.where(clean.sites["owner"] == "red", "", "modelled")
    sites = clean.sites.assign(height_m=200.0, record_kind=kinds_)
    result = audit(replace(clean, sites=sites), as_of=AS_OF)
    mine = result.records[result.records["check"] == "height-plausible"]
    assert mine["delivered"].tolist() == sorted(mine["delivered"], reverse=True)
    for _, part in mine.groupby("delivered"):
        assert part["people"].is_monotonic_decreasing
    assert set(mine.loc[mine["delivered"], "owner"]) == {"red"}
    assert result.score("origin", "delivered", "correct") < 100.0
    soft = audit(kinds(clean, "modelled"), as_of=AS_OF)
    assert soft.ranking("owner").empty
    assert soft.ranking("origin")["name"].tolist() == ["modelled"]
    assert not soft.records["delivered"].any()


def test_an_area_that_disagrees_blames_what_is_wrong(clean):
    spoilt = clean.communes.assign(area_km2=[1000.0, *clean.communes["area_km2"][1:]])

    def told(region):
        records = audit(region, as_of=AS_OF).records
        return records[records["check"] == "area-as-drawn"].iloc[0]

    drawn = told(replace(clean, communes=spoilt.assign(record_kind="modelled")))
    assert drawn["column"] == "geometry"
    assert "the drawing is wrong, not the figure" in drawn["detail"]
    assert not drawn["delivered"]
    stated = told(replace(clean, communes=spoilt))
    assert stated["column"] == "area_km2"
    assert "the figure is wrong" in stated["detail"]
    grown = clean.communes.copy()
    grown.loc[[0], "geometry"] = grown.geometry.iloc[[0]].buffer(4_000.0)
    over = told(replace(clean, communes=grown))
    assert over["column"] == "geometry"
    assert "lie over its neighbours" in over["detail"]
