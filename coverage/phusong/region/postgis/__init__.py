"""Layers from PostGIS tables, views and queries."""

from phusong.region.postgis.layers import layers_from_postgis
from phusong.region.postgis.read import Stored, read_stored, stored_layers

__all__ = ["Stored", "layers_from_postgis", "read_stored", "stored_layers"]
