"""Generator: a recurrent network that writes the weights of another, chunk after chunk."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from hebbgraph.random import stream


class Generator(nn.Module):
    """Generates `size` numbers from the embedding e of a task.

    ::

        h_k = GRU([e, c_k], h_{k-1}),  h_0 = 0,     out_k = V h_k + b        k = 1 ... chunks

    with c_k learned embeddings of the chunks and V, b shared by all: each chunk depends on those
    before it through h, and the count of numbers to learn does not follow `size`.
    """

    def __init__(
        self, size: int, tasks: int, seed: int, *, embedding: int, hidden: int, chunk: int
    ) -> None:
        super().__init__()
        self.size, self.hidden = size, hidden
        chunks = -(-size // chunk)
        self.tasks = nn.ParameterList([torch.empty(embedding) for _ in range(tasks)])
        self.chunks = nn.Parameter(torch.empty(chunks, embedding))
        self.cell = nn.GRUCell(2 * embedding, hidden)
        self.write = nn.Linear(hidden, chunk)
        with torch.no_grad():
            for name, held in self.named_parameters():
                draws = stream(seed, f"continual.hypernet.{name}", "weights")
                if name.startswith(("tasks", "chunks")):
                    first = draws.normal(size=tuple(held.shape))
                else:
                    first = (2 * draws.random(tuple(held.shape)) - 1) / np.sqrt(hidden)
                held.copy_(torch.as_tensor(np.asarray(first)))

    def shared(self) -> list[nn.Parameter]:
        """Return the parameters that all tasks share."""
        return [p for name, p in self.named_parameters() if not name.startswith("tasks")]

    def forward(self, numbers: list[int]) -> Tensor:
        """Return what is generated for tasks (tasks, size)."""
        known = torch.stack([self.tasks[number] for number in numbers])
        h = known.new_zeros(len(numbers), self.hidden)
        parts = []
        for place in self.chunks:
            h = self.cell(torch.cat([known, place.expand_as(known)], 1), h)
            parts.append(self.write(h))
        return torch.cat(parts, 1)[:, : self.size]
