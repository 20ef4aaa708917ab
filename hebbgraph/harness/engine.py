"""Engine: where a memory runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from hebbgraph.backend import Progress
from hebbgraph.compile import Program, compile  # noqa: A004
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.processes import Domain
from hebbgraph.result import Result

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware

#: Called with (done, total, what is being done).
Teller = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Engine:
    """A back end with its settings."""

    backend: str = "reference"
    domain: Domain = "float"
    hardware: Hardware | str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def compile(self, family: Family, patterns: NDArray[Any]) -> Program:
        """Return the memory of `patterns`, compiled.

        Raises `Invalid` if its graph has no Input to show cues to.
        """
        graph = family.checked(family.build(patterns), patterns)
        return compile(
            graph, self.backend, domain=self.domain, hardware=self.hardware, **self.options
        )

    def recall(
        self,
        family: Family,
        program: Program,
        cues: NDArray[Any],
        steps: int,
        progress: Progress | None = None,
        first_episode: int = 0,
    ) -> tuple[NDArray[Any], Result]:
        """Return the states (episodes, steps, N) from `cues` (episodes, N), and the result.

        `first_episode` is the number under which the first cue draws its random numbers.
        Raises `Invalid` if the family reads states of another shape.
        """
        result = program.run(
            family.present(cues), steps, first_episode=first_episode, progress=progress
        )
        states = family.read(result)
        if states.shape != (len(cues), steps, cues.shape[1]):
            need = f"must be {(len(cues), steps, cues.shape[1])}: episodes, steps, units of a cue"
            raise Invalid("memory", [Fault("states read", f"shape {states.shape}", need)])
        return states, result
