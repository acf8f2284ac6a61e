"""Bundles: the smallest sets of remedies that serve a group of people, of every kind, wherever they can help."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from phusong.invest.costs import Costs
from phusong.invest.drawer import Drawer
from phusong.invest.feeds import terrain_of
from phusong.invest.fixes import FixBook
from phusong.invest.new_bundles import draw_new_sites
from phusong.invest.new_sites import Candidates
from phusong.invest.offers import REMEDY_COLUMNS, Offers
from phusong.invest.payers import payers, payers_text
from phusong.invest.plan_model import PlanModel, incidence
from phusong.invest.site_bundles import draw_site_remedies
from phusong.invest.situation import Situation
from phusong.invest.worksites import works_communes, works_of_bundles

__all__ = ["OfferTerms", "Offers", "make_offers"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_REMOTE_FROM = 2  # remoteness class from which the universal service fund pays its part


@dataclass(frozen=True)
class OfferTerms:
    """On which terms things are offered.

    Parameters
    ----------
    policy : str
        Sharing policy in force: it decides who pays.
    universal_service_share : float
        Part of remedies in remote communes that the universal service fund pays.
    interim_years : float
        How long an interim remedy stands.
    remedies : frozenset of str, optional
        Kinds that may be bought; all when left out.
    """

    policy: str = "none"
    universal_service_share: float = 0.0
    interim_years: float = 2.0
    remedies: frozenset[str] | None = None


def make_offers(
    situation: Situation,
    costs: Costs,
    candidates: Candidates,
    terms: OfferTerms | None = None,
    *,
    areas: Sequence[shapely.Geometry] | None = None,
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
    terms : OfferTerms, optional
        Who pays, and how long interim remedies stand.
    areas : sequence of geometry, optional
        The communes, in the order of the situation's: works stand in one of them, and its remoteness says who pays.
        Without them works stand in the commune of the people nearest to them.
    progress : callable, optional
        Told the name of each step.
    """
    say = progress or (lambda _step: None)
    asked = terms or OfferTerms()
    draw = Drawer(situation, asked.remedies)
    terrain = replace(terrain_of(situation, costs), allowed=asked.remedies)
    book = FixBook(terrain)
    say("standing sites")
    cheapest = draw_site_remedies(draw, terrain, book, asked.interim_years)
    say("new sites")
    counts = draw_new_sites(draw, terrain, candidates, asked.interim_years)
    draw.merge()
    remedies = _remedies_table(draw, situation, asked, areas)
    people = pd.DataFrame(draw.bundles, columns=["kinds", "operators", "commune_code"])
    bundles = pd.concat([people, works_of_bundles(draw, remedies)], axis=1)
    bundles.insert(0, "bundle_id", [f"b{i:05d}" for i in range(len(bundles))])
    model = PlanModel(
        remedies["cost_musd"].to_numpy(np.float64),
        incidence(draw.needs, len(remedies)),
        incidence(draw.covers, situation.weights.size),
        draw.left.ravel().astype(np.float64),
    )
    nobody = np.empty(0, np.int64)
    bridges = incidence([draw.bridges.get(k, nobody) for k in range(len(remedies))], situation.weights.size)
    fixes = {site: sum(f.cost.npv_musd for f in found) for site, found in cheapest.items()}
    return Offers(remedies, bundles, model, fixes, bridges, counts)


def _remedies_table(
    draw: Drawer, situation: Situation, terms: OfferTerms, areas: Sequence[shapely.Geometry] | None
) -> pd.DataFrame:
    table = pd.DataFrame(
        draw.rows, columns=[c for c in REMEDY_COLUMNS if c not in {"commune_code", "payers"}]
    )
    table["interim"] = table["interim"].eq(True)
    table["follows"] = table["follows"].fillna("")
    commune = works_communes(situation, table, areas)
    table["commune_code"] = np.append(situation.commune_codes, "")[commune]
    table["payers"] = _payers(table, commune, situation, terms)
    return table[list(REMEDY_COLUMNS)]


def _payers(table: pd.DataFrame, commune: Ints, situation: Situation, terms: OfferTerms) -> list[str]:
    net = situation.network
    largest = net.operators[int(np.argmax(net.shares))]
    owner = {
        str(s): net.operators[o] for s, o in zip(net.site_ids, net.owner.tolist(), strict=True) if o >= 0
    }
    remote = np.append(situation.commune_remote, 0)[commune] >= _REMOTE_FROM
    known: dict[tuple[str, str, bool], str] = {}
    out = []
    for kind, operator, site, far in zip(
        table["kind"], table["operator"], table["site_id"], remote, strict=True
    ):
        builder = operator or owner.get(site, largest)
        key = (kind, builder, bool(far))
        if key not in known:
            share = terms.universal_service_share if far else 0.0
            known[key] = payers_text(
                payers(kind, terms.policy.split()[0], net.operators, builder, fund_share=share)
            )
        out.append(known[key])
    return out
