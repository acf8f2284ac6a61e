"""Propagation models by name: one file each, one table that lists them."""

from collections.abc import Mapping

from phusong.radio.models.base import Conditions, Mast, Model, Profile, Terrain
from phusong.radio.models.ehata import EHATA
from phusong.radio.models.empirical import BULLINGTON, FREE_SPACE, HATA
from phusong.radio.models.itm import ITM
from phusong.radio.models.p1812 import P1812
from phusong.radio.models.tr38901 import RMA, RMA_TERRAIN, UMA

__all__ = ["MODELS", "Conditions", "Mast", "Model", "Profile", "Terrain"]

MODELS: Mapping[str, Model] = {
    model.name: model for model in (BULLINGTON, P1812, ITM, EHATA, HATA, RMA, RMA_TERRAIN, UMA, FREE_SPACE)
}
