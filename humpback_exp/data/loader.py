"""Tokens -> micro-batches, in the order of `data.sampler`, for one rank.

Every micro-batch carries the labelled tokens of its whole optimiser step, over all ranks, so that the loss can be their
mean however the step is split.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import IterableDataset

from humpback_exp.data.sampler import assign_micro_batches, step_indices
from humpback_exp.data.tokenize import IGNORED, Tokens

Batch = dict[str, Any]


def collate(tokens: Sequence[Tokens], pad_id: int) -> Batch:
    """Pad on the right: `input_ids`, `attention_mask`, `labels`, each [rows, longest]."""
    longest = max(len(row.ids) for row in tokens)
    fill = {"input_ids": pad_id, "attention_mask": 0, "labels": IGNORED}
    out = {name: torch.full((len(tokens), longest), value) for name, value in fill.items()}
    for i, row in enumerate(tokens):
        length = len(row.ids)
        out["input_ids"][i, :length] = torch.tensor(row.ids)
        out["attention_mask"][i, :length] = 1
        out["labels"][i, :length] = torch.tensor(row.labels)
    return out


def concatenate(tokens: Sequence[Tokens]) -> Batch:
    """Rows one after the other, without padding: `input_ids`, `position_ids`, `labels`, each [1, tokens].

    `lengths` tells the attention where a row ends. A row begins with its prompt, which bears no label, so that no row
    predicts the next.
    """
    lengths = [len(row.ids) for row in tokens]
    return {
        "input_ids": torch.tensor([token for row in tokens for token in row.ids])[None],
        "position_ids": torch.cat([torch.arange(length) for length in lengths])[None],
        "labels": torch.tensor([label for row in tokens for label in row.labels])[None],
        "lengths": lengths,
    }


class StepBatches(IterableDataset[Batch]):
    """Endless micro-batches from optimiser step `first_step()` on; the trainer decides when to stop.

    Padded, a micro-batch holds examples of like length, and so little padding; without padding all micro-batches of a
    step, over all ranks, hold about as many tokens. Each carries its rows' `ids` and the `step_labels` of its step.
    """

    def __init__(
        self,
        tokens: Sequence[Tokens],
        *,
        seed: int,
        batch_size: int,
        micro_batch: int,
        pad_id: int | None,
        first_step: Callable[[], int],
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        """
        Args:
            micro_batch: examples of a pass; 1 where they do not divide a rank's share of the batch.
            pad_id: None concatenates instead of padding.
        """
        assert batch_size % (micro_batch * ranks) == 0 or micro_batch == 1
        self.tokens, self.seed, self.batch_size, self.micro_batch = tokens, seed, batch_size, micro_batch
        self.pad_id, self.first_step, self.rank, self.ranks = pad_id, first_step, rank, ranks

    def rows(self, step: int) -> list[Tokens]:
        """The examples of one optimiser step, over all ranks."""
        return [self.tokens[i] for i in step_indices(self.seed, step, len(self.tokens), self.batch_size)]

    def step(self, step: int) -> list[Batch]:
        """The micro-batches of one optimiser step on this rank, as many on every rank.

        Where the ranks cannot share the rows equally, the shortest row is repeated; what is `repeated` counts nothing.
        """
        rows = self.rows(step)
        labels = torch.tensor(sum(row.label_count for row in rows))
        rows += [min(rows, key=lambda row: len(row.ids))] * (-len(rows) % (self.micro_batch * self.ranks))
        shares = assign_micro_batches(
            [len(row.ids) for row in rows], self.micro_batch, self.ranks, similar_lengths=self.pad_id is not None
        )
        return [
            self.batch([rows[i] for i in share])
            | {"step_labels": labels, "ids": [rows[i].id for i in share], "repeated": share[0] >= self.batch_size}
            for share in shares[self.rank :: self.ranks]
        ]

    def batch(self, rows: Sequence[Tokens]) -> Batch:
        """The rows of one forward pass, concatenated or padded."""
        return concatenate(rows) if self.pad_id is None else collate(rows, self.pad_id)

    def __iter__(self) -> Iterator[Batch]:
        step = self.first_step()
        while True:
            yield from self.step(step)
            step += 1
