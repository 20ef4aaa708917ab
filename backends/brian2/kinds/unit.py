"""unit: what a process of units without neighbours becomes: one population, one string a step.

`fixed` is integers throughout (int64). Brian2's strings have no shifts and its ``int``, ``floor``
and ``ceil`` pass through 32 bits, so a shift to the right is ``//``, which is a true floor on all
targets, and ``int`` is only applied to comparisons. ``clip`` compares in double precision, which
is exact for whole numbers below 2**53.

Brian2 turns ``x = x*y``, ``x = x + y`` and ``x = x/y`` into changes in place (the last into a
product with 1/y). On the NumPy target ``y = x`` gives the same array a second name, so a variable
that was assigned in this way is never changed afterwards: strings give each value a name of its
own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: What arrives at each port, in words: the sum of linked variables; empty without a connection.
Ports = Mapping[str, str]


@dataclass(frozen=True)
class Unit:
    """The code of a kind and what it needs."""

    code: str
    states: tuple[str, ...] = ()
    #: Fields of the process that are constants of the population.
    parameters: tuple[str, ...] = ()
    #: When it spikes, and what happens then.
    condition: str = ""
    reset: str = ""
    #: Statements that follow once those before have written their variables.
    then: str = ""
    #: A table that the variable ``k`` indexes; its entry is ``{entry}`` in `then`.
    table: Any = None


def wrap32(name: str) -> str:
    """Return the statement that keeps 32 bits of a variable, as a register does."""
    return f"{name} = {name} - 4294967296*(({name} + 2147483648)//4294967296)"


def saturated(text: str, bits: int) -> str:
    """Return `text` clipped to what `bits` hold with a sign, symmetric about 0."""
    largest = 2 ** (bits - 1) - 1
    return f"clip({text}, {-largest}, {largest})"


def magnitude(name: str) -> str:
    """Return the absolute value of a variable: ``abs`` is wrong for negative int64 in Cython."""
    return f"{name}*(int({name} > 0) - int({name} < 0))"


def shifted(text: str, exponent: int) -> str:
    """Return floor(2**exponent text); `text` must bind like a product."""
    if exponent > 0:
        return f"{text}*{2**exponent}"
    return f"{text}//{2**-exponent}" if exponent else text


def frozen_where_off(code: str, on: str, keeps: Sequence[str]) -> str:
    """Let units that receive 0 at port ``on`` keep the variables `keeps`.

    `code` comes back as it is where the port is not connected; else it may use ``on``, and must
    give `keeps` values in which they do not stand as they are.
    """
    if not on:
        return code
    lines = [f"on = int(({on}) != 0)", *(f"{name}_before = {name}" for name in keeps), code]
    lines += [f"{name} = on*{name} + (1 - on)*{name}_before" for name in keeps]
    return "\n".join(lines)


def gated(text: str, on: str) -> str:
    """Return `text`, which must bind like a product, or 0 where ``on`` is off."""
    return f"on*{text}" if on else text
