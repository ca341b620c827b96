"""Prompts -> passes without padding, behind a prefix that is read once."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

import torch

from humpback_exp.inference.choices import common_length
from humpback_exp.inference.transformers.cached_attention import in_use
from humpback_exp.inference.transformers.kv_cache import DecodeCache, Keep, PrefillCache, Prefix
from humpback_exp.modeling.load import Model
from humpback_exp.modeling.memory import is_out_of_memory
from humpback_exp.progress import log

K = TypeVar("K", bound=Hashable)
PASS_TOKENS = 2048
"""Tokens read in one pass, if more than one row: enough to keep matrix products at their peak, few enough that a layer's
activations stay in a CPU's cache."""


def shared_length(rows: Sequence[list[int]]) -> int:
    """How many ids all rows begin with, short of a whole row; 0 for a row alone, which has nobody to share with."""
    return common_length(rows) if len(rows) > 1 else 0


def longest_first(lengths: Mapping[K, int]) -> deque[tuple[K, int]]:
    """The order in which rows are taken: memory peaks at once, and neighbours are of like length."""
    return deque(sorted(lengths.items(), key=lambda item: -item[1]))


def take(waiting: deque[tuple[K, int]], most: int) -> list[K]:
    """Remove the rows of the next pass: at most `most`, and of `PASS_TOKENS` tokens unless it is one row."""
    key, tokens = waiting.popleft()
    taken = [key]
    while waiting and len(taken) < most and tokens + waiting[0][1] <= PASS_TOKENS:
        key, length = waiting.popleft()
        taken.append(key)
        tokens += length
    return taken


def last_positions(lengths: Iterable[int], counts: Iterable[int]) -> list[int]:
    """Where the last `counts[i]` tokens of every row stand, among rows laid one after the other."""
    ends = accumulate(lengths)
    return [place for end, count in zip(ends, counts, strict=True) for place in range(end - count, end)]


def read_prefix(model: Model, ids: Sequence[int]) -> Prefix:
    """Keys and values of the ids; nothing is read for none."""
    prefix = Prefix()
    if ids:
        forward(model.get_decoder(), ids, range(len(ids)), PrefillCache([len(ids)], prefix.append))
    return prefix


def read(model: Model, rows: Sequence[Sequence[int]], start: int, keep: Keep, **options: torch.Tensor) -> torch.Tensor:
    """Read rows whose first `start` ids stand in a prefix; what the model (or its decoder) returns first, less the batch."""
    ids = [token for row in rows for token in row[start:]]
    positions = [place for row in rows for place in range(start, len(row))]
    return forward(model, ids, positions, PrefillCache([len(row) - start for row in rows], keep), **options)


def forward(
    model: Model,
    ids: Sequence[int],
    positions: Sequence[int],
    cache: PrefillCache | DecodeCache,
    **options: torch.Tensor,
) -> torch.Tensor:
    """One pass over tokens at the given positions; [tokens, hidden] or [tokens, vocabulary]."""
    device = model.get_input_embeddings().weight.device
    inputs = (torch.tensor(list(part), device=device)[None] for part in (ids, positions))
    input_ids, position_ids = inputs
    with in_use(cache):
        return model(input_ids=input_ids, position_ids=position_ids, use_cache=False, **options)[0][0]


def in_batches(
    model: Model, rows: Mapping[K, Sequence[int]], start: int, size: int, use: Callable[[list[K], Prefix], None]
) -> int:
    """Call `use` on at most `size` rows at a time, until all are used; returns the size that memory allowed."""
    left = {key: len(ids) - start for key, ids in rows.items()}

    def work(size: int) -> None:
        prefix = read_prefix(model, rows[next(iter(left))][:start])
        waiting = longest_first(left)
        while waiting:
            batch = take(waiting, size)
            use(batch, prefix)
            for key in batch:
                del left[key]

    return within_memory(size, work) if left else size


def within_memory(size: int, work: Callable[[int], None]) -> int:
    """Run `work(size)`, again with half the size while memory does not suffice; returns the size that did.

    Work that is called again goes on where it was. A smaller batch rounds otherwise in bf16.

    Raises:
        ValueError: not even one row fits.
    """
    while True:
        try:
            work(size)
            return size
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if size == 1:
                raise ValueError(
                    "engine.batch_size=1: out of memory; use a smaller model or a larger machine"
                ) from error
        size //= 2
        log.warning("out of memory: going on with engine.batch_size=%d", size)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
