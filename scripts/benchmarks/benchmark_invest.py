"""How fast, how good and how certain: our plans beside spopt and HiGHS on the same made-up instances.

Run `.venv/bin/python scripts/benchmarks/benchmark_invest.py` (all sizes, some ten minutes) or name sizes: `… 500x20000`. Each
figure comes from a process of its own, so that peak memory (with the instance in it) is that method's alone.

Instances: people and candidates clustered around towns, lognormal weights and costs, a budget of 1.5 % of what all
candidates cost. "About 25 covers" is read as: a cell is served by about 25 candidates (`--reading cell`, what the
table uses); `--reading candidate`, a candidate serving about 25 cells, is much the easier one.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_matrix, eye, hstack, identity
from scipy.spatial import cKDTree

from phusong.invest.optimum import best_plan
from phusong.invest.plan_book import PlanModel, incidence
from phusong.invest.ranking import rank

SIZES = {  # candidates, cells, seconds allowed, certified gap aimed at
    "500x20000": (500, 20_000, 10.0, 0.005),
    "3000x200000": (3_000, 200_000, 10.0, 0.005),
    "10000x1000000": (10_000, 1_000_000, 60.0, 0.004),
    "50000x3000000": (50_000, 3_000_000, 120.0, 0.007),
    "3000x200000 forest": (3_000, 200_000, 60.0, 0.01),
}
COVERS = 25.0
BUDGET_SHARE = 0.015
RIVALS_UP_TO = 3_000  # candidates: beyond, neither rival's model is built in the time allowed


def main() -> None:
    """Run every method on every size and print a table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("sizes", nargs="*", default=list(SIZES))
    ask.add_argument("--reading", choices=("cell", "candidate"), default="cell")
    ask.add_argument("--rival-seconds", type=float, default=150.0)
    ask.add_argument("--one", help=argparse.SUPPRESS)
    asked = ask.parse_args()
    if asked.one:
        print(json.dumps(METHODS[asked.one](asked.sizes[0], asked.reading, asked.rival_seconds)))
        return
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; covers read per {asked.reading}")
    print("| size | method | seconds | CPU seconds | people, share of all | certified gap | peak GiB | how |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in asked.sizes:
        for method in METHODS:
            if method in RIVALS and (SIZES[size][0] > RIVALS_UP_TO or "forest" in size):
                continue
            if method in UNIT_COSTS and SIZES[size][0] > RIVALS_UP_TO:
                continue
            print(_row(size, method, asked.reading, asked.rival_seconds), flush=True)


def _row(size: str, method: str, reading: str, seconds: float) -> str:
    command = [sys.executable, __file__, size, "--one", method, "--reading", reading]
    command += ["--rival-seconds", str(seconds)]
    limit = 2.0 * seconds + 60.0 if method in RIVALS else None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)  # noqa: S603
    except subprocess.TimeoutExpired:
        return f"| {size} | {method} | > {limit:.0f} | | | | | not done |"
    except subprocess.CalledProcessError as failed:
        return f"| {size} | {method} | | | | | | failed: {failed.stderr.strip().splitlines()[-1:]} |"
    out: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    gap = "" if out["gap"] is None else f"{100 * out['gap']:.3f} %"
    return (
        f"| {size} | {method} | {out['seconds']:.1f} | {out['cpu']:.1f} | {out['share']:.5f} | {gap} "
        f"| {out['gib']:.2f} | {out['how']} |"
    )


class _Watch:
    """Wall and user CPU seconds since it was made, and the peak memory of the process."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_utime

    def report(self, share: float, gap: float | None, how: str) -> dict[str, Any]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "seconds": time.perf_counter() - self._wall,
            "cpu": used.ru_utime - self._cpu,
            "gib": used.ru_maxrss / 2**20,
            "share": share,
            "gap": gap,
            "how": how,
        }


def _ours(size: str, reading: str, _: float, *, unit: bool = False) -> dict[str, Any]:
    model, budget = _model(size, reading, unit=unit)
    for forest in (False, True):  # compiled kernels are loaded before the clock starts
        best_plan(*_problem(60, 400, COVERS, forest=forest, unit=unit), time_limit_s=2)
    watch = _Watch()
    best = best_plan(model, budget, time_limit_s=SIZES[size][2])
    return watch.report(best.people / model.weights.sum(), best.gap, best.method)


def _ours_unit(size: str, reading: str, seconds: float) -> dict[str, Any]:
    return _ours(size, reading, seconds, unit=True)


def _greedy(size: str, reading: str, _: float) -> dict[str, Any]:
    model, budget = _model(size, reading)
    rank(_problem(60, 400, COVERS)[0])
    watch = _Watch()
    ranking = rank(model)
    within = np.cumsum(ranking.cost_musd) <= budget
    people = float(ranking.people_gained[within].sum())
    return watch.report(people / model.weights.sum(), None, f"{ranking.order.size} options ranked")


def _highs(size: str, reading: str, seconds: float) -> dict[str, Any]:
    model, budget = _model(size, reading)
    watch = _Watch()
    n, m = model.covers.shape
    rows = hstack([-model.covers.T.astype(float), eye(m)], format="csr")
    spend = csr_matrix(np.r_[model.remedy_cost_musd, np.zeros(m)])
    found = milp(
        np.r_[np.zeros(n), -model.weights],
        constraints=[LinearConstraint(rows, -np.inf, 0.0), LinearConstraint(spend, -np.inf, budget)],
        bounds=Bounds(0.0, 1.0),
        integrality=np.r_[np.ones(n), np.zeros(m)],
        options={"time_limit": seconds, "mip_rel_gap": 1e-6},
    )
    if found.x is None:
        return watch.report(0.0, None, "no plan in the time allowed")
    people = model.people(np.asarray(found.x[:n]) > 0.5)
    bound = float(-found.mip_dual_bound)
    return watch.report(people / model.weights.sum(), (bound - people) / bound, "branch and bound")


def _spopt(size: str, reading: str, _: float) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pulp  # noqa: PLC0415
        from spopt.locate import MCLP  # noqa: PLC0415

    model, budget = _model(size, reading, unit=True)
    watch = _Watch()
    distance = 1.0 - np.asarray(model.covers.T.toarray(), np.float64)
    chosen = MCLP.from_cost_matrix(distance, model.weights, 0.5, p_facilities=int(budget))
    chosen = chosen.solve(pulp.PULP_CBC_CMD(msg=False, timeLimit=SIZES[size][2] * 10))
    bought = np.array([bool(variable.value()) for variable in chosen.fac_vars])
    return watch.report(model.people(bought) / model.weights.sum(), None, "CBC through PuLP")


METHODS = {
    "phusong": _ours,
    "greedy ranking": _greedy,
    "HiGHS": _highs,
    "phusong, unit costs": _ours_unit,
    "spopt, unit costs": _spopt,
}
RIVALS = ("HiGHS", "spopt, unit costs")
UNIT_COSTS = ("phusong, unit costs",)


def _model(size: str, reading: str, *, unit: bool = False) -> tuple[PlanModel, float]:
    n, m, _, _ = SIZES[size]
    mean = COVERS if reading == "cell" else COVERS * n / m
    return _problem(n, m, mean, forest="forest" in size, unit=unit)


def _problem(
    n: int, m: int, mean: float, *, forest: bool = False, unit: bool = False, seed: int = 1
) -> tuple[PlanModel, float]:
    """Return candidates that serve cells within a radius of their own, and a budget."""
    rng = np.random.default_rng(seed)
    n_towns = max(20, n // 50)
    towns, size = rng.random((n_towns, 2)), rng.lognormal(0.0, 1.0, n_towns)
    cells, urban = _points(rng, m, towns, size)
    side = max(1, int(np.sqrt(m / 8)))
    bucket = (cells[:, 1] * side).astype(np.int64) * side + (cells[:, 0] * side).astype(np.int64)
    order = np.argsort(bucket, kind="stable")
    cells, urban = cells[order], urban[order]
    starts = np.searchsorted(bucket[order], np.arange(side * side + 1))
    weights = rng.lognormal(np.where(urban, 3.0, 2.0), 1.0)
    places, _ = _points(rng, n, towns, size)
    radius = rng.lognormal(0.0, 0.3, n)
    some = np.arange(0, n, max(1, n // 500))
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        entries = _within(places[some], radius[some] * middle, cells, starts, side, np.empty(0, np.int32))[-1]
        low, high = (low, middle) if entries * n / some.size > mean * m else (middle, high)
    row_starts = _within(places, radius * low, cells, starts, side, np.empty(0, np.int32))
    columns = np.empty(row_starts[-1], np.int32)
    _within(places, radius * low, cells, starts, side, columns)
    covers = csr_matrix((np.ones(columns.size, np.int8), columns, row_starts), (n, m))
    costs = np.ones(n) if unit else rng.lognormal(0.0, 0.5, n)
    needs = csr_matrix(identity(n))
    if forest:
        needs, links = _links(rng, places)
        costs = np.r_[costs, links]
    budget = BUDGET_SHARE * float(costs.sum())
    return PlanModel(costs, needs, covers, weights), float(int(budget)) if unit else budget


def _points(
    rng: np.random.Generator, count: int, towns: npt.NDArray[np.float64], size: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return points of the unit square, six of ten around towns, and which those are."""
    urban = rng.random(count) < 0.6
    town = rng.choice(towns.shape[0], count, p=size / size.sum())
    spread = 0.35 / np.sqrt(towns.shape[0]) * (0.5 + size[town] / size.max())
    around = towns[town] + rng.normal(size=(count, 2)) * spread[:, None]
    return np.clip(np.where(urban[:, None], around, rng.random((count, 2))), 0.0, 1.0 - 1e-9), urban


def _links(
    rng: np.random.Generator, places: npt.NDArray[np.float64]
) -> tuple[csr_matrix, npt.NDArray[np.float64]]:
    """Return what each candidate needs (itself and the links to a hub, shared on the way) and the links' costs."""
    n = places.shape[0]
    joints = rng.choice(n, max(1, n // 10), replace=False)
    hubs = rng.random((max(1, n // 75), 2))
    far = cKDTree(hubs).query(places[joints])[0]
    parent = np.full(joints.size, -1)
    length = far.copy()
    for a in range(joints.size):
        apart = np.hypot(*(places[joints] - places[joints[a]]).T)
        apart[far >= far[a]] = np.inf
        nearest = int(np.argmin(apart))
        if apart[nearest] < far[a]:
            parent[a], length[a] = nearest, apart[nearest]
    needs = []
    for site, joint in enumerate(cKDTree(places[joints]).query(places)[1]):
        path = [site]
        at = int(joint)
        while at >= 0:
            path.append(n + at)
            at = int(parent[at])
        needs.append(np.array(sorted(path), np.int64))
    costs = 2.0 * length / length.mean() * rng.lognormal(0.0, 0.3, length.size)
    return incidence(needs, n + joints.size), costs


@nb.njit(cache=True)
def _within(places, radius, cells, starts, side, out):  # type: ignore[no-untyped-def]
    """Return where each place's list of cells begins; write the lists where there is room for them."""
    row_starts = np.zeros(places.shape[0] + 1, np.int64)
    at = 0
    for j in range(places.shape[0]):
        x, y, r = places[j, 0], places[j, 1], radius[j]
        left, right = max(0, int((x - r) * side)), min(side - 1, int((x + r) * side))
        for i in range(max(0, int((y - r) * side)), min(side - 1, int((y + r) * side)) + 1):
            for e in range(starts[i * side + left], starts[i * side + right + 1]):
                if (cells[e, 0] - x) ** 2 + (cells[e, 1] - y) ** 2 <= r * r:
                    if out.size:
                        out[at] = e
                    at += 1
        row_starts[j + 1] = at
    return row_starts


if __name__ == "__main__":
    main()
