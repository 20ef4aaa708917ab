"""Machines for the tests: Loihi 1, a chip with programmable units, chips with tiny limits."""

from __future__ import annotations

from typing import Any

from hebbgraph.hardware import Hardware, load, parse

LOIHI = load("loihi1_davies2018")


def machine(**changes: Any) -> Hardware:
    """Return Loihi 1 with some sections changed: ``limits={"cores": 2}``; None removes one."""
    data = LOIHI.model_dump(mode="json")
    data["name"] = "changed"
    for section, values in changes.items():
        data[section] = None if values is None else (data[section] or {}) | values
    return parse(data)


def programmable() -> Hardware:
    """Return a chip with graded spikes, programs for units, and third factors per unit."""
    kinds = ["SigmaDelta", "Graded", "TernaryLIF", "WinnerTakeAll", "Sign", "LeakyIntegrator"]
    return machine(
        limits={"spike_payload_bits": 24},
        processes={"programmed": kinds},
        learning={"third_factors": ["post", "all"]},
    )


def tiny(neurons: int, bits: int, axons_in: int, axons_out: int, cores: int = 128) -> Hardware:
    """Return a chip whose cores hold little."""
    return machine(
        limits={
            "cores": cores,
            "neurons_per_core": neurons,
            "synaptic_bits_per_core": bits,
            "axons_in_per_core": axons_in,
            "axons_out_per_core": axons_out,
        }
    )
