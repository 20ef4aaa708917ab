"""script: a plan as Python in Brian2's own words: what is run, and what a user takes over.

`body` is what builds the network; the executable runs it as it stands. `script` puts before it what
a file of its own needs (settings, arrays, the text of `kernels`), and after it the run.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from textwrap import indent
from typing import Any

from hebbgraph import random
from hebbgraph.backends.brian2.engine import COMPILE_ARGS
from hebbgraph.backends.brian2.kernels import groups, learning, synapses
from hebbgraph.backends.brian2.plan import (
    Code,
    Layout,
    Monitor,
    Operation,
    Plan,
    Plasticity,
    Population,
    Projection,
    Slot,
    unit_of,
)

HEADER = '''\
"""A graph of hebbgraph as a Brian2 network; one step of the graph is one millisecond."""

{imports}

{settings}
arrays = dict(np.load(Path(__file__).with_name("arrays.npz")))
COPIES, ROUNDS, STEPS = {copies}, {rounds}, {steps}  # {words}
{constants}'''

CACHE = "brian2.codegen.runtime.cython_rt.extension_manager"

SETTINGS = {
    "numpy": 'b2.prefs.codegen.target = "numpy"',
    "cython": f"""\
b2.prefs.codegen.target = "cython"
b2.prefs.codegen.cpp.extra_compile_args = {COMPILE_ARGS}
# Brian2's cache of compiled modules does not know the flags they were compiled with.
b2.prefs.codegen.runtime.cython.cache_dir = f"{{get_cython_cache_dir()}}_hebbgraph\"""",
    "cpp_standalone": 'b2.set_device("cpp_standalone", directory=None)\n'
    f"b2.prefs.codegen.cpp.extra_compile_args = {COMPILE_ARGS}",
}

DRAWING = (random._key, random.stream, learning.drawn_bits)
#: What operations may call, with what each calls in turn before it.
KERNELS: dict[str, tuple[Any, ...]] = {
    "bus": (groups.bus,),
    "winners": (groups.winners,),
    "softmax": (groups.softmax,),
    "shares": (groups.shares,),
    "dendrite": (groups.dendrite,),
    "wrap32": (synapses.wrap32,),
    "wrap24": (synapses.wrap24,),
    "convolved": (synapses.convolved,),
    "gathered": (synapses.gathered,),
    "drawn_bits": DRAWING,
    "PlasticRule": (learning.PlasticRule,),
    "Learner": (
        *DRAWING,
        *learning.HELPERS,
        learning.PlasticRule,
        learning.Learner,
    ),
}

RUN = "network.run(ROUNDS * STEPS * ms, namespace={})"


def body(plan: Plan) -> str:
    """Return the statements that build the network."""
    parts = [
        'clock = b2.Clock(1 * ms, name="hebbgraph_clock")',
        'network = b2.Network(name="hebbgraph_network")',
    ]
    if plan.operations or not plan.compiled:
        parts.append('timestep = clock.variables["timestep"].get_value()')
    if plan.restarts:
        parts.append('episode_clock = b2.Clock(STEPS * ms, name="hebbgraph_episode")')
    parts.append("")
    parts += [_group(p, plan) for p in plan.populations]
    parts += [_steps(p, plan) for p in plan.populations]
    parts += [_synapses(p, plan) for p in plan.projections]
    parts += _operations(plan)
    parts += [_monitors(m) for m in plan.monitors]
    parts += [_weights_monitor(p) for p in plan.plastic.values() if p.accumulator and p.probed]
    return "\n".join(part for part in parts if part is not None)


def script(plan: Plan, layout: Layout, target: str, first_episode: int = 0) -> str:
    """Return the network of `plan` as a file; its arrays are what `Artefact.save` writes."""
    used = _kernels(plan)
    text = body(plan)
    constants = f"FIRST_EPISODE = {first_episode}\n" if "FIRST_EPISODE" in text else ""
    for path, name in plan.sources.items():
        if not plan.compiled:
            constants += f'{name}_data = arrays["{path}"]\n'
    head = HEADER.format(
        imports=_imports(used, target),
        settings=SETTINGS[target],
        copies=layout.copies,
        rounds=layout.rounds,
        steps=layout.steps,
        words="episodes side by side, in turn, steps of each",
        constants=constants,
    )
    kernels = "".join(f"\n\n{inspect.getsource(part)}" for part in used)
    return "\n".join([head + kernels + ("\n" if kernels else ""), text, RUN, ""])


def namespace(plan: Plan) -> dict[str, Any]:
    """Return the objects that the operations of `plan` call, by name."""
    return {part.__name__: part for part in _kernels(plan)}


def _kernels(plan: Plan) -> list[Any]:
    """Return the kernels that the operations need, each once, in the order of definition."""
    text = "\n".join(f"{o.prelude}\n{o.code}" for o in plan.operations)
    found: dict[Any, None] = {}
    for name, parts in KERNELS.items():
        if f"{name}(" in text:
            found |= dict.fromkeys(parts)
    return list(found)


def _imports(used: list[Any], target: str) -> str:
    learns = any(part is random.stream for part in used)
    lines = ["from __future__ import annotations\n"] if used else []
    lines += ["import functools", "import hashlib"] if learns else []
    lines += ["from dataclasses import dataclass"] if learning.PlasticRule in used else []
    lines += ["from pathlib import Path"]
    lines += ["from typing import Any"] if used else []
    lines += ["\nimport brian2 as b2", "import numpy as np", "from brian2 import ms"]
    lines += [f"from {CACHE} import get_cython_cache_dir"] if target == "cython" else []
    lines += ["from numpy import inf"] if learning.PlasticRule in used else []
    lines += ["from numpy.typing import NDArray"] if used else []
    lines += ["\nArray = NDArray[Any]"] if learns else []
    return "\n".join(lines)


# --- populations -----------------------------------------------------------------------------


def _group(p: Population, plan: Plan) -> str:
    """Return the NeuronGroup of one population and its constants."""
    copied = not (plan.in_turn or p.single)
    size = f"{p.units} * COPIES" if copied else f"{p.units}"
    lines = [f"# {p.path}", f"{p.name} = b2.NeuronGroup(", f"    {size},"]
    lines += ['    """', indent(p.equations(plan.domain), "    "), '    """,']
    events = {name: event.condition for name, event in p.events.items()}
    if spike := events.pop("spike", ""):
        lines.append(f'    threshold="{spike}",')
        lines.append(f'    reset="{p.reset}",')
    if events:
        lines.append(f"    events={events},")
    if plan.domain == "fixed":
        names = [*p.variables, *p.kept, *p.parameters, *p.links]
        lines.append(f"    dtype=dict.fromkeys({' '.join(names)!r}.split(), np.int64),")
    lines.append(f'    clock=clock,\n    namespace={{}},\n    name="{p.name}",\n)')
    for name, key in p.parameters.items():
        value = key if key == "STEPS" else f'arrays["{key}"]'
        copied_value = f"np.tile({value}, COPIES)" if copied and key != "STEPS" else value
        lines.append(f"{p.name}.{name} = {copied_value}")
    for name, event in p.events.items():
        if event.slot:
            schedule = f'"{name}", when="{event.slot.when}", order={event.slot.order}'
            lines.append(f"{p.name}.set_event_schedule({schedule})")
    lines.append(f"network.add({p.name})\n")
    return "\n".join(lines)


def _steps(p: Population, plan: Plan) -> str:
    """Return the links of one population and its code for the slots of a step."""
    lines = []
    for name, link in p.links.items():
        index = f", index={link.index}" if link.index else ""
        lines.append(f'{p.name}.{name} = b2.linked_var({link.source}, "{link.variable}"{index})')
    lines += [_timed(p.name, table, key) for table, key in p.timed.items()]
    if plan.restarts and p.variables:
        lines.append(_regularly(p.name, Code(p.clear, Slot("before_start"), "clear"), "episode_"))
    if p.shift:
        lines.append(_regularly(p.name, Code(p.shift, Slot("start"), "shift")))
    lines += [_regularly(p.name, code) for code in p.codes]
    return "\n".join(lines) + "\n" if lines else ""


def _regularly(name: str, code: Code, clock: str = "") -> str:
    """Return one `run_regularly`."""
    order = f"\n    order={code.slot.order}," if code.slot.order else ""
    return (
        f'{name}.run_regularly(\n    """\n{indent(code.text, "    ")}\n    """,\n'
        f'    clock={clock}clock,\n    when="{code.slot.when}",{order}\n'
        f'    name="{name}_{code.suffix}",\n)'
    )


def _timed(owner: str, name: str, key: str) -> str:
    """Return a TimedArray that the code of `owner` may use."""
    return (
        f'{name} = b2.TimedArray(arrays["{key}"], dt=1 * ms, name="{name}")\n'
        f'{owner}.namespace["{name}"] = {name}'
    )


# --- synapses and operations -----------------------------------------------------------------


def _synapses(p: Projection, plan: Plan) -> str:
    """Return one Synapses object."""
    unit = unit_of(plan.domain)
    model = [f"{name} : {unit} (constant)" for name in p.constants]
    model += [f"{name} : {unit}" for name in p.states]
    model += [f"{name} = {code.text} : {unit} (summed)" for name, code in p.summed.items()]
    lines = [f"# {p.path}", f"{p.name} = b2.Synapses(", f"    {p.source},", f"    {p.target},"]
    lines += ['    """', indent("\n".join(model), "    "), '    """,']
    for side in ("pre", "post"):
        ways = {name: way for name, way in p.pathways.items() if way.side == side}
        if ways:
            lines.append(f"    on_{side}={{")
            lines += [f"        {name!r}: {_quoted(way.code)}," for name, way in ways.items()]
            lines.append("    },")
    if p.pathways:
        events = {name: way.event for name, way in p.pathways.items()}
        if set(events.values()) != {"spike"}:
            lines.append(f"    on_event={events},")
        if not isinstance(p.delay, str):
            delays = ", ".join(f"{name!r}: {p.delay} * ms" for name in p.pathways)
            lines.append(f"    delay={{{delays}}},")
    if plan.domain == "fixed" and (p.constants or p.states):
        names = " ".join([*p.constants, *p.states])
        lines.append(f"    dtype=dict.fromkeys({names!r}.split(), np.int64),")
    lines.append(f'    clock=clock,\n    namespace={{}},\n    name="{p.name}",\n)')
    lines.append(f'{p.name}.connect(i=arrays["{p.pre}"], j=arrays["{p.post}"])')
    for name, key in {**p.constants, **p.states}.items():
        lines += [f'{p.name}.{name} = arrays["{key}"]'] if key else []
    lines += [f'{p.name}.delay = arrays["{p.delay}"] * ms'] if isinstance(p.delay, str) else []
    lines += [_timed(p.name, table, key) for table, key in p.timed.items()]
    runners = {f'summed_updaters["{name}"]': code.slot for name, code in p.summed.items()}
    runners |= {name: way.slot for name, way in p.pathways.items() if way.slot}
    for name, slot in runners.items():
        runner = f"{p.name}.{name}"
        lines.append(f'{runner}.when, {runner}.order = "{slot.when}", {slot.order}')
    lines.append(f"network.add({p.name})\n")
    return "\n".join(lines)


def _quoted(code: str) -> str:
    """Return code as a string literal."""
    if "\n" not in code:
        return f'"{code}"'
    return f'"""\n{indent(code, " " * 12)}\n        """'


def _operations(plan: Plan) -> list[str]:
    """Return all network operations, and before each the arrays that it is the first to use."""
    found, named = [], set()
    for operation in plan.operations:
        views = {name: of for name, of in operation.views.items() if name not in named}
        named |= set(views)
        found.append(_operation(operation, views))
    return found


def _operation(o: Operation, new: Mapping[str, tuple[str, str]]) -> str:
    """Return one network operation."""
    views = [
        f'{name} = {population}.variables["{variable}"].get_value().reshape(COPIES, -1)'
        for name, (population, variable) in new.items()
    ]
    before = "\n".join([f"# {o.path}", *views, *([o.prelude] if o.prelude else [])])
    order = f", order={o.slot.order}" if o.slot.order else ""
    return f"""\
{before}


@b2.network_operation(clock=clock, when="{o.slot.when}"{order}, name="{o.name}")
def {o.name}():
{indent(o.code, "    ")}


network.add({o.name})
"""


# --- what is recorded ------------------------------------------------------------------------


def _monitors(m: Monitor) -> str:
    """Return the monitors of one process."""
    lines, name = [], m.population
    if m.spikes:
        sign = ', "s"' if m.ternary else ""
        lines.append(f'{name}_spikes = b2.SpikeMonitor({name}{sign}, name="{name}_spikes")')
        lines.append(f"network.add({name}_spikes)")
    if m.variables:
        common = f'record=True, when="end", clock=clock, name="{name}_states"'
        lines.append(f"{name}_states = b2.StateMonitor({name}, {list(m.variables)}, {common})")
        lines.append(f"network.add({name}_states)")
    return "\n".join(lines) + "\n" if lines else ""


def _weights_monitor(p: Plasticity) -> str:
    """Return the monitor of weights that learn."""
    count = p.shape[0] * p.shape[1]
    common = f'record=np.arange({count}), when="end", clock=clock, name="{p.name}_states"'
    return (
        f'{p.name}_states = b2.StateMonitor({p.name}, "w", {common})\n'
        f"network.add({p.name}_states)\n"
    )
