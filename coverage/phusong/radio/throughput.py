"""From signal over noise and interference to a rate."""

import numpy as np
import numpy.typing as npt

__all__ = ["downlink_share", "is_tdd", "least_sinr_db", "rate_mbps", "spectral_efficiency"]

Floats = npt.NDArray[np.float64]

# attenuated and truncated Shannon bound, 3GPP TR 36.942 V17 annex A.2 (downlink): α 0.6, 4.4 bit/s/Hz, -10 dB
_ALPHA = 0.6
_LEAST_SINR_DB = -10.0
_OVERHEAD = 0.25  # reference signals, control channels
# 5G's highest coding is 256QAM at rate 948/1024: 3GPP TS 38.214 table 5.1.3.1-2
_MOST_BPS_HZ = {"4G": 4.4, "5G": 8.0 * 948.0 / 1024.0}
_DATA = tuple(_MOST_BPS_HZ)
_FIRST_TDD_MHZ = 2300.0
_TDD_DOWNLINK = 0.75  # of the slots, in the usual pattern DDDSU


def is_tdd(technology: str, band_mhz: float) -> bool:
    """Return whether a carrier sends and listens in turns: 5G from 2300 MHz upwards."""
    return technology == "5G" and band_mhz >= _FIRST_TDD_MHZ


def downlink_share(technology: str, band_mhz: float) -> float:
    """Return the share of time in which a carrier sends: all of it in FDD bands, three quarters in TDD bands."""
    return _TDD_DOWNLINK if is_tdd(technology, band_mhz) else 1.0


def spectral_efficiency(sinr_db: npt.ArrayLike, technology: str = "4G") -> Floats:
    """Return the net downlink rate per bandwidth. [bit/s/Hz]

    Parameters
    ----------
    sinr_db : array_like
        Signal over noise and interference. [dB]
    technology : str
        ``4G`` or ``5G``; older ones carry no internet worth the name and give 0.

    References
    ----------
    3GPP TR 36.942 V17, annex A.2; 3GPP TS 38.214, table 5.1.3.1-2.
    """
    sinr = np.asarray(sinr_db, np.float64)
    if technology not in _DATA:
        return np.zeros_like(sinr)
    rate = np.minimum(_ALPHA * np.log2(1.0 + 10.0 ** (sinr / 10.0)), _MOST_BPS_HZ[technology])
    # below the least SINR the most robust coding still carries a trickle: paging and voice, no data to speak of
    return np.asarray((1.0 - _OVERHEAD) * np.where(sinr >= _LEAST_SINR_DB, rate, rate * 0.1), np.float64)


def rate_mbps(sinr_db: npt.ArrayLike, bandwidth_mhz: float, technology: str, band_mhz: float) -> Floats:
    """Return the downlink rate of one phone alone in a cell. [Mbit/s]"""
    return np.asarray(
        spectral_efficiency(sinr_db, technology) * bandwidth_mhz * downlink_share(technology, band_mhz),
        np.float64,
    )


def least_sinr_db(rate: float, bandwidth_mhz: float, technology: str, band_mhz: float) -> float:
    """Return the least SINR at which one phone alone reaches a rate [Mbit/s]; infinite where no SINR does. [dB]"""
    per_hertz = rate / (bandwidth_mhz * downlink_share(technology, band_mhz) * (1.0 - _OVERHEAD))
    if technology not in _DATA or per_hertz > _MOST_BPS_HZ[technology]:
        return float("inf")
    ratio = float(np.expm1(per_hertz / _ALPHA * np.log(2.0)))
    return max(10.0 * float(np.log10(ratio)), _LEAST_SINR_DB) if ratio > 0 else _LEAST_SINR_DB
