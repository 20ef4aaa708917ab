"""Names of Brian2 objects, made from graph paths; fixed, as compiled code is cached by them."""

from __future__ import annotations

import builtins
import re
from collections.abc import Collection

#: What is appended to the name of an object for the objects that go with it.
SUFFIXES = (
    *("", "_step", "_look", "_shift", "_clear", "_feed", "_reduce", "_gather", "_signals"),
    *("_data", "_spikes", "_states", "_draws", "_record", "_recorded", "_pre", "_learn"),
    *("_learner", "_product"),
    *("_spike_thresholder", "_spike_resetter", "_learn_thresholder"),
)
#: Names that the generated script and the network use themselves.
RESERVED = (
    *dir(builtins),
    *("Path", "annotations", "arrays", "b2", "clock", "episode_clock", "hashlib", "ms"),
    *("network", "np", "timestep", "COPIES", "FIRST_EPISODE", "ROUNDS", "STEPS", "Any", "NDArray"),
    *("hebbgraph_clock", "hebbgraph_episode", "hebbgraph_network"),
    *("bus", "dendrite", "softmax", "shares", "winners", "convolved", "gathered"),
    *("wrap32", "wrap24", "Array"),
    *("Learner", "PlasticRule", "dataclass", "drawn_bits", "functools", "inf", "stream"),
)


class Names:
    """Hands out names that are valid in Brian2 and differ, with all that is derived from them."""

    def __init__(self, reserved: Collection[str] = RESERVED) -> None:
        self._taken: set[str] = set(reserved)

    def take(self, wanted: str, *further: str) -> str:
        """Return `wanted` with ASCII letters, digits and _ only, numbered if it is taken.

        `further` are suffixes of its own, beside `SUFFIXES`.
        """
        base = re.sub(r"[^A-Za-z0-9]+", "_", wanted).strip("_") or "unit"
        base = base if base[0].isalpha() else f"p{base}"
        name, number = base, 2
        while self._taken & _derived(name, further):
            name, number = f"{base}_{number}", number + 1
        self._taken |= _derived(name, further)
        return name


def _derived(name: str, further: tuple[str, ...]) -> set[str]:
    return {f"{name}{suffix}" for suffix in (*SUFFIXES, *further)}
