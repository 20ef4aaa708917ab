"""What every process kind offers: ports, states, faults."""

from __future__ import annotations

import contextlib
import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.errors import Fault

Domain = Literal["float", "fixed"]
Signal = Literal["spike", "graded"]
#: A parameter: an array once the process is built, anything that broadcasts to it when given.
Parameter: TypeAlias = Any
DOMAINS: tuple[Domain, ...] = ("float", "fixed")


@dataclasses.dataclass(frozen=True)
class Port:
    """One end of a connection: its width and what passes through it (spikes are 0 or 1)."""

    size: int
    signal: Signal


class Process(ABC):
    """A node of a graph: a frozen dataclass whose docstring is its equation.

    Kinds are final and derive from this class directly. Array fields are read-only; `cast` gives
    them the dtype of a domain (float64 or int64), which the graph does when it is built.
    """

    #: Names of the array fields, in the order in which they are written to a file.
    PARAMETERS: ClassVar[tuple[str, ...]] = ()
    #: State variables, all zero at the start of an episode; a probe may record them.
    STATES: ClassVar[tuple[str, ...]] = ()
    #: Whether connections into this process stand for synapses and carry a delay of 1 or more.
    SYNAPTIC: ClassVar[bool] = False

    @property
    @abstractmethod
    def inputs(self) -> dict[str, Port]:
        """Return the input ports by name."""

    @property
    @abstractmethod
    def outputs(self) -> dict[str, Port]:
        """Return the output ports by name."""

    @abstractmethod
    def faults(self, path: str, domain: Domain) -> list[Fault]:
        """Return everything wrong with the parameters in `domain`."""

    def cast(self, domain: Domain) -> Self:
        """Return a copy whose array fields have the dtype of `domain`."""
        dtype = np.float64 if domain == "float" else np.int64
        changes: dict[str, Any] = {
            name: np.asarray(getattr(self, name)).astype(dtype) for name in self.PARAMETERS
        }
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]


def read_only(value: ArrayLike, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Return a read-only copy of `value`, broadcast to `shape` where that is possible.

    What cannot be broadcast or is not numeric is kept as it came, for `faults` to name.
    """
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


def range_faults(
    where: str,
    array: NDArray[Any],
    shape: tuple[int, ...],
    domain: Domain,
    low: float,
    high: float,
    remedy: str = "",
) -> list[Fault]:
    """Return faults of one array field: its type, shape, finiteness, integrality and range."""
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        return [Fault(where, f"dtype {array.dtype}", "must be real numbers")]
    if array.shape != shape:
        return [Fault(where, f"shape {array.shape}", f"must have shape {shape}", "reshape it")]
    if not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        need = "must be finite"
        got = f"{array[tuple(bad[0])]} at {_at(bad[0])}, {len(bad)} such"
        return [Fault(where, got, need, "replace NaN and infinite values")]
    if domain == "fixed" and not np.array_equal(array, np.rint(array)):
        bad = np.argwhere(array != np.rint(array))
        got = f"{array[tuple(bad[0])]} at {_at(bad[0])}"
        need = "must be integers in the fixed domain"
        return [Fault(where, got, need, "run passes.quantise on the float graph")]
    outside = (array < low) | (array > high)
    if outside.any():
        bad = np.argwhere(outside)
        got = f"{array[tuple(bad[0])]} at {_at(bad[0])}, {len(bad)} such"
        return [Fault(where, got, f"must be in [{low:g}, {high:g}]", remedy)]
    return []


def is_whole(value: object) -> bool:
    """Return whether `value` is an integer, of Python or NumPy, and no bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def exponent_faults(where: str, exponent: Any, low: int, high: int, domain: Domain) -> list[Fault]:
    """Return the fault of a power of two outside [low, high] in fixed, or not 0 in float."""
    low, high = (low, high) if domain == "fixed" else (0, 0)
    if is_whole(exponent) and low <= exponent <= high:
        return []
    need = f"must be a whole number in [{low}, {high}] in the {domain} domain"
    return [Fault(where, repr(exponent), need)]


def size_faults(path: str, size: Any) -> list[Fault]:
    """Return the fault of a size that is not a positive whole number."""
    if is_whole(size) and size > 0:
        return []
    return [Fault(f"{path}.size", repr(size), "must be a whole number above 0")]


def _at(index: NDArray[Any]) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"
