"""Lines: where f is evaluated, and what a scheme is told about them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcml._function import Function
from calcml._lines import Directions, ElementwiseLines, PointLines, SeedLines, Seeds, _point, axes
from calcml._lines._seeds import power_below
from calcml._parameters import flatten


def point_lines(f, x, directions, bounds=None, **options):
    flat, structure = flatten(np.asarray(x))
    return PointLines(Function(f, structure, **options), flat, directions, bounds)


def elementwise_lines(f, x, bounds=None):
    return ElementwiseLines(Function(f, None), np.asarray(x), bounds)


def identity(x):
    return x.copy()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_points_lie_on_the_lines_that_are_asked_for(index):
    # Five directions of different lengths in four dimensions.
    starts = np.array([0, 1, 3, 3 + 4, 8, 10])
    coordinates = np.array([2, 0, 3, 0, 1, 2, 3, 1, 1, 2])
    components = np.arange(1.0, 11.0)
    directions = Directions(starts, coordinates, components, 4)
    x = np.array([10.0, 20.0, 30.0, 40.0])
    lines = point_lines(identity, x, directions)
    t = np.linspace(-1, 2, len(index))
    matrix = np.zeros((5, 4))
    for p in range(5):
        np.add.at(matrix[p], coordinates[starts[p] : starts[p + 1]], components[starts[p] : starts[p + 1]])
    expected = x + t[:, None] * matrix[index]
    np.testing.assert_array_equal(lines.evaluate(t, np.array(index)), expected)
    assert lines.function.nfev == len(index)


def test_several_distances_at_once():
    lines = point_lines(identity, [1.0, 2.0], axes(2))
    values = lines.evaluate(np.array([[0.5, 0.25], [-0.5, -0.25]]))
    assert values.shape == (2, 2, 2)
    np.testing.assert_array_equal(values[1], [[0.5, 2.0], [1.0, 1.75]])


def test_pairs():
    directions = Directions.pairs(np.array([0, 0]), np.array([1, 2]), np.array([1.0, 2.0, 3.0]), sign=-1.0)
    lines = point_lines(identity, np.zeros(3), directions)
    np.testing.assert_array_equal(lines.evaluate(np.ones(2)), [[1, -2, 0], [1, 0, -3]])


def test_the_origin_is_evaluated_once_for_all_lines():
    lines = point_lines(lambda x: x.sum(), np.ones(3), axes(3))
    assert lines.origin().shape == (3, 1)
    lines.origin()
    assert lines.function.nfev == 1
    assert lines.outputs == 1


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("outputs", [(), (2,)])
def test_the_origin_comes_with_the_points_around_it(vectorized, known, outputs):
    batches = []

    def f(x):
        batches.append(x.copy())
        total = 2 * x[0] + x[1] * x[2]
        return np.stack([total, -total]) if outputs else total

    lines = point_lines(f, [1.0, 2.0, 3.0], axes(3), vectorized=vectorized)
    if known:
        lines.origin()
    t = np.array([[0.5, 0.25, 0.125], [-1.0, -2.0, -3.0]])
    values, origin = lines.evaluate_around(t)
    np.testing.assert_array_equal(values[..., 0], [[9, 8.75, 8.25], [6, 2, 2]])
    # Found out together with the others, it is a single row.
    assert origin.shape == (3 if known else 1, 2 if outputs else 1)
    np.testing.assert_array_equal(origin[0], [8.0, -8.0][: 2 if outputs else 1])
    np.testing.assert_array_equal(lines.origin(), np.array([[8.0, -8.0]] * 3)[:, : 2 if outputs else 1])
    # Six points and the origin, and the one column that checks a batch.
    assert lines.function.nfev == 7 + vectorized
    assert len(batches) == ((3 if known else 2) if vectorized else 7)
    with pytest.raises(ValueError, match="read-only"):
        lines.origin()[0, 0] = 1.0


def test_complex_values_around_the_origin_are_two_outputs():
    lines = point_lines(lambda x: x[0] + 1j * x[1], [1.0, 2.0], axes(2))
    values, origin = lines.evaluate_around(np.array([[0.5, 0.25]]))
    np.testing.assert_array_equal(values, [[[1.5, 2.0], [1.0, 2.25]]])
    np.testing.assert_array_equal(origin, [[1.0, 2.0]])
    np.testing.assert_array_equal(lines.origin(), [[1.0, 2.0]] * 2)


def test_points_around_an_origin_that_do_not_fit_one_block():
    n = 256
    lines = point_lines(lambda x: x.sum(), np.ones(n), axes(n))
    values, origin = lines.evaluate_around(np.ones((1, n)))
    np.testing.assert_array_equal(values, np.full((1, n, 1), n + 1.0))
    np.testing.assert_array_equal(origin, np.full((n, 1), float(n)))
    assert lines.origin()[0, 0] == n and lines.function.nfev == n + 1


def test_lines_of_other_kinds_have_an_origin_of_their_own():
    seeds = SeedLines(Function(np.sum, flatten(np.ones(3))[1]), np.ones(3), Seeds((slice(0, 2),)), 1.0)
    elementwise = elementwise_lines(np.square, [1.0, 2.0])
    dense = point_lines(np.sum, np.ones(3), Directions.dense(np.ones((1, 3))))
    for lines, expected, origin in ((seeds, [[5.0]], [3.0]), (dense, [[6.0]], [3.0])):
        np.testing.assert_array_equal(lines.evaluate_around(np.ones((1, 1)))[0], [expected])
        np.testing.assert_array_equal(lines.origin()[0], origin)
        assert lines.function.nfev == 2
    np.testing.assert_array_equal(elementwise.evaluate_around(np.ones((1, 2)))[0], [[[4.0], [9.0]]])
    assert [lines.axial for lines in (seeds, dense, elementwise)] == [False, False, True]
    assert point_lines(np.sum, np.ones(3), axes(3)).axial
    steep = Directions(np.arange(3), np.arange(2), np.full(2, 5.0), 2)
    assert not point_lines(np.sum, np.ones(2), steep).axial


def test_scales():
    directions = Directions.dense(np.array([[1.0, -2.0, 0.0]]))
    lines = point_lines(np.sum, [-4.0, 0.0, 9.0], directions)
    np.testing.assert_array_equal(lines.size, [9 / 2])
    np.testing.assert_array_equal(lines.spread(np.array([1.0, 1.0, 1.0])), [0.5])
    lines = point_lines(np.sum, [-4.0, 0.0], axes(2))
    np.testing.assert_array_equal(lines.size, [4.0, 0.0])
    np.testing.assert_array_equal(lines.spread(np.array([3.0, 5.0])), [3.0, 5.0])


def test_intervals_within_bounds():
    directions = Directions.dense(np.array([[1.0, -2.0, 0.0], [0.0, 1.0, 1.0]]))
    bounds = (np.array([0.0, 0.0, -np.inf]), np.array([4.0, 3.0, 10.0]))
    lines = point_lines(np.sum, [1.0, 2.0, 0.0], directions, bounds)
    # First: x_0 in [0, 4] allows [-1, 3], x_1 in [0, 3] with slope -2 allows [-1/2, 1].
    np.testing.assert_array_equal(lines.lower, [-0.5, -2.0])
    np.testing.assert_array_equal(lines.upper, [1.0, 1.0])


def test_rounding_never_steps_over_a_bound():
    x, upper = 0.1, 0.7
    lines = elementwise_lines(identity, [x], (np.array([0.0]), np.array([upper])))
    assert lines.evaluate(np.array([np.nextafter(upper - x, 2)]))[0, 0] <= upper
    lines = point_lines(identity, [x], axes(1), (np.array([0.0]), np.array([upper])))
    assert lines.evaluate(np.array([np.nextafter(upper - x, 2)]))[0, 0] <= upper


@given(st.floats(-1e6, 1e6), st.floats(1e-12, 1e3))
def test_representable_steps_are_exact(x, h):
    for lines in (elementwise_lines(identity, [x]), point_lines(identity, [x], axes(1))):
        t = lines.representable(np.array([h]))[0]
        assert (x + t) - x == t
        assert abs(t - h) <= np.spacing(abs(x) + h)


def test_representable_along_several_coordinates_is_left_alone():
    lines = point_lines(np.sum, [1.0, 2.0], Directions.dense(np.array([[1.0, 0.3]])))
    assert lines.representable(np.array([0.1])) == 0.1


def test_narrow_points_are_representable_in_their_own_precision():
    lines = elementwise_lines(identity, np.array([1.0], np.float32))
    t = lines.representable(np.array([1e-3]))[0]
    assert np.float32(1) + np.float32(t) - np.float32(1) == np.float32(t)
    assert lines.evaluate(np.array([1e-3])).dtype == np.float64


@pytest.mark.parametrize(
    ("x", "f", "eps", "dtype"),
    [
        (np.float64(1), lambda x: x, np.finfo(np.float64).eps, np.float64),
        (np.float64(1), lambda x: np.float32(x), np.finfo(np.float32).eps, np.float64),
        (np.float32(1), lambda x: x, np.finfo(np.float32).eps, np.float64),
        (np.float32(1), lambda x: np.float64(x), np.finfo(np.float32).eps, np.float64),
        (np.longdouble(1), lambda x: x, float(np.finfo(np.longdouble).eps), np.longdouble),
        (np.float64(1), lambda x: np.longdouble(x), np.finfo(np.float64).eps, np.longdouble),
        (np.float64(1), lambda x: 3, np.finfo(np.float64).eps, np.float64),
    ],
)
def test_precision_is_that_of_the_coarser_of_argument_and_value(x, f, eps, dtype):
    lines = elementwise_lines(f, x)
    lines.origin()
    assert lines.eps == eps
    assert lines.dtype == dtype


def test_elementwise_functions_always_get_the_whole_array():
    shapes = []

    def f(x):
        shapes.append(x.shape)
        return x**2

    lines = elementwise_lines(f, np.ones((2, 3)))
    values = lines.evaluate(np.full(2, 0.5), np.array([1, 4]))
    np.testing.assert_array_equal(values[:, 0], [2.25, 2.25])
    assert shapes == [(2, 3)]


def test_leaving_the_domain_does_not_warn():
    with np.errstate(all="raise"):
        assert np.isnan(elementwise_lines(np.log, [1.0]).evaluate(np.array([-2.0]))).all()


def test_complex_values_are_two_outputs():
    lines = point_lines(lambda x: x[0] + 1j * x[1], [1.0, 2.0], axes(2))
    np.testing.assert_array_equal(lines.origin(), [[1, 2], [1, 2]])
    assert lines.outputs == 2
    np.testing.assert_array_equal(lines.evaluate(np.ones(2)), [[2, 2], [1, 3]])
    assert elementwise_lines(lambda x: 1j * x, [1.0]).origin().shape == (1, 2)


def test_probes_mix_all_directions():
    x = np.array([1.0, 2.0, 3.0, 4.0])
    lines = point_lines(np.sum, x, axes(4))
    slopes = np.array([[1.0], [0.0], [1e8], [0.0]])
    (moving, expected), (still, zero) = lines.probes(slopes)
    weights = moving.directions.components
    # In units of the slopes, all lines count alike.
    shares = weights * slopes[:, 0] / expected[0, 0]
    assert shares[0] > 0.1 and shares[2] > 0.1
    np.testing.assert_array_equal(weights[[1, 3]], 0)
    assert (still.directions.components[[1, 3]] >= 0.5).all() and zero == 0
    ((own, same),) = elementwise_lines(np.sin, x).probes(np.ones((4, 1)))
    assert own.count == 4 and same.shape == (4, 1)


def test_neighbors_never_move_alike():
    seen = []

    def f(x):
        seen.append(x.copy())
        return x**2

    lines = elementwise_lines(f, np.zeros(4))
    values = lines.evaluate(np.array([np.full(4, 1.0), np.full(4, -2.0)]))
    np.testing.assert_array_equal(values[:, :, 0], [[1, 1, 1, 1], [4, 4, 4, 4]])
    # One line in three is a row ahead, one two rows: of two rows that is the same one again.
    np.testing.assert_array_equal(seen[0], [1, -2, 1, 1])


def test_no_lines_at_all():
    lines = point_lines(np.sum, np.empty(0), axes(0))
    assert lines.origin().shape == (0, 1)
    assert lines.evaluate(np.empty(0)).shape == (0, 1)
    assert lines.size.shape == (0,)


@pytest.mark.parametrize("block", [1, 8, 40, 65536])
@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize("rounds", [1, 3])
def test_lines_of_a_few_coordinates_are_swept_in_rounds(monkeypatch, rounds, vectorized, block):
    monkeypatch.setattr(_point, "BLOCK", block)
    x, scale = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.25, 2.0])
    pairs = Directions.pairs(np.array([0, 0, 1]), np.array([1, 2, 2]), scale, -1.0)
    ragged = Directions(np.array([0, 1, 3]), np.array([1, 0, 2]), np.array([2.0, 3.0, 5.0]), 3)
    f = lambda x: np.stack([x[0] + 10 * x[1], x[2] * x[2]])
    for directions, vectors in (
        (pairs, [[0.5, -0.25, 0], [0.5, 0, -2.0], [0, 0.25, -2.0]]),
        (ragged, [[0, 2.0, 0], [3.0, 0, 5.0]]),
    ):
        lines = point_lines(f, x, directions, vectorized=vectorized)
        t = np.arange(1.0, 1 + rounds * lines.count).reshape(rounds, lines.count)
        points = x + t[..., None] * np.array(vectors)
        expected = np.stack([f(point) for point in points.reshape(-1, 3)]).reshape(*t.shape, 2)
        np.testing.assert_array_equal(lines.evaluate(t), expected)
        np.testing.assert_array_equal(
            lines.evaluate(t[:, ::-1], np.arange(lines.count)[::-1])[:, ::-1], expected
        )
        around, origin = point_lines(f, x, directions, vectorized=vectorized).evaluate_around(t)
        np.testing.assert_array_equal(around, expected)
        np.testing.assert_array_equal(origin[0], f(x))


def test_reductions_of_two_entries_are_those_of_any_number():
    pairs = Directions.pairs(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([3.0, 1.0, 2.0]), 1.0)
    values = pairs.gather(np.array([5.0, -1.0, 7.0]))
    np.testing.assert_array_equal(pairs.reduce(np.maximum, values), [5.0, 7.0, 7.0])
    np.testing.assert_array_equal(pairs.reduce(np.minimum, values), [-1.0, 5.0, -1.0])
    np.testing.assert_array_equal(pairs.owner, [0, 0, 1, 1, 2, 2])


def test_powers_of_two_below():
    sizes = np.array([1.0, 1.5, 2.0, np.nextafter(2.0, 0), 3e-300, 1e300, np.finfo(float).tiny])
    expected = [np.ldexp(1.0, np.frexp(size)[1] - 1) for size in sizes]
    np.testing.assert_array_equal(power_below(sizes), expected)
    # The same number by number, with subnormal ones, of other precision, and from every second of an array.
    for dtype in (np.float64, np.longdouble):
        part = np.array([5e-324, 3e-310, 0.7, 12.0], dtype=dtype)
        np.testing.assert_array_equal(
            power_below(part), np.array([5e-324, 2.0**-1029, 0.5, 8.0], dtype=dtype)
        )
    np.testing.assert_array_equal(power_below(np.arange(1.0, 9.0)[::2]), [1, 2, 4, 4])
    assert power_below(np.array(7.0)) == 4 and power_below(np.empty(0)).shape == (0,)
