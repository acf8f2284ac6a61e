"""Free space with Bullington diffraction over the terrain."""

from phusong.radio.models.base import Model
from phusong.radio.models.free_space import free_space_loss

__all__ = ["BULLINGTON"]

BULLINGTON = Model(
    "bullington", free_space_loss, diffraction=True, source="ITU-R P.525-4 and P.526-15, 4.5.1"
)
