"""The module of each process kind: one step of it, as `backends/reference/steps` defines it."""

from __future__ import annotations

from typing import Any

from hebbgraph.backends.snntorch.parts.common import Part
from hebbgraph.backends.snntorch.parts.graded import (
    ExponentialUnit,
    GradedUnit,
    LeakyIntegratorUnit,
    PolynomialUnit,
    SigmaDeltaUnit,
)
from hebbgraph.backends.snntorch.parts.groups import (
    BusGroups,
    DendriteNeuron,
    SoftmaxGroups,
    WinnerTakeAllGroups,
)
from hebbgraph.backends.snntorch.parts.neurons import (
    GraphNeuron,
    LIFNeuron,
    SignNeuron,
    TernaryLIFNeuron,
)
from hebbgraph.backends.snntorch.parts.source import Source
from hebbgraph.backends.snntorch.parts.synapses import (
    BlockDenseSynapses,
    Conv2dSynapses,
    DenseSynapses,
    GraphSynapses,
    SparseSynapses,
    TransposeSynapses,
)

#: The module of every kind that an engine is given, by the name of its process.
PARTS: dict[str, Any] = {
    "Input": Source,
    "LIF": LIFNeuron,
    "TernaryLIF": TernaryLIFNeuron,
    "Sign": SignNeuron,
    "LeakyIntegrator": LeakyIntegratorUnit,
    "SigmaDelta": SigmaDeltaUnit,
    "Graded": GradedUnit,
    "Polynomial": PolynomialUnit,
    "Exponential": ExponentialUnit,
    "Bus": BusGroups,
    "WinnerTakeAll": WinnerTakeAllGroups,
    "Softmax": SoftmaxGroups,
    "Dendrite": DendriteNeuron,
    "Dense": DenseSynapses,
    "Transpose": TransposeSynapses,
    "Sparse": SparseSynapses,
    "BlockDense": BlockDenseSynapses,
    "Conv2d": Conv2dSynapses,
}

__all__ = ["PARTS", "GraphNeuron", "GraphSynapses", "Part", "Source"]
