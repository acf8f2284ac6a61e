"""Sites on a diesel set: when the fuel comes late."""

import numpy as np
import numpy.typing as npt

__all__ = ["REFUEL_DELAY_H", "RESERVE", "TANK_H", "late_fuel"]

Floats = npt.NDArray[np.float64]

TANK_H = 240.0  # 250 litres at about a litre an hour (assumed)
RESERVE = 0.3  # of the tank: fuel is ordered when it falls below (assumed)
REFUEL_DELAY_H = 24.0  # from the order to the fuel on the hill, mean (assumed)


def late_fuel(
    tank_h: npt.ArrayLike, delay_h: npt.ArrayLike, *, reserve: float = RESERVE
) -> tuple[Floats, Floats]:
    """Return how often a year the tank runs dry, and for how long on average. [1/year], [h]

    Parameters
    ----------
    tank_h : array_like
        Hours that a full tank lasts.
    delay_h : array_like
        Mean time from order to delivery.
    reserve : float
        Share of the tank at which fuel is ordered.

    Notes
    -----
    A cycle burns the tank down to the reserve and waits for the delivery, whose delay is exponential: the set
    stops with probability exp(-reserve/delay), and being memoryless the wait that is left is again the mean
    delay. A battery of T hours takes off what is shorter, as for any supply: rate · delay · exp(-T/delay).
    """
    tank, delay = np.asarray(tank_h, np.float64), np.maximum(np.asarray(delay_h, np.float64), 1e-6)
    held = reserve * tank
    cycles = 8760.0 / np.maximum(tank - held + delay, 1e-6)
    return np.asarray(cycles * np.exp(-held / delay)), np.broadcast_to(delay, cycles.shape).copy()
