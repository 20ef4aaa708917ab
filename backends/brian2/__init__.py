"""Brian2: every process a NeuronGroup with readable equations, every batch one run.

Reading order: `plan` (a graph in Brian2's terms, as plain data), `planner` and `kinds` (graph ->
plan), `script` (plan -> text of a network), `kernels` (what its operations call), `engine`
(settings, device), `executable` (runs the text), `recording`, `artefact`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hebbgraph.backend import Availability, Capability, Option, Variant
from hebbgraph.errors import Fault, Invalid
from hebbgraph.graph import MAX_DELAY, Graph
from hebbgraph.processes import DOMAINS, KINDS

if TYPE_CHECKING:
    from hebbgraph.backends.brian2.executable import Brian2Executable

INSTALL = "pip install 'hebbgraph[brian2]'"

TARGETS = "numpy compiles nothing; cython is cached on disk; cpp_standalone compiles every run"
DENSE = "blas: products, groups, rules on arrays; synapses: Synapses only, one episode at a time"


class Brian2Backend:
    """Brian2 on its runtime targets numpy and cython, and as C++ standalone."""

    capability = Capability(
        name="brian2",
        title="Brian2",
        processes=dict.fromkeys(KINDS, DOMAINS),
        max_delay=MAX_DELAY,
        learning=DOMAINS,
        batches=True,
        options={
            "target": Option("numpy", ("numpy", "cython", "cpp_standalone"), TARGETS),
            "dense": Option("blas", ("blas", "synapses"), DENSE),
        },
        variants=(
            Variant(),
            Variant({"dense": "synapses"}),
            Variant({"target": "cython"}, slow=True),
            Variant({"target": "cython", "dense": "synapses"}, slow=True),
            Variant({"target": "cpp_standalone", "dense": "synapses"}, slow=True),
        ),
        remarks=(
            'dense="synapses" learns from one episode at a time: batches need dense="blas"',
            'target="cpp_standalone" needs dense="synapses": a product in Python is not compiled',
            "one step of the graph is one millisecond of the network",
            "compiled targets build without -ffast-math, into a cache of their own",
            "C++ standalone reads the numbers of stochastic rounding from a table: 8 bytes each",
        ),
    )

    def availability(self) -> Availability:
        """Return the versions found; the engine is not imported."""
        if find_spec("brian2") is None:
            return Availability(False, reason="Brian2 is not installed", remedy=INSTALL)
        versions = {name: version(name) for name in ("brian2", "numpy")}
        with suppress(PackageNotFoundError):
            versions["cython"] = version("cython")
        if _number(versions["brian2"]) < (2, 10) and _number(versions["numpy"]) >= (2, 4):
            reason = f"brian2 {versions['brian2']} does not import under NumPy {versions['numpy']}"
            return Availability(False, versions, reason, "pip install 'numpy<2.4'")
        caveat = ""
        if shutil.which("c++") is None and shutil.which("g++") is None:
            caveat = "no C++ compiler: only target='numpy' works"
        return Availability(True, versions, caveat=caveat)

    def lower(self, graph: Graph, options: Mapping[str, Any]) -> Brian2Executable:
        """Return `graph` as a Brian2 network; raises `Invalid` for options that exclude another."""
        target, dense = options["target"], options["dense"]
        if target == "cpp_standalone" and dense != "synapses":
            need = 'must be "synapses" with target="cpp_standalone"'
            why = 'pass dense="synapses": a matrix product in Python cannot be compiled to C++'
            raise Invalid("options of brian2", [Fault("option dense", repr(dense), need, why)])
        from hebbgraph.backends.brian2.executable import Brian2Executable

        return Brian2Executable(graph, target, dense)


def _number(text: str) -> tuple[int, int]:
    """Return major and minor of a version."""
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


BACKEND = Brian2Backend()
