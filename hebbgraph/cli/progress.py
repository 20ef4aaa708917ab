"""Progress on standard error: bars on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: Seconds between plain lines about the same work.
QUIET = 10.0


class Reporter:
    """Tells how far the work is; call it as (done, total, text)."""

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._said: dict[str, float] = {}
        if enabled and sys.stderr.isatty():
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[amount]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bars:
            self._bars.stop()

    def __call__(self, done: int, total: int, text: str) -> None:
        """Show that `done` of `total` is done; text up to the first comma names the work.

        Text that ends in ``", bytes"`` tells of a download.
        """
        work, _, detail = text.partition(", ")
        if not self.enabled:
            return
        size = detail == "bytes"
        amount = [decimal(n) if size else str(n) for n in (done, total)]
        if self._bars:
            told = "/".join(amount)
            if work not in self._tasks:
                self._tasks[work] = self._bars.add_task(work, total=total, amount=told)
            self._bars.update(self._tasks[work], completed=done, total=total, amount=told)
            return
        now = time.monotonic()
        if work not in self._said or now - self._said[work] > QUIET:
            self._said[work] = now
            told = f"{work}: {' of '.join(amount)}"
            print(told if size else f"{told} ({detail})", file=sys.stderr, flush=True)
