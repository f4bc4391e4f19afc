"""The chain rule: functions in a row, and networks whose gradient is backpropagation."""

from calcml.chain._product import ChainEstimate
from calcml.chain.compose import compose
from calcml.chain.composition import Composition
from calcml.chain.layers import Dense, Layer, Relu, Sigmoid, Tanh
from calcml.chain.link import Link
from calcml.chain.losses import Loss, MeanSquaredError, SoftmaxCrossEntropy
from calcml.chain.network import Network

__all__ = [
    "ChainEstimate",
    "Composition",
    "Dense",
    "Layer",
    "Link",
    "Loss",
    "MeanSquaredError",
    "Network",
    "Relu",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "Tanh",
    "compose",
]
