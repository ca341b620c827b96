"""Writing on behind prompts in a batch that stays full: where a row ends, the next waiting row takes its slot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from humpback_exp.config import GenerationConfig
from humpback_exp.inference.transformers.kv_cache import DecodeCache, PrefillCache, Prefix
from humpback_exp.inference.transformers.prefill import (
    forward,
    last_positions,
    longest_first,
    read,
    shared_length,
    take,
)
from humpback_exp.inference.transformers.sampling import next_tokens
from humpback_exp.modeling.kernels.loss import output_logits
from humpback_exp.modeling.load import Model
from humpback_exp.modeling.reference import LAST


@dataclass(slots=True)
class Row:
    """A prompt being continued."""

    index: int
    prompt: Sequence[int]
    stream: np.random.Generator
    written: list[int] = field(default_factory=list)


@dataclass(slots=True)
class BatchDecoder:
    """Continues the rows of one call, as many side by side as there are slots."""

    model: Model
    prefix: Prefix
    start: int
    """Tokens of the prefix."""
    sampling: GenerationConfig
    end_token: int
    slots: DecodeCache = field(init=False)
    active: list[Row] = field(init=False, default_factory=list)
    """The row in each slot."""

    def run(self, rows: Sequence[Row], size: int) -> Iterator[Row]:
        """Every row once it has ended, at most `size` side by side; `written` then ends with the end token, if it came."""
        waiting = longest_first({place: len(row.prompt) - self.start for place, row in enumerate(rows)})
        self.slots = DecodeCache(
            self.prefix, min(size, len(rows)), self.start + waiting[0][1] + self.sampling.max_new_tokens
        )
        while waiting or self.active:
            free = self.slots.count - len(self.active)
            if waiting and free:
                self._admit([rows[place] for place in take(waiting, free)])
            else:
                self._step()
            yield from self._ended()

    def _admit(self, rows: list[Row]) -> None:
        """Read prompts into the next free slots and write their first tokens."""
        ends = torch.tensor(last_positions([len(row.prompt) - self.start for row in rows], [1] * len(rows)))
        keep = self.slots.keep_at(len(self.active), self.start)
        logits = read(self.model, [row.prompt for row in rows], self.start, keep, logits_to_keep=ends)
        self.active += rows
        self._write(rows, logits)

    def _step(self) -> None:
        """Write one more token of every row."""
        places = [len(row.prompt) + len(row.written) - 1 for row in self.active]
        self.slots.place(places)
        self._write(self.active, forward(self.model, [row.written[-1] for row in self.active], places, self.slots))

    def _write(self, rows: list[Row], logits: torch.Tensor) -> None:
        tokens = next_tokens(logits, self.sampling, [row.stream for row in rows])
        for row, token in zip(rows, tokens.tolist(), strict=True):
            row.written.append(token)

    def _ended(self) -> Iterator[Row]:
        """Take out the rows that have ended; the last slot's row moves into the gap."""
        for slot in reversed(range(len(self.active))):
            row = self.active[slot]
            if row.written[-1] != self.end_token and len(row.written) < self.sampling.max_new_tokens:
                continue
            last = self.active.pop()
            if slot < len(self.active):
                self.slots.move(len(self.active), slot)
                self.active[slot] = last
            yield row


def read_and_continued(model: Model, rows: Sequence[list[int]], places: Sequence[list[int]]) -> torch.Tensor:
    """Logits after some places of each row, computed in all ways that `generate` takes.

    What all rows begin with is read once, what follows behind it, and the last tokens are put in one by one.

    Args:
        places: of each row, in order, before that of its last token.

    Returns:
        [places, vocabulary], one row after the other.
    """
    shortest = min(map(len, rows))
    written = min(LAST, (shortest - 1) // 2)
    start, ends = min(shared_length(rows), shortest - written - 2), [len(row) - 1 - written for row in rows]
    prefix, decoder = Prefix(), model.get_decoder()
    shared = [forward(decoder, rows[0][:start], range(start), PrefillCache([start], prefix.append))] if start else []
    cache = DecodeCache(prefix, len(rows), max(map(len, rows)))
    own = read(decoder, [row[:end] for row, end in zip(rows, ends, strict=True)], start, cache.keep_at(0, start))
    steps = []
    for step in range(written):
        at = [end + step for end in ends]
        cache.place(at)
        steps.append(forward(model, [row[place] for row, place in zip(rows, at, strict=True)], at, cache).float())
    logits: list[torch.Tensor] = []
    for i, hidden in enumerate(own.split([end - start for end in ends])):
        read_places = places[i][: len(places[i]) - written]
        logits += [
            output_logits(model, torch.cat([*shared, hidden])[read_places]),
            *(step[i : i + 1] for step in steps),
        ]
    return torch.cat(logits)
