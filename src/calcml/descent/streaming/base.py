"""What all streaming optimizers share: parameters in any structure, a state that is plain data, and checks.

A streaming optimizer sees one gradient at a time, usually of a random part of the data, and never a
function value.  There is therefore no line search, no stopping test and no result: the caller's loop
decides when it has seen enough.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NoReturn

import numpy as np

from calcml._parameters import entries, match, rebuild
from calcml._result import Result
from calcml._typing import FloatArray
from calcml.descent.streaming._entries import first_bad
from calcml.descent.streaming._options import check_option
from calcml.errors import EvaluationError

__all__ = ["Schedule", "StreamingOptimizer", "StreamingState"]

# The number of updates already made -> learning rate.
Schedule = Callable[[int], float]

# A block's temporaries stay in cache and below the size at which the memory allocator asks the system.
BLOCK = 16384


@dataclass(frozen=True, eq=False, repr=False)
class StreamingState(Result):
    """What an optimizer remembers between two updates, as plain data.

    Save it with ``to_json`` (or write the fields as you like) and make it again with `from_dict`: the run
    goes on as if it had never been interrupted, bit for bit, since the step count and with it the learning
    rate's schedule are part of it.

    Attributes
    ----------
    optimizer : str
        Name of the optimizer that it belongs to.
    count : int
        Number of updates made.
    moments : tuple of ndarray
        The optimizer's running averages, each a flat vector in the order of the parameters.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.Momentum(0.1).init({"weight": [1.0, 2.0], "bias": 0.5})
    StreamingState
      optimizer: Momentum
          count: 0
        moments: (array([0., 0., 0.]),)
    """

    optimizer: str
    count: int
    moments: tuple[FloatArray, ...]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StreamingState:
        """Make a state again from what ``to_dict`` or ``to_json`` wrote.

        Parameters
        ----------
        values : mapping
            The entries ``optimizer``, ``count`` and ``moments``.

        Returns
        -------
        StreamingState
            The same state.

        Raises
        ------
        ValueError
            If an entry is missing, the count is negative, or a moment is no vector of finite numbers.

        Examples
        --------
        >>> import json
        >>> import calcml as cm
        >>> state = cm.Momentum(0.1).init([1.0, 2.0])
        >>> cm.StreamingState.from_dict(json.loads(state.to_json())).moments
        (array([0., 0.]),)
        """
        missing = {f.name for f in fields(cls)} - set(values)
        if missing:
            names = ", ".join(sorted(missing))
            msg = f"a saved state has the entries optimizer, count and moments; missing: {names}"
            raise ValueError(msg)
        # JSON has no 32-bit numbers; `update` gives the moments their dtype back, which is exact.
        moments = tuple(np.array(m, dtype=getattr(m, "dtype", float)) for m in values["moments"])
        for k, moment in enumerate(moments):
            if moment.ndim != 1 or not np.isfinite(moment).all():
                msg = (
                    f"`moments[{k}]` of a saved state must be a vector of finite numbers, got {moment!r:.60}"
                )
                raise ValueError(msg)
        count = int(values["count"])
        if count < 0:
            msg = f"`count` of a saved state must be at least 0, got {count}"
            raise ValueError(msg)
        return cls(str(values["optimizer"]), count, moments)


@dataclass(frozen=True)
class StreamingOptimizer(ABC):
    """Base of the optimizers that take one gradient at a time.

    An optimizer is a frozen dataclass of its options.  It holds nothing of the run: what it remembers is
    in the state that `init` makes and `update` returns anew.

    Parameters
    ----------
    learning_rate : float or callable
        The learning rate, or a schedule ``step -> rate`` of the number of updates already made, which is 0
        for the first update.

    Examples
    --------
    >>> import calcml as cm
    >>> cm.Adam(0.01) == cm.Adam(learning_rate=0.01, beta1=0.9)
    True
    """

    learning_rate: float | Schedule

    # How many flat vectors the state holds, and their start value.
    _moments: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Check the learning rate; subclasses check their own options."""
        if not callable(self.learning_rate):
            check_option(self, "learning_rate", above=0.0)

    def init(self, params: Any) -> StreamingState:
        """Make the state with which a run starts.

        Parameters
        ----------
        params : float, array_like, or dict, list, tuple, dataclass of arrays
            The parameters at the start.

        Returns
        -------
        StreamingState
            No updates made, all moments at their start.

        Raises
        ------
        TypeError, ValueError
            If the parameters are not finite real numbers.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.Adam().init({"weight": 1.0, "bias": 0.0}).count
        0
        """
        leaves = entries(params, "params")
        _check_finite(leaves)
        size, dtype = sum(x.size for x in leaves.values()), _work_dtype(leaves)
        moments = tuple(np.full(size, self._start(), dtype) for _ in range(self._moments))
        return StreamingState(type(self).__name__, 0, moments)

    def update(self, params: Any, grads: Any, state: StreamingState) -> tuple[Any, StreamingState]:
        """Take one step against a gradient.

        Parameters
        ----------
        params : float, array_like, or dict, list, tuple, dataclass of arrays
            The parameters; they are not changed.
        grads : float, array_like or structure
            The gradient: an entry of the same shape for each entry of `params`.
        state : StreamingState
            What `init` or the previous `update` returned; it is not changed.

        Returns
        -------
        params : structure
            The new parameters, in structure and dtype those given; integers become float64.
        state : StreamingState
            The new state.

        Raises
        ------
        TypeError, ValueError
            If the gradient or the state does not fit the parameters.
        EvaluationError
            If the gradient or the step is not finite, or the schedule returns no rate.  Nothing is lost then:
            the parameters and the state given are still good.

        Examples
        --------
        >>> import calcml as cm
        >>> optimizer = cm.SGD(0.1)
        >>> params = {"weight": 1.0, "bias": 0.0}
        >>> state = optimizer.init(params)
        >>> params, state = optimizer.update(params, {"weight": 2.0, "bias": -1.0}, state)
        >>> print(params["weight"], params["bias"])
        0.8 0.1
        """
        leaves = entries(params, "params")
        shapes = {label.removeprefix("params"): x.shape for label, x in leaves.items()}
        named = {f"grads{label}": g for label, g in match(grads, shapes, "grads", "params").items()}
        dtype, size = _work_dtype(leaves), sum(x.size for x in leaves.values())
        moments = self._check_state(state, size, dtype)
        updated = tuple(np.empty(size, dtype) for _ in moments)
        rate, count, start = self.rate(state.count), state.count + 1, 0
        parts = []
        for (label, x), g in zip(leaves.items(), named.values(), strict=True):
            here = slice(start, start + x.size)
            before, after = [m[here] for m in moments], [m[here] for m in updated]
            part, finite = self._advance(x, g, before, after, rate, count)
            if not finite:
                _refuse(leaves, named, label, f"update {count} at learning rate {rate:g}")
            parts.append(part[()])
            start += x.size
        return rebuild(params, parts), StreamingState(type(self).__name__, count, updated)

    def rate(self, step: int) -> float:
        """Return the learning rate of an update.

        Parameters
        ----------
        step : int
            The number of updates made before it; ``state.count`` asks for the next update.

        Returns
        -------
        float
            The learning rate.

        Raises
        ------
        EvaluationError
            If the schedule returns something else than a finite number of at least 0.

        Examples
        --------
        >>> import calcml as cm
        >>> cm.SGD(lambda step: 1 / (1 + step)).rate(3)
        0.25
        """
        if not callable(self.learning_rate):
            return self.learning_rate
        value: Any = self.learning_rate(step)
        if not isinstance(value, int | float | np.floating | np.integer) or not 0 <= value < math.inf:
            msg = (
                "the schedule `learning_rate` must return a finite number of at least 0, "
                f"got {value!r} at step {step}"
            )
            raise EvaluationError(msg)
        return float(value)

    def _start(self) -> float:
        """Return the start value of the moments."""
        return 0.0

    @abstractmethod
    def _step(
        self, x: FloatArray, g: FloatArray, moments: tuple[FloatArray, ...], rate: float, count: int
    ) -> tuple[FloatArray, ...]:
        """Return the new x and the new moments; `count` is 1 in the first update.

        Must act on each entry by itself: it is called with one block of the vectors after the other.
        """

    def _advance(
        self,
        x: FloatArray,
        g: FloatArray,
        before: list[FloatArray],
        after: list[FloatArray],
        rate: float,
        count: int,
    ) -> tuple[FloatArray, bool]:
        """Return the new x and whether all is finite; the new moments are written to `after`.

        Only these outcomes are as large as x: all between lives in blocks.
        """
        new = np.empty(x.shape, x.dtype)
        old, grad, outcome, finite = x.reshape(-1), g.reshape(-1), [new.reshape(-1), *after], True
        # An overflow is looked for in the outcome, where it can be named.
        with np.errstate(all="ignore"):
            for start in range(0, x.size, BLOCK):
                block = slice(start, start + BLOCK)
                moments = tuple(m[block] for m in before)
                dtype = moments[0].dtype if moments else np.result_type(x, np.float32)
                values = self._step(
                    old[block].astype(dtype, copy=False),
                    grad[block].astype(dtype, copy=False),
                    moments,
                    rate,
                    count,
                )
                for whole, value in zip(outcome, values, strict=True):
                    whole[block] = value
                    finite = finite and bool(np.isfinite(whole[block]).all())
        return new, finite

    def _check_state(self, state: Any, size: int, dtype: np.dtype[Any]) -> list[FloatArray]:
        name = type(self).__name__
        if not isinstance(state, StreamingState):
            msg = f"`state` must be what `{name}.init(params)` returns, got {type(state).__name__}"
            raise TypeError(msg)
        if state.optimizer != name or len(state.moments) != self._moments:
            msg = f"`state` belongs to {state.optimizer}, not to {name}; make a new one with `init(params)`"
            raise ValueError(msg)
        for moment in state.moments:
            if moment.shape != (size,):
                msg = f"`state` belongs to parameters with {moment.size} numbers, `params` has {size}"
                raise ValueError(msg)
        return [moment.astype(dtype, copy=False) for moment in state.moments]


def _work_dtype(leaves: Mapping[str, FloatArray]) -> np.dtype[Any]:
    # In half precision a squared gradient underflows below 2e-4 and epsilon is zero.
    return np.result_type(np.float32, *(x.dtype for x in leaves.values()))


def _refuse(leaves: dict[str, FloatArray], grads: dict[str, FloatArray], label: str, update: str) -> NoReturn:
    """Say what made a step not finite: the gradient, the parameters, or their arithmetic."""
    bad = first_bad(grads)
    if bad:
        msg = (
            f"`{bad[0]}` {bad[1]} in {update}; parameters and state are unchanged: skip this batch, "
            "lower the learning rate or check the loss"
        )
        raise EvaluationError(msg)
    _check_finite(leaves)
    msg = (
        f"the step or the averages of `{label}` overflow in {update}; parameters and state are unchanged: "
        "scale the loss down or lower the learning rate"
    )
    raise EvaluationError(msg)


def _check_finite(leaves: dict[str, FloatArray]) -> None:
    bad = first_bad(leaves)
    if bad:
        msg = f"`{bad[0]}` must be finite, but {bad[1]}"
        raise ValueError(msg)
