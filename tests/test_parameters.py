"""Parameters as structures and as flat vectors."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from calcml._parameters import check_bounds, flatten


class Pair(NamedTuple):
    a: np.ndarray
    b: float


@dataclass
class Model:
    weights: np.ndarray
    bias: float


STRUCTURES = [
    {"a": np.arange(3.0), "b": 2.0},
    {"outer": {"inner": np.ones((2, 2))}, "z": [np.zeros(2), 1.0]},
    [np.ones(2), np.zeros((1, 3))],
    (np.ones(2), 3.0),
    Pair(np.arange(2.0), 5.0),
    Model(np.ones((2, 1)), 0.5),
]


@pytest.mark.parametrize("x", STRUCTURES, ids=["dict", "nested", "list", "tuple", "namedtuple", "dataclass"])
def test_structures_come_back_as_they_were(x):
    flat, structure = flatten(x)
    assert flat.shape == (structure.size,)
    back = structure.restore(flat)
    assert type(back) is type(x)
    assert not structure.plain
    np.testing.assert_array_equal(flatten(back)[0], flat)


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)))
def test_arrays_come_back_as_they_were(x):
    flat, structure = flatten(x)
    assert structure.plain
    assert structure.shape == x.shape
    np.testing.assert_array_equal(structure.restore(flat), x)


def test_lists_of_numbers_are_vectors():
    flat, structure = flatten([1, 2, 3])
    assert structure.plain and structure.shape == (3,) and flat.dtype == np.float64
    assert flatten((1.0, 2.0))[1].plain
    assert flatten([[1, 2], [3, 4]])[1].shape == (2, 2)


def test_zero_dimensional_leaves_are_scalars():
    _, structure = flatten(2.0)
    assert isinstance(structure.restore(np.array([2.0])), np.float64)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float16, np.float16),
        (np.float32, np.float32),
        (np.longdouble, np.longdouble),
        (np.int64, np.float64),
        (bool, np.float64),
        (np.uint8, np.float64),
    ],
)
def test_dtypes(dtype, expected):
    assert flatten(np.ones(2, dtype))[0].dtype == expected


def test_leaves_keep_their_own_dtype():
    x = {"a": np.ones(2, np.float32), "b": np.ones(1)}
    flat, structure = flatten(x)
    assert flat.dtype == np.float64
    spread = structure.spread(np.arange(3.0))
    assert spread["a"].dtype == np.float32 and spread["b"].dtype == np.float64
    assert structure.spread(np.arange(3.0), cast=False)["a"].dtype == np.float64
    assert structure.spread(np.arange(3.0) + 0j)["a"].dtype == np.complex64


def test_the_batch_axis_is_last():
    _, structure = flatten({"a": np.ones((2, 2)), "b": 1.0})
    batch = structure.restore_batch(np.arange(15.0).reshape(5, 3))
    assert batch["a"].shape == (2, 2, 3) and batch["b"].shape == (3,)
    np.testing.assert_array_equal(batch["b"], [12, 13, 14])


class Quantity:
    units = "m"


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ma.masked_array([1.0], [True]), "masked array"),
        (Quantity(), "carries units"),
        ("text", "real numbers"),
        (None, "real numbers"),
        (np.array([object()]), "real numbers"),
        ([[1, 2], [3]], "ragged"),
        (1 + 2j, "complex"),
        ({"a": np.array(["b"])}, r"x\['a'\]"),
    ],
)
def test_what_is_refused(x, message):
    with pytest.raises(TypeError, match=message):
        flatten(x)


def test_bounds():
    flat, structure = flatten(np.array([[1.0, 2.0], [3.0, 4.0]]))
    lower, upper = check_bounds((0, [[5.0, 6.0], [7.0, 8.0]]), flat, structure)
    np.testing.assert_array_equal(lower, np.zeros(4))
    np.testing.assert_array_equal(upper, [5, 6, 7, 8])
    assert check_bounds(None, flat, structure) is None


def test_bounds_as_structures():
    flat, structure = flatten({"a": np.ones(2), "b": 1.0})
    lower, _ = check_bounds(({"a": np.zeros(2), "b": -1.0}, 9), flat, structure)
    np.testing.assert_array_equal(lower, [0, 0, -1])
    with pytest.raises(ValueError, match=r"`lower bounds\['b'\]` is missing"):
        check_bounds(({"a": np.zeros(2)}, 9), flat, structure)


@pytest.mark.parametrize(
    ("bounds", "error", "message"),
    [
        ((2, 1), ValueError, "crossed at index 0: lower 2.0 is above upper 1.0"),
        ((2, 3), ValueError, "must lie within `bounds`, got 1.0 at index 0"),
        ((np.nan, 3), ValueError, "NaN"),
        (5, TypeError, "pair"),
        ((0, 1, 2), TypeError, "pair"),
        ((np.zeros(3), 9), ValueError, "shape"),
    ],
)
def test_bad_bounds(bounds, error, message):
    flat, structure = flatten(np.ones(2))
    with pytest.raises(error, match=message):
        check_bounds(bounds, flat, structure)


@given(st.dictionaries(st.text(max_size=3), hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=3))))
def test_pairs_of_leaves(x):
    _, structure = flatten(x)
    n = structure.size
    table = structure.spread_pairs(np.arange(float(n * n)).reshape(n, n), ())
    for a in x:
        for b in x:
            assert table[a][b].shape == x[a].shape + x[b].shape


def test_none_is_no_bound():
    flat, structure = flatten(np.array([1.0, 2.0]))
    lower, upper = check_bounds((0.0, None), flat, structure)
    np.testing.assert_array_equal(lower, [0, 0])
    np.testing.assert_array_equal(upper, [np.inf, np.inf])
    lower, _ = check_bounds((None, 5.0), flat, structure)
    np.testing.assert_array_equal(lower, [-np.inf, -np.inf])


def test_bounds_round_inward():
    below = np.nextafter(np.float32(0.1), np.float32(0))
    flat, structure = flatten(np.array([below]))
    assert check_bounds((None, 0.1), flat, structure)[1].astype(float) <= 0.1
    # x itself may be the number next to its bound.
    flat, structure = flatten(np.array([0.1], np.float32))
    assert check_bounds((None, 0.1), flat, structure)[1] == np.float32(0.1)


def test_only_a_caller_that_reads_gets_the_array_itself():
    x = np.arange(6.0).reshape(2, 3)
    assert not np.shares_memory(flatten(x)[0], x)
    flat, structure = flatten(x, copy=False)
    assert np.shares_memory(flat, x) and flat.shape == (6,) and structure.shape == (2, 3)
    whole = np.arange(3)
    assert flatten(whole, copy=False)[0].dtype == float
