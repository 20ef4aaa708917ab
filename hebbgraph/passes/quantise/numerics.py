"""Numerics: the widths of a chip's integers, as quantise needs them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from hebbgraph.errors import Fault, Invalid

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware


@dataclass(frozen=True)
class Numerics:
    """Widths of the integers a chip offers; the defaults are Loihi's.

    Davies et al., IEEE Micro 38(1) 2018, doi:10.1109/MM.2018.112130359; lava-nc 0.10.0.
    """

    #: Bits of a mixed-sign weight, sign included (its lowest bit is lost).
    weight_bits: int = 9
    #: Range of the power of two on a sum of synapses.
    min_weight_exponent: int = -8
    max_weight_exponent: int = 7
    #: Bits of u and v, sign included: scales are chosen so that no more are needed.
    state_bits: int = 24
    #: Bits of a decay constant.
    decay_bits: int = 12
    #: Bits of the bias mantissa, sign included.
    bias_mantissa_bits: int = 13
    #: Largest power of two on a bias.
    max_bias_exponent: int = 7
    #: Bits of the threshold mantissa, unsigned.
    threshold_mantissa_bits: int = 17

    @property
    def largest_weight(self) -> int:
        """Return the largest weight of one sign: 255 for 9 bits."""
        return 2 ** (self.weight_bits - 1) - 1


def numerics_of(hardware: Hardware | str | None) -> Numerics:
    """Return the numerics of a config, Loihi's without one.

    Raises `Invalid` if it has none, or if a width is more than the fixed domain computes with.
    """
    if hardware is None:
        return Numerics()
    from hebbgraph.hardware import load  # pydantic is imported on use

    config = load(hardware) if isinstance(hardware, str) else hardware
    if config.numerics is None:
        need = "must be a config with a numerics section, such as loihi1_davies2018"
        raise Invalid("quantise", [Fault("hardware", config.name, need)])
    widest = Numerics()
    given = {f.name: int(getattr(config.numerics, f.name)) for f in fields(Numerics)}
    faults = []
    for name, value in given.items():
        least, most = (2, getattr(widest, name))
        if "exponent" in name:
            least, most = sorted((0, most))
        if not least <= value <= most:
            need = f"must be in [{least}, {most}], what the fixed domain computes with"
            faults.append(Fault(f"{config.name}.numerics.{name}", str(value), need))
    if faults:
        raise Invalid("quantise", faults)
    return Numerics(**given)
