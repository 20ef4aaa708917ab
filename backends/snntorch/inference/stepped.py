"""Every other process: its module, called as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from torch import Tensor

from hebbgraph.backends.snntorch.inference.emitter import Emitter
from hebbgraph.backends.snntorch.inference.lines import Arrivals, Line
from hebbgraph.backends.snntorch.parts import GraphSynapses


@final
class Stepped(Emitter):
    """A process as its module defines it; without a memory, all steps of a chunk at once."""

    def __init__(
        self,
        part: Any,
        line: Line,
        outputs: Sequence[Tensor] = (),
        states: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__(line, outputs, states)
        self._part, self._registers = part, ()
        self._options: dict[str, Any] = {}
        if isinstance(part, GraphSynapses):
            self._options["matrices"] = part.matrices()

    def begin(self) -> None:
        """Begin with zero states."""
        super().begin()
        self._registers = ()

    def hear(self, arrivals: Mapping[str, Arrivals]) -> None:
        """Take what arrives, the first port first."""
        super().hear(arrivals)
        (_, self._main), *others = arrivals.items()
        self._ports = dict(others)

    def move(self, t: int) -> None:
        """Call the module."""
        ports = {name: port.whole(t) for name, port in self._ports.items()}
        emitted = self._part(self._main.whole(t), *self._registers, **ports, **self._options)
        if self._part.registers:
            emitted, *self._registers = emitted
            for name, rows in self._states.items():
                rows[t].copy_(self._registers[self._part.registers.index(name)])
        self.line.row(t).copy_(emitted)

    def advance(self, first: int, last: int) -> None:
        """Call the module once, or step by step where it keeps something."""
        if self._part.registers:
            super().advance(first, last)
            return
        ports = {name: port.whole_slab(first, last) for name, port in self._ports.items()}
        arriving = self._main.whole_slab(first, last)
        self.line.slab(first, last).copy_(self._part(arriving, **ports, **self._options))
        self._record(first, last)
