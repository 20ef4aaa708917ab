"""Synapses that do not learn, as Synapses of Brian2: one object per connection into them.

A connection of d steps has a delay of d - 1 in Brian2, since what arrives is read in the next step.
Its events are delivered with the value that left d - 1 steps ago; that is 0 for an event of the
episode before, so nothing crosses from one episode into the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.backends.brian2.context import Context, aged
from hebbgraph.backends.brian2.kinds.unit import shifted, wrap32
from hebbgraph.backends.brian2.kinds.units import outlet
from hebbgraph.backends.brian2.plan import Code, Pathway, Population, Projection
from hebbgraph.graph import Connection, Graph
from hebbgraph.processes import BlockDense, Conv2d, Sparse, Transpose

Synapses = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any], NDArray[np.int64]]


def synapses(ctx: Context, path: str) -> None:
    """Add the summing points, and one projection per connection into them."""
    post, pre, weights, delays = listed(ctx.graph, path)
    ctx.parts.populations.append(
        Population(
            **outlet(ctx, path),
            states=("total",),
            codes=(Code(f"{current(ctx, path)}\ntotal = 0", ctx.slot(path)),),
        )
    )
    if len(weights):
        for connection in ctx.graph.sources(f"{path}.s"):
            _project(ctx, path, connection, (post, pre, weights, delays))


def current(ctx: Context, path: str, total: str = "total") -> str:
    """Return the statements that turn the variable `total` into the current ``a``."""
    process = ctx.process(path)
    if not ctx.fixed:
        return f"a = {total}"
    if isinstance(process, Conv2d):
        return f"a = {total} - 16777216*(({total} + 8388608)//16777216)"
    kept = f"kept = {total} - 4294967296*(({total} + 2147483648)//4294967296)"
    text = f"{kept}\na = {shifted('kept', process.exponent)}"
    return f"{text}\n{wrap32('a')}" if process.exponent > 0 else text


def listed(graph: Graph, path: str) -> Synapses:
    """Return (post, pre, weight, delay) of every synapse with a weight but 0."""
    process = graph.flat_processes[path]
    if isinstance(process, Conv2d):
        post, pre, index = process.unrolled
        weights = process.weights.ravel()[index]
    elif isinstance(process, Sparse):
        post, pre, weights = process.post, process.pre, process.weights
    elif isinstance(process, BlockDense):
        post, pre = process.synapses()
        weights = np.tile(process.weights[process.weights != 0], process.copies)
    else:
        weights = matrix(graph, path)
        post, pre = np.nonzero(weights)
        delays = process.delay_matrix() if process.longest_delay else np.zeros_like(weights)
        return post, pre, weights[post, pre], delays[post, pre].astype(np.int64)
    delays = np.broadcast_to(process.delays if isinstance(process, Sparse) else 0, weights.shape)
    exists = weights != 0
    return post[exists], pre[exists], weights[exists], delays[exists]


def matrix(graph: Graph, path: str) -> NDArray[Any]:
    """Return the weights (postsynaptic, presynaptic); a Transpose has another's."""
    process = graph.flat_processes[path]
    if isinstance(process, Transpose):
        return graph.flat_processes[process.of].matrix().T
    return process.matrix()


def _project(ctx: Context, path: str, connection: Connection, found: Synapses) -> None:
    post, pre, weights, delays = found
    delay = int(connection.delay or 0)
    source, _ = ctx.emitted(connection)
    output = ctx.graph.port(connection.source)
    port = connection.source.rpartition(".")[2]
    name = f"{ctx.name[path]}_from_{source}" + (f"_delay_{delay}" if delay > 1 else "")
    name = ctx.names.take(name)
    pre = pre if output.size > 1 else np.zeros_like(pre)
    constants = {"w": ctx.array(f"{name}.w", weights)}
    lags = np.unique(delay - 1 + delays)
    given: int | str = int(lags[0])
    if len(lags) > 1:
        constants["lag"] = ctx.array(f"{name}.lag", delay - 1 + delays)
        given = constants["lag"]
        values = (f"{aged(port, lag)}_pre*int(lag == {lag})" for lag in lags)
        effect = f"w*({' + '.join(values)})"
    elif output.signal == "spike" and given == 0:
        effect = "w"
    else:
        effect = f"w*{aged(port, int(lags[0]))}_pre"
    ctx.parts.projections.append(
        Projection(
            path=path,
            name=name,
            source=source,
            target=ctx.name[path],
            pre=ctx.array(f"{name}.pre", pre),
            post=ctx.array(f"{name}.post", post),
            constants=constants,
            pathways={"pre": Pathway(f"total_post += {effect}")},
            delay=given,
        )
    )
