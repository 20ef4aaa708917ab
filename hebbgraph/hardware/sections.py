"""Sections of a config: what a machine holds, computes and learns, and the knobs of its costs."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from hebbgraph.hardware.figures import Count, Kind, Number, Section, Signed, Text, Whole
from hebbgraph.processes import KINDS


def _known_kind(name: str) -> str:
    if name not in KINDS:
        close = difflib.get_close_matches(name, KINDS, n=1)
        remedy = f"write {close[0]}" if close else "rename or remove it"
        need = f"must be a process kind: {', '.join(KINDS)}"
        raise PydanticCustomError("kind", "{need}", {"need": need, "remedy": remedy})
    return name


Name = Annotated[str, AfterValidator(_known_kind)]


class Limits(Section):
    """What one chip holds; what is not known is left out."""

    source: str
    cores: Count | None = None
    neurons_per_core: Count | None = None
    #: Synaptic memory of one core.
    synaptic_bits_per_core: Count | None = None
    axons_in_per_core: Count | None = None
    axons_out_per_core: Count | None = None
    #: The longest synaptic delay, in steps.
    max_delay: Count | None = None
    #: Bits of a weight, sign included.
    weight_bits: Count | None = None
    #: Bits a spike can carry; 0 is a binary spike.
    spike_payload_bits: Count | None = None


class Mesh(Section):
    """The network between the cores of one chip: tiles in rows and columns, routed x, then y."""

    source: str
    #: Tiles from west to east, and from north to south; cores that share the router of one tile.
    width: Annotated[Count, Field(ge=1)]
    height: Annotated[Count, Field(ge=1)]
    cores_per_tile: Annotated[Count, Field(ge=1)]
    #: Column and row of the tile at which spikes from outside enter.
    entry: tuple[Count, Count] = (0, 0)
    #: What a spike is sent as: one packet for each core it goes to, or for each outgoing axon.
    packets: Literal["core", "axon"] = "core"
    #: What was assumed, and why.
    note: Text


class Numerics(Section):
    """Widths of the machine's integers, which `passes.quantise` reads."""

    source: str
    #: Bits of a mixed-sign weight, sign included (its lowest bit is lost).
    weight_bits: Count
    #: Range of the power of two on a synapse group's sum.
    min_weight_exponent: Whole
    max_weight_exponent: Whole
    #: Bits of u and v, sign included.
    state_bits: Count
    #: Bits of a decay constant.
    decay_bits: Count
    #: Bits of the bias mantissa, sign included, and the largest power of two on it.
    bias_mantissa_bits: Count
    max_bias_exponent: Count
    #: Bits of the threshold mantissa, unsigned.
    threshold_mantissa_bits: Count


class SynapticMemory(Section):
    """How synapses lie in a core's memory; without it a synapse takes its weight's bits alone.

    The synapses of one incoming axon are stored in blocks, each with a header and rounded up to
    whole words. A synapse takes the bits of its weight, of its delay and, where not every unit of
    the core has one from this axon, of the index of its unit.
    """

    source: str
    word_bits: Count
    synapses_per_block: Count
    header_bits: Count
    #: Widths in which weights, and indices of units, can be stored.
    weight_formats: Annotated[tuple[Count, ...], Field(min_length=1)]
    index_formats: Annotated[tuple[Count, ...], Field(min_length=1)]


class LearningEngine(Section):
    """What changes weights while the chip runs: sums of products of signals at the synapse."""

    source: str
    #: Traces of the presynaptic and of the postsynaptic spikes that a rule can read.
    traces_pre: Count
    traces_post: Count
    #: Bits of a trace, unsigned; of the spare variable each synapse has; of a weight with its sign.
    trace_bits: Count
    tag_bits: Count
    weight_bits: Count
    #: A coefficient is a signed mantissa of so many bits times a power of two in this range.
    mantissa_bits: Count
    min_exponent: Whole
    max_exponent: Whole
    #: Steps between two changes.
    min_epoch: Count
    max_epoch: Count
    #: Where third factors may come from: ``all`` is one for all synapses, ``post`` one per unit.
    third_factors: tuple[Literal["pre", "post", "all"], ...]
    #: Places in a core's table that one incoming axon of plastic synapses takes.
    axon_slots: Count


class ProcessKinds(Section):
    """Which process kinds run on the chip itself; what is in neither list runs on a host."""

    source: str
    #: Built into the chip.
    native: tuple[Name, ...]
    #: Possible as a program for the chip's neurons, which someone has to write.
    programmed: tuple[Name, ...] = ()


class Knob(Section):
    """A choice of the design that some costs follow, such as the bits of a weight."""

    #: What the costs of the file hold for, and the range in which the laws do.
    value: Number
    low: Number
    high: Number
    unit: Text
    #: What it is, and why the range is what it is.
    note: Text


class Law(Section):
    """How a cost follows a knob: as a power, ``cost(x) = cost(x0) (x / x0)**exponent``.

    `low` and `high` bound the exponent; they widen the range of a cost away from x0.
    """

    exponent: Signed
    low: Signed
    high: Signed
    #: A key of the config's ``sources``; what is merely assumed names one of basis ``assumption``.
    source: str
    kind: Kind
    #: What it is derived from, and how its range was chosen.
    note: Text
