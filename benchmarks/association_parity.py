"""Compare the association layers with hopfield-layers' own, weight by weight and mask by mask.

Every setting gets one set of random weights in both packages, and the largest difference of what
they return in float32 is printed. Needs hopfield-layers on PYTHONPATH.

    PYTHONPATH=path/to/hopfield-layers python benchmarks/association_parity.py
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import torch
from torch import nn

from hebbgraph import layers

STATIC: dict[str, Any] = {
    "stored_pattern_as_static": True,
    "state_pattern_as_static": True,
    "pattern_projection_as_static": True,
    "disable_out_projection": True,
} | {
    f"normalize_{name}{suffix}": False
    for name in ("stored_pattern", "state_pattern", "pattern_projection")
    for suffix in ("", "_affine")
}
#: Arguments of `Hopfield`, by what they try.
SETTINGS: dict[str, dict[str, Any]] = {
    "as it is": {"input_size": 8},
    "sizes": {
        "input_size": 8,
        "hidden_size": 6,
        "num_heads": 2,
        "output_size": 3,
        "pattern_size": 4,
    },
    "updates": {"input_size": 8, "num_heads": 2, "update_steps_max": 3, "scaling": 2.0},
    "until settled": {"input_size": 8, "num_heads": 2, "update_steps_max": None, "scaling": 4.0},
    "normalised space": {
        "input_size": 8,
        "hidden_size": 8,
        "normalize_hopfield_space": True,
        "update_steps_max": 1,
    },
    "static": {"scaling": 1.5, "update_steps_max": 3, **STATIC},
    "states static": {"input_size": 8, "hidden_size": 8, "state_pattern_as_static": True},
    "steps first": {"input_size": 8, "batch_first": False},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        import hflayers
    except ImportError:
        sys.exit("not compared: hflayers cannot be imported; put hopfield-layers on PYTHONPATH")
    torch.manual_seed(args.seed)
    stored, state, values = torch.randn(3, 7, 8), torch.randn(3, 5, 8), torch.randn(3, 7, 8)
    padding = torch.zeros(3, 7, dtype=torch.bool)
    padding[1, 5:] = True
    mask = torch.zeros(5, 7, dtype=torch.bool)
    mask[2, 3] = True
    for name, options in SETTINGS.items():
        ours, theirs = layers.Hopfield(**options).eval(), hflayers.Hopfield(**options).eval()
        share(ours, theirs)
        data = (stored, state, values)
        if not options.get("batch_first", True):
            data = tuple(x.transpose(0, 1) for x in data)
        differences = [
            differ(ours(data, *masks), theirs(data, *masks))
            for masks in ((None, None), (padding, None), (padding, mask))
        ]
        print(f"Hopfield, {name:18} {max(differences):.1e}")
    for name, options in (("as it is", {}), ("heads", {"num_heads": 2, "quantity": 4})):
        ours = layers.HopfieldPooling(8, **options).eval()
        theirs = hflayers.HopfieldPooling(8, **options).eval()
        share(ours.hopfield, theirs.hopfield)
        theirs.pooling_weights.data.copy_(ours.pooling_weights)
        difference = differ(ours(stored, padding), theirs(stored, padding))
        print(f"HopfieldPooling, {name:11} {difference:.1e}")
    separate = {
        "lookup_weights_as_separated": True,
        "pattern_projection_size": 3,
        "pattern_size": 3,
    }
    for name, options in (("as it is", {}), ("separate targets", separate)):
        ours = layers.HopfieldLayer(8, quantity=6, **options).eval()
        theirs = hflayers.HopfieldLayer(8, quantity=6, **options).eval()
        share(ours.hopfield, theirs.hopfield)
        theirs.lookup_weights.data.copy_(ours.lookup_weights)
        if ours.target_weights is not None:
            theirs.target_weights.data.copy_(ours.target_weights)
        print(f"HopfieldLayer, {name:16} {differ(ours(state), theirs(state)):.1e}")


def differ(one: Any, other: Any) -> float:
    """Return the largest difference, relative to the largest value."""
    return float(((one - other).abs().max() / other.abs().max()).detach())


def share(ours: Any, theirs: Any) -> None:
    """Draw weights and give both layers the same."""
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.5)
    core, linear = theirs.association_core, [p for p in ours.projections if hasattr(p, "weight")]
    with torch.no_grad():
        if core.in_proj_weight is not None:
            core.in_proj_weight.copy_(torch.cat([layer.weight for layer in linear]))
        else:
            for name, layer in zip("qkv", ours.projections, strict=True):
                if hasattr(layer, "weight"):
                    getattr(core, f"{name}_proj_weight").copy_(layer.weight)
        if core.in_proj_bias is not None:
            core.in_proj_bias.copy_(torch.cat([layer.bias for layer in linear]))
        if core.out_proj is not None:
            core.out_proj.weight.copy_(ours.out_projection.weight)
            core.out_proj.bias.copy_(ours.out_projection.bias)
        norms = (
            theirs.norm_state_pattern,
            theirs.norm_stored_pattern,
            theirs.norm_pattern_projection,
        )
        for own, norm in zip(ours.norms, norms, strict=True):
            if norm is not None:
                norm.load_state_dict(own.state_dict())


if __name__ == "__main__":
    main()
