"""A stream of events made up for a region, to try a watch with."""

import json
from collections.abc import Iterator

import numpy as np

from phusong.live.standing import Standing

__all__ = ["example_events"]


def example_events(standing: Standing) -> Iterator[str]:
    """Yield lines that name things of the region: an outage and its repair, a cut, an opened lock, money, a mistake.

    Parameters
    ----------
    standing : Standing
        The region; of each kind the one that most people depend on is taken.
    """
    network, reception = standing.network, standing.reception
    people = np.bincount(
        network.station_site[reception.station], standing.weights.sum(axis=1)[reception.cell], network.n_sites
    )
    radio = people * ~network.is_exchange * ~standing.planned
    site = str(network.site_ids[np.argmax(radio)])
    below = np.bincount(network.node[standing.on_grid], radio[standing.on_grid], network.node_ids.size)
    told: list[tuple[str, str, str, dict[str, object]]] = [
        ("08:00:00", "site_down", site, {}),
        ("08:25:00", "site_up", site, {"note": "rectifier changed"}),
    ]
    if standing.lines.ids.size:
        line = str(standing.lines.ids[np.argmax(below[standing.lines.b])])
        told += [
            ("09:00:00", "line_down", line, {}),
            ("13:30:00", "clock", "", {}),
            ("15:00:00", "line_up", line, {}),
        ]
    if network.links.ids.size:
        link = str(network.links.ids[np.argmax(np.maximum(radio[network.links.a], radio[network.links.b]))])
        told += [("15:10:00", "link_down", link, {}), ("16:10:00", "link_up", link, {})]
    locked = radio * ~network.shareable
    if locked.any():
        told.append(("17:00:00", "lock_opened", str(network.site_ids[np.argmax(locked)]), {}))
    if standing.planned.any():
        told.append(("17:10:00", "site_commissioned", str(network.site_ids[np.argmax(standing.planned)]), {}))
    commune = str(standing.places.commune_codes[0])
    told.append(
        ("17:30:00", "money_disbursed", commune, {"fund": "universal service fund", "amount_musd": 0.25})
    )
    told.append(("17:45:00", "site_down", "no-such-site", {}))
    for number, (hour, kind, subject, payload) in enumerate(told, start=1):
        event = {"version": 1, "id": f"example-{number}", "time": f"2026-03-02T{hour}+07:00", "kind": kind}
        if subject:
            event["subject"] = subject
        if payload:
            event["payload"] = payload
        yield json.dumps(event, ensure_ascii=False)
