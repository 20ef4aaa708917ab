"""worker: runs jobs one after another: a JSON line in, a JSON line out.

``python -m hebbgraph.sweep.worker`` reads ``{"key": ..., "work": ..., "keep": ...}`` a line and
answers each with a result, or an error in words. It ends when its input does, even in the middle of
a job: a coordinator that is killed leaves no worker behind.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from typing import Any, BinaryIO

#: Exit code of a worker whose coordinator has gone.
ALONE = 3


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of a job: what it found, or its error in words."""
    from hebbgraph.errors import HebbgraphError
    from hebbgraph.sweep.outcome import Outcome

    work = job["work"]
    start, wall = time.process_time(), time.perf_counter()
    record: dict[str, Any] = {"key": job["key"], "work": work}
    try:
        found: Outcome
        if work["kind"] == "price":
            from hebbgraph.sweep import pricing_jobs

            return {"key": job["key"], "priced": pricing_jobs.answer(work)}
        if work["kind"] == "recall":
            from hebbgraph.sweep import recall

            found = recall.run(work, keep=bool(job["keep"]))
        else:
            from hebbgraph.sweep import continual  # torch, on use

            found = continual.run(work, keep=bool(job["keep"]))
        record |= found.as_dict()
    except HebbgraphError as error:
        record |= {"error": str(error), "why": "refused"}
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119
        record |= {"error": f"{type(error).__name__}: {error} ({place})", "why": "failed"}
    record["cpu_seconds"] = time.process_time() - start
    record["wall_seconds"] = time.perf_counter() - wall
    return record


def main() -> int:
    """Answer jobs until the input ends."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, waiting), daemon=True).start()
    _write(out, {"ready": os.getpid()})
    while True:
        line = waiting.get()
        job = json.loads(line)
        if job is None:
            return 0
        _write(out, answer(job))


def _listen(stream: BinaryIO, waiting: queue.SimpleQueue[bytes]) -> None:
    for line in stream:
        waiting.put(line)
    os._exit(ALONE)  # nobody wants the answer: whatever runs, end


def _write(out: Any, record: Mapping[str, Any]) -> None:
    from hebbgraph.sweep.outcome import canonical

    data = memoryview(canonical(record).encode() + b"\n")
    while data:
        data = data[out.write(data) :]


if __name__ == "__main__":
    sys.exit(main())
