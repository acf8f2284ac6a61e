"""What is heard where: propagation over terrain, link budget, footprints."""

from phusong.radio import p1812, tr38901
from phusong.radio.area import area_loss
from phusong.radio.footprints import Footprints, footprints
from phusong.radio.models import Conditions

__all__ = ["Conditions", "Footprints", "area_loss", "footprints", "p1812", "tr38901"]
