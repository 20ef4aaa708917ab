"""Every other process: its module, called as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from torch import Tensor

from hebbgraph.backends.snntorch.inference.emitter import Emitter
from hebbgraph.backends.snntorch.inference.lines import Arrivals, Line
from hebbgraph.backends.snntorch.parts import GraphSynapses
from hebbgraph.backends.snntorch.parts.graded import GradedUnit, PolynomialUnit
from hebbgraph.backends.snntorch.parts.groups import (
    BusGroups,
    SoftmaxGroups,
    WinnerTakeAllGroups,
)
from hebbgraph.backends.snntorch.shares import shared_out

#: Numbers of one port that a CPU works on together: some copies of them fit its cache, and they are
#: too few for torch to use several threads, whose waiting for each other costs more than they gain.
BLOCK = 2**15 - 1
#: Modules that are called for all episodes at once: torch reduces rows in several threads anyway.
WHOLE = (GraphSynapses, BusGroups, SoftmaxGroups, WinnerTakeAllGroups)
#: Modules that write their result where it belongs.
WRITERS = (PolynomialUnit, GradedUnit)


def options_of(part: Any) -> dict[str, Any]:
    """Return what `part` is called with in every step of a run."""
    if isinstance(part, GraphSynapses):
        return {"matrices": part.matrices()}
    return {"constants": part.constants()} if isinstance(part, WRITERS) else {}


@final
class Stepped(Emitter):
    """A process as its module defines it; without a memory, all steps of a chunk at once.

    What is known to be off as a whole emits nothing and keeps what it has. On a CPU many episodes
    are done some after others: what a module computes on the way then stays in the cache.
    """

    def __init__(
        self,
        part: Any,
        line: Line,
        outputs: Sequence[Tensor] = (),
        states: Mapping[str, Tensor] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(line, outputs, states)
        self._part = part
        self._registers: Sequence[Tensor] = ()
        self._options = dict(options or {})
        row = line.row(0)
        plain = row.device.type == "cpu" and not isinstance(part, WHOLE)
        self._block = max(1, BLOCK // max(1, row.shape[1]))
        self._in_blocks = plain and len(row) >= 2 * self._block
        self._writes = isinstance(part, WRITERS)

    def begin(self, place: int = 0) -> None:
        """Begin with zero states."""
        super().begin(place)
        self._registers = ()

    def hear(self, arrivals: Mapping[str, Arrivals]) -> None:
        """Take what arrives, the first port first."""
        super().hear(arrivals)
        (_, self._main), *others = arrivals.items()
        self._ports = dict(others)
        self._gate = self._ports.get("on") if self._part.silenced else None
        #: Whether it emits nothing where nothing arrives.
        self._quiet = not self._part.registers and set(self._ports) <= {"on"} and self._rests()

    def _rests(self) -> bool:
        row = self.line.row(0)
        nothing = row.new_zeros(1, self._main.size, dtype=self._main.dtype)
        return not bool(self._part(nothing, **self._options).any())

    def move(self, t: int) -> None:
        """Call the module."""
        open_ports = self._ports
        level = self._gate.level(t) if self._gate else None
        if level is False and len(self._registers) == len(self._part.registers):
            self._keep(t)
            self._skip(t)
            return
        arriving = self._main.at(t)
        if arriving is None and self._quiet:
            self._skip(t)
            return
        arriving = self._main.filled(arriving)
        if level:
            open_ports = {name: port for name, port in open_ports.items() if name != "on"}
        ports = {name: port.whole(t) for name, port in open_ports.items()}
        if self._in_blocks:
            self._move_in_blocks(t, arriving, ports)
            return
        emitted = self._part(arriving, *self._registers, **ports, **self._options)
        if self._part.registers:
            emitted, *self._registers = emitted
            self._keep(t)
        self.line.put(t, emitted)

    def _move_in_blocks(self, t: int, arriving: Tensor, ports: Mapping[str, Tensor]) -> None:
        """Call the module for some episodes after others, and gather what it returns."""
        row, before = self.line.row(t), self._registers

        def do(first: int) -> None:
            block = slice(first, first + self._block)
            given = {name: port[block] for name, port in ports.items()}
            if self._writes:
                self._part(arriving[block], out=row[block], **given, **self._options)
                return
            emitted = self._part(
                arriving[block], *(held[block] for held in before), **given, **self._options
            )
            if self._part.registers:
                emitted, *after = emitted
                if not self._registers:
                    self._registers = [n.new_empty(len(arriving), *n.shape[1:]) for n in after]
                for held, new in zip(self._registers, after, strict=True):
                    held[block].copy_(new)
            row[block].copy_(emitted)

        first, *further = range(0, len(arriving), self._block)
        do(first)  # makes room for registers
        shared_out(do, further)
        self._keep(t)

    def _skip(self, t: int) -> None:
        self._silent.add(t)
        self.line.skip(t)

    def _keep(self, t: int) -> None:
        """Record the registers."""
        for name, rows in self._states.items():
            rows[t].copy_(self._registers[self._part.registers.index(name)])

    def emitted(self, t: int) -> Tensor | None:
        """Return what was emitted at step `t`; None if it is off as a whole."""
        if self._gate and self._gate.level(t) is False:
            return None
        return super().emitted(t)

    def advance(self, first: int, last: int) -> None:
        """Call the module once, or step by step where it keeps something."""
        if self._part.registers:
            super().advance(first, last)
            return
        ports = {name: port.whole_slab(first, last) for name, port in self._ports.items()}
        arriving = self._main.whole_slab(first, last)
        self.line.slab(first, last).copy_(self._part(arriving, **ports, **self._options))
        self._record(first, last)
