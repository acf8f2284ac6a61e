"""What is heard where: propagation over terrain, link budget, footprints."""

from phusong.radio import p1812, tr38901
from phusong.radio.area import area_loss
from phusong.radio.footprints import Footprints, footprints
from phusong.radio.link_budget import LinkBudget
from phusong.radio.models import Conditions
from phusong.radio.plan import RadioPlan, Scene

__all__ = [
    "Conditions",
    "Footprints",
    "LinkBudget",
    "RadioPlan",
    "Scene",
    "area_loss",
    "footprints",
    "p1812",
    "tr38901",
]
