"""The entries of a sparse matrix of derivatives, and how they are given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calcml._result import plain
from calcml._status import Status
from calcml._typing import FloatArray, IntArray
from calcml.differentiate._problem import Estimate, Problem
from calcml.differentiate.sparsity.plan import SparsityPlan

__all__ = ["Entries", "SparseEstimate", "to_estimate", "to_matrix"]

MATRICES = ("value", "error", "truncation", "noise", "status")


@dataclass(frozen=True, eq=False)
class Entries:
    """Entries row by row.

    Attributes
    ----------
    value : ndarray, shape (nnz,)
        The entries.
    truncation, noise : ndarray, shape (nnz,)
        The two parts of their errors; empty where they are not wanted.
    status : ndarray of int, shape (nnz,)
        Codes of `Status`; empty if all are good and the errors are not wanted.
    step : ndarray, shape (n,)
        How far each coordinate was moved.
    """

    value: NDArray[Any]
    truncation: FloatArray
    noise: FloatArray
    status: IntArray
    step: FloatArray

    def without(self, places: NDArray[np.bool_]) -> Entries:
        """Return the entries with zeros at some places."""
        value, truncation, noise = (
            np.where(places, 0.0, part) if part.size else part
            for part in (self.value, self.truncation, self.noise)
        )
        return Entries(value, truncation, noise, self.status, self.step)


class SparseEstimate(Estimate):
    """An estimate whose value, errors and status are sparse matrices of one structure."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain numbers, each matrix by its shape, row starts, columns and data."""
        matrices = {name: getattr(self, name) for name in MATRICES}
        parts = {
            name: {"shape": list(m.shape), "indptr": m.indptr, "indices": m.indices, "data": m.data}
            for name, m in matrices.items()
        }
        return {**super().to_dict(), **plain(parts)}

    def _title(self) -> str:
        return Estimate.__name__

    def _codes(self) -> NDArray[Any]:
        return self.status.data

    def _rows(self) -> list[tuple[str, str]]:
        shape, count = self.value.shape, self.value.nnz
        return [
            ("value", f"csr_array of shape {shape} with {count} entries"),
            *((name, _largest(getattr(self, name).data)) for name in MATRICES[1:4]),
            ("nfev", str(self.nfev)),
            ("status", self.message),
            ("scheme", str(self.scheme)),
        ]


def _largest(data: FloatArray) -> str:
    finite = data[np.isfinite(data)]
    return f"at most {finite.max():.1e}" if finite.size else "none"


def to_matrix(problem: Problem, plan: SparsityPlan, entries: Entries) -> Any:
    """Return the entries as a matrix."""
    return plan.matrix(_cast(problem, entries.value))


def to_estimate(problem: Problem, plan: SparsityPlan, entries: Entries) -> Estimate:
    """Return the entries with their errors as matrices."""
    value = _cast(problem, entries.value)
    truncation, noise, status = entries.truncation, entries.noise, entries.status
    with np.errstate(all="ignore"):
        if value.dtype.itemsize < entries.value.dtype.itemsize:
            noise = noise + np.finfo(value.dtype).eps / 2 * np.abs(entries.value)
        error = truncation + noise
    status = np.where(~np.isfinite(value) & (status == Status.OK), Status.NON_FINITE, status)
    return SparseEstimate(
        value=plan.matrix(value),
        error=plan.matrix(error),
        truncation=plan.matrix(truncation),
        noise=plan.matrix(noise),
        step=problem.structure.spread(entries.step, cast=False),
        nfev=problem.function.nfev,
        status=plan.matrix(status.astype(np.int8)),
        scheme=problem.scheme,
    )


def _cast(problem: Problem, value: NDArray[Any]) -> NDArray[Any]:
    """Return the entries in the dtype of x; sparse matrices hold no half precision, so float32 at least."""
    dtype = np.result_type(problem.structure.dtype, np.complex64 if value.dtype.kind == "c" else np.float32)
    with np.errstate(over="ignore"):
        return value.astype(dtype, copy=False)
