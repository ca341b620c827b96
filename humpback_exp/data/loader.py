"""Tokens -> padded micro-batches, in the order of `data.order`, for one rank.

Every micro-batch carries the labelled tokens of its whole optimiser step, over all ranks, so that the loss can be their
mean however the step is split.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.utils.data import IterableDataset

from humpback_exp.data.order import step_indices
from humpback_exp.data.tokens import IGNORED, Tokens

Batch = dict[str, torch.Tensor]


def collate(tokens: Sequence[Tokens], pad_id: int) -> Batch:
    """Pad on the right: `input_ids`, `attention_mask`, `labels`, each (rows, longest)."""
    width = max(len(row.ids) for row in tokens)
    fill = {"input_ids": pad_id, "attention_mask": 0, "labels": IGNORED}
    out = {name: torch.full((len(tokens), width), value) for name, value in fill.items()}
    for i, row in enumerate(tokens):
        length = len(row.ids)
        out["input_ids"][i, :length] = torch.tensor(row.ids)
        out["attention_mask"][i, :length] = 1
        out["labels"][i, :length] = torch.tensor(row.labels)
    return out


class StepBatches(IterableDataset[Batch]):
    """Endless micro-batches from optimiser step `first_step()` on; the trainer decides when to stop.

    Within a step examples are sorted by length before they are dealt out, so a micro-batch holds little padding and
    ranks get alike loads.
    """

    def __init__(
        self,
        tokens: Sequence[Tokens],
        *,
        seed: int,
        batch_size: int,
        micro_batch: int,
        pad_id: int,
        first_step: Callable[[], int],
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        if batch_size % (micro_batch * ranks):
            raise ValueError(
                f"optim.batch_size={batch_size}: must divide by trainer.micro_batch x ranks = {micro_batch} x {ranks}; "
                f"choose trainer.micro_batch so that it does"
            )
        self.tokens, self.seed, self.batch_size, self.micro_batch = tokens, seed, batch_size, micro_batch
        self.pad_id, self.first_step, self.rank, self.ranks = pad_id, first_step, rank, ranks

    def step(self, step: int) -> list[Batch]:
        """The micro-batches of one optimiser step on this rank."""
        rows = [self.tokens[i] for i in step_indices(self.seed, step, len(self.tokens), self.batch_size)]
        rows.sort(key=lambda row: len(row.ids))
        labels = torch.tensor(sum(row.label_count for row in rows))
        width = self.micro_batch * self.ranks
        groups = [rows[i : i + width][self.rank :: self.ranks] for i in range(0, len(rows), width)]
        ids = [[row.id for row in group] for group in groups]
        padded = [collate(group, self.pad_id) for group in groups]
        return [batch | {"step_labels": labels, "ids": own} for batch, own in zip(padded, ids, strict=True)]  # type: ignore[dict-item]

    def __iter__(self) -> Iterator[Batch]:
        step = self.first_step()
        while True:
            yield from self.step(step)
            step += 1
