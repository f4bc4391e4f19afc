"""Orders in which a greedy coloring takes the vertices of a graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calcml._typing import IntArray
from calcml.differentiate.sparsity._structure import Structure

__all__ = ["orders"]


def orders(graph: Structure) -> Iterator[Sequence[int]]:
    """Yield the smallest-last and the incidence-degree order of a graph.

    Smallest-last takes away the vertex with the fewest neighbors left, again and again, and colors in the
    reverse order.  Incidence degree takes the vertex that has the most neighbors taken before it.
    """
    degrees = graph.starts[1:] - graph.starts[:-1]
    yield _fewest_first(degrees, graph)[::-1]
    # Starting all from the same number turns "most neighbors taken" into "fewest left".
    yield _fewest_first(degrees * 0 + degrees.max(initial=0), graph)


def _fewest_first(counts: IntArray, graph: Structure) -> list[int]:
    """Take the vertex of least count, lower its neighbors' counts by one, and so on."""
    left: list[int] = counts.tolist()
    starts, neighbors = graph.starts.tolist(), graph.columns.tolist()
    buckets: list[list[int]] = [[] for _ in range(max(left, default=0) + 1)]
    for vertex in range(len(left) - 1, -1, -1):
        buckets[left[vertex]].append(vertex)
    order: list[int] = []
    least = 0
    while len(order) < len(left):
        while not buckets[least]:
            least += 1
        vertex = buckets[least].pop()
        if left[vertex] != least:
            # A vertex is entered anew each time its count falls; its older entries are void.
            continue
        order.append(vertex)
        left[vertex] = -1
        for other in neighbors[starts[vertex] : starts[vertex + 1]]:
            if left[other] > 0:
                left[other] -= 1
                buckets[left[other]].append(other)
        least = max(least - 1, 0)
    return order
