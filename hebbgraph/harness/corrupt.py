"""Corruption of patterns into cues: kinds as data, a level each, any cue drawn again alone.

The numbers of one cue are keyed by (seed, kind) and positioned at (pattern, cue), never by the
level: raising the level changes more of the same cue, so curves over levels share their noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.alphabets import ALPHABETS, Alphabet, value_faults
from hebbgraph.errors import Fault, Invalid
from hebbgraph.random import stream

Pattern = NDArray[Any]
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
    #: The alphabets it is for.
    alphabets: tuple[Alphabet, ...] = ("bipolar",)


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


def hide(image: Pattern, level: float, draw: np.random.Generator) -> Pattern:
    """Set round(level N) units, drawn without replacement, to 0: unknown."""
    cue = image.copy()
    cue.flat[draw.permutation(image.size)[: round(level * image.size)]] = 0
    return cue


def hide_end(image: Pattern, level: float, draw: np.random.Generator) -> Pattern:
    """Set the last round(level N) units to 0, such as the second of two patterns that were stored.

    No number is drawn: all cues of a pattern are equal.
    """
    del draw
    cue = image.copy()
    cue.flat[image.size - round(level * image.size) :] = 0
    return cue


def move(image: Pattern, level: float, draw: np.random.Generator) -> Pattern:
    """Move round(level a) of the a units that are not 0 to places that hold 0, values kept.

    The number of active units stays, as far as there are places.
    """
    cue = image.copy()
    order = draw.permutation(image.size)
    active, silent = order[cue.flat[order] != 0], order[cue.flat[order] == 0]
    count = min(round(level * len(active)), len(silent))
    cue.flat[silent[:count]] = cue.flat[active[:count]]
    cue.flat[active[:count]] = 0
    return cue


def noise(image: Pattern, level: float, draw: np.random.Generator) -> Pattern:
    """Add Gaussian noise of `level` times the root mean square of the pattern."""
    size = float(np.sqrt(np.mean(np.square(image, dtype=np.float64))))
    return np.asarray(image + level * size * draw.standard_normal(image.size).reshape(image.shape))


_ALL: tuple[Alphabet, ...] = ALPHABETS
#: Every kind of corruption by name.
CORRUPTIONS: dict[str, Corruption] = {
    kind.name: kind
    for kind in (
        Corruption("flip", "share of units negated", flip, ("bipolar", "ternary", "real")),
        Corruption("occlusion", "share of units hidden by one block", occlude),
        Corruption("salt_and_pepper", "share of units set at random", salt_and_pepper),
        Corruption("hide", "share of units set to 0, unknown", hide, _ALL),
        Corruption("hide_end", "share of units set to 0, the last ones", hide_end, _ALL),
        Corruption("move", "share of active units moved", move, ("binary", "ternary")),
        Corruption("noise", "sd of Gaussian noise over that of the pattern", noise, ("real",)),
    )
}


def corruption_faults(kind: object, level: object, alphabet: Alphabet = "bipolar") -> list[Fault]:
    """Return what is wrong with a kind of corruption and its level."""
    faults: list[Fault] = []
    known = [name for name, one in CORRUPTIONS.items() if alphabet in one.alphabets]
    if not isinstance(kind, str) or kind not in known:
        need = f"corruptions of {alphabet} patterns are {', '.join(known)}"
        faults.append(Fault("corruption", repr(kind), need))
    number = isinstance(level, int | float | np.number) and not isinstance(level, bool)
    if not number or not 0 <= float(level) <= 1:  # type: ignore[arg-type]
        need = "must be in [0, 1], a share of the units"
        faults.append(Fault("level", repr(level), need))
    return faults


def corrupt(
    pattern: NDArray[Any],
    kind: str,
    level: float,
    *,
    seed: int,
    alphabet: Alphabet = "bipolar",
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
        alphabet=alphabet,
        image_shape=image_shape,
        first_pattern=pattern_index,
        first_cue=cue_index,
    )
    return np.asarray(made[0, 0])


def cues(
    patterns: NDArray[Any],
    kind: str,
    level: float,
    *,
    seed: int,
    alphabet: Alphabet = "bipolar",
    per_pattern: int = 1,
    image_shape: ImageShape = None,
    first_pattern: int = 0,
    first_cue: int = 0,
) -> Pattern:
    """Return corrupted copies of `patterns` (K, N), shape (K, per_pattern, N).

    They are int8, or float64 of real patterns.
    Cue c of pattern k depends on the seed, the kind, `first_pattern` + k and `first_cue` + c
    only. Raises `Invalid` with every fault of the arguments.
    """
    stored = np.asarray(patterns)
    faults = corruption_faults(kind, level, alphabet)
    faults += _shape_faults(stored, alphabet, image_shape)
    if per_pattern < 1:
        faults.append(Fault("per_pattern", repr(per_pattern), "must be a whole number above 0"))
    if faults:
        raise Invalid("cues", faults)
    dtype = np.float64 if alphabet == "real" else np.int8
    made = np.empty((len(stored), per_pattern, stored.shape[1]), dtype=dtype)
    images = stored.astype(dtype).reshape(len(stored), *(image_shape or (1, -1)))
    for k, c in np.ndindex(len(stored), per_pattern):
        at = {"episode": first_pattern + k, "step": first_cue + c}
        draw = stream(seed, f"corrupt.{kind}", "cue", **at)
        made[k, c] = CORRUPTIONS[kind].draw(images[k], level, draw).ravel()
    return made


def _shape_faults(
    patterns: NDArray[Any], alphabet: Alphabet, image_shape: ImageShape
) -> list[Fault]:
    if patterns.ndim != 2 or patterns.size == 0:
        need = "must be an array (patterns, units)"
        return [Fault("patterns", f"shape {patterns.shape}", need)]
    found = value_faults(patterns, alphabet, "patterns")
    if image_shape is not None and np.prod(image_shape) != patterns.shape[1]:
        need = f"must hold {patterns.shape[1]} pixels, the units there are"
        found.append(Fault("image_shape", repr(image_shape), need))
    return found
