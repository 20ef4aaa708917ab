"""Units with spikes and a state: LIF, TernaryLIF, Sign."""

from __future__ import annotations

from hebbgraph.backends.brian2.kinds.unit import (
    Ports,
    Unit,
    frozen_where_off,
    gated,
    saturated,
    wrap32,
)
from hebbgraph.processes import LIF, Sign, TernaryLIF

MEMBRANE_FLOAT = """\
a = {arriving}
u = u*(1 - decay_u) + a
v = v*(1 - decay_v) + u + bias"""

MEMBRANE_FIXED = f"""\
a = {{arriving}}
x = u*(4095 - decay_u)
u = (x + 4095*int(x < 0))//4096 + 64*a
{wrap32("u")}
u = u - 16777216*int(u > 8388608)
u = u + 16777216*int(u <= -8388608)
y = v*(4096 - decay_v)
v = (y + 4095*int(y < 0))//4096 + u + {{bias}}
{wrap32("v")}
v = {saturated("v", 24)}"""


def lif(process: LIF, ports: Ports, fixed: bool) -> Unit:
    """Leak, integrate, fire where v > threshold; refractory period, noise and gate if used."""
    scale = "64*" if fixed else ""
    on, hold = ports["on"], process.when_off == "hold"
    level = f"v + {ports['n']}" if ports["n"] else "v"
    fires = f"int({level} > {scale}threshold)"
    lines = [_membrane(process, ports, fixed)]
    if process.refractory:
        lines += ["ready = int(r == 0)", "v = ready*v"]
        fires = f"ready*{fires}"
    lines.append(f"s = {fires if hold else gated(fires, on)}")
    if process.refractory:
        lines.append(f"r = {process.refractory}*s + (r - 1)*int(r > 0)")
    keeps = [*process.states, "s"] if hold else process.states
    plain = not (process.refractory or ports["n"] or on)
    return Unit(
        code=frozen_where_off("\n".join(lines), on, keeps),
        states=process.states,
        parameters=process.PARAMETERS,
        condition=f"v > {scale}threshold" if plain else "s != 0",
        reset="v = 0",
    )


def ternary_lif(process: TernaryLIF, ports: Ports, fixed: bool) -> Unit:
    """Leak, integrate, fire 1 above `threshold` and -1 below `lower`."""
    scale = "64*" if fixed else ""
    level = f"v + {ports['n']}" if ports["n"] else "v"
    fires = f"(int({level} > {scale}threshold) - int({level} < {scale}lower))"
    code = f"{_membrane(process, ports, fixed)}\ns = {gated(fires, ports['on'])}"
    return Unit(
        code=frozen_where_off(code, ports["on"], process.states),
        states=process.states,
        parameters=process.PARAMETERS,
        condition="s != 0",
        reset="v = 0",
    )


def _membrane(process: LIF | TernaryLIF, ports: Ports, fixed: bool) -> str:
    arriving = ports["a"] or "0"
    if not fixed:
        return MEMBRANE_FLOAT.format(arriving=arriving)
    bias = f"bias*{2**process.bias_exponent}" if process.bias_exponent else "bias"
    return MEMBRANE_FIXED.format(arriving=arriving, bias=bias)


def sign(process: Sign, ports: Ports, fixed: bool) -> Unit:
    """Take the sign of the field, keep it on 0; send it, or its change."""
    arriving = ports["a"] or "0"
    field = f"h + {arriving}" if process.integrates else arriving
    lines = [f"h = {saturated(field, 24) if fixed else field}"]
    lines += [
        f"f = h + bias + {ports['n']}" if ports["n"] else "f = h + bias",
        "decided = int(f > 0) - int(f < 0) + sigma*int(f == 0)",
    ]
    after = "decided"
    if ports["set"]:
        lines += [f"cue = {ports['set']}"]
        lines += [f"cued = int(cue > 0) - int(cue < 0) + {after}*int(cue == 0)"]
        after = "cued"
    if ports["on"]:
        lines += [f"on = int(({ports['on']}) != 0)", f"allowed = on*{after} + (1 - on)*sigma"]
        after = "allowed"
    lines += [f"s = {after} - sigma" if process.integrates else f"s = {after}", f"sigma = {after}"]
    return Unit("\n".join(lines), process.states, process.PARAMETERS, condition="s != 0")
