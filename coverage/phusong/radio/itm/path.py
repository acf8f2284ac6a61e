"""ITM point to point: the loss on one profile."""

import math

import numpy as np
import numpy.typing as npt

from phusong.kernel_cache import nb
from phusong.radio.itm.attenuation import attenuation
from phusong.radio.itm.limits import refuse_internal, refuse_outside
from phusong.radio.itm.profile import fit, horizons, middle_height, roughness, smooth_horizon
from phusong.radio.itm.surface import curvature, free_space_db, impedance, surface_refractivity
from phusong.radio.itm.variability import deviate, with_variability

__all__ = ["loss_on_profile", "point_to_point"]

_CLUTTER_M2 = 10.0  # constant C of the weighting factor, for low antennas on a known path


def point_to_point(
    height_m: npt.ArrayLike,
    step_m: float,
    *,
    frequency_mhz: float,
    tx_height_m: float,
    rx_height_m: float,
    horizontal: bool = False,
    climate: int = 1,
    n0: float = 374.0,
    permittivity: float = 15.0,
    conductivity_s_m: float = 0.005,
    time_percent: float = 50.0,
    location_percent: float = 50.0,
    situation_percent: float = 50.0,
    variability: int = 12,
) -> float:
    """Return the basic transmission loss on one profile. [dB]

    Parameters
    ----------
    height_m : array_like, shape (n,)
        Ground above sea level at equal steps, from transmitter to receiver. [m]
    step_m : float
        Distance between two points.
    frequency_mhz, tx_height_m, rx_height_m : float
        20 to 20,000 MHz; antennas 0.5 to 3,000 m above ground.
    horizontal : bool
        Polarisation.
    climate : int
        1 to 7, in the order of :data:`phusong.radio.itm.CLIMATES`.
    n0 : float
        Sea-level surface refractivity. [N-units]
    permittivity, conductivity_s_m : float
        Of the ground.
    time_percent, location_percent, situation_percent : float
        For which shares of time, places and situations the loss is not exceeded.
    variability : int
        0 single message, 1 accidental, 2 mobile, 3 broadcast; +10 without location variability, +20 without that
        between situations.

    Raises
    ------
    InputError
        Listing every argument outside the model's range.
    """
    heights = np.asarray(height_m, np.float64)
    given = {
        "frequency_mhz": frequency_mhz,
        "tx_height_m": tx_height_m,
        "rx_height_m": rx_height_m,
        "climate": climate,
        "n0": n0,
        "permittivity": permittivity,
        "conductivity_s_m": conductivity_s_m,
        "time_percent": time_percent,
        "location_percent": location_percent,
        "situation_percent": situation_percent,
        "step_m": step_m,
    }
    km = (
        (heights.size - 1) * step_m / 1000.0 if heights.ndim == 1 and heights.size > 1 and step_m > 0 else 1.0
    )
    refuse_outside({**given, "distance_km": km}, variability, heights)
    refuse_internal(
        float(surface_refractivity(float(n0), float(middle_height(heights, heights.size - 1)))),
        impedance(float(permittivity), float(conductivity_s_m), float(frequency_mhz), bool(horizontal)),
    )
    deviates = np.array([deviate(p / 100.0) for p in (time_percent, location_percent, situation_percent)])
    return float(
        loss_on_profile(
            heights, heights.size - 1, float(step_m), float(tx_height_m), float(rx_height_m), float(frequency_mhz),
            bool(horizontal), int(climate), float(n0), float(permittivity), float(conductivity_s_m), deviates,
            int(variability), np.empty(260), np.empty(260),
        )
    )  # fmt: skip


@nb.njit(cache=True, nogil=True)
def loss_on_profile(  # type: ignore[no-untyped-def]
    h,
    n,
    step,
    tx,
    rx,
    f,
    horizontal,
    climate,
    n0,
    permittivity,
    conductivity,
    deviates,
    variability,
    work,
    work2,
):
    """Return the loss on points 0 to n of a profile; arguments as for :func:`point_to_point`, checked before."""
    d = n * step
    n_s = surface_refractivity(n0, middle_height(h, n))
    gamma = curvature(n_s)
    z_g = impedance(permittivity, conductivity, f, horizontal)

    angle_1, angle_2, far_1, far_2 = horizons(h, n, step, tx, rx, gamma)
    start = min(15.0 * tx, 0.1 * far_1)
    stop = d - min(15.0 * rx, 0.1 * far_2)
    rough = roughness(h, n, step, start, stop, work, work2)
    if far_1 + far_2 > 1.5 * d:
        fit_1, fit_2 = fit(h, n, step, start, stop)
        eff_1, eff_2 = tx + max(h[0] - fit_1, 0.0), rx + max(h[n] - fit_2, 0.0)
        far_1, far_2 = smooth_horizon(eff_1, gamma, rough), smooth_horizon(eff_2, gamma, rough)
        if far_1 + far_2 <= d:
            q = (d / (far_1 + far_2)) ** 2
            eff_1, eff_2 = eff_1 * q, eff_2 * q
            far_1, far_2 = smooth_horizon(eff_1, gamma, rough), smooth_horizon(eff_2, gamma, rough)
        q = math.sqrt(2.0 * eff_1 / gamma)
        angle_1 = (0.65 * rough * (q / far_1 - 1.0) - 2.0 * eff_1) / q
        q = math.sqrt(2.0 * eff_2 / gamma)
        angle_2 = (0.65 * rough * (q / far_2 - 1.0) - 2.0 * eff_2) / q
    else:
        fit_1, _ = fit(h, n, step, start, 0.9 * far_1)
        _, fit_2 = fit(h, n, step, d - 0.9 * far_2, stop)
        eff_1, eff_2 = tx + max(h[0] - fit_1, 0.0), rx + max(h[n] - fit_2, 0.0)
    reference = attenuation(
        d, angle_1, angle_2, far_1, far_2, eff_1, eff_2, tx, rx, gamma, n_s, rough, f, z_g, _CLUTTER_M2
    )
    spread = with_variability(reference, d, eff_1, eff_2, rough, f, climate - 1, deviates, variability)
    return free_space_db(f, d) + spread
