"""Networks as learners: shapes, settings, what freezes, what is heard, learning, going on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hebbgraph.continual import run_stream
from hebbgraph.continual.learners.spiking import SpikingLearner
from hebbgraph.continual.memory import peak_memory
from hebbgraph.continual.methods.projection import Projection
from hebbgraph.continual.sources import stream
from hebbgraph.continual.spiking.norm import Norm
from hebbgraph.continual.spiking.parts import Parts
from hebbgraph.continual.spiking.resnet import resnet
from hebbgraph.continual.spiking.settings import network, settings_for
from hebbgraph.continual.spiking.synapses import Synapses
from hebbgraph.errors import Invalid, Unavailable

TRAINERS = ("ottt", "bptt", "dsr")
CONV: dict[str, Any] = {
    "network": "conv",
    "image_shape": (1, 8, 8),
    "maps": (6, 8),
    "steps": 4,
    "batch": 16,
    "rate": 0.05,
    "momentum": 0.9,
    "norm_share": 0.3,
}
RESNET: dict[str, Any] = CONV | {"network": "resnet18", "maps": (6,), "blocks": (1, 1)}
ROWS = {"first_rows": (3, 12), "later_rows": (1, 8)}

# Short runs are not enough for Hebbian rows.
pytestmark = pytest.mark.filterwarnings("ignore::hebbgraph.continual.rows.NotConverged")


def small(tasks: int = 2, samples: int | None = 24) -> Any:
    made = stream("split-digits", train_per_class=samples)
    return type(made)(made.name, made.scenario, made.tasks[:tasks], made.outputs, made.source)


def test_the_network_of_the_paper() -> None:
    given = settings_for("dsr", network="conv", image_shape=(3, 32, 32))
    net = network(given, 3072, 100, seed=0)
    shapes = [tuple(layer.weight.shape) for layer in net.parts(Synapses)]
    assert shapes == [(64, 3, 3, 3), (128, 64, 3, 3), (256, 128, 3, 3), (100, 4096)]
    assert len(net.parts(Norm)) == 3
    given = settings_for("dsr", network="resnet18", image_shape=(3, 32, 32), maps=(20,))
    net = network(given, 3072, 50, seed=0)
    widths = [layer.width for layer in net.parts(Synapses)]
    # The first convolution, stages of two blocks with shortcuts where the shape changes, the head.
    stages = [180, 180, 180, 180, 180, 360, 20, 360, 360, 360, 720, 40, 720, 720, 720, 1440, 80]
    assert sorted(widths) == sorted([27, *stages, 1440, 1440, 160])
    assert len(net.parts(Norm)) == 17
    wide = resnet(Parts(), (3, 84, 84), 20, 5, wide=True)
    assert wide.parts(Synapses)[0].width == 75
    assert wide(torch.rand(2, 3 * 84 * 84)).shape == (2, 5)


def test_signals_pass_layers_in_the_order_of_the_parts() -> None:
    net = resnet(Parts(steps=2, gain=4.0), (1, 8, 8), 4, 3, blocks=(1, 1))
    passed: list[Synapses] = []
    for layer in net.parts(Synapses):
        layer.register_forward_hook(lambda one, _, __: passed.append(one))
    net.step(torch.rand(2, 64))
    assert set(passed) == set(net.parts(Synapses))
    assert passed[0] is net.parts(Synapses)[0]
    assert passed[-1] is net.parts(Synapses)[-1] is net.head


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_convolution_learns_beside_what_old_tasks_presented(trainer: str) -> None:
    """Every change of the weights is orthogonal to the old rows; norms stay."""
    learner = SpikingLearner(settings_for(trainer, **CONV), "pca", ROWS)
    data = small()
    learner.start(data, 0)
    for number, task in enumerate(data.tasks):
        learner.begin(number, task)
        layers, norms = learner.net.parts(Synapses), learner.net.parts(Norm)
        before = [layer.weight.detach().clone() for layer in layers]
        kept = [(n.weight.clone(), n.running_mean.clone()) for n in norms]  # type: ignore[union-attr]
        learner.epoch(number, 0, task.train)
        method = learner.method
        assert isinstance(method, Projection)
        for layer, old, subspace in zip(layers, before, method.subspaces, strict=False):
            change = (layer.weight.detach() - old).reshape(layer.posts, -1)
            assert change.norm() > 1e-4
            assert len(subspace.old) == (0, 3, 12)[number and 1 + layers.index(layer)]
            assert (change @ subspace.old.T).norm() <= 1e-5 * subspace.old.norm() * change.norm()
        frozen = [
            torch.equal(norm.weight, weight) and torch.equal(norm.running_mean, mean)  # type: ignore[arg-type]
            for norm, (weight, mean) in zip(norms, kept, strict=True)
        ]
        assert frozen == [bool(number)] * 2
        learner.end(number, task)
    assert isinstance(learner.method, Projection)
    assert [len(s.old) for s in learner.method.subspaces] == [4, 20]


def test_what_is_heard_is_bounded_drawn_and_made_of_patches() -> None:
    layer = Parts(gain=1.0, dtype=torch.float64).synapses(4, 2, (3, 2, 1))
    layer.static = False
    x = torch.rand(5, 2, 8, 8, dtype=torch.float64)
    layer.listen()
    layer(x)
    whole = layer.taken()
    assert whole.shape == (5 * 16, 18)
    drawn = []
    for seed in (1, 1, 2):
        layer.clear()
        layer.listen(30, np.random.default_rng(seed))
        layer(x)
        layer(x)
        rows = layer.taken()
        assert rows.shape == (60, 18)
        assert all((whole == row).all(1).any() for row in rows)
        drawn.append(rows)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    layer.listen(80, np.random.default_rng(0))
    layer(x)
    assert torch.equal(layer.taken(), whole)


@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("network", [CONV, RESNET])
def test_every_trainer_learns(trainer: str, network: dict[str, Any]) -> None:
    learner = SpikingLearner(settings_for(trainer, **(network | {"steps": 6})))
    run = run_stream(small(1, 100), learner, epochs=3)
    assert run.report.acc > 0.85


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_run_that_was_stopped_goes_on(trainer: str, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def learner() -> SpikingLearner:
        options = ROWS | {"rows_per_step": 50}
        return SpikingLearner(settings_for(trainer, **CONV), "hlop", options)

    data, path = small(samples=16), tmp_path / "run.zip"
    whole = run_stream(data, learner(), epochs=2)
    for stop in (1, 2, 3):

        def tell(done: int, total: int, text: str, stop: int = stop) -> None:
            if done == stop:
                raise Stopped

        with pytest.raises(Stopped):
            run_stream(data, learner(), epochs=2, checkpoint=path, progress=tell)
    again = run_stream(data, learner(), epochs=2, checkpoint=path)
    assert np.array_equal(again.report.matrix, whole.report.matrix)
    assert again.log == whole.log


def test_settings_are_checked_at_once() -> None:
    wrong = settings_for(
        "dsr",
        network="conv",
        image_shape=(3, 8, 8),
        maps=(4, 4, 4, 4),
        pool="max",
        steps=0,
        error="dfa",
        surrogate="step",
        leak=1.5,
        gain=0.0,
        dtype="float16",
    )
    with pytest.raises(Invalid) as caught:
        run_stream(small(), SpikingLearner(wrong))
    assert {fault.where for fault in caught.value.faults} == {
        "image_shape",
        "maps",
        "pool",
        "steps",
        "error",
        "surrogate",
        "leak",
        "gain",
        "dtype",
    }
    with pytest.raises(Invalid, match="must be one of mlp, conv, resnet18"):
        run_stream(small(), SpikingLearner(settings_for("ottt", network="vgg")))
    with pytest.raises(Invalid, match="name the shape of the images"):
        run_stream(small(), SpikingLearner(settings_for("ottt", network="resnet18")))
    with pytest.raises(Invalid, match="trainer: must be one of ottt, bptt, dsr"):
        settings_for("stdp")


def test_the_device_must_be_here() -> None:
    with pytest.raises(Invalid, match="must name a torch device"):
        run_stream(small(), SpikingLearner(settings_for("ottt", device="gpu")))
    with pytest.raises(Unavailable, match=r"no device 'cuda:99' .*devices here: cpu"):
        run_stream(small(), SpikingLearner(settings_for("ottt", device="cuda:99")))


def test_pools() -> None:
    """The largest of four spikes is whether there is one."""
    given = settings_for("bptt", **(CONV | {"pool": "max", "norm": False, "gain": 6.0}))
    net = network(given, 64, 4, 0)
    assert not net.parts(Norm)
    seen: list[torch.Tensor] = []
    net.parts(Synapses)[1].register_forward_hook(lambda _, a, __: seen.append(a[0]))
    net.step(torch.rand(3, 64))
    assert set(seen[0].flatten().tolist()) == {0.0, 1.0}


def test_peak_memory_of_an_epoch() -> None:
    given = settings_for("bptt", **(CONV | {"batch": 200, "maps": (32, 8)}))
    found = peak_memory(small(1, 100), SpikingLearner(given))
    assert found.before > 2**25
    # 200 samples, four steps, 32 maps of 64 positions, four bytes, several copies.
    whole = 200 * 4 * 32 * 64 * 4
    assert whole < found.learning < 40 * whole


@pytest.mark.slow
@pytest.mark.parametrize("trainer", TRAINERS)
def test_residual_blocks_forget_less_with_hlop(trainer: str) -> None:
    data = stream("split-digits")
    rows = {
        "first_rows": (3, 20, 20, 20, 40, 2),
        "later_rows": (1, 7, 7, 7, 15, 1),
    }
    given = settings_for(trainer, **(RESNET | {"steps": 10, "batch": 32}))
    naive = run_stream(data, SpikingLearner(given), epochs=4).report
    kept = run_stream(data, SpikingLearner(given, "hlop", rows), epochs=4).report
    assert naive.learning_accuracy > 0.8  # chance is a half
    assert kept.acc > 0.65
    assert kept.bwt > naive.bwt + 0.1


@pytest.mark.cuda
@pytest.mark.parametrize("trainer", TRAINERS)
@pytest.mark.parametrize("network", [CONV, RESNET])
def test_cuda_learns_as_the_processor_does(trainer: str, network: dict[str, Any]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    rows = {"first_rows": (3, 6, 6, 6, 6, 3), "later_rows": (1, 4, 4, 4, 4, 1)}
    accuracies = []
    for device in ("cpu", "cuda"):
        given = settings_for(trainer, device=device, dtype="float64", **network)
        run = run_stream(small(), SpikingLearner(given, "hlop", rows), epochs=2)
        accuracies.append(run.report.matrix)
    np.testing.assert_allclose(accuracies[0], accuracies[1], atol=0.1)
