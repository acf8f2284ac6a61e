"""From transmitter power to RSRP, and how sure a place is of reaching a threshold."""

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

__all__ = [
    "eirp_per_resource_element_dbm",
    "location_margin_db",
    "location_probability",
    "radius_of_interest_m",
    "reach_m",
    "resource_blocks",
]

# transmission bandwidth in resource blocks: LTE, TS 36.101 table 5.6-1; NR at 30 kHz, TS 38.101-1 table 5.3.2-1
_LTE_BLOCKS = {1.4: 6, 3.0: 15, 5.0: 25, 10.0: 50, 15.0: 75, 20.0: 100}
_NR_BLOCKS = {10.0: 24, 15.0: 38, 20.0: 51, 40.0: 106, 50.0: 133, 60.0: 162, 80.0: 217, 100.0: 273}


def resource_blocks(bandwidth_mhz: float, technology: str = "4G") -> int:
    """Return the resource blocks of a carrier: the table's, or in proportion between its rows."""
    blocks = _NR_BLOCKS if technology == "5G" else _LTE_BLOCKS
    if bandwidth_mhz in blocks:
        return blocks[bandwidth_mhz]
    return max(1, int(np.interp(bandwidth_mhz, list(blocks), list(blocks.values()))))


def eirp_per_resource_element_dbm(eirp_dbm: float, bandwidth_mhz: float, technology: str = "4G") -> float:
    """Return EIRP - 10·log10(12·N_RB): the power of one resource element. [dBm]"""
    return eirp_dbm - 10.0 * float(np.log10(12 * resource_blocks(bandwidth_mhz, technology)))


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
