"""What models there are: one file each in `models/`, found by looking."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family


def models() -> dict[str, ModuleType]:
    """Return every model module by name."""
    package = importlib.import_module("hebbgraph.models")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return {name: importlib.import_module(f"hebbgraph.models.{name}") for name in names}


def model(name: str) -> ModuleType:
    """Return one model module; raises `Invalid` naming those there are."""
    found = models()
    if name not in found:
        fault = Fault("model", repr(name), f"models are: {', '.join(found)}")
        raise Invalid("model", [fault])
    return found[name]


def families() -> dict[str, Family]:
    """Return every memory by the name of its model."""
    return {name: module.FAMILY for name, module in models().items() if "FAMILY" in vars(module)}


def family(name: str) -> Family:
    """Return the memory that a model is; raises `Invalid` if it is none or unknown."""
    module = model(name)
    found = families()
    if name not in found:
        need = f"must be a memory, which stores patterns: {', '.join(found)}"
        raise Invalid("model", [Fault("model", repr(name), need)])
    held: Family = module.FAMILY
    return held


def summary(module: ModuleType) -> str:
    """Return the first sentence of a model's docstring."""
    return (module.__doc__ or "").strip().split("\n", 1)[0]


def parameters(module: ModuleType) -> dict[str, Any]:
    """Return what `build` takes beside its data, with the defaults."""
    signature = inspect.signature(module.build)
    return {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if parameter.default is not inspect.Parameter.empty and name != "name"
    }


def check_parameters(module: ModuleType, given: Mapping[str, Any]) -> None:
    """Raise `Invalid` with every name in `given` that `build` does not take."""
    known = parameters(module)
    name = module.__name__.rpartition(".")[2]
    need = f"parameters of {name} are: {', '.join(f'{k}={v}' for k, v in known.items())}"
    faults = [
        Fault(f"parameter {key}", repr(v), need) for key, v in given.items() if key not in known
    ]
    if faults:
        raise Invalid(f"parameters of {name}", faults)


def memory_table() -> str:
    """Return the memories as a Markdown table: what they store, how they learn."""
    rows = ["| memory | what it is | stores | learns on line | energy |", "| --- " * 5 + "|"]
    for name, found in families().items():
        about = summary(model(name)).rstrip(".")
        marks = ("yes" if held else "-" for held in (found.learner, found.energy))
        rows.append(f"| `{name}` | {about} | {found.alphabet} | {' | '.join(marks)} |")
    return "\n".join(rows)
