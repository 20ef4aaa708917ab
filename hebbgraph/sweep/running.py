"""running: a whole sweep: what is missing runs, everything is priced, files are written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from hebbgraph.errors import EngineError, Unavailable
from hebbgraph.files import write_atomic
from hebbgraph.sweep import search
from hebbgraph.sweep.execute import Tally, Teller, execute, missing
from hebbgraph.sweep.executors import DaskPool, LocalPool, Pool
from hebbgraph.sweep.found import Found, csv_text, found_of, json_text, parquet
from hebbgraph.sweep.jobs import Point
from hebbgraph.sweep.journal import Journal
from hebbgraph.sweep.planning import Plan

#: The files of a folder that hold the final table.
TABLES = ("table.json", "table.csv")


@dataclass(frozen=True)
class Where:
    """Where a sweep runs."""

    workers: int = 1
    #: The address of a Dask scheduler; worker processes here without one.
    dask: str = ""

    def pool(self) -> Pool:
        """Return the pool; raises `Unavailable` or `Invalid` where it cannot be had."""
        return DaskPool(self.dask) if self.dask else LocalPool(self.workers)


def run(
    plan: Plan,
    folder: str | os.PathLike[str],
    where: Where | None = None,
    *,
    retry: bool = False,
    limit: int | None = None,
    progress: Teller | None = None,
) -> Found:
    """Run what `folder` has no result of, and return all points, priced.

    The same plan and folder go on where they were stopped, however that was, to the same table.
    With a `limit` at most so many jobs run now. `retry` runs again what failed. A job that fails is
    listed with its error; the others go on. Raises `EngineError` where the disk refuses results.
    """
    if plan.spec.strategy.kind == "search":
        search.require()
    tally, here = Tally(), where or Where()
    with Journal(folder) as journal:
        pool: Pool | None = None
        spread = plan.placing and here.workers > 1 and not here.dask

        def ran(points: Sequence[Point]) -> Found:
            nonlocal pool, tally
            jobs = [job for point in points for job in point.jobs]
            left = missing(jobs, journal, retry=retry)
            if limit is not None:
                barred = {job.key for job in left[max(0, limit - tally.ran) :]}
                jobs = [job for job in jobs if job.key not in barred]
            if pool is None and (left or spread):
                pool = here.pool()
            if pool is not None:
                done = execute(
                    jobs, journal, pool, name=plan.spec.name, limit=plan.spec.time_limit,
                    retry=retry, progress=progress,
                )  # fmt: skip
                tally = _added(tally, done)
            return found_of(plan, points, journal, pool if spread else None, progress)

        try:
            if plan.spec.strategy.kind == "search":
                points = search.search(plan, ran)
                found = found_of(plan, points, journal, pool if spread else None, progress)
            else:
                found = ran(plan.points)
        finally:
            if pool is not None:
                pool.close()
        return replace(found, tally=asdict(tally))


def write(found: Found, folder: str | os.PathLike[str]) -> list[str]:
    """Write the final table as JSON, CSV and, with pyarrow, Parquet; return what could not be.

    Raises `EngineError` where the disk refuses.
    """
    home = Path(folder)
    notes = []
    try:
        write_atomic(home / "table.json", json_text(found))
        write_atomic(home / "table.csv", csv_text(found))
        try:
            write_atomic(home / "table.parquet", parquet(found))
        except Unavailable as error:
            notes.append(str(error))
    except OSError as error:
        text = f"{home}: {error.strerror or error}; the results are kept, the table is not written"
        raise EngineError(text) from error
    return notes


def _added(one: Tally, other: Tally) -> Tally:
    known = one.known or other.known
    summed = {
        name: getattr(one, name) + getattr(other, name)
        for name in ("ran", "failed", "died", "cpu_seconds", "wall_seconds")
    }
    return Tally(known=known, **summed)
