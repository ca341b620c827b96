"""Attention as transformers calls it, over the keys and values of the cache that is in use."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface

from humpback_exp.inference.transformers.kv_cache import DecodeCache, PrefillCache
from humpback_exp.modeling.kernels.matmul_attention import attention_options, window_mask

NAME = "cached"
"""The name under which transformers finds `attend`."""


CACHE: ContextVar["PrefillCache | DecodeCache"] = ContextVar("cache")


@contextmanager
def in_use(cache: "PrefillCache | DecodeCache") -> Iterator[None]:
    """Forward passes inside attend by this cache; some classes hand no argument of their forward on to their layers."""
    token = CACHE.set(cache)
    try:
        yield
    finally:
        CACHE.reset(token)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it, for rows laid one after the other.

    Args:
        query: [1, heads, tokens, head_dim]; key, value: [1, kv_heads, tokens, head_dim].
        attention_mask: the layer's window, from `window_mask`.

    Returns:
        [1, tokens, heads, head_dim], and no attention weights.
    """
    options = attention_options(query.shape[-1], attention_mask, **others)
    scaled = query[0].to(value.dtype) * options.scaling
    return CACHE.get().attend(module.layer_idx, scaled, key[0].to(value.dtype), value[0], options)[None], None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, window_mask)
