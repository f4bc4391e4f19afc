"""The iteration loop, once for all solvers.

An algorithm supplies ``init() -> state`` and ``step(state) -> state``; the loop runs them until the state
carries a final status, the callback stops it, or the iterations run out.  It keeps the best state it has
seen and one row per iteration for the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from calcml._status import Status
from calcml._typing import FloatArray

__all__ = ["Algorithm", "Run", "State", "Trace", "check_iterations", "iterate", "run"]


class State(Protocol):
    """What the loop needs to know of a state; algorithms add fields of their own.

    States are frozen dataclasses: a step returns a new one.
    """

    @property
    def status(self) -> Status:
        """`Status.RUNNING` while the iteration goes on."""

    @property
    def merit(self) -> float:
        """What decides which state is best: the smaller, the better; NaN never is."""

    def record(self) -> Mapping[str, Any]:
        """Return one row of the trace."""


S = TypeVar("S", bound=State)


class Algorithm(Protocol[S]):
    """A solver's method: where it starts and how it moves."""

    def init(self) -> S:
        """Return the state before the first iteration."""

    def step(self, state: S) -> S:
        """Return the state after one more iteration."""


@dataclass(frozen=True, eq=False)
class Trace:
    """The path of a run: one row per iteration, the start included.

    Attributes
    ----------
    columns : mapping of str to ndarray
        The recorded quantities, each of shape (iterations + 1,).

    Examples
    --------
    >>> import calcml as cm
    >>> run = cm.minimize(lambda x: (x[0] - 1) ** 2, [0.0])
    >>> run.trace["fun"].shape == (run.nit + 1,)
    True
    """

    columns: Mapping[str, FloatArray]

    @classmethod
    def of(cls, rows: list[Mapping[str, Any]]) -> Self:
        """Make a trace of rows that share their keys.

        Parameters
        ----------
        rows : list of dict
            One row for each iteration.

        Returns
        -------
        Trace
            One column for each key.
        """
        keys = rows[0] if rows else {}
        return cls({key: np.array([row[key] for row in rows]) for key in keys})

    def __getitem__(self, name: str) -> FloatArray:
        """Return one column."""
        if name not in self.columns:
            raise KeyError(f"the trace has the columns {', '.join(self.columns)}, not {name!r}")
        return self.columns[name]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.columns.values()), np.empty(0)))

    def to_dict(self) -> dict[str, list[Any]]:
        """Return the columns as plain lists.

        Returns
        -------
        dict
            Lists of numbers under the columns' names.
        """
        return {name: column.tolist() for name, column in self.columns.items()}

    def __str__(self) -> str:
        """Return the rows as a table; vectors are left out."""
        columns = {name: column for name, column in self.columns.items() if column.ndim == 1}
        head = "  ".join(f"{name:>12}" for name in ("iteration", *columns))
        lines = [
            "  ".join([f"{k:>12}", *(f"{column[k]:>12.6g}" for column in columns.values())])
            for k in range(len(self))
        ]
        return "\n".join([head, *lines])

    def __repr__(self) -> str:
        """Return a one-line summary."""
        return f"Trace({len(self)} rows: {', '.join(self.columns)})"


@dataclass(frozen=True, eq=False)
class Run(Generic[S]):
    """A finished run: the last state, the best one, why it ended, and its trace."""

    last: S
    best: S
    status: Status
    nit: int
    trace: Trace


def check_iterations(max_iterations: Any, name: str = "max_iterations") -> int:
    """Return the iteration limit as an int, refusing what is none."""
    if isinstance(max_iterations, bool) or not isinstance(max_iterations, int | np.integer):
        raise TypeError(f"`{name}` must be an integer, got {max_iterations!r}")
    if max_iterations < 1:
        raise ValueError(f"`{name}` must be at least 1, got {max_iterations}")
    return int(max_iterations)


def iterate(algorithm: Algorithm[S], max_iterations: int) -> Iterator[S]:
    """Yield the start and then the state after each iteration, until it is final or the limit is reached."""
    state = algorithm.init()
    yield state
    for _ in range(max_iterations):
        if state.status is not Status.RUNNING:
            return
        state = algorithm.step(state)
        yield state


def run(
    algorithm: Algorithm[S],
    *,
    max_iterations: int,
    callback: Callable[[S], Any] | None = None,
    progress: bool = False,
    title: str = "calcml",
) -> Run[S]:
    """Run the algorithm to its end.

    The callback gets every state after the start; it stops the run by returning True or raising
    ``StopIteration``.
    """
    states = iterate(algorithm, max_iterations)
    state = best = next(states)
    rows = [state.record()]
    stopped = False
    with _meter(progress, max_iterations, title) as advance:
        for state in states:
            rows.append(state.record())
            if state.merit <= best.merit or np.isnan(best.merit):
                best = state
            advance(1)
            if callback is not None and _stops(callback, state):
                stopped = True
                break
    if stopped and state.status is Status.RUNNING:
        status = Status.STOPPED_BY_CALLBACK
    else:
        status = Status.MAX_ITERATIONS if state.status is Status.RUNNING else state.status
    return Run(state, best, status, len(rows) - 1, Trace.of(rows))


def _stops(callback: Callable[[Any], Any], state: Any) -> bool:
    try:
        answer = callback(state)
    except StopIteration:
        return True
    return isinstance(answer, bool | np.bool_) and bool(answer)


class _Bar(AbstractContextManager[Callable[[int], Any]]):
    """A tqdm bar for the duration of the run."""

    def __init__(self, total: int, title: str) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise ImportError(
                "`progress=True` needs tqdm; install it with `pip install calcml[progress]`"
            ) from error
        self.bar = tqdm(total=total, desc=title, leave=False)

    def __enter__(self) -> Callable[[int], Any]:
        return self.bar.update

    def __exit__(self, *_: object) -> None:
        self.bar.close()


def _ignore(_: int) -> None:
    """Advance nothing."""


def _meter(progress: bool, total: int, title: str) -> AbstractContextManager[Callable[[int], Any]]:
    return _Bar(total, title) if progress else nullcontext(_ignore)
