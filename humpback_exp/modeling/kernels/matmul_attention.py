"""Attention probabilities by plain matrix products, for training and inference: causal, in a window, capped, with sinks.

Queries come in blocks, so that keys which no query of a block sees are never touched.
"""

from dataclasses import dataclass
from typing import Any

import torch

BLOCK = 256
"""Queries of one matrix product."""


@dataclass(frozen=True, slots=True)
class AttentionOptions:
    """How scores become probabilities; what transformers hands to an attention function."""

    scaling: float
    window: int | None = None
    """Keys that a query sees, its own included; None is all before it."""
    softcap: float | None = None
    """Scores are squeezed into (-softcap, softcap) by tanh (Gemma 2)."""
    sinks: torch.Tensor | None = None
    """A score a head that takes probability and gives no value [heads] (gpt-oss)."""
    dropout: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether a kernel that knows scaling and window only can do it."""
        return self.softcap is None and self.sinks is None and self.dropout == 0

    def first_key(self, query: int) -> int:
        """The first key that the query at this place of its example sees."""
        return 0 if self.window is None else max(0, query - self.window + 1)


def window_mask(local_size: int | None = None, config: Any = None, **_: Any) -> torch.Tensor | None:
    """What transformers hands to every layer as its mask: the layer's window, where it has one, [1, 1, 1, 1].

    The library decides by layer and class which mask a layer gets, so this is where windows are known for sure.

    Args:
        config: the model's.

    Raises:
        ValueError: the layer attends in chunks (Llama 4), which are handed over as windows are.
    """
    if local_size is None:
        return None
    if local_size == getattr(config, "attention_chunk_size", None):
        raise ValueError(f"its layers attend in chunks of {local_size} tokens, not in a sliding window")
    return torch.tensor(local_size).view(1, 1, 1, 1)


def attention_options(
    head_dim: int,
    mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    s_aux: torch.Tensor | None = None,
    **_: Any,
) -> AttentionOptions:
    """The options among the arguments of an attention function; `mask` comes from `window_mask`."""
    scaling = head_dim**-0.5 if scaling is None else scaling
    return AttentionOptions(scaling, None if mask is None else int(mask), softcap or None, s_aux, dropout)


def probabilities(query: torch.Tensor, key: torch.Tensor, options: AttentionOptions) -> torch.Tensor:
    """query [kv_heads, group, block, head_dim], scaled; key [kv_heads, keys, head_dim] -> [kv_heads, group x block, keys].

    The heads of a group share their keys, so that they are rows of one matrix product. The last `block` keys stand
    beside the queries: each query must not see those after itself.
    """
    block, keys = query.shape[2], key.shape[1]
    scores = (query.flatten(1, 2) @ key.mT).view(*query.shape[:3], keys)
    if options.softcap is not None:
        scores = torch.tanh(scores / options.softcap) * options.softcap
    scores[..., keys - block :] += scores.new_full((block, block), float("-inf")).triu_(1)
    if options.window is not None and keys > options.window:
        scores += scores.new_full((block, keys), float("-inf")).tril_(keys - block - options.window)
    return softmax_with_sinks(scores, options.sinks).flatten(1, 2)


def softmax_with_sinks(scores: torch.Tensor, sinks: torch.Tensor | None) -> torch.Tensor:
    """Softmax of scores [..., kv_heads, group, queries, keys] over keys and a head's sink, whose share is left out."""
    if sinks is None:
        return scores.softmax(-1)
    column = sinks.to(scores.dtype).view(*scores.shape[-4:-2], 1, 1).expand(*scores.shape[:-1], 1)
    return torch.cat([scores, column], -1).softmax(-1)[..., :-1]


def attend_last(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, out: torch.Tensor, options: AttentionOptions
) -> None:
    """Attention of one example's last tokens to all of its tokens, causal, without gradients, into `out`.

    Args:
        query: [heads, last tokens, head_dim], scaled.
        key, value: [kv_heads, tokens, head_dim]; head_dim of `value`, which `out` has, may be another.
    """
    grouped, into = (tensor.unflatten(0, (len(key), -1)) for tensor in (query, out))
    before = key.shape[1] - query.shape[1]
    for first in range(0, query.shape[1], BLOCK):
        block = grouped[:, :, first : first + BLOCK]
        keys = slice(options.first_key(before + first), before + first + block.shape[2])
        p = probabilities(block, key[:, keys], options)
        into[:, :, first : first + BLOCK] = (p @ value[:, keys]).unflatten(1, block.shape[1:3])
