"""Units with graded outputs: integrators, sigma-delta, memoryless functions."""

from __future__ import annotations

import numpy as np

from hebbgraph.backends.brian2.kinds.unit import (
    Ports,
    Unit,
    frozen_where_off,
    gated,
    magnitude,
    saturated,
    shifted,
    wrap32,
)
from hebbgraph.processes import (
    Exponential,
    Graded,
    LeakyIntegrator,
    Polynomial,
    SigmaDelta,
)
from hebbgraph.processes.base import UNBOUNDED


def leaky_integrator(process: LeakyIntegrator, ports: Ports, fixed: bool) -> Unit:
    """Leak, then sum; start from 0 where reset."""
    arriving, on = ports["a"] or "0", ports["on"]
    lines, held = [], "x"
    if ports["reset"]:
        lines, held = [f"held = x*int(({ports['reset']}) == 0)"], "held"
    if fixed:
        lines.append(f"y = {held}*(4096 - decay)")
        lines.append(f"x = {saturated(f'(y + 4095*int(y < 0))//4096 + {arriving}', 24)}")
    else:
        lines.append(f"x = {held}*(1 - decay) + {arriving}")
    code = frozen_where_off("\n".join(lines), on, ("x",))
    return Unit(f"{code}\nout = {gated('x', on)}", process.states, process.PARAMETERS)


def graded(process: Graded, ports: Ports, fixed: bool) -> Unit:
    """clip(a + bias), 0 in the dead zone; in `fixed` scaled and clipped to the payload."""
    used = ["bias"] if process.bias.any() else []
    arriving, on = ports["a"] or "0", ports["on"]
    lines = [f"on = int(({on}) != 0)"] if on else []
    lines.append(f"x = {arriving} + bias" if used else f"x = {arriving}")
    value, most = "x", UNBOUNDED if fixed else np.inf
    if (process.low > -most).any() or (process.high < most).any():
        used += ["low", "high"]
        value = "clip(x, low, high)"
    if process.dead_zone.any():
        used.append("dead_zone")
        lines.append(f"size = {magnitude('x')}")
        value = f"{value}*int(size >= dead_zone)"
    if fixed:
        lines.append(f"y = {value}")
        value = saturated(shifted("y", process.exponent), process.bits)
    lines.append(f"out = {gated(value, on)}")
    return Unit("\n".join(lines), parameters=tuple(used))


def polynomial(process: Polynomial, ports: Ports, fixed: bool) -> Unit:
    """(c_0 + c_1 x + ...) / divisor, 0 in the dead zone."""
    on, used = ports["on"], []
    lines = [f"on = int(({on}) != 0)"] if on else []
    lines.append(f"arriving = {ports['a'] or '0'}")
    x = f"clip(arriving, {-process.limit}, {process.limit})" if fixed else "arriving"
    if process.rectified:
        lines.append(f"bounded = {x}")
        x = "bounded*int(bounded > 0)"
    lines += [f"x = {x}", f"y = {_horner(process, fixed)}"]
    value = "y"
    if fixed:
        divided = f"y//{int(process.divisor)}" if process.divisor != 1 else "y"
        value = saturated(divided, process.bits)
    elif process.divisor != 1:
        # A number in the string would be turned into a product with 1/divisor.
        used.append("divisor")
        lines.append("quotient = y/divisor")
        value = "quotient"
    if process.dead_zone.any():
        used.append("dead_zone")
        lines.append(f"size = {magnitude('x')}")
        value = f"{value}*int(size >= dead_zone)"
    lines.append(f"out = {gated(value, on)}")
    return Unit("\n".join(lines), parameters=tuple(used))


def _horner(process: Polynomial, fixed: bool) -> str:
    """Return c_0 + x (c_1 + x (...)), summed as the reference does."""
    numbers = [int(c) if fixed else float(c) for c in process.coefficients[::-1]]
    text = repr(numbers[0])
    for position, number in enumerate(numbers[1:]):
        text = f"({text})*x" if position else f"{text}*x"
        text += f" + {number!r}" if number > 0 else f" - {-number!r}" if number < 0 else ""
    return text


def exponential(process: Exponential, ports: Ports, fixed: bool) -> Unit:
    """exp(scale a); in `fixed` the interval of a in a table."""
    arriving, on = ports["a"] or "0", ports["on"]
    if fixed:
        origin = f"- {process.origin}" if process.origin >= 0 else f"+ {-process.origin}"
        index = shifted(f"({arriving} {origin})", -process.step)
        code = f"k = clip({index}, 0, {len(process.table) - 1})"
        then = f"out = int(({on}) != 0)*{{entry}}" if on else "out = {entry}"
        return Unit(code, ("k",), then=then, table=process.table)
    scale = repr(float(process.scale))
    if not on:
        return Unit(f"out = exp({scale}*({arriving}))")
    # Where a unit is off exp(0) is taken, as 0 times infinity is no number.
    return Unit(f"on = int(({on}) != 0)\nout = on*exp({scale}*on*({arriving}))")


def sigma_delta(process: SigmaDelta, ports: Ports, fixed: bool) -> Unit:
    """Sum changes; send the change of the activation where it reaches the threshold."""

    def kept(name: str) -> list[str]:
        return [wrap32(name)] if fixed else []

    on = ports["on"]
    lines = [f"summed = sigma + {ports['a'] or '0'}", *kept("summed"), "sigma = summed"]
    lines += ["f = summed + bias", *kept("f")]
    if process.rectified:
        lines.append("f = f*int(f > 0)")
    lines += ["d = f - act", *kept("d"), "d = d + residue", *kept("d")]
    if process.cumulative:
        lines += ["drift = error + d", *kept("drift"), f"size = {magnitude('drift')}"]
    else:
        lines.append(f"size = {magnitude('d')}")
    lines += [*kept("size"), "m = d*int(size >= threshold)"]
    if process.cumulative:
        lines.append("error = drift*int(m == 0)")
    lines += ["rest = d - m", *kept("rest"), "residue = rest", "act = f"]
    sent = f"({shifted('m', -process.exponent)})" if process.exponent else "m"
    lines.append(f"out = {gated(sent, on)}")
    code = frozen_where_off("\n".join(lines), on, process.states)
    return Unit(code, process.states, process.PARAMETERS)
