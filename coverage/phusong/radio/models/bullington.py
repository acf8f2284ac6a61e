"""Free space with Bullington diffraction over the terrain."""

from phusong.radio.models.base import by_distance
from phusong.radio.models.free_space import free_space_loss

__all__ = ["BULLINGTON"]

BULLINGTON = by_distance(
    "bullington", free_space_loss, "ITU-R P.525-4 and P.526-15, section 4.5.1", diffraction=True
)
