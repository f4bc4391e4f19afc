"""`Adaptive` for a few lines with one output each, number by number, where nothing is out of the ordinary.

On a smooth function the search is over after two or three trials, and whatever `Adaptive` asks about noise,
jumps, kinks and edges is answered with no.  For a few lines the calls of NumPy that ask take a hundred times
as long as the arithmetic.  Here the same trials are made with Python's floats, which are float64 and round
alike: same points, same digits.  As soon as an answer is not no, all lines are left to `Adaptive`, together
with what f has returned by then.
"""

# A `strict=` in a zip costs as much as the loop.
# ruff: noqa: B905

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, TypeAlias

from calcml.schemes._adaptive_extrapolation import EXTENSIONS, UNEVEN, fresh_nodes, layout
from calcml.schemes._adaptive_fan import Symmetric
from calcml.schemes._adaptive_line import Answer, Line, Nodes
from calcml.schemes._adaptive_line_search import SMALLEST, TRIAL
from calcml.schemes._adaptive_number_tableau import constants
from calcml.schemes._adaptive_search import RETRIES, TRIALS
from calcml.schemes._adaptive_steps import FEW_BITS
from calcml.schemes._adaptive_tableau import grid
from calcml.schemes._quick import LARGE, MOST, UnusualError

__all__ = ["Source", "Table", "answers"]

# For each node, for each side, a number for each line.
Table: TypeAlias = Sequence[Sequence[Sequence[float]]]


class Source(Protocol):
    """A few lines, and f on them.

    Attributes
    ----------
    origin : list of float
        f at t = 0.
    size, room : list of float
        The scale of x along each line, or 0; and how far f may be asked for on both sides.
    eps : float
        Spacing of numbers near 1.
    """

    origin: list[float]
    size: list[float]
    room: list[float]
    eps: float

    def evaluate(self, nodes: list[float], steps: list[float], rows: list[int]) -> tuple[Table, Table]:
        """Return the distances, nodes times plus and minus the step, such that x + t v is exact; and f there.

        `UnusualError` if a value of f is no number of float64.
        """


def answers(source: Source, n: int, levels: int) -> list[Answer] | None:
    """Return the n-th Taylor coefficient on each line, or None if anything is out of the ordinary."""
    largest = sum(map(abs, source.origin + source.size))
    if n > MOST or not (largest < LARGE and min(source.room) > SMALLEST):
        return None
    numbers = zip(range(len(source.origin)), source.origin, source.size, source.room)
    lines = rows = [Line(*own, source.eps, n) for own in numbers]
    try:
        for retry in range(1 + RETRIES):
            trials = TRIALS
            if retry:
                trials -= TRIALS // 2
                for line in rows:
                    line.shorten()
            _search(source, rows, trials)
            _extrapolate(source, rows, n, levels)
            rows = [line for line in rows if line.is_loud(again=retry > 0)]
            if not rows:
                break
        return [line.answer() for line in lines]
    except UnusualError:
        return None


def _search(source: Source, lines: list[Line], trials: int) -> None:
    """Try steps until the length of f has shown on all lines."""
    for _ in range(trials):
        _ask(source, list(TRIAL), lines)
        lines = [line for line in lines if line.goes_on()]
        if not lines:
            return
    raise UnusualError


def _extrapolate(source: Source, lines: list[Line], n: int, levels: int) -> None:
    """Extrapolate, with an octave of nodes more where that promises a lower error."""
    even = n > UNEVEN or source.eps >= FEW_BITS
    first = nodes_of(n, levels, 0, even)
    _ask(source, first.fresh, lines)
    for line in lines:
        line.arrange(first)
        line.extrapolate(first)
    for extension in range(1, 1 + EXTENSIONS):
        lines = [line for line in lines if line.side]
        if not lines:
            return
        nodes = nodes_of(n, levels, extension, even)
        _ask(source, nodes.ends[0], [line for line in lines if line.side < 0])
        _ask(source, nodes.ends[1], [line for line in lines if line.side > 0])
        for line in lines:
            line.extrapolate(nodes)


def _ask(source: Source, nodes: list[float], lines: list[Line]) -> None:
    """Ask for f at nodes of some lines and hand it over."""
    if lines:
        distances, values = source.evaluate(
            nodes, [line.unit for line in lines], [line.row for line in lines]
        )
        for k, line in enumerate(lines):
            line.see([(t[0][k], t[1][k], f[0][k], f[1][k]) for t, f in zip(distances, values)])


@lru_cache(maxsize=256)
def nodes_of(n: int, levels: int, extension: int, even: bool = False) -> Nodes:
    """Return the nodes of the first tableau, with an octave more for each extension."""
    count, kind, m, octave = layout(Symmetric, n, levels)
    table = grid(count + extension * octave, kind, m, octave, even=even)
    nodes = table.nodes.tolist()
    fresh = fresh_nodes(count, len(TRIAL), octave).tolist()
    known = [*(k for k in range(count) if k not in fresh), *fresh]
    return Nodes(
        constants(table),
        nodes,
        [node * node for node in nodes],
        [nodes[k] for k in fresh],
        [known.index(k) for k in range(count)],
        (nodes[:octave], nodes[-octave:]),
    )
