"""execute: runs jobs on a pool, in batches, and writes what they find.

A worker that dies takes its job with it: that job is tried again, at most twice, then it is listed
as failed. The other jobs of its batch just run elsewhere. Short jobs are sent many at a time, so
that sending takes little of the time; those that share a training go to one worker.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

from hebbgraph.errors import HebbgraphError
from hebbgraph.sweep.executors import Pool, Records
from hebbgraph.sweep.jobs import Job
from hebbgraph.sweep.journal import Journal

Teller = Callable[[int, int, str], None]
#: How often a job whose worker died is tried again.
AGAIN = 2
#: Seconds that a batch of short jobs is meant to take, and the most jobs of one.
BATCH_SECONDS, MOST = 0.5, 64
#: Batches under way for each slot: one runs, one waits.
AHEAD = 2


@dataclass
class Tally:
    """What became of jobs."""

    known: int = 0
    ran: int = 0
    failed: int = 0
    died: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0


@dataclass
class _Work:
    waiting: deque[Job]
    tally: Tally
    attempts: dict[str, int] = field(default_factory=dict)
    mean: float = 0.0


def missing(jobs: Sequence[Job], journal: Journal, *, retry: bool = False) -> list[Job]:
    """Return the jobs without a result, each once, groups together; failed ones with `retry`."""
    unique: dict[str, Job] = {}
    for job in jobs:
        if journal.done(job.key, keep=job.keep) or (journal.failed(job.key) and not retry):
            continue
        unique.setdefault(job.key, job)
    groups: dict[str, list[Job]] = {}
    for job in unique.values():
        groups.setdefault(job.group, []).append(job)
    return [job for group in groups.values() for job in group]


def execute(
    jobs: Sequence[Job],
    journal: Journal,
    pool: Pool,
    *,
    name: str = "sweep",
    limit: float = 3600.0,
    retry: bool = False,
    progress: Teller | None = None,
) -> Tally:
    """Run the jobs that have no result yet, and return what became of them.

    Raises `EngineError` where results cannot be written.
    """
    left = missing(jobs, journal, retry=retry)
    total = len({job.key for job in jobs})
    work = _Work(deque(left), Tally(known=total - len(left)))
    running: dict[Future[Records], list[Job]] = {}
    start = time.perf_counter()
    while work.waiting or running:
        while work.waiting and len(running) < AHEAD * pool.slots:
            batch = _batch(work, pool.slots)
            running[pool.submit([job.as_dict() for job in batch], limit)] = batch
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        found: list[dict[str, Any]] = []
        for future in done:
            found += _settled(work, running.pop(future), future)
        journal.add(found)
        work.tally.wall_seconds = time.perf_counter() - start
        _tell(progress, name, total, work.tally)
    return work.tally


def _batch(work: _Work, slots: int) -> list[Job]:
    """Return the jobs to send next."""
    first = work.waiting.popleft()
    batch = [first]
    if first.group:
        while work.waiting and work.waiting[0].group == first.group and len(batch) < MOST:
            batch.append(work.waiting.popleft())
        return batch
    share = -(-len(work.waiting) // (AHEAD * slots))
    count = min(MOST, share, round(BATCH_SECONDS / work.mean)) if work.mean else 1
    while work.waiting and len(batch) < count and not work.waiting[0].group:
        batch.append(work.waiting.popleft())
    return batch


def _settled(work: _Work, batch: list[Job], future: Future[Records]) -> list[dict[str, Any]]:
    """Return the records of a batch that are final; what has to run again waits."""
    try:
        records = future.result()
    except HebbgraphError:
        raise
    except Exception as error:  # the cluster lost it
        words = f"{type(error).__name__}: {error}"
        records = []
        died = [{"key": j.key, "work": dict(j.work), "error": words, "why": "died"} for j in batch]
        return [r for job, r in zip(batch, died, strict=True) if not _again(work, job)]
    final = []
    for job, record in zip(batch, records, strict=False):
        if record.get("why") == "died" and _again(work, job):
            continue
        final.append(record)
        _count(work, record)
    work.waiting.extendleft(reversed(batch[len(records) :]))
    return final


def _again(work: _Work, job: Job) -> bool:
    """Return whether a job whose worker died waits to be tried again."""
    work.tally.died += 1
    work.attempts[job.key] = work.attempts.get(job.key, 0) + 1
    if work.attempts[job.key] > AGAIN:
        return False
    work.waiting.appendleft(job)
    return True


def _count(work: _Work, record: dict[str, Any]) -> None:
    tally = work.tally
    tally.ran += 1
    tally.failed += "error" in record
    tally.cpu_seconds += float(record.get("cpu_seconds", 0.0))
    seconds = float(record.get("wall_seconds", 0.0))
    work.mean = seconds if not work.mean else 0.8 * work.mean + 0.2 * seconds


def _tell(progress: Teller | None, name: str, total: int, tally: Tally) -> None:
    if progress is None:
        return
    done = tally.known + tally.ran
    text = f"{tally.ran} ran"
    if tally.failed:
        text += f", {tally.failed} failed"
    if tally.ran and done < total:
        seconds = tally.wall_seconds / tally.ran * (total - done)
        text += f", about {_time(seconds)} left"
    progress(done, total, f"{name}, {text}")


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
