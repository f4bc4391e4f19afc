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


def test_formulas_as_numbers():
    formula = cm.stencil((-1, 0, Fraction(1, 2)), 2)
    np.testing.assert_array_equal(formula.grid, [-1.0, 0.0, 0.5])
    np.testing.assert_array_equal(formula.coefficients, [4 / 3, -4.0, 8 / 3])
    assert formula.grid @ formula.coefficients == pytest.approx(0.0, abs=1e-15)
    assert formula.condition == 8.0
    # C = sum w g^3 / 3! = (-4/3 + 1/3) / 6.
    assert formula.error_constant == Fraction(-1, 6)
    assert formula.balance == pytest.approx(48.0)


def test_a_formula_is_a_value():
    assert cm.stencil([-1, 0, 1], 2) == cm.stencil((Fraction(-1), 0.0, np.int64(1)), 2)
    assert cm.stencil([-1, 1]).condition == 1.0
    assert str(cm.stencil([0, 1, 2])) == "f'(x) = [-3/2 f(x) + 2 f(x+h) - 1/2 f(x+2h)] / h + O(h^2)"
    assert str(cm.stencil(range(5), 4)).startswith("f^(4)(x) = [f(x) - 4 f(x+h)")


@pytest.mark.parametrize(
    ("offsets", "n", "text"),
    [
        ([-1, 1], 1, "f'(x) = [-1/2 f(x-h) + 1/2 f(x+h)] / h + O(h^2)"),
        ([-1, 0], 1, "f'(x) = [-f(x-h) + f(x)] / h + O(h^1)"),
        ([0, 1], 1, "f'(x) = [-f(x) + f(x+h)] / h + O(h^1)"),
        ([-2, 0, 2], 2, "f''(x) = [1/4 f(x-2h) - 1/2 f(x) + 1/4 f(x+2h)] / h^2 + O(h^2)"),
        ([0, Fraction(1, 2)], 1, "f'(x) = [-2 f(x) + 2 f(x+1/2h)] / h + O(h^1)"),
        (range(4), 3, "f'''(x) = [-f(x) + 3 f(x+h) - 3 f(x+2h) + f(x+3h)] / h^3 + O(h^1)"),
        (
            range(-4, 1),
            4,
            "f^(4)(x) = [f(x-4h) - 4 f(x-3h) + 6 f(x-2h) - 4 f(x-h) + f(x)] / h^4 + O(h^1)",
        ),
    ],
)
def test_formulas_as_text(offsets, n, text):
    assert str(cm.stencil(offsets, n)) == text


def test_formulas_of_order_zero_interpolate():
    formula = cm.stencil([-1, 1], 0)
    assert formula.weights == (Fraction(1, 2), Fraction(1, 2))
    assert (formula.n, formula.order, formula.error_constant) == (0, 2, Fraction(1, 2))
    assert cm.stencil([1], 0).weights == (1,)


def test_as_many_points_as_the_derivative_needs():
    assert cm.stencil([0, 1, 2], 2).weights == (1, -2, 1)
    assert cm.stencil([np.float32(0.5), np.int32(1)], np.int64(1)) == cm.stencil([0.5, 1], 1)
    assert type(cm.stencil([0, 1], np.int64(1)).n) is int


@pytest.mark.parametrize(
    ("offsets", "n", "error", "message"),
    [
        ([0, 1], 2, ValueError, "`offsets` must hold at least n + 1 = 3 points, got 2"),
        ([0, 1, 2], 4, ValueError, "`offsets` must hold at least n + 1 = 5 points, got 3"),
        ([], 0, ValueError, "`offsets` must hold at least n + 1 = 1 points, got 0"),
        ([0, 0.5, 0.5], 1, ValueError, "`offsets` must all be different, got ['0', '1/2', '1/2']"),
        ([0, 1], -1, ValueError, "`n` must be at least 0, got -1"),
        ([0, 1], 1.0, TypeError, "`n` must be an integer, got 1.0"),
        ([0, 1], True, TypeError, "`n` must be an integer, got True"),
        ([0, np.nan], 1, TypeError, "`offsets` must be a sequence of finite numbers, got [0, nan]"),
        ([0, np.inf], 1, TypeError, "`offsets` must be a sequence of finite numbers, got [0, inf]"),
        (["a"], 1, TypeError, "`offsets` must be a sequence of finite numbers, got ['a']"),
        (3, 1, TypeError, "`offsets` must be a sequence of finite numbers, got 3"),
    ],
)
def test_bad_grids(offsets, n, error, message):
    with pytest.raises(error) as caught:
        cm.stencil(offsets, n)
    assert str(caught.value) == message
