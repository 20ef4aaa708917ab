"""Names of Brian2 objects, made from graph paths; fixed, as compiled code is cached by them."""

from __future__ import annotations

import re

#: What is appended to the name of an object for the objects that go with it.
SUFFIXES = (
    *("", "_step", "_shift", "_clear", "_feed", "_product"),
    *("_data", "_weights", "_spikes", "_states", "_spike_thresholder", "_spike_resetter"),
    "_pre",
)
#: Names that the generated script and the network use themselves.
RESERVED = (
    *("Path", "arrays", "b2", "clock", "dict", "episode_clock"),
    *("ms", "network", "np", "EPISODES", "STEPS", "arriving"),
    *("total", "values", "hebbgraph_clock", "hebbgraph_episode", "hebbgraph_network"),
)


class Names:
    """Hands out names that are valid in Brian2 and differ, with all that is derived from them."""

    def __init__(self) -> None:
        self._taken: set[str] = set(RESERVED)

    def take(self, wanted: str) -> str:
        """Return `wanted` with ASCII letters, digits and _ only, numbered if it is taken."""
        base = re.sub(r"[^A-Za-z0-9]+", "_", wanted).strip("_") or "unit"
        base = base if base[0].isalpha() else f"p{base}"
        name, number = base, 2
        while self._taken & _derived(name):
            name, number = f"{base}_{number}", number + 1
        self._taken |= _derived(name)
        return name


def _derived(name: str) -> set[str]:
    return {f"{name}{suffix}" for suffix in SUFFIXES}
