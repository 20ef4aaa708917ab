"""outcome: what a job gives back, in JSON types and bytes, and how it is read again."""

from __future__ import annotations

import base64
import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np

from hebbgraph.counters import Counters, added
from hebbgraph.graph import Graph
from hebbgraph.result import Provenance, Result
from hebbgraph.serialise import Arrays, from_document, pack, to_document, unpack

#: What a result kept for placements is called in its archive.
GRAPH, ACTIVITY = "graph/", "activity/"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one job found."""

    #: Metrics by name; NaN where undefined.
    values: Mapping[str, float]
    counters: Counters
    #: Recalls, or inferences counted.
    episodes: int
    baselines: Mapping[str, float] = field(default_factory=dict)
    #: Events of learning, and the samples they are for.
    training: Counters | None = None
    #: What was approximated.
    notes: tuple[str, ...] = ()
    #: What a placement needs.
    graph: Graph | None = None
    result: Result | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; graph and activity are packed, base64."""
        found: dict[str, Any] = {
            "values": {k: _json(v) for k, v in self.values.items()},
            "baselines": {k: _json(v) for k, v in self.baselines.items()},
            "counters": self.counters.as_dict(),
            "episodes": self.episodes,
            "training": self.training.as_dict() if self.training else None,
            "notes": list(self.notes),
        }
        if self.graph is not None and self.result is not None:
            packed = base64.b64encode(packed_run(self.graph, self.result))
            found["kept"] = packed.decode()
        return found


def merged(results: Sequence[Result]) -> Result:
    """Return the counters and activity of runs of one graph, as one run."""
    first = results[0]
    activity = {
        path: np.concatenate([result.activity[path] for result in results])
        for path in first.activity
    }
    counters = reduce(added, (result.counters for result in results))
    return _result(counters, activity, first.provenance)


def packed_run(graph: Graph, result: Result) -> bytes:
    """Return graph, counters and activity in one archive, eight units to a byte."""
    document, held = to_document(graph)
    arrays: Arrays = {f"{GRAPH}{name}": array for name, array in held.items()}
    shapes = {}
    for path, mask in result.activity.items():
        arrays[f"{ACTIVITY}{path}"] = np.packbits(np.asarray(mask), axis=-1)
        shapes[path] = list(mask.shape)
    whole = {"graph": document, "shapes": shapes, "counters": result.counters.as_dict()}
    return pack(whole, arrays)


def unpacked_run(data: bytes) -> tuple[Graph, Result]:
    """Return what `packed_run` packed; raises as a damaged archive does."""
    document, arrays = unpack(data)
    own = {k.removeprefix(GRAPH): a for k, a in arrays.items() if k.startswith(GRAPH)}
    graph = from_document(document["graph"], own)
    activity = {}
    for path, shape in document["shapes"].items():
        bits = np.unpackbits(arrays[f"{ACTIVITY}{path}"], axis=-1, count=shape[-1])
        activity[path] = bits.astype(bool).reshape(shape)
    origin = Provenance(graph.name, "", "stored", graph.domain, {}, {}, 0.0)
    return graph, _result(Counters.from_dict(document["counters"]), activity, origin)


def canonical(record: Mapping[str, Any]) -> str:
    """Return a record as one line of JSON."""
    return json.dumps(record, allow_nan=False, separators=(",", ":"))


def _result(counters: Counters, activity: Mapping[str, Any], origin: Provenance) -> Result:
    return Result(
        spikes={},
        states={},
        count=functools.partial(_held, counters),
        provenance=origin,
        emit=functools.partial(_held, dict(activity)),
    )


def _held(value: Any) -> Any:
    return value


def _json(value: float) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
