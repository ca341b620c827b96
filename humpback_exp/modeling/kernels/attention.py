"""Causal attention over concatenated examples, each seeing itself only, by the fastest kernel at hand.

GPU, half precision: FlashAttention over variable lengths, as torch ships it. CPU, bf16: blocks of plain matrix products,
which oneDNN runs near the machine's peak where torch's own CPU kernel does not. Else torch's kernel, example by example.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

NAME = "by_example"
"""The name under which transformers finds `attend`."""
BLOCK = 256
"""Queries of one matrix product: keys after a block's last query are never touched."""


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float,
    lengths: Sequence[int] = (),
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it; without `lengths` the rows are ordinary sequences.

    Args:
        query: (1, heads, tokens, width); key and value with the fewer heads of grouped attention.
        lengths: tokens of every example, their sum is `tokens`.

    Returns:
        (1, tokens, heads, width).
    """
    if not lengths:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)[0], None
    query, key = query.to(value.dtype), key.to(value.dtype)  # rotation leaves them in fp32 under autocast
    if value.is_cuda and value.dtype != torch.float32:
        return _flash(query, key, value, scaling, lengths), None
    if value.dtype == torch.bfloat16:
        return MatmulAttention.apply(query[0], key[0], value[0], scaling, lengths).transpose(0, 1)[None], None
    sizes = list(lengths)
    done = [
        functional.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=True)
        for q, k, v in zip(query.split(sizes, 2), key.split(sizes, 2), value.split(sizes, 2), strict=True)
    ]
    return torch.cat(done, 2).transpose(1, 2), None


AttentionInterface.register(NAME, attend)


def _flash(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float, lengths: Sequence[int]
) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    ends = torch.tensor([0, *lengths], device=value.device, dtype=torch.int32).cumsum(0, dtype=torch.int32)
    q, k, v = (tensor[0].transpose(0, 1).contiguous() for tensor in (query, key, value))
    longest = max(lengths)
    done = varlen_attn(q, k, v, ends, ends, longest, longest, scale=scaling, window_size=(-1, 0), enable_gqa=True)
    assert isinstance(done, torch.Tensor)
    return done[None]


def _blocks(lengths: Sequence[int]) -> Iterator[tuple[slice, slice]]:
    """Queries and the keys they may see: where they stand among all tokens."""
    start = 0
    for length in lengths:
        for first in range(start, start + length, BLOCK):
            last = min(first + BLOCK, start + length)
            yield slice(first, last), slice(start, last)
        start += length


class MatmulAttention(torch.autograd.Function):
    """Softmax attention by matrix products over blocks of queries; probabilities are made again in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scaling: float, lengths: Sequence[int]
    ) -> torch.Tensor:
        """Query (heads, tokens, width), key and value (groups, tokens, width) -> (heads, tokens, width)."""
        grouped = (query * scaling).view(len(key), -1, *query.shape[1:])
        out = torch.empty_like(grouped)
        for queries, keys in _blocks(lengths):
            here = grouped[:, :, queries]
            out[:, :, queries] = (_probabilities(here, key[:, keys]) @ value[:, keys]).view(here.shape)
        ctx.save_for_backward(grouped, key, value)
        ctx.scaling, ctx.lengths = scaling, lengths
        return out.view(query.shape)

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        grouped, key, value = ctx.saved_tensors
        by_query, by_key, by_value = torch.empty_like(grouped), torch.zeros_like(key), torch.zeros_like(value)
        slope = slopes[0].reshape(grouped.shape)
        for queries, keys in _blocks(ctx.lengths):
            here, above = grouped[:, :, queries], slope[:, :, queries].flatten(1, 2)
            p = _probabilities(here, key[:, keys])
            by_value[:, keys] += p.mT @ above
            by_score = torch._softmax_backward_data(above @ value[:, keys].mT, p, -1, p.dtype)
            by_query[:, :, queries] = (by_score @ key[:, keys]).view(here.shape)
            by_key[:, keys] += by_score.mT @ here.flatten(1, 2)
        return by_query.mul_(ctx.scaling).view(-1, *key.shape[1:]), by_key, by_value, None, None


def attend_last(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, out: torch.Tensor) -> None:
    """Attention of one example's last tokens to all of its tokens, causal, without gradients, into `out`.

    Args:
        query: (heads, last tokens, width), scaled; `out` likewise. key and value: (groups, tokens, width).
    """
    grouped, into = (tensor.unflatten(0, (len(key), -1)) for tensor in (query, out))
    before = key.shape[1] - query.shape[1]
    for first in range(0, query.shape[1], BLOCK):
        here = grouped[:, :, first : first + BLOCK]
        seen = before + first + here.shape[2]
        into[:, :, first : first + BLOCK] = (_probabilities(here, key[:, :seen]) @ value[:, :seen]).view(here.shape)


def _probabilities(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """Query (groups, heads a group, block, width), key (groups, keys, width) -> (groups, heads a group x block, keys)."""
    block, keys = query.shape[2], key.shape[1]
    scores = (query.flatten(1, 2) @ key.mT).view(*query.shape[:3], keys)
    scores[..., keys - block :] += scores.new_full((block, block), float("-inf")).triu_(1)
    return scores.softmax(-1).flatten(1, 2)
