"""One step of each process kind: the definition of what it does, in both domains.

A step is given the process, its registers (changed in place) and what arrives at its ports, and
returns what it emits. Arrays have shape (episodes, units).

These modules, `loihi` and `learning` import NumPy alone and run on Python 3.10 too, so that the
worker of the Lava back end executes them as they are.
"""

from __future__ import annotations

from hebbgraph.backends.reference.steps.common import Step
from hebbgraph.backends.reference.steps.graded import GRADED
from hebbgraph.backends.reference.steps.groups import GROUPS
from hebbgraph.backends.reference.steps.spiking import SPIKING
from hebbgraph.backends.reference.steps.synapses import SYNAPSES

#: The step of each (kind, domain). Sources have none: they emit what they are given.
STEPS: dict[tuple[str, str], Step] = {**SPIKING, **GRADED, **GROUPS, **SYNAPSES}
