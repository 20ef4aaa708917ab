"""Learning: what a `Rule` does to one set of synapses, as `backends/reference/learning` defines it.

Reading order: `terms` (the rule as vectors of each side), `rounding` (the four ways to round),
`plastic` (what was read, what it changes), then the three forms: `differentiable`, `in_place` (with
`regions`: which weights can change at all), `far` (sums that do not fit in 53 bits).
"""

from __future__ import annotations

from hebbgraph.backends.snntorch.learning.far import plastic_of
from hebbgraph.backends.snntorch.learning.plastic import Learning

__all__ = ["Learning", "plastic_of"]
