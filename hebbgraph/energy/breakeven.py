"""Break-even: where critics say that spiking pays, and on which side of it a run lies.

Three published conditions, each from counters alone:

- M. Dampfhoffer et al., IEEE TETCI 7(3), 2023, doi:10.1109/TETCI.2022.3214509: a network of IF
  units competes with an efficient implementation of an artificial one only below 0.15 to 1.38
  spikes per synapse and inference, depending on that implementation.
- Z. Yan, Z. Bai, K. Tang and W.-F. Wong, 2024, arXiv:2409.08290: against a quantised network of
  ceil(log2(T + 1)) bits, T steps between 5 and 10 pay below an average rate of 6.4 % (version 3 of
  the preprint; version 4 has 5.7 % at T = 5).
- E. Lemaire et al., ICONIP 2022, arXiv:2210.13107: reads and writes of memory decide, not
  additions against multiplications. Here both networks are priced with the parts of
  ``digital_45nm``: this one as it ran, and one of the same shape that reads every weight once,
  multiplies and accumulates it once for each inference.

None of them was made for recurrent memories: an inference of a memory is a whole recall.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from hebbgraph.counters import SYNAPSE_BITS, WORD_BITS, Counters, ProcessCounts
from hebbgraph.energy import energy
from hebbgraph.energy.band import quantity

#: Spikes per synapse and inference (Dampfhoffer et al. 2023, abstract).
DAMPFHOFFER = (0.15, 1.38)
#: Average rate and the steps it holds for (Yan et al. 2024, abstract of version 3).
YAN_RATE, YAN_STEPS = 0.064, (5, 10)
#: Whose parts price the third condition.
PARTS = "digital_45nm"

PAYS, OPEN, FAILS, NOT = "pays", "depends", "does not pay", "does not apply"


@dataclass(frozen=True)
class BreakEven:
    """One condition, applied to one run."""

    #: ``dampfhoffer2023``, ``yan2024`` or ``lemaire2022``.
    paper: str
    cite: str
    #: ``pays``, ``depends`` (between two bounds), ``does not pay`` or ``does not apply``.
    verdict: str
    #: What was measured; None where the condition does not apply.
    value: float | None
    #: Below the first it pays, above the last it does not.
    bounds: tuple[float, float]
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(self), "bounds": list(self.bounds)}


def break_even(counters: Counters) -> tuple[BreakEven, ...]:
    """Return all three conditions for one run, an episode being one inference."""
    return spikes_per_synapse(counters), spike_rate(counters), memory_terms(counters)


def spikes_per_synapse(counters: Counters) -> BreakEven:
    """Return how often a synapse carries a spike per inference, against 0.15 to 1.38."""
    synapses = _synapses(counters)
    cite = (
        'M. Dampfhoffer et al., "Are SNNs really more energy-efficient than ANNs? An in-depth'
        ' hardware-aware study", IEEE TETCI 7(3), 2023, doi:10.1109/TETCI.2022.3214509'
    )
    low, high = DAMPFHOFFER
    events = counters.total("synops_ac")
    if not synapses or not events:
        text = "no spike passed a synapse, so there is nothing to compare"
        return BreakEven("dampfhoffer2023", cite, NOT, None, DAMPFHOFFER, text)
    value = events / synapses / counters.episodes
    verdict = PAYS if value < low else OPEN if value <= high else FAILS
    ends = {
        PAYS: "fewer than any of the implementations compared needs",
        OPEN: "it depends on the implementation that it is compared with",
        FAILS: "more than any of them allows",
    }
    text = (
        f"{value:.2g} spikes per synapse and inference; IF networks compete below {low} to {high}:"
        f" {ends[verdict]}"
    )
    return BreakEven("dampfhoffer2023", cite, verdict, value, DAMPFHOFFER, text)


def spike_rate(counters: Counters) -> BreakEven:
    """Return the average rate of units against 6.4 %, for 5 to 10 steps per inference."""
    cite = (
        'Z. Yan, Z. Bai, K. Tang, W.-F. Wong, "Reconsidering the energy efficiency of spiking'
        ' neural networks", 2024, arXiv:2409.08290'
    )
    bounds = (YAN_RATE, YAN_RATE)
    steps = counters.timesteps / counters.episodes if counters.episodes else 0
    first, last = YAN_STEPS
    units = [c for c in counters.processes.values() if c.neuron_accesses and c.spikes]
    visits = sum(c.neuron_accesses for c in units)
    if not visits:
        return BreakEven("yan2024", cite, NOT, None, bounds, "no unit spikes")
    rate = sum(c.spikes for c in units) / visits
    if not first <= steps <= last:
        text = (
            f"made for {first} to {last} steps per inference, there are {steps:g} (rate"
            f" {100 * rate:.2g} %)"
        )
        return BreakEven("yan2024", cite, NOT, None, bounds, text)
    bits = math.ceil(math.log2(steps + 1))
    verdict = PAYS if rate < YAN_RATE else FAILS
    text = (
        f"average rate {100 * rate:.2g} % over {steps:g} steps; against a network of {bits} bits it"
        f" pays below {100 * YAN_RATE:g} % (5.7 % in the preprint's fourth version, for 5 steps)"
    )
    return BreakEven("yan2024", cite, verdict, rate, bounds, text)


def memory_terms(counters: Counters) -> BreakEven:
    """Return this run's energy over that of a dense network of its shape, memory included."""
    cite = (
        'E. Lemaire et al., "An analytical estimation of spiking neural networks energy'
        ' efficiency", ICONIP 2022, arXiv:2210.13107'
    )
    bounds = (1.0, 1.0)
    synapses = _synapses(counters)
    if not synapses or not counters.episodes:
        text = "no synapse, so there is nothing to compare"
        return BreakEven("lemaire2022", cite, NOT, None, bounds, text)
    ours, theirs = energy(counters, PARTS), energy(dense_equivalent(counters), PARTS)
    ratio = ours.dynamic.nominal / theirs.dynamic.nominal
    memory = ours.components.get("memory")
    share = memory.nominal / ours.dynamic.nominal if memory and ours.dynamic.nominal else 0.0
    alone = _computing(ours.components) / _computing(theirs.components)
    verdict = PAYS if ratio < 1 else FAILS
    each = quantity(ours.dynamic.nominal / counters.episodes, "J")
    text = (
        f"{ratio:.2g} times the energy of a dense network of this shape that runs once ({each} per"
        f" inference from the parts of {PARTS}, {100 * share:.2g} % of it memory); arithmetic alone"
        f" would say {alone:.2g} times"
    )
    return BreakEven("lemaire2022", cite, verdict, ratio, bounds, text)


def dense_equivalent(counters: Counters) -> Counters:
    """Return the counters of a dense network of the same shape, one pass for each episode.

    Every weight is read, multiplied and accumulated once, every unit computed once.
    """
    processes, n, steps = {}, counters.episodes, max(1, counters.timesteps)
    for path, counts in counters.processes.items():
        weights, units = counts.synops_dense // steps, counts.neuron_accesses // steps
        processes[path] = ProcessCounts(
            synops_mac=n * weights,
            synops_dense=n * weights,
            synaptic_words=n * -(-weights * SYNAPSE_BITS // WORD_BITS),
            neuron_accesses=n * units,
            updates_active=n * units,
        )
    return Counters(processes, n, n, n, counters.host_in_bits, counters.host_out_bits)


def _synapses(counters: Counters) -> int:
    """Return the weights of the network, zeros among them."""
    return counters.total("synops_dense") // counters.timesteps if counters.timesteps else 0


def _computing(components: dict[str, Any]) -> float:
    return sum(components[name].nominal for name in ("synapse", "neuron") if name in components)
