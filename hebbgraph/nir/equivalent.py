"""equivalent: what a process of the fixed domain computes, but for rounding, in float."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hebbgraph.checks import Domain
from hebbgraph.processes import (
    LIF,
    BlockDense,
    Dense,
    Graded,
    Input,
    LeakyIntegrator,
    Process,
    Sparse,
    Transpose,
)
from hebbgraph.processes.base import UNBOUNDED

#: A voltage of the fixed domain is 64 in its register for each 1 of the float domain.
REGISTER = 64


@dataclass(frozen=True)
class Equivalent:
    """A process of the float domain in the place of one of the fixed domain."""

    process: Process
    #: Factor on what it emits.
    gain: float = 1.0
    #: What the fixed domain does beside it, in words; empty if nothing below its bounds.
    lost: str = ""


def equivalent(process: Process, domain: Domain, weights: Any = None) -> Equivalent:
    """Return the float form of `process`, its weights as they are, without a rule.

    `weights` are those of the Dense to which a `Transpose` is tied.
    """
    if domain == "float":
        if isinstance(process, Transpose):
            return Equivalent(Dense(weights.T))
        return Equivalent(replace(process, rule=None) if isinstance(process, Dense) else process)
    match process:
        case LIF():
            return _lif(process)
        case LeakyIntegrator():
            truncated = ((process.decay > 0) & (process.decay < 4096)).any()
            leaky = replace(process, decay=process.decay / 4096)
            return Equivalent(leaky, lost="its state is truncated to integers" * bool(truncated))
        case Dense() | Sparse() | BlockDense():
            scaled = process.weights * 2.0**process.exponent
            plain = replace(process, weights=scaled, exponent=0)
            plain = replace(plain, rule=None) if isinstance(plain, Dense) else plain
            return Equivalent(plain, lost=_floor(process.exponent))
        case Transpose():
            scaled = weights.T * 2.0**process.exponent
            return Equivalent(Dense(scaled), lost=_floor(process.exponent))
        case Input():
            rounded = process.signal == "graded" and (process.gain != np.rint(process.gain)).any()
            return Equivalent(process, lost="its data are rounded to integers" * bool(rounded))
        case Graded():
            low = np.where(process.low <= -UNBOUNDED, -np.inf, process.low)
            high = np.where(process.high >= UNBOUNDED, np.inf, process.high)
            plain_graded = replace(process, low=low, high=high, exponent=0)
            return Equivalent(plain_graded, 2.0**process.exponent, _floor(process.exponent))
    return Equivalent(process)


def _lif(process: LIF) -> Equivalent:
    truncated = (process.decay_u < 4095).any() or (process.decay_v > 0).any()
    plain = replace(
        process,
        decay_u=(process.decay_u + 1) / 4096,
        decay_v=process.decay_v / 4096,
        bias=process.bias * 2.0**process.bias_exponent / REGISTER,
        bias_exponent=0,
    )
    return Equivalent(plain, lost="its states are truncated to integers" * bool(truncated))


def _floor(exponent: int) -> str:
    return "its sums are rounded down" * (exponent < 0)
