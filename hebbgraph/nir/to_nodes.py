"""to_nodes: one process as NIR nodes, kind by kind.

With the forward Euler step that NIR's readers take, current before voltage::

    I <- I (1 - dt / tau_syn) + dt / tau_syn w_in S
    v <- v (1 - dt / tau_mem) + dt / tau_mem (v_leak + R I)

tau_syn = dt / decay_u, w_in = 1 / decay_u, tau_mem = dt / decay_v, R = 1 / decay_v and
v_leak = bias / decay_v give the step of `LIF`. A decay of 0 has no such form: it becomes an
integrator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hebbgraph.nir.fidelity import Grade
from hebbgraph.processes import (
    LIF,
    BlockDense,
    Bus,
    Conv2d,
    Dendrite,
    Dense,
    Graded,
    Input,
    LeakyIntegrator,
    Sparse,
)

#: A node and what is appended to the path of its process; the main node has "".
Named = tuple[str, Any]


@dataclass(frozen=True)
class Site:
    """Where a process stands."""

    #: The module `nir`.
    library: Any
    #: The step in seconds.
    dt: float
    #: Shape of what leaves the process, an image where NIR wants one.
    shape: tuple[int, ...]
    #: Factor on what it emits.
    gain: float = 1.0


@dataclass(frozen=True)
class Made:
    """Nodes in place of one process: sequences side by side, whose outputs add up."""

    branches: tuple[tuple[Named, ...], ...]
    grade: Grade = "faithful"
    remark: str = ""
    remedy: str = ""


def none(remark: str, remedy: str) -> Made:
    """Return that there are no nodes for a process, and why."""
    return Made((), "unsupported", remark, remedy)


def input_(process: Input, site: Site) -> Made:
    """Return Input, and Scale where there is a gain."""
    source = ("", site.library.Input({"input": np.array(site.shape)}))
    if (process.gain == 1).all():
        return Made(((source,),))
    scale = site.library.Scale(scale=_own(process.gain, site.shape))
    return Made(((source, ("gain", scale)),))


def lif(process: LIF, site: Site) -> Made:
    """Return LIF, CubaLIF or IF, with an integrator of the current in front where needed."""
    current, voltage = process.decay_u, process.decay_v
    remedy = "make two populations, one with and one without leak"
    for name, decay in (("decay_u", current), ("decay_v", voltage)):
        if (decay == 0).any() and (decay != 0).any():
            return none(f"{name} is 0 for some units only, which NIR has in no node", remedy)
    nodes = _current(process, site) + _voltage(process, site)
    if not process.refractory:
        return Made((nodes,))
    remark = f"NIR has no refractory period: that of {process.refractory} steps is left out"
    return Made((nodes,), "approximate", remark, "set refractory to 0")


def _current(process: LIF, site: Site) -> tuple[Named, ...]:
    """Return what filters the current, unless CubaLIF does or nothing is to do."""
    decay = process.decay_u
    if (decay == 1).all() or ((decay > 0).all() and (process.decay_v > 0).all()):
        return ()
    return (("current", _integrator(decay, site)),)


def _voltage(process: LIF, site: Site) -> tuple[Named, ...]:
    """Return what integrates the voltage and fires."""
    library, dt, shape = site.library, site.dt, site.shape
    threshold, decay = _own(process.threshold, shape), _own(process.decay_v, shape)
    zero = np.zeros(shape)
    if (decay == 0).all():
        unit = library.IF(r=np.full(shape, 1 / dt), v_threshold=threshold, v_reset=zero)
        if not process.bias.any():
            return (("", unit),)
        added = library.Affine(weight=np.eye(process.size), bias=_own(process.bias, shape))
        return (("bias", added), ("", unit))
    fires = {
        "r": 1 / decay,
        "v_leak": process.bias.reshape(shape) / decay,
        "v_threshold": threshold,
        "v_reset": zero,
    }
    if (process.decay_u == 1).all() or (process.decay_u == 0).all():
        return (("", library.LIF(tau=dt / decay, **fires)),)
    filters = process.decay_u.reshape(shape)
    unit = library.CubaLIF(tau_syn=dt / filters, w_in=1 / filters, tau_mem=dt / decay, **fires)
    return (("", unit),)


def _own(values: Any, shape: tuple[int, ...]) -> Any:
    """Return a copy in another shape, which the owner of the node may change."""
    return np.array(values, np.float64).reshape(shape)


def leaky_integrator(process: LeakyIntegrator, site: Site) -> Made:
    """Return LI, or I without a leak."""
    if (process.decay == 0).any() and (process.decay != 0).any():
        remedy = "make two populations, one with and one without leak"
        return none("decay is 0 for some units only, which NIR has in no node", remedy)
    return Made(((("", _integrator(process.decay, site)),),))


def _integrator(decay: Any, site: Site) -> Any:
    shape, decay = site.shape, decay.reshape(site.shape)
    if (decay == 0).all():
        return site.library.I(r=np.full(shape, 1 / site.dt))
    return site.library.LI(tau=site.dt / decay, r=1 / decay, v_leak=np.zeros(shape))


def graded(process: Graded, site: Site) -> Made:
    """Return Scale, or Affine with a bias; NIR has nothing that clips."""
    if np.isfinite(process.low).any() or np.isfinite(process.high).any():
        return none("NIR has no node that rectifies or clips", "leave low and high infinite")
    if process.dead_zone.any():
        return none("NIR has no node with a dead zone", "set dead_zone to 0")
    if process.bias.any():
        weight = site.gain * np.eye(process.size)
        return Made(((("", site.library.Affine(weight=weight, bias=site.gain * process.bias)),),))
    return Made(((("", site.library.Scale(scale=np.full(site.shape, site.gain))),),))


def dendrite(process: Dendrite, site: Site) -> Made:
    """Return Threshold; with several segments, Threshold, Linear (their number), Threshold."""
    # NIR fires above a threshold: from t on is above the number next to t.
    below = np.nextafter(process.threshold, -np.inf)
    if process.segments == 1:
        return Made(((("", site.library.Threshold(threshold=below.reshape(site.shape))),),))
    counted = np.kron(np.eye(process.size), np.ones(process.segments))
    segments = ("segments", site.library.Threshold(threshold=below))
    count = ("count", site.library.Linear(weight=counted))
    soma = ("", site.library.Threshold(threshold=np.zeros(process.size)))
    return Made(((segments, count, soma),))


def bus(process: Bus, site: Site) -> Made:
    """Return Linear for a sum; NIR has no count and no maximum."""
    if process.operation != "sum":
        return none(f"NIR has no node for the {process.operation} of a group", "use a sum")
    rows = process.width if process.spread else 1
    weight = np.kron(np.eye(process.groups), np.ones((rows, process.width)))
    return Made(((("", site.library.Linear(weight=weight)),),), remark="as a matrix")


def dense(process: Dense | Sparse | BlockDense, site: Site) -> Made:
    """Return Linear; delays of single synapses become one Linear per delay, each behind a Delay."""
    library, weights = site.library, process.matrix().astype(np.float64)
    remark = "" if isinstance(process, Dense) else "as a matrix, without its sparse structure"
    if not process.longest_delay or not weights.any():
        return Made(((("", library.Linear(weight=weights)),),), remark=remark)
    delays = np.where(weights != 0, process.delay_matrix(), -1)
    branches: list[tuple[Named, ...]] = []
    for delay in sorted(set(delays.ravel()) - {-1}):
        some = np.where(delays == delay, weights, 0)
        steps = np.full(weights.shape[1], delay * site.dt)
        late: tuple[Named, ...] = ((f"delay{delay}", library.Delay(delay=steps)),) if delay else ()
        name = f"{delay}" if branches else ""
        branches.append((*late, (name, library.Linear(weight=some))))
    return Made(tuple(branches), remark="one matrix for each delay")


def conv2d(process: Conv2d, site: Site) -> Made:
    """Return Conv2d, or Linear where its images are not known to NIR as such."""
    if len(site.shape) == 1:
        weight = process.matrix().astype(np.float64)
        node = site.library.Linear(weight=weight)
        return Made(((("", node),),), remark="as a matrix: nir has square kernels on images only")
    return Made(((("", convolution(process, site.library)),),))


def convolution(process: Conv2d, library: Any) -> Any:
    """Return the node Conv2d."""
    return library.Conv2d(
        input_shape=process.image,
        weight=process.weights.astype(np.float64),
        stride=process.stride,
        padding=process.padding,
        dilation=(1, 1),
        groups=1,
        bias=np.zeros(process.weights.shape[0]),
    )


#: How each kind becomes nodes; what is not here has no form in NIR.
NODES: dict[type[Any], Callable[[Any, Site], Made]] = {
    Input: input_,
    LIF: lif,
    LeakyIntegrator: leaky_integrator,
    Graded: graded,
    Dendrite: dendrite,
    Bus: bus,
    Dense: dense,
    Sparse: dense,
    BlockDense: dense,
    Conv2d: conv2d,
}
