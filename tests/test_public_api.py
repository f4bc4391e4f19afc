"""The public names: complete, importable, and the same wherever they are written down."""

import importlib
import tomllib
from pathlib import Path

import pytest

import calcml as cm

# What the top level leaves to the parts: building blocks that are used with their part's name in front.
INNER = {
    "chain": {
        "ChainEstimate",
        "Dense",
        "Layer",
        "Link",
        "Loss",
        "MeanSquaredError",
        "Relu",
        "Sigmoid",
        "SoftmaxCrossEntropy",
        "Tanh",
    },
    "descent": {"directions", "steps", "streaming"},
    "schemes": set(cm.schemes.__all__) - {"Scheme", "Stencil", "stencil"},
}


@pytest.mark.parametrize("name", cm.__all__)
def test_every_name_can_be_imported(name):
    assert getattr(cm, name) is not None
    assert name in dir(cm)


@pytest.mark.parametrize(
    "part",
    ["chain", "constrained", "descent", "differentiate", "errors", "fitting", "roots", "schemes", "series"],
)
def test_the_top_level_offers_what_the_parts_offer(part):
    module = importlib.import_module(f"calcml.{part}")
    offered = set(module.__all__) - INNER.get(part, set())
    assert offered <= set(cm.__all__)
    for name in offered:
        assert getattr(cm, name) is getattr(module, name)
    assert INNER.get(part, set()).isdisjoint(cm.__all__)


def test_streaming_optimizers_are_at_the_top():
    assert set(cm.descent.streaming.__all__) <= set(cm.__all__)


def test_unknown_names():
    with pytest.raises(AttributeError, match="module 'calcml' has no attribute 'derivativ'"):
        cm.derivativ


def test_the_version_is_one():
    project = tomllib.loads(Path(__file__).parent.parent.joinpath("pyproject.toml").read_text())["project"]
    assert cm.__version__ == project["version"]


def test_the_package_is_typed():
    assert Path(cm.__file__).parent.joinpath("py.typed").exists()
