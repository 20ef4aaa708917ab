"""Run a case on one engine and compare everything with the reference."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.files import write_atomic
from hebbgraph.serialise import load, to_document
from tests.fuzz.strategies import Case

#: Every variant of every engine by its label, with its options.
VARIANTS = {
    variant.label(name): (name, dict(variant.options), variant.slow)
    for name, backend in discover().items()
    for variant in backend.capability.variants
    if name != "reference"
}


def reference(case: Case) -> hg.Result:
    """Return what the definition says."""
    with hg.compile(case.graph) as program:
        return program.run(case.inputs, **case.run)


def run_on(label: str, case: Case) -> hg.Result:
    """Return what an engine says."""
    name, options, _ = VARIANTS[label]
    with hg.compile(case.graph, name, **options) as program:
        return program.run(case.inputs, **case.run)


def difference(expected: hg.Result, got: hg.Result) -> str:
    """Return where `got` first departs from `expected`, in words; empty if nowhere."""
    for kind in ("spikes", "states", "weights"):
        ours, theirs = getattr(expected, kind), getattr(got, kind)
        if set(ours) != set(theirs):
            return f"{kind}: {sorted(ours)} expected, got {sorted(theirs)}"
        for key, values in ours.items():
            other = theirs[key]
            if values.dtype != other.dtype or values.shape != other.shape:
                want, have = f"{values.dtype} {values.shape}", f"{other.dtype} {other.shape}"
                return f"{kind} {key}: {want} expected, got {have}"
    found = _first(expected, got)
    if found:
        return found
    for key, values in expected.weights.items():
        if not np.array_equal(values, got.weights[key]):
            at = np.argwhere(values != got.weights[key])[0].tolist()
            want, have = values[tuple(at)], got.weights[key][tuple(at)]
            return f"weights {key}{at}: {want} expected, got {have}"
    if expected.counters != got.counters:
        ours, theirs = expected.counters.as_dict(), got.counters.as_dict()
        return f"counters: {json.dumps(ours)} expected, got {json.dumps(theirs)}"
    return ""


def _first(expected: hg.Result, got: hg.Result) -> str:
    """Return the earliest event that differs."""
    events: list[tuple[int, int, str]] = []
    for kind in ("spikes", "states"):
        for key, values in getattr(expected, kind).items():
            other = getattr(got, kind)[key]
            differs = values != other
            if differs.any():
                step = int(np.argmax(differs.any(axis=(0, 2))))
                episode, unit = (int(i) for i in np.argwhere(differs[:, step])[0])
                want, have = (array[episode, step, unit] for array in (values, other))
                text = f"{key}[{unit}] at step {step}, episode {episode}: {want}, got {have}"
                events.append((episode, step, text))
    return min(events, default=(0, 0, ""))[2]


def keep(case: Case, label: str, text: str, folder: Path) -> Path:
    """Write a failing case to one file that `replay` reads; return its path."""
    buffer = io.BytesIO()
    document, arrays = to_document(case.graph)
    from hebbgraph.serialise import pack

    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("graph.hgraph", pack(document, arrays))
        for path, values in case.inputs.items():
            member = io.BytesIO()
            np.save(member, values, allow_pickle=False)
            archive.writestr(f"inputs/{path}.npy", member.getvalue())
        about = {"engine": label, "difference": text, "run": case.run}
        archive.writestr("case.json", json.dumps(about, indent=1))
    return write_atomic(folder / f"{case.graph.content_hash[:12]}-{label}.zip", buffer.getvalue())


def read(path: Path) -> Case:
    """Return the case that `keep` wrote."""
    with zipfile.ZipFile(path) as archive:
        run = json.loads(archive.read("case.json"))["run"]
        copy = path.with_suffix(".hgraph")
        copy.write_bytes(archive.read("graph.hgraph"))
        try:
            graph = load(copy)
        finally:
            copy.unlink()
        inputs: dict[str, Any] = {}
        for name in archive.namelist():
            if name.startswith("inputs/"):
                key = name.removeprefix("inputs/").removesuffix(".npy")
                inputs[key] = np.load(io.BytesIO(archive.read(name)), allow_pickle=False)
    return Case(graph, inputs, **run)


def usable(labels: Iterable[str]) -> list[str]:
    """Return those of `labels` whose engine is there."""
    found = {name: backend.availability().usable for name, backend in discover().items()}
    return [label for label in labels if found[VARIANTS[label][0]]]
