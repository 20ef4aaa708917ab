"""Finding: one line of what a machine makes of a graph."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

#: Good; to be known; to be looked into; the graph will not run as it is.
Verdict = Literal["ok", "note", "warning", "fault"]
VERDICTS: tuple[Verdict, ...] = ("ok", "note", "warning", "fault")

#: The questions, in the order in which they are answered.
Part = Literal["fit", "learning", "firing", "approximation"]
PARTS: dict[Part, str] = {
    "fit": "does it fit",
    "learning": "can the machine learn it",
    "firing": "will it still fire",
    "approximation": "what is approximated",
}
#: Stands for the graph as a whole where a path is expected.
WHOLE = "(graph)"


@dataclass(frozen=True)
class Finding:
    """What was found about one aspect of one process, with its numbers."""

    #: Path of the process; `WHOLE` for the graph.
    path: str
    part: Part
    #: What it is about: ``neurons``, ``synaptic memory``, ``delay``, ``u wraps``, ...
    aspect: str
    verdict: Verdict
    #: What the graph needs or does.
    got: int | float | str
    #: What the machine offers, or what it should be; None where there is nothing to compare.
    limit: int | float | str | None = None
    text: str = ""
    #: What to do; empty where nothing is to be done.
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        line = f"{self.verdict}: {self.path} {self.aspect}: {self.numbers()}"
        return "; ".join(part for part in (line, self.text, self.remedy) if part)

    def numbers(self) -> str:
        """Return ``got of limit``, or ``got in range``, in as many digits as are of use."""
        got = readable(self.got)
        if self.limit is None:
            return got
        return f"{got} {'in' if isinstance(self.limit, str) else 'of'} {readable(self.limit)}"


def readable(value: int | float | str) -> str:
    """Return a number with thousands separated, or three significant digits of a fraction."""
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
