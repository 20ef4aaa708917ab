"""The code of each process kind, as Brian2 runs it once a step, in both domains.

`fixed` is integers throughout (int64). Brian2's strings have no shifts and its ``int``, ``floor``
and ``ceil`` pass through 32 bits, so a shift to the right is ``//``, which is a true floor on all
targets, and ``int`` is only applied to comparisons. ``clip`` compares in double precision, which
is exact here: its argument has 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence

from hebbgraph.processes import LIF, Dense, Domain

#: Keeps 32 bits of ``name``, as the chip's registers do.
WRAP32 = "{name} = {name} - 4294967296*(({name} + 2147483648)//4294967296)"

LIF_FLOAT = """\
a = {arriving}
u = u*(1 - decay_u) + a
v = v*(1 - decay_v) + u + bias
s = int(v > threshold)"""

LIF_FIXED = """\
a = {arriving}
x = u*(4095 - decay_u)
u = (x + 4095*int(x < 0))//4096 + 64*a
{wrap_u}
u = u - 16777216*int(u > 8388608)
u = u + 16777216*int(u <= -8388608)
y = v*(4096 - decay_v)
v = (y + 4095*int(y < 0))//4096 + u + {bias}
{wrap_v}
v = clip(v, -8388607, 8388607)
s = int(v > 64*threshold)"""

DENSE_FLOAT = """\
a = total
total = 0"""

DENSE_FIXED = """\
{wrap_total}
a = {shifted}
{wrap_a}
total = 0"""


def lif_step(process: LIF, arriving: Sequence[str], domain: Domain) -> str:
    """Return the update of a LIF population; `arriving` names what is summed at port ``a``."""
    total = " + ".join(arriving) or "0"
    if domain == "float":
        return LIF_FLOAT.format(arriving=total)
    bias = f"bias*{2**process.bias_exponent}" if process.bias_exponent else "bias"
    wraps = {"wrap_u": WRAP32.format(name="u"), "wrap_v": WRAP32.format(name="v")}
    return LIF_FIXED.format(arriving=total, bias=bias, **wraps)


def lif_threshold(domain: Domain) -> str:
    """Return when a unit fires."""
    return "v > threshold" if domain == "float" else "v > 64*threshold"


def dense_step(process: Dense, domain: Domain) -> str:
    """Return what turns the sum over synapses, ``total``, into the current ``a``."""
    if domain == "float":
        return DENSE_FLOAT
    power = process.exponent
    shifted = f"total*{2**power}" if power > 0 else f"total//{2**-power}" if power else "total"
    wraps = {"wrap_total": WRAP32.format(name="total"), "wrap_a": WRAP32.format(name="a")}
    return DENSE_FIXED.format(shifted=shifted, **wraps)
