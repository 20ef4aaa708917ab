"""driver: one worker process, jobs sent and records received; it is started again when it dies."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any

from hebbgraph.sweep.outcome import canonical

#: Seconds that a worker has to start.
START = 120.0
#: Bytes of what a worker said last that an error quotes.
TAIL = 400
#: Threads of numeric libraries in a worker, which has one core to itself.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Driver:
    """Runs batches in a process of its own, which ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._said: IO[bytes] | None = None
        self._rest = b""

    def run(self, batch: Sequence[Mapping[str, Any]], limit: float) -> list[dict[str, Any]]:
        """Return a record for each job, in order.

        Where the worker dies, or takes longer than `limit` seconds for a job, that job's record
        says so and is the last: those after it have not run.
        """
        found = []
        for job in batch:
            record = self._one(job, limit)
            found.append(record)
            if record.get("why") in ("died", "late"):
                break
        return found

    def close(self) -> None:
        """End the worker, whatever it does."""
        process, self._process, self._rest = self._process, None, b""
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, self._said):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @property
    def pid(self) -> int | None:
        """Return the worker's process, None if there is none."""
        return self._process.pid if self._process else None

    def _one(self, job: Mapping[str, Any], limit: float) -> dict[str, Any]:
        known = {"key": job["key"], "work": job["work"]}
        try:
            self._ensure()
            process = self._process
            assert process is not None
            assert process.stdin is not None
            process.stdin.write(canonical(job).encode() + b"\n")
            process.stdin.flush()
            line = self._line(limit)
        except OSError as error:
            return known | self._ended(error.strerror or str(error))
        if line is None:
            self.close()
            return known | {"error": f"took longer than {limit:g} s", "why": "late"}
        if not line:
            return known | self._ended("")
        record: dict[str, Any] = json.loads(line)
        return record

    def _ensure(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        threads = {name: os.environ.get(name, "1") for name in THREADS}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hebbgraph.sweep.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **threads},
            start_new_session=True,
        )
        if not self._line(START):
            raise OSError(f"no worker: {self._last_words() or 'it did not start'}")

    def _line(self, limit: float) -> bytes | None:
        """Return the next line, empty where the worker has ended, None where time is up."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        handle, end = process.stdout.fileno(), time.monotonic() + limit
        parts = [self._rest]
        while b"\n" not in parts[-1]:
            left = end - time.monotonic()
            if left <= 0 or not select.select([handle], [], [], left)[0]:
                return None
            data = os.read(handle, 1 << 20)
            if not data:
                return b""
            parts.append(data)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        return line

    def _ended(self, reason: str) -> dict[str, Any]:
        """Return how the worker ended, in words, and forget it."""
        code = self._process.wait() if self._process else None
        words = self._last_words()
        self.close()
        how = reason or "the worker ended"
        if code is not None and code < 0:
            how += f", by {signal.Signals(-code).name}"
        elif code:
            how += f", exit code {code}"
        return {"error": f"{how}{': ' if words else ''}{words}", "why": "died"}

    def _last_words(self) -> str:
        if self._said is None:
            return ""
        with contextlib.suppress(OSError, ValueError):
            size = self._said.seek(0, os.SEEK_END)
            self._said.seek(max(0, size - TAIL))
            return self._said.read().decode(errors="replace").strip().replace("\n", " | ")
        return ""
