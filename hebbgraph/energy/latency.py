"""Latency: how long a run takes on a machine.

The cores of a chip work side by side and meet at a barrier every step. With a placement each step
takes as long as its busiest core, the longest way of a packet, and the barrier::

    t_step = max over cores(sum_k n_k t_k) + hops_x t_x + hops_y t_y + t_barrier

with the synaptic operations, updates, spikes and outgoing packets of each core. Without one, the
time lies between two extremes::

    low      = work / (all cores)      + barriers
    nominal  = work / (fewest cores)   + barriers
    high     = work                    + barriers        all on one core

with work = sum of counts times the time of each event, and *fewest cores* the number that the
units and synapses of the network fill (zero weights included).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hebbgraph.counters import SYNAPSE_BITS, Counters
from hebbgraph.energy.band import Band
from hebbgraph.hardware import PLACEMENT_COUNTERS, Hardware, Limits

if TYPE_CHECKING:
    from hebbgraph.placement import Traffic


@dataclass(frozen=True)
class Latency:
    """Modelled time of a run, and what it rests on."""

    #: Seconds for the whole run.
    time: Band
    #: The cores of the placement, or the fewest that hold the network; the chips that have them.
    cores: int
    chips: int
    #: What was assumed and left out, in words.
    words: str


def latency(
    counters: Counters, hardware: Hardware, traffic: Traffic | None = None
) -> Latency | None:
    """Return the modelled time of a run on `hardware`, or None if it gives no times."""
    if not hardware.timing:
        return None
    if traffic is not None:
        return _placed(counters, hardware, traffic)
    counts = counters.totals()
    bands = {
        counter: Band(figure.low, figure.value, figure.high) * counts[counter]
        for counter, figure in hardware.timing.items()
        if counter not in PLACEMENT_COUNTERS
    }
    barriers = bands.pop("barriers", Band())
    work = Band.sum(bands.values())
    fewest, chips, every = _cores(counters, hardware.limits)
    spread = Band(work.low / every, work.nominal / fewest, work.high)
    untimed = [name for name in PLACEMENT_COUNTERS if name in hardware.timing]
    words = (
        f"work spread evenly over {fewest} core{'s' if fewest != 1 else ''}, the fewest that hold"
        f" the network (low: over {every}, high: on one)"
    )
    if untimed:
        words += f"; without placement, {', '.join(untimed)} take no time"
    return Latency(Band.sum((spread, barriers)), fewest, chips, words)


def _placed(counters: Counters, hardware: Hardware, traffic: Traffic) -> Latency:
    """Return the time in which the busiest core of every step is done."""
    timing = hardware.timing
    spans = []
    for end in ("low", "value", "high"):
        each = {name: float(getattr(figure, end)) for name, figure in timing.items()}
        busy = np.zeros((1, max(1, traffic.cores)))
        for name, counts in traffic.by_step.items():
            busy = busy + each.get(name, 0.0) * counts
        route = np.zeros(1)
        for column, name in enumerate(("hops_x", "hops_y", "chip_crossings")):
            route = route + each.get(name, 0.0) * traffic.routes[:, column]
        barrier = each.get("barriers", 0.0) * counters.barriers
        spans.append(float(np.max(busy, axis=1).sum() + route.sum()) + barrier)
    which = f"the busiest of {traffic.cores} cores in every step"
    words = which if traffic.cores > 1 else "one core does everything"
    words += ", and the longest way of a packet"
    if traffic.packets_outside:
        words += "; what comes from outside is there in time"
    untimed = traffic.chip_crossings and "chip_crossings" not in timing
    if untimed:
        words += "; crossing from chip to chip takes no time"
    return Latency(Band(*spans), traffic.cores, max(1, traffic.chips), words)


def _cores(counters: Counters, limits: Limits | None) -> tuple[int, int, int]:
    """Return the fewest cores that hold the network, their chips, and all cores of those chips."""
    fewest = 1
    if limits is not None and counters.timesteps:
        units = counters.total("neuron_accesses") / counters.timesteps
        bits = SYNAPSE_BITS * counters.total("synops_dense") / counters.timesteps
        for need, room in (
            (units, limits.neurons_per_core),
            (bits, limits.synaptic_bits_per_core),
        ):
            fewest = max(fewest, math.ceil(need / room)) if room else fewest
    per_chip = limits.cores if limits is not None and limits.cores else fewest
    chips = math.ceil(fewest / per_chip)
    return fewest, chips, chips * per_chip
