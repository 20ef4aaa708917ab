"""The terms of a rule as vectors: what the postsynaptic and what the presynaptic side brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from hebbgraph.rules import Rule
from hebbgraph.rules.rule import WEIGHT
from hebbgraph.rules.terms import Term

Powers = tuple[tuple[str, int], ...]
#: Some rows or columns of a matrix.
Index = slice | Tensor


@dataclass(frozen=True)
class Recipe:
    """One term: a coefficient, powers of the signals of each side, a power of the weight."""

    coefficient: float
    post: Powers
    pre: Powers
    everywhere: Powers
    weight: int


class Vectors(NamedTuple):
    """One term at the end of an epoch: the sum over episodes of post times pre, times w**weight.

    Either side is (episodes, its units), or None for 1 everywhere; `scale` is (episodes, 1).
    """

    scale: Tensor
    post: Tensor | None
    pre: Tensor | None
    weight: int


def recipes(rule: Rule) -> tuple[Recipe, ...]:
    """Return every term of `rule`."""
    return tuple(_recipe(rule, term) for term in rule.terms)


def _recipe(rule: Rule, term: Term) -> Recipe:
    sides: dict[str, list[tuple[str, int]]] = {"post": [], "pre": [], "all": []}
    for name, power in term.powers:
        if name != WEIGHT:
            sides[rule.sides[name]].append((name, power))
    post, pre, everywhere = (tuple(sides[side]) for side in ("post", "pre", "all"))
    weight = dict(term.powers).get(WEIGHT, 0)
    return Recipe(term.coefficient, post, pre, everywhere, weight)


def vectors(recipe: Recipe, signals: Mapping[str, Tensor], share: Tensor) -> Vectors:
    """Return the vectors of one term; `share` (episodes, 1) weighs the episodes."""
    scale = share * recipe.coefficient
    everywhere = product(recipe.everywhere, signals)
    scale = scale if everywhere is None else scale * everywhere
    post, pre = product(recipe.post, signals), product(recipe.pre, signals)
    return Vectors(scale, post, pre, recipe.weight)


def product(powers: Powers, signals: Mapping[str, Tensor]) -> Tensor | None:
    """Return the product of powers of signals; None for no signals."""
    total: Tensor | None = None
    for name, power in powers:
        for _ in range(power):  # not pow: it may round
            total = signals[name] if total is None else total * signals[name]
    return total


class Factors(NamedTuple):
    """All terms of one power of the weight: ``left.T @ right``, a sum over terms and episodes."""

    weight: int
    #: (sum, postsynaptic units), or (1, 1) where all have the same.
    left: Tensor
    #: (sum, presynaptic units); None for 1 everywhere, and then left has one row.
    right: Tensor | None


def factors(
    terms: Sequence[Vectors], shape: tuple[int, int], more: float = 0.0
) -> tuple[Factors, ...]:
    """Return `terms`, and the number `more`, by power of the weight, the power 0 first."""
    sides: dict[int, list[tuple[Tensor, Tensor | None]]] = {0: []}
    for term in terms:
        post = term.scale if term.post is None else term.scale * term.post
        sides.setdefault(term.weight, []).append((post, term.pre))
    if more:
        sides[0].append((terms[0].scale.new_full((1, 1), more), None))
    return tuple(_factors(weight, same, shape) for weight, same in sides.items() if same)


def _factors(
    weight: int, sides: Sequence[tuple[Tensor, Tensor | None]], shape: tuple[int, int]
) -> Factors:
    height, width = shape
    if all(pre is None for _, pre in sides):
        left = sides[0][0].sum(dim=0, keepdim=True)
        for post, _ in sides[1:]:
            left = left + post.sum(dim=0, keepdim=True)
        return Factors(weight, left, None)
    lefts = [post if post.shape[1] == height else post.expand(-1, height) for post, _ in sides]
    rights = [post.new_ones(len(post), width) if pre is None else pre for post, pre in sides]
    if len(sides) == 1:
        return Factors(weight, lefts[0], rights[0])
    return Factors(weight, torch.cat(lefts), torch.cat(rights))


def summed(
    terms: Sequence[Factors], rows: Index, columns: Index, base: Tensor, out: Tensor
) -> Tensor:
    """Return the sum of `terms` for the synapses of `rows` and `columns`, their weights `base`.

    The tensor is `out`, or where gradients flow a new one.
    """
    total = out
    if not terms or terms[0].weight:
        total.zero_()
    for weight, every_left, every_right in terms:
        left = (every_left if every_left.shape[1] == 1 else _chosen(every_left, rows)).t()
        right = None if every_right is None else _chosen(every_right, columns)
        if weight:
            power = base
            for _ in range(weight - 1):
                power = power * base
            total.addcmul_(left if right is None else left @ right, power)
        elif right is None:
            total.copy_(left)
        elif left.requires_grad or right.requires_grad:
            total = left @ right
        else:
            torch.mm(left, right, out=total)
    return total


def _chosen(vectors: Tensor, index: Index) -> Tensor:
    """Return some units of a side."""
    if isinstance(index, slice):
        return vectors if index.stop is None else vectors[:, index]
    return vectors.index_select(1, index)
