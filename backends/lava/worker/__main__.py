"""Entry of the worker: ``__main__.py HEBBGRAPH [--shim] (--probe | READ_FD WRITE_FD)``.

HEBBGRAPH is the folder of that package. Its own code wants a newer Python than lava does, so the
packages above the worker get their names here without being executed.
"""

import json
import signal
import sys
import types
from importlib import metadata
from pathlib import Path


def name_packages(hebbgraph):
    """Give this folder, the reference's steps and `hebbgraph.random` the names they have."""
    worker = Path(__file__).absolute().parent
    sys.path[:] = [entry for entry in sys.path if entry != str(worker)]
    folders = {
        "hebbgraph": hebbgraph,
        "hebbgraph.backends": worker.parent.parent,
        "hebbgraph.backends.lava": worker.parent,
        "hebbgraph.backends.reference": worker.parent.parent / "reference",
    }
    for name, folder in folders.items():
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


def found_versions():
    """Return the versions of what runs here."""
    versions = {name: metadata.version(name) for name in ("lava-nc", "numpy")}
    return {"python": ".".join(map(str, sys.version_info[:3])), **versions}


def main(arguments):
    """Probe (import lava, print versions), or serve requests on two pipe ends."""
    name_packages(arguments[0])
    if "--shim" in arguments:
        from hebbgraph.backends.lava.worker import shim

        shim.apply()
    # lava sets the start method when it is imported, so that comes before all else.
    import lava.magma.runtime.message_infrastructure.multiprocessing  # noqa: F401

    if "--probe" in arguments:
        from hebbgraph.backends.lava.worker import engine  # noqa: F401

        sys.stdout.write(json.dumps(found_versions()) + "\n")
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program that started us decides
    from hebbgraph.backends.lava.worker import guard, memory
    from hebbgraph.backends.lava.worker.frames import Pipe
    from hebbgraph.backends.lava.worker.server import Server

    fds = [int(text) for text in arguments[1:] if text.isdigit()]
    guard.protect_forks(fds)
    memory.install()
    Server(Pipe(*fds)).serve(found_versions())


if __name__ == "__main__":
    main(sys.argv[1:])
