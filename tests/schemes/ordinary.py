"""What the tests of the quick ways share: schemes that have them, and numbers that do not."""

import math

import numpy as np

from calcml.schemes import Backward, Central, Forward, Relative
from calcml.schemes._quick import MOST

SCHEMES = [
    Forward(),
    Forward(2),
    Backward(),
    Backward(3),
    Central(),
    Central(4),
    Central(step=Relative(floor=2.0)),
]
# A number and an order of which one is not plain.
NOT_PLAIN = [
    (np.float32(1.0), 1),
    (np.array(1.0), 1),
    ([1.0], 1),
    (True, 1),
    (1j, 1),
    (2**53, 1),
    (-(2**53), 1),
    (1e150, 1),
    (math.inf, 1),
    (math.nan, 1),
    (1.0, MOST + 1),
    (1.0, 0),
    (1.0, True),
    (1.0, np.int64(2)),
]
