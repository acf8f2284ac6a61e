"""PostGIS both ways: layers from tables, views and queries; results to a schema."""

from phusong.region.postgis.layers import layers_from_postgis
from phusong.region.postgis.read import Stored, read_stored, stored_layers
from phusong.region.postgis.write import write_result

__all__ = ["Stored", "layers_from_postgis", "read_stored", "stored_layers", "write_result"]
