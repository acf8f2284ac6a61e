"""The same work done otherwise, in turn and several times: threads and a cluster; cold, warm and one-site-changed runs.

What is compared runs in one process, warm (each kernel has been compiled, loaded and run on the very work before the
clock starts), in turn, each round in another order: what disturbs the machine for a while disturbs both sides. A ratio
is that of one round; the median and the range of the rounds are told.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from benchmark_scale_axes import province, sweep
from benchmark_scale_measure import CpuStages, in_a_child, machine, timed
from shapely.affinity import translate

from phusong.compute.cache import StageCache
from phusong.compute.executor import Threads, cluster
from phusong.compute.store import Store
from phusong.pipeline import run_region
from phusong.region.folder import Region

__all__ = ["crews", "ratio", "runs"]

_MOVED_M = 300.0
Seconds = dict[str, list[float]]


def crews(*, sites: int, step_m: int, rounds: int) -> dict[str, Any]:
    """Return wall and processor seconds of a radio sweep by one thread, two threads, and two workers of a cluster."""

    def measure() -> dict[str, Any]:
        wall: Seconds = {}
        cpu: Seconds = {}
        begin = time.perf_counter()
        with cluster("local", workers=2) as both:
            started = time.perf_counter() - begin
            ways = {
                name: sweep(sites, step_m=step_m, executor=executor)
                for name, executor in (
                    ("1 thread", Threads(1)), ("2 threads", Threads(2)), ("cluster of 2 workers", both),
                )
            }  # fmt: skip
            first = {name: timed(work)[1] for name, work in ways.items()}
            _in_turn({name: lambda w=work: timed(w) for name, work in ways.items()}, rounds, wall, cpu)
        return {
            "sites": sites, "step_m": step_m, "wall_s": wall, "cpu_s": cpu, "start_s": started,
            "first_s": first["cluster of 2 workers"],
        }  # fmt: skip

    found: dict[str, Any] = {}
    with machine(found):
        found |= in_a_child(measure)
    return found


def runs(*, rounds: int) -> dict[str, Any]:
    """Return wall and processor seconds of each stage of a cold run, of one with nothing changed, and one site moved."""

    def measure() -> dict[str, Any]:
        asked, region = province()
        with_cells = np.flatnonzero(region.sites["site_id"].isin(region.cells["site_id"]))
        sites = np.random.default_rng(11).choice(with_cells, rounds + 1, replace=False)
        stages: dict[str, dict[str, Seconds]] = {}
        told: list[dict[str, str]] = []
        for turn, site in enumerate(sites.tolist()):
            with tempfile.TemporaryDirectory() as place:
                # cold comes first, being what the others find; these two take turns at being second
                order = ("cold", "warm", "one site moved") if turn % 2 else ("cold", "one site moved", "warm")
                for name in order:
                    stage_cache = StageCache(Store(Path(place) / "store"))
                    clock = CpuStages()
                    there = _moved(region, site) if name == "one site moved" else region
                    result = run_region(asked, there, stages=clock, stage_cache=stage_cache)
                    with clock.stage("report"):
                        result.write(Path(place) / name)
                    if turn == 0:  # loads kernels, fonts and pages of files; not counted
                        continue
                    for stage, seconds in clock.seconds.items():
                        kept = stages.setdefault(name, {}).setdefault(stage, [[], []])  # type: ignore[arg-type]
                        kept[0].append(seconds)
                        kept[1].append(clock.cpu_s[stage])
                    told = [*(t for t in told if t["run"] != name)]
                    told += [
                        {"run": name, "stage": n.stage, "kept": "reused" if n.kept else "ran", "why": n.why}
                        for n in stage_cache.notes
                    ]
        return {"stages": stages, "notes": told, "sites": len(region.sites), "cells": len(region.cells)}

    found: dict[str, Any] = {}
    with machine(found):
        found |= in_a_child(measure)
    return found


def ratio(found: list[float], base: list[float]) -> tuple[float, float, float]:
    """Return the median and the range of the ratios of rounds."""
    each = [a / b for a, b in zip(found, base, strict=True)]
    return median(each), min(each), max(each)


def _in_turn(
    ways: dict[str, Callable[[], tuple[float, float]]], rounds: int, wall: Seconds, cpu: Seconds
) -> None:
    names = list(ways)
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            spent, passed = ways[name]()
            wall.setdefault(name, []).append(passed)
            cpu.setdefault(name, []).append(spent)


def _moved(region: Region, site: int) -> Region:
    sites = region.sites.copy()
    sites.iloc[site, sites.columns.get_loc("geometry")] = translate(sites.geometry.iloc[site], _MOVED_M, 0.0)
    return replace(region, sites=sites)
