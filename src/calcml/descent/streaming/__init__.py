"""Optimizers that take one gradient at a time: ``params, state = optimizer.update(params, grads, state)``."""

from calcml.descent.streaming.adagrad import AdaGrad, RMSProp
from calcml.descent.streaming.adam import Adam, AdamW
from calcml.descent.streaming.base import StreamingOptimizer, StreamingState
from calcml.descent.streaming.momentum import SGD, Momentum, Nesterov
from calcml.descent.streaming.schedules import CosineDecay, ExponentialDecay, WarmUp

__all__ = [
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "CosineDecay",
    "ExponentialDecay",
    "Momentum",
    "Nesterov",
    "RMSProp",
    "StreamingOptimizer",
    "StreamingState",
    "WarmUp",
]
