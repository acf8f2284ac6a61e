"""From an event's words to what it does: who is meant, whether it can be so, and what follows."""

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Bools, Floats, Ints
from phusong.errors import nearest_name
from phusong.live.events import AssetClass, AssetState, Event, EventKind, StateAsOf
from phusong.live.incremental import Live, Touched, together
from phusong.live.recompute import Figures, Sums, added, kpis, spent_batteries, values
from phusong.live.state import NEVER, Happened, StaticNetwork

__all__ = ["Area", "Register"]

Area = tuple[str, str]

WORKS = (EventKind.site_commissioned, EventKind.lock_opened, EventKind.money_disbursed)
REGION: Area = ("region", "")
_TOLD = 5  # names in one reason


class Register:
    """A region, its events and its KPIs.

    Parameters
    ----------
    static : StaticNetwork
        What stands before any event.
    happened : Happened, optional
        What has happened already.
    planned_musd : mapping of str to float, optional
        Money planned by commune_code. [million USD]
    """

    def __init__(
        self,
        static: StaticNetwork,
        happened: Happened | None = None,
        planned_musd: Mapping[str, float] | None = None,
    ) -> None:
        self.live = Live(static, happened)
        places = static.places
        self.areas: list[Area] = [
            REGION,
            *(("province", str(c)) for c in places.province_codes),
            *(("commune", str(c)) for c in places.commune_codes),
        ]
        self.row = {area: k for k, area in enumerate(self.areas)}
        self._first_commune = 1 + places.province_codes.size
        planned = np.full(places.commune_codes.size, np.nan)
        if planned_musd is not None:
            planned = np.array([planned_musd.get(str(c), 0.0) for c in places.commune_codes])
        self._planned = planned
        self._names = {
            "site": _positions(static.network.site_ids),
            "line": _positions(static.lines.ids),
            "link": _positions(static.network.links.ids),
        }

    @property
    def happened(self) -> Happened:
        """What has happened so far."""
        return self.live.happened

    def copy(self) -> "Register":
        """Return a register that goes its own way from here."""
        shared = (self.live.static, self.areas, self.row, self._planned, self._names)
        return deepcopy(self, {id(thing): thing for thing in shared})

    def unknown(self, event: Event) -> str | None:
        """Return what an event names that the region does not have, or nothing: whatever has happened before."""
        if event.kind is EventKind.clock:
            return None
        if event.kind is EventKind.money_disbursed:
            known = [a[1] for a in self.areas[1:]]
            if event.subject in known:
                return None
            return f"{event.subject!r} is no commune_code or province_code here{nearest_name(event.subject, known)}"
        if event.kind is EventKind.state_as_of:
            asked = [(g.value.removesuffix("s"), name) for g in AssetClass for name in event.states.of(g)]
        else:
            asked = [(_group(event.kind), event.subject)]
        wrong = [(group, name) for group, name in asked if name not in self._names[group]]
        told = [
            f"{name!r} is no {group}_id of the region{nearest_name(name, self._names[group])}"
            for group, name in wrong[:_TOLD]
        ]
        more = f"; and {len(wrong) - _TOLD:,} more" if len(wrong) > _TOLD else ""
        return "; ".join(told) + more or None

    def refusal(self, event: Event) -> str | None:
        """Return why an event cannot be so after what has happened, or nothing."""
        happened, static = self.happened, self.live.static
        unknown = self.unknown(event)
        if unknown or event.kind in (EventKind.clock, EventKind.money_disbursed):
            return unknown
        if event.kind is EventKind.state_as_of:
            planned = static.planned & ~happened.commissioned
            early = [name for name in event.states.sites if planned[self._names["site"][name]]]
            more = f", and {len(early) - _TOLD:,} more," if len(early) > _TOLD else ""
            names = ", ".join(repr(name) for name in early[:_TOLD])
            return f"{names}{more} planned and not commissioned yet" if early else None
        group = _group(event.kind)
        k = self._names[group][event.subject]
        waiting = bool(group == "site" and static.planned[k] and not happened.commissioned[k])
        contradictions = {
            EventKind.site_down: (group == "site" and bool(happened.site_down[k]), "is down already"),
            EventKind.site_up: (group == "site" and self._is_up(k, event.time_ms), "is up already"),
            EventKind.line_down: (group == "line" and not happened.closed[k], "is down already"),
            EventKind.line_up: (group == "line" and bool(happened.closed[k]), "is up already"),
            EventKind.link_down: (group == "link" and not happened.link_up[k], "is down already"),
            EventKind.link_up: (group == "link" and bool(happened.link_up[k]), "is up already"),
            EventKind.site_commissioned: (
                group == "site" and not waiting,
                "is no planned site that waits for it",
            ),
            EventKind.lock_opened: (
                group == "site" and bool(static.network.shareable[k] | happened.opened[k]),
                "has no lock to open",
            ),
        }
        wrong, words = contradictions[event.kind]
        if not wrong and waiting and event.kind in (EventKind.site_down, EventKind.site_up):
            wrong, words = True, "is planned and not commissioned yet"
        return f"{event.subject!r} {words}" if wrong else None

    def _is_up(self, site: int, time_ms: int) -> bool:
        # its battery may run down between the last event and this one
        spent = spent_batteries(self.live.static, self.happened, np.array([site]), at_ms=time_ms)
        return not (self.happened.site_down[site] or spent[0])

    def apply(self, event: Event) -> Touched:
        """Let an event happen that :meth:`refusal` has nothing against; return what it changed."""
        live = self.live
        if self.happened.began_ms == NEVER and not self.happened.works:
            self._note_works(np.arange(len(self.areas)), event.time_ms)
        before = live.at(event.time_ms)
        if event.kind is EventKind.money_disbursed:
            area = ("commune" if ("commune", event.subject) in self.row else "province", event.subject)
            purse = (area, event.money.fund)
            self.happened.money_cents[purse] = self.happened.money_cents.get(purse, 0) + event.money.cents
            rows = self._with_above(np.array([self.row[area]]))
            self._tell(rows, ("money",), event.time_ms)
            touched = Touched(np.zeros(0, np.int64), 0, np.zeros(0, np.int64))
        elif event.kind is EventKind.clock:
            return before
        elif event.kind is EventKind.state_as_of:
            touched, confirmed = self._restate(event.states)
            self._tell(
                self._with_above(self._first_commune + np.union1d(touched.communes, confirmed)),
                ("network",),
                event.time_ms,
            )
        else:
            touched = getattr(live, event.kind.value)(self._names[_group(event.kind)][event.subject])
            rows = self._with_above(self._first_commune + touched.communes)
            topics = ("network", "works") if event.kind in WORKS else ("network",)
            self._tell(rows, topics, event.time_ms)
        if event.kind in WORKS:
            self._note_works(rows, event.time_ms)
        return together([before, touched])

    def _restate(self, states: StateAsOf) -> tuple[Touched, Ints]:
        """Let assets be as stated, power first; return what that changed, and the communes whose sites were stated."""
        live, static = self.live, self.live.static
        happened = self.happened
        done: list[Touched] = []
        closed = _stated(states, AssetClass.lines, self._names["line"], happened.closed, static.lines.closed)
        # what comes back goes first, so that no site is thought off that another line feeds
        for up in (True, False):
            for k in np.flatnonzero((closed != happened.closed) & (closed == up)).tolist():
                done.append(live.line_up(k) if up else live.line_down(k))
        always = np.ones(happened.link_up.size, bool)
        link_up = _stated(states, AssetClass.links, self._names["link"], happened.link_up, always)
        for k in np.flatnonzero(link_up != happened.link_up).tolist():
            done.append(live.link_up(k) if link_up[k] else live.link_down(k))
        planned = static.planned & ~happened.commissioned
        whole = AssetClass.sites in states.others_normal
        stated = np.full(planned.size, whole) & ~planned
        stated[[self._names["site"][name] for name in states.sites]] = True
        now_up = ~happened.site_down & ~spent_batteries(static, happened)
        site_up = _stated(states, AssetClass.sites, self._names["site"], now_up, ~planned)
        for k in np.flatnonzero(stated & (site_up != now_up)).tolist():
            done.append(live.site_up(k) if site_up[k] else live.site_down(k))
        for k in np.flatnonzero(stated & ~site_up & ~happened.site_down).tolist():
            done.append(live.site_down(k))  # off for want of power until now: off by word from here on
        communes = static.places.site_commune[stated]
        return together(done), np.unique(communes[communes >= 0]).astype(np.int64)

    def figures(self) -> Figures:
        """Return what KPIs are computed from: the region, its provinces, its communes."""
        static, happened, sums = self.live.static, self.happened, self.live.now.sums
        province, n_provinces = static.places.province, static.places.province_codes.size
        above = added(sums, province, n_provinces)
        whole = added(sums, np.zeros(province.size, np.int64), 1)
        money = np.zeros(len(self.areas))
        for (area, _), cents in happened.money_cents.items():
            money[self._with_above(np.array([self.row[area]]))] += cents
        return Figures(
            sums=_stacked(whole, above, sums),
            lost_people_ms=_levels(self.live.lost_people_ms().astype(np.float64), province, n_provinces),
            disbursed_cents=money,
            planned_musd=_levels(self._planned, province, n_provinces),
        )

    def _with_above(self, rows: Ints) -> Ints:
        """Return areas with the provinces and the region that hold them."""
        province = self.live.static.places.province
        communes = rows[rows >= self._first_commune] - self._first_commune
        return np.unique(np.r_[0, rows, 1 + province[communes]]).astype(np.int64)

    def _tell(self, rows: Ints, topics: tuple[str, ...], time_ms: int) -> None:
        for row in rows.tolist():
            for topic in topics:
                self.happened.told_ms[self.areas[row], topic] = time_ms

    def _note_works(self, rows: Ints, time_ms: int) -> None:
        by_kpi = values(self.figures())
        for kpi in kpis():
            if kpi.target is None:
                continue
            found = by_kpi[kpi.key]
            for row in rows.tolist():
                if np.isfinite(found[row]):
                    points = self.happened.works.setdefault((self.areas[row], kpi.key), [])
                    points.append((time_ms, float(found[row])))


def _group(kind: EventKind) -> str:
    return "site" if kind is EventKind.lock_opened else kind.split("_", maxsplit=1)[0]


def _stated(
    states: StateAsOf, group: AssetClass, names: Mapping[str, int], believed: Bools, normal: Bools
) -> Bools:
    """Return which assets of a class are up after a record: as stated, the others as normal or as believed."""
    up = np.where(group in states.others_normal, normal, believed)
    for name, state in states.of(group).items():
        up[names[name]] = state is AssetState.up
    return np.asarray(up, bool)


def _positions(names: npt.NDArray[np.str_]) -> dict[str, int]:
    return {str(name): k for k, name in enumerate(names)}


def _stacked(*levels: Sums) -> Sums:
    names = levels[0].__dataclass_fields__
    return Sums(**{name: np.concatenate([getattr(s, name) for s in levels]) for name in names})


def _levels(by_commune: Floats, province: Ints, n_provinces: int) -> Floats:
    above = np.bincount(province, by_commune, n_provinces)
    return np.asarray(np.r_[by_commune.sum(), above, by_commune], np.float64)
