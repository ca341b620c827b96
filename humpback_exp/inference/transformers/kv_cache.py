"""Keys and values kept between forward passes: of the prefix that all rows share, and of every row being continued.

Every layer of a model calls `cached_attention.attend`; what it attends to, and what is kept, is decided by the cache in use:
a `PrefillCache` for prompts, a `DecodeCache` for one more token of every row.
"""

from collections.abc import Callable, Sequence

import torch

from humpback_exp.modeling.kernels.matmul_attention import (
    AttentionOptions,
    attend_last,
    softmax_with_sinks,
)

MULTIPLE = 32
"""Keys of a step are rounded up to a multiple of this: whole vectors, and fewer shapes for oneDNN to make kernels for."""
Pair = tuple[torch.Tensor, torch.Tensor]
Keep = Callable[[int, int, torch.Tensor, torch.Tensor], Pair]
"""Takes layer, row, and the row's new keys and values [kv_heads, tokens, head_dim]; returns all that the row may attend to."""


class PrefillCache:
    """Rows read one after the other without padding, each attending to itself and to what `keep` returns before it."""

    def __init__(self, lengths: Sequence[int], keep: Keep) -> None:
        self.lengths, self.keep = list(lengths), keep

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: AttentionOptions
    ) -> torch.Tensor:
        """query [heads, tokens, head_dim], key and value [kv_heads, tokens, head_dim] -> [tokens, heads, head_dim]."""
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        parts = (tensor.split(self.lengths, 1) for tensor in (query, key, value, out))
        for row, (q, k, v, o) in enumerate(zip(*parts, strict=True)):
            attend_last(q, *self.keep(layer, row, k, v), o, options)
        return out.transpose(0, 1)


class Prefix:
    """Keys and values [kv_heads, tokens, head_dim] of the shared prefix, layer after layer; empty until it is read."""

    def __init__(self) -> None:
        self.layers: list[Pair] = []

    def append(self, layer: int, row: int, key: torch.Tensor, value: torch.Tensor) -> Pair:
        """Keep what is read as the prefix."""
        self.layers.append((key, value))
        return key, value

    def before(self, layer: int, row: int, key: torch.Tensor, value: torch.Tensor) -> Pair:
        """The prefix and a row behind it; nothing is kept."""
        if not self.layers:
            return key, value
        keys, values = self.layers[layer]
        return torch.cat([keys, key], 1), torch.cat([values, value], 1)


class DecodeCache:
    """Keys [slots, kv_heads, head_dim, capacity] and values [slots, kv_heads, capacity, head_dim] of the rows being continued.

    Each slot begins with the prefix. Rows take slots 0, 1, 2... without a gap, so that a step is a few batched products.
    Keys lie transposed, in which oneDNN multiplies them three times as fast. Memory is zeroed: what lies behind a row's
    end gets probability 0, and 0 times garbage could be nan.
    """

    def __init__(self, prefix: Prefix, count: int, capacity: int) -> None:
        self.prefix, self.count, self.capacity = prefix, count, rounded(capacity)
        self.layers: list[Pair] = []

    def keep_at(self, first: int, start: int) -> Keep:
        """Rows go into the slots from `first` on, behind `start` tokens of prefix."""

        def keep(layer: int, row: int, key: torch.Tensor, value: torch.Tensor) -> Pair:
            if layer == len(self.layers):
                self.layers.append(self._allocate(layer, key, value))
            keys, values = (tensor[first + row] for tensor in self.layers[layer])
            end = start + key.shape[1]
            keys[:, :, start:end], values[:, start:end] = key.mT, value
            return keys[:, :, :end].mT, values[:, :end]

        return keep

    def move(self, source: int, target: int) -> None:
        """Copy one slot to another."""
        for pair in self.layers:
            for tensor in pair:
                tensor[target] = tensor[source]

    def place(self, lengths: Sequence[int]) -> None:
        """Prepare a step: the next token of slot i stands behind `lengths[i]` others."""
        self.longest = rounded(max(lengths) + 1)
        device = self.layers[0][0].device
        self.ends = torch.tensor(lengths, device=device)
        self.rows = torch.arange(len(lengths), device=device)
        self.masks: dict[int | None, torch.Tensor] = {}

    def _mask(self, window: int | None, dtype: torch.dtype) -> torch.Tensor:
        """0 at what a slot's token sees, else minus infinity [slots, 1, 1, longest]; made once a step and window."""
        if window not in self.masks:
            places, ends = torch.arange(self.longest, device=self.ends.device), self.ends[:, None]
            unseen = places > ends if window is None else (places > ends) | (places <= ends - window)
            mask = torch.zeros_like(unseen, dtype=dtype).masked_fill_(unseen, float("-inf"))
            self.masks[window] = mask[:, None, None]
        return self.masks[window]

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: AttentionOptions
    ) -> torch.Tensor:
        """One token a slot: query [heads, slots, head_dim] -> [slots, heads, head_dim]."""
        heads, count, head_dim = query.shape
        kv_heads = len(key)
        keys, values = (tensor[:count] for tensor in self.layers[layer])
        keys[self.rows, :, :, self.ends] = key.transpose(0, 1)
        values[self.rows, :, self.ends] = value.transpose(0, 1)
        grouped = query.transpose(0, 1).reshape(count, kv_heads, heads // kv_heads, head_dim)
        scores = grouped @ keys[..., : self.longest]
        if options.softcap is not None:
            scores = torch.tanh(scores / options.softcap) * options.softcap
        scores = scores + self._mask(options.window, scores.dtype)
        p = softmax_with_sinks(scores[..., None, :], options.sinks).squeeze(-2)
        return (p @ values[:, :, : self.longest]).view(count, heads, -1)

    def _allocate(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> Pair:
        keys = key.new_zeros(self.count, len(key), key.shape[-1], self.capacity)
        values = value.new_zeros(self.count, len(value), self.capacity, value.shape[-1])
        if self.prefix.layers:
            first, second = self.prefix.layers[layer]
            keys[..., : first.shape[1]], values[:, :, : first.shape[1]] = first.mT, second
        return keys, values


def rounded(length: int) -> int:
    """The next multiple of `MULTIPLE`."""
    return -(-length // MULTIPLE) * MULTIPLE
