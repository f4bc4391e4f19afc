"""Time calls that take turns, so that a slow moment of the machine meets all of them; and their memory."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Effort", "peak_memory", "race"]

Call = Callable[[], Any]


@dataclass(frozen=True)
class Effort:
    """How often to measure: rounds of samples, each sample long enough for the clock.

    Many short rounds rather than a few long ones: on a busy machine some of them are left alone.

    A slow call takes part in fewer of the samples, spread over a round; a very slow one in a single round.
    """

    rounds: int = 15
    samples: int = 5
    sample_seconds: float = 2e-3
    call_seconds: float = 0.25


def race(calls: Mapping[str, Call], effort: Effort) -> dict[str, float]:
    """Return seconds per call: the least, over the rounds, of the median of a round's samples."""
    plans = {name: _plan(call, effort) for name, call in calls.items()}
    medians: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(effort.rounds):
        samples: dict[str, list[float]] = {name: [] for name in calls}
        for k in range(effort.samples):
            for name, call in calls.items():
                loops, stride, rounds = plans[name]
                if turn < rounds and k % stride == 0:
                    samples[name].append(_sample(call, loops))
        for name, own in samples.items():
            medians[name] += [statistics.median(own)] if own else []
    return {name: min(own) for name, own in medians.items()}


def _plan(call: Call, effort: Effort) -> tuple[int, int, int]:
    """Return the calls in a sample, the distance between its turns, and the number of its rounds."""
    once = _sample(call, 1)
    if once < effort.call_seconds:
        once = _sample(call, 1)  # the first one filled caches
    loops = max(1, min(10_000, round(effort.sample_seconds / max(once, 1e-7))))
    affordable = max(1, int(effort.call_seconds / (once * loops)))  # samples, in all rounds together
    rounds = min(effort.rounds, max(2 if once < 4 * effort.call_seconds else 1, affordable))
    return loops, max(1, effort.samples * rounds // affordable), rounds


def _sample(call: Call, loops: int) -> float:
    collecting = gc.isenabled()
    gc.disable()
    try:
        if loops > 1:
            call()  # the one before was another's: its code and data are what the caches hold
        start = time.perf_counter()
        for _ in range(loops):
            call()
        return (time.perf_counter() - start) / loops
    finally:
        if collecting:
            gc.enable()


def peak_memory(call: Call) -> tuple[Any, int]:
    """Return what one call returns, and how many bytes it held at most beyond what was there before it."""
    gc.collect()
    tracemalloc.start()
    try:
        value = call()
        return value, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
