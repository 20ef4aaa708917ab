"""What all steps share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
State = dict[str, Any]
Step = Callable[[Any, State, dict[str, Array]], Array]


def frozen_where_off(step: Step) -> Step:
    """Let units whose port ``on`` receives 0 keep their registers and emit 0."""

    @functools.wraps(step)
    def gated(process: Any, state: State, arriving: dict[str, Array]) -> Array:
        before = dict(state)
        out = step(process, state, arriving)
        on = arriving["on"] != 0
        for name, values in before.items():
            state[name] = np.where(on, state[name], values)
        return np.where(on, out, np.zeros_like(out))

    return gated
