"""Compare growing grids with self-organising maps of the same size, as action recognition does.

1. Maps of postures of made-up actions (`hebbgraph.data.actions`): quantisation error, topographic
   error and silent units of a growing grid, and of maps with as many lessons, of which one ends
   as narrow as a map can and one as wide as the grid is throughout.
2. The whole recogniser: accuracy on held-out sequences with either kind of map in both layers,
   beside nearest class mean and 1-NN, on raw postures and on the ordered vectors.
3. A chain of units on the density p(x) = 2 x: the exponent of the density of prototypes, beside
   Ritter's law.

    python benchmarks/reproduce_growing_grid.py --seeds 10 --backend snntorch
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hebbgraph import metrics
from hebbgraph.data.actions import ActionSet, actions
from hebbgraph.files import write_atomic
from hebbgraph.maps import Map, quantisation_error, silent_units, topographic_error
from hebbgraph.maps.actions import Recogniser, postures
from hebbgraph.models import growing_grid, som
from hebbgraph.random import stream
from hebbgraph.theory import som_chain, som_magnification

Floats = NDArray[np.float64]
Values = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10, help="data sets and maps")
    parser.add_argument("--units", type=int, default=36, help="most units of a map")
    parser.add_argument("--period", type=int, default=15, help="lessons a unit before it grows")
    parser.add_argument("--finish", type=int, default=40, help="lessons a unit once grown")
    parser.add_argument("--train", type=int, default=15, help="sequences a class to learn from")
    parser.add_argument("--test", type=int, default=10, help="sequences a class to recognise")
    parser.add_argument("--chains", type=int, default=5, help="seeds of part 3")
    parser.add_argument("--lessons", type=int, default=8000, help="lessons of a chain")
    parser.add_argument("--backend", default="snntorch")
    parser.add_argument("--domain", default="float", choices=["float", "fixed"])
    parser.add_argument("--quick", action="store_true", help="two seeds of a small setting")
    parser.add_argument("--json", type=Path, help="write all values to this file")
    parser.add_argument("--plot", type=Path, help="draw the accuracies to this file")
    args = parser.parse_args()
    if args.quick:
        args.seeds, args.chains, args.units, args.period, args.finish = 2, 1, 16, 8, 20
        args.train, args.test, args.lessons = 6, 4, 1500
    start = time.perf_counter()
    values: Values = {}
    for seed in range(args.seeds):
        for key, value in recognised(args, seed).items():
            values.setdefault(key, []).append(value)
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    if values:
        table(values)
    chains = {reach: chain(args, reach) for reach in (1, 2)} if args.chains else {}
    for reach, found in chains.items():
        line = f"{som_magnification(reach):.3f}"
        print(f"chain, {reach} to either side: alpha {metrics.bootstrap(found)}, theory {line}")
    print(f"{time.perf_counter() - start:.0f} s")
    if args.json:
        setting = {k: str(v) for k, v in vars(args).items()}
        held = {"setting": setting, "values": values, "chains": chains}
        write_atomic(args.json, json.dumps(held, indent=1))
    if args.plot and values:
        plot(values, args.plot)


# --- maps and the recogniser --------------------------------------------------------------------


def trainers(args: argparse.Namespace, grid: Map | None) -> dict[str, Any]:
    """Return what trains either kind of map; maps have the size and lessons of `grid`."""
    growing = functools.partial(
        growing_grid.train, units=args.units, period=args.period, finish=args.finish
    )
    if grid is None:
        return {"growing grid": growing}
    side = int(np.sqrt(len(grid)))
    wide = max(side, grid.shape[0] / 2)
    given: Any = {"rows": side, "cols": round(len(grid) / side), "lessons": grid.lessons}
    return {
        "map, width to 1/3": functools.partial(som.train, **given),
        "map, width to 0.9": functools.partial(som.train, **given, widths=(wide / 2, 0.9)),
    }


def recognised(args: argparse.Namespace, seed: int) -> dict[str, float]:
    """Return all figures of one seed."""
    made = actions(args.train + args.test, seed)
    within = np.arange(len(made)) % (args.train + args.test)
    learn, test = np.flatnonzero(within < args.train), np.flatnonzero(within >= args.train)
    seen = np.concatenate([postures(made.sequences[i]) for i in learn])
    found: dict[str, float] = {}
    grid: Map | None = None
    for name, trainer in [*trainers(args, None).items(), ("", None)]:
        kinds = {name: trainer} if grid is None else trainers(args, grid)
        for kind, train in kinds.items():
            one = Recogniser(train, train, backend=args.backend, domain=args.domain, seed=seed)
            one.fit([made.sequences[i] for i in learn], made.labels[learn])
            first = one.maps[0]
            grid = grid or first
            found[f"quantisation error; {kind}"] = quantisation_error(seen, first.weights)
            found[f"topographic error; {kind}"] = topographic_error(
                seen, first.weights, first.places
            )
            found[f"silent units; {kind}"] = silent_units(seen, first.weights)
            found[f"units; {kind}"] = len(first)
            held_out = [made.sequences[i] for i in test]
            found[f"accuracy; {kind}"] = one.score(held_out, made.labels[test])
            vectors = one.vectors(made.sequences)
            for key, value in baselines(vectors, made, learn, test).items():
                found[f"{key} of its ordered vectors; {kind}"] = value
    raw = np.stack([resampled(s, 16) for s in made.sequences])
    for key, value in baselines(raw, made, learn, test).items():
        found[f"{key} of raw postures; none"] = value
    return found


def resampled(sequence: Floats, points: int) -> Floats:
    """Return the postures at `points` evenly spaced times."""
    held = postures(sequence)
    at = np.linspace(0, len(held) - 1, points)
    return np.stack([np.interp(at, np.arange(len(held)), axis) for axis in held.T]).ravel()


def baselines(
    vectors: Floats, made: ActionSet, learn: NDArray[Any], test: NDArray[Any]
) -> dict[str, float]:
    """Return the accuracy of the nearest learned vector and of the nearest class mean."""
    labels = made.labels[learn]
    means = np.stack([vectors[learn][labels == c].mean(axis=0) for c in range(len(made.classes))])
    answers = {"1-NN": labels[nearest(vectors[test], vectors[learn])]}
    answers["nearest mean"] = nearest(vectors[test], means)
    return {key: float((a == made.labels[test]).mean()) for key, a in answers.items()}


def nearest(vectors: Floats, others: Floats) -> NDArray[np.int64]:
    """Return the row of the nearest of `others` to each vector."""
    return np.asarray(((others**2).sum(axis=1) / 2 - vectors @ others.T).argmin(axis=1))


def table(values: Values) -> None:
    """Print all figures with their intervals."""
    for key, held in values.items():
        what, _, kind = key.partition("; ")
        print(f"{what:34} {kind:20} {metrics.bootstrap(held)}")
    for kind in ("map, width to 1/3", "map, width to 0.9"):
        pairs = zip(values["accuracy; growing grid"], values[f"accuracy; {kind}"], strict=True)
        ahead = metrics.bootstrap([a - b for a, b in pairs])
        print(f"accuracy of the growing grid above that of {kind}: {ahead}")


# --- chains -------------------------------------------------------------------------------------


def chain(args: argparse.Namespace, reach: int, units: int = 20) -> list[float]:
    """Return the exponents that chains learn whose neighbourhood has `reach` units to each side."""
    found = []
    for seed in range(args.chains):
        draws = np.sqrt(stream(seed, "benchmark", "chain").random(args.lessons))[:, np.newaxis]
        learned = som.train(
            draws,
            1,
            units,
            lessons=args.lessons,
            neighbourhood="rectangle",
            rates=(0.3, 0.003),
            widths=(float(reach), float(reach)),
            phases=1,
            start=np.sort(draws[:units], axis=0),
            seed=seed,
            backend=args.backend,
            domain=args.domain,
        )
        found.append(exponent(np.sort(learned.weights[:, 0]), reach))
    return found


def exponent(places: Floats, reach: int) -> float:
    """Return the alpha whose chain is nearest to `places`, its ends left out."""
    inner = slice(2 * reach + 1, len(places) - 2 * reach - 1)
    tried = np.arange(0.0, 1.5, 0.005)
    errors = []
    for alpha in tried:
        wanted = som_chain(lambda x: 2 * x, len(places), float(alpha))[inner]
        ours = places[inner]
        # Ends are drawn in: only the shape between them is compared.
        scaled = (ours - ours[0]) / (ours[-1] - ours[0]) * (wanted[-1] - wanted[0]) + wanted[0]
        errors.append(float(((scaled - wanted) ** 2).sum()))
    return float(tried[int(np.argmin(errors))])


def plot(values: Values, path: Path) -> None:
    from matplotlib.figure import Figure

    bars = {k: v for k, v in values.items() if k.startswith(("accuracy", "1-NN", "nearest mean"))}
    figure = Figure(figsize=(8, 0.35 * len(bars) + 1), layout="constrained")
    axes = figure.subplots()
    for row, (key, held) in enumerate(bars.items()):
        point = metrics.bootstrap(held)
        spread = [[point.mean - point.low], [point.high - point.mean]]
        axes.barh(row, point.mean, xerr=spread, color="C0" if key[0] == "a" else "0.7")
    axes.set_yticks(range(len(bars)), list(bars))
    axes.set_xlabel("accuracy on held-out sequences")
    axes.set_xlim(0, 1)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
