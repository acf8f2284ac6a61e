"""Public data: which sources there are, and how they come to this machine whole and unchanged."""

from phusong.data.catalogue import DataSource, catalogue, find
from phusong.data.fetch import Fetched, fetch
from phusong.data.tiles import Bounds

__all__ = ["Bounds", "DataSource", "Fetched", "catalogue", "fetch", "find"]
