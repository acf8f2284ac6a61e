"""Public data: which sources there are, and how they come to this machine whole and unchanged."""

from phusong.data.catalogue import Bounds, DataSource, catalogue, find
from phusong.data.download import Fetched, NetworkError, fetch

__all__ = ["Bounds", "DataSource", "Fetched", "NetworkError", "catalogue", "fetch", "find"]
