"""Maximal coverage against published optima and against spopt, neither of them ours."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from phusong.invest import max_coverage

CASES = Path(__file__).parents[3] / "shared" / "validation" / "coverage"
EARTH_RADIUS_M = 6_378_100.0

published = pytest.mark.skipif(not CASES.is_dir(), reason="reference cases are not here")


def street_network(name, radius_m):
    lines = (CASES / f"{name}.txt").read_text().split("\n")
    n = int(next(line for line in lines if line.startswith("DIMENSION")).split(":")[1])
    at = lines.index("NODE_COORD_SECTION") + 1
    place = np.radians([[float(v) for v in line.split()[-2:]] for line in lines[at : at + n]])
    weights = np.array([float(line.split()[-1]) for line in lines[at + n + 1 : at + 2 * n + 1]])
    latitude, longitude = place.T
    rows = []
    for k in range(0, n, 500):
        cosine = np.sin(latitude[k : k + 500, None]) * np.sin(latitude) + np.cos(
            latitude[k : k + 500, None]
        ) * np.cos(latitude) * np.cos(longitude[k : k + 500, None] - longitude)
        near = (EARTH_RADIUS_M * np.arccos(np.clip(cosine, -1, 1))).astype(np.float32) <= radius_m
        near[np.arange(near.shape[0]), k + np.arange(near.shape[0])] = True
        rows.append(near)
    return csr_matrix(np.vstack(rows).astype(float)), weights


@published
def test_san_francisco_stores_reach_the_brute_force_optimum():
    distance = pd.read_csv(CASES / "SF_network_distance_candidateStore_16_censusTract_205_new.csv")
    table = distance.pivot_table(index="name", columns="DestinationName", values="distance")
    demand = pd.read_csv(CASES / "SF_demand_205_centroid_uniform_weight.csv").set_index("NAME")["POP2000"]
    covers = csr_matrix((table.to_numpy() <= 5000.0).astype(float))
    found = max_coverage(covers, demand.loc[table.columns].to_numpy(float), np.ones(16), 4.0)
    assert found.objective == found.bound == 875_247


@published
@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(p.stem for p in CASES.glob("best_*.txt")) or ["none"])
def test_street_networks_come_within_one_per_cent_of_the_best_known(case):
    _, name, p, radius = case.split("_")
    best = float((CASES / f"{case}.txt").read_text().split("\n")[0].split(":")[1])
    covers, weights = street_network(name, float(radius))
    found = max_coverage(covers, weights, np.ones(weights.size), float(p), time_limit_s=10)
    assert best * 0.99 <= found.objective <= found.bound
    # the best known plan is a plan: a bound below it would be none
    assert found.bound >= best


def test_spopt_finds_no_better_choice():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pulp = pytest.importorskip("pulp")
        locate = pytest.importorskip("spopt.locate")
        rng = np.random.default_rng(5)
        weights = rng.integers(1, 100, 120).astype(float)
        distance = np.hypot(*(rng.random((120, 1, 2)) - rng.random((1, 40, 2))).transpose(2, 0, 1))
        theirs = locate.MCLP.from_cost_matrix(distance, weights, 0.15, p_facilities=6)
        theirs = theirs.solve(pulp.PULP_CBC_CMD(msg=False))
    bought = np.array([bool(variable.value()) for variable in theirs.fac_vars])
    covers = distance.T <= 0.15
    ours = max_coverage(csr_matrix(covers.astype(float)), weights, np.ones(40), 6.0)
    assert ours.objective >= weights[covers[bought].any(axis=0)].sum() - 1e-9
    assert ours.gap == pytest.approx(0.0, abs=1e-9)
