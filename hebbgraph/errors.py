"""Errors that name the object, what it got, what is needed and what to do, all faults at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HebbgraphError(Exception):
    """Base of every error a user can cause; the command line turns it into exit code 2."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input: where it is, what it got, what is needed, what to do."""

    where: str
    got: str
    need: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.need} (got {self.got})"
        return f"{text}; {self.remedy}" if self.remedy else text


@dataclass(frozen=True)
class Gap:
    """One thing a back end lacks for a graph: where, what is lacking, the remedy."""

    where: str
    lacking: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.lacking}; {self.remedy}"


class Invalid(HebbgraphError):
    """Raised once with every fault of an object; ``faults`` holds them."""

    def __init__(self, subject: str, faults: Sequence[Fault]) -> None:
        self.subject = subject
        self.faults = tuple(faults)
        count = f"{len(faults)} fault{'s' if len(faults) != 1 else ''}"
        lines = [f"invalid {subject} ({count}):", *(f"  {fault}" for fault in self.faults)]
        super().__init__("\n".join(lines))


class Unsupported(HebbgraphError):
    """Raised once with every gap between a graph and a back end; ``gaps`` holds them."""

    def __init__(self, backend: str, gaps: Sequence[Gap]) -> None:
        self.backend = backend
        self.gaps = tuple(gaps)
        count = f"{len(gaps)} gap{'s' if len(gaps) != 1 else ''}"
        lines = [f"{backend} cannot run this graph ({count}):", *(f"  {gap}" for gap in self.gaps)]
        super().__init__("\n".join(lines))


class Unavailable(HebbgraphError):
    """Raised when an engine is not installed or does not start; the text holds the remedy."""


class EngineError(HebbgraphError):
    """Raised when an engine fails or runs out of time while running a valid graph."""
