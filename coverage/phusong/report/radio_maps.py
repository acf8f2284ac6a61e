"""What the radio alone gives, as rasters for GIS: servers, levels, SINR and rate of each operator and technology."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from phusong.radio.footprints import Footprints
from phusong.report.files import write_cog, write_csv, write_json
from phusong.report.maps import RSRP_EDGES_DBM, RSRP_HEX
from phusong.report.qgis_styles import stepped_raster_qml
from phusong.whole_folder import whole_folder

__all__ = ["write_radio_maps"]

_NODATA = -9999.0
_SIGN = "sweep.json"
_SIX_HEX = ("#7a0403", "#d55e00", "#e69f00", "#cfd8dc", "#56b4e9", "#0072b2")  # weak to strong
_STEPS = {
    "dBm": (RSRP_EDGES_DBM, RSRP_HEX),
    "dB": ((0.0, 5.0, 10.0, 15.0, 20.0), _SIX_HEX),
    "Mbit/s": ((1.0, 4.0, 10.0, 30.0, 100.0), _SIX_HEX),
}


def write_radio_maps(heard: Footprints, facts: Mapping[str, object], folder: Path) -> Path:
    """Write the maps of a sweep to a folder in one piece.

    Parameters
    ----------
    heard : Footprints
        With maps.
    facts : mapping
        What to write to ``sweep.json``: what was swept, how long it took.
    folder : Path
        An older sweep there is replaced, any other folder refused.

    Raises
    ------
    InputError
        If the folder holds something else.

    Notes
    -----
    Per operator and technology: ``rsrp_N.tif`` [dBm] and ``server_N.tif`` (row of ``stations.csv``, from 0) of the
    N-th strongest server, ``sinr.tif`` [dB] and ``rate.tif`` [Mbit/s] of one phone alone in the best server's cell;
    a ``.qml`` beside each raster of figures is the style that QGIS opens it with.
    """
    with whole_folder(folder, kind="a radio sweep", is_ours=lambda old: (old / _SIGN).is_file()) as new:
        _write(heard, new)
        write_json(dict(facts), new / _SIGN)
    return folder


def _write(heard: Footprints, folder: Path) -> None:
    maps = heard.servers
    stations = pd.DataFrame({"row": np.arange(heard.station_ids.size), "station": heard.station_ids})
    stations[["site_id", "operator"]] = (
        stations["station"].str.rsplit("/", n=1, expand=True).reindex(columns=[0, 1])
    )
    write_csv(stations, folder / "stations.csv")
    for k, layer in enumerate(maps.layers):
        place = folder / _file_name(f"{layer.operator}-{layer.technology}")
        if place.exists():  # two names that differ only in letters no file may have
            place = folder / f"{place.name}-{k}"
        place.mkdir()
        for n in range(maps.level_ddbm.shape[1]):
            _singles(heard, maps.server_dbm(k, n), place / f"rsrp_{n + 1}.tif", "dBm")
            write_cog(
                maps.station[k, n].reshape(maps.grid.shape), maps.grid, place / f"server_{n + 1}.tif", nodata=-1,
                nearest=True,
            )  # fmt: skip
        _singles(heard, maps.layer_sinr_db(k), place / "sinr.tif", "dB")
        _singles(heard, maps.rate_mbps(k), place / "rate.tif", "Mbit/s")


def _singles(heard: Footprints, values: npt.NDArray[np.float32], path: Path, unit: str) -> None:
    filled = np.where(np.isnan(values), np.float32(_NODATA), values).astype(np.float32)
    write_cog(filled, heard.grid, path, nodata=_NODATA, unit=unit)
    edges, colours = _STEPS[unit]
    path.with_suffix(".qml").write_text(
        stepped_raster_qml(edges, colours, unit), encoding="utf-8", newline="\n"
    )


def _file_name(text: str) -> str:
    """Return a name that is safe on every file system, the same for the same text."""
    return re.sub(r"[^\w.-]+", "_", text).strip("._") or "operator"
