"""Tell two spirals apart: a small network, trained by backpropagation and Adam on random parts of the data.

Run it with ``python examples/network.py``; it takes about two seconds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import calcml as cm

SAMPLES = 400
BATCH = 50
EPOCHS = 300


def spirals(samples: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return noisy points on two arms that wind around each other one and a half times, and their arm."""
    labels = rng.integers(2, size=samples)
    turn = 0.25 + 1.5 * np.sqrt(rng.random(samples))
    angle = 2 * np.pi * turn + np.pi * labels
    points = turn[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return points + 0.04 * rng.standard_normal(points.shape), labels


def accuracy(network: cm.chain.Network, params: list[dict], x: NDArray, labels: NDArray) -> float:
    """Return the share of the points for which the right arm is the likelier one."""
    return float(np.mean(network.predict(params, x).argmax(axis=1) == labels))


def main() -> None:
    """Make data, check the gradient, train, and measure on points that were never shown."""
    rng = np.random.default_rng(2024)
    x, labels = spirals(SAMPLES, rng)
    unseen, truth = spirals(1000, rng)

    dense, tanh = cm.chain.Dense, cm.chain.Tanh()
    network = cm.chain.Network(
        [dense(2, 24), tanh, dense(24, 24), tanh, dense(24, 2)], cm.chain.SoftmaxCrossEntropy()
    )
    params = network.init(rng=rng)
    numbers = sum(array.size for layer in params for array in layer.values())
    print(f"{SAMPLES} points on two spirals, a network of {numbers} numbers")

    check = cm.check_gradient(
        network.loss, network.gradient, params, args=(x[:BATCH], labels[:BATCH]), scheme="central"
    )
    print(f"gradient: {check.message}")
    check.check()

    optimizer = cm.Adam(cm.CosineDecay(0.02, EPOCHS * SAMPLES // BATCH, final_rate=1e-4))
    state = optimizer.init(params)
    for epoch in range(1, EPOCHS + 1):
        for batch in rng.permutation(SAMPLES).reshape(-1, BATCH):
            _, grads = network.value_and_gradient(params, x[batch], labels[batch])
            params, state = optimizer.update(params, grads, state)
        if epoch in {1, 10, 50, 100, 200, EPOCHS}:
            loss = network.loss(params, x, labels)
            print(f"epoch {epoch:3d}: loss {loss:.4f}, accuracy {accuracy(network, params, x, labels):.3f}")

    print(f"on 1000 points never shown: accuracy {accuracy(network, params, unseen, truth):.3f}")


if __name__ == "__main__":
    main()
