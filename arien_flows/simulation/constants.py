"""Numbers that kernels take as arguments without being compiled again for each of them."""

from typing import cast

import numpy as np


def constant(value: int) -> int:
    """Return a number of NumPy's type, which a kernel sees as any 64-bit integer.

    Numba types a plain constant by its value, so that a kernel would be compiled once for every
    constant that is passed to it.
    """
    return cast("int", np.int64(value))
