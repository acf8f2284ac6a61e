"""Each check finds its own defect, names it, and never scores better for it."""

import numpy as np
import pytest
from audited_region import AS_OF, clean_region
from defects import DEFECTS, Defect
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from phusong.audit import CHECKS, PRINCIPLES, audit

IN_MEMORY = [d for d in DEFECTS if not d.in_folder]
# they change the ground that others are measured on, or mend one another: two wrong shares may sum to 1
UNMIXED = {
    "people-as-registered",
    "covers-the-communes",
    "row-once",
    "apart-same-owner",
    "shares-sum-to-one",
    "readable",
}
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # an audit is too slow to shrink with


def made(defect: Defect, region, k: int, tmp_path):
    if defect.in_folder:
        region.write(tmp_path / "region")
        return defect.make(tmp_path / "region", k)
    return defect.make(region, k)


def found(result, defect: Defect) -> set[str]:
    mine = result.records[
        (result.records["check"] == defect.check) & (result.records["layer"] == defect.layer)
    ]
    return set(mine["key"])


def principle_of(defect: Defect) -> str:
    return next(c.principle for c in CHECKS if c.name == defect.check)


def test_a_faultless_measured_region_scores_100_and_has_no_record(clean):
    result = audit(clean, as_of=AS_OF)
    assert result.records.empty
    assert (result.scores["score"].dropna() == 100.0).all()
    assert set(result.scores.loc[result.scores["principle"] == "overall", "class"]) == {"A"}


def test_the_folder_of_a_faultless_region_has_no_record_either(clean, tmp_path):
    clean.write(tmp_path / "region")
    result = audit(tmp_path / "region", as_of=AS_OF)
    assert result.records.empty
    assert (result.scores["score"].dropna() == 100.0).all()


def test_every_check_has_a_defect_that_it_is_tested_with():
    assert {d.check for d in DEFECTS} == {c.name for c in CHECKS}


def test_every_check_says_what_holds_and_how_to_mend_it_once():
    assert len({c.name for c in CHECKS}) == len(CHECKS)
    assert {c.principle for c in CHECKS} == set(PRINCIPLES)
    assert all(c.says and c.mend and c.layers for c in CHECKS)


@pytest.mark.parametrize("defect", DEFECTS, ids=[f"{i}-{d}" for i, d in enumerate(DEFECTS)])
def test_a_defect_is_found_and_lowers_its_principle(defect, clean, tmp_path):
    spoilt, keys = made(defect, clean, 5, tmp_path)
    result = audit(spoilt, as_of=AS_OF)
    assert keys <= found(result, defect), result.records[["layer", "key", "check", "detail"]].to_string()
    if defect.layer != "region":
        assert result.score("layer", defect.layer, principle_of(defect)) < 100.0
        row = result.checks[
            (result.checks["check"] == defect.check) & (result.checks["layer"] == defect.layer)
        ]
        assert row["share_failing"].iloc[0] > 0
    details = result.records["detail"]
    assert (details.str.len() > 5).all()
    assert not details.str.contains("nan").any()


@settings(max_examples=8, deadline=None, phases=QUICK, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.lists(st.tuples(st.sampled_from(IN_MEMORY), st.integers(0, 30)), max_size=3),
    defect=st.sampled_from(
        [d for d in IN_MEMORY if d.check not in {"people-as-registered", "covers-the-communes"}]
    ),
    k=st.integers(0, 30),
)
def test_a_further_defect_never_raises_its_principle_and_all_scores_stay_in_range(before, defect, k):
    region = clean_region()
    for other, row in before:
        if other.check not in UNMIXED:
            region, _ = other.make(region, row)
    first = audit(region, as_of=AS_OF)
    spoilt, _ = defect.make(region, k)
    second = audit(spoilt, as_of=AS_OF)
    principle = principle_of(defect)
    for scope, name in (("layer", defect.layer), ("region", first.region)):
        low, high = second.score(scope, name, principle), first.score(scope, name, principle)
        assert low <= high + 0.011, (str(defect), [str(d) for d, _ in before], scope)
    for result in (first, second):
        scores = result.scores["score"].dropna().to_numpy(np.float64)
        assert ((scores >= 0) & (scores <= 100)).all()
        shares = result.checks["share_failing"].dropna()
        assert ((shares >= 0) & (shares <= 1)).all()
        assert (result.records["people"] >= 0).all()
        assert (result.checks["people"] <= result.people + 1e-6).all()
