"""Presets of `hebbgraph bench continual`: stream, network, epochs, rows and methods, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hebbgraph.errors import Fault, Invalid

Rows = tuple[int, ...]


@dataclass(frozen=True)
class Preset:
    """A benchmark of continual learning."""

    about: str
    #: Arguments of `hebbgraph.continual.sources.stream`.
    stream: Mapping[str, Any]
    epochs: int
    #: Arguments of `hebbgraph.continual.spiking.settings.NetSettings`.
    net: Mapping[str, Any]
    #: Rows of each layer in the first task and in later ones, for HLOP and exact PCA.
    first_rows: Rows
    later_rows: Rows | tuple[Rows, ...]
    methods: tuple[str, ...]
    #: Options by method, beside the rows.
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def shrinking(rows: Rows, less: Rows, tasks: int, before: tuple[int, ...]) -> tuple[Rows, ...]:
    """Return rows of each later task: `less` fewer from each of the tasks `before` on."""
    made, held = [], rows
    for task in range(1, tasks):
        if task in before:
            held = tuple(count - fewer for count, fewer in zip(held, less, strict=True))
        made.append(held)
    return tuple(made)


#: Methods that any scenario allows, the cheap ones.
COMMON = (
    "naive", "joint", "ewc", "si", "lwf", "er", "derpp", "agem", "gpm", "owm", "pca", "hlop",
)  # fmt: skip

PRESETS: dict[str, Preset] = {
    "quick": Preset(
        "8x8 digits, 4 permutations, 64-100-10, OTTT: minutes",
        {"name": "permuted-digits", "tasks": 4},
        10,
        {"hidden": (100,), "batch": 32, "rate": 0.5, "decay": 0.8, "smoothing": 0.1},
        (14, 22),
        (14, 22),
        COMMON,
        {"hlop": {"rates": (8.0,), "decay": 0.8}},
    ),
    "split": Preset(
        "8x8 digits, 5 tasks of two classes with heads of their own, 64-100-10, OTTT: minutes",
        {"name": "split-digits", "tasks": 5, "scenario": "task"},
        10,
        {"hidden": (100,), "batch": 32, "rate": 0.1},
        (12, 12),
        (12, 12),
        (*COMMON, "hat", "hypernet"),
    ),
    "mnist5k": Preset(
        "5,000 MNIST digits, 10 permutations, 784-400-10, OTTT: an hour for all methods",
        {
            "name": "permuted-mnist5k",
            "tasks": 10,
            "train_per_class": 400,
            "test_per_class": 100,
        },
        5,
        {"hidden": (400,), "batch": 64, "rate": 0.5, "decay": 0.7, "smoothing": 0.1},
        (80, 50),
        shrinking((70, 35), (20, 10), 10, (3, 6, 9)),
        COMMON,
        {"hlop": {"rates": (8.0,), "decay": 0.7}},
    ),
    "paper": Preset(
        "MNIST, 10 permutations, 784-800-800-10, OTTT, one epoch, the settings of the HLOP paper",
        {"name": "permuted-mnist", "tasks": 10},
        1,
        {"hidden": (800, 800), "batch": 64, "rate": 0.1, "steps": 6},
        (80, 200, 100),
        shrinking((70, 70, 70), (20, 20, 20), 10, (3, 6, 9)),
        ("naive", "joint", "ewc", "gpm", "pca", "hlop"),
    ),
    "paper-cifar100": Preset(
        "CIFAR-100 in 10 tasks with heads of their own, convolutions, DSR, the paper's settings",
        {"name": "split-cifar100", "tasks": 10, "scenario": "task"},
        200,
        {
            "network": "conv",
            "image_shape": (3, 32, 32),
            "trainer": "dsr",
            "leak": 0.95,
            "fires": 0.5,
            "rate": 0.01,
            "momentum": 0.9,
            "norm_share": 0.1,
        },
        (6, 100, 200),
        (2, 20, 40),
        ("naive", "joint", "ewc", "gpm", "hat", "pca", "hlop"),
    ),
    "paper-five": Preset(
        "CIFAR-10, MNIST, SVHN, Fashion-MNIST, notMNIST, ResNet-18, DSR, the paper's settings",
        {"name": "five-datasets", "scenario": "task"},
        100,
        {
            "network": "resnet18",
            "image_shape": (3, 32, 32),
            "maps": (20,),
            "trainer": "dsr",
            "leak": 0.95,
            "fires": 0.5,
            "rate": 0.1,
            "momentum": 0.9,
        },
        (),
        (),
        ("naive", "joint", "ewc", "gpm", "hat", "pca", "hlop"),
        {"hlop": {"share": 0.95}, "pca": {"share": 0.95}},
    ),
}


def preset(name: str) -> Preset:
    """Return the preset of that name; raises `Invalid`."""
    if name not in PRESETS:
        need = f"must be one of {', '.join(PRESETS)}"
        raise Invalid("preset", [Fault("preset", repr(name), need)])
    return PRESETS[name]
