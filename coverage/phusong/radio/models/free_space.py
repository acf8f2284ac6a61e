"""Free space: what no terrain can better."""

from phusong.radio.models.base import free_space_loss
from phusong.radio.models.distance import by_distance

__all__ = ["FREE_SPACE", "free_space_loss"]


FREE_SPACE = by_distance("free_space", free_space_loss, "ITU-R P.525-4", over_terrain=False)
