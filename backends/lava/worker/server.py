"""The worker's loop: requests in, frames out, and a watch over Lava's processes."""

import os
import queue
import sys
import threading
import traceback

import numpy as np

from hebbgraph.backends.lava.worker import engine, guard, loihi_learning
from hebbgraph.backends.lava.worker.plan import read_plan

#: Seconds between two looks at the parent and at Lava's processes.
WATCH_SECONDS = 0.25
#: Looks after which a run whose Lava process has ended is given up; lava itself may notice before.
PATIENCE = 4


class Server:
    """Answers requests, see `serve`; the main thread alone touches Lava."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.parent = os.getppid()
        self.requests = queue.Queue()
        self.engines = {}
        #: Whether Lava's processes are meant to be alive: while building and running.
        self.running = False

    def serve(self, versions):
        """Say hello, then answer requests until the pipe closes (which ends this process)."""
        threading.Thread(target=self._listen, daemon=True).start()
        self.pipe.send({"kind": "hello", "versions": versions})
        while True:
            header, arrays = self.requests.get()
            try:
                answers = {
                    "build": self._build,
                    "run": self._run,
                    "close": self._close,
                    "learning_dense": self._learning_dense,
                }
                answers[header["request"]](header, arrays)
            except engine.LavaError as error:
                self._fail(str(error))
            except Exception as error:  # whatever it is, the other side is to hear of it
                traceback.print_exc()
                self._fail(f"{type(error).__name__}: {error}")

    def _listen(self):
        """Queue requests; report a dead Lava process; end all when the other side is gone."""
        seen = 0
        try:
            while True:
                if self.pipe.readable(WATCH_SECONDS):
                    self.requests.put(self.pipe.receive())
                elif os.getppid() != self.parent:
                    guard.end_session()
                ended = guard.fallen() if self.running else {}
                seen = seen + 1 if ended else 0
                if seen == PATIENCE:
                    self._fail(guard.explain(ended[min(ended)]))
        finally:
            guard.end_session()

    def _fail(self, text):
        """Report an error; the other side then ends this process, as Lava may hang from now on."""
        sys.stdout.flush()
        sys.stderr.flush()
        self.pipe.send({"kind": "error", "text": text})
        self.running = False

    def _build(self, header, arrays):
        plan = read_plan(header["document"], arrays)
        self.running = True
        built = engine.Engine(plan, header["model"], header["chunk"])
        self.running = False
        self.engines[header["graph"]] = built
        self.pipe.send({"kind": "built", "parts": built.parts, "room": built.buffers.cells})

    def _run(self, header, arrays):
        built, done = self.engines[header["graph"]], 0
        inputs, learned = {}, {}
        for key, array in arrays.items():
            kind, _, rest = key.partition("/")
            if kind == "inputs":
                inputs[rest] = array
            else:
                path, _, which = rest.partition("/")
                learned.setdefault(path, {})[which] = array
        learned = {path: (own["accumulator"], own["momentum"]) for path, own in learned.items()}
        self.running = True
        job = (header[key] for key in ("episodes", "steps", "batch", "first_episode"))
        for episode, episodes, step, rasters, states in built.run(inputs, learned, *job):
            found = dict(rasters)
            found.update({f"states/{path}.{name}": a for (path, name), a in states.items()})
            swapped = {key: np.swapaxes(array, 0, 1) for key, array in found.items()}
            done += built.chunk_size
            place = {"episode": episode, "episodes": episodes, "step": step, "done": done}
            self.pipe.send({"kind": "chunk", **place}, swapped)
        self.running = False
        self._send_learned(built.learned())

    def _send_learned(self, learned):
        """End the answer to a run with what plastic synapses hold."""
        found = {}
        for path, own in learned.items():
            found[f"{path}/accumulator"], found[f"{path}/momentum"] = own.accumulator, own.momentum
        counts = {path: own.counts.tolist() for path, own in learned.items()}
        self.pipe.send({"kind": "done", "counts": counts}, found)

    def _learning_dense(self, header, arrays):
        """Run lava's LearningDense alone."""
        self.running = True
        weights, seconds = loihi_learning.run(header, arrays)
        self.running = False
        self.pipe.send({"kind": "done", "seconds": seconds}, {"weights": weights})

    def _close(self, header, arrays):
        for name in header["graphs"]:
            built = self.engines.pop(name, None)
            if built is not None:
                built.close()
        if not self.engines:
            engine.forget_processes()
        self.pipe.send({"kind": "closed"})
