"""Air and ground as ITM reads them: curvature of the bent ray's Earth, and the ground's impedance."""

import cmath
import math

from phusong.kernel_cache import nb

__all__ = ["curvature", "free_space_db", "impedance", "surface_refractivity"]


@nb.njit(cache=True, nogil=True)
def surface_refractivity(n0, height_m):  # type: ignore[no-untyped-def]
    """Return refractivity at a height from that at sea level. [N-units]"""
    return n0 if height_m == 0.0 else n0 * math.exp(-height_m / 9460.0)


@nb.njit(cache=True, nogil=True)
def curvature(n_s):  # type: ignore[no-untyped-def]
    """Return the effective Earth's curvature. [1/m]"""
    return 157e-9 * (1.0 - 0.04665 * math.exp(n_s / 179.3))


@nb.njit(cache=True, nogil=True)
def impedance(permittivity, conductivity, f, horizontal):  # type: ignore[no-untyped-def]
    """Return the ground's transfer impedance; frequency in MHz."""
    ground = complex(permittivity, 18000.0 * conductivity / f)
    z_g = cmath.sqrt(ground - 1.0)
    return z_g if horizontal else z_g / ground


@nb.njit(cache=True, nogil=True)
def free_space_db(f, d):  # type: ignore[no-untyped-def]
    """Return the free-space loss of a frequency in MHz over a distance in m. [dB]"""
    return 32.45 + 20.0 * math.log10(f) + 20.0 * math.log10(d / 1000.0)
