"""A whole country, measured stage by stage, and ten of it: the parts that grow with it, on one and on ten times its size.

The country is `phusong run vietnam` with nothing kept before. Ten of it: a made-up network of ten times its sites whose
people hear ten times as many stations, and ten books of what the country can buy, side by side, with costs and people
changed at random by up to a fifth so that no copy is the other's. The radio sweep of ten is the country's times ten: its
law is linear, and the country's own sweep is a measured tenth.
"""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from benchmark_scale_made import NO_LIMIT_S, made_network, use_of
from benchmark_scale_measure import CpuStages, in_a_child, machine, peak_mib, timed
from benchmark_service import nation
from scipy.sparse import block_diag, csr_matrix

from phusong.compute.cache import StageCache
from phusong.compute.store import Store
from phusong.invest.optimum import best_plan
from phusong.invest.plan_book import BOOK_TABLES, PlanBook, PlanModel
from phusong.invest.ranking import rank
from phusong.pipeline import run
from phusong.scenario import Scenario
from phusong.service.availability import site_stability
from phusong.stages.radio import radio_setup, region_footprints, scenario_region

__all__ = ["STEPS", "country", "ten"]

_SPARE_GIB = 1.0  # left to whatever else runs


def country(out: Path, scenario: str) -> dict[str, Any]:
    """Run a country with nothing kept, and return seconds and greatest memory of each stage, and its size."""

    def measure() -> dict[str, Any]:
        if (out / "store").exists():
            raise SystemExit(f"{out / 'store'} holds an earlier run: remove it, or say another --out")
        asked = Scenario.read(scenario)
        stage_cache, clock = StageCache(Store(out / "store")), CpuStages()
        result = run(asked, out / "result", stages=clock, stage_cache=stage_cache)
        budget = asked.invest.budget_musd
        counts = {"sites": len(result.sites), "bundles": len(result.bundles), "budget_musd": budget}
        del result
        gc.collect()
        region = scenario_region(asked, stage_cache)
        scene, radio = radio_setup(asked.radio, region)
        executor = None  # nothing is swept: it was kept a moment ago
        heard = region_footprints(asked, region, scene, radio, executor, stage_cache)  # type: ignore[arg-type]
        counts |= {
            "communes": len(region.communes), "cells": len(region.cells), "pixels": len(region.demand["row"]),
            "pairs": int(heard.pixel.size), "receivers": int(heard.swept),
        }  # fmt: skip
        return {
            "scenario": scenario, "counts": counts, "wall_s": clock.seconds, "cpu_s": clock.cpu_s,
            "mib": clock.mib,
        }  # fmt: skip

    found: dict[str, Any] = {}
    with machine(found):
        found |= in_a_child(measure)
    return found


def _network(times: float, counts: dict[str, Any], _: Path) -> dict[str, float]:
    sites = round(counts["sites"] * times)
    network = [None]

    def build() -> None:
        network[0] = nation(sites)  # type: ignore[call-overload]

    built = timed(build)
    spent = timed(lambda: site_stability(network[0]))  # type: ignore[arg-type]
    return {"n": sites, "cpu_s": built[0] + spent[0], "wall_s": built[1] + spent[1]}


def _access(times: float, counts: dict[str, Any], _: Path) -> dict[str, float]:
    work, pairs = use_of(
        made_network(round(counts["sites"] * times)),
        round(counts["pixels"] * times),
        round(counts["pairs"] * times),
    )

    def policies() -> None:
        for policy in ("none", "mocn"):
            work(policy)

    cpu, wall = timed(policies)
    return {"n": pairs, "cpu_s": cpu, "wall_s": wall}


def _plan(times: float, counts: dict[str, Any], result: Path) -> dict[str, float]:
    model = side_by_side(_book(result), times)
    cpu, wall = timed(lambda: rank(model))
    found = []
    plan_cpu, plan_wall = timed(
        lambda: found.append(best_plan(model, counts["budget_musd"] * times, time_limit_s=NO_LIMIT_S))
    )
    return {
        "n": model.n_bundles, "cpu_s": plan_cpu, "wall_s": plan_wall, "rank_cpu_s": cpu, "rank_wall_s": wall,
        "groups": int(model.weights.size), "gap": found[0].gap,
    }  # fmt: skip


def _book(result: Path) -> PlanModel:
    tables = {name: pd.read_parquet(result / "tables" / f"{name}.parquet") for name in BOOK_TABLES}
    return PlanBook.of_tables(tables).model


def side_by_side(model: PlanModel, times: float, *, seed: int = 9) -> PlanModel:
    """Return a model several times, with costs and people changed at random; a part of it where times is below 1."""
    if times < 1:
        kept = np.arange(max(1, round(model.n_bundles * times)))
        return PlanModel(model.remedy_cost_musd, model.needs[kept], model.covers[kept], model.weights)
    copies = round(times)
    rng = np.random.default_rng(seed)

    def changed(values: np.ndarray) -> np.ndarray:
        return np.tile(values, copies) * rng.uniform(0.8, 1.2, values.size * copies)

    return PlanModel(
        changed(model.remedy_cost_musd),
        csr_matrix(block_diag([model.needs] * copies, format="csr")),
        csr_matrix(block_diag([model.covers] * copies, format="csr")),
        np.maximum(np.rint(changed(model.weights)), 1.0),
    )


STEPS: dict[str, tuple[str, str, Callable[[float, dict[str, Any], Path], dict[str, float]]]] = {
    "service": ("network built, hours lost of each site", "sites", _network),
    "access": ("who is served by what, gap parts, two policies", "pairs heard", _access),
    "invest": ("best plan and its bound", "bundles", _plan),
}
"""By stage: what is done, what its size counts, and the work."""


def ten(counts: dict[str, Any], result: Path, *, times: tuple[float, ...] = (1, 10)) -> dict[str, Any]:
    """Return seconds and greatest memory of the parts that grow with a country, on several times its size."""
    steps: dict[str, dict[str, Any]] = {}
    found: dict[str, Any] = {"steps": steps}
    with machine(found):
        for stage, (_, _, work) in STEPS.items():
            steps[stage] = {}
            for factor in times:

                def measure(work: Any = work, factor: float = factor) -> dict[str, float]:  # noqa: ANN401
                    # kernels first, on a small part
                    work(min(0.01, factor), counts, result)
                    gc.collect()
                    peak_mib(anew=True)
                    return work(factor, counts, result) | {"gib": peak_mib() / 1024}

                steps[stage][f"{factor:g}"] = in_a_child(measure, most_gib=_available_gib() - _SPARE_GIB)
                print(f"  {stage} × {factor:g}: {steps[stage][f'{factor:g}']}", flush=True)
    return found


def _available_gib() -> float:
    text = Path("/proc/meminfo").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("MemAvailable")) / 2**20
