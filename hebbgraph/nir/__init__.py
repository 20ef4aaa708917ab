"""NIR: graphs to and from the Neuromorphic Intermediate Representation.

Pedersen et al., "Neuromorphic intermediate representation: A unified instruction set for
interoperable brain-inspired computing", Nature Communications 15, 8122, 2024,
doi:10.1038/s41467-024-52259-9. Needs the package nir: ``pip install "hebbgraph[nir]"``.

NIR describes neurons by differential equations, in seconds, and leaves open how they are stepped.
Here both directions take forward Euler with a step ``dt``, current before voltage, as snnTorch
does; a neuron is carried over faithfully if its step is then that of ours, up to rounding. Without
a Delay, NIR's nodes act within one step and a cycle takes one step; here each synapse takes one.
So outputs are shifted by a constant number of steps, one per layer: `Fidelity.shifts`.
"""

from hebbgraph.nir.exporter import STEP, to_nir
from hebbgraph.nir.fidelity import Entry, Fidelity, Grade, Lossy
from hebbgraph.nir.importer import assessed, from_nir
from hebbgraph.nir.storage import assess, read, write

__all__ = [
    "STEP",
    "Entry",
    "Fidelity",
    "Grade",
    "Lossy",
    "assess",
    "assessed",
    "from_nir",
    "read",
    "to_nir",
    "write",
]
