"""Link budget: antenna, noise, throughput, building entry, refractivity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from phusong.compute.array_types import Floats, Singles
from phusong.compute.kernels import nb
from phusong.errors import InputError, Problem, in_digits, nearest_name, refuse
from phusong.io.resources import table
from phusong.radio.ranges import checked, refuse_fields
from phusong.region.antennas import AntennaPattern

__all__ = [
    "Building",
    "LinkBudget",
    "PatternTables",
    "Place",
    "Refractivity",
    "building_entry_loss_db",
    "cell_range_m",
    "downlink_share",
    "eirp_per_resource_element_dbm",
    "is_tdd",
    "least_sinr_db",
    "location_margin_db",
    "location_probability",
    "noise_dbm",
    "pattern_tables",
    "radius_of_interest_m",
    "rate_mbps",
    "reach_m",
    "reference_power_dbm",
    "refractivity",
    "resource_blocks",
    "sector_loss_db",
    "spectral_efficiency",
    "subcarrier_khz",
]

Building = Literal["traditional", "thermally_efficient"]


@dataclass(frozen=True)
class _Kind:
    """Coefficients of table 1, named as there."""

    r: float
    s: float
    t: float
    u: float
    v: float
    w: float
    x: float
    y: float
    z: float


_KINDS = {
    "traditional": _Kind(12.64, 3.72, 0.96, 9.6, 2.0, 9.1, -3.0, 4.5, -2.0),
    "thermally_efficient": _Kind(28.19, -3.0, 8.48, 13.5, 3.8, 27.8, -2.9, 9.4, -2.1),
}
_LEAST_GHZ, _MOST_GHZ = 0.08, 100.0
_ELEVATION_DB_PER_DEG = 0.212


@checked("building_entry_loss_db")
def building_entry_loss_db(
    frequency_ghz: npt.ArrayLike,
    *,
    probability: npt.ArrayLike,
    building: Building = "traditional",
    elevation_deg: npt.ArrayLike = 0.0,
) -> npt.NDArray[np.float64]:
    """Return the building entry loss that is not exceeded with a probability. [dB]

    Parameters
    ----------
    frequency_ghz, probability, elevation_deg : array_like
        Frequency from 0.08 to 100, probability strictly between 0 and 1, angle of the path at the wall; broadcast
        together.
    building : str
        ``traditional``, or ``thermally_efficient`` with metallised glass and foil-backed walls.

    Raises
    ------
    InputError
        For a value outside these limits.

    References
    ----------
    Recommendation ITU-R P.2109-2 (08/2023), equations (1) to (10) and table 1.
    """
    if building not in _KINDS:
        raise InputError(
            Problem(
                "building_entry_loss_db",
                f"must be one of {', '.join(_KINDS)}",
                column="building",
                value=building,
            )
        )
    f, p, tilt = (np.asarray(v, np.float64) for v in (frequency_ghz, probability, elevation_deg))
    refuse(
        Problem(
            "building_entry_loss_db",
            f"must lie {where}",
            column=name,
            value=float(np.ravel(value)[np.ravel(bad)][0]),
        )
        for name, value, bad, where in (
            (
                "frequency_ghz",
                f,
                ~((f >= _LEAST_GHZ) & (f <= _MOST_GHZ)),
                f"from {_LEAST_GHZ} to {_MOST_GHZ:g} GHz",
            ),
            ("probability", p, ~((p > 0) & (p < 1)), "strictly between 0 and 1"),
            ("elevation_deg", tilt, ~(np.abs(tilt) <= 90), "from -90 to 90 degrees"),
        )
        if np.any(bad)
    )
    k = _KINDS[building]
    log_f = np.log10(f)
    horizontal = k.r + k.s * log_f + k.t * log_f**2
    mean_1 = horizontal + _ELEVATION_DB_PER_DEG * np.abs(tilt)
    mean_2 = k.w + k.x * log_f
    deviate = ndtri(p)
    a = deviate * (k.u + k.v * log_f) + mean_1
    b = deviate * (k.y + k.z * log_f) + mean_2
    return np.asarray(10.0 * np.log10(10.0 ** (0.1 * a) + 10.0 ** (0.1 * b) + 10.0 ** (0.1 * -3.0)))


# attenuated and truncated Shannon bound, 3GPP TR 36.942 V17 annex A.2 (downlink): α 0.6, 4.4 bit/s/Hz, -10 dB
_ALPHA = 0.6
_LEAST_SINR_DB = -10.0
_OVERHEAD = 0.25  # reference signals, control channels
# 5G's highest coding is 256QAM at rate 948/1024: 3GPP TS 38.214 table 5.1.3.1-2
_MOST_BPS_HZ = {"4G": 4.4, "5G": 8.0 * 948.0 / 1024.0}
_DATA = tuple(_MOST_BPS_HZ)
_FIRST_TDD_MHZ = 2300.0
_TDD_DOWNLINK = 0.75  # of the slots, in the usual pattern DDDSU


_TECHNOLOGIES = ("2G", "3G", "4G", "5G")


def _technology_problems(where: str, *names: str) -> list[Problem]:
    known = ", ".join(_TECHNOLOGIES)
    told = "is no technology: one of " + known
    return [Problem(where, told, value=name) for name in names if name not in _TECHNOLOGIES]


def is_tdd(technology: str, band_mhz: float) -> bool:
    """Return whether a carrier sends and listens in turns: 5G from 2300 MHz upwards."""
    return technology == "5G" and band_mhz >= _FIRST_TDD_MHZ


def downlink_share(technology: str, band_mhz: float) -> float:
    """Return the share of time in which a carrier sends: all of it in FDD bands, three quarters in TDD bands."""
    return _TDD_DOWNLINK if is_tdd(technology, band_mhz) else 1.0


@checked("spectral_efficiency")
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
    refuse(_technology_problems("spectral_efficiency", technology))
    if technology not in _DATA:
        return np.zeros_like(sinr)
    with np.errstate(over="ignore"):  # what is beyond all numbers has the highest rate
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
_POLE_DEG = 90.0
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


@checked("cell_range_m")
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
    if prach_format not in _PREAMBLE:
        raise InputError(Problem("cell_range_m", "must be 0 to 3", column="prach_format", value=prach_format))
    prefix, sequence, subframes = _PREAMBLE[prach_format]
    guard = subframes * _SUBFRAME - prefix - sequence
    return min(prefix, guard) * _T_S * _LIGHT_M_S / 2.0


# what no phone, place or network leaves
_LIMITS = {
    "location_probability": (1e-9, 1.0 - 1e-9),
    "shadowing_sd_db": (0.0, 100.0),
    "rx_height_m": (0.1, 3000.0),
    "rx_gain_dbi": (-100.0, 100.0),
    "rx_losses_db": (-100.0, 300.0),
    "noise_figure_db": (0.0, 100.0),
    "interference_margin_db": (0.0, 300.0),
    "least_rate_mbps": (0.0, 1e6),
}
_THRESHOLD_DBM = (-200.0, 100.0)


def _limit_problems(
    where: str, values: Mapping[str, object], limits: tuple[float, float] | None = None
) -> list[Problem]:
    found = []
    for name, value in values.items():
        low, high = limits or _LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
            found.append(
                Problem(
                    where,
                    f"must be from {in_digits(low, 9)} to {in_digits(high, 9)}",
                    column=name,
                    value=value,
                )
            )
    return found


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

    def __post_init__(self) -> None:
        """Refuse what no phone, place or network has."""
        refuse_fields(self, "link budget")
        where = "link budget"
        problems = _technology_problems(f"{where}: threshold_dbm", *self.threshold_dbm)
        problems += _limit_problems(where, {name: getattr(self, name) for name in _LIMITS})
        for name, dbm in self.threshold_dbm.items():
            problems += _limit_problems(where, {f"threshold_dbm of {name}": dbm}, _THRESHOLD_DBM)
        if self.place not in get_args(Place):
            known = ", ".join(get_args(Place))
            problems.append(Problem(where, f"must be one of {known}", column="place", value=self.place))
        refuse(problems)

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


@dataclass(frozen=True)
class Refractivity:
    """Average annual refractivity.

    Parameters
    ----------
    n0 : float
        Sea-level surface refractivity. [N-units]
    delta_n : float
        Its fall through the lowest kilometre. [N-units/km]
    """

    n0: float
    delta_n: float

    @property
    def earth_km(self) -> float:
        """Return the median effective Earth radius, P.1812-7 equations (6), (7)."""
        return 6371.0 * 157.0 / (157.0 - self.delta_n)


@checked("refractivity")
def refractivity(latitude_deg: float) -> Refractivity:
    """Return the average annual refractivity at a latitude, interpolated in a small table.

    The table is computed from the reference atmospheres of ITU-R P.835-6; the ITU's own digital maps are finer
    but may not be shipped: give ``delta_n`` and ``n0`` from them where you have them.

    Examples
    --------
    >>> refractivity(21.0)
    Refractivity(n0=374.0, delta_n=52.1)
    """
    if not abs(latitude_deg) <= _POLE_DEG:
        told = "must be from -90 to 90"
        raise InputError(Problem("refractivity", told, column="latitude_deg", value=latitude_deg))
    rows = table("refractivity")
    at = abs(latitude_deg)
    latitudes = rows["latitude_deg"].to_numpy(np.float64)
    return Refractivity(
        float(np.interp(at, latitudes, rows["n0"].to_numpy(np.float64))),
        float(np.interp(at, latitudes, rows["delta_n"].to_numpy(np.float64))),
    )


# 3GPP TR 36.814 V9.2.0, table A.2.1.1-2: front-to-back 25 dB, side lobes 20 dB, 10 degrees of elevation
_FRONT_BACK_DB = 25.0
_SIDE_LOBE_DB = 20.0
_ELEVATION_BEAM_DEG = 10.0


class PatternTables(NamedTuple):
    """Measured patterns as the kernels read them.

    Parameters
    ----------
    horizontal_db, vertical_db : ndarray of float32, shape (n, 361)
        Loss per degree; the last column repeats the first. [dB]
    """

    horizontal_db: Singles
    vertical_db: Singles


def pattern_tables(
    names: Sequence[str], known: Mapping[str, AntennaPattern]
) -> tuple[PatternTables, npt.NDArray[np.int64]]:
    """Return the tables of the patterns in use, and for each name its row there; -1: by its beamwidth.

    Parameters
    ----------
    names : sequence of str
        Pattern of each cell; empty: by its beamwidth.
    known : mapping
        Patterns by file name.

    Raises
    ------
    InputError
        Naming every pattern that is not there.
    """
    used = sorted({n for n in names if n})
    refuse(
        Problem(
            "cells", f"is no file in the region's antennas folder{nearest_name(n, known)}", column="antenna_pattern",
            value=n,
        )
        for n in used
        if n not in known
    )  # fmt: skip
    row = {name: k for k, name in enumerate(used)}
    stack = [
        np.stack([np.append(cut, cut[0]) for cut in cuts]).astype(np.float32) if used else np.zeros((1, 361), np.float32)
        for cuts in (
            [known[n].horizontal_db for n in used],
            [known[n].vertical_db for n in used],
        )
    ]  # fmt: skip
    return PatternTables(*stack), np.array([row.get(n, -1) for n in names], np.int64)


@nb.njit(cache=True, nogil=True, inline="always")
def sector_loss_db(  # type: ignore[no-untyped-def]
    bearing_deg, down_deg, azimuth_deg, beamwidth_deg, tilt_deg, pattern, horizontal_db, vertical_db
):
    """Return the loss of a sector towards a bearing and an angle below the horizon. [dB]

    Parameters
    ----------
    bearing_deg, down_deg : float
        Direction of the receiver: clockwise from north, and below the horizon.
    azimuth_deg, beamwidth_deg, tilt_deg : float
        The sector's main lobe; 360 is all round. With a measured pattern the tilt is mechanical, on top of the
        electrical tilt that the pattern holds.
    pattern : int
        Row of the tables; -1: by the beamwidth.
    horizontal_db, vertical_db : array, shape (n, 361)
        From :func:`pattern_tables`.

    References
    ----------
    3GPP TR 36.814 V9.2.0, table A.2.1.1-2, the form of 3GPP TR 38.901 table 7.3-1. Two measured cuts are joined as
    in F. Gil et al., A 3D interpolation method for base-station-antenna radiation patterns, IEEE Antennas and
    Propagation Magazine 43(2), 2001.
    """
    turn = bearing_deg - azimuth_deg + 180.0
    turn -= 360.0 * np.floor(turn / 360.0) + 180.0
    if pattern < 0:
        side = 0.0
        if beamwidth_deg < 360.0:
            side = min(12.0 * (turn / beamwidth_deg) ** 2, _FRONT_BACK_DB)
        high = min(12.0 * ((down_deg - tilt_deg) / _ELEVATION_BEAM_DEG) ** 2, _SIDE_LOBE_DB)
        return min(side + high, _FRONT_BACK_DB)
    # a tilted antenna looks down in front and up behind
    below = down_deg - tilt_deg * np.cos(np.radians(turn))
    behind = abs(turn) / 180.0
    h = horizontal_db[pattern]
    v = vertical_db[pattern]
    front_gap = h[0] - _at(v, below)
    back_gap = h[180] - _at(v, 180.0 - below)
    return max(_at(h, turn) - (1.0 - behind) * front_gap - behind * back_gap, 0.0)


@nb.njit(cache=True, nogil=True, inline="always")
def _at(cut, angle_deg):  # type: ignore[no-untyped-def]
    place = angle_deg % 360.0
    k = min(int(place), 359)
    share = place - k
    return cut[k] * (1.0 - share) + cut[k + 1] * share
