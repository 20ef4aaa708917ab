"""Corruption of patterns into cues: kinds as data, a level each, any cue drawn again alone.

The numbers of one cue are keyed by (seed, kind) and positioned at (pattern, cue), never by the
level: raising the level changes more of the same cue, so curves over levels share their noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream

Pattern = NDArray[np.int8]
ImageShape = tuple[int, int] | None
#: Spoils an image (H, W), or a vector as (1, N), at a level with numbers from a generator.
Draw = Callable[[Pattern, float, np.random.Generator], Pattern]

#: What is left where a pattern is hidden.
BACKGROUND = -1


@dataclass(frozen=True)
class Corruption:
    """One way to spoil a pattern: its name, what its level in [0, 1] means, and how it is drawn."""

    name: str
    level: str
    draw: Draw


def flip(image: Pattern, level: float, draw: np.random.Generator) -> Pattern:
    """Negate exactly round(level N) units, drawn without replacement."""
    cue = image.copy()
    chosen = draw.permutation(image.size)[: round(level * image.size)]
    cue.flat[chosen] *= -1
    return cue


def occlude(image: Pattern, level: float, draw: np.random.Generator) -> Pattern:
    """Set one block of about level N units to the background, -1.

    In an image (H, W) a rectangle of h = round(H sqrt(level)) rows and round(level N / h) columns,
    at most W; in a vector round(level N) neighbours. Every position within is equally likely.
    """
    height, width = image.shape
    rows = round(height * level**0.5) if height > 1 else 1
    columns = min(width, round(level * image.size / rows)) if rows else 0
    # Two uniform numbers place the block, whatever its size is.
    down, right = draw.random(2)
    top, left = int(down * (height - rows + 1)), int(right * (width - columns + 1))
    cue = image.copy()
    cue[top : top + rows, left : left + columns] = BACKGROUND
    return cue


def salt_and_pepper(image: Pattern, level: float, draw: np.random.Generator) -> Pattern:
    """Set round(level N) units, drawn without replacement, to -1 or +1 with probability 1/2 each.

    About half of them keep their value.
    """
    cue = image.copy()
    chosen = draw.permutation(image.size)
    values = np.where(draw.random(image.size) < 0.5, 1, -1)
    count = round(level * image.size)
    cue.flat[chosen[:count]] = values[:count]
    return cue


#: Every kind of corruption by name.
CORRUPTIONS: dict[str, Corruption] = {
    kind.name: kind
    for kind in (
        Corruption("flip", "share of units negated", flip),
        Corruption("occlusion", "share of units hidden by one block", occlude),
        Corruption("salt_and_pepper", "share of units set at random", salt_and_pepper),
    )
}


def corruption_faults(kind: object, level: object) -> list[Fault]:
    """Return what is wrong with a kind of corruption and its level."""
    faults: list[Fault] = []
    if not isinstance(kind, str) or kind not in CORRUPTIONS:
        need = f"corruptions are {', '.join(CORRUPTIONS)}"
        faults.append(Fault("corruption", repr(kind), need))
    number = isinstance(level, int | float | np.number) and not isinstance(level, bool)
    if not number or not 0 <= float(level) <= 1:  # type: ignore[arg-type]
        need = "must be in [0, 1], a share of the units"
        faults.append(Fault("level", repr(level), need))
    return faults


def corrupt(
    pattern: NDArray[np.integer],
    kind: str,
    level: float,
    *,
    seed: int,
    pattern_index: int = 0,
    cue_index: int = 0,
    image_shape: ImageShape = None,
) -> Pattern:
    """Return one cue of `pattern` (N,): the same as `cues` holds at [pattern_index, cue_index]."""
    made = cues(
        np.asarray(pattern)[np.newaxis],
        kind,
        level,
        seed=seed,
        image_shape=image_shape,
        first_pattern=pattern_index,
        first_cue=cue_index,
    )
    return np.asarray(made[0, 0])


def cues(
    patterns: NDArray[np.integer],
    kind: str,
    level: float,
    *,
    seed: int,
    per_pattern: int = 1,
    image_shape: ImageShape = None,
    first_pattern: int = 0,
    first_cue: int = 0,
) -> Pattern:
    """Return corrupted copies of `patterns` (K, N), shape (K, per_pattern, N), int8.

    Cue c of pattern k depends on the seed, the kind, `first_pattern` + k and `first_cue` + c
    only. Raises `Invalid` with every fault of the arguments.
    """
    stored = np.asarray(patterns)
    faults = [*corruption_faults(kind, level), *_shape_faults(stored, image_shape)]
    if per_pattern < 1:
        faults.append(Fault("per_pattern", repr(per_pattern), "must be a whole number above 0"))
    if faults:
        raise Invalid("cues", faults)
    made = np.empty((len(stored), per_pattern, stored.shape[1]), dtype=np.int8)
    images = stored.astype(np.int8).reshape(len(stored), *(image_shape or (1, -1)))
    for k, c in np.ndindex(len(stored), per_pattern):
        at = {"episode": first_pattern + k, "step": first_cue + c}
        draw = stream(seed, f"corrupt.{kind}", "cue", **at)
        made[k, c] = CORRUPTIONS[kind].draw(images[k], level, draw).ravel()
    return made


def _shape_faults(patterns: NDArray[np.integer], image_shape: ImageShape) -> list[Fault]:
    if patterns.ndim != 2 or patterns.size == 0 or not np.isin(patterns, (-1, 1)).all():
        need = "must be an array (patterns, units) of -1 and +1"
        return [Fault("patterns", f"shape {patterns.shape}, dtype {patterns.dtype}", need)]
    if image_shape is not None and np.prod(image_shape) != patterns.shape[1]:
        need = f"must hold {patterns.shape[1]} pixels, the units there are"
        return [Fault("image_shape", repr(image_shape), need)]
    return []
