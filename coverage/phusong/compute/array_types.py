"""Names of array types, one for each kind of number."""

import numpy as np
import numpy.typing as npt

__all__ = ["Bools", "Floats", "Int32s", "Ints", "Shorts", "Singles", "Texts"]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Shorts = npt.NDArray[np.int16]
Texts = npt.NDArray[np.str_]
