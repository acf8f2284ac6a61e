"""What is heard where: propagation over terrain, link budget, footprints."""

from phusong.radio import tr38901
from phusong.radio.area import area_loss
from phusong.radio.footprints import Footprints, footprints

__all__ = ["Footprints", "area_loss", "footprints", "tr38901"]
