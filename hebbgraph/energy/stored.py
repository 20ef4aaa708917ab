"""Stored runs: the counters in a run folder or a result file, to be priced again at any time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hebbgraph.counters import Counters, ProcessCounts
from hebbgraph.errors import Fault, Invalid

#: What a run folder keeps its numbers in.
RESULTS = "results.json"
#: What names a run among those of a folder, in this order.
NAMES = ("model", "variant", "learner", "method", "backend", "domain", "seed")
RUN_COUNTERS = tuple(f.name for f in fields(Counters) if f.name != "processes")
PROCESS_COUNTERS = tuple(f.name for f in fields(ProcessCounts))


@dataclass(frozen=True)
class StoredRun:
    """The counters of one run, and what they are shared among."""

    #: What the folder calls it, such as ``lava fixed``.
    name: str
    counters: Counters
    #: Recalls of the run, and patterns stored, over all seeds; None where the folder has neither.
    recalls: int | None = None
    stored_patterns: int | None = None
    #: Other runs of the folder whose counters are the same.
    alike: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return the name, and how many runs there are like it."""
        return f"{self.name} (+{len(self.alike)} alike)" if self.alike else self.name


def stored_runs(path: str | os.PathLike[str]) -> tuple[StoredRun, ...]:
    """Return the runs whose counters lie in a run folder, or the one of a result file (``.zip``).

    Engines that agree have equal counters, and are one run here. Raises `Invalid` with everything
    that is wrong with the folder.
    """
    where = Path(path)
    if where.is_file() and where.suffix == ".zip":
        from hebbgraph.result import Result

        return (StoredRun(where.stem, Result.load(where).counters),)
    file = where / RESULTS
    document = _document(where, file)
    found = list(_found(document, ()))
    if not found:
        remedy = "name a folder that `hebbgraph run` or `hebbgraph bench` wrote"
        fault = Fault(str(file), "no counters", "must hold those of at least one run", remedy)
        raise Invalid("run folder", [fault])
    faults = [f for at, entry in found for f in _faults(f"{file}: {at}", entry["counters"])]
    if faults:
        raise Invalid("run folder", faults)
    return _distinct([_run(at, entry) for at, entry in found])


def _document(folder: Path, file: Path) -> Any:
    remedy = "name a folder that `hebbgraph run` or `hebbgraph bench` wrote"
    try:
        return json.loads(file.read_bytes())
    except (OSError, NotADirectoryError) as error:
        need = f"must be a run folder, which holds {RESULTS}"
        fault = Fault(str(folder), error.strerror or str(error), need, remedy)
        raise Invalid("run folder", [fault]) from error
    except (ValueError, RecursionError) as error:
        fault = Fault(str(file), str(error), "must be JSON, as a run wrote it", "run it again")
        raise Invalid("run folder", [fault]) from error


def _found(part: Any, names: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (name, entry) for every mapping that holds counters, in the order of the file."""
    if isinstance(part, list):
        for item in part:
            yield from _found(item, names)
    elif isinstance(part, Mapping):
        own = [str(part[key]) for key in NAMES if isinstance(part.get(key), str | int)]
        known = (*names, *(name for name in own if name and name not in names))
        if "counters" in part:
            yield " ".join(known) or "run", part
            return
        for value in part.values():
            yield from _found(value, known)


def _faults(where: str, document: Any) -> list[Fault]:
    """Return what is wrong with counters as they were stored."""
    parts = document if isinstance(document, Mapping) else {}
    run, processes = parts.get("run"), parts.get("processes")
    if not isinstance(run, Mapping) or not isinstance(processes, Mapping):
        return [Fault(f"{where}: counters", repr(document)[:60], "must have run and processes")]
    faults = [
        Fault(f"{where}: counters.run.{name}", "nothing", "is needed")
        for name in RUN_COUNTERS
        if name not in run
    ]
    groups = [("run", run, RUN_COUNTERS)]
    groups += [(str(p), counts, PROCESS_COUNTERS) for p, counts in processes.items()]
    for path, counts, known in groups:
        if not isinstance(counts, Mapping):
            faults.append(Fault(f"{where}: counters.{path}", repr(counts)[:60], "must be counts"))
            continue
        for name, n in counts.items():
            at = f"{where}: counters.{path}.{name}"
            if name not in known:
                faults.append(Fault(at, "an unknown counter", f"must be one of {', '.join(known)}"))
            elif isinstance(n, bool) or not isinstance(n, int) or n < 0:
                faults.append(Fault(at, repr(n)[:60], "must be a whole number, 0 or more"))
    return faults


def _run(name: str, entry: Mapping[str, Any]) -> StoredRun:
    task = entry.get("task")
    count, seeds = (task.get("count"), task.get("seeds")) if isinstance(task, Mapping) else (0, 0)
    whole = isinstance(count, int) and isinstance(seeds, list) and count > 0 and seeds
    recalls = entry.get("recalls")
    return StoredRun(
        name,
        Counters.from_dict(entry["counters"]),
        recalls if isinstance(recalls, int) and recalls > 0 else None,
        count * len(seeds) if whole else None,  # type: ignore[operator,arg-type]
    )


def _distinct(runs: list[StoredRun]) -> tuple[StoredRun, ...]:
    """Return each run once, with the names of those that are like it."""
    groups: list[list[StoredRun]] = []
    for run in runs:
        key = (run.counters, run.recalls, run.stored_patterns)
        same = [g for g in groups if key == (g[0].counters, g[0].recalls, g[0].stored_patterns)]
        if same:
            same[0].append(run)
        else:
            groups.append([run])
    taken: dict[str, int] = {}
    found = []
    for group in groups:
        first = group[0]
        taken[first.name] = number = taken.get(first.name, 0) + 1
        name = first.name if number == 1 else f"{first.name} ({number})"
        alike = tuple(run.name for run in group[1:])
        found.append(StoredRun(name, first.counters, first.recalls, first.stored_patterns, alike))
    return tuple(found)
