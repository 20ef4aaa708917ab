"""What every process kind offers: ports, states, faults."""

from __future__ import annotations

import contextlib
import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Self, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.checks import Domain, range_faults, size_faults
from hebbgraph.errors import Fault

#: What passes through a port: spikes 0 or 1, ternary -1, 0 or 1, graded any number.
Signal = Literal["spike", "ternary", "graded"]
#: What a process is: a source of data, units with an activity, or synapses between them.
Role = Literal["source", "units", "synapses"]
#: A parameter: an array once the process is built, anything that broadcasts to it when given.
Parameter: TypeAlias = Any
#: What "no bound" is in the fixed domain: more than any 32-bit value.
UNBOUNDED = 2**32


@dataclasses.dataclass(frozen=True)
class Port:
    """One end of a connection: its width, what passes through it, what arrives if nothing does."""

    size: int
    signal: Signal
    #: What arrives at every unit of an input port with no connection.
    default: float = 0.0
    #: Whether an input port is read in the learning phase, after every process has emitted.
    learning: bool = False


class Process(ABC):
    """A node of a graph: a frozen dataclass whose docstring is its equation.

    Kinds are final and derive from this class directly. Each has one output port. Array fields are
    read-only; `cast` gives them the dtype of a domain (float64 or int64), which the graph does
    when it is built.
    """

    ROLE: ClassVar[Role] = "units"
    #: Names of the fields that are numbers of units, groups and so on: whole, above 0.
    SIZES: ClassVar[tuple[str, ...]] = ("size",)
    #: Names of the array fields, in the order in which they are written to a file.
    PARAMETERS: ClassVar[tuple[str, ...]] = ()
    #: Those of them that stay float64, or int64, in both domains.
    SCALES: ClassVar[tuple[str, ...]] = ()
    INDICES: ClassVar[tuple[str, ...]] = ()
    #: State variables, all zero at the start of an episode; a probe may record them.
    STATES: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def inputs(self) -> dict[str, Port]:
        """Return the input ports by name."""

    @property
    @abstractmethod
    def outputs(self) -> dict[str, Port]:
        """Return the output port, by its name."""

    @property
    def output(self) -> Port:
        """Return the one output port."""
        return next(iter(self.outputs.values()))

    @property
    def states(self) -> tuple[str, ...]:
        """Return the state variables that this process has, each as wide as its output."""
        return self.STATES

    @property
    def registers(self) -> tuple[str, ...]:
        """Return everything kept from step to step: the states, and what no probe can see."""
        return self.states

    @property
    def synaptic(self) -> bool:
        """Return whether connections into this process stand for synapses: delay 1 or more."""
        return self.ROLE == "synapses"

    @property
    def longest_delay(self) -> int:
        """Return the longest delay that a synapse adds to its connection's."""
        return 0

    def synapses(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the postsynaptic and presynaptic unit of every synapse."""
        raise TypeError(f"{type(self).__name__} has no synapses of its own")

    def matrix(self) -> NDArray[Any]:
        """Return the weights of synapses as a matrix (postsynaptic, presynaptic)."""
        raise TypeError(f"{type(self).__name__} has no synapses of its own")

    def delay_matrix(self) -> NDArray[np.int64]:
        """Return the delay that each synapse adds to its connection's, of the same shape."""
        return np.zeros_like(self.matrix(), dtype=np.int64)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each array field that has one fixed by the sizes."""
        return {}

    def ranges(self, domain: Domain) -> dict[str, tuple[float, float]]:
        """Return the bounds of each array field in `domain`."""
        return {}

    def further_faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return what is wrong beside sizes, shapes and ranges."""
        return []

    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return everything wrong with the parameters in `domain`."""
        found = [f for name in self.SIZES for f in size_faults(path, getattr(self, name), name)]
        if found:
            return found
        shapes = self.shapes()
        for name, (low, high) in self.ranges(domain).items():
            array = getattr(self, name)
            where = f"{path}.{name}"
            kind: Domain = "float" if name in self.SCALES else domain
            kind = "fixed" if name in self.INDICES else kind
            remedy = "scale weights, bias and threshold together" if kind == "fixed" else ""
            shape = shapes.get(name, array.shape)
            found += range_faults(where, array, shape, kind, low, high, remedy)
        return found or self.further_faults(path, domain)

    def cast(self, domain: Domain) -> Self:
        """Return a copy whose array fields have the dtype of `domain`."""
        changes: dict[str, Any] = {}
        for name in self.PARAMETERS:
            floating = name not in self.INDICES and (name in self.SCALES or domain == "float")
            array = np.asarray(getattr(self, name))
            if floating:
                changes[name] = array.astype(np.float64, copy=False)
            elif array.dtype == np.int64:
                changes[name] = array
            else:
                changes[name] = np.clip(array, -(2.0**62), 2.0**62).astype(np.int64)
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def relocated(self, prefix: str) -> Self:
        """Return this process as seen from outside a graph that is nested under `prefix`."""
        return self

    def _read_parameters(self) -> None:
        """Turn every array field into a read-only array, broadcast where its shape is known."""
        sized = not any(size_faults("", getattr(self, name)) for name in self.SIZES)
        shapes = self.shapes() if sized else {}
        for name in self.PARAMETERS:
            array = read_only(getattr(self, name), shapes.get(name))
            object.__setattr__(self, name, array)


def read_only(value: ArrayLike, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Return a read-only copy of `value`, broadcast to `shape` where that is possible.

    An array that is read-only and owns its numbers is not copied: graphs share large weights.
    What cannot be broadcast or is not numeric is kept as it came, for `faults` to name.
    """
    if _is_shared(value) and shape in (None, value.shape):
        return value
    try:
        array = np.array(value)
    except ValueError:  # rows of mixed length
        array = np.array(value, dtype=object)
    if array.dtype == bool:
        array = array.astype(np.int64)
    if shape is not None:
        with contextlib.suppress(ValueError):
            array = np.broadcast_to(array, shape).copy()
    array.setflags(write=False)
    return array


def _is_shared(value: ArrayLike) -> TypeGuard[NDArray[Any]]:
    """Return whether `value` is an array of numbers that nothing can change any more."""
    if not isinstance(value, np.ndarray) or value.dtype in (bool, object):
        return False
    return value.base is None and not value.flags.writeable


#: The largest finite float64: "any number".
BIG = float(np.finfo(np.float64).max)


def any_number(domain: Domain, fixed: float) -> tuple[float, float]:
    """Return the range of a parameter: any finite number, or within +-`fixed`."""
    return (-BIG, BIG) if domain == "float" else (-fixed, fixed)
