"""What a thing of OpenStreetMap is to us, by its tags (wiki.openstreetmap.org: Power networks, Communication, Amenity)."""

from collections.abc import Mapping
from dataclasses import dataclass

from phusong.region.grid_join import kilovolts
from phusong.region.vietnam.names import fold

__all__ = ["KEYS", "ROAD_KEY", "Meaning", "meaning", "metres"]

KEYS = ("power", "man_made", "amenity", "healthcare", "office", "telecom", "communication:mobile_phone")
"""Keys that things of use carry, one at least."""

ROAD_KEY = "highway"

_LINES = {"line", "minor_line", "cable"}
_TOWERS = {"mast", "tower", "communications_tower"}
_CLINICS = {"clinic", "hospital", "doctors", "health_post", "health_centre"}
_ROADS = {
    "motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "service", "track", "road",
    "motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link", "living_street",
}  # fmt: skip
_COMMITTEE = ("uy ban nhan dan xa", "uy ban nhan dan phuong", "ubnd xa", "ubnd phuong", "ubnd dac khu")
_STATION_KV = 35.0
_STATES = ("construction", "proposed", "disused", "abandoned", "razed", "demolished")


@dataclass(frozen=True)
class Meaning:
    """One thing of use.

    Parameters
    ----------
    layer : str
        lines, stations, sites, facilities or roads.
    kind : str
        Within the layer.
    kv : float
        Voltage; 0: not said.
    """

    layer: str
    kind: str
    kv: float = 0.0


def meaning(tags: Mapping[str, str], *, area: bool) -> Meaning | None:  # noqa: PLR0911 - a table of cases
    """Return what tags say, or None when it is nothing that a region holds.

    Parameters
    ----------
    tags : mapping
        Of a node, way or relation.
    area : bool
        Whether it is a point or closed; lines of power and roads are not.

    Examples
    --------
    >>> meaning({"power": "line", "voltage": "110000"}, area=False)
    Meaning(layer='lines', kind='line', kv=110.0)
    >>> meaning({"amenity": "school"}, area=True)
    Meaning(layer='facilities', kind='school', kv=0.0)
    >>> meaning({"power": "line", "disused": "yes"}, area=False) is None
    True
    """
    if any(tags.get(s, "no") == "yes" for s in _STATES):
        return None
    power = tags.get("power", "")
    if not area:
        if power in _LINES:
            return Meaning("lines", power, kilovolts(tags.get("voltage")))
        road = tags.get(ROAD_KEY, "")
        return Meaning("roads", road) if road in _ROADS else None
    if power == "plant":
        return Meaning("stations", "plant")
    if power == "substation":
        kv = kilovolts(tags.get("voltage"))
        small = "distribution" in tags.get("substation", "") or 0.0 < kv < _STATION_KV
        return Meaning("stations", "transformer" if small else "substation", kv)
    if power == "transformer" or (power == "pole" and tags.get("transformer", "no") != "no"):
        return Meaning("stations", "transformer", kilovolts(tags.get("voltage")))
    if _is_telecom(tags):
        return Meaning("sites", "tower" if tags.get("man_made") != "mast" else "mast")
    return _facility(tags)


def _facility(tags: Mapping[str, str]) -> Meaning | None:
    amenity = tags.get("amenity", "")
    if amenity == "school":
        return Meaning("facilities", "school")
    if amenity in _CLINICS or tags.get("healthcare", "") in {"clinic", "hospital", "centre", "doctor"}:
        return Meaning("facilities", "clinic")
    office = fold(tags.get("name", "")).startswith(_COMMITTEE)
    if (amenity == "townhall" or tags.get("office") == "government") and (office or amenity == "townhall"):
        return Meaning("facilities", "commune office")
    return None


def _is_telecom(tags: Mapping[str, str]) -> bool:
    if tags.get("communication:mobile_phone", "no") == "yes" or tags.get("telecom") == "antenna":
        return True
    made = tags.get("man_made", "")
    if made == "communications_tower":
        return True
    return made in _TOWERS and (
        tags.get("tower:type") == "communication" or any(k.startswith("communication:") for k in tags)
    )


def metres(text: str | None, otherwise: float) -> float:
    """Return a height that a tag states in metres or feet.

    Examples
    --------
    >>> metres("45 m", 30.0), metres("100 ft", 30.0), metres("tall", 30.0)
    (45.0, 30.48, 30.0)
    """
    words = (text or "").replace(",", ".").casefold()
    number = words.rstrip("' mft").strip()
    try:
        value = float(number)
    except ValueError:
        return otherwise
    value *= 0.3048 if "ft" in words or "'" in words else 1.0
    return value if 0.0 < value <= 400.0 else otherwise
