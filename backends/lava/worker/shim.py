"""Import lava-nc 0.10.0 on Python 3.11 and newer: unsupported upstream, only on request.

One module of lava uses instances of dataclasses as defaults of dataclass fields, which Python
refuses since 3.11 unless they are hashable. It is imported once with hashable dataclasses.
"""

import dataclasses
import functools
import sys


def apply() -> None:
    """Import that module so that `import lava` works; does nothing on Python 3.10."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the worker runs on 3.10 too
        return
    original = dataclasses.dataclass
    dataclasses.dataclass = functools.partial(original, unsafe_hash=True)
    try:
        import lava.magma.compiler.var_model  # noqa: F401
    finally:
        dataclasses.dataclass = original
