"""Causal attention over concatenated examples, each seeing itself only, by the fastest kernel at hand.

GPU, half precision: FlashAttention over variable lengths, as torch ships it. CPU, bf16: blocks of plain matrix products,
which oneDNN runs near the machine's peak where torch's own CPU kernel does not. Else torch's kernel, example by example.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from humpback_exp.modeling.kernels import varlen

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
        query: [1, heads, tokens, head_dim]; key, value: [1, kv_heads, tokens, head_dim].
        lengths: tokens of every example; their sum is `tokens`.

    Returns:
        [1, tokens, heads, head_dim], and no attention weights.
    """
    if not lengths:
        return sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **others)[0], None
    query, key = query.to(value.dtype), key.to(value.dtype)  # rotation leaves them in fp32 under autocast
    if value.is_cuda and value.dtype != torch.float32:
        return varlen.by_kernel(query, key, value, scaling, lengths), None
    if value.dtype == torch.bfloat16:
        return MatmulAttention.apply(query[0], key[0], value[0], scaling, lengths).transpose(0, 1)[None], None
    return varlen.by_example(query, key, value, scaling, lengths), None


AttentionInterface.register(NAME, attend)


def _blocks(lengths: Sequence[int]) -> Iterator[tuple[slice, slice]]:
    """Blocks of queries and the keys that each may see, as slices of all tokens; a block never spans two examples."""
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
        """query [heads, tokens, head_dim], key and value [kv_heads, tokens, head_dim] -> [heads, tokens, head_dim]."""
        grouped = (query * scaling).view(len(key), -1, *query.shape[1:])
        out = torch.empty_like(grouped)
        for queries, keys in _blocks(lengths):
            block = grouped[:, :, queries]
            out[:, :, queries] = (_probabilities(block, key[:, keys]) @ value[:, keys]).view(block.shape)
        ctx.save_for_backward(grouped, key, value)
        ctx.scaling, ctx.lengths = scaling, lengths
        return out.view(query.shape)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        grouped, key, value = ctx.saved_tensors
        grad_query = torch.empty_like(grouped)
        grad_key = torch.zeros_like(key)
        grad_value = torch.zeros_like(value)
        grad_output = grad_outputs[0].reshape(grouped.shape)
        for queries, keys in _blocks(ctx.lengths):
            block = grouped[:, :, queries]
            grad_block = grad_output[:, :, queries].flatten(1, 2)
            p = _probabilities(block, key[:, keys])
            grad_value[:, keys] += p.mT @ grad_block
            grad_scores = torch._softmax_backward_data(grad_block @ value[:, keys].mT, p, -1, p.dtype)
            grad_query[:, :, queries] = (grad_scores @ key[:, keys]).view(block.shape)
            grad_key[:, keys] += grad_scores.mT @ block.flatten(1, 2)
        return grad_query.mul_(ctx.scaling).view(-1, *key.shape[1:]), grad_key, grad_value, None, None


def attend_last(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, out: torch.Tensor) -> None:
    """Attention of one example's last tokens to all of its tokens, causal, without gradients, into `out`.

    Args:
        query: [heads, last tokens, head_dim], scaled; `out` likewise. key, value: [kv_heads, tokens, head_dim].
    """
    grouped, into = (tensor.unflatten(0, (len(key), -1)) for tensor in (query, out))
    before = key.shape[1] - query.shape[1]
    for first in range(0, query.shape[1], BLOCK):
        block = grouped[:, :, first : first + BLOCK]
        seen = before + first + block.shape[2]
        into[:, :, first : first + BLOCK] = (_probabilities(block, key[:, :seen]) @ value[:, :seen]).view(block.shape)


def _probabilities(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """query [kv_heads, group, block, head_dim], key [kv_heads, keys, head_dim] -> [kv_heads, group x block, keys].

    The heads of a group share their keys, so that they are rows of one matrix product. The last `block` keys stand
    beside the queries: each query must not see those after itself.
    """
    block, keys = query.shape[2], key.shape[1]
    scores = (query.flatten(1, 2) @ key.mT).view(*query.shape[:3], keys)
    scores[..., keys - block :] += scores.new_full((block, block), float("-inf")).triu_(1)
    return scores.softmax(-1).flatten(1, 2)
