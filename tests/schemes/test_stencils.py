"""Weights of difference formulas against the literature and against polynomials."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm


@pytest.mark.parametrize(
    ("offsets", "n", "weights", "order", "constant"),
    [
        ((0, 1), 1, "-1 1", 1, "1/2"),
        ((-1, 0), 1, "-1 1", 1, "-1/2"),
        ((-1, 1), 1, "-1/2 1/2", 2, "1/6"),
        ((-2, -1, 1, 2), 1, "1/12 -2/3 2/3 -1/12", 4, "-1/30"),
        ((-1, 0, 1), 2, "1 -2 1", 2, "1/12"),
        ((-2, -1, 0, 1, 2), 2, "-1/12 4/3 -5/2 4/3 -1/12", 4, "-1/90"),
        ((0, 1, 2), 1, "-3/2 2 -1/2", 2, "-1/3"),
        ((-2, -1, 0, 1, 2), 4, "1 -4 6 -4 1", 2, "1/6"),
    ],
)
def test_known_formulas(offsets, n, weights, order, constant):
    formula = cm.stencil(offsets, n)
    assert [str(w) for w in formula.weights] == weights.split()
    assert formula.order == order
    assert formula.error_constant == Fraction(constant)


grids = st.lists(st.fractions(-5, 5, max_denominator=8), min_size=2, max_size=8, unique=True)


@given(grids, st.data())
def test_formulas_are_exact_up_to_their_order_and_no_further(offsets, data):
    n = data.draw(st.integers(1, len(offsets) - 1))
    formula = cm.stencil(offsets, n)
    for power in range(n + formula.order):
        moment = sum(w * g**power for w, g in zip(formula.weights, formula.offsets, strict=True))
        # The n-th derivative of x^n is n!, of all other powers at 0 it is 0.
        assert moment == (np.prod(range(1, n + 1), dtype=object) if power == n else 0)
    assert formula.error_constant != 0
    assert formula.order >= len(offsets) - n


def test_a_formula_is_a_value():
    assert cm.stencil([-1, 0, 1], 2) == cm.stencil((Fraction(-1), 0.0, np.int64(1)), 2)
    assert cm.stencil([-1, 1]).condition == 1.0
    assert str(cm.stencil([0, 1, 2])) == "f'(x) = [-3/2 f(x) + 2 f(x+h) - 1/2 f(x+2h)] / h + O(h^2)"
    assert str(cm.stencil(range(5), 4)).startswith("f^(4)(x) = [f(x) - 4 f(x+h)")


@pytest.mark.parametrize(
    ("offsets", "n", "error", "message"),
    [
        ([0, 1], 2, ValueError, "at least n \\+ 1 = 3 points, got 2"),
        ([0, 0, 1], 1, ValueError, "all be different"),
        ([0, 1], -1, ValueError, "`n` must be at least 0, got -1"),
        ([0, 1], 1.0, TypeError, "`n` must be an integer"),
        ([0, 1], True, TypeError, "`n` must be an integer"),
        ([0, np.nan], 1, TypeError, "`offsets` must be"),
        ([0, np.inf], 1, TypeError, "`offsets` must be"),
        (["a"], 1, TypeError, "`offsets` must be"),
        (3, 1, TypeError, "`offsets` must be"),
    ],
)
def test_bad_grids(offsets, n, error, message):
    with pytest.raises(error, match=message):
        cm.stencil(offsets, n)
