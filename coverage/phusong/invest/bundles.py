"""Bundles: the smallest sets of remedies that serve a group of people, of every kind, wherever they can help."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.invest.costs import Cost, Costs
from phusong.invest.fixes import Fix, FixBook
from phusong.invest.new_sites import Candidates
from phusong.invest.plan_model import PlanModel, incidence
from phusong.invest.situation import Situation
from phusong.service.capacity import CLOSED

__all__ = ["Offers", "make_offers"]

Ints = npt.NDArray[np.int64]

_LEAST_PEOPLE = 15  # bundles that alone gain fewer are not drawn up
_OPERATORS_OFFERED = 3  # the largest operators get offers of their own; the rest join shared ones


@dataclass(frozen=True)
class Offers:
    """Everything that could be bought.

    Parameters
    ----------
    remedies : DataFrame
        remedy_id, kind, capex_musd, opex_musd_year, cost_musd, commune_code, east_m, north_m.
    bundles : DataFrame
        bundle_id, kinds, operators, commune_code, east_m, north_m, reason (of the people: no signal, …).
    model : PlanModel
        Which remedies each bundle needs and whom it serves.
    stabilise_musd : mapping of int to float
        Least cost that makes an unstable site stable, where one was looked for. [million USD]
    """

    remedies: pd.DataFrame
    bundles: pd.DataFrame
    model: PlanModel
    stabilise_musd: Mapping[int, float] = field(default_factory=dict)

    def only(self, keep: npt.NDArray[np.bool_]) -> "Offers":
        """Return the offers with some of the bundles left out; the remedies stay."""
        model = PlanModel(
            self.model.remedy_cost_musd,
            self.model.needs[keep].tocsr(),
            self.model.covers[keep].tocsr(),
            self.model.weights,
        )
        return replace(self, bundles=self.bundles[keep].reset_index(drop=True), model=model)


class _Drawer:
    """Collects remedies and bundles; a remedy is listed once however many bundles need it."""

    def __init__(self, situation: Situation) -> None:
        self.s = situation
        self.n_ops = situation.weights.shape[1]
        self.left = situation.unserved
        self.remedy: dict[str, int] = {}
        self.rows: list[dict[str, object]] = []
        self.bundles: list[dict[str, object]] = []
        self.needs: list[Ints] = []
        self.covers: list[Ints] = []
        self._seen: set[tuple[tuple[int, ...], int]] = set()

    def buy(self, kind: str, where: str, cost: Cost, east_m: float, north_m: float) -> int:
        """Return the number of a remedy, listing it when it is new."""
        key = f"{kind}@{where}"
        if key not in self.remedy:
            self.remedy[key] = len(self.rows)
            self.rows.append(
                {
                    "remedy_id": key,
                    "kind": kind,
                    "capex_musd": cost.capex_musd,
                    "opex_musd_year": cost.opex_musd_year,
                    "cost_musd": cost.npv_musd,
                    "east_m": east_m,
                    "north_m": north_m,
                }
            )
        return self.remedy[key]

    def offer(self, remedies: Sequence[int], elements: Ints, where: str) -> None:
        """List a bundle, unless it gains too few."""
        elements = elements[self.left.ravel()[elements] > 0]
        people = self.left.ravel()[elements]
        total = int(people.sum())
        if total < _LEAST_PEOPLE or not remedies:
            return
        needs = np.unique(np.asarray(remedies, np.int64))
        mark = (tuple(needs.tolist()), hash(elements.tobytes()))
        if mark in self._seen:
            return
        self._seen.add(mark)
        commune = np.bincount(self.s.cell_commune[elements // self.n_ops], people)
        operators = np.flatnonzero(np.bincount(elements % self.n_ops, people, self.n_ops) > 0)
        kinds = sorted({str(self.rows[k]["kind"]) for k in needs})
        self.bundles.append(
            {
                "kinds": ";".join(kinds),
                "operators": ";".join(self.s.network.operators[o] for o in operators),
                "commune_code": str(self.s.commune_codes[int(np.argmax(commune))]),
                "where": where,
                "east_m": self.rows[int(needs[0])]["east_m"],
                "north_m": self.rows[int(needs[0])]["north_m"],
            }
        )
        self.needs.append(needs)
        self.covers.append(np.sort(elements))

    def merge(self) -> None:
        """Join bundles that buy the same remedies: a battery at a hub serves every site behind it at once."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for k, needs in enumerate(self.needs):
            groups.setdefault(tuple(needs.tolist()), []).append(k)
        left = self.left.ravel()
        bundles, needs_out, covers = [], [], []
        for members in groups.values():
            first = dict(self.bundles[members[0]])
            cells = np.unique(np.concatenate([self.covers[k] for k in members]))
            if len(members) > 1:
                people = left[cells]
                commune = np.bincount(self.s.cell_commune[cells // self.n_ops], people)
                on = np.flatnonzero(np.bincount(cells % self.n_ops, people, self.n_ops) > 0)
                first["commune_code"] = str(self.s.commune_codes[int(np.argmax(commune))])
                first["operators"] = ";".join(self.s.network.operators[o] for o in on)
                first["where"] = f"{first['where']} and {len(members) - 1} more sites behind it"
            bundles.append(first)
            needs_out.append(self.needs[members[0]])
            covers.append(cells)
        self.bundles, self.needs, self.covers = bundles, needs_out, covers


def make_offers(
    situation: Situation,
    costs: Costs,
    candidates: Candidates,
    *,
    progress: Callable[[str], None] | None = None,
) -> Offers:
    """Return every remedy that can help somebody, and the bundles to choose from.

    Parameters
    ----------
    situation : Situation
        The network as it serves today, and who is left without.
    costs : Costs
        The catalogue.
    candidates : Candidates
        New sites and what they would reach.
    progress : callable, optional
        Told the name of each step.
    """
    say = progress or (lambda _step: None)
    draw = _Drawer(situation)
    book = FixBook(situation, costs)
    cells_of = _cells_of_stations(situation)
    say("stabilise")
    cheapest = _stabilise(draw, book, cells_of)
    say("open")
    _open(draw, costs, cells_of, cheapest)
    say("capacity")
    _widen(draw, costs, cells_of)
    say("build")
    _build(draw, book, costs, candidates)
    remedies = pd.DataFrame(
        draw.rows,
        columns=["remedy_id", "kind", "capex_musd", "opex_musd_year", "cost_musd", "east_m", "north_m"],
    )
    bundles = pd.DataFrame(
        draw.bundles, columns=["kinds", "operators", "commune_code", "where", "east_m", "north_m"]
    )
    bundles.insert(0, "bundle_id", [f"b{i:05d}" for i in range(len(bundles))])
    model = PlanModel(
        remedies["cost_musd"].to_numpy(np.float64),
        incidence(draw.needs, len(remedies)),
        incidence(draw.covers, situation.weights.size),
        draw.left.ravel().astype(np.float64),
    )
    fixes = {site: sum(f.cost.npv_musd for f in found) for site, found in cheapest.items()}
    return Offers(remedies, bundles, model, fixes)


def _cells_of_stations(situation: Situation) -> list[Ints]:
    reception = situation.reception
    order = np.argsort(reception.station, kind="stable")
    station = reception.station[order]
    bounds = np.searchsorted(station, np.arange(situation.network.n_stations + 1))
    cells = reception.cell[order].astype(np.int64)
    return [np.sort(cells[bounds[k] : bounds[k + 1]]) for k in range(situation.network.n_stations)]


def _elements(cells: Ints, operators: Ints, n_ops: int) -> Ints:
    return np.asarray((cells[:, None] * n_ops + operators[None, :]).ravel(), np.int64)


def _stations_by_site(situation: Situation) -> dict[int, list[int]]:
    by_site: dict[int, list[int]] = {}
    for station, site in enumerate(situation.network.station_site.tolist()):
        by_site.setdefault(site, []).append(station)
    return by_site


def _stabilise(draw: _Drawer, book: FixBook, cells_of: list[Ints]) -> dict[int, tuple[Fix, ...]]:
    """Offer to make each unstable site stable, where people may use it but hear nothing stable."""
    s = draw.s
    unstable = s.access.unstable > 0
    locked = s.access.locked > 0
    cheapest: dict[int, tuple[Fix, ...]] = {}
    shaky = s.stability.hours_lost > s.hours_allowed
    for site, stations in _stations_by_site(s).items():
        if not shaky[site]:
            continue
        gain = []
        could = 0
        for station in stations:
            cells = cells_of[station]
            users = np.flatnonzero(s.tier[station] < CLOSED)
            mask = unstable[cells][:, users]
            c, o = np.nonzero(mask)
            gain.append(cells[c] * draw.n_ops + users[o])
            could += int((draw.left[cells] * locked[cells]).sum())
        elements = np.unique(np.concatenate(gain))
        people = int(draw.left.ravel()[elements].sum())
        if people < _LEAST_PEOPLE and could < _LEAST_PEOPLE:
            continue
        variants = book.variants(site)
        if not variants:
            continue
        cheapest[site] = variants[0]
        for fixes in variants:
            draw.offer(_buy_fixes(draw, fixes), elements, str(s.network.site_ids[site]))
    return cheapest


def _buy_fixes(draw: _Drawer, fixes: Sequence[Fix]) -> list[int]:
    s = draw.s
    return [
        draw.buy(
            f.kind,
            str(s.network.site_ids[f.site]),
            f.cost,
            float(s.site_east_m[f.site]),
            float(s.site_north_m[f.site]),
        )
        for f in fixes
    ]


def _open(draw: _Drawer, costs: Costs, cells_of: list[Ints], cheapest: dict[int, tuple[Fix, ...]]) -> None:
    """Offer to open sites to people who hear only what they may not use: passively, by MOCN, by roaming."""
    s = draw.s
    net = s.network
    locked = s.access.locked > 0
    shaky = s.stability.hours_lost > s.hours_allowed
    ranked = np.argsort(-net.shares, kind="stable")
    for site, stations in _stations_by_site(s).items():
        cells = np.unique(np.concatenate([cells_of[k] for k in stations]))
        c, o = np.nonzero(locked[cells])
        elements = cells[c] * draw.n_ops + o
        if int(draw.left.ravel()[elements].sum()) < _LEAST_PEOPLE:
            continue
        base: list[int] = []
        if shaky[site]:
            if site not in cheapest:
                continue
            base = _buy_fixes(draw, cheapest[site])
        name = str(net.site_ids[site])
        east, north = float(s.site_east_m[site]), float(s.site_north_m[site])
        reason = str(net.lock_reason[site])
        if reason not in {"security", "legal"}:
            shared = draw.buy("open_mocn", name, costs.of(open_mocn=1.0, open_mocn_opex=1.0), east, north)
            draw.offer([*base, shared], elements, name)
        if reason != "security":
            roam = draw.buy(
                "open_roaming", name, costs.of(open_roaming=1.0, open_roaming_opex=1.0), east, north
            )
            draw.offer([*base, roam], elements, name)
        if reason in {"security", "legal", "technical"}:
            continue
        for operator in ranked[:_OPERATORS_OFFERED]:
            mine = elements[o == operator]
            if int(draw.left.ravel()[mine].sum()) < _LEAST_PEOPLE:
                continue
            guest = draw.buy(
                "add_radio",
                f"{name}/{net.operators[operator]}",
                costs.of(guest_radio=1.0, rent=1.0),
                east,
                north,
            )
            needed = [*base, guest]
            if not s.rights.hosted[site, operator]:
                strengthen = 1.0 if reason == "structural" or net.spare_slots[site] == 0 else 0.0
                needed.append(
                    draw.buy(
                        "open_passive", name, costs.of(open_passive=1.0, reinforce=strengthen), east, north
                    )
                )
            draw.offer(needed, mine, name)


def _widen(draw: _Drawer, costs: Costs, cells_of: list[Ints]) -> None:
    """Offer one more carrier to stations that turn people away."""
    s = draw.s
    congested = s.access.congested > 0
    for station in np.flatnonzero(s.station_load > 0.5):
        cells = cells_of[station]
        users = np.flatnonzero(s.tier[station] < CLOSED)
        c, o = np.nonzero(congested[cells][:, users])
        elements = cells[c] * draw.n_ops + users[o]
        site = int(s.network.station_site[station])
        name = str(s.network.station_ids[station])
        place = float(s.site_east_m[site]), float(s.site_north_m[site])
        draw.offer(
            [draw.buy("add_radio", name, costs.of(carrier=1.0), *place)],
            elements,
            str(s.network.site_ids[site]),
        )


def _build(draw: _Drawer, book: FixBook, costs: Costs, candidates: Candidates) -> None:
    """Offer new sites: a mast with power and backhaul, and the radio of one operator or of all by MOCN."""
    s = draw.s
    ranked = np.argsort(-s.network.shares, kind="stable")
    everyone = np.arange(draw.n_ops)
    for k, name in enumerate(candidates.ids.tolist()):
        cells = candidates.cells[k]
        if int(draw.left[cells].sum()) < _LEAST_PEOPLE:
            continue
        east, north = float(candidates.east_m[k]), float(candidates.north_m[k])
        feed = book.new_site(east, north)
        if feed is None:
            continue
        # the commune of most of the people reached decides which rules hold
        people = draw.left[cells].sum(axis=1).astype(np.float64)
        commune = int(np.argmax(np.bincount(s.cell_commune[cells], people)))
        open_to_all = bool(s.rights.new_sites_open[s.commune_remote[commune]])
        mast = draw.buy(
            "build_site",
            name,
            costs.of(tower=1.0, installation=1.0, site_opex=1.0, site_power=1.0),
            east,
            north,
        )
        base = [mast] + [draw.buy(kind, name, cost, east, north) for kind, cost in feed.values()]
        radios = {}
        for operator in ranked[:_OPERATORS_OFFERED]:
            label = f"{name}/{s.network.operators[operator]}"
            radios[int(operator)] = draw.buy("add_radio", label, costs.of(radio=1.0), east, north)
            if not open_to_all:
                mine = _elements(cells, np.array([operator]), draw.n_ops)
                draw.offer([*base, radios[int(operator)]], mine, name)
        host = radios[int(ranked[0])]
        shared = [*base, host]
        if not open_to_all:
            shared.append(
                draw.buy("open_mocn", name, costs.of(open_mocn=1.0, open_mocn_opex=1.0), east, north)
            )
        draw.offer(shared, _elements(cells, everyone, draw.n_ops), name)
