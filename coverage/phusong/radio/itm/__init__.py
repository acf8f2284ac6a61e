"""The Irregular Terrain Model (Longley and Rice): a cross-check of P.1812, point to point and by area.

After G. A. Hufford, "The ITS Irregular Terrain Model, version 1.2.2: the algorithm" (NTIA, 1995), and the constants
of NTIA's public reference implementation. Everything inside is in metres, MHz and radians, as there.
"""

from phusong.radio.itm.area import SITING, area_mode
from phusong.radio.itm.path import loss_on_profile, point_to_point
from phusong.radio.itm.variability import CLIMATES, SITUATION

__all__ = ["CLIMATES", "SITING", "SITUATION", "area_mode", "loss_on_profile", "point_to_point"]
