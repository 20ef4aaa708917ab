"""Execution: batches, deaths, time limits, kills of workers and coordinators, what is resumed."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import yaml

from hebbgraph.errors import EngineError, Invalid
from hebbgraph.sweep import Where, plan, read, run
from hebbgraph.sweep.driver import Driver
from hebbgraph.sweep.execute import AGAIN, execute, missing
from hebbgraph.sweep.executors import LocalPool
from hebbgraph.sweep.jobs import Job
from hebbgraph.sweep.journal import Journal
from tests.sweep.specs import planned, ran, spec, table

#: Jobs of about a tenth of a second.
SLOW = spec(
    subject={
        "model": "hopfield",
        "settings": {"units": 150, "rule": "hebbian", "dynamics": "masked", "tested": 30},
    },
    knobs={"steps": [40, 44], "load": {"from": 0.05, "to": 0.1, "count": 4}},
    seeds=2,
    hardware=["loihi1_nahuku"],
)


def _until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def _lines(folder: Path) -> int:
    path = folder / "results.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


# --- what is decided, on a pool that does as it is told -------------------------------------------


class Scripted:
    """A pool whose workers die of some jobs, so many times."""

    slots = 2

    def __init__(self, deaths: dict[str, int]) -> None:
        self.deaths, self.tried = dict(deaths), dict.fromkeys(deaths, 0)
        self.batches: list[int] = []

    def submit(self, batch: Any, limit: float) -> Future[list[dict[str, Any]]]:
        self.batches.append(len(batch))
        found: list[dict[str, Any]] = []
        for job in batch:
            key = job["key"]
            record = {"key": key, "work": job["work"], "values": {}, "wall_seconds": 0.001}
            if self.deaths.get(key, 0) > 0:
                self.deaths[key] -= 1
                self.tried[key] += 1
                found.append(record | {"error": "the worker ended", "why": "died"})
                break
            found.append(record)
        future: Future[list[dict[str, Any]]] = Future()
        future.set_result(found)
        return future

    def close(self) -> None:
        pass


def _jobs(count: int) -> list[Job]:
    return [Job({"kind": "recall", "seed": number}) for number in range(count)]


@pytest.mark.parametrize(("deaths", "fails"), [(1, False), (AGAIN, False), (AGAIN + 1, True)])
def test_a_job_whose_worker_dies_is_tried_again_twice(
    tmp_path: Path, deaths: int, fails: bool
) -> None:
    jobs = _jobs(40)
    unlucky = jobs[7].key
    pool = Scripted({unlucky: deaths})
    with Journal(tmp_path) as journal:
        tally = execute(jobs, journal, pool)
        assert journal.failed(unlucky) is fails
        assert pool.tried[unlucky] == min(deaths, AGAIN + 1)
        assert all(journal.done(job.key) for job in jobs if job.key != unlucky)
        assert tally.died == deaths
        assert tally.ran == 40
    keys = [
        json.loads(line)["key"] for line in (tmp_path / "results.jsonl").read_text().splitlines()
    ]
    assert sorted(keys) == sorted(job.key for job in jobs)  # nothing lost, nothing twice


def test_short_jobs_are_sent_many_at_a_time(tmp_path: Path) -> None:
    pool = Scripted({})
    with Journal(tmp_path) as journal:
        execute(_jobs(400), journal, pool)
    assert max(pool.batches) == 64
    assert len(pool.batches) < 40


def test_a_lost_batch_of_a_cluster_counts_as_a_death(tmp_path: Path) -> None:
    class Lost(Scripted):
        def submit(self, batch: Any, limit: float) -> Future[list[dict[str, Any]]]:
            future: Future[list[dict[str, Any]]] = Future()
            future.set_exception(RuntimeError("KilledWorker"))
            return future

    with Journal(tmp_path) as journal:
        execute(_jobs(2), journal, Lost({}))
        assert all("KilledWorker" in record["error"] for record in journal.records.values())


# --- the journal ----------------------------------------------------------------------------------


def test_a_damaged_line_is_named_and_its_job_runs_again(tmp_path: Path) -> None:
    first = ran(tmp_path)
    path = tmp_path / "results.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b'{"key": 3}\n' + b"".join(lines[2:]) + lines[1][:40])
    again = ran(tmp_path)
    assert [told.partition(": ")[0] for told in again.damaged] == [f"{path}, line 2"]
    assert again.tally["ran"] == 1
    assert table(again) == table(first)


def test_a_folder_takes_one_sweep_at_a_time(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(Invalid, match="no other sweep"):
        Journal(tmp_path)
    with Journal(tmp_path):
        pass


def test_a_full_disk_is_told_and_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Journal(tmp_path) as journal:
        journal.add([{"key": "a", "values": {}}])
        monkeypatch.setattr("hebbgraph.sweep.journal.os.fsync", full)
        with pytest.raises(EngineError, match=r"No space left.*1 results are there"):
            journal.add([{"key": "b", "values": {}}])
        assert not journal.done("b")
    monkeypatch.setattr("hebbgraph.sweep.journal.os.fsync", real)
    assert set(Journal(tmp_path, write=False).records) == {"a"}


def test_what_a_placement_needs_is_run_again_where_it_is_gone(tmp_path: Path) -> None:
    knobs = {"neurons_per_core": [8]}
    first = ran(tmp_path, knobs=knobs)
    made = planned(knobs=knobs)
    with Journal(tmp_path) as journal:
        assert not missing(made.jobs, journal)
        journal.kept(made.jobs[0].key).unlink()
        assert [job.key for job in missing(made.jobs, journal)] == [made.jobs[0].key]
    assert table(ran(tmp_path, knobs=knobs)) == table(first)


# --- real workers ---------------------------------------------------------------------------------


def test_an_error_is_kept_and_the_rest_goes_on(tmp_path: Path) -> None:
    knobs = {"temperature": [0.0, 0.5], "level": [0.0, 0.2]}  # synchronous units have none
    found = ran(tmp_path, knobs=knobs, seeds=1)
    bad = [row for row in found.rows if row.error]
    assert [row.point.at["temperature"] for row in bad] == [0.5, 0.5]
    assert all("temperature" in row.error for row in bad)
    assert len(found.good) == 2
    again = ran(tmp_path, knobs=knobs, seeds=1)
    assert again.tally["ran"] == 0
    retried = run(planned(knobs=knobs, seeds=1), tmp_path, retry=True)
    assert retried.tally["ran"] == 2
    assert table(again) == table(found) == table(retried)


def test_a_job_that_takes_too_long_is_ended_and_listed() -> None:
    work = planned(
        subject={"model": "hopfield", "settings": {"units": 400, "count": 100, "steps": 4000}},
        knobs={},
    )
    quick = planned(knobs={}).jobs[0].as_dict()
    driver = Driver()
    try:
        records = driver.run([quick, work.jobs[0].as_dict(), quick], 1.0)
        assert [record.get("why") for record in records] == [None, "late"]
        assert "longer than 1 s" in records[1]["error"]
        assert "values" in driver.run([quick], 60.0)[0]  # by a new worker
    finally:
        driver.close()
    assert driver.pid is None


def test_a_limit_stops_after_so_many_jobs(tmp_path: Path) -> None:
    made = planned()
    first = run(made, tmp_path, limit=3)
    assert first.tally["ran"] == 3
    assert sum("has not run" in row.error for row in first.rows) == len(made.points) - 1
    assert not run(made, tmp_path).rows[-1].error


def test_killed_workers_and_coordinators_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(yaml.safe_dump(SLOW))
    made = plan(*read(file))
    killed, undisturbed = tmp_path / "killed", tmp_path / "undisturbed"
    expected = table(run(made, undisturbed, Where(2)))
    # A worker is killed under its job.
    pool = LocalPool(2)
    with Journal(killed) as journal:
        tally: list[Any] = []
        half = made.jobs[: len(made.jobs) // 2]
        runner = threading.Thread(target=lambda: tally.append(execute(half, journal, pool)))
        runner.start()
        _until(lambda: len(journal.records) >= 2)
        pid = next(p for p in (driver.pid for driver in pool.drivers) if p)
        os.kill(pid, signal.SIGKILL)
        runner.join()
        pool.close()
    assert tally[0].died == 1
    assert tally[0].failed == 0
    # Then the coordinator.
    done = _lines(killed)
    command = [sys.executable, "-m", "hebbgraph", "sweep", str(file), "--workers", "2"]
    command += ["--folder", str(killed), "--quiet", "--no-report"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _until(lambda: _lines(killed) >= done + 2)
    workers = _children(process.pid)
    process.kill()
    process.wait()
    assert len(workers) == 2
    _until(lambda: not any(map(_runs, workers)), 10)  # none is left behind
    assert _lines(killed) < len(made.jobs)
    finished = run(made, killed, Where(2))
    assert table(finished) == expected
    keys = [json.loads(line)["key"] for line in (killed / "results.jsonl").read_text().splitlines()]
    assert len(keys) == len(set(keys)) == len(made.jobs)


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for t in threads for child in (t / "children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
