"""What a network checks before it computes anything: its layers, its parameters and the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from calcml._parameters import real_array
from calcml._typing import FloatArray
from calcml.chain.layers import Layer, LayerParameters

__all__ = ["check_layers", "kind", "open_batch"]


def check_layers(layers: Sequence[Any]) -> None:
    """Refuse what is no layer, and layers whose rows do not fit together."""
    if not layers:
        msg = "`layers` must hold at least one layer, got none"
        raise ValueError(msg)
    width = None
    for k, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            msg = f"`layers[{k}]` must be a Layer such as Dense(2, 3), got {kind(layer)}"
            raise TypeError(msg)
        width = _next_width(k, layer, width)


def open_batch(layers: Sequence[Layer], params: Any, x: Any) -> tuple[list[LayerParameters], FloatArray, int]:
    """Return parameters and rows as arrays of one dtype, the parameters', and the number of outputs."""
    arrays = _parameters(layers, params)
    rows = real_array(x, "x")
    if rows.ndim != 2 or not len(rows):
        hint = "; for one sample pass x[None, :]" if rows.ndim == 1 and len(rows) else ""
        msg = f"`x` must have one row per sample, shape (samples, inputs), got shape {rows.shape}{hint}"
        raise ValueError(msg)
    for i, j in np.argwhere(~np.isfinite(rows))[:1]:
        msg = f"`x` must be finite, got {rows[i, j]} at index ({i}, {j}); drop the sample"
        raise ValueError(msg)
    width: int | None = rows.shape[1]
    for k, layer in enumerate(layers):
        width = _next_width(k, layer, width)
    dtypes = [array.dtype for own in arrays for array in own.values()]
    dtype = np.result_type(*dtypes) if dtypes else rows.dtype
    arrays = [{name: array.astype(dtype, copy=False) for name, array in own.items()} for own in arrays]
    return arrays, rows.astype(dtype, copy=False), width or 0


def _parameters(layers: Sequence[Layer], params: Any) -> list[LayerParameters]:
    if not isinstance(params, list | tuple) or len(params) != len(layers):
        got = f"{len(params)} entries" if isinstance(params, list | tuple) else kind(params)
        msg = f"`params` must be a list with a dictionary for each of the {len(layers)} layers, got {got}"
        raise ValueError(msg)
    return [
        _own(layer, own, f"params[{k}]") for k, (layer, own) in enumerate(zip(layers, params, strict=True))
    ]


def _own(layer: Layer, own: Any, label: str) -> LayerParameters:
    shapes = layer.shapes
    if not isinstance(own, Mapping) or set(own) != set(shapes):
        got = f"entries {sorted(map(str, own))}" if isinstance(own, Mapping) else kind(own)
        msg = f"`{label}` of {layer} must be a dictionary with the entries {sorted(shapes)}, got {got}"
        raise ValueError(msg)
    arrays = {name: real_array(array, f"{label}[{name!r}]") for name, array in own.items()}
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            msg = f"`{label}[{name!r}]` of {layer} must have shape {shape}, got {arrays[name].shape}"
            raise ValueError(msg)
    return arrays


def _next_width(k: int, layer: Layer, width: int | None) -> int | None:
    """Return the length of the rows behind a layer, given the length before it."""
    inputs, outputs = layer.widths
    if inputs is not None and width is not None and inputs != width:
        source = f"`layers[{k - 1}]` gives" if k else "`x` has"
        msg = f"`layers[{k}]`, {layer}, takes rows of length {inputs}, but {source} {width}"
        raise ValueError(msg)
    return width if outputs is None else outputs


def kind(value: Any) -> str:
    """Return type and text of a value that was refused."""
    return f"{type(value).__name__} {value!r:.40}"
