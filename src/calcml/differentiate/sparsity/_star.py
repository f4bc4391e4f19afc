"""Star colorings of graphs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from calcml._typing import IntArray
from calcml.differentiate.sparsity._structure import Structure

__all__ = ["greedy_star", "star_bound"]


def star_bound(graph: Structure) -> int:
    """Return a number of colors that no star coloring of the graph goes below.

    An edge needs two; an edge whose ends both have further neighbors lies in a triangle or in a path of four
    vertices and needs three.
    """
    degree = np.diff(graph.starts)
    inner = (degree[graph.rows] > 1) & (degree[graph.columns] > 1)
    return 3 if inner.any() else min(len(graph.columns), 1) + 1


def greedy_star(graph: Structure, order: Sequence[int]) -> IntArray:
    """Give each vertex, in turn, the first color that leaves no path of four vertices with two colors.

    The edges between two colors form stars as long as there is no such path.  Vertex x is the hub of a star
    for color c if two of its neighbors have color c.  A new vertex v may not take

    - the color of a neighbor w;
    - the color of a hub x next to w, for the color of w: v - w - x - y would have two colors;
    - any color next to w, if another neighbor of v has the color of w too: y - v - w - x would have.

    Sets of colors are the bits of integers, so the time is proportional to the number of edges.
    """
    return _Star(graph).colored(order)


class _Star:
    """A star coloring as it grows.

    `near` holds the colors next to a vertex, `twice` those that occur there more than once, and `hubs` the
    colors of its hubs.  All are sets of bits.
    """

    def __init__(self, graph: Structure) -> None:
        n = graph.shape[1]
        starts, columns = graph.starts.tolist(), graph.columns.tolist()
        self.neighbors = [columns[a:b] for a, b in pairwise(starts)]
        self.near, self.twice, self.hubs, self.color = [0] * n, [0] * n, [0] * n, [0] * n

    def colored(self, order: Sequence[int]) -> IntArray:
        for v in order:
            banned = self._banned(v)
            self._enter(v, ~banned & (banned + 1))
        return np.array([max(bit.bit_length() - 1, 0) for bit in self.color], dtype=np.intp)

    def _banned(self, v: int) -> int:
        color, hubs, near, twice = self.color, self.hubs, self.near, self.twice[v]
        banned = self.near[v]
        for w in self.neighbors[v]:
            if color[w]:
                banned |= hubs[w]
                if color[w] & twice:
                    banned |= near[w]
        return banned

    def _enter(self, v: int, bit: int) -> None:
        color, near, twice, hubs = self.color, self.near, self.twice, self.hubs
        color[v] = bit
        mine = 0
        for w in self.neighbors[v]:
            if color[w] & twice[v]:
                # v is the hub of this star.
                hubs[w] |= bit
            if near[w] & bit & ~twice[w]:
                # v makes w the hub of a star of two, and the other one has to learn of it.
                twice[w] |= bit
                for u in self.neighbors[w]:
                    if color[u] == bit:
                        hubs[u] |= color[w]
            near[w] |= bit
            if twice[w] & bit:
                mine |= color[w]
        hubs[v] |= mine
