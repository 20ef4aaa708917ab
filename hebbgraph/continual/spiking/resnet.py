"""Residual networks of spiking units, ResNet-18 as HLOP uses it.

K. He et al., "Identity mappings in deep residual networks", ECCV 2016, arXiv:1603.05027: norm and
units stand before each convolution. M. Xiao et al., ICLR 2024, arXiv:2402.11984: 20 channels in
the first stage.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hebbgraph.continual.spiking.nets import SpikingNet
from hebbgraph.continual.spiking.parts import Images, Parts


class Block(nn.Module):
    """Two convolutions beside a shortcut of currents.

    ::

        s = units(norm(a)),   a' = W_2 units(norm(W_1 s)) + shortcut

    The shortcut is `a`, or ``W_0 s`` with windows of one pixel where the shape changes.
    """

    def __init__(self, parts: Parts, channels: int, posts: int, stride: int) -> None:
        super().__init__()
        self.first_norm, self.first_units = parts.norm(channels), parts.units()
        self.first = parts.synapses(posts, channels, (3, stride, 1))
        self.second_norm, self.second_units = parts.norm(posts), parts.units()
        self.second = parts.synapses(posts, posts, (3, 1, 1))
        changes = stride != 1 or channels != posts
        self.shortcut = parts.synapses(posts, channels, (1, stride, 0)) if changes else None

    def forward(self, a: Tensor) -> Tensor:
        """Return the currents behind the block."""
        s = self.first_units(self.first_norm(a))
        beside = a if self.shortcut is None else self.shortcut(s)
        deep: Tensor = self.second(self.second_units(self.second_norm(self.first(s))))
        return deep + beside


def resnet(
    parts: Parts,
    image_shape: tuple[int, int, int],
    maps: int,
    classes: int,
    *,
    blocks: Sequence[int] = (2, 2, 2, 2),
    wide: bool = False,
) -> SpikingNet:
    """Return stages of ``blocks[l]`` blocks with ``2^l maps`` channels, each halving the image.

    The spikes of each channel of the last stage are averaged for the readout. `wide` begins with
    windows of 5x5 at every other pixel instead of 3x3.
    """
    first = (5, 2, 2) if wide else (3, 1, 1)
    body: list[nn.Module] = [Images(image_shape), parts.synapses(maps, image_shape[0], first)]
    channels = maps
    for stage, count in enumerate(blocks):
        for number in range(count):
            posts = maps * 2**stage
            body.append(Block(parts, channels, posts, 2 if stage and not number else 1))
            channels = posts
    body += [parts.norm(channels), parts.units(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    head = parts.synapses(classes, channels)
    return SpikingNet(nn.Sequential(*body), head, parts.steps, parts.fade)
