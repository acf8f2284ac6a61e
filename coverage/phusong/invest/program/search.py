"""Heuristic search of a plan under funds and years.

First the needs of the communes, by missing people per cost; then value per cost with what is left. Both gains can
only fall as more is bought, so stale entries of the heap are recomputed when they come up.
"""

import heapq
from dataclasses import dataclass

import numpy as np

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.compute.kernels import nb
from phusong.invest.program import Program

__all__ = ["Found", "Purses", "found_from", "overspent", "search", "without_waste"]


_ROUNDING = 1e-9


class Purses:
    """Money and crews left while a plan is put together.

    Parameters
    ----------
    program : Program
        What binds.
    early : bool
        Whether a remedy takes the earliest year in which any fund has money, rather than the fund that may pay for
        least else.
    """

    def __init__(self, program: Program, *, early: bool) -> None:
        self._p = program
        n_funds, n_years = program.available_musd.shape
        self._spent = np.zeros((n_funds, n_years))
        self._room = program.available_musd.copy()
        self._works = np.zeros((program.crew_most.size, n_years), np.int64)
        self._limit = np.array([x.most for x in program.limits])
        n_remedies = program.model.remedy_cost_musd.size
        self._amount = np.array([x.amount for x in program.limits]).reshape(len(program.limits), n_remedies)
        self.fund = np.full(program.model.remedy_cost_musd.size, -1, np.int64)
        self.year = np.full(program.model.remedy_cost_musd.size, -1, np.int64)
        for f in np.flatnonzero(program.carry_over):
            self._refresh(int(f))
        # the purse that may pay for least else is drawn on first: the others stay free for what only they may pay
        width = program.pays @ np.maximum(program.model.remedy_cost_musd, 1e-12)
        rank = np.empty(n_funds, np.int64)
        rank[np.lexsort((np.arange(n_funds), width))] = np.arange(n_funds)
        fund, year = np.indices((n_funds, n_years))
        key = year * n_funds + rank[:, None] if early else rank[:, None] * n_years + year
        order = np.argsort(key.ravel(), kind="stable")
        self._order = np.c_[fund.ravel()[order], year.ravel()[order]]
        self._single = n_funds == 1 and program.crew_most.size == 0

    def place(self, remedies: Ints) -> bool:
        """Pay for some remedies, dearest first; all of them or none."""
        cost = self._p.model.remedy_cost_musd
        if self._amount.size and (self._limit - self._amount[:, remedies].sum(axis=1) < -_ROUNDING).any():
            return False
        done: list[int] = []
        for k in remedies[np.argsort(-cost[remedies], kind="stable")].tolist():
            if not self._one(k, float(cost[k])):
                for other in done:
                    self.give_back(other)
                return False
            done.append(k)
        return True

    def give_back(self, remedy: int) -> None:
        """Undo a purchase."""
        f, t = int(self.fund[remedy]), int(self.year[remedy])
        crew = int(self._p.crew_of[remedy])
        self._spent[f, t] -= self._p.model.remedy_cost_musd[remedy]
        self._refresh(f)
        if crew >= 0:
            self._works[crew, t] -= 1
        self._limit += self._amount[:, remedy] if self._amount.size else 0.0
        self.fund[remedy] = self.year[remedy] = -1

    def _one(self, k: int, cost: float) -> bool:
        pays, crew = self._p.pays[:, k], int(self._p.crew_of[k])
        for f, t in self._order:
            if not pays[f] or self._room[f, t] < cost - 1e-12:
                continue
            if crew >= 0 and self._works[crew, t] >= self._p.crew_most[crew]:
                continue
            self._spent[f, t] += cost
            self._refresh(int(f))
            if crew >= 0:
                self._works[crew, t] += 1
            if self._amount.size:
                self._limit -= self._amount[:, k]
            self.fund[k], self.year[k] = f, t
            return True
        return False

    def _refresh(self, f: int) -> None:
        left = self._p.available_musd[f] - self._spent[f]
        if self._p.carry_over[f]:
            # what is spent now is missing in every later year
            left = np.minimum.accumulate(np.cumsum(left)[::-1])[::-1]
        self._room[f] = left


def overspent(program: Program, fund: Ints, year: Ints) -> list[str]:
    """Return what a plan by fund and year breaks, in words; nothing when it obeys every rule.

    Parameters
    ----------
    program : Program
        What binds.
    fund, year : ndarray of int, shape (n_remedies,)
        Fund and year of each remedy, -1 where it is not bought.
    """
    bought = np.flatnonzero(fund >= 0)
    cost = program.model.remedy_cost_musd
    found = []
    if (year[bought] < 0).any() or (year[bought] >= program.n_years).any():
        found.append("works outside the plan's years")
    spent = np.zeros(program.available_musd.shape)
    np.add.at(spent, (fund[bought], year[bought]), cost[bought])
    unspent = program.available_musd - spent
    for f, row in enumerate(unspent):
        left = np.cumsum(row) if program.carry_over[f] else row
        if (left < -_ROUNDING).any():
            found.append(f"fund {f} is overdrawn by {-left.min():.9f} million USD")
    if not program.pays[fund[bought], bought].all():
        found.append("a fund pays what it may not pay")
    for c, most in enumerate(program.crew_most):
        works = np.bincount(year[bought[program.crew_of[bought] == c]], minlength=program.n_years)
        if (works > most).any():
            found.append(f"crew {c} has {works.max()} works in a year, not {most}")
    for i, limit in enumerate(program.limits):
        if limit.amount[bought].sum() > limit.most + _ROUNDING:
            found.append(f"limit {i} is broken")
    return found


_LEAST_FRACTION = 0.02


@dataclass(frozen=True)
class Found:
    """A plan that obeys funds, years, crews and limits; whether it also meets the needs is asked of the program.

    Parameters
    ----------
    fund, year : ndarray of int, shape (n_remedies,)
        -1 where nothing is bought.
    method : str
        How it was found.
    """

    fund: Ints
    year: Ints
    method: str

    @property
    def remedies(self) -> Bools:
        """Return what is bought."""
        return self.fund >= 0


def search(program: Program, fraction: Floats, *, rounds: int, seed: int) -> Found:
    """Return the best plan of several starts, improved by ruining and rebuilding parts of it.

    Parameters
    ----------
    program : Program
        What is to be decided.
    fraction : ndarray, shape (n_remedies,)
        The relaxed optimum, to guide one of the starts.
    rounds : int
        How often a part is ruined and rebuilt.
    seed : int
        Of what is ruined.
    """
    build = _Builder(program)
    starts: list[tuple[tuple[float, float, float], int, Purses, str, bool]] = []
    for early in (True, False):
        for guided in (False, True):
            discount = fraction if guided else np.zeros_like(fraction)
            name = ("linear optimum rounded" if guided else "greedy by value per cost") + (
                ", earliest year first" if early else ", narrowest fund first"
            )
            plan = build.plan(np.zeros(fraction.size, bool), discount, early=early)
            starts.append((_score(program, plan.fund >= 0), -len(starts), plan, name, early))
        if build.one_purse:
            break  # with one fund both orders are the same
    _, _, best, name, early = max(starts, key=lambda s: (s[0], s[1]))
    return _improved(program, build, best, fraction, name, rounds, seed, early=early)


def found_from(program: Program, start: Bools, rounds: int, seed: int) -> Found:
    """Return a plan that starts from given remedies, thinned and improved like any other.

    Parameters
    ----------
    program : Program
        What is to be decided.
    start : ndarray of bool, shape (n_remedies,)
        What to start from, bought as far as it can be paid.
    rounds, seed : int
        As for :func:`search`.
    """
    build = _Builder(program)
    early = True
    best = build.plan(start, np.zeros(start.size), early=early)
    return _improved(
        program, build, best, start.astype(np.float64) * 0.5, "communes one by one", rounds, seed, early=early
    )


def without_waste(program: Program, found: Found) -> Found:
    """Return a plan without the remedies that it can do without: branch and bound minds only its goal."""
    purses = Purses(program, early=True)
    purses.fund[:], purses.year[:] = found.fund, found.year
    _Builder(program).thin(purses)
    return Found(purses.fund.copy(), purses.year.copy(), found.method)


def _improved(
    program: Program,
    build: "_Builder",
    best: Purses,
    fraction: Floats,
    name: str,
    rounds: int,
    seed: int,
    *,
    early: bool,
) -> Found:
    best_score = _score(program, best.fund >= 0)
    rng = np.random.default_rng([seed, 61])
    improved = 0
    for _ in range(rounds):
        bought = np.flatnonzero(best.fund >= 0)
        if not bought.size:
            break
        keep = best.fund >= 0
        keep[_neighbours(program, bought, rng)] = False
        noise = np.clip(fraction * rng.uniform(0.0, 1.0) + rng.uniform(0.0, 0.15, fraction.size), 0.0, 0.97)
        plan = build.plan(keep, noise, early=early)
        score = _score(program, plan.fund >= 0)
        if score > best_score:
            best, best_score, improved = plan, score, improved + 1
    if improved:
        name += f", then {improved} improvements in {rounds} rounds of ruin and rebuild"
    return Found(best.fund.copy(), best.year.copy(), name)


def _score(program: Program, bought: Bools) -> tuple[float, float, float]:
    """Return what makes a plan better: fewer people missing, then its goal, then less money."""
    short = -float(program.short(bought).sum())
    goal = 0.0 if program.cheapest else program.worth(bought)
    return (round(short, 6), round(goal, 6), -program.cost(bought))


def _neighbours(program: Program, bought: Ints, rng: np.random.Generator) -> Ints:
    """Return a part of the plan to give up: the remedies of bundles that share people with a random one."""
    model = program.model
    some = rng.choice(bought, max(1, bought.size // 12), replace=False)
    if rng.random() < 0.5:
        return np.asarray(some)
    users = model.needs[:, some[:1]].nonzero()[0]
    people = np.asarray(model.covers[users].sum(axis=0)).ravel() > 0
    near = np.flatnonzero(model.covers @ people.astype(np.float64) > 0)
    touched = np.unique(model.needs[near].indices)
    return np.intersect1d(touched, bought, assume_unique=False)


class _Builder:
    """Puts plans together; holds the incidence as arrays for the compiled sums."""

    def __init__(self, program: Program) -> None:
        self._p = program
        model = program.model
        self._need_ptr, self._need = _parts(model.needs)
        self._cover_ptr, self._cover = _parts(model.covers)
        self._user_ptr, self._user = _parts(model.needs.T.tocsr())
        self._cost = model.remedy_cost_musd
        closed = np.asarray(model.needs @ (~program.allowed).astype(np.float64)).ravel() > 0
        self._open = np.flatnonzero(~closed)
        self.one_purse = program.pays.shape[0] == 1 and program.crew_most.size == 0

    def plan(self, start: Bools, discount: Floats, *, early: bool) -> Purses:
        """Return a plan that holds `start` as far as it can be paid, filled up to the goal."""
        p = self._p
        purses = Purses(p, early=early)
        for k in np.flatnonzero(start):
            purses.place(np.array([k]))
        seen = self._cost * np.where(discount > _LEAST_FRACTION, 1.0 - discount, 1.0)
        needy = p.need_people.max(initial=0.0) > 0
        if needy:
            self._fill(purses, seen, needs_only=True)
        if not p.cheapest:
            self._fill(purses, seen, needs_only=False)
        self.thin(purses)
        if not p.cheapest:
            self._fill(purses, self._cost, needs_only=False)
        return purses

    def _fill(self, purses: Purses, seen: Floats, *, needs_only: bool) -> None:
        """Buy bundles by gain per cost as seen, while they can be paid."""
        p = self._p
        bought = purses.fund >= 0
        served = p.model.served(bought)
        short = p.short(bought)
        weights = p.model.weights if needs_only else p.value
        parts = (self._cover_ptr, self._cover, weights, p.commune)
        costs = (self._need_ptr, self._need, seen)
        gains = _gains(self._open, *parts, served, short, needs_only)
        paid = _costs(self._open, *costs, bought)
        keep = gains > 0
        heap = [
            (-_ratio(float(g), float(c)), int(b))
            for g, c, b in zip(gains[keep], paid[keep], self._open[keep], strict=True)
        ]
        heapq.heapify(heap)
        out = np.zeros(p.model.n_bundles, bool)
        one = np.empty(1, np.int64)
        while heap:
            key, b = heapq.heappop(heap)
            if out[b]:
                continue
            one[0] = b
            gain = float(_gains(one, *parts, served, short, needs_only)[0])
            if gain <= 1e-9:
                out[b] = True
                continue
            now = -_ratio(gain, float(_costs(one, *costs, bought)[0]))
            if now > key + 1e-12 * abs(key):
                heapq.heappush(heap, (now, b))
                continue
            need = self._need[self._need_ptr[b] : self._need_ptr[b + 1]]
            new = need[~bought[need]]
            if not purses.place(new):
                # what cannot be paid now can only be paid once others have paid a part of it
                continue
            out[b] = True
            bought[need] = True
            cells = self._cover[self._cover_ptr[b] : self._cover_ptr[b + 1]]
            fresh = cells[~served[cells]]
            served[fresh] = True
            np.subtract.at(short, p.commune[fresh], p.model.weights[fresh])
            np.maximum(short, 0.0, out=short)
            if needs_only and not (short > 1e-6).any():
                return
            for k in new:
                users = self._user[self._user_ptr[k] : self._user_ptr[k + 1]]
                users = users[~out[users]].astype(np.int64)
                if users.size and users.size < 2000:
                    again = _gains(users, *parts, served, short, needs_only)
                    price = _costs(users, *costs, bought)
                    for u, g, c in zip(users.tolist(), again, price, strict=True):
                        if g > 0:
                            heapq.heappush(heap, (-_ratio(float(g), float(c)), u))

    def thin(self, purses: Purses) -> None:
        """Give back what the plan can do without, the dearest first."""
        p = self._p
        bought = purses.fund >= 0
        missing = np.asarray(p.model.needs @ (~bought).astype(np.float64)).ravel()
        complete = missing == 0
        times = np.asarray(complete.astype(np.float64) @ p.model.covers).ravel().astype(np.int64)
        gained = p.gained(bought)
        chosen = np.flatnonzero(bought)
        for k in chosen[np.lexsort((chosen, -self._cost[chosen]))].tolist():
            users = self._user[self._user_ptr[k] : self._user_ptr[k + 1]]
            broken = users[complete[users]]
            lost, people, worth = _lost(broken, self._cover_ptr, self._cover, times, p.model.weights, p.value)
            communes = np.unique(p.commune[lost]) if lost.size else np.empty(0, np.int64)
            loss = np.bincount(p.commune[lost], people, gained.size) if lost.size else np.zeros(gained.size)
            still = (gained - loss)[communes] >= np.minimum(p.need_people, gained)[communes] - 1e-6
            useless = worth <= 0 and not lost.size
            if useless or (p.cheapest and still.all()):
                purses.give_back(k)
                complete[broken] = False
                _drop(broken, self._cover_ptr, self._cover, times)
                gained -= loss


def _parts(matrix: "object") -> tuple[Ints, Ints]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)  # type: ignore[attr-defined]


def _ratio(gain: float, cost: float) -> float:
    return gain / cost if cost > 1e-12 else 1e15 + gain


@nb.njit(cache=True)
def _gains(bundles, cover_ptr, cover, weights, commune, served, short, needs_only):  # type: ignore[no-untyped-def]
    out = np.zeros(bundles.size)
    left = short.copy()
    for i in range(bundles.size):
        b = bundles[i]
        total = 0.0
        if needs_only:
            for j in range(cover_ptr[b], cover_ptr[b + 1]):
                e = cover[j]
                if not served[e]:
                    c = commune[e]
                    take = min(weights[e], left[c])
                    if take > 0.0:
                        total += take
                        left[c] -= take
            for j in range(cover_ptr[b], cover_ptr[b + 1]):
                left[commune[cover[j]]] = short[commune[cover[j]]]
        else:
            for j in range(cover_ptr[b], cover_ptr[b + 1]):
                if not served[cover[j]]:
                    total += weights[cover[j]]
        out[i] = total
    return out


@nb.njit(cache=True)
def _costs(bundles, need_ptr, need, cost, bought):  # type: ignore[no-untyped-def]
    out = np.zeros(bundles.size)
    for i in range(bundles.size):
        for j in range(need_ptr[bundles[i]], need_ptr[bundles[i] + 1]):
            if not bought[need[j]]:
                out[i] += cost[need[j]]
    return out


@nb.njit(cache=True)
def _lost(broken, cover_ptr, cover, times, weights, value):  # type: ignore[no-untyped-def]
    n = 0
    for i in range(broken.size):
        n += cover_ptr[broken[i] + 1] - cover_ptr[broken[i]]
    lost = np.empty(n, np.int64)
    k = 0
    for i in range(broken.size):
        for j in range(cover_ptr[broken[i]], cover_ptr[broken[i] + 1]):
            e = cover[j]
            times[e] -= 1
            if times[e] == 0:
                lost[k] = e
                k += 1
    for i in range(broken.size):
        for j in range(cover_ptr[broken[i]], cover_ptr[broken[i] + 1]):
            times[cover[j]] += 1
    people = np.empty(k)
    worth = 0.0
    for i in range(k):
        people[i] = weights[lost[i]]
        worth += value[lost[i]]
    return lost[:k].copy(), people, worth


@nb.njit(cache=True)
def _drop(broken, cover_ptr, cover, times):  # type: ignore[no-untyped-def]
    for i in range(broken.size):
        for j in range(cover_ptr[broken[i]], cover_ptr[broken[i] + 1]):
            times[cover[j]] -= 1
