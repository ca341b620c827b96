"""Causal attention over concatenated examples, each seeing itself only, by the fastest kernel at hand.

GPU, half precision: FlashAttention over variable lengths, as torch ships it. CPU, bf16: blocks of plain matrix products,
which oneDNN runs near the machine's peak where torch's own CPU kernel does not. Else torch's kernel, example by example;
soft caps, sinks and dropout, which the others do not know, by plain products with autograd's own gradients.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface

from humpback_exp.modeling.kernels import varlen
from humpback_exp.modeling.kernels.matmul_attention import (
    BLOCK,
    AttentionOptions,
    attention_options,
    probabilities,
    window_mask,
)

NAME = "by_example"
"""The name under which transformers finds `attend`."""
LENGTHS: ContextVar[tuple[int, ...]] = ContextVar("lengths", default=())
"""Tokens of the examples that stand one after the other in the forward pass that is running; empty for ordinary rows.

Not an argument of the model's forward: some classes do not hand those on to their attention.
"""


@contextmanager
def concatenated(lengths: Sequence[int]) -> Iterator[None]:
    """Forward passes inside take one row that holds examples of these lengths."""
    token = LENGTHS.set(tuple(lengths))
    try:
        yield
    finally:
        LENGTHS.reset(token)


def checkpoint_contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """For gradient checkpointing: a layer is computed again under the lengths it had, on whatever thread that happens."""
    return nullcontext(), concatenated(LENGTHS.get())


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it, over the examples of `concatenated`, else over every row by itself.

    Args:
        query: [rows, heads, tokens, head_dim]; key, value: [rows, kv_heads, tokens, head_dim].
        attention_mask: the layer's window, from `window_mask`.

    Returns:
        [rows, tokens, heads, head_dim], and no attention weights.
    """
    rows, tokens = query.shape[0], query.shape[2]
    lengths = LENGTHS.get() or (tokens,) * rows
    options = attention_options(query.shape[-1], attention_mask, **others)
    query, key, value = map(_laid_out, (query, key, value))
    out = _kernel(query, key, value, lengths, options)
    return out.transpose(0, 1).contiguous().unflatten(0, (rows, tokens)), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, window_mask)


def _laid_out(tensor: torch.Tensor) -> torch.Tensor:
    """[rows, heads, tokens, head_dim] -> [heads, rows x tokens, head_dim]."""
    return tensor[0] if len(tensor) == 1 else tensor.transpose(0, 1).flatten(1, 2)


def _kernel(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, lengths: Sequence[int], options: AttentionOptions
) -> torch.Tensor:
    """query [heads, tokens, head_dim], key and value [kv_heads, tokens, head_dim] -> [heads, tokens, head_dim]."""
    query, key = query.to(value.dtype), key.to(value.dtype)  # rotation leaves them in fp32 under autocast
    if not options.plain:
        parts = zip(*(tensor.split(list(lengths), 1) for tensor in (query, key, value)), strict=True)
        return torch.cat([_by_products(q, k, v, options) for q, k, v in parts], 1)
    if not value.is_cuda and value.dtype == torch.bfloat16:
        return MatmulAttention.apply(query, key, value, lengths, options)
    half_on_gpu = value.is_cuda and value.dtype != torch.float32 and query.shape[-1] == value.shape[-1]
    kernel = varlen.by_kernel if half_on_gpu else varlen.by_example
    return kernel(query[None], key[None], value[None], options.scaling, lengths, options.window)[0].transpose(0, 1)


def _by_products(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, options: AttentionOptions
) -> torch.Tensor:
    """One example with whatever the options say: query [heads, tokens, head_dim] -> [heads, tokens, head_dim]."""
    grouped = (query * options.scaling).unflatten(0, (len(key), -1))
    p = functional.dropout(probabilities(grouped, key, options), options.dropout)
    return (p @ value).view(*query.shape[:2], -1)


def _blocks(lengths: Sequence[int], options: AttentionOptions) -> Iterator[tuple[slice, slice]]:
    """Blocks of queries and the keys that each may see, as slices of all tokens; a block never spans two examples."""
    start = 0
    for length in lengths:
        for first in range(0, length, BLOCK):
            last = start + min(first + BLOCK, length)
            yield slice(start + first, last), slice(start + options.first_key(first), last)
        start += length


class MatmulAttention(torch.autograd.Function):
    """Softmax attention by matrix products over blocks of queries; probabilities are made again in the backward pass."""

    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        lengths: Sequence[int],
        options: AttentionOptions,
    ) -> torch.Tensor:
        """query [heads, tokens, head_dim], key and value [kv_heads, tokens, head_dim] -> [heads, tokens, head_dim]."""
        grouped = (query * options.scaling).view(len(key), -1, *query.shape[1:])
        out = value.new_empty(*grouped.shape[:-1], value.shape[-1])
        for queries, keys in _blocks(lengths, options):
            block = grouped[:, :, queries]
            p = probabilities(block, key[:, keys], options)
            out[:, :, queries] = (p @ value[:, keys]).unflatten(1, block.shape[1:3])
        ctx.save_for_backward(grouped, key, value)
        ctx.lengths, ctx.options = lengths, options
        return out.flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        grouped, key, value = ctx.saved_tensors
        grad_query = torch.empty_like(grouped)
        grad_key = torch.zeros_like(key)
        grad_value = torch.zeros_like(value)
        grad_output = grad_outputs[0].reshape(*grouped.shape[:-1], value.shape[-1])
        for queries, keys in _blocks(ctx.lengths, ctx.options):
            block = grouped[:, :, queries]
            grad_block = grad_output[:, :, queries].flatten(1, 2)
            p = probabilities(block, key[:, keys], ctx.options)
            grad_value[:, keys] += p.mT @ grad_block
            grad_scores = torch._softmax_backward_data(grad_block @ value[:, keys].mT, p, -1, p.dtype)
            grad_query[:, :, queries] = (grad_scores @ key[:, keys]).view(block.shape)
            grad_key[:, keys] += grad_scores.mT @ block.flatten(1, 2)
        return grad_query.mul_(ctx.options.scaling).flatten(0, 1), grad_key, grad_value, None, None
