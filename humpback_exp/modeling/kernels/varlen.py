"""FlashAttention over examples of several lengths, as torch ships it, and torch's plain kernel, example by example.

`torch.nn.attention.varlen` grows from release to release: grouped heads came with `enable_gqa` in torch 2.12, 2.11 has
`scale` and `window_size` only. What the installed kernel lacks an argument for goes example by example instead.
"""

import inspect
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch.nn import functional


def by_kernel(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scaling: float,
    lengths: Sequence[int],
    window: int | None = None,
) -> torch.Tensor:
    """Causal attention of half precision on a GPU, by one kernel for all examples.

    Args:
        query: [1, heads, tokens, head_dim]; key, value: [1, kv_heads, tokens, head_dim].
        lengths: tokens of every example; their sum is `tokens`.
        window: keys that a query sees, itself included; all up to itself if None.

    Returns:
        [1, tokens, heads, head_dim].
    """
    from torch.nn.attention import varlen

    # the kernel counts the keys before a query's own; -1 stands for all of them
    options: dict[str, Any] = {"scale": scaling, "window_size": (-1 if window is None else window - 1, 0)}
    if query.shape[1] != key.shape[1]:
        options["enable_gqa"] = True
    if not options.keys() <= inspect.signature(varlen.varlen_attn).parameters.keys():
        return by_example(query, key, value, scaling, lengths, window)
    q, k, v = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    ends, longest = _ends(tuple(lengths), value.device), max(lengths)
    out: Any = varlen.varlen_attn(q, k, v, ends, ends, longest, longest, **options)
    return out[None]


def by_example(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    scaling: float,
    lengths: Sequence[int],
    window: int | None = None,
) -> torch.Tensor:
    """The same, of any dtype on any device, by a call of torch's kernel for every example."""
    sizes = list(lengths)
    done = []
    for q, k, v in zip(query.split(sizes, 2), key.split(sizes, 2), value.split(sizes, 2), strict=True):
        seen = _band(q.shape[2], window, q.device) if window is not None and window < q.shape[2] else None
        done.append(
            functional.scaled_dot_product_attention(
                q, k, v, seen, is_causal=seen is None, scale=scaling, enable_gqa=True
            )
        )
    return torch.cat(done, 2).transpose(1, 2)


def _band(length: int, window: int, device: torch.device) -> torch.Tensor:
    """Which key (column) a query (row) sees: the last `window` up to its own."""
    return torch.ones(length, length, dtype=torch.bool, device=device).tril().triu(1 - window)


@lru_cache(maxsize=1)
def _ends(lengths: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Where examples begin and end among all tokens. All layers of a pass share it: the copy to a GPU waits for the GPU."""
    return torch.tensor([0, *lengths], device=device, dtype=torch.int32).cumsum(0, dtype=torch.int32)
