"""The kernel for several lengths as torch 2.11 and 2.13 offer it, by stand-ins of their signatures, and what takes its place."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.attention import varlen as torchs

from humpback_exp.modeling.kernels import varlen

LENGTHS = [3, 1, 7]
CALLS: list[SimpleNamespace] = []


def plainly(q, k, v, ends, scale, window_size) -> torch.Tensor:
    """What every release computes, over (tokens, heads, head_dim), in fp32 and in the plainest words."""
    k, v = (part.repeat_interleave(q.shape[1] // part.shape[1], 1) for part in (k, v))
    scores = torch.einsum("qhd,khd->hqk", q, k) * scale
    places = torch.arange(len(q))
    example = torch.bucketize(places, ends[1:], right=True)
    before = places[:, None] - places[None]
    seen = (example[:, None] == example[None]) & (before >= 0)
    if window_size[0] >= 0:
        seen &= before <= window_size[0]
    return torch.einsum("hqk,khd->qhd", scores.masked_fill(~seen, float("-inf")).softmax(-1), v)


def since_2_11(q, k, v, cu_seq_q, cu_seq_k, max_q, max_k, *, return_aux=None, scale=None, window_size=(-1, -1)):
    assert q.shape[1] == k.shape[1] and cu_seq_q.dtype == torch.int32
    CALLS.append(SimpleNamespace(ends=cu_seq_q.tolist(), longest=(max_q, max_k), window=window_size))
    return plainly(q, k, v, cu_seq_q, scale, window_size)


def since_2_12(
    q, k, v, cu_seq_q, cu_seq_k, max_q, max_k, *, return_aux=None, scale=None, window_size=(-1, -1), enable_gqa=False,
    seqused_k=None, block_table=None, num_splits=None,
):  # fmt: skip
    assert enable_gqa or q.shape[1] == k.shape[1]
    CALLS.append(SimpleNamespace(ends=cu_seq_q.tolist(), longest=(max_q, max_k), window=window_size))
    return plainly(q, k, v, cu_seq_q, scale, window_size)


def tensors(heads: int, kv_heads: int) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(1, count, sum(LENGTHS), 8, requires_grad=True) for count in (heads, kv_heads, kv_heads)]


@pytest.mark.parametrize("window", [None, 1, 3, 100])
@pytest.mark.parametrize(
    ("release", "heads", "kv_heads", "calls"),
    [(since_2_11, 4, 4, 1), (since_2_11, 4, 2, 0), (since_2_12, 4, 4, 1), (since_2_12, 4, 2, 1)],
)
def test_every_release_gives_the_same_values_and_gradients(
    monkeypatch: pytest.MonkeyPatch, release, heads: int, kv_heads: int, calls: int, window: int | None
) -> None:
    monkeypatch.setattr(torchs, "varlen_attn", release)
    CALLS.clear()
    given = tensors(heads, kv_heads)
    found = varlen.by_kernel(*given, 0.3, LENGTHS, window)
    left = -1 if window is None else window - 1
    assert CALLS == [SimpleNamespace(ends=[0, 3, 4, 11], longest=(7, 7), window=(left, 0))] * calls
    ends = torch.tensor([0, 3, 4, 11])
    wanted = plainly(*(part[0].transpose(0, 1) for part in given), ends, 0.3, (left, 0))[None]
    torch.testing.assert_close(found, wanted)
    weights = torch.randn_like(wanted)
    for ours, theirs in zip(*(torch.autograd.grad(out, given, weights) for out in (found, wanted)), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_the_installed_kernel_is_one_of_these() -> None:
    """A release that renames an argument must not go example by example unnoticed."""
    from inspect import signature

    names = list(signature(torchs.varlen_attn).parameters)[7:]
    assert names in [list(signature(release).parameters)[7:] for release in (since_2_11, since_2_12)]
