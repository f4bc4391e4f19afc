"""Straight lines through points: what every black-box scheme sees.

A scheme asks for f at chosen distances t along P lines and gets a table of values.  Whether a loop,
a batch or a pool of workers answers, and whether the lines pass through one point of a function of
many variables or each through a point of its own, is settled here.
"""

from calcml._lines._base import Lines
from calcml._lines._directions import Directions, axes, pair_places
from calcml._lines._elementwise import ElementwiseLines
from calcml._lines._excerpt import Excerpt
from calcml._lines._point import BLOCK, PointLines, mixtures
from calcml._lines._seeds import SeedLines, Seeds

__all__ = [
    "BLOCK",
    "Directions",
    "ElementwiseLines",
    "Excerpt",
    "Lines",
    "PointLines",
    "SeedLines",
    "Seeds",
    "axes",
    "mixtures",
    "pair_places",
]
