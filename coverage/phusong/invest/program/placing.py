"""Which fund pays each remedy, and in which year: purses that are never overdrawn."""

import numpy as np
import numpy.typing as npt

from phusong.invest.program.program import Program

__all__ = ["Purses", "overspent"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

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
