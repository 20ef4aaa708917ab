"""Actions: sequences of skeletons that wave, push, draw, kick, made as they are asked for.

A figure of 13 joints in metres performs one of twelve actions, of the kind of MSR Action3D (Li,
Zhang and Liu, CVPR workshops 2010, doi:10.1109/CVPRW.2010.5543273). How long it takes, how its
speed varies, how far it reaches, how tall it is, where it stands and faces, and the noise of every
joint differ from one sequence to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.checks import whole_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream

Floats = NDArray[np.float64]
#: Where hands, feet and the angle of the trunk go, by phase in [0, 1], reach and repetitions.
Move = Callable[[Floats, float, int], dict[str, Floats]]

#: The joints, each (x to its right, y up, z forward), at rest, from the hip.
REST: dict[str, tuple[float, float, float]] = {
    "hip": (0.0, 0.0, 0.0),
    "neck": (0.0, 0.5, 0.0),
    "head": (0.0, 0.7, 0.0),
    "right_shoulder": (0.2, 0.46, 0.0),
    "right_elbow": (0.24, 0.2, -0.02),
    "right_hand": (0.25, -0.05, 0.05),
    "left_shoulder": (-0.2, 0.46, 0.0),
    "left_elbow": (-0.24, 0.2, -0.02),
    "left_hand": (-0.25, -0.05, 0.05),
    "right_knee": (0.1, -0.42, 0.03),
    "right_foot": (0.1, -0.85, 0.0),
    "left_knee": (-0.1, -0.42, 0.03),
    "left_foot": (-0.1, -0.85, 0.0),
}
JOINTS = tuple(REST)
#: Lengths of upper and lower limbs, and where an elbow or a knee points.
LIMBS = {
    "right_hand": ("right_shoulder", "right_elbow", 0.28, (0.5, -1.0, -0.4)),
    "left_hand": ("left_shoulder", "left_elbow", 0.28, (-0.5, -1.0, -0.4)),
    "right_foot": ("hip", "right_knee", 0.44, (0.1, 0.2, 1.0)),
    "left_foot": ("hip", "left_knee", 0.44, (-0.1, 0.2, 1.0)),
}
#: Joints that bend with the trunk.
TRUNK = ("neck", "head", "right_shoulder", "left_shoulder", "right_hand", "left_hand")


@dataclass(frozen=True, eq=False)
class ActionSet:
    """Sequences of skeletons, each (frames, joints, 3), with their classes."""

    name: str
    sequences: tuple[Floats, ...]
    #: Class of each sequence, a row of `classes`.
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    source: str = ""

    def __len__(self) -> int:
        return len(self.sequences)


def actions(
    per_class: int = 20,
    seed: int = 0,
    *,
    classes: tuple[str, ...] | None = None,
    noise: float = 0.01,
    frames: tuple[int, int] = (25, 60),
    rest: float = 0.25,
) -> ActionSet:
    """Return `per_class` sequences of each action, class after class, by default of all twelve.

    `noise` is the standard deviation of every coordinate in metres, `frames` the fewest and most of
    an action; up to `rest` times as many, in which nothing happens, come before it, and after.
    Sequence i of a class is the same whatever `per_class` is.

    Raises `Invalid` with every fault of the arguments.
    """
    chosen = tuple(MOVES) if classes is None else tuple(classes)
    faults = whole_faults("per_class", per_class, 1, 2**20)
    faults += whole_faults("seed", seed, 0, 2**63 - 1)
    known = f"actions are {', '.join(MOVES)}"
    faults += [Fault("classes", repr(c), known) for c in chosen if c not in MOVES]
    if not isinstance(noise, int | float) or not 0 <= noise < np.inf:
        faults.append(Fault("noise", repr(noise), "must be a finite number, 0 or more"))
    if not isinstance(rest, int | float) or not 0 <= rest <= 10:
        faults.append(Fault("rest", repr(rest), "must be a number from 0 to 10"))
    if len(frames) != 2 or not 4 <= frames[0] <= frames[1]:
        faults.append(Fault("frames", repr(frames), "must be (fewest, most), 4 or more"))
    if faults or not chosen:
        raise Invalid("actions", faults or [Fault("classes", "none", known)])
    sequences = [
        _performed(
            name, stream(seed, f"data.actions.{name}", "sequence", episode=i), noise, frames, rest
        )
        for name in chosen
        for i in range(per_class)
    ]
    labels = np.repeat(np.arange(len(chosen)), per_class)
    source = (
        f"made: {frames[0]} to {frames[1]} frames, rest {rest:g}, noise {noise:g} m, seed {seed}"
    )
    return ActionSet(f"actions-{per_class}", tuple(sequences), labels, chosen, source)


def _streams(name: str, seed: int, count: int) -> list[np.random.Generator]:
    path = f"data.actions.{name}"
    return [stream(seed, path, "sequence", episode=index) for index in range(count)]


def _performed(
    name: str, draw: np.random.Generator, noise: float, frames: tuple[int, int], rest: float
) -> Floats:
    count = int(draw.integers(frames[0], frames[1] + 1))
    before, after = draw.integers(0, int(rest * count) + 1, 2)
    warp, reach, again = draw.uniform(0.7, 1.4), draw.uniform(0.85, 1.15), int(draw.integers(2, 4))
    phase = np.pad(np.linspace(0, 1, count) ** warp, (before, after), "edge")
    count = len(phase)
    goals = MOVES[name](phase, reach, again)
    joints = {joint: np.tile(place, (count, 1)) for joint, place in REST.items()}
    shown = np.clip(np.minimum(phase, 1 - phase) / 0.15, 0, 1)[:, np.newaxis]
    for joint, goal in goals.items():
        if joint != "bend":
            aimed = goal + 0.02 * draw.standard_normal(3)
            joints[joint] = joints[joint] + shown * (aimed - joints[joint])
    _bend(joints, goals.get("bend", np.zeros(count)))
    for end, (root, middle, length, pole) in LIMBS.items():
        joints[middle] = _hinge(joints[root], joints[end], length, np.array(pole))
    placed = np.stack([joints[joint] for joint in JOINTS], axis=1) * draw.uniform(0.85, 1.15)
    angle = draw.uniform(-0.7, 0.7)
    turn = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    placed = placed @ np.array(turn).T + draw.uniform(-1, 1, 3) * [1.0, 0.1, 1.0]
    return np.asarray(placed + noise * draw.standard_normal(placed.shape))


def _bend(joints: dict[str, Floats], angle: Floats) -> None:
    """Turn the trunk forward about the hip."""
    cos, sin = np.cos(angle), np.sin(angle)
    for joint in TRUNK:
        x, y, z = joints[joint].T
        joints[joint] = np.stack([x, y * cos - z * sin, y * sin + z * cos], axis=1)


def _hinge(root: Floats, end: Floats, length: float, pole: Floats) -> Floats:
    """Return the joint between `root` and `end`, `length` from both where that is possible."""
    way = end - root
    apart = np.linalg.norm(way, axis=1, keepdims=True)
    along = way / np.maximum(apart, 1e-9)
    side = pole - (along @ pole)[:, np.newaxis] * along
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    height = np.sqrt(np.maximum(length**2 - (apart / 2) ** 2, 0))
    return np.asarray(root + way / 2 + height * side)


def _points(x: Any, y: Any, z: Any) -> Floats:
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1).astype(np.float64)


def _path(phase: Floats, *corners: tuple[float, float, float]) -> Floats:
    """Return points on the line through `corners`, at even speed."""
    times = np.linspace(0.15, 0.85, len(corners))
    return np.stack([np.interp(phase, times, axis) for axis in zip(*corners, strict=True)], axis=1)


def _wave(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    swing = 0.18 * reach * np.sin(2 * np.pi * again * phase)
    return {"right_hand": _points(0.38 + swing, 0.8, 0.1)}


def _two_hand_wave(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    swing = 0.18 * reach * np.sin(2 * np.pi * again * phase)
    return {
        "right_hand": _points(0.38 + swing, 0.8, 0.1),
        "left_hand": _points(-0.38 - swing, 0.8, 0.1),
    }


def _push(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    out = np.sin(np.pi * (again - 1) * phase) ** 2
    return {"right_hand": _points(0.2, 0.35, 0.15 + 0.4 * reach * out)}


def _push_both(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    out = 0.15 + 0.4 * reach * np.sin(np.pi * (again - 1) * phase) ** 2
    return {"right_hand": _points(0.2, 0.35, out), "left_hand": _points(-0.2, 0.35, out)}


def _hammer(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    up = np.abs(np.cos(np.pi * again * phase))
    return {"right_hand": _points(0.22, 0.15 + 0.5 * reach * up, 0.35)}


def _throw(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    del again
    far = 0.45 * reach
    corners = [(0.35, 0.6, -0.25), (0.3, 0.85, 0.0), (0.2, 0.6, far), (0.15, 0.1, far / 2)]
    return {"right_hand": _path(phase, *corners)}


def _circle(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    angle, radius = 2 * np.pi * (again - 1) * phase, 0.22 * reach
    return {"right_hand": _points(0.2 + radius * np.sin(angle), 0.45 + radius * np.cos(angle), 0.4)}


def _cross(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    del again
    r = 0.22 * reach
    corners = [(0.2 - r, 0.45 + r, 0.4), (0.2 + r, 0.45 - r, 0.4)]
    return {
        "right_hand": _path(phase, *corners, (0.2 + r, 0.45 + r, 0.4), (0.2 - r, 0.45 - r, 0.4))
    }


def _tick(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    del again
    r = 0.22 * reach
    corners = [(0.2 - r, 0.45, 0.4), (0.2 - r / 3, 0.45 - r, 0.4), (0.2 + r, 0.45 + r, 0.4)]
    return {"right_hand": _path(phase, *corners)}


def _clap(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    apart = 0.04 + 0.26 * reach * np.abs(np.sin(np.pi * again * phase))
    return {"right_hand": _points(apart, 0.3, 0.38), "left_hand": _points(-apart, 0.3, 0.38)}


def _kick(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    out = reach * np.sin(np.pi * (again - 1) * phase) ** 2
    return {"right_foot": _points(0.1, -0.85 + 0.4 * out, 0.6 * out)}


def _bow(phase: Floats, reach: float, again: int) -> dict[str, Floats]:
    del again
    return {"bend": 1.3 * reach * np.sin(np.pi * phase) ** 2}


#: Every action by name.
MOVES: dict[str, Move] = {
    "wave": _wave,
    "two_hand_wave": _two_hand_wave,
    "push": _push,
    "push_both": _push_both,
    "hammer": _hammer,
    "throw": _throw,
    "draw_circle": _circle,
    "draw_cross": _cross,
    "draw_tick": _tick,
    "clap": _clap,
    "kick": _kick,
    "bow": _bow,
}
