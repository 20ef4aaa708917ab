"""Latency: how long a run takes on a machine, from its counters, without a placement.

The cores of a chip work side by side and meet at a barrier every step. How evenly the work is
spread is the placement's business; until there is one, the time lies between two extremes::

    low      = work / (all cores)      + barriers
    nominal  = work / (fewest cores)   + barriers
    high     = work                    + barriers        all on one core

with work = sum of counts times the time of each event, and *fewest cores* the number that the
units and synapses of the network fill (zero weights included).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hebbgraph.counters import SYNAPSE_BITS, Counters
from hebbgraph.energy.band import Band
from hebbgraph.hardware import PLACEMENT_COUNTERS, Hardware, Limits


@dataclass(frozen=True)
class Latency:
    """Modelled time of a run, and what it rests on."""

    #: Seconds for the whole run.
    time: Band
    #: The fewest cores that hold the network, and the chips that have them.
    cores: int
    chips: int
    #: What was assumed and left out, in words.
    words: str


def latency(counters: Counters, hardware: Hardware) -> Latency | None:
    """Return the modelled time of a run on `hardware`, or None if it gives no times."""
    if not hardware.timing:
        return None
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
