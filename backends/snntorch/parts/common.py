"""What all parts share: how a process's arrays become tensors of its module."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn

from hebbgraph.processes import Domain, Process

#: The arrays that are trained in the float domain.
TRAINED = ("weights", "bias")


class Part(Protocol):
    """The module of one process: one step, in snnTorch's convention.

    It is called with what arrives at its first port, its registers in order, and what arrives at
    its other ports by name; a port that nothing is connected to is left out. Without registers it
    returns what it emits, with any leading dimensions; with registers ``(emitted, *registers)``.
    """

    registers: tuple[str, ...]
    #: Whether units whose port ``on`` receives 0 emit 0.
    silenced: bool

    def __call__(self, arriving: Tensor, *registers: Any, **ports: Tensor) -> Any:
        """Do one step."""


def place(module: nn.Module, process: Process, domain: Domain, dtype: torch.dtype) -> None:
    """Give `module` every array of `process`: parameters where it is trained, else buffers."""
    for name in process.PARAMETERS:
        kind = torch.int64 if name in process.INDICES else dtype
        values = torch.tensor(getattr(process, name), dtype=kind)
        module._parameters.pop(name, None)
        module._buffers.pop(name, None)
        if domain == "float" and name in TRAINED:
            module.register_parameter(name, nn.Parameter(values))
        else:
            module.register_buffer(name, values)
