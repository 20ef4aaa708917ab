"""Work in blocks that fit a CPU's cache, shared out to threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

#: From so many blocks on, threads share them out.
SHARED = 16


def shared_out(do: Callable[[int], None], blocks: Sequence[int]) -> None:
    """Do all `blocks`, many of them in as many threads as torch has.

    Each thread does its share without waiting for the others, as torch's own would for every
    operation; on a machine with other work that takes many times as long. What a block raises
    is raised.
    """
    threads = torch.get_num_threads() if len(blocks) >= SHARED else 1

    @torch.inference_mode()
    def do_share(index: int) -> None:
        for block in blocks[index::threads]:
            do(block)

    if threads == 1:
        do_share(0)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(do_share, range(threads)))
