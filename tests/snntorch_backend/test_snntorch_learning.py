"""Rules on torch: equal to the reference, whichever weights are touched and however many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import hebbgraph as hg
from hebbgraph.backend import discover
from hebbgraph.processes import Domain
from hebbgraph.random import stream
from hebbgraph.rules import library

FOUND = discover()["snntorch"].availability()
if not FOUND.usable:
    pytest.skip(FOUND.reason, allow_module_level=True)

import torch  # noqa: E402

from hebbgraph.backends.snntorch.learning.far import Far  # noqa: E402
from hebbgraph.backends.snntorch.learning.regions import ALL, regions  # noqa: E402
from hebbgraph.backends.snntorch.learning.rounding import Draws  # noqa: E402
from hebbgraph.backends.snntorch.learning.terms import Vectors  # noqa: E402
from hebbgraph.backends.snntorch.network import GraphNetwork  # noqa: E402

#: Large enough that only what can change is touched.
POST, PRE, STEPS = 70, 60, 12
ROUNDINGS = ("nearest", "truncate", "stochastic", "shared")
EPOCHS: Any = (1, 1, 3, "episode")
FACTORS: Any = {"reward": "all", "error": "post", "hint": "pre"}
#: Sums of products with every kind of support: rows, columns, both, all; powers of the weight.
CHANGES = (
    "post*pre",
    "post*pre - post**2*w",
    "3*post*x1 - 2*y1*pre",
    "reward*post*pre + error*hint",
    "post - 2*pre + 1",
    "error*pre*w**2 - w",
    "4*post*(x1 - 3) + hint - reward*w",
    "reward*hint*pre",
)


def case(
    seed: int, domain: Domain, *, density: float, batch: int = 1, **fields: Any
) -> tuple[hg.Graph, dict[str, Any], dict[str, Any]]:
    """Return a graph with a random rule, data that are 0 with probability 1 - `density`, a run."""
    rng = np.random.default_rng(seed)
    fixed = domain == "fixed"
    change = CHANGES[seed % len(CHANGES)]
    traces = {
        "x1": hg.Trace("pre", *((1000, 3) if fixed else (0.25, 3))),
        "y1": hg.Trace("post*reward", *((600, 2) if fixed else (0.15, 2))),
    }
    shift = int(rng.integers(0, 9)) if fixed else 0
    scale = 1 if fixed else 2.0**-5
    rule = hg.Rule(
        f"rate*({change})" if not fixed else change,
        {} if fixed else {"rate": scale},
        FACTORS,
        traces,
        low=-120,
        high=100,
        epoch=EPOCHS[seed % 4],
        self_connections=bool(rng.integers(2)),
        signal_bits=8,
        rounding=str(rng.choice(ROUNDINGS)),  # type: ignore[arg-type]
        seed=seed,
        shift=shift,
        fraction=int(rng.choice([0, 0, 3])) if fixed else 0,
        momentum=0,
    )
    rule = replace(rule, **fields)
    processes = {
        "pre": hg.Input(PRE),
        "post": hg.Input(POST),
        "reward": hg.Input(1),
        "hint": hg.Input(PRE),
        "open": hg.Input(1, signal="spike"),
        "w": hg.Dense(rng.integers(-90, 90, (POST, PRE)), rule=rule),
        "back": hg.Transpose("w", POST, PRE),
        "out": hg.LIF(POST, 4095 if fixed else 1, 4095 if fixed else 1, 0, 50),
    }
    connections = [
        hg.Connection("pre.out", "w.s"),
        hg.Connection("w.a", "out.a"),
        hg.Connection("out.s", "back.s"),
        hg.Connection("reward.out", "w.reward"),
        hg.Connection("post.out", "w.error", 1),
        hg.Connection("hint.out", "w.hint", 2),
    ]
    if "post" in rule.ports:
        connections += [hg.Connection("post.out", "w.post"), hg.Connection("out.s", "w.post")]
    if seed % 3:
        connections.append(hg.Connection("open.out", "w.gate"))
    probes = [hg.Probe(target) for target in ("w.weights", "back.a", "w.a")]
    graph = hg.Graph(f"rule{seed}", processes, connections, probes, domain)
    episodes = 4
    data: dict[str, Any] = {
        name: rng.integers(-3, 4, (episodes, STEPS, size)) * (rng.random(size) < density)
        for name, size in (("pre", PRE), ("post", POST), ("hint", PRE))
    }
    data["reward"] = rng.integers(-1, 2, (episodes, STEPS, 1))
    data["open"] = rng.random((episodes, STEPS, 1)) < 0.7
    return graph, data, {"steps": STEPS, "batch": batch, "first_episode": 5}


def assert_learned_alike(
    graph: hg.Graph, data: Any, run: Any, tolerance: float = 0.0, **options: Any
) -> hg.Result:
    """Run on the reference and on torch; compare everything."""
    expected, got = (
        hg.compile(graph, backend, **chosen).run(data, **run)
        for backend, chosen in (("reference", {}), ("snntorch", options))
    )
    for part in ("spikes", "states", "weights"):
        ours, theirs = getattr(got, part), getattr(expected, part)
        assert ours.keys() == theirs.keys()
        for key, values in theirs.items():
            assert ours[key].dtype == values.dtype
            np.testing.assert_allclose(ours[key], values, tolerance, tolerance, err_msg=key)
    if not tolerance:
        assert got.counters == expected.counters
    return expected


@pytest.mark.parametrize("density", [0.06, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(16))
def test_fixed_rules_equal_the_reference_bit_for_bit(seed: int, density: float) -> None:
    result = assert_learned_alike(*case(seed, "fixed", density=density))
    assert result.counters.total("learning_visits")


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_fixed_batches_equal_the_reference_bit_for_bit(batch: int, rounding: str) -> None:
    for seed in range(4):
        found = case(seed, "fixed", density=0.2, batch=batch, rounding=rounding, shift=3)
        assert_learned_alike(*found)


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_momentum_equals_the_reference(domain: Domain) -> None:
    for seed, batch in ((0, 1), (2, 2), (4, 4), (6, 1)):
        momentum = 3000 if domain == "fixed" else 0.8
        fields = {"shift": 4, "fraction": 2} if domain == "fixed" else {}
        found = case(seed, domain, density=0.3, batch=batch, momentum=momentum, **fields)
        assert_learned_alike(*found, tolerance=0.0 if domain == "fixed" else 1e-9)


@pytest.mark.parametrize("density", [0.06, 1.0])
@pytest.mark.parametrize("seed", range(8))
def test_float_rules_equal_the_reference_within_rounding(seed: int, density: float) -> None:
    batch = (1, 2, 4)[seed % 3]
    found = case(seed, "float", density=density, batch=batch)
    result = assert_learned_alike(*found, tolerance=1e-8)
    assert result.counters.total("weight_updates") or density < 1


def test_sums_of_more_than_53_bits_are_exact() -> None:
    rule = hg.Rule(
        "post**2*pre**2", low=-256, high=255, shift=40, signal_bits=13, rounding="stochastic"
    )
    wide = replace(rule, signal_bits=12, momentum=4000, dw="post*pre*w", shift=20)
    for chosen in (rule, wide):
        graph = hg.Graph(
            "far",
            {
                "x": hg.Input(5),
                "y": hg.Input(4),
                "w": hg.Dense(np.full((4, 5), 100), rule=chosen),
            },
            [hg.Connection("x.out", "w.s"), hg.Connection("y.out", "w.post")],
            [hg.Probe("w.weights")],
            "fixed",
        )
        rng = np.random.default_rng(1)
        big = {n: rng.integers(-4095, 4096, (32, 6, s)) for n, s in (("x", 5), ("y", 4))}
        network = hg.compile(graph, "snntorch").artefact
        inputs = {name: torch.tensor(values[:32]) for name, values in big.items()}
        batch = 32 if chosen is rule else 16
        result = assert_learned_alike(graph, big, {"batch": batch})
        assert result.counters.total("weight_updates")
        if chosen is rule:  # a pass takes the same way
            out = network(inputs, 6)
            np.testing.assert_array_equal(
                out.learned["w"].accumulator.numpy(), result.weights["w.weights"]
            )


def test_only_rules_whose_sums_are_far_take_the_integers_of_the_host() -> None:
    from hebbgraph.backends.snntorch.learning import plastic_of

    held = (torch.zeros(3, 3, dtype=torch.float64),) * 2
    near = library.hebb(low=-9, high=9, shift=12)
    far = replace(near, dw="post**2*pre**2", signal_bits=14)
    kinds = {
        name: type(plastic_of("w", rule, *held, fixed=True, episodes=episodes))
        for name, rule, episodes in (("near", near, 64), ("one", far, 1), ("many", far, 64))
    }
    assert kinds["many"] is Far
    assert Far not in (kinds["near"], kinds["one"])


def test_random_numbers_of_some_rows_are_those_of_all() -> None:
    rule = hg.Rule("pre*post", rounding="stochastic", seed=3)
    for width in (1, 4, 7, 30):
        shape, like = (40, width), torch.zeros((), dtype=torch.float64)
        whole = stream(3, "w", "rounding", episode=2, step=5).random(shape)

        def draws() -> Draws:
            return Draws(rule, "w", 2, 5)

        for rows in ([3], [0, 1, 39], list(range(5, 30)), []):
            index = torch.tensor(rows, dtype=torch.int64)
            if rows:
                np.testing.assert_array_equal(draws().rows(index, shape, like), whole[rows])
        found = draws()  # blocks, and then rows before them
        blocks: Any = (slice(0, 9), slice(9, 40), torch.tensor([2, 8]), torch.tensor([1]))
        for block in blocks:
            numbers = _numbers(block, 40)
            np.testing.assert_array_equal(found.rows(block, shape, like), whole[numbers])
        np.testing.assert_array_equal(draws().rows(ALL, shape, like), whole)


def test_regions_hold_everything_that_can_change_and_nothing_twice() -> None:
    rng = np.random.default_rng(4)
    height, width = 70, 60
    kinds = set()
    for _ in range(200):
        terms, reach = [], np.zeros((height, width), dtype=bool)
        for _ in range(rng.integers(1, 4)):
            sides: list[Any] = []
            for size in (height, width):
                share = rng.choice([0, 0.05, 0.2, 1])
                side = torch.tensor(rng.random((2, size)) < share).double()
                sides.append(None if rng.random() < 0.2 else side)
            scale = torch.full((2, 1), float(rng.random() < 0.9), dtype=torch.float64)
            terms.append(Vectors(scale, sides[0], sides[1], 0))
            post, pre = (
                np.ones(size, dtype=bool) if side is None else side.numpy().any(axis=0)
                for side, size in zip(sides, (height, width), strict=True)
            )
            reach |= np.outer(post, pre) & bool(scale.any())
        found = regions(terms, (height, width))
        kinds.add("all" if found is None else min(len(found), 2))
        if found is None:
            continue
        touched = np.zeros((height, width), dtype=int)
        for rows, columns in found:
            touched[np.ix_(_numbers(rows, height), _numbers(columns, width))] += 1
        assert touched.max(initial=0) <= 1
        assert (touched[reach] == 1).all()
    assert kinds == {"all", 0, 1, 2}


def _numbers(index: slice | torch.Tensor, count: int) -> Any:
    return np.arange(count)[index] if isinstance(index, slice) else index.numpy()


def lowered(graph: hg.Graph) -> GraphNetwork:
    network = hg.compile(graph, "snntorch").artefact
    assert isinstance(network, GraphNetwork)
    return network


@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_passes_learn_what_a_run_learns_and_leave_the_network_alone(domain: Domain) -> None:
    for seed, batch in ((0, 1), (3, 2), (5, 4)):
        graph, data, run = case(seed, domain, density=0.5, batch=batch, shift=0)
        expected = hg.compile(graph).run(data, **run)
        network = lowered(graph)
        before = network.node("w").weights.clone()
        learned: Any = {}
        for first in range(0, 4, batch):
            part = {name: torch.tensor(v[first : first + batch]) for name, v in data.items()}
            out = network(part, learned=learned, first_episode=5 + first)
            learned = out.learned
        key = "w.accumulator" if "w.accumulator" in expected.weights else "w.weights"
        np.testing.assert_allclose(
            learned["w"].accumulator.detach().numpy(),
            expected.weights[key],
            *((0, 0) if domain == "fixed" else (1e-8, 1e-8)),
        )
        assert torch.equal(network.node("w").weights, before)


def test_gradients_flow_through_what_is_learned() -> None:
    rule = hg.Rule(
        "0.1*reward*post*(x1 - 0.5*w) - 0.01*w**2",
        factors={"reward": "all"},
        traces={"x1": hg.Trace("pre", 0.5)},
        momentum=0.3,
        epoch=2,
    )
    graph = hg.Graph(
        "meta",
        {
            "x": hg.Input(3),
            "w": hg.Dense(np.random.default_rng(0).normal(0, 1, (2, 3)), rule=rule),
            "y": hg.Graded(2),
            "back": hg.Transpose("w", 2, 3),
            "echo": hg.Graded(3),
            "reward": hg.Bus(2),
        },
        [
            hg.Connection("x.out", "w.s"),
            hg.Connection("w.a", "y.a"),
            hg.Connection("y.out", "w.post"),
            hg.Connection("y.out", "reward.x"),
            hg.Connection("reward.out", "w.reward"),
            hg.Connection("y.out", "back.s"),
            hg.Connection("back.a", "echo.a"),
        ],
        [hg.Probe("echo.out"), hg.Probe("w.weights")],
    )
    network = lowered(graph)
    data = torch.tensor(np.random.default_rng(1).normal(0, 0.7, (2, 5, 3))).requires_grad_()

    def outcome(data: torch.Tensor, *parameters: torch.Tensor) -> tuple[torch.Tensor, ...]:
        out = network(data, 7)
        return (*out.states.values(), *out.learned["w"])

    assert torch.autograd.gradcheck(outcome, (data, *network.parameters()))


def test_gradients_pass_the_roundings_of_learning() -> None:
    graph, data, _ = case(0, "fixed", density=1.0, batch=2, shift=2, rounding="stochastic")
    network = lowered(graph)
    weights = network.node("w").weights.requires_grad_()
    inputs = {n: torch.tensor(v[:2]).double().requires_grad_() for n, v in data.items()}
    out = network(inputs)
    torch.autograd.backward(out.states["w.a"][:, -1].sum())
    for tensor in (weights, inputs["pre"], inputs["post"]):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.any()


def test_a_batch_of_three_cannot_learn_in_fixed() -> None:
    graph, data, _ = case(0, "fixed", density=1.0)
    network = lowered(graph)
    inputs = {name: torch.tensor(values[:3]) for name, values in data.items()}
    with pytest.raises(hg.Invalid, match="must be a power of two where rules learn"):
        network(inputs)


@pytest.mark.cuda
@pytest.mark.parametrize("domain", ["float", "fixed"])
def test_rules_on_cuda_equal_the_reference(domain: Domain) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    for seed in range(8):
        found = case(seed, domain, density=0.3, batch=(1, 2, 4)[seed % 3])
        assert_learned_alike(*found, tolerance=0.0 if domain == "fixed" else 1e-8, device="cuda")
