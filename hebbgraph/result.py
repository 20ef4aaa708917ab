"""Result: events first (spikes, states, counters), then provenance."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hebbgraph.counters import Counters
from hebbgraph.errors import Fault, Invalid
from hebbgraph.files import write_atomic

T = TypeVar("T")


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from: enough to run it again."""

    graph: str
    graph_hash: str
    backend: str
    domain: str
    options: Mapping[str, Any]
    versions: Mapping[str, str]
    wall_seconds: float
    #: What was approximated between the first graph and what ran, in words.
    approximations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """Outcome of `Program.run`.

    Arrays have shape (episodes, steps, units). Spikes are kept for every spiking process other
    than inputs; states for what was probed.
    """

    #: Rasters by process path, bool; int8 where spikes have a sign.
    spikes: Mapping[str, NDArray[Any]]
    #: Probed states and graded outputs by probe target, ``memory.v``.
    states: Mapping[str, NDArray[Any]]
    #: What counts the events: `counters` calls it when it is first asked for.
    count: Callable[[], Counters]
    provenance: Provenance
    #: Weights of every synapse process at the end of the run, by ``path.weights``; of plastic ones
    #: also ``path.accumulator`` and ``path.momentum`` where their rule has such. Give it to
    #: another run as ``weights=`` to go on learning.
    weights: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    #: `Graph.scales` of what ran: units of the fixed domain per unit of the float graph.
    scales: Mapping[str, float] = field(default_factory=dict)
    #: What finds `activity` when it is first asked for.
    emit: Callable[[], Mapping[str, NDArray[np.bool_]]] = dict

    @cached_property
    def counters(self) -> Counters:
        """Return the event counts, equal on every back end for equal activity."""
        return self.count()

    @cached_property
    def activity(self) -> Mapping[str, NDArray[np.bool_]]:
        """Return where something but 0 was emitted, by path, sources among them.

        This is what `counters` counts. A source that ends early emits nothing afterwards.
        """
        return self.emit()

    def value(self, target: str) -> NDArray[np.float64]:
        """Return recorded states, or weights, in the units of the float graph in either domain."""
        held = self.states if target in self.states else self.weights
        return np.asarray(held[target] / self.scales.get(target, 1.0), dtype=np.float64)

    def events(self, path: str) -> NDArray[np.int64]:
        """Return the spikes of one process as rows (episode, step, unit), in that order."""
        return np.argwhere(self.spikes[path])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one zip file of JSON and arrays, whole or not at all."""
        write_atomic(path, self.packed())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Result:
        """Read what `save` wrote; raises `Invalid` if the file is damaged or no result."""
        from hebbgraph.serialise import DAMAGE, unpack

        try:
            document, arrays = unpack(Path(path).read_bytes())
            kinds = ("spikes", "states", "weights", "activity")
            held: dict[str, dict[str, NDArray[Any]]] = {kind: {} for kind in kinds}
            for key, array in arrays.items():
                kind, _, name = key.partition("/")
                held[kind][name] = array
            rasters = {
                name: _unpacked(held["spikes"][name], shape)
                for name, shape in document["spike_shapes"].items()
            }
            active = {name: np.asarray(raster != 0) for name, raster in rasters.items()}
            for name, shape in document.get("activity_shapes", {}).items():
                active[name] = _unpacked(held["activity"][name], shape)
            provenance = document["provenance"]
            provenance["approximations"] = tuple(provenance["approximations"])
            counters = Counters.from_dict(document["counters"])
            origin = Provenance(**provenance)
            scales = document.get("scales", {})
            counted = functools.partial(_held, counters)
            emit = functools.partial(_held, active)
            return cls(rasters, held["states"], counted, origin, held["weights"], scales, emit)
        except (*DAMAGE, OSError) as error:
            need = "must be a whole result file, as `Result.save` writes it"
            got = f"{type(error).__name__} {error}"
            raise Invalid("result file", [Fault(os.fspath(path), got, need)]) from None

    def packed(self) -> bytes:
        """Return what `save` writes; rasters are packed eight units to a byte."""
        from hebbgraph.serialise import pack

        arrays = {
            f"spikes/{k}": np.packbits(v, axis=-1) if v.dtype == bool else v
            for k, v in self.spikes.items()
        }
        arrays |= {f"states/{k}": v for k, v in self.states.items()}
        arrays |= {f"weights/{k}": v for k, v in self.weights.items()}
        active = {path: mask for path, mask in self.activity.items() if path not in self.spikes}
        arrays |= {f"activity/{k}": np.packbits(v, axis=-1) for k, v in active.items()}
        shapes = {key: list(raster.shape) for key, raster in self.spikes.items()}
        document = {
            "spike_shapes": shapes,
            "activity_shapes": {path: list(mask.shape) for path, mask in active.items()},
            "counters": self.counters.as_dict(),
            "provenance": asdict(self.provenance),
            "scales": dict(self.scales),
        }
        return pack(document, arrays)


def _held(value: T) -> T:
    return value


def _unpacked(values: NDArray[Any], shape: Sequence[int]) -> NDArray[Any]:
    """Return a raster of `shape`, from eight units to a byte if it has no signs."""
    if values.dtype == np.int8:
        return values
    return np.unpackbits(values, axis=-1, count=shape[-1]).astype(bool)
