"""Taylor series of functions of one and of many variables."""

from calcml.series.pade import Pade
from calcml.series.series import TaylorSeries
from calcml.series.taylor import linearize, maclaurin, taylor

__all__ = ["Pade", "TaylorSeries", "linearize", "maclaurin", "taylor"]
