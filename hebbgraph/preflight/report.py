"""CheckReport: every finding, and whether they let the graph pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hebbgraph.preflight.finding import PARTS, VERDICTS, Finding, Verdict


@dataclass(frozen=True)
class CheckReport:
    """What `check` found."""

    #: Name and content hash of the graph, name of the hardware config.
    graph: str
    graph_hash: str
    hardware: str
    #: Cores and chips that the units take; 0 where the machine has no such thing.
    cores: int
    chips: int
    #: Which data the graph was run on, and for how many steps; empty and 0 where it was not run.
    data: str
    steps: int
    findings: tuple[Finding, ...]
    #: What is to be known about the machine that was meant, in words.
    remark: str = ""

    @property
    def passes(self) -> bool:
        """Return whether nothing stands against running the graph: there is no fault."""
        return not self.of("fault")

    def of(self, *verdicts: Verdict) -> tuple[Finding, ...]:
        """Return the findings with one of `verdicts`."""
        return tuple(finding for finding in self.findings if finding.verdict in verdicts)

    def about(self, path: str, aspect: str | None = None) -> tuple[Finding, ...]:
        """Return the findings about the process at `path`, or one aspect of it."""
        return tuple(
            finding
            for finding in self.findings
            if finding.path == path and aspect in (None, finding.aspect)
        )

    def headline(self) -> str:
        """Return the answer in one line."""
        counts = ", ".join(
            _many(len(self.of(verdict)), verdict) for verdict in reversed(VERDICTS[1:])
        )
        answer = "passes on" if self.passes else "does not pass on"
        where = (
            f", {_many(self.cores, 'core')} on {_many(self.chips, 'chip')}" if self.cores else ""
        )
        return f"{self.graph} {answer} {self.hardware}{where}: {counts}"

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "graph": self.graph,
            "graph_hash": self.graph_hash,
            "hardware": self.hardware,
            "remark": self.remark,
            "passes": self.passes,
            "cores": self.cores,
            "chips": self.chips,
            "data": self.data,
            "steps": self.steps,
            "findings": [finding.as_dict() for finding in self.findings],
        }

    def __str__(self) -> str:
        lines = [self.headline()]
        for part, question in PARTS.items():
            rows = [finding for finding in self.findings if finding.part == part]
            if not rows:
                continue
            lines += ["", f"{question}?"]
            cells = [(f.verdict, f.path, f.aspect, f.numbers()) for f in rows]
            widths = [max(len(row[column]) for row in cells) for column in range(4)]
            for row, finding in zip(cells, rows, strict=True):
                head = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                words = "; ".join(part for part in (finding.text, finding.remedy) if part)
                lines.append(f"  {head}  {words}".rstrip())
        return "\n".join(lines)


def _many(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
