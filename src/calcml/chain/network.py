"""A network of layers whose gradient is backpropagation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._typing import FloatArray
from calcml.chain._batch import check_layers, kind, open_batch
from calcml.chain.layers import Layer, LayerParameters
from calcml.chain.losses import Loss

__all__ = ["Network"]


@dataclass(frozen=True)
class Network:
    r"""Layers in a row with a loss at the end.

    With a the rows that a layer gives, C the loss and δ = ∂C/∂z the derivative with respect to what goes into
    an activation σ, z = a W + b, backpropagation [1]_ is the chain rule begun at the loss.  Its four
    equations [2]_ are the `backward` methods of the layers, for rows of samples:

    .. math::

        \delta^L &= \nabla_a C \odot \sigma'(z^L) \\
        \delta^l &= \left(\delta^{l+1} (W^{l+1})^\mathsf{T}\right) \odot \sigma'(z^l) \\
        \partial C / \partial b^l &= \textstyle\sum_n \delta^l_n \\
        \partial C / \partial W^l &= (a^{l-1})^\mathsf{T} \delta^l

    One pass forward and one back give the derivatives with respect to all parameters, for about three times
    the work of the loss alone.

    Parameters
    ----------
    layers : sequence of Layer
        The layers in the order in which they are applied.
    loss_function : Loss
        What the network should make small.

    See Also
    --------
    compose : The chain rule for any functions.

    Notes
    -----
    The network holds no parameters; they are a list with one dictionary per layer, which every optimizer of
    calcml takes as it is.  Everything is computed in their dtype.  Values that overflow give a loss of inf
    or nan, without a warning.

    References
    ----------
    .. [1] D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating
       errors", Nature 323 (1986) 533-536.
    .. [2] M. A. Nielsen, "Neural networks and deep learning", 2015, chapter 2, equations BP1 to BP4.

    Examples
    --------
    >>> import numpy as np
    >>> import calcml as cm
    >>> network = cm.chain.Network(
    ...     [cm.chain.Dense(2, 3), cm.chain.Tanh(), cm.chain.Dense(3, 2)], cm.chain.SoftmaxCrossEntropy()
    ... )
    >>> params = network.init(rng=0)
    >>> x, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> cm.check_gradient(network.loss, network.gradient, params, args=(x, y)).passed
    True
    >>> optimizer = cm.Adam(0.1)
    >>> state = optimizer.init(params)
    >>> for _ in range(200):
    ...     loss, grads = network.value_and_gradient(params, x, y)
    ...     params, state = optimizer.update(params, grads, state)
    >>> network.predict(params, x).argmax(axis=1)
    array([0, 1, 1, 0])
    """

    layers: Sequence[Layer]
    loss_function: Loss

    def __post_init__(self) -> None:
        """Check that there are layers and that each fits the one before."""
        loss: Any = self.loss_function
        if not isinstance(loss, Loss):
            msg = f"`loss_function` must be a Loss such as MeanSquaredError(), got {kind(loss)}"
            raise TypeError(msg)
        given: Any = self.layers
        if not isinstance(given, Sequence):
            msg = f"`layers` must be a list of layers, got {kind(given)}"
            raise TypeError(msg)
        object.__setattr__(self, "layers", tuple(given))
        check_layers(self.layers)

    def init(self, *, rng: Any = None, dtype: Any = float) -> list[LayerParameters]:
        """Make parameters to start from.

        Parameters
        ----------
        rng : None, int or numpy.random.Generator, optional
            Source of the random weights, or a seed for one.
        dtype : dtype, optional
            A floating dtype; float32 halves memory and time.

        Returns
        -------
        list of dict
            The parameters of each layer by name.

        Raises
        ------
        TypeError
            If the dtype is not floating.

        Examples
        --------
        >>> import calcml as cm
        >>> network = cm.chain.Network([cm.chain.Dense(2, 3), cm.chain.Tanh()], cm.chain.MeanSquaredError())
        >>> network.init(rng=0)[0]["weights"].shape
        (2, 3)
        """
        if np.dtype(dtype).kind != "f":
            msg = f"`dtype` must be floating, got {np.dtype(dtype)}"
            raise TypeError(msg)
        generator = np.random.default_rng(rng)
        return [layer.init(generator, dtype) for layer in self.layers]

    def predict(self, params: Sequence[LayerParameters], x: Any) -> NDArray[Any]:
        """Compute the network's answer.

        Parameters
        ----------
        params : list of dict
            The parameters.
        x : array_like, shape (samples, inputs)
            One row per sample.

        Returns
        -------
        ndarray, shape (samples, outputs)
            What the last layer gives; with `SoftmaxCrossEntropy` the probabilities of the classes.

        Raises
        ------
        TypeError, ValueError
            If the parameters or x have the wrong shape or dtype.

        Examples
        --------
        >>> import calcml as cm
        >>> network = cm.chain.Network([cm.chain.Relu()], cm.chain.MeanSquaredError())
        >>> network.predict(network.init(), [[1.0, -1.0]])
        array([[1., 0.]])
        """
        arrays, rows, _ = open_batch(self.layers, params, x)
        with np.errstate(all="ignore"):
            return self.loss_function.prediction(self._forward(arrays, rows)[0])

    def loss(self, params: Sequence[LayerParameters], x: Any, y: Any) -> Any:
        """Compute the loss.

        Parameters
        ----------
        params : list of dict
            The parameters.
        x : array_like, shape (samples, inputs)
            One row per sample.
        y : array_like
            The targets, as the loss function wants them.

        Returns
        -------
        scalar
            The loss, in the dtype of the parameters.

        Raises
        ------
        TypeError, ValueError
            If the parameters, x or y have the wrong shape, dtype or values.

        Examples
        --------
        >>> import calcml as cm
        >>> network = cm.chain.Network([cm.chain.Relu()], cm.chain.MeanSquaredError())
        >>> print(network.loss(network.init(), [[1.0, -1.0]], [[0.0, 2.0]]))
        2.5
        """
        arrays, rows, outputs = open_batch(self.layers, params, x)
        targets = self.loss_function.targets(y, len(rows), outputs)
        with np.errstate(all="ignore"):
            return self.loss_function.forward(self._forward(arrays, rows)[0], targets)[0]

    def value_and_gradient(
        self, params: Sequence[LayerParameters], x: Any, y: Any
    ) -> tuple[Any, list[LayerParameters]]:
        """Compute the loss and its gradient by backpropagation.

        Parameters
        ----------
        params : list of dict
            The parameters.
        x : array_like, shape (samples, inputs)
            One row per sample.
        y : array_like
            The targets, as the loss function wants them.

        Returns
        -------
        loss : scalar
            The loss, in the dtype of the parameters.
        gradient : list of dict
            The derivative of the loss with respect to each parameter, in the structure of `params`.

        Raises
        ------
        TypeError, ValueError
            If the parameters, x or y have the wrong shape, dtype or values.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> network = cm.chain.Network([cm.chain.Dense(1, 1)], cm.chain.MeanSquaredError())
        >>> params = [{"weights": np.array([[2.0]]), "biases": np.array([1.0])}]
        >>> network.value_and_gradient(params, [[1.0]], [[0.0]])[1]
        [{'weights': array([[6.]]), 'biases': array([6.])}]
        """
        arrays, rows, outputs = open_batch(self.layers, params, x)
        targets = self.loss_function.targets(y, len(rows), outputs)
        with np.errstate(all="ignore"):
            output, caches = self._forward(arrays, rows)
            loss, cache = self.loss_function.forward(output, targets)
            gradient = self.loss_function.backward(cache)
            grads = []
            for layer, own, kept in zip(self.layers[::-1], arrays[::-1], caches[::-1], strict=True):
                grad, gradient = layer.backward(own, kept, gradient)
                grads.append(grad)
        return loss, grads[::-1]

    def gradient(self, params: Sequence[LayerParameters], x: Any, y: Any) -> list[LayerParameters]:
        """Compute the gradient of the loss by backpropagation.

        Parameters
        ----------
        params : list of dict
            The parameters.
        x : array_like, shape (samples, inputs)
            One row per sample.
        y : array_like
            The targets, as the loss function wants them.

        Returns
        -------
        list of dict
            The derivative of the loss with respect to each parameter, in the structure of `params`.

        Raises
        ------
        TypeError, ValueError
            If the parameters, x or y have the wrong shape, dtype or values.

        Examples
        --------
        >>> import numpy as np
        >>> import calcml as cm
        >>> network = cm.chain.Network([cm.chain.Dense(1, 1)], cm.chain.MeanSquaredError())
        >>> params = [{"weights": np.array([[2.0]]), "biases": np.array([1.0])}]
        >>> network.gradient(params, [[1.0]], [[0.0]])
        [{'weights': array([[6.]]), 'biases': array([6.])}]
        """
        return self.value_and_gradient(params, x, y)[1]

    def _forward(self, params: Sequence[LayerParameters], rows: FloatArray) -> tuple[FloatArray, list[Any]]:
        caches = []
        for layer, own in zip(self.layers, params, strict=True):
            rows, cache = layer.forward(own, rows)
            caches.append(cache)
        return rows, caches
