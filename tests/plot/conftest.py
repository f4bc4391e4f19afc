"""Figures that a test opens are closed after it."""

import pytest


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def ax():
    """Axes that pyplot knows nothing of."""
    from matplotlib.figure import Figure

    return Figure(layout="constrained").subplots()
