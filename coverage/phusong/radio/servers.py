"""Who serves each pixel: the n strongest stations of each operator and technology, their SINR and rate."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phusong.compute.array_types import Int32s, Shorts, Singles
from phusong.radio.jobs import Carrier, Work
from phusong.radio.link_budget import rate_mbps
from phusong.radio.site_sweep import NOTHING, add_power, carrier_sinr, entry_sinr, push_servers
from phusong.region import Grid

__all__ = ["Layer", "ServerMaps", "Tally"]


@dataclass(frozen=True, order=True)
class Layer:
    """One operator's network of one technology."""

    operator: str
    technology: str


@dataclass(frozen=True)
class ServerMaps:
    """What every pixel of the map hears, quantised to tenths of a dB.

    Parameters
    ----------
    grid : Grid
        The pixels.
    layers : tuple of Layer
        What the first axis of `level_ddbm` and `station` counts.
    level_ddbm : ndarray of int16, shape (n_layers, n_servers, n_pixels)
        Levels, strongest first; -32768 where fewer cover the pixel. [tenths of a dBm]
    station : ndarray of int32, same shape
        Position among the stations; -1: none.
    carriers : tuple of Carrier
        What the first axis of the rest counts.
    carrier_level_ddbm, carrier_station : ndarray, shape (n_carriers, n_pixels)
        The strongest on each carrier, however weak.
    carrier_total_mw : ndarray of float32, shape (n_carriers, n_pixels)
        Power of all cells of the carrier. [mW]
    noise_mw : ndarray, shape (n_carriers,)
        Noise. [mW]
    bandwidth_mhz : ndarray, shape (n_stations, n_carriers)
        Channel bandwidth.
    load : float
        Share of their resources that the other cells use.
    """

    grid: Grid
    layers: tuple[Layer, ...]
    level_ddbm: Shorts
    station: Int32s
    carriers: tuple[Carrier, ...]
    carrier_level_ddbm: Shorts
    carrier_station: Int32s
    carrier_total_mw: Singles
    noise_mw: npt.NDArray[np.float64]
    bandwidth_mhz: Singles
    load: float

    @classmethod
    def none(cls, grid: Grid) -> "ServerMaps":
        """Return maps without any layer."""
        shorts, numbers = np.empty((0, 1, grid.size), np.int16), np.empty((0, 1, grid.size), np.int32)
        singles = np.empty((0, grid.size), np.float32)
        return cls(
            grid,
            (),
            shorts,
            numbers,
            (),
            shorts[:, 0],
            numbers[:, 0],
            singles,
            np.empty(0),
            singles[:, :0],
            0.0,
        )

    def best_dbm(self) -> Singles:
        """Return the strongest level of any layer, NaN where nothing covers; on the grid. [dBm]"""
        if not self.layers:
            return np.full(self.grid.shape, np.nan, np.float32)
        return self._dbm(self.level_ddbm[:, 0].max(axis=0))

    def server_dbm(self, layer: int, nth: int = 0) -> Singles:
        """Return the level of a layer's n-th server (0 is the best), NaN where there is none; on the grid. [dBm]"""
        return self._dbm(self.level_ddbm[layer, nth])

    def sinr_db(self, carrier: int) -> Singles:
        """Return signal over noise and the other cells' load of a carrier's strongest server; on the grid. [dB]"""
        found: Singles = carrier_sinr(
            self.carrier_level_ddbm[carrier],
            self.carrier_total_mw[carrier],
            self.noise_mw[carrier],
            self.load,
        )
        return found.reshape(self.grid.shape)

    def layer_sinr_db(self, layer: int) -> Singles:
        """Return the best SINR over a layer's carriers where it covers; on the grid. [dB]"""
        on = [self.sinr_db(k) for k in self._carriers_of(layer)]
        return (
            self._covered(layer, np.fmax.reduce(on)) if on else np.full(self.grid.shape, np.nan, np.float32)
        )

    def rate_mbps(self, layer: int) -> Singles:
        """Return the rate of one phone alone in its cell, on the best of the layer's carriers. [Mbit/s]"""
        best = np.full(self.grid.size, np.nan, np.float32)
        for k in self._carriers_of(layer):
            carrier = self.carriers[k]
            server = self.carrier_station[k]
            width = np.where(server >= 0, self.bandwidth_mhz[np.maximum(server, 0), k], 0.0)
            rate = rate_mbps(self.sinr_db(k).ravel(), 1.0, carrier.technology, carrier.band_mhz) * width
            best = np.fmax(best, rate.astype(np.float32))
        return self._covered(layer, best.reshape(self.grid.shape))

    def _carriers_of(self, layer: int) -> list[int]:
        wanted = self.layers[layer]
        return [
            k
            for k, c in enumerate(self.carriers)
            if (c.operator, c.technology) == (wanted.operator, wanted.technology)
        ]

    def _covered(self, layer: int, values: Singles) -> Singles:
        return np.where(np.isnan(self.server_dbm(layer)), np.float32(np.nan), values)

    def _dbm(self, level: Shorts) -> Singles:
        dbm = np.where(level > NOTHING, level / np.float32(10.0), np.float32(np.nan))
        return dbm.astype(np.float32).reshape(self.grid.shape)


class Tally:
    """Takes in stations one after the other and holds the maps meanwhile; memory depends on the pixels alone."""

    def __init__(self, grid: Grid, work: Work, n_servers: int) -> None:
        self._grid = grid
        self._work = work
        self._layers = tuple(sorted({Layer(c.operator, c.technology) for c in work.carriers}))
        number = {layer: k for k, layer in enumerate(self._layers)}
        self._layer_of = [number[Layer(c.operator, c.technology)] for c in work.carriers]
        layers, carriers = len(self._layers), len(work.carriers)
        self._level = np.full((layers, n_servers, grid.size), NOTHING, np.int16)
        self._station = np.full((layers, n_servers, grid.size), -1, np.int32)
        self._carrier_level = np.full((carriers, 1, grid.size), NOTHING, np.int16)
        self._carrier_station = np.full((carriers, 1, grid.size), -1, np.int32)
        self._total_mw = np.zeros((carriers, grid.size), np.float32)
        self._noise_mw = np.zeros(carriers)
        for job in work.jobs:
            for cells in job.cells:
                self._noise_mw[cells.carrier] = 10.0 ** (cells.noise_dbm / 10.0)

    def add(
        self, station: int, carrier: int, pixel: Int32s, level: Shorts, others: Singles, floor_ddbm: int
    ) -> None:
        """Take in a station on one carrier: everything it sends disturbs, what reaches the floor serves."""
        layer = self._layer_of[carrier]
        push_servers(self._level[layer], self._station[layer], pixel, level, floor_ddbm, station)
        push_servers(
            self._carrier_level[carrier], self._carrier_station[carrier], pixel, level, NOTHING, station
        )
        add_power(self._total_mw[carrier], pixel, level, others)

    def sinr_ddb(self, pixel: Int32s, level: Shorts, carrier: Shorts, load: float) -> Shorts:
        """Return the SINR of entries. [tenths of a dB]"""
        found: Shorts = entry_sinr(pixel, level, carrier, self._total_mw, self._noise_mw, load)
        return found

    def maps(self, position: npt.NDArray[np.int64], load: float) -> ServerMaps:
        """Return the maps.

        Parameters
        ----------
        position : ndarray, shape (n_stations,)
            Where each station of the jobs stands in the final order.
        load : float
            Share of their resources that the other cells use.
        """
        final = np.append(position, -1).astype(np.int32)  # -1, nobody, stays
        bandwidth = np.empty_like(self._work.bandwidth_mhz)
        bandwidth[position] = self._work.bandwidth_mhz
        return ServerMaps(
            self._grid,
            self._layers,
            self._level,
            final[self._station],
            self._work.carriers,
            self._carrier_level[:, 0],
            final[self._carrier_station[:, 0]],
            self._total_mw,
            self._noise_mw,
            bandwidth,
            load,
        )
