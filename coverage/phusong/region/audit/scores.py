"""From failing rows to scores: of layers, provinces, owners and communes, all by one rule.

A check scores 100 less what its failing share costs, down to 0 at the share that the rubric names. A principle of a
layer is the mean of its checks, a layer the weighted mean of its principles, a group (the region, a province, an
owner, a commune) the weighted mean of its layers, counting only rows that belong to the group. A layer's kind says
what it can reach: a modelled layer without a fault scores its cap, and less in proportion, never as a measured one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.region.audit.case import Case
from phusong.region.audit.check import Check, Rows, Whole
from phusong.region.audit.rubric import PRINCIPLES

__all__ = ["Group", "Outcome", "Standing", "check_score", "grade_groups", "layer_standings", "share_failing"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """What one check found on one layer.

    Parameters
    ----------
    check : Check
        The check.
    layer : str
        The layer.
    parts : tuple of Rows
        Failing rows by column; empty when the layer failed, or passed, as a whole.
    whole : Whole or None
        How far it failed as a whole.
    """

    check: Check
    layer: str
    parts: tuple[Rows, ...] = ()
    whole: Whole | None = None

    @property
    def rows_of(self) -> str:
        """Layer whose rows fail."""
        return (self.parts[0].of if self.parts else "") or self.layer

    @property
    def bad(self) -> Flags:
        """Rows that fail in any part."""
        return np.asarray(np.any([p.bad for p in self.parts], axis=0))


@dataclass(frozen=True)
class Group:
    """How the rows of each layer fall into groups.

    Parameters
    ----------
    names : sequence of str
        The groups.
    of_row : mapping of str to ndarray of int
        By layer: group of each row, -1 for none. A layer that is missing here belongs to every group as a whole.
    everywhere : bool
        Whether what a layer fails as a whole counts for every group, or only for those with rows in it.
    """

    names: Sequence[str]
    of_row: Mapping[str, Ints]
    everywhere: bool = True


@dataclass(frozen=True)
class Standing:
    """Scores of groups.

    Parameters
    ----------
    principles : ndarray, shape (n_groups, 6)
        In the order of ``PRINCIPLES``; NaN where nothing was judged.
    overall : ndarray, shape (n_groups,)
        NaN where nothing was judged.
    classes : list of str
        A, B or C; empty where nothing was judged.
    """

    principles: Floats
    overall: Floats
    classes: list[str]


def check_score(share: npt.ArrayLike, zero_at: float) -> Floats:
    """Return the score of a failing share.

    Examples
    --------
    >>> check_score([0.0, 0.1, 0.5, 1.0], 0.5).tolist()
    [100.0, 80.0, 0.0, 0.0]
    """
    return np.asarray(100.0 * (1.0 - np.minimum(1.0, np.asarray(share, np.float64) / zero_at)))


def share_failing(outcome: Outcome, group: Group) -> Floats:
    """Return the share of each group's rows that fail; NaN where the group has none to judge."""
    n = len(group.names)
    if outcome.whole is not None:
        return np.full(n, outcome.whole.share)
    bad = outcome.bad
    of_row = group.of_row.get(outcome.rows_of)
    if of_row is None:
        return np.full(n, float(bad.mean()) if bad.size else np.nan)
    known = of_row >= 0
    total = np.bincount(of_row[known], minlength=n).astype(np.float64)
    failing = np.bincount(of_row[known], bad[known], minlength=n)
    return np.asarray(np.divide(failing, total, out=np.full(n, np.nan), where=total > 0))


def layer_standings(case: Case, outcomes: Sequence[Outcome], group: Group) -> dict[str, Standing]:
    """Return the standing of each layer within each group, scaled to what its kind can reach."""
    rubric = case.rubric
    found = {}
    for layer in rubric.layers:
        mine = [o for o in outcomes if o.layer == layer]
        kind = case.evidence.source(layer).kind
        earned = np.full((len(group.names), len(PRINCIPLES)), np.nan)
        for k, principle in enumerate(PRINCIPLES):
            scores = [
                check_score(share_failing(o, group), rubric.zero_at[principle])
                for o in mine
                if o.check.principle == principle
            ]
            earned[:, k] = _mean(scores, len(group.names))
        earned[~_present(case, layer, group)] = np.nan
        principles = earned * np.array([rubric.cap(kind, p) for p in PRINCIPLES]) / 100.0
        weights = np.array([rubric.principles[p] for p in PRINCIPLES])
        overall = _weighted_rows(earned.T, weights) * rubric.cap(kind, "overall") / 100.0
        best = rubric.kinds[kind].best_class
        classes = ["" if np.isnan(s) else rubric.grade(float(s), best) for s in overall]
        found[layer] = Standing(principles, overall, classes)
    return found


def grade_groups(case: Case, layers: Mapping[str, Standing]) -> Standing:
    """Return the standing of each group over all its layers."""
    rubric = case.rubric
    names = list(layers)
    weights = np.array([rubric.layers[name] for name in names])
    stacked = np.stack([layers[name].principles for name in names])
    principles = np.stack([_weighted_rows(stacked[:, :, k], weights) for k in range(len(PRINCIPLES))], axis=1)
    each = np.stack([layers[name].overall for name in names])
    overall = _weighted_rows(each, weights)
    soft = np.array([case.evidence.source(n).kind in {"modelled", "assumed"} for n in names])
    judged = np.isfinite(each)
    weight = (judged * weights[:, None]).sum(axis=0)
    share = np.divide(
        (judged * (weights * soft)[:, None]).sum(axis=0), weight, out=np.zeros_like(weight), where=weight > 0
    )
    held = share > rubric.groups["modelled_share"]
    best = rubric.kinds["modelled"].best_class
    classes = [
        "" if np.isnan(s) else rubric.grade(float(s), best if h else "A")
        for s, h in zip(overall, held, strict=True)
    ]
    return Standing(principles, overall, classes)


def _present(case: Case, layer: str, group: Group) -> Flags:
    """Return which groups a layer is judged in."""
    n = len(group.names)
    if layer not in group.of_row:
        return np.full(n, group.everywhere)
    if group.everywhere and not case.evidence.has(layer):
        return np.ones(n, bool)  # a layer that is not there is missing everywhere
    at = group.of_row[layer]
    return np.bincount(at[at >= 0], minlength=n) > 0


def _mean(scores: Sequence[Floats], n: int) -> Floats:
    if not scores:
        return np.full(n, np.nan)
    stacked = np.stack(scores)
    judged = np.isfinite(stacked)
    count = judged.sum(axis=0)
    total = np.where(judged, stacked, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(n, np.nan), where=count > 0))


def _weighted_rows(values: Floats, weights: Floats) -> Floats:
    """Return the weighted mean over the first axis, over what was judged."""
    judged = np.isfinite(values)
    weight = (judged * weights[:, None]).sum(axis=0)
    total = (np.where(judged, values, 0.0) * weights[:, None]).sum(axis=0)
    return np.asarray(np.divide(total, weight, out=np.full(values.shape[1], np.nan), where=weight > 0))
