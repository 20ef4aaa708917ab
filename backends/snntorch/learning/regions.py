"""Which weights a rule can change: rows and columns whose signals are not 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hebbgraph.backends.snntorch.learning.terms import Index, Vectors

#: Numbers of weights that are changed at once: what they need stays in a CPU's cache.
BLOCK = 2**16
#: How much longer a weight takes among a few columns than among whole rows.
COLUMN = 6
#: Matrices smaller than this are changed as a whole.
SMALL = 2**11


class Region(NamedTuple):
    """Rows and columns of the weights."""

    rows: Index
    columns: Index


ALL = slice(None)


def regions(terms: Sequence[Vectors], shape: tuple[int, int]) -> list[Region] | None:
    """Return regions outside of which every term is 0; none overlap. None for everything.

    A term with few rows (postsynaptic units) that are not 0 is confined to them, another with few
    columns to those; if there is a term that is neither, everything may change.
    """
    height, width = shape
    if height * width < SMALL:
        return None
    in_rows: list[Tensor] = []
    in_columns: list[Tensor] = []
    columns_of_rows: list[Tensor | None] = []
    for term in terms:
        rows, columns = _support(term.post), _support(term.pre)
        empty = 0 in (None if s is None else len(s) for s in (rows, columns))
        if empty or not bool(term.scale.any()):
            continue
        share_of_rows = 1.0 if rows is None else len(rows) / height
        share_of_columns = 1.0 if columns is None else COLUMN * len(columns) / width
        if rows is not None and share_of_rows <= min(0.5, share_of_columns):
            in_rows.append(rows)
            columns_of_rows.append(columns)
        elif columns is not None and share_of_columns < 1:
            in_columns.append(columns)
        else:
            return None
    return _confined(in_rows, columns_of_rows, in_columns, shape)


def _confined(
    in_rows: Sequence[Tensor],
    columns_of_rows: Sequence[Tensor | None],
    in_columns: Sequence[Tensor],
    shape: tuple[int, int],
) -> list[Region] | None:
    """Return the rows of some terms, then the columns of the others in what rows are left."""
    height, width = shape
    if not in_columns:
        if not in_rows:
            return []
        return [*blocks(_union(in_rows), _all_or_few(columns_of_rows, width), shape)]
    few = _union(in_columns)
    if not in_rows:
        return [*blocks(ALL, few, shape)]
    rows = _union(in_rows)
    if len(rows) * width + (height - len(rows)) * COLUMN * len(few) > height * width:
        return None
    others = torch.ones(height, dtype=torch.bool)
    others[rows] = False
    left = others.nonzero().squeeze(1)
    return [*blocks(rows, ALL, shape), *blocks(left, few, shape)]


def _all_or_few(columns: Sequence[Tensor | None], width: int) -> Index:
    """Return the columns of some terms, all if that is as good."""
    if any(c is None for c in columns):
        return ALL
    few = _union([c for c in columns if c is not None])
    return few if 2 * len(few) < width else ALL


def _support(vector: Tensor | None) -> Tensor | None:
    """Return the units whose value is not 0 in some episode; None for all."""
    if vector is None:
        return None
    return (vector[0] if len(vector) == 1 else vector.abs().amax(dim=0)).nonzero().squeeze(1)


def _union(indices: Sequence[Tensor]) -> Tensor:
    return indices[0] if len(indices) == 1 else torch.unique(torch.cat(list(indices)))


def blocks(rows: Index, columns: Index, shape: tuple[int, int]) -> Iterator[Region]:
    """Yield some rows and columns, a block of rows at a time."""
    height = shape[0] if isinstance(rows, slice) else len(rows)
    width = shape[1] if isinstance(columns, slice) else len(columns)
    length = max(1, BLOCK // max(1, width))
    if height <= length:
        yield Region(rows, columns)
        return
    for first in range(0, height, length):
        block = slice(first, min(first + length, height))
        yield Region(block if isinstance(rows, slice) else rows[block], columns)
