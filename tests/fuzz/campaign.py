"""campaign: thousands of random graphs on every engine, failures kept as files.

Several processes draw graphs from seeds of their own. Every engine runs every k-th graph, so that
slow ones do not decide how long it takes; the summary says how many each has run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

import hebbgraph as hg
from hebbgraph.files import write_atomic
from tests.fuzz.engines import VARIANTS, difference, keep, reference, run_on, usable
from tests.fuzz.strategies import Case, cases

#: Of how many graphs an engine runs one, unless told otherwise; none of the others.
EVERY = {
    "snntorch": 1,
    "lava": 1,
    "lava-model=parts": 5,
    "brian2": 5,
    "brian2-dense=synapses": 5,
}
#: Seconds between two lines of progress.
REPORT = 5.0


@dataclass
class Tally:
    """What one process, or all of them, found."""

    graphs: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)
    gaps: Counter[str] = field(default_factory=Counter)
    #: What the graphs had in them.
    seen: Counter[str] = field(default_factory=Counter)
    #: Events of the reference: an empty run proves little.
    events: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "graphs": self.graphs,
            "runs": dict(self.runs),
            "mismatches": self.mismatches,
            "gaps": dict(self.gaps),
            "seen": dict(sorted(self.seen.items())),
            "events": self.events,
        }

    def add(self, other: Mapping[str, Any]) -> None:
        """Add what another process found."""
        self.graphs += other["graphs"]
        self.runs.update(other["runs"])
        self.mismatches += other["mismatches"]
        self.gaps.update(other["gaps"])
        self.seen.update(other["seen"])
        self.events += other["events"]


def work(graphs: int, number: int, every: Mapping[str, int], folder: Path) -> None:
    """Run `graphs` graphs of the seed `number`; write progress and results to standard output."""
    tally = Tally()
    told = 0.0

    @seed(number)
    @settings(
        max_examples=graphs,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def examine(case: Case) -> None:
        nonlocal told
        _examine(case, tally, every, folder)
        if time.monotonic() - told > REPORT:
            told = time.monotonic()
            _say({"progress": tally.as_dict()})

    examine()
    _say({"done": tally.as_dict()})


def _examine(case: Case, tally: Tally, every: Mapping[str, int], folder: Path) -> None:
    expected = reference(case)
    tally.graphs += 1
    tally.events += expected.counters.total("spikes") + expected.counters.total("graded_events")
    kinds = {type(process).__name__ for _, process in case.graph.walk()}
    if case.graph.plastic:
        kinds.add("plastic")
    if "deep" in case.graph.processes:
        kinds.add("nested")
    tally.seen.update(kinds)
    for label, step in every.items():
        if tally.graphs % step:
            continue
        try:
            text = difference(expected, run_on(label, case))
        except hg.Unsupported as error:
            tally.gaps[f"{label}: {error.gaps[0].lacking}"] += 1
            continue
        except Exception:
            text = traceback.format_exc(limit=4)
        tally.runs[label] += 1
        if text:
            path = keep(case, label, text, folder)
            tally.mismatches.append(f"{label}: {text.strip().splitlines()[-1]} -> {path}")


def _say(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def lead(graphs: int, number: int, workers: int, every: Mapping[str, int], folder: Path) -> Tally:
    """Share `graphs` among `workers` processes, show progress, return what they found."""
    chosen = {label: every[label] for label in usable(every)}
    shares = [graphs // workers + (k < graphs % workers) for k in range(workers)]
    started = time.monotonic()
    processes = []
    for k, share in enumerate(shares):
        command = [sys.executable, "-m", "tests.fuzz", "--worker", str(share)]
        command += ["--seed", str(number + k), "--folder", str(folder)]
        command += [f"--every={label}={step}" for label, step in chosen.items()]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    latest: dict[int, dict[str, Any]] = {}
    try:
        while len(latest) < workers or any("done" not in m for m in latest.values()):
            for k, process in enumerate(processes):
                assert process.stdout is not None
                if "done" in latest.get(k, {}):
                    continue
                line = process.stdout.readline()
                if not line:
                    raise SystemExit(f"fuzz: worker {k} ended early with code {process.wait()}")
                latest[k] = json.loads(line)
            _report(_sum(latest), graphs, time.monotonic() - started)
    finally:
        for process in processes:
            process.terminate()
            process.wait()
    total = _sum(latest)
    summary = {"seed": number, "wall_seconds": round(time.monotonic() - started, 1)}
    text = json.dumps(summary | total.as_dict(), indent=1)
    write_atomic(folder / "summary.json", text)
    return total


def _sum(latest: Mapping[int, Mapping[str, Any]]) -> Tally:
    total = Tally()
    for message in latest.values():
        total.add(message.get("done") or message["progress"])
    return total


def _report(total: Tally, graphs: int, seconds: float) -> None:
    left = seconds / max(total.graphs, 1) * (graphs - total.graphs)
    runs = ", ".join(f"{label} {count}" for label, count in total.runs.items())
    sys.stderr.write(
        f"{total.graphs}/{graphs} graphs, {len(total.mismatches)} mismatches, {runs}; "
        f"{seconds:.0f} s, {left:.0f} s left\n"
    )


def table(total: Tally) -> str:
    """Return the summary in words."""
    lines = [f"{total.graphs} random graphs, {total.events} events in the reference"]
    for label, count in total.runs.items():
        wrong = sum(text.startswith(f"{label}: ") for text in total.mismatches)
        lines.append(f"  {label:<24} {count:>6} graphs, {wrong} mismatches")
    lines += [f"  gap: {text}, {count} times" for text, count in total.gaps.items()]
    seen = ", ".join(f"{kind} {count}" for kind, count in total.seen.most_common())
    lines.append(f"  graphs with: {seen}")
    lines += [f"  MISMATCH {text}" for text in total.mismatches]
    lines.append(f"{len(total.mismatches)} mismatches")
    return "\n".join(lines)


#: Labels that may be named, for help texts.
LABELS = tuple(VARIANTS)
