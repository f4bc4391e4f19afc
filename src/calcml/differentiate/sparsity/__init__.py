"""Sparsity: patterns, colorings, and plans that keep both for use."""

from calcml.differentiate.sparsity.coloring import color_columns, color_symmetric
from calcml.differentiate.sparsity.pattern import sparsity_pattern
from calcml.differentiate.sparsity.plan import SparsityPlan

__all__ = ["SparsityPlan", "color_columns", "color_symmetric", "sparsity_pattern"]
