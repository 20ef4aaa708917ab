"""script: a plan as a Python script in Brian2's own words, to read or to take over."""

from __future__ import annotations

from textwrap import indent

from hebbgraph.backends.brian2.build import Layout
from hebbgraph.backends.brian2.engine import COMPILE_ARGS
from hebbgraph.backends.brian2.plan import Plan, Population, Product, Projection

HEADER = '''\
"""A graph of hebbgraph as a Brian2 network; one step of the graph is one millisecond."""

from pathlib import Path

import brian2 as b2
import numpy as np
from brian2 import ms

{settings}
arrays = np.load(Path(__file__).with_name("arrays.npz"))
EPISODES, STEPS = {episodes}, {steps}  # {layout}

clock = b2.Clock(1 * ms, name="hebbgraph_clock")
network = b2.Network(name="hebbgraph_network")
'''

SETTINGS = {
    "numpy": 'b2.prefs.codegen.target = "numpy"',
    "cython": 'b2.prefs.codegen.target = "cython"\n'
    f"b2.prefs.codegen.cpp.extra_compile_args = {COMPILE_ARGS}",
    "cpp_standalone": 'b2.set_device("cpp_standalone", directory=None)\n'
    f"b2.prefs.codegen.cpp.extra_compile_args = {COMPILE_ARGS}",
}


def script(plan: Plan, layout: Layout, target: str) -> str:
    """Return the network of `plan` as a script; its arrays are what `script_arrays` gives."""
    words = "episodes follow one another" if layout.in_turn else "episodes lie side by side"
    head = {"episodes": layout.episodes, "steps": layout.steps, "layout": words}
    parts = [HEADER.format(settings=SETTINGS[target], **head)]
    if layout.in_turn:
        parts.append('episode_clock = b2.Clock(STEPS * ms, name="hebbgraph_episode")\n')
    parts += [_group(p, plan, layout) for p in plan.populations]
    parts += [_steps(p, plan, layout) for p in plan.populations]
    parts += [_projection(p, plan) for p in plan.projections]
    parts += [_product(p) for p in plan.products]
    parts += [_monitors(p, plan) for p in plan.populations]
    return "\n".join([part for part in parts if part] + [_ending(layout)])


def _group(population: Population, plan: Plan, layout: Layout) -> str:
    """Return the NeuronGroup of one process and its constants."""
    p = population
    size = f"{p.units}" if layout.in_turn else f"{p.units} * EPISODES"
    names = [*p.variables, *p.parameters, *p.links]
    lines = [f"# {p.path}", f"{p.name} = b2.NeuronGroup(", f"    {size},"]
    lines += ['    """', indent(p.equations(plan.domain), "    "), '    """,']
    if p.threshold:
        lines.append(f'    threshold="{p.threshold}",\n    reset="{p.reset}",')
    if plan.domain == "fixed":
        lines.append(f"    dtype=dict.fromkeys({names}, np.int64),")
    lines.append(f'    clock=clock,\n    namespace={{}},\n    name="{p.name}",\n)')
    for name in p.parameters:
        value = f'arrays["{p.path}.{name}"]'
        value = value if layout.in_turn else f"np.tile({value}, EPISODES)"
        lines.append(f"{p.name}.{name} = {value}")
    lines.append(f"network.add({p.name})\n")
    return "\n".join(lines)


def _steps(population: Population, plan: Plan, layout: Layout) -> str:
    """Return the links of one process and its code for the slots of a step."""
    p = population
    lines = [
        f'{p.name}.{name} = b2.linked_var({source}, "{variable}")'
        for name, (source, variable) in p.links.items()
    ]
    if layout.in_turn:
        lines.append(_regularly(p, p.clear, "before_start", "clear", clock="episode_clock"))
    if p.shift:
        lines.append(_regularly(p, p.shift, "start", "shift"))
    if p.port == "out":
        data = f"{p.name}_data"
        value = f"{data}(t, i)" if plan.domain == "float" else f"int({data}(t, i))"
        lines.append(f'{data} = b2.TimedArray(arrays["{p.path}"], dt=1 * ms, name="{data}")')
        lines.append(f'{p.name}.namespace["{data}"] = {data}')
        lines.append(_regularly(p, f"out = {value}", "before_groups", "feed"))
    if p.step:
        lines.append(_regularly(p, p.step, "groups", "step"))
    return "\n".join(lines) + "\n" if lines else ""


def _regularly(p: Population, code: str, when: str, suffix: str, clock: str = "clock") -> str:
    """Return one `run_regularly`."""
    order = f"\n    order={p.order}," if when == "groups" else ""
    return (
        f'{p.name}.run_regularly(\n    """\n{indent(code, "    ")}\n    """,\n'
        f'    clock={clock},\n    when="{when}",{order}\n    name="{p.name}_{suffix}",\n)'
    )


def _projection(projection: Projection, plan: Plan) -> str:
    """Return the Synapses of one connection into a Dense."""
    p = projection
    unit, dtype = "1", ""
    if plan.domain == "fixed":
        unit, dtype = "integer", '\n    dtype={"w": np.int64},'
    return f"""\
# {p.path}
{p.name} = b2.Synapses(
    {p.source},
    {p.target},
    model="w : {unit} (constant)",
    on_pre="{p.on_pre}",
    delay={p.delay} * ms,{dtype}
    clock=clock,
    namespace={{}},
    name="{p.name}",
)
{p.name}.connect(i=arrays["{p.name}.pre"], j=arrays["{p.name}.post"])
{p.name}.w = arrays["{p.name}.w"]
network.add({p.name})
"""


def _product(product: Product) -> str:
    """Return the network operation of one Dense."""
    p = product
    arriving = " + ".join(f'{name}.variables["{value}"].get_value()' for name, value in p.sources)
    exact = "  # every sum is exact in float32" if p.weights.dtype == "float32" else ""
    lines = [
        f"arriving = {arriving}",
        f"values = np.asarray(arriving, {p.name}_weights.dtype).reshape(EPISODES, -1)",
        f"total = values @ {p.name}_weights.T",
    ]
    if p.exponent is not None:
        shift = f" {'<<' if p.exponent > 0 else '>>'} {abs(p.exponent)}" if p.exponent else ""
        lines.append("total = (total.astype(np.int64) + 2**31) % 2**32 - 2**31")
        if shift:
            lines.append(f"total = ((total{shift}) + 2**31) % 2**32 - 2**31")
    lines.append(f'{p.target}.variables["a"].get_value()[:] = total.ravel()')
    return f"""\
# {p.path}
{p.name}_weights = arrays["{p.path}.weights"]{exact}


@b2.network_operation(clock=clock, when="after_start", name="{p.name}_product")
def {p.name}_product():
{indent(chr(10).join(lines), "    ")}


network.add({p.name}_product)
"""


def _monitors(population: Population, plan: Plan) -> str:
    """Return the monitors of one process."""
    p, lines = population, []
    if p.port == "s":
        lines.append(f'{p.name}_spikes = b2.SpikeMonitor({p.name}, name="{p.name}_spikes")')
        lines.append(f"network.add({p.name}_spikes)")
    if recorded := list(plan.probes.get(p.path, ())):
        common = f'record=True, when="end", clock=clock, name="{p.name}_states"'
        lines.append(f"{p.name}_states = b2.StateMonitor({p.name}, {recorded}, {common})")
        lines.append(f"network.add({p.name}_states)")
    return "\n".join(lines) + "\n" if lines else ""


def _ending(layout: Layout) -> str:
    return (
        f"network.run({'STEPS * EPISODES' if layout.in_turn else 'STEPS'} * ms, namespace={{}})\n"
    )
