"""Cards, dictionaries, JSON, and numbers rounded to their error."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import calcml as cm
from calcml._result import Result, format_array, format_measurement


@dataclass(frozen=True, eq=False, repr=False)
class Sample(Result):
    name: str
    value: object
    status: cm.Status
    success: bool


def sample(**changes):
    return Sample(**{"name": "<b>", "value": 1.5, "status": cm.Status.OK, "success": True} | changes)


def test_card_has_one_line_per_field():
    assert repr(sample()).splitlines() == [
        "Sample",
        "     name: <b>",
        "    value: 1.5",
        "   status: OK: The value is as accurate as its error estimate says.",
        "  success: True",
    ]
    assert str(sample()) == repr(sample())


def test_html_is_escaped():
    html = sample()._repr_html_()
    assert "&lt;b&gt;" in html and "<b>" not in html


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.arange(2.0), [0.0, 1.0]),
        (np.float32(2), 2.0),
        (np.longdouble(2), 2.0),
        (1j * np.ones(1), [[0.0, 1.0]]),
        ({"a": np.ones(1), 2: None}, {"a": [1.0], "2": None}),
        ((1, "x"), [1, "x"]),
        (cm.schemes.ComplexStep(), "ComplexStep()"),
        (cm.Status.SADDLE, "SADDLE"),
        (range(2), "range(0, 2)"),
        (np.nan, "nan"),
        ([np.inf, -np.inf], ["inf", "-inf"]),
    ],
)
def test_json(value, plain):
    back = json.loads(sample(value=value).to_json())
    assert back["value"] == plain
    assert back["status"] == "OK"


def test_results_nest():
    assert sample(value=sample()).to_dict()["value"]["name"] == "<b>"


def test_check():
    assert sample().check().success
    with pytest.raises(cm.ConvergenceError, match="iteration limit"):
        sample(success=False, status=cm.Status.MAX_ITERATIONS).check()


def test_status_is_its_sentence():
    for status in cm.Status:
        assert str(status) == status.sentence
        assert status.sentence.endswith(".") and len(status.sentence) > 20
        assert cm.Status(int(status)) is status


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (454.158441, 75.2371, "450 +- 80"),
        (0.827, 0.119, "0.83 +- 0.12"),
        (0.827, 0.367, "0.8 +- 0.4"),
        (0.827, 0.99, "0.8 +- 1.0"),
        (12345.0, 355.0, "12300 +- 400"),
        (1.0, 0.0951, "1.00 +- 0.10"),
        (1.23456e-7, 2.1e-9, "(1.235 +- 0.021)e-07"),
        (5e8, 1.2e7, "(5.00 +- 0.12)e+08"),
        (0.0, 1.5e-5, "(0.0 +- 1.5)e-05"),
        (1e-310, 1e-311, "(1.00 +- 0.10)e-310"),
        (1.5, np.nan, "1.5 +- nan"),
        (np.inf, 1.0, "inf +- 1"),
        (1.5, 0.0, "1.5 +- 0"),
    ],
)
def test_numbers_are_rounded_to_their_error(value, error, text):
    assert format_measurement(value, error) == text


@given(st.floats(-1e5, 1e5), st.floats(1e-3, 1e3))
def test_rounding_moves_less_than_the_error(value, error):
    text, _, exponent = format_measurement(value, error).partition("e")
    shown_value, shown_error = (float(f"{part}e{exponent or 0}") for part in text.strip("()").split(" +- "))
    # One digit of the error, at least 3.55, is kept: half of its place is 0.5 / 3.55 of the error.
    assert abs(shown_value - value) <= 0.15 * error
    assert abs(shown_error - error) <= 0.15 * error


def test_long_arrays_are_abridged():
    assert "..." in format_array(np.arange(100.0))
    assert format_array(2.0) == "2"
