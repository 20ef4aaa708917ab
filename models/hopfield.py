"""Hopfield memory: patterns stored in recurrent couplings, recalled from a cue.

J. J. Hopfield, "Neural networks and physical systems with emergent collective computational
abilities", PNAS 79(8), 1982, doi:10.1073/pnas.79.8.2554.

States sigma_i are -1 or +1, couplings J and fields theta are those of a rule of
`hebbgraph.couplings`, and a unit that is updated takes the sign of its field::

    h_i = sum_j J_ij sigma_j + theta_i,    sigma_i <- sign(h_i)

Which units are updated, and what is sent, is the ``dynamics``:

- ``synchronous`` (Little, Math. Biosci. 19, 1974): all units in every step, as McCulloch-Pitts
  units (`LIF` with decays of 1) that send 0/1 spikes, s = (sigma + 1) / 2. Near capacity some
  recalls end in cycles of two states.
- ``masked``: each unit in a step with probability ``update`` (`Noise` at the port ``on``), which
  ends those cycles; `Sign` units send -1/+1 spikes.
- ``event``: masked too, but a unit sends its change, -2 or +2, only when its sign changes, and
  rebuilds its field by summing what arrives: synaptic operations in proportion to flips.
- ``glauber`` (Glauber, J. Math. Phys. 4, 1963): masked, with logistic noise of scale T / 2 at the
  threshold, so that P(sigma_i = +1) = 1 / (1 + exp(-2 h_i / T)). T is in units of the field that
  a stored pattern feels (N for Hebbian couplings of 1 a pattern).

With ``hidden`` no matrix J is built: sum_mu xi_i S_mu, S_mu = sum_j xi_j sigma_j, passes through K
graded units on the patterns themselves, 1 bit each, there and back (`Transpose`), and a synapse of
-K on itself takes out what a unit would tell itself. 2 N K synapses instead of N**2; fields are
then two steps old.

Every weight is a whole number, so that no engine rounds a sum differently. Synchronous: with
T = 2 J + I (ties keep their state) or T = J (ties go to -1) the graph holds weights 2 T, biases
(2 or 1) theta_i - sum_j T_ij and thresholds 0. The cue (Input ``cue``, step 0 only) has the gain
|bias| + 1 there, which makes the spikes of step 0 the cue itself; `Sign` units take it at ``set``.

`fixed` equals `float` for 1 to 8 bits. A voltage decay of 4095 leaves v / 4096 behind on Loihi, so
the integers of the synchronous form are scaled until no unit's field can exceed 4095 of its finest
grains: this residue never decides a sign, at the cost of precision in large networks (8 bits up to
some 100 units, 3 at 1000). `Sign` units hold 24 bits and know no residue. Noise is the exception:
its logistic table has 256 entries in `fixed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hebbgraph.alphabets import checked_patterns
from hebbgraph.checks import choice_faults, flag_faults, memory_faults, whole_faults
from hebbgraph.couplings import (
    CHIP_BITS,
    RULES,
    SYMMETRIC,
    Couplings,
    Rule,
    couplings,
    to_integers,
    unit_of,
    without_residue,
)
from hebbgraph.errors import Fault, Invalid
from hebbgraph.family import Family, Learner, show_first
from hebbgraph.graph import Connection, Graph, Probe
from hebbgraph.processes import (
    LIF,
    Clock,
    Dense,
    Graded,
    Input,
    Noise,
    Process,
    Sign,
    Sparse,
    Transpose,
)
from hebbgraph.random import stream
from hebbgraph.result import Result
from hebbgraph.rules.library import hebb
from hebbgraph.rules.library import storkey as storkey_rule

Tie = Literal["keep", "low"]
Dynamics = Literal["synchronous", "masked", "event", "glauber"]

#: Matrices in float64 that are held while one is built, or run.
COPIES = 2
#: Widest whole number that a float32 holds.
MOST_BITS = 24
#: Steps that no episode is as long as: a clock of this period ticks at step 0 only.
NEVER = 2**31


def build(
    patterns: ArrayLike,
    rule: Rule = "pseudo_inverse",
    *,
    dynamics: Dynamics = "synchronous",
    temperature: float = 0.0,
    update: float = 0.5,
    hidden: bool = False,
    weight_bits: int = 8,
    tie: Tie = "keep",
    margin: float | None = None,
    seed: int = 0,
    name: str = "hopfield",
) -> Graph:
    """Return the memory of `patterns` (K, N), values -1 and +1, as a process graph.

    `rule` programs J, `margin` is the perceptron's. `weight_bits` is the width of J with its sign,
    1 for sign(J): up to 8 fit the chip, up to 24 serve studies in the float domain; the
    synchronous form with ties kept spends one of the chip's 8 on the tie. `tie` says what a
    synchronous unit does whose field is 0: ``"keep"`` its state, or fall to -1, ``"low"``.
    `temperature` is for Glauber dynamics, `update` and `seed` (of mask and noise) are for all but
    synchronous ones, `hidden` is for the Hebbian rule.

    Raises `Invalid` with every fault of the arguments.
    """
    stored, faults = checked_patterns(patterns, "bipolar")
    form = _Form(dynamics, temperature, update, weight_bits, tie, seed)
    faults += choice_faults("rule", rule, RULES) + form.faults()
    faults += _pair_faults(rule, dynamics, hidden, margin)
    faults += _size_faults(stored, hidden)
    if faults:
        raise Invalid("hopfield.build", faults)
    if hidden:
        return _hidden(name, stored, form)
    return _recurrent(name, couplings(stored, rule, margin), form)


@dataclass(frozen=True)
class _Form:
    """How couplings become a graph: the arguments of `build` by the same names."""

    dynamics: Dynamics = "synchronous"
    temperature: float = 0.0
    update: float = 0.5
    weight_bits: int = 8
    tie: Tie = "keep"
    seed: int = 0

    def faults(self) -> list[Fault]:
        """Return what is wrong with each argument."""
        found = choice_faults("dynamics", self.dynamics, get_args(Dynamics))
        found += choice_faults("tie", self.tie, get_args(Tie))
        chip = f"; the chip takes up to {CHIP_BITS}"
        found += whole_faults("weight_bits", self.weight_bits, 1, MOST_BITS, chip)
        found += whole_faults("seed", self.seed, 0, 2**63 - 1)
        glauber = self.dynamics == "glauber"
        if not _is_number(self.temperature) or (self.temperature > 0) != glauber:
            need = "must be a number above 0 for glauber dynamics, and 0 for all others"
            found.append(Fault("temperature", repr(self.temperature), need))
        if not _is_number(self.update) or not 0 < self.update <= 1:
            need = "must be in (0, 1], the share of units updated in a step"
            found.append(Fault("update", repr(self.update), need))
        return found


def _is_number(value: object) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and bool(np.isfinite(value)) and float(value) >= 0  # type: ignore[arg-type, call-overload]


def _pair_faults(rule: object, dynamics: object, hidden: object, margin: object) -> list[Fault]:
    """Return which arguments do not go together."""
    found = flag_faults("hidden", hidden)
    if hidden is True and rule != "hebbian":
        need = "must be 'hebbian' with hidden units: others are no sum over patterns"
        found.append(Fault("rule", repr(rule), need))
    if hidden is True and dynamics == "synchronous":
        need = "must not be 'synchronous' with hidden units"
        found.append(Fault("dynamics", repr(dynamics), need, "use masked, with update=1?"))
    if margin is not None and (rule != "perceptron" or not _is_number(margin)):
        need = "must be a number of 0 or more, and is for rule='perceptron'"
        found.append(Fault("margin", repr(margin), need))
    return found


def _size_faults(stored: NDArray[Any], hidden: object) -> list[Fault]:
    """Return the fault of more weights than memory holds."""
    count, units = stored.shape
    rows, remedy = (count, "") if hidden is True else (units, "use hidden=True for few patterns")
    needed = COPIES * 8.0 * rows * units
    return memory_faults("patterns", f"weights {rows} x {units}", needed, remedy)


# --- graphs --------------------------------------------------------------------------------------


def _recurrent(name: str, programmed: Couplings, form: _Form) -> Graph:
    """Return the graph with a matrix of couplings."""
    if form.dynamics == "synchronous":
        return _synchronous(name, programmed, form)
    integers = to_integers(programmed, form.weight_bits)
    own = integers.matrix is not programmed.matrix
    weights = integers.matrix if own else programmed.matrix.astype(np.float64)
    weights *= 2
    weights.setflags(write=False)  # so that it is not copied
    processes: dict[str, Process] = {"recurrent": Dense(weights)}
    connections = [
        Connection("memory.s", "recurrent.s", delay=1),
        Connection("recurrent.a", "memory.a"),
    ]
    field = 2 * integers.gain * programmed.unit
    parts = processes, connections, 2 * integers.field
    return _sign_graph(name, parts, field, form, programmed.notes)


def _hidden(name: str, stored: NDArray[Any], form: _Form) -> Graph:
    """Return the graph that passes through one hidden unit for each pattern."""
    count, units = stored.shape
    own = np.arange(units)
    processes: dict[str, Process] = {
        "patterns": Dense(stored),
        "hidden": Graded(count),
        "back": Transpose("patterns", post=count, pre=units),
        "own": Sparse(units, units, own, own, np.full(units, -count)),
    }
    connections = [
        Connection("memory.s", "patterns.s", delay=1),
        Connection("patterns.a", "hidden.a"),
        Connection("hidden.out", "back.s", delay=1),
        Connection("back.a", "memory.a"),
        Connection("memory.s", "own.s", delay=2),
        Connection("own.a", "memory.a"),
    ]
    return _sign_graph(name, (processes, connections, np.zeros(units)), float(units), form)


_Parts = tuple[dict[str, Process], list[Connection], NDArray[Any]]


def _sign_graph(
    name: str, parts: _Parts, unit: float, form: _Form, notes: tuple[str, ...] = ()
) -> Graph:
    """Return `Sign` units on synapses; `unit` is the field that a stored pattern feels."""
    processes, connections, bias = parts
    units = len(bias)
    event = form.dynamics == "event"
    processes = {
        "cue": Input(units, signal="ternary"),
        "memory": Sign(units, bias=bias, integrates=event),
        **processes,
    }
    connections = [Connection("cue.out", "memory.set"), *connections]
    if form.update < 1:
        processes["mask"] = Noise(units, "bernoulli", form.update, form.seed)
        processes["begin"] = Clock(NEVER, ((0, 1),))  # all units take the cue
        connections += [Connection(f"{path}.out", "memory.on") for path in ("mask", "begin")]
    if form.temperature:
        scale = unit * form.temperature / 2
        processes["noise"] = Noise(units, "logistic", scale, form.seed)
        connections.append(Connection("noise.out", "memory.n"))
    probe = Probe("memory.sigma" if event else "memory.s")
    return Graph(name, processes, connections, [probe], notes=notes)


def _synchronous(name: str, programmed: Couplings, form: _Form) -> Graph:
    """Return LIF units on whole numbers that Loihi's voltage residue cannot spoil."""
    keep = form.tie == "keep"
    grain, own = (2, 1) if keep else (1, 0)
    integers = without_residue(programmed, form.weight_bits, ties_keep=keep)
    total = grain * integers.matrix.astype(np.float64) + own * np.eye(len(integers.matrix))
    bias = grain * integers.field - total.sum(axis=1)
    units = len(bias)
    return Graph(
        name,
        {
            "cue": Input(units, gain=np.abs(bias) + 1),
            "memory": LIF(units, decay_u=1, decay_v=1, bias=bias, threshold=0),
            "recurrent": Dense(2 * total),
        },
        [
            Connection("cue.out", "memory.a"),
            Connection("memory.s", "recurrent.s", delay=1),
            Connection("recurrent.a", "memory.a"),
        ],
        [Probe("memory.s")],
        notes=programmed.notes,
    )


# --- learning ------------------------------------------------------------------------------------


def blank(units: int, rule: Rule = "pseudo_inverse", **parameters: Any) -> Graph:
    """Return the network that learns one pattern in an episode of two steps, by a local rule.

    Step 0 shows the pattern, in step 1 every synapse sees it on both of its sides. ``hebbian``
    keeps whole numbers within 8 bits (they saturate), or `weight_bits` where these are more;
    ``storkey`` also reads the fields of both its units, which the same synapses bring.
    """
    bits = max(int(parameters.get("weight_bits", CHIP_BITS)), CHIP_BITS)
    connections = [
        Connection("cue.out", "memory.set"),
        Connection("memory.s", "recurrent.s", delay=1),
        Connection("memory.s", "recurrent.post", delay=1),
        Connection("recurrent.a", "memory.a"),
    ]
    shared: dict[str, Any] = {"epoch": "episode", "self_connections": False}
    if rule == "hebbian":
        largest = 2 ** (bits - 1) - 1
        learned = hebb(low=-largest, high=largest, **shared)
    elif rule == "storkey":
        learned = storkey_rule(units, low=-1, high=1, **shared)
        connections += [
            Connection("recurrent.a", f"recurrent.{port}") for port in ("field_pre", "field_post")
        ]
    else:
        need = "must be 'hebbian' or 'storkey' to learn one pattern after another"
        remedy = "store all patterns at once with fit"
        raise Invalid("hopfield", [Fault("rule", repr(rule), need, remedy)])
    processes = {
        "cue": Input(units, signal="ternary"),
        "memory": Sign(units),
        "recurrent": Dense(np.zeros((units, units)), rule=learned),
    }
    return Graph("hopfield_learning", processes, connections)


def from_learned(
    result: Result, rule: Rule = "pseudo_inverse", *, name: str = "hopfield", **parameters: Any
) -> Graph:
    """Return the memory of what a run of `blank` learned; other parameters are those of `build`."""
    learned = result.weights["recurrent.weights"] / result.scales.get("recurrent.weights", 1.0)
    form = _Form(**{k: v for k, v in parameters.items() if k in _Form.__dataclass_fields__})
    faults = form.faults()
    for key in ("hidden", "margin"):
        if parameters.get(key):
            need = "is for patterns stored all at once"
            faults.append(Fault(key, repr(parameters[key]), need, "use fit"))
    if faults:
        raise Invalid("hopfield", faults)
    units = len(learned)
    return _recurrent(name, Couplings(learned, np.zeros(units), unit_of(rule, units)), form)


# --- what the harness reads ----------------------------------------------------------------------


def cue(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return `patterns` (episodes, N), values -1 and +1, as input for ``cue``: one step long."""
    return np.asarray(patterns, dtype=np.float64)[:, np.newaxis, :]


def energy(
    patterns: ArrayLike, states: ArrayLike, rule: Rule = "pseudo_inverse", **_: Any
) -> NDArray[np.float64]:
    """Return E = -(1/2) sum_ij J_ij sigma_i sigma_j - sum_i theta_i sigma_i, J and theta of `rule`.

    `states` has shape (..., N); the couplings are those before rounding to integers. Raises
    `Invalid` for the perceptron, whose couplings are not symmetric.
    """
    stored, faults = checked_patterns(patterns, "bipolar")
    faults += choice_faults("rule", rule, SYMMETRIC)
    if faults:
        raise Invalid("hopfield.energy", faults)
    programmed = couplings(stored, rule)
    sigma = np.asarray(states, dtype=np.float64)
    pairs = ((sigma @ programmed.matrix) * sigma).sum(axis=-1)
    return np.asarray(-pairs / 2 - sigma @ programmed.field)


FAMILY = Family(
    build,
    energy=energy,
    learner=Learner(blank, show_first, from_learned, steps=2),
    variants={
        "masked": {"dynamics": "masked"},
        "event": {"dynamics": "event"},
        "glauber": {"dynamics": "glauber", "temperature": 0.1},
        "hidden": {"rule": "hebbian", "dynamics": "event", "hidden": True},
        "1 bit": {"rule": "hebbian", "dynamics": "event", "weight_bits": 1},
    },
)


def example() -> tuple[Graph, dict[str, Any], int]:
    """Return a small graph, its inputs and a number of steps, for the conformance suite."""
    bits = stream(0, "hopfield", "example").random((7, 24)) < 0.5
    patterns = np.where(bits, 1, -1)
    noisy = patterns[:, :].copy()
    noisy[:, ::6] *= -1
    graph = build(patterns[:4]).with_probes("memory.u", "memory.v")
    return graph, {"cue": cue(noisy)}, 8
