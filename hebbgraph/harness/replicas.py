"""Replicas: independent runs of one network, and how their states overlap, P(q).

q_ab = (1/N) sum_i sigma_i^a sigma_i^b of two runs a, b with the same stored patterns and their own
noise. P(q) over pairs, times and networks is the order parameter of spin glasses: a peak at 0 where
the noise wins, two at +-q where one pattern is retrieved, and a broad or many-peaked one where
replica symmetry is broken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.checks import whole_faults
from hebbgraph.compile import compile  # noqa: A004
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.graph import Graph
from hebbgraph.metrics import Interval, bootstrap
from hebbgraph.processes import Domain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Bins of a histogram of q over [-1, 1].
BINS = 41


@dataclass(frozen=True, eq=False)
class OverlapDistribution:
    """Overlaps of pairs of replicas, network by network."""

    #: One array per network, (samples, pairs).
    overlaps: tuple[NDArray[np.float64], ...]

    def histogram(self, bins: int = BINS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the middles of the bins and P(q) there, of integral 1, all networks alike."""
        edges = np.linspace(-1, 1, bins + 1)
        each = [np.histogram(q, edges, density=True)[0] for q in self.overlaps]
        return (edges[1:] + edges[:-1]) / 2, np.mean(each, axis=0)

    def moment(self, power: int) -> Interval:
        """Return the mean of abs(q)**power, with its interval over networks."""
        return bootstrap([float((np.abs(q) ** power).mean()) for q in self.overlaps])

    @property
    def binder(self) -> float:
        """Return (3 - <q**4> / <q**2>**2) / 2: 0 for a Gaussian around 0, 1 for peaks at +-q."""
        second = np.mean([(q**2).mean() for q in self.overlaps])
        fourth = np.mean([(q**4).mean() for q in self.overlaps])
        return float((3 - fourth / second**2) / 2) if second else 0.0

    def draw(self, axes: Axes, label: str = "", bins: int = BINS) -> None:
        """Draw P(q) as a line on `axes`."""
        middles, density = self.histogram(bins)
        axes.step(middles, density, where="mid", label=label)
        axes.set_xlabel("overlap of two replicas  q")
        axes.set_ylabel("P(q)")


def overlap_distribution(networks: Sequence[ArrayLike]) -> OverlapDistribution:
    """Return the overlaps of all pairs of replicas.

    Each of `networks` is (replicas, samples, N), or (replicas, N) for one sample each, of values -1
    and +1; samples of the same index are compared. Raises `Invalid` for fewer than two replicas.
    """
    found = []
    for index, given in enumerate(networks):
        states = np.asarray(given, dtype=np.float64)
        states = states[:, np.newaxis] if states.ndim == 2 else states
        if states.ndim != 3 or len(states) < 2:
            got, need = f"shape {states.shape}", "must be (2 or more replicas, samples, N)"
            raise Invalid("overlap_distribution", [Fault(f"networks[{index}]", got, need)])
        one, other = np.triu_indices(len(states), 1)
        matrices = np.einsum("atn,btn->tab", states, states) / states.shape[2]
        found.append(matrices[:, one, other])
    return OverlapDistribution(tuple(found))


def replicas(
    graph: Graph,
    family: Family,
    starts: ArrayLike,
    steps: int,
    *,
    burn: int = 0,
    every: int = 1,
    backend: str = "reference",
    domain: Domain = "float",
) -> NDArray[Any]:
    """Return states (replicas, samples, N) of independent runs of one network on an engine.

    A replica is an episode: it starts at its row of `starts` (replicas, N) and draws its own noise,
    so `graph` should have a temperature. States are taken every `every` steps after the first
    `burn` of `steps`. Raises `Invalid` with every fault of the arguments.
    """
    cues = np.asarray(starts)
    faults = [*whole_faults("steps", steps, 1, 2**31), *whole_faults("every", every, 1, 2**31)]
    faults += whole_faults("burn", burn, 0, max(steps - 1, 0))
    if cues.ndim != 2 or len(cues) < 2:
        faults.append(Fault("starts", f"shape {cues.shape}", "must be (2 or more replicas, N)"))
    if faults:
        raise Invalid("replicas", faults)
    with compile(graph, backend, domain=domain) as program:
        states = family.read(program.run(family.present(cues), steps))
    return np.asarray(states[:, burn::every])
