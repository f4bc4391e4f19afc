"""Pictures: displays that compute once and draw with matplotlib, which is imported only then."""

from calcml.plot.descent import DescentDisplay
from calcml.plot.fit import FitDisplay
from calcml.plot.lagrange import LagrangeDisplay
from calcml.plot.newton import NewtonDisplay
from calcml.plot.step_sweep import StepSweepDisplay
from calcml.plot.taylor import TaylorDisplay

__all__ = [
    "DescentDisplay",
    "FitDisplay",
    "LagrangeDisplay",
    "NewtonDisplay",
    "StepSweepDisplay",
    "TaylorDisplay",
]
