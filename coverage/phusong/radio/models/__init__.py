"""Propagation models by name: one file each, one table that lists them."""

from collections.abc import Mapping

from phusong.radio.models.base import Model
from phusong.radio.models.bullington import BULLINGTON
from phusong.radio.models.free_space import FREE_SPACE
from phusong.radio.models.rma import RMA

__all__ = ["MODELS", "Model"]

MODELS: Mapping[str, Model] = {model.name: model for model in (BULLINGTON, RMA, FREE_SPACE)}
