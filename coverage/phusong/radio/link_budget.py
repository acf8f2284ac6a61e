"""From transmitter power to the level at the phone, and how sure a place is of reaching a threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from phusong.radio.building_entry import Building, building_entry_loss_db
from phusong.radio.throughput import is_tdd, least_sinr_db

__all__ = [
    "LinkBudget",
    "Place",
    "cell_range_m",
    "eirp_per_resource_element_dbm",
    "location_margin_db",
    "location_probability",
    "noise_dbm",
    "radius_of_interest_m",
    "reach_m",
    "reference_power_dbm",
    "resource_blocks",
    "subcarrier_khz",
]

Place = Literal["outdoor", "vehicle", "indoor_traditional", "indoor_efficient"]

# transmission bandwidth in resource blocks: LTE, TS 36.101 table 5.6-1; NR, TS 38.101-1 table 5.3.2-1
_LTE_BLOCKS = {1.4: 6, 3.0: 15, 5.0: 25, 10.0: 50, 15.0: 75, 20.0: 100}
_NR_BLOCKS = {
    15: {5.0: 25, 10.0: 52, 15.0: 79, 20.0: 106, 25.0: 133, 30.0: 160, 40.0: 216, 50.0: 270},
    30: {5.0: 11, 10.0: 24, 15.0: 38, 20.0: 51, 25.0: 65, 30.0: 78, 40.0: 106, 50.0: 133, 60.0: 162, 70.0: 189,
         80.0: 217, 90.0: 245, 100.0: 273},
}  # fmt: skip
_PILOT_SHARE_DB = -10.0  # a tenth of a 3G carrier's power is its pilot channel
# bandwidth in which the reference level stands against noise: GSM carrier, WCDMA chip rate. [Hz]
_GSM_HZ, _WCDMA_HZ = 200e3, 3.84e6
_THERMAL_DBM_HZ = -174.0

# random access preamble formats, TS 36.211 table 5.7.1-1 in units of T_s: cyclic prefix, sequence, subframes
_T_S = 1.0 / 30.72e6
_SUBFRAME = 30_720
_PREAMBLE = {0: (3168, 24_576, 1), 1: (21_024, 24_576, 2), 2: (6240, 49_152, 2), 3: (21_024, 49_152, 3)}
_LIGHT_M_S = 299_792_458.0

# penetration into a car, TR 38.901 V17, section 7.4.3.2: mean 9 dB, standard deviation 5 dB
_VEHICLE_DB, _VEHICLE_SD_DB = 9.0, 5.0
_ONE_SD = float(ndtr(1.0))


def subcarrier_khz(technology: str, band_mhz: float) -> int:
    """Return the subcarrier spacing: 15 kHz in 4G and in 5G's lower bands, 30 kHz in 5G's TDD bands."""
    return 30 if is_tdd(technology, band_mhz) else 15


def resource_blocks(bandwidth_mhz: float, technology: str = "4G", spacing_khz: int = 30) -> int:
    """Return the resource blocks of a carrier: the table's, or in proportion between its rows."""
    blocks = _NR_BLOCKS[spacing_khz] if technology == "5G" else _LTE_BLOCKS
    if bandwidth_mhz in blocks:
        return blocks[bandwidth_mhz]
    return max(1, int(np.interp(bandwidth_mhz, list(blocks), list(blocks.values()))))


def eirp_per_resource_element_dbm(
    eirp_dbm: float, bandwidth_mhz: float, technology: str = "4G", spacing_khz: int = 30
) -> float:
    """Return EIRP - 10·log10(12·N_RB): the power of one resource element. [dBm]"""
    blocks = resource_blocks(bandwidth_mhz, technology, spacing_khz)
    return eirp_dbm - 10.0 * float(np.log10(12 * blocks))


def reference_power_dbm(eirp_dbm: float, bandwidth_mhz: float, technology: str, band_mhz: float) -> float:
    """Return the EIRP of what a phone measures. [dBm]

    A resource element in 4G and 5G (RSRP), the pilot channel in 3G (RSCP), the whole carrier in 2G (RXLEV).
    """
    if technology == "2G":
        return eirp_dbm
    if technology == "3G":
        return eirp_dbm + _PILOT_SHARE_DB
    spacing = subcarrier_khz(technology, band_mhz)
    return eirp_per_resource_element_dbm(eirp_dbm, bandwidth_mhz, technology, spacing)


def noise_dbm(technology: str, band_mhz: float, noise_figure_db: float) -> float:
    """Return thermal noise and the phone's own in the bandwidth of the reference level. [dBm]"""
    if technology == "2G":
        hertz = _GSM_HZ
    elif technology == "3G":
        hertz = _WCDMA_HZ
    else:
        hertz = subcarrier_khz(technology, band_mhz) * 1e3
    return _THERMAL_DBM_HZ + 10.0 * float(np.log10(hertz)) + noise_figure_db


def location_probability(
    rsrp_dbm: npt.ArrayLike, threshold_dbm: float, shadowing_sd_db: float
) -> npt.NDArray[np.float64]:
    """Return the share of a square's places whose RSRP reaches the threshold: Φ((RSRP - threshold)/σ)."""
    above = np.asarray(rsrp_dbm, np.float64) - threshold_dbm
    if shadowing_sd_db == 0:
        return np.asarray(above >= 0, np.float64)
    return np.asarray(ndtr(above / shadowing_sd_db))


def location_margin_db(probability: float, shadowing_sd_db: float) -> float:
    """Return by how much the median must exceed the threshold for a share of places to reach it. [dB]"""
    return float(ndtri(probability)) * shadowing_sd_db


def cell_range_m(prach_format: int) -> float:
    """Return how far a phone's random access is still in time: half the shorter of prefix and guard time. [m]

    Parameters
    ----------
    prach_format : int
        Preamble format 0 to 3 of the cell.

    References
    ----------
    3GPP TS 36.211 V17, table 5.7.1-1: about 14.5, 77, 29.5 and 103 km.
    """
    prefix, sequence, subframes = _PREAMBLE[prach_format]
    guard = subframes * _SUBFRAME - prefix - sequence
    return min(prefix, guard) * _T_S * _LIGHT_M_S / 2.0


@dataclass(frozen=True)
class LinkBudget:
    """What a phone needs to be covered, and what stands between it and the signal outdoors.

    Parameters
    ----------
    threshold_dbm : mapping
        Least reference level of each technology that gives the service; a technology that is not there gives none.
    location_probability, shadowing_sd_db : float
        Share of the places in a square that must reach it, and how much they differ.
    rx_height_m, rx_gain_dbi, rx_losses_db, noise_figure_db : float
        The phone: height above ground, antenna gain, body and other losses, noise figure.
    place : str
        ``outdoor``, ``vehicle``, ``indoor_traditional`` or ``indoor_efficient``.
    interference_margin_db : float
        Rise of noise by other cells.
    least_rate_mbps : float
        Rate that one phone alone in a cell must reach; 0: the thresholds alone decide.
    """

    threshold_dbm: Mapping[str, float]
    location_probability: float = 0.75
    shadowing_sd_db: float = 6.0
    rx_height_m: float = 1.5
    rx_gain_dbi: float = 0.0
    rx_losses_db: float = 4.0
    noise_figure_db: float = 7.0
    place: Place = "outdoor"
    interference_margin_db: float = 3.0
    least_rate_mbps: float = 0.0

    def losses_db(self, frequency_ghz: float) -> float:
        """Return what the phone and its place take from the outdoor level at the median. [dB]"""
        return self.rx_losses_db - self.rx_gain_dbi + self._entry(frequency_ghz)[0]

    def spread_db(self, frequency_ghz: float) -> float:
        """Return the standard deviation over the places of a square: shadowing and entry together. [dB]"""
        return float(np.hypot(self.shadowing_sd_db, self._entry(frequency_ghz)[1]))

    def needed_dbm(self, technology: str, band_mhz: float, bandwidth_mhz: float) -> float:
        """Return the least level of a technology: its threshold, or what the least rate takes. [dBm]"""
        if technology not in self.threshold_dbm:
            return float("inf")
        needed = self.threshold_dbm[technology]
        if self.least_rate_mbps <= 0:
            return needed
        noise = noise_dbm(technology, band_mhz, self.noise_figure_db)
        sinr = least_sinr_db(self.least_rate_mbps, bandwidth_mhz, technology, band_mhz)
        return max(needed, noise + self.interference_margin_db + sinr)

    def floor_dbm(self, technology: str, band_mhz: float, bandwidth_mhz: float) -> float:
        """Return the median level at which enough places of a square are covered. [dBm]"""
        margin = location_margin_db(self.location_probability, self.spread_db(band_mhz / 1000.0))
        return self.needed_dbm(technology, band_mhz, bandwidth_mhz) + margin

    def _entry(self, frequency_ghz: float) -> tuple[float, float]:
        """Return median and standard deviation of the loss into the place. [dB]"""
        if self.place == "outdoor":
            return 0.0, 0.0
        if self.place == "vehicle":
            return _VEHICLE_DB, _VEHICLE_SD_DB
        building: Building = "traditional" if self.place == "indoor_traditional" else "thermally_efficient"
        median, high = (
            float(building_entry_loss_db(frequency_ghz, probability=p, building=building))
            for p in (0.5, _ONE_SD)
        )
        return median, high - median


def reach_m(eirp_re_dbm: float, floor_dbm: float, frequency_ghz: float) -> float:
    """Return the free-space distance at which a resource element's power falls to the floor. [m]"""
    return float(10.0 ** ((eirp_re_dbm - floor_dbm - 92.4 - 20.0 * np.log10(frequency_ghz)) / 20.0) * 1000.0)


def radius_of_interest_m(
    eirp_re_dbm: float,
    floor_dbm: float,
    frequency_ghz: float,
    *,
    tx_above_lowest_m: float,
    rx_above_lowest_m: float,
    earth_km: float,
) -> float:
    """Return how far a cell can be heard: by its link budget in free space, less 6 dB beyond the horizon. [m]

    No ground lies below the lowest of the area, so beyond the horizon over it every path is at least grazed,
    which costs 6 dB (knife edge, ITU-R P.526).

    Parameters
    ----------
    eirp_re_dbm, floor_dbm : float
        Power of a resource element towards its strongest direction, and the least worth keeping.
    tx_above_lowest_m, rx_above_lowest_m : float
        Antenna, and the highest place a receiver may stand, above the lowest ground.
    earth_km : float
        Effective Earth radius.
    """
    horizon_m = np.sqrt(2000.0 * earth_km) * (
        np.sqrt(max(tx_above_lowest_m, 0.0)) + np.sqrt(max(rx_above_lowest_m, 0.0))
    )
    clear_m = reach_m(eirp_re_dbm, floor_dbm, frequency_ghz)
    grazed_m = reach_m(eirp_re_dbm - 6.0, floor_dbm, frequency_ghz)
    return float(max(min(clear_m, horizon_m), grazed_m))
