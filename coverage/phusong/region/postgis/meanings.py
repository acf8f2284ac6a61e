"""What the tables and columns of a result mean, as comments in the data base say it."""

__all__ = ["MARK", "TABLES", "column_meaning"]

MARK = "phusong result"
"""How the comment of a table that phusong wrote begins; only such tables are ever replaced."""

TABLES = {
    "communes": "who is served in each commune, and why the others are not",
    "sites": "what each site reaches and how it stands",
    "options": "investments in the order of people gained for their cost",
    "plan": "what is built, in which year, from which fund",
}

_MEANINGS = {
    "commune_code": "code of the commune (5 digits)",
    "name": "name",
    "province": "province",
    "population": "people; the served and the four gaps sum to it",
    "people_served": "people with signal, right of use, power and rate",
    "gap_no_signal": "people without signal above the threshold",
    "gap_locked": "people who hear only networks they may not use",
    "gap_unstable": "people whose network is off too many hours",
    "gap_congested": "people who get less than the target rate in the busy hour",
    "share_served": "people served / population (0 to 1)",
    "hours_lost_year": "hours without service in a year, mean over people [h]",
    "facilities_served": "schools, clinics and offices served",
    "rank_remote": "rank by remoteness, 1 the most remote",
    "site_id": "key of the site",
    "people_heard": "people who hear the site",
    "availability": "share of the year the site works (0 to 1)",
    "load": "busy-hour traffic / capacity",
    "bottleneck": "what limits the site",
    "rank": "rank, 1 the best",
    "bundle_id": "key of the bundle",
    "kinds": "kinds of remedy, separated by ;",
    "remedies": "keys of the remedies, separated by ;",
    "operators": "operators that serve by it, separated by ;",
    "people_gained": "people gained after everything ranked before",
    "people_alone": "people gained if it alone were done",
    "people_per_musd": "people gained for a million USD",
    "cumulative_people": "people gained by this and everything before",
    "rank_p05": "rank in the best 5 % of samples",
    "rank_p95": "rank in the worst 5 % of samples",
    "why": "why it stands where it stands",
    "works_site_ids": "sites of the works, in the order of the remedies, separated by ;",
    "works_commune_codes": "communes of the works, in the order of the remedies, separated by ;",
    "behind_site_ids": "sites behind the works over which it serves too, separated by ;",
    "main_site_id": "site of the main works",
    "main_commune_code": "commune in which the main works stand",
    "gain_commune_codes": "communes of the people who gain, most people first, separated by ;",
    "shared_remedies": "remedies that options above have paid for, separated by ;",
    "level_with": "option with which it is level, so that their numbers decide",
    "ranked_by": "what is ranked per cost: people, or people by priority",
    "remedy_id": "key of the remedy",
    "cost_mvnd": "net present cost [million VND]",
    "year": "year it is built",
    "fund": "fund that pays; unassigned where the scenario names none",
}
_OF_TABLE = {
    ("sites", "people_served"): "people whom the site serves",
    ("communes", "geometry"): "boundary",
    ("sites", "geometry"): "place of the site",
    ("options", "geometry"): "place of its works",
    ("options", "commune_code"): "commune of most of the people who gain",
    ("plan", "commune_code"): "commune in which the works stand",
}
_UNITS = (
    ("_musd_year", "million USD a year"), ("_musd", "million USD"), ("_dbm", "dBm"), ("_db", "dB"), ("_km2", "km²"),
    ("_km", "km"), ("_m", "m"), ("_kw", "kW"), ("_mbps", "Mbit/s"), ("_mhz", "MHz"), ("_deg", "degrees"),
    ("_h", "h"), ("_people", "people"), ("_vnd", "VND"),
)  # fmt: skip


def column_meaning(table: str, column: str) -> str:
    """Return what a column means, with its unit; empty where nothing is known.

    Examples
    --------
    >>> column_meaning("options", "capex_musd")
    'capex [million USD]'
    """
    known = _OF_TABLE.get((table, column)) or _MEANINGS.get(column)
    if known:
        return known
    for ending, unit in _UNITS:
        if column.endswith(ending):
            return f"{column.removesuffix(ending).replace('_', ' ')} [{unit}]"
    return ""
