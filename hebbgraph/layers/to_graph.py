"""to_graph: a trained association as a process graph, for every engine."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from hebbgraph.checks import choice_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.layers.hopfield import Hopfield
from hebbgraph.processes import Dense, Graded, Input, Softmax, WinnerTakeAll


def to_graph(
    layer: Hopfield,
    stored: Tensor,
    projection: Tensor | None = None,
    *,
    readout: Literal["softmax", "winner"] = "softmax",
    name: str = "association",
) -> Graph:
    """Return `layer` with fixed `stored` patterns (stored, size) as a process graph.

    Input ``state`` takes one state pattern a step, as `Hopfield.prepared` returns them, and
    ``answer.out`` is what the layer returns, two steps later. The projections are folded into two
    matrices, heads side by side: keys = scaling (Y Wk + bk) Wq^T, values = Wo (Y Wv + bv)^T.
    With ``readout="winner"`` only the unit with the best score spikes in each head.

    Raises `Invalid` if the layer makes updates or normalises the association space.
    """
    faults = choice_faults("readout", readout, ("softmax", "winner"))
    if layer.update_steps_max != 0:
        need = "must be 0"
        remedy = "store the patterns in a modern_hopfield model, which makes updates"
        faults.append(Fault("update_steps_max", repr(layer.update_steps_max), need, remedy))
    if layer.normalize_hopfield_space:
        faults.append(Fault("normalize_hopfield_space", "True", "must be False"))
    if faults:
        raise Invalid("to_graph", faults)
    k, v, weight, bias = _patterns(layer, stored, projection)
    heads, count, _ = k.shape
    beta = np.broadcast_to(_array(layer.scaling).reshape(-1, 1, 1), (heads, 1, 1))
    keys = (beta * k @ weight).reshape(heads * count, -1)
    scores = (beta * k @ bias[..., np.newaxis]).reshape(-1)
    out, offset = _output(layer, v)
    hidden: Softmax | WinnerTakeAll = Softmax(count, heads, bits=12)
    if readout == "winner":
        hidden = WinnerTakeAll(count, heads)
    into, sent = (f"hidden.{next(iter(ports))}" for ports in (hidden.inputs, hidden.outputs))
    return Graph(
        name,
        {
            "state": Input(keys.shape[1]),
            "keys": Dense(keys),
            "scores": Graded(heads * count, bias=scores),
            "hidden": hidden,
            "values": Dense(out),
            "answer": Graded(len(out), bias=offset),
        },
        [
            Connection("state.out", "keys.s"),
            Connection("keys.a", "scores.a"),
            Connection("scores.out", into),
            Connection(sent, "values.s"),
            Connection("values.a", "answer.a"),
        ],
        [Probe("answer.out")],
    )


def _patterns(
    layer: Hopfield, stored: Tensor, projection: Tensor | None
) -> tuple[Any, Any, Any, Any]:
    """Return k and v (heads, stored, width), and Wq (heads, width, state) and bq (heads, width)."""
    first = 0 if layer.batch_first else 1
    with torch.no_grad():
        batch = stored.unsqueeze(first)
        told = batch if projection is None else projection.unsqueeze(first)
        size = layer.sizes.state or stored.shape[-1]
        _, k, v = layer.projected((batch, batch.new_zeros(1, 1, size), told))
    heads, width = k.shape[1], k.shape[-1]
    query = layer.projections[0]
    if isinstance(query, nn.Linear):
        weight = _array(query.weight).reshape(heads, width, -1)
        bias = np.zeros((heads, width))
        if query.bias is not None:
            bias = _array(query.bias).reshape(heads, width)
    else:
        weight = np.broadcast_to(np.eye(width), (heads, width, width))
        bias = np.zeros((heads, width))
    return _array(k[0]), _array(v[0]), weight, bias


def _output(layer: Hopfield, v: Any) -> tuple[Any, Any]:
    """Return the matrix from shares, heads side by side, to the answer, and what is added."""
    heads, count, width = v.shape
    read = np.zeros((heads, width, heads, count))
    for head in range(heads):
        read[head, :, head] = v[head].T
    out = read.reshape(heads * width, heads * count)
    last = layer.out_projection
    if not isinstance(last, nn.Linear):
        return out, np.zeros(len(out))
    offset = _array(last.bias) if last.bias is not None else np.zeros(last.out_features)
    return _array(last.weight) @ out, offset


def _array(values: Tensor) -> Any:
    return values.detach().cpu().double().numpy()
