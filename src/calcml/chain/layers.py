r"""Layers: each rule with its derivative beside it.

A layer turns rows a, one per sample, into rows y.  Backward it gets ∂C/∂y, the derivative of the loss
with respect to each entry of y, and returns ∂C/∂(its parameters) and ∂C/∂a, which is what the layer
before it gets.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from calcml._typing import FloatArray

__all__ = ["Dense", "Layer", "LayerParameters", "Relu", "Sigmoid", "Tanh"]

# The arrays of one layer by name; a layer without parameters has none.
LayerParameters = dict[str, Any]


@dataclass(frozen=True)
class Layer(ABC):
    """Base of the layers: a rule and its derivative, both pure functions.

    A layer holds options, never numbers that are learned: those are passed in and out.  A layer of your own
    gives ``_forward`` and ``_backward``, with parameters also `shapes` and ``_start``, and `widths` if it
    changes the length of the rows.  ``check_gradient`` on a network that contains it tells whether the rule
    and its derivative agree.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import calcml as cm
    >>> @dataclass(frozen=True)
    ... class Square(cm.chain.Layer):
    ...     def _forward(self, params, x):
    ...         return x**2, x
    ...     def _backward(self, params, cache, gradient):
    ...         return {}, 2 * cache * gradient
    >>> network = cm.chain.Network([Square()], cm.chain.MeanSquaredError())
    >>> network.predict(network.init(), [[1.0, 3.0]])
    array([[1., 9.]])
    """

    @property
    def widths(self) -> tuple[int | None, int | None]:
        """The lengths of the rows that go in and come out, None for any length that is kept."""
        return None, None

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter."""
        return {}

    def init(self, rng: np.random.Generator, dtype: Any = float) -> LayerParameters:
        """Return parameters to start from.

        Parameters
        ----------
        rng : numpy.random.Generator
            The source of random numbers.
        dtype : dtype, optional
            The dtype of the parameters.

        Returns
        -------
        dict
            One array for each entry of `shapes`.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> cm.chain.Tanh().init(np.random.default_rng(0))
        {}
        """
        return {name: self._start(name, shape, rng).astype(dtype) for name, shape in self.shapes.items()}

    def forward(self, params: LayerParameters, x: FloatArray) -> tuple[FloatArray, Any]:
        """Apply the rule.

        Parameters
        ----------
        params : dict
            The layer's parameters.
        x : ndarray, shape (samples, inputs)
            The rows that go in.

        Returns
        -------
        y : ndarray, shape (samples, outputs)
            The rows that come out.
        cache : object
            What `backward` needs to know of this call.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> cm.chain.Relu().forward({}, np.array([[-1.0, 2.0]]))[0]
        array([[0., 2.]])
        """
        return self._forward(params, x)

    def backward(
        self, params: LayerParameters, cache: Any, gradient: FloatArray
    ) -> tuple[LayerParameters, FloatArray]:
        """Take the derivative of the loss back through the rule.

        Parameters
        ----------
        params : dict
            The layer's parameters.
        cache : object
            What `forward` returned with the rows.
        gradient : ndarray, shape (samples, outputs)
            The derivative of the loss with respect to the rows that came out.

        Returns
        -------
        grad_params : dict
            The derivative with respect to each parameter.
        grad_x : ndarray, shape (samples, inputs)
            The derivative with respect to the rows that went in.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> y, cache = cm.chain.Relu().forward({}, np.array([[-1.0, 2.0]]))
        >>> cm.chain.Relu().backward({}, cache, np.array([[5.0, 5.0]]))
        ({}, array([[0., 5.]]))
        """
        return self._backward(params, cache, gradient)

    def _start(self, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        """Return a parameter to start from."""
        return np.zeros(shape)

    @abstractmethod
    def _forward(self, params: LayerParameters, x: FloatArray) -> tuple[FloatArray, Any]:
        """Return the rows that come out, and the cache."""

    @abstractmethod
    def _backward(
        self, params: LayerParameters, cache: Any, gradient: FloatArray
    ) -> tuple[LayerParameters, FloatArray]:
        """Return the derivatives with respect to the parameters and to the rows that went in."""


@dataclass(frozen=True)
class Dense(Layer):
    r"""A linear map with an offset, y = a W + b.

    Its parameters are ``weights`` W of shape (inputs, outputs) and ``biases`` b of shape (outputs,).  The
    weights start as normal random numbers of variance 2 gain² / (inputs + outputs) [1]_, which keeps values
    and derivatives of one size through many layers; the biases start at 0.

    Parameters
    ----------
    inputs, outputs : int
        Lengths of the rows that go in and come out.
    gain : float
        Factor on the random weights: 1 suits `Tanh`, √2 `Relu`, which stops half of what goes through.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
       AISTATS 2010, equation 12.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> params = {"weights": np.array([[1.0], [2.0]]), "biases": np.array([0.5])}
    >>> cm.chain.Dense(2, 1).forward(params, np.array([[3.0, 4.0]]))[0]
    array([[11.5]])
    """

    inputs: int
    outputs: int
    _: KW_ONLY
    gain: float = 1.0

    def __post_init__(self) -> None:
        """Check the sizes."""
        for name in ("inputs", "outputs"):
            value: Any = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool):
                msg = f"`{name}` must be an integer, got {type(value).__name__} {value!r}"
                raise TypeError(msg)
            if value < 1:
                msg = f"`{name}` must be at least 1, got {value}"
                raise ValueError(msg)
        gain: Any = self.gain
        if not isinstance(gain, int | float | np.integer | np.floating) or isinstance(gain, bool):
            msg = f"`gain` must be a number, got {type(gain).__name__} {gain!r}"
            raise TypeError(msg)
        if not 0 < gain < np.inf:
            msg = f"`gain` must be above 0 and finite, got {self.gain!r}"
            raise ValueError(msg)

    @property
    def widths(self) -> tuple[int | None, int | None]:
        """The lengths of the rows that go in and come out."""
        return self.inputs, self.outputs

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the weights and the biases."""
        return {"weights": (self.inputs, self.outputs), "biases": (self.outputs,)}

    def _start(self, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
        scale = self.gain * np.sqrt(2 / (self.inputs + self.outputs))
        return scale * rng.standard_normal(shape) if name == "weights" else np.zeros(shape)

    def _forward(self, params: LayerParameters, x: FloatArray) -> tuple[FloatArray, Any]:
        return x @ params["weights"] + params["biases"], x

    def _backward(
        self, params: LayerParameters, cache: Any, gradient: FloatArray
    ) -> tuple[LayerParameters, FloatArray]:
        # ∂C/∂W = xᵀ δ and ∂C/∂b = Σ δ, both summed over the samples; ∂C/∂x = δ Wᵀ.
        grads = {"weights": cache.T @ gradient, "biases": gradient.sum(axis=0)}
        return grads, gradient @ params["weights"].T


@dataclass(frozen=True)
class Tanh(Layer):
    """The hyperbolic tangent, y = tanh(a) with y' = 1 - y².

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.chain.Tanh().forward({}, np.array([[0.0, 1.0]]))[0]
    array([[0.        , 0.76159416]])
    """

    def _forward(self, params: LayerParameters, x: FloatArray) -> tuple[FloatArray, Any]:
        y = np.tanh(x)
        return y, y

    def _backward(
        self, params: LayerParameters, cache: Any, gradient: FloatArray
    ) -> tuple[LayerParameters, FloatArray]:
        return {}, gradient * (1 - cache * cache)


@dataclass(frozen=True)
class Sigmoid(Layer):
    """The logistic function, y = 1 / (1 + exp(-a)) with y' = y (1 - y).

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.chain.Sigmoid().forward({}, np.array([[0.0, -1000.0]]))[0]
    array([[0.5, 0. ]])
    """

    def _forward(self, params: LayerParameters, x: FloatArray) -> tuple[FloatArray, Any]:
        # exp of a negative number cannot overflow, and neither y nor 1 - y is a difference of near numbers.
        small = np.exp(-np.abs(x))
        high, low = 1 / (1 + small), small / (1 + small)
        return np.where(x < 0, low, high), (low, high)

    def _backward(
        self, params: LayerParameters, cache: Any, gradient: FloatArray
    ) -> tuple[LayerParameters, FloatArray]:
        low, high = cache
        return {}, gradient * low * high


@dataclass(frozen=True)
class Relu(Layer):
    """The rectifier, y = max(a, 0) with y' = 1 where a > 0, else 0, at the kink too.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> cm.chain.Relu().forward({}, np.array([[-3.0, 0.0, 3.0]]))[0]
    array([[0., 0., 3.]])
    """

    def _forward(self, params: LayerParameters, x: FloatArray) -> tuple[FloatArray, Any]:
        return np.maximum(x, 0), x > 0

    def _backward(
        self, params: LayerParameters, cache: Any, gradient: FloatArray
    ) -> tuple[LayerParameters, FloatArray]:
        return {}, gradient * cache
