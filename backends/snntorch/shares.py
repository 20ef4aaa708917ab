"""Work shared out to threads: blocks that fit a CPU's cache, or whole batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

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


def side_by_side(works: Sequence[Callable[[], Iterator[int]]]) -> Iterator[int]:
    """Do all `works`, each in a thread of its own, and yield what they yield, as it comes.

    Torch's threads are divided among them, and later it has as many as before. Closing the
    iterator stops all works where they yield next; so does an error of one, which is raised.
    """
    threads = torch.get_num_threads()
    ready, stop = threading.Semaphore(0), threading.Event()
    news: SimpleQueue[int | None] = SimpleQueue()

    @torch.inference_mode()
    def do(work: Callable[[], Iterator[int]]) -> None:
        torch.set_num_threads(max(1, threads // len(works)))  # for itself, and for new threads
        ready.release()
        try:
            for item in work():
                news.put(item)
                if stop.is_set():
                    break
        except BaseException:
            stop.set()
            raise
        finally:
            news.put(None)

    with ThreadPoolExecutor(len(works)) as pool:
        try:
            found = [pool.submit(do, work) for work in works]
            for _ in works:
                ready.acquire()
            torch.set_num_threads(threads)  # for new threads again
            for _ in works:
                yield from iter(news.get, None)
            for future in found:
                future.result()
        finally:
            stop.set()
            torch.set_num_threads(threads)
