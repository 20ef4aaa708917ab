"""How many bits synapses take in a core's memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hebbgraph.processes import Dense, Process, Sparse

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware, SynapticMemory

#: Bits of a weight's magnitude: the chip's mantissa in `fixed`, and what `float` will become.
MANTISSA_BITS = 8
#: The lowest power of two on a sum where a machine does not say.
MIN_EXPONENT = -8


def stored_bits(process: Process, domain: str, hardware: Hardware) -> int:
    """Return the bits in which one weight of `process` is stored.

    A weight is shifted up as far as the exponent allows, lowest bits that are then 0 in all
    weights are not stored, and where signs are mixed the sign takes the place of the lowest bit.
    Plastic weights, and those of the float domain, need the full width.
    """
    memory = hardware.synaptic_memory
    formats = memory.weight_formats if memory else tuple(range(1, MANTISSA_BITS + 1))
    rule = process.rule if isinstance(process, Dense) else None
    weights = getattr(process, "weights", None)
    if rule is not None or domain == "float" or weights is None or not weights.any():
        return max(formats)
    mixed = bool(weights.min() < 0 < weights.max())
    # Two's complement reaches one further down than up.
    largest = max(int(weights.max()), -int(weights.min()) - mixed)
    free = MANTISSA_BITS - largest.bit_length()
    least = hardware.numerics.min_weight_exponent if hardware.numerics else MIN_EXPONENT
    raised = max(0, min(free, getattr(process, "exponent", 0) - least))
    grain = int(np.gcd.reduce(np.abs(weights), axis=None))
    spare = (grain & -grain).bit_length() - 1 + raised
    needed = max(1, MANTISSA_BITS + mixed - spare)
    return min((bits for bits in formats if bits >= needed), default=max(formats))


def delay_bits(process: Process, further: int) -> int:
    """Return the bits in which a synapse stores its delay, `further` steps beyond the first.

    Only what goes beyond the one step that every synapse takes is stored.
    """
    own = process.longest_delay if isinstance(process, Dense | Sparse) else 0
    return int(own + further).bit_length()


@dataclass(frozen=True)
class AxonMemory:
    """Bits that axons take on one core, by the number of their synapses there."""

    memory: SynapticMemory | None
    #: Bits of one synapse: weight and delay.
    synapse_bits: int
    #: The most synapses that an axon can have on one core.
    most: int

    def dense(self) -> NDArray[np.int64]:
        """Return bits by number of synapses, where every unit has one."""
        return self._table(self.synapse_bits)

    def sparse(self, units: int) -> NDArray[np.int64]:
        """Return the same where each synapse names its unit, one of `units` on the core."""
        if self.memory is None:
            return self._table(self.synapse_bits)
        formats = self.memory.index_formats
        needed = int(max(units - 1, 1)).bit_length()
        index = min((bits for bits in formats if bits >= needed), default=max(formats))
        return self._table(self.synapse_bits + index)

    def _table(self, bits: int) -> NDArray[np.int64]:
        count = np.arange(self.most + 1, dtype=np.int64)
        memory = self.memory
        if memory is None:
            return count * bits
        blocks, rest = np.divmod(count, memory.synapses_per_block)
        word = memory.word_bits
        full = -(-(memory.synapses_per_block * bits + memory.header_bits) // word) * word
        part = -(-(rest * bits + memory.header_bits) // word) * word
        return blocks * full + np.where(rest > 0, part, 0)
