"""Measured data with published fits.

Hubble: E. Hubble, PNAS 15 (1929) 168-173, table 1. Pearson's data: K. Pearson, Philosophical Magazine 2
(1901) 559-572, with the weights of D. York, Canadian Journal of Physics 44 (1966) 1079-1086. Puromycin: D. M.
Bates and D. G. Watts, Nonlinear Regression Analysis and Its Applications (Wiley, 1988), appendix A1.3. GUM:
JCGM 100:2008, annex H.3, table H.6. Bevington: P. R. Bevington and D. K. Robinson, Data Reduction and Error
Analysis for the Physical Sciences, tables 6.1 and 6.2.
"""

import numpy as np

from ._tools import constant

__all__ = [
    "BEVINGTON_61",
    "BEVINGTON_62",
    "GUM_H3",
    "HUBBLE",
    "PEARSON",
    "PUROMYCIN_TREATED",
    "PUROMYCIN_UNTREATED",
    "WEIGHTED",
    "YORK_WEIGHTS",
]

# Distance in Mpc and radial velocity in km/s of 24 nebulae.
HUBBLE = constant([
    [0.032, 0.034, 0.214, 0.263, 0.275, 0.275, 0.45, 0.5, 0.5, 0.63, 0.8, 0.9, 0.9, 0.9, 0.9, 1.0, 1.1, 1.1,
     1.4, 1.7, 2.0, 2.0, 2.0, 2.0],
    [170, 290, -130, -70, -185, -220, 200, 290, 270, 200, 300, -30, 650, 150, 500, 920, 450, 500, 500, 960,
     500, 850, 800, 1090],
])  # fmt: skip

PEARSON = constant([
    [0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4],
    [5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5],
])  # fmt: skip

# Of x and of y: 1 / sigma^2.
YORK_WEIGHTS = constant([
    [1000, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1],
    [1, 1.8, 4, 8, 20, 20, 70, 70, 100, 500],
])  # fmt: skip

# x, y and the error of y.
WEIGHTED = constant([
    [1, 2, 3, 4, 5, 6],
    [3.014, 5.225, 7.004, 9.061, 11.201, 12.762],
    [0.2, 0.2, 0.2, 0.4, 0.4, 0.4],
])  # fmt: skip

# Temperature above 20 degrees Celsius and correction of a thermometer, in degrees.
GUM_H3 = constant([
    [1.521, 2.012, 2.512, 3.003, 3.507, 3.999, 4.513, 5.002, 5.503, 6.010, 6.511],
    [-0.171, -0.169, -0.166, -0.159, -0.164, -0.165, -0.156, -0.157, -0.159, -0.161, -0.160],
])  # fmt: skip

# Position in cm and temperature in degrees Celsius along a rod.
BEVINGTON_61 = constant([
    [10, 20, 30, 40, 50, 60, 70, 80, 90],
    [0.37, 0.58, 0.83, 1.15, 1.36, 1.62, 1.90, 2.18, 2.45],
])  # fmt: skip

# Inverse square of the distance of a radioactive source, in 1/m^2, and counts.
_DISTANCE = np.array([20, 25, 30, 35, 40, 45, 50, 60, 75, 100])
BEVINGTON_62 = constant([
    1 / (_DISTANCE / 100) ** 2,
    [901, 652, 443, 339, 283, 281, 240, 220, 180, 154],
])  # fmt: skip

# Substrate concentration in ppm and reaction velocity in counts/min^2.
_CONCENTRATION = [0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.1, 1.1]
PUROMYCIN_TREATED = constant([_CONCENTRATION, [76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200]])
PUROMYCIN_UNTREATED = constant([_CONCENTRATION[:-1], [67, 51, 84, 86, 98, 115, 131, 124, 144, 158, 160]])
