"""The learning phase of one set of plastic synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor

from hebbgraph.backends.snntorch.inference.lines import Arrivals
from hebbgraph.backends.snntorch.learning import Learning


@final
class Learner:
    """Lets synapses read each step's signals in `episodes` and, at the end of an epoch, learn.

    `arrivals` by port of the synapses, ``gate`` only if something is connected to it; `recorded`
    (steps, episodes, weights) takes the weights of every step.
    """

    def __init__(
        self,
        plastic: Learning,
        arrivals: Mapping[str, Arrivals],
        episodes: int,
        steps: int,
        recorded: Tensor | None,
    ) -> None:
        self._plastic, self._episodes, self._steps = plastic, episodes, steps
        names = {"pre": "s", **{name: name for name in plastic.rule.ports}}
        self._signals = {name: arrivals[port] for name, port in names.items()}
        self._gate = arrivals.get("gate")
        self._recorded, self._batch = recorded, slice(0)
        self._episode = 0

    def begin(self, number: int, place: int) -> None:
        """Begin a batch whose first episode has `number` and is recorded at `place`."""
        self._plastic.begin(self._episodes)
        self._episode, self._batch = number, slice(place, place + self._episodes)

    def step(self, t: int) -> None:
        """Read, and learn if an epoch ends."""
        plastic = self._plastic
        learns = plastic.rule.learns_at(t, self._steps)
        if learns or plastic.rule.traces:
            plastic.read({name: port.whole(t) for name, port in self._signals.items()})
        if learns:
            gate = None if self._gate is None else self._gate.whole(t)
            plastic.learn(gate, self._episode, t)
        if self._recorded is not None:
            self._recorded[t, self._batch].copy_(plastic.weights.reshape(1, -1))
