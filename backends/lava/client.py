"""Worker: the main program's end of the Lava worker process."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator, Mapping
from typing import IO, Any

from numpy.typing import NDArray

from hebbgraph.backends.lava import environment
from hebbgraph.backends.lava.worker.frames import Pipe
from hebbgraph.errors import EngineError, Unavailable

Frame = tuple[dict[str, Any], dict[str, NDArray[Any]]]

#: Seconds that a worker gets to start (it imports lava), and to close a graph.
START_SECONDS, CLOSE_SECONDS = 120.0, 20.0
#: Lines of the worker's log that an error shows.
LOG_LINES = 12
#: One thread per process: Lava's processes are many, and share the cores.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Worker:
    """One worker process, in a session of its own.

    Any failure - an error it reports, its death, silence for too long, an interrupt while it is
    asked - ends it and every process of its session; `shared_worker` then starts a new one.
    """

    def __init__(self) -> None:
        found = environment.find()
        if found is None:
            raise Unavailable("lava: its environment is missing; run `hebbgraph setup lava`")
        self.environment = found
        #: Names of networks that are to be stopped with the next request.
        self.dropped: list[str] = []
        self._owner = os.getpid()
        self._closed = self._busy = False
        self._lock = threading.RLock()
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `kill`
        self._process, self._pipe = self._launch()
        hello, _ = self.tell({}, timeout=START_SECONDS)
        self.versions: dict[str, str] = hello["versions"]

    @property
    def alive(self) -> bool:
        """Return whether it can be asked, by this process (not by one forked from it)."""
        return not self._closed and self._owner == os.getpid() and self._process.poll() is None

    def answers(self) -> bool:
        """Return whether it can be asked: it answers, or is answering; ends it if it does not.

        A process that was killed counts as alive until its last thread is gone, so that `alive`
        may come too early for a request that is sent right after.
        """
        if not self.alive:
            return False
        if not self._lock.acquire(blocking=False):
            return True
        try:
            if not self._busy:
                self.tell({"request": "close", "graphs": []})
        except EngineError:
            return False
        finally:
            self._lock.release()
        return True

    @property
    def pid(self) -> int:
        """Return its process id, which is also that of its session."""
        return self._process.pid

    def tell(
        self,
        request: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]] | None = None,
        timeout: float = CLOSE_SECONDS,
    ) -> Frame:
        """Send `request` and return the last frame of the answer; raises as `ask` does."""
        *_, last = self.ask(request, arrays, timeout)
        return last

    def ask(
        self,
        request: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]] | None = None,
        timeout: float = CLOSE_SECONDS,
    ) -> Generator[Frame, None, None]:
        """Send `request` and yield the frames of its answer; an empty one only listens.

        Raises `EngineError` if the worker reports an error, dies, or is silent for `timeout`
        seconds. If the answer is not read to its end (close the generator), the worker is ended.
        """
        with self._lock:
            if self._busy:
                raise EngineError("lava: a run is under way; start another when it is done")
            self._busy = True
            whole = False
            try:
                if request:
                    self._pipe.send(request, arrays, timeout)
                while not whole:
                    header, found = self._pipe.receive(timeout)
                    if header["kind"] == "error":
                        raise EngineError(self._explain(header["text"]))
                    whole = header["kind"] != "chunk"
                    yield header, found
            except TimeoutError:
                text = f"no sign of life for {timeout:g} s (raise the option timeout to wait more)"
                raise EngineError(self._explain(text)) from None
            except (EOFError, BrokenPipeError):
                raise EngineError(self._explain("the worker died")) from None
            finally:
                self._busy = False
                if not whole:
                    self.kill()

    def kill(self) -> None:
        """End the worker and every process of its session, at once; safe to call twice."""
        if self._closed or self._owner != os.getpid():
            return
        self._closed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._pipe.close()
        self._log.close()

    def _launch(self) -> tuple[subprocess.Popen[bytes], Pipe]:
        requests, answers = os.pipe(), os.pipe()
        ends = (requests[0], answers[1])
        flags = ["--shim"] if self.environment.shim else []
        script = environment.worker_command(self.environment.python)
        command = [*script, *flags, *map(str, ends)]
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env={**clean, **ONE_THREAD},
                pass_fds=ends,
                start_new_session=True,
            )
        except OSError as error:
            os.close(requests[1])
            os.close(answers[0])
            raise Unavailable(f"lava: {error}; run `hebbgraph setup lava`") from None
        finally:
            for end in ends:
                os.close(end)
        return process, Pipe(answers[0], requests[1])

    def _explain(self, text: str) -> str:
        """Return `text` with the end of what the worker and Lava's processes printed."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 20_000))
        lines = self._log.read().decode(errors="replace").splitlines()
        shown = [f"  {line}" for line in lines if line.strip()][-LOG_LINES:]
        return "\n".join([f"lava: {text}", *shown])


_shared: Worker | None = None
_starting = threading.Lock()


def shared_worker() -> Worker:
    """Return the worker of this process; starts one if there is none that answers."""
    global _shared
    with _starting:
        if _shared is None or not _shared.answers():
            close_shared_worker()
            _shared = Worker()
        return _shared


@atexit.register
def close_shared_worker() -> None:
    """End the worker of this process, if there is one."""
    if _shared is not None:
        _shared.kill()
