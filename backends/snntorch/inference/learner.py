"""The learning phase of one set of plastic synapses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor

from hebbgraph.backends.snntorch.inference.lines import Arrivals
from hebbgraph.backends.snntorch.learning import Learning


@final
class Learner:
    """Lets synapses read each step's signals and, at the end of an epoch, learn.

    `arrivals` by port of the synapses, ``gate`` only if something is connected to it; `recorded`
    (steps, episodes, weights) takes the weights of every step.
    """

    def __init__(
        self,
        plastic: Learning,
        arrivals: Mapping[str, Arrivals],
        steps: int,
        recorded: Tensor | None,
    ) -> None:
        self._plastic, self._steps = plastic, steps
        names = {"pre": "s", **{name: name for name in plastic.rule.ports}}
        self._signals = {name: arrivals[port] for name, port in names.items()}
        self._gate = arrivals.get("gate")
        self._recorded, self._batch = recorded, slice(0)
        self._episode = 0

    def begin(self, episodes: int, episode: int, first: int) -> None:
        """Begin `episodes` episodes from number `episode` on, recorded from `first` on."""
        self._plastic.begin(episodes)
        self._episode, self._batch = episode, slice(first, first + episodes)

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
