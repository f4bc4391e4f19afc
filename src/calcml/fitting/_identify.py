"""What to say when the data leave parameters open: their names, and the combination they occur in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from calcml._typing import FloatArray, IntArray
from calcml.fitting._statistics import Spread

__all__ = ["describe_null"]

# Ratios this close to 1 are taken for 1: null directions are known to the square root of rounding at worst.
CLOSE = 1e-4

# How far a combination is followed to see that the model indeed stays the same.
FACTOR = 1.25

Probe = Callable[[FloatArray], FloatArray | None]


def describe_null(
    names: tuple[str, ...], values: FloatArray, spread: Spread, probe: Probe, *, linear: bool
) -> str:
    """Return what is known of each direction along which the model does not change, "" if there is none.

    `probe` returns the model at other values of these parameters, None where they are not allowed; `linear`
    tells of a model whose parameters cannot be fixed but left out.
    """
    alive = spread.size > 0
    dead = [f"`{name}`" for name, one in zip(names, alive, strict=True) if not one]
    sentences = [f"the model does not depend on {name} here" for name in dead]
    for direction, part in zip(spread.null.T, spread.members.T, strict=True):
        members = np.flatnonzero(part & alive)
        if members.size:
            known = _known_form(names, values, direction, members, probe) if members.size == 2 else ""
            sentences.append(_combination(names, direction, members, known))
    if not sentences:
        return ""
    text = "; ".join(sentences)
    return f"{text[0].upper()}{text[1:]}; {_remedy(linear, only_dead=len(dead) == len(sentences))}."


def _remedy(linear: bool, *, only_dead: bool) -> str:
    if linear:
        return "leave out what the data cannot tell, or take other points"
    if only_dead:
        return "hold what has no effect with `fixed`, or start where it has one"
    return "fix one of them with `fixed`, or take data that tell them apart"


def _combination(names: tuple[str, ...], null: FloatArray, members: IntArray, known: str) -> str:
    those = [names[i] for i in members]
    opening = f"the data do not determine {_quoted(those)} separately"
    if known:
        return f"{opening}: they only appear in the combination {known}"
    # A null vector has no sign of its own; its largest entry counts as positive.
    step = null[members] / null[members[np.argmax(np.abs(null[members]))]]
    moves = ", ".join(f"{name} by {change:+.3g}" for name, change in zip(those, step, strict=True))
    return f"{opening}: moving {moves} together, or any multiple of that, does not change the model"


def _known_form(
    names: tuple[str, ...], values: FloatArray, null: FloatArray, members: IntArray, probe: Probe
) -> str:
    """Return the sum, difference, product or quotient of two parameters that alone matters, "" if none does.

    Close to the answer a product looks like a sum; only a step of some length tells them apart.
    """
    i, j = members
    a, b, shift = values[i], values[j], (FACTOR - 1) * values[i]
    relative = null[members] / np.where(values[members] == 0, np.nan, values[members])
    forms = (
        ("+", null[members], (a + shift, b - shift)),
        ("-", null[members] * [1, -1], (a + shift, b + shift)),
        ("*", relative, (a * FACTOR, b / FACTOR)),
        ("/", relative * [1, -1], (a * FACTOR, b * FACTOR)),
    )
    for sign, change, moved in forms:
        if not abs(change.sum()) <= CLOSE * np.abs(change).max():
            continue
        other = values.copy()
        other[members] = moved
        there, here = probe(other), probe(values)
        if there is not None and here is not None and _same(there, here):
            return f"{names[i]} {sign} {names[j]}"
    return ""


def _same(there: FloatArray, here: FloatArray) -> bool:
    return bool(np.all(np.abs(there - here) <= 1e-9 * np.abs(here).max()))


def _quoted(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
