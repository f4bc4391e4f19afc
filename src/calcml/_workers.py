"""One map for every executor.

`open_map` turns whatever the user passes as ``workers`` into one function ``map(f, values) -> list``.
The values are always a list (distributed clients refuse iterators), the order is kept, the user's
exception arrives unchanged, and what was given is never closed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from calcml._typing import Workers

__all__ = ["check_workers", "open_map"]

Map = Callable[[Callable[[Any], Any], list[Any]], list[Any]]


def check_workers(workers: Workers) -> None:
    """Refuse what cannot serve as ``workers``."""
    if workers is None:
        return
    if callable(workers) or callable(getattr(workers, "map", None)):
        return
    if isinstance(workers, int | np.integer) and not isinstance(workers, bool):
        if workers == -1 or workers >= 1:
            return
        raise ValueError(f"`workers` must be at least 1, or -1 for every core, got {workers}")
    raise TypeError(
        f"`workers` must be None, an int, a map-like callable or an object with `.map`, "
        f"got {type(workers).__name__}"
    )


@contextmanager
def open_map(workers: Workers) -> Iterator[Map | None]:
    """Open a map for the duration of a calculation; None stands for the plain loop."""
    check_workers(workers)
    if workers is None or workers == 1:
        yield None
    elif isinstance(workers, int | np.integer):
        # Processes are started afresh rather than forked: forking a process that runs threads
        # (BLAS, executors) can deadlock.
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_all_start_methods, get_context

        method = "forkserver" if "forkserver" in get_all_start_methods() else "spawn"
        count = (os.cpu_count() or 1) if workers == -1 else int(workers)
        with ProcessPoolExecutor(count, mp_context=get_context(method)) as pool:
            yield _from_object(pool)
    elif callable(getattr(workers, "map", None)):
        yield _from_object(workers)
    else:
        yield _from_callable(workers)


def _from_object(pool: Any) -> Map:
    gather = getattr(pool, "gather", None)
    if gather is None:
        return lambda f, values: list(pool.map(f, values))
    # A distributed client returns futures, and would run equal tasks only once if told they are pure.
    return lambda f, values: list(gather(pool.map(f, values, pure=False)))


def _from_callable(function: Any) -> Map:
    return lambda f, values: list(function(f, values))
