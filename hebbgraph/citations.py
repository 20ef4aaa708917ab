"""Citations: the papers behind a run: its model, its data, the engines, the prices.

What a model or a data set rests on is read from where it says so itself: the second paragraph of
a model's docstring, the source of a data set, the sources of a hardware config.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from hebbgraph import catalogue
from hebbgraph.errors import Fault, Invalid

Subject = Literal["model", "data", "engine", "hardware", "break-even"]

#: What each engine asks to be cited as, or is.
ENGINES: Mapping[str, str] = {
    "reference": (
        'C. R. Harris et al., "Array programming with NumPy", Nature 585, 2020,'
        " doi:10.1038/s41586-020-2649-2"
    ),
    "brian2": (
        'M. Stimberg, R. Brette and D. F. M. Goodman, "Brian 2, an intuitive and efficient neural'
        ' simulator", eLife 8, 2019, doi:10.7554/eLife.47314'
    ),
    "snntorch": (
        'J. K. Eshraghian et al., "Training spiking neural networks using lessons from deep'
        ' learning", Proc. IEEE 111(9), 2023, doi:10.1109/JPROC.2023.3308088'
    ),
    "lava": (
        'Intel Labs, "Lava: a software framework for neuromorphic computing", 2021,'
        " https://github.com/lava-nc/lava"
    ),
}

_DOI = re.compile(r"doi:(10\.\d{4,9}/[^\s,;]*[^\s,;.])")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_URL = re.compile(r"https?://[^\s,;]*[^\s,;.]")
_TITLE = re.compile(r'"([^"]+)"')
_YEAR = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
#: Where the first author's initials begin; what stands before them is talk.
_AUTHOR = re.compile(r"\b[A-Z]\.(?:[ -]?[A-Z]\.)* [A-Z][\w'-]+")
#: Between two references: a semicolon, or a full stop after a year or an identifier.
_BETWEEN = re.compile(r";\s+|(?<=\d)\.\s+(?=[A-Z])")


@dataclass(frozen=True)
class Reference:
    """One publication, and what of the run it stands behind."""

    subject: Subject
    #: Names of the models, machines, ... that rest on it.
    of: tuple[str, ...]
    #: As it is cited.
    text: str
    doi: str = ""
    arxiv: str = ""
    url: str = ""

    @property
    def key(self) -> str:
        """Return first author and year, ``hopfield1982``."""
        author = _AUTHOR.search(self.text)
        year = _YEAR.search(_without_addresses(self.text))
        first = author.group().split()[-1] if author else re.split(r"\W+", self.text.strip())[0]
        return re.sub(r"\W", "", first).lower() + (year.group() if year else "")

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**asdict(self), "of": list(self.of), "key": self.key}

    def bibtex(self, key: str) -> str:
        """Return an entry; what cannot be told apart in the citation stands in its note."""
        title, year = _TITLE.search(self.text), _YEAR.search(_without_addresses(self.text))
        author = self.text[: title.start()].strip(" ,:") if title else ""
        names = re.sub(r"\s+et al\.?", " and others", author.replace(", and ", ", "))
        fields = {
            "author": re.sub(r",\s+", " and ", names),
            "title": f"{{{title.group(1)}}}" if title else "",
            "year": year.group() if year else "",
            "doi": self.doi,
            "eprint": self.arxiv,
            "archiveprefix": "arXiv" if self.arxiv else "",
            "url": self.url,
            "note": self.text,
        }
        lines = [f"  {name} = {{{_escaped(text)}}}," for name, text in fields.items() if text]
        return "\n".join([f"@misc{{{key},", *lines, "}"])


def references(text: str, subject: Subject, of: str) -> list[Reference]:
    """Return the references in a piece of text: what has a title in quotes or an identifier."""
    found = []
    for part in _BETWEEN.split(" ".join(text.split())):
        start = _AUTHOR.search(part)
        title = _TITLE.search(part)
        # Before the first author a docstring talks; a data set is named there.
        talk = subject == "model" and start is not None
        before = start is not None and (title is None or start.start() < title.start())
        cited = part[start.start() :] if start and talk and before else part
        if subject == "model":
            cited = _ended(cited)
        doi, arxiv, url = (pattern.search(part) for pattern in (_DOI, _ARXIV, _URL))
        if not (title or doi or arxiv or url):
            continue
        found.append(
            Reference(
                subject,
                (of,),
                cited.rstrip(". "),
                doi.group(1) if doi else "",
                arxiv.group(1) if arxiv else "",
                url.group() if url else "",
            )
        )
    return found


def _ended(text: str) -> str:
    """Return a reference without the talk after it: to its last identifier, or its year."""
    ends = [match.end() for pattern in (_DOI, _ARXIV) for match in pattern.finditer(text)]
    title = _TITLE.search(text)
    if not ends and title:
        ends = [m.end() for m in _YEAR.finditer(text, title.end())][:1]
    return text[: max(ends)] if ends else text


def of_run(folder: str | os.PathLike[str]) -> tuple[Reference, ...]:
    """Return the references behind a run folder, each once, in the order of their subjects.

    Raises `Invalid` if it is none, or names a model or machine that is not known here.
    """
    return _once(_behind(_document(Path(folder))))


def _document(folder: Path) -> Mapping[str, Any]:
    file = folder / "results.json"
    need, remedy = "must be a run folder", "name one that `hebbgraph run` or `bench` wrote"
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise Invalid("run folder", [Fault(str(file), str(error), need, remedy)]) from error
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        fault = Fault(str(file), "no config", f"{need} with the config of its run", remedy)
        raise Invalid("run folder", [fault])
    return dict(document)


def _behind(document: Mapping[str, Any]) -> Iterator[Reference]:
    """Yield every reference, some of them again and again."""
    from hebbgraph.counters import Counters
    from hebbgraph.energy.breakeven import break_even
    from hebbgraph.hardware import load

    config = document["config"]
    entries = [e for e in document.get("entries", [document]) if isinstance(e, dict)]
    models = [config["model"]] if "model" in config else config.get("models", [])
    for name in models:
        paragraphs = (catalogue.model(name).__doc__ or "").split("\n\n")
        yield from references(paragraphs[1] if len(paragraphs) > 1 else "", "model", name)
    rows = [row for entry in entries for row in entry.get("rows", []) if row.get("report")]
    for row in rows:
        task = row["report"]["task"]
        yield from references(task.get("source", ""), "data", task.get("data", "data"))
    for row in rows:
        if row["backend"] in ENGINES:
            yield from references(ENGINES[row["backend"]], "engine", row["backend"])
    for name in config.get("hardware", []):
        for source in load(name).sources.values():
            if source.basis == "assumption":
                continue
            yield Reference("hardware", (name,), source.text, source.doi, "", source.url)
    if config.get("hardware") and rows:
        for found in break_even(Counters.from_dict(rows[0]["report"]["counters"])):
            yield from references(found.cite, "break-even", found.paper)


def _once(found: Iterator[Reference]) -> tuple[Reference, ...]:
    """Return each reference once by subject and identifier, with all that rest on it."""
    held: dict[tuple[str, str], Reference] = {}
    for one in found:
        key = (one.subject, one.doi or one.arxiv or one.text)
        before = held.get(key)
        names = dict.fromkeys([*(before.of if before else ()), *one.of])
        held[key] = replace(before or one, of=tuple(names))
    return tuple(held.values())


def bibliography(found: tuple[Reference, ...]) -> str:
    """Return BibTeX, each publication once, whatever it stands behind; keys are told apart."""
    entries: dict[str, Reference] = {}
    for one in found:
        entries.setdefault(one.doi or one.arxiv or one.text, one)
    taken: dict[str, int] = {}
    made = []
    for one in entries.values():
        number = taken[one.key] = taken.get(one.key, 0) + 1
        made.append(one.bibtex(one.key + ("" if number == 1 else chr(ord("a") + number - 1))))
    return "\n\n".join(made) + "\n"


def _without_addresses(text: str) -> str:
    """Return `text` without identifiers, whose digits are no years."""
    for pattern in (_DOI, _ARXIV, _URL):
        text = pattern.sub("", text)
    return text


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "&%#$" else letter for letter in text)
