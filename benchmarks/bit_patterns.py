"""Train the association layers on bags of bit patterns; prints rows for REPRODUCED.md.

A bag holds 16 instances of 8 bits; a bag of class 1 holds one of 8 secret patterns, one of class 0
none (the multiple-instance task of hopfield-layers' bit_pattern example, drawn anew for each seed):
1,536 bags to train, 512 to test, AdamW at 0.001, batches of 32. Four networks, each a layer and one
linear readout:

- base: `Hopfield` as it is;  adapted: 8 heads, 3 updates, scaling 0.25, dropout 0.5;
- pooling: `HopfieldPooling` as it is;  pooling, adapted: with the same.

    python benchmarks/bit_patterns.py --epochs 60 --seeds 5
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hebbgraph.files import write_atomic
from hebbgraph.layers import Hopfield, HopfieldPooling
from hebbgraph.metrics import bootstrap

BAGS, TRAINED, INSTANCES, BITS, SECRETS = 2048, 1536, 16, 8, 8
ADAPTED: dict[str, Any] = {
    "hidden_size": 8,
    "num_heads": 8,
    "update_steps_max": 3,
    "scaling": 0.25,
    "dropout": 0.5,
}
NETWORKS = ("base", "adapted", "pooling", "pooling, adapted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5, help="data sets, and networks on each")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="2 seeds, 5 epochs")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.epochs = 2, 5
    torch.set_num_threads(1)  # small products
    document: dict[str, Any] = {"epochs": args.epochs, "accuracy": {}}
    for name in NETWORKS:
        start, final, best = time.perf_counter(), [], []
        for seed in range(args.seeds):
            accuracies = trained(name, *bags(seed), args.epochs, seed)
            final.append(accuracies[-1])
            best.append(max(accuracies))
        document["accuracy"][name] = {"final": final, "best": best}
        seconds = (time.perf_counter() - start) / args.seeds / args.epochs
        line = f"{name:18} after {args.epochs} epochs {bootstrap(final)}   best {bootstrap(best)}"
        print(f"{line}   {seconds:.2f} s an epoch", flush=True)
    if args.json:
        write_atomic(args.json, json.dumps(document, indent=1))


def bags(seed: int) -> tuple[Tensor, Tensor]:
    """Return bags (bags, instances, bits) of 0 and 1, none all 0, and their classes."""
    draw = torch.Generator().manual_seed(seed)
    codes = torch.randperm(2**BITS - 1, generator=draw) + 1
    secret, others = codes[:SECRETS], codes[SECRETS:]
    found = others[torch.randint(len(others), (BAGS, INSTANCES), generator=draw)]
    target = (torch.randperm(BAGS, generator=draw) < BAGS // 2).float()
    for bag in torch.nonzero(target)[:, 0].tolist():
        place = int(torch.randint(INSTANCES, (1,), generator=draw))
        found[bag, place] = secret[int(torch.randint(SECRETS, (1,), generator=draw))]
    bits = (found[..., None] >> torch.arange(BITS)) & 1
    return bits.float(), target


def network(name: str) -> nn.Module:
    """Return a layer and its readout."""
    options = ADAPTED if name.endswith("adapted") else {}
    if name.startswith("pooling"):
        readout = nn.Linear(BITS, 1)
        return nn.Sequential(HopfieldPooling(BITS, **options), readout, nn.Flatten(0))
    readout = nn.Linear(BITS * INSTANCES, 1)
    return nn.Sequential(Hopfield(BITS, **options), nn.Flatten(), readout, nn.Flatten(0))


def trained(name: str, data: Tensor, target: Tensor, epochs: int, seed: int) -> list[float]:
    """Return the test accuracy after each epoch."""
    torch.manual_seed(seed)
    model = network(name)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    accuracies = []
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(TRAINED).split(32):
            optimiser.zero_grad()
            output = model(data[rows])
            loss = nn.functional.binary_cross_entropy_with_logits(output, target[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        model.eval()
        with torch.no_grad():
            right = (model(data[TRAINED:]) > 0) == (target[TRAINED:] > 0)
        accuracies.append(float(right.float().mean()))
    return accuracies


if __name__ == "__main__":
    main()
