"""Trial: one network of a sweep, what it stores and how its recall is tried; knobs change it."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import hebbgraph
from hebbgraph import catalogue
from hebbgraph import data as datasets
from hebbgraph.checks import DOMAINS, Domain, whole_faults
from hebbgraph.data import PatternSet, choose
from hebbgraph.data.patterns import choice_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family
from hebbgraph.harness.corrupt import corruption_faults, cues
from hebbgraph.harness.engine import Engine

if TYPE_CHECKING:
    from hebbgraph.hardware import Hardware


def one_per_unit(trial: Trial) -> float:
    """Return N: load is K / N."""
    return float(trial.units)


@dataclass(frozen=True, eq=False)
class Trial:
    """Store `count` patterns in one network, recall `tested` of them from spoiled cues."""

    family: Family
    #: What the memory is called; part of what a recorded result is found by.
    name: str
    #: Of the family's `build`. Where it takes a ``seed`` and none is given, it is the network's.
    parameters: Mapping[str, Any] = field(default_factory=dict)
    #: Where patterns come from; None for random ones that suit the family, of `units` units.
    data: PatternSet | None = None
    units: int = 96
    #: K.
    count: int = 6
    #: Patterns of each class drawn, or None to draw without regard to classes.
    per_class: int | None = None
    corruption: str = "flip"
    level: float = 0.0
    #: Patterns of a network whose recall is tried at most; the first, or spread over the classes.
    tested: int = 100
    cues_per_pattern: int = 1
    steps: int = 20
    #: The overlap is the mean over the last so many steps; 1 unless states go on moving (T > 0).
    tail: int = 1
    backend: str = "reference"
    domain: Domain = "float"
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The machine it is compiled for, not the one it is priced on.
    hardware: Hardware | str | None = None
    #: K at load 1.
    load_one: Callable[[Trial], float] = one_per_unit

    @property
    def load(self) -> float:
        """Return K over what is stored at load 1; K / N unless `load_one` says otherwise."""
        return self.count / self.load_one(self)

    @property
    def network(self) -> str:
        """Return what decides the network beside its seed, as text: equal text, equal network."""
        shared = {k: v for k, v in self.as_dict().items() if k not in RECALL_KNOBS}
        return json.dumps(shared, sort_keys=True)

    def stored(self, seed: int) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
        """Return the patterns stored (K, N), and their rows of `data`."""
        if self.data is None:
            return self.family.patterns(self.count, self.units, seed), None
        rows = choose(self.data, self.count, seed, per_class=self.per_class)
        return self.data.patterns[rows], rows

    def targets(self) -> NDArray[np.int64]:
        """Return which of the K patterns each cue is made from, (recalls,)."""
        tested = min(self.tested, self.count)
        spread = np.linspace(0, self.count - 1, tested).astype(np.int64)
        chosen = np.arange(tested) if self.per_class is None else spread
        return np.repeat(chosen, self.cues_per_pattern)

    def cues(self, patterns: NDArray[Any], seed: int) -> NDArray[Any]:
        """Return the cues (recalls, N) of the patterns stored (K, N)."""
        chosen = self.targets()[:: self.cues_per_pattern]
        made = cues(
            patterns[chosen],
            self.corruption,
            self.level,
            seed=seed,
            alphabet=self.family.alphabet,
            per_pattern=self.cues_per_pattern,
            image_shape=self.data.image_shape if self.data else None,
        )
        return made.reshape(-1, patterns.shape[1])

    def bound(self, seed: int) -> Family:
        """Return the family with its parameters set."""
        given = dict(self.parameters)
        if "seed" in inspect.signature(self.family.build).parameters:
            given.setdefault("seed", seed)
        return self.family.bound(**given)

    def engine(self) -> Engine:
        """Return where it runs."""
        return Engine(self.backend, self.domain, self.hardware, dict(self.options))

    def turned(self, knobs: Mapping[str, Any]) -> Trial:
        """Return the trial with knobs set: fields of `KNOBS`, ``load``, or parameters of `build`.

        ``load`` sets K to the whole number nearest to load times `load_one`, at least 1; a data set
        brings its units. Raises `Invalid` on a name that is neither.
        """
        own = {name: value for name, value in knobs.items() if name in KNOBS}
        others = {name: v for name, v in knobs.items() if name not in KNOBS and name != "load"}
        self.require(others)
        if isinstance(own.get("data"), str):
            own["data"] = datasets.load(own["data"])
        made = replace(self, **own, parameters={**self.parameters, **others})
        if made.data is not None:
            made = replace(made, units=made.data.units)
        if "load" in knobs:
            made = replace(made, count=max(1, round(knobs["load"] * made.load_one(made))))
        return made

    def require(self, parameters: Mapping[str, Any]) -> None:
        """Raise `Invalid` with every name in `parameters` that `build` does not take."""
        held = inspect.signature(self.family.build).parameters
        if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in held.values()):
            return
        known = [name for name, p in held.items() if p.default is not p.empty and name != "name"]
        need = f"knobs are load, {', '.join(KNOBS)}; parameters of {self.name} {', '.join(known)}"
        faults = [Fault(n, repr(v), need) for n, v in parameters.items() if n not in known]
        if faults:
            raise Invalid("knobs", faults)

    def faults(self) -> list[Fault]:
        """Return everything wrong with the trial that can be seen without building a network."""
        faults = corruption_faults(self.corruption, self.level, self.family.alphabet)
        for name, least in _LEAST.items():
            faults += whole_faults(name, getattr(self, name), least, 2**31)
        if self.domain not in DOMAINS:
            need = f"must be one of {', '.join(DOMAINS)}"
            faults.append(Fault("domain", repr(self.domain), need))
        if not faults and self.tail > self.steps:
            faults.append(Fault("tail", repr(self.tail), f"must be at most steps, {self.steps}"))
        if self.data is not None and self.data.alphabet != self.family.alphabet:
            need = f"must be {self.family.alphabet} patterns for {self.name}"
            faults.append(Fault("data", f"{self.data.name}, {self.data.alphabet}", need))
        if self.data is not None and not faults:
            faults += choice_faults(self.data, self.count, self.per_class)
        return faults

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types that say everything which decides the numbers, beside the seed."""
        plain = {name: getattr(self, name) for name in (*_LEAST, *_PLAIN)}
        hardware = self.hardware
        machine = hardware if isinstance(hardware, str | None) else hardware.content_hash
        return {
            "name": self.name,
            "version": hebbgraph.__version__,
            "parameters": {name: _plain(v) for name, v in sorted(self.parameters.items())},
            "data": None if self.data is None else [self.data.name, fingerprint(self.data)],
            "options": {name: _plain(v) for name, v in sorted(self.options.items())},
            "hardware": machine,
        } | {name: _plain(value) for name, value in plain.items()}


#: Whole numbers, with the least that each may be.
_LEAST = {"units": 1, "count": 1, "tested": 1, "cues_per_pattern": 1, "steps": 2, "tail": 1}
_PLAIN = ("per_class", "corruption", "level", "backend", "domain")
#: What a knob may set, beside ``load`` and the parameters of `build`.
KNOBS = (*_LEAST, *_PLAIN, "data", "options", "hardware")
#: Knobs that leave the network as it is.
RECALL_KNOBS = ("corruption", "level", "tested", "cues_per_pattern", "steps", "tail")


def trial(model: str | Family, **settings: Any) -> Trial:
    """Return a trial of a memory, by the name of its model or as a `Family`.

    What `settings` leave open is what the family asks for: units and patterns of its survey with
    the parameters that belong to it, its corruption and steps. `settings` are knobs (see
    `Trial.turned`), ``name``, ``load_one``, and ``parameters`` of `build` as a whole, which replace
    those of the survey. Raises `Invalid` with every fault.
    """
    family = catalogue.family(model) if isinstance(model, str) else model
    kind, level = family.corruption
    survey = dict(family.survey_parameters or {})
    given = settings.pop("parameters", survey)
    made = Trial(
        family=family,
        name=settings.pop("name", model if isinstance(model, str) else "memory"),
        units=family.survey[1],
        count=family.survey[0],
        corruption=kind,
        level=level,
        steps=family.steps,
        load_one=settings.pop("load_one", one_per_unit),
    )
    made.require(given)
    return replace(made, parameters=given).turned(settings)


@lru_cache(maxsize=16)
def fingerprint(data: PatternSet) -> str:
    """Return the head of a SHA-256 of patterns and labels."""
    digest = hashlib.sha256(data.patterns.tobytes())
    digest.update(b"" if data.labels is None else data.labels.tobytes())
    return digest.hexdigest()[:16]


def _plain(value: Any) -> Any:
    """Return a JSON type that is equal for equal values."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
