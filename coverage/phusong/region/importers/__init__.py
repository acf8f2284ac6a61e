"""Importers: one file per source, one signature, and the table that lists them."""

from collections.abc import Mapping

from phusong.region.importers.base import Imported, Importer, Options
from phusong.region.importers.boundaries import import_boundaries
from phusong.region.importers.fibre import import_fibre
from phusong.region.importers.opencellid import import_opencellid
from phusong.region.importers.osm import import_osm
from phusong.region.importers.power_lines import import_gridfinder, import_power_lines
from phusong.region.importers.rasters import (
    import_elevation,
    import_ghs_pop,
    import_kontur,
    import_worldcover,
    import_worldpop,
)
from phusong.region.importers.tables import import_giga, table_importer

__all__ = ["IMPORTERS", "Imported", "Importer", "Options"]

_POWER = ("power_nodes", "power_lines")
_TABLES = ("sites", "cells", "links", "power_nodes", "power_lines", "facilities", "settlements", "operators")

IMPORTERS: Mapping[str, Importer] = {
    i.kind: i
    for i in (
        Importer("opencellid", "OpenCelliD cells (.csv, .csv.gz)", ("sites", "cells"), import_opencellid),
        Importer(
            "osm", "OpenStreetMap extract (.osm.pbf)", (*_POWER, "facilities", "sites", "roads"), import_osm
        ),
        Importer("worldpop", "WorldPop people per pixel (GeoTIFF)", ("demand",), import_worldpop),
        Importer("ghs_pop", "GHS-POP people per pixel (GeoTIFF, .zip)", ("demand",), import_ghs_pop),
        Importer("kontur", "Kontur people per hexagon (.gpkg, .gpkg.gz)", ("demand",), import_kontur),
        Importer("elevation", "SRTM or Copernicus heights (.hgt, GeoTIFF)", ("elevation",), import_elevation),
        Importer("worldcover", "ESA WorldCover land cover (GeoTIFF)", ("clutter",), import_worldcover),
        Importer(
            "boundaries",
            "commune boundaries (GeoPackage, Shapefile, GeoJSON)",
            ("communes",),
            import_boundaries,
        ),
        Importer("gridfinder", "gridfinder power lines (GeoPackage, GeoTIFF)", _POWER, import_gridfinder),
        Importer("lines", "drawn power lines (GeoPackage, Shapefile, GeoJSON)", _POWER, import_power_lines),
        Importer(
            "fibre",
            "fibre nodes and spans (Open Fibre Data Standard, ITU nodes)",
            ("sites", "cells", "links"),
            import_fibre,
        ),
        Importer("giga", "Giga or GigaSpatial school list (.csv)", ("facilities",), import_giga),
        *(Importer(t, f"table of layer {t} (any kind of table)", (t,), table_importer(t)) for t in _TABLES),
    )
}
"""Importers by the word that chooses them."""
