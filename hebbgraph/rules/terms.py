"""Terms: one line of maths as a sum of products."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

#: The polynomial while it is read: coefficient by (symbol, power) pairs, sorted.
_Polynomial = dict[tuple[tuple[str, int], ...], float]


@dataclass(frozen=True, order=True)
class Term:
    """A coefficient times powers of signals, ``coefficient * a**i * b**j``."""

    powers: tuple[tuple[str, int], ...]
    coefficient: float

    def __str__(self) -> str:
        names = [name if power == 1 else f"{name}**{power}" for name, power in self.powers]
        return "*".join([repr(self.coefficient), *names])


def parse(text: str, constants: Mapping[str, float] | None = None) -> tuple[Term, ...]:
    """Return `text` as a sum of terms, sorted, without terms of coefficient 0.

    Allowed are names, numbers, ``+ - *``, division by a number, whole powers 0 to 8, parentheses,
    and ``dw =`` in front. Raises `ValueError` that says what is not, in words.
    """
    head, equals, body = text.partition("=")
    source = body if equals else text
    if equals and head.strip() != "dw":
        raise ValueError(f"the left side must be dw, not {head.strip()!r}")
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{error.msg} in {source.strip()!r}") from None
    found = _expand(tree.body, dict(constants or {}))
    return tuple(sorted(Term(powers, c) for powers, c in found.items() if c != 0))


def as_text(terms: tuple[Term, ...]) -> str:
    """Return `terms` as one line that `parse` reads."""
    return " + ".join(map(str, terms)) or "0"


def _expand(node: ast.expr, constants: dict[str, float]) -> _Polynomial:
    if isinstance(node, ast.Constant):
        return {(): _number(node)}
    if isinstance(node, ast.Name):
        if node.id in constants:
            return {(): float(constants[node.id])}
        return {((node.id, 1),): 1.0}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
        return {powers: sign * c for powers, c in _expand(node.operand, constants).items()}
    if isinstance(node, ast.BinOp):
        return _binary(node, constants)
    raise ValueError(f"{ast.unparse(node)!r} is not a sum of products of signals")


def _binary(node: ast.BinOp, constants: dict[str, float]) -> _Polynomial:
    left, right = _expand(node.left, constants), _expand(node.right, constants)
    if isinstance(node.op, ast.Add | ast.Sub):
        sign = 1.0 if isinstance(node.op, ast.Add) else -1.0
        return _sum(left, {powers: sign * c for powers, c in right.items()})
    if isinstance(node.op, ast.Mult):
        return _product(left, right)
    if isinstance(node.op, ast.Div):
        if set(right) != {()} or right[()] == 0:
            raise ValueError(f"{ast.unparse(node)!r}: only division by a number but 0 is allowed")
        return {powers: c / right[()] for powers, c in left.items()}
    if isinstance(node.op, ast.Pow):
        power = right.get(()) if set(right) == {()} else None
        if power is None or power not in range(9):
            raise ValueError(f"{ast.unparse(node)!r}: a power must be a whole number in [0, 8]")
        result: _Polynomial = {(): 1.0}
        for _ in range(int(power)):
            result = _product(result, left)
        return result
    raise ValueError(f"{ast.unparse(node)!r} is not a sum of products of signals")


def _sum(left: _Polynomial, right: _Polynomial) -> _Polynomial:
    total = dict(left)
    for powers, c in right.items():
        total[powers] = total.get(powers, 0.0) + c
    return total


def _product(left: _Polynomial, right: _Polynomial) -> _Polynomial:
    total: _Polynomial = {}
    for a, c in left.items():
        for b, d in right.items():
            powers = dict(a)
            for name, power in b:
                powers[name] = powers.get(name, 0) + power
            key = tuple(sorted(powers.items()))
            total[key] = total.get(key, 0.0) + c * d
    return total


def _number(node: ast.Constant) -> float:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise ValueError(f"{node.value!r} is not a number")
    return float(node.value)
