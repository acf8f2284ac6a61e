"""Networks of the small region, with open power lines and further links."""

import numpy as np
import pandas as pd

from phusong.service.network import Network, build_network
from phusong.service.rings import protected
from small_region import small_region


def network_of(*, seed=1, sites=12, ties=(), links=(), **columns) -> Network:
    """Return the network of a small region; ties are (from, to, switch_h), links (from, to, availability)."""
    r = small_region(seed=seed, sites=max(sites, 2))
    lines = r.power_lines.assign(normally_open=False, switch_h=0.0)
    more = [
        {
            **lines.iloc[0].to_dict(),
            "line_id": f"tie{k}",
            "from_id": a,
            "to_id": b,
            "normally_open": True,
            "switch_h": h,
        }
        for k, (a, b, h) in enumerate(ties)
    ]
    lines = pd.concat([lines, pd.DataFrame(more)], ignore_index=True) if more else lines
    wires = [
        {**r.links.iloc[0].to_dict(), "link_id": f"ring{k}", "from_id": a, "to_id": b, "availability": up}
        for k, (a, b, up) in enumerate(links)
    ]
    table = r.sites.assign(**columns)
    if sites == 1:
        table = table.assign(structure="exchange", backhaul_parent_id="", power_node_id="t0")
    network = build_network(
        sites=table, cells=r.cells, operators=r.operators,
        links=pd.concat([r.links, pd.DataFrame(wires)], ignore_index=True) if wires else r.links,
        power_nodes=r.power_nodes, power_lines=lines, site_remote=np.ones(len(table), np.int64),
    )  # fmt: skip
    return protected(network)
