"""renoising: the same sources with other random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph.divergence.altered import Altered, Site
from hebbgraph.processes import Noise
from hebbgraph.processes.noise import QUANTILES
from hebbgraph.random import stream

#: Returns what a source emits, given the site, its path and process, and what it should emit.
Draw = Callable[[Site, str, Noise, NDArray[Any]], NDArray[Any]]


def noise(draw: Draw) -> Callable[[Site], Iterator[Altered]]:
    """Return what tries other numbers in all sources of noise, if a suspect hears one."""

    def tried(site: Site) -> Iterator[Altered]:
        if site.noises():
            every = site.source.of_kind(Noise)
            drawn = {p: draw(site, p, n, site.job.inputs[p]) for p, n in every.items()}
            yield Altered(inputs=drawn)

    return tried


def silent(_site: Site, _path: str, _source: Noise, lawful: NDArray[Any]) -> NDArray[Any]:
    """Return nothing but 0."""
    return np.zeros_like(lawful)


def next_seed(site: Site, path: str, source: Noise, _lawful: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers of the next seed."""
    return _drawn(site, path, replace(source, seed=source.seed + 1), 0)


def next_episode(site: Site, path: str, source: Noise, _lawful: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers of the next episode."""
    return _drawn(site, path, source, 1)


def same_episode(site: Site, path: str, source: Noise, lawful: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers of episode 0 in every episode."""
    rows = source.data(site.domain, path, 0, site.job.steps)
    return np.broadcast_to(rows, lawful.shape)


def step_late(_site: Site, _path: str, _source: Noise, lawful: NDArray[Any]) -> NDArray[Any]:
    """Return each number one step later, none at first."""
    return np.concatenate([np.zeros_like(lawful[:, :1]), lawful[:, :-1]], axis=1)


def step_early(site: Site, path: str, source: Noise, lawful: NDArray[Any]) -> NDArray[Any]:
    """Return each number one step earlier."""
    steps = site.job.steps + 1
    episodes = range(site.job.first_episode, site.job.first_episode + len(lawful))
    return np.stack([source.data(site.domain, path, e, steps)[1:] for e in episodes])


def fine(site: Site, path: str, source: Noise, lawful: NDArray[Any]) -> NDArray[Any]:
    """Return numbers that were rounded at the end only, not drawn from a table of 256."""
    if site.domain == "float" or source.distribution == "bernoulli":
        return lawful
    drawn = []
    for episode in range(len(lawful)):
        generator = stream(source.seed, path, "noise", episode=site.job.first_episode + episode)
        words = generator.bit_generator.random_raw(site.job.steps * source.size)
        p = ((np.asarray(words, np.uint64) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
        values = source.scale * QUANTILES[source.distribution](p).reshape(-1, source.size)
        drawn.append(np.rint(values).astype(np.int64))
    return np.stack(drawn)


def _drawn(site: Site, path: str, source: Noise, later: int) -> NDArray[Any]:
    first = site.job.first_episode + later
    episodes = range(first, first + site.job.episodes)
    return np.stack([source.data(site.domain, path, e, site.job.steps) for e in episodes])
