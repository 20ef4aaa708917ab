"""variants: machines that differ in one thing: other widths, larger cores, dearer hops."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hebbgraph.errors import Invalid
from hebbgraph.hardware import Hardware

#: Knobs of the architecture that change what fits where: the section and the field.
PLACING: Mapping[str, tuple[str, str]] = {
    "neurons_per_core": ("limits", "neurons_per_core"),
    "synaptic_bits_per_core": ("limits", "synaptic_bits_per_core"),
    "axons_in_per_core": ("limits", "axons_in_per_core"),
    "axons_out_per_core": ("limits", "axons_out_per_core"),
    "cores_per_chip": ("limits", "cores"),
    "cores_per_tile": ("mesh", "cores_per_tile"),
    "mesh_width": ("mesh", "width"),
    "mesh_height": ("mesh", "height"),
}
#: Factors on costs, 1 for those of the config: the counters whose energy they multiply.
FACTORS: Mapping[str, tuple[str, ...]] = {
    "hop_cost": ("hops_x", "hops_y"),
    "packet_cost": ("packets",),
    "synapse_cost": ("synops_ac", "synops_mac"),
    "neuron_cost": ("neuron_accesses", "updates_active", "updates_idle"),
    "spike_cost": ("spikes", "graded_events"),
    "learning_cost": ("weight_updates", "learning_visits", "trace_updates"),
}
#: What a machine's own cost laws are called as knobs: ``law.weight_bits``.
LAW = "law."


def with_numerics(machine: Hardware, widths: Mapping[str, int]) -> Hardware:
    """Return a machine whose integers have other widths; it has a name of its own."""
    if not widths or machine.numerics is None:
        return machine
    numerics = machine.numerics.model_copy(update=dict(widths))
    return _renamed(machine, {"numerics": numerics}, widths)


def with_architecture(machine: Hardware, knobs: Mapping[str, Any]) -> Hardware:
    """Return a machine with other cores, mesh and costs.

    A knob of a figure that the machine does not have changes nothing. Raises `Invalid` for a law
    that it does not have, or beyond the range in which the law holds.
    """
    laws = {n.removeprefix(LAW): v for n, v in knobs.items() if n.startswith(LAW)}
    found = machine.at(**laws)
    update: dict[str, Any] = {}
    for name in PLACING:
        section, key = PLACING[name]
        held = update.get(section, getattr(found, section))
        if name in knobs and held is not None and getattr(held, key) is not None:
            update[section] = held.model_copy(update={key: knobs[name]})
    costs = dict(found.costs)
    for name in FACTORS:
        if name in knobs:
            for counter in FACTORS[name]:
                if counter in costs:
                    costs[counter] = tuple(
                        _times(cost, float(knobs[name]), name) for cost in costs[counter]
                    )
    if costs != dict(found.costs):
        update["costs"] = MappingProxyType(costs)
    changed = {n: v for n, v in knobs.items() if n in PLACING or n in FACTORS}
    return _renamed(found, update, changed) if update else found


def followed(machine: Hardware, knobs: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the laws that follow knobs of the run by the same name, within their range."""
    found = {}
    for name, law in machine.knobs.items():
        value = run.get(name)
        given = f"{LAW}{name}" in knobs
        if isinstance(value, int | float) and not isinstance(value, bool) and not given:
            found[f"{LAW}{name}"] = min(max(float(value), law.low), law.high)
    return found


def law_faults(machines: list[Hardware], name: str, value: Any) -> list[str]:
    """Return why no machine takes a law at this value, in words; empty where one does."""
    own, refused = name.removeprefix(LAW), []
    for machine in machines:
        try:
            machine.at(**{own: value})
            return []
        except Invalid as error:
            refused += [f"{machine.name}: {fault.need}" for fault in error.faults]
    return refused


def laws_of(machine: Hardware, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the knobs without the laws that this machine does not have."""
    return {
        n: v
        for n, v in knobs.items()
        if not n.startswith(LAW) or n.removeprefix(LAW) in machine.knobs
    }


def _times(cost: Any, factor: float, name: str) -> Any:
    if factor == 1.0:
        return cost
    update = {end: getattr(cost, end) * factor for end in ("low", "value", "high")}
    words = f"times {factor:g} by the sweep's knob {name}"
    note = "; ".join([cost.note.strip().rstrip("."), words])
    return cost.model_copy(update={**update, "kind": "scaled", "note": note})


def _renamed(machine: Hardware, update: dict[str, Any], settings: Mapping[str, Any]) -> Hardware:
    text = ",".join(f"{name}={value}" for name, value in sorted(settings.items()))
    names = {"name": f"{machine.name}+{text}", "title": f"{machine.title}, {text}"}
    found = machine.model_copy(update={**update, **names})
    vars(found).pop("content_hash", None)  # that of the machine it was copied from
    return found
