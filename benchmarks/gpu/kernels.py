"""The kernels that train, in bf16, against padded SDPA and against fp32; and that no example sees its neighbours.

Bounds are counted, not tuned. U is what rounding to bf16 may change of a number. A result by one kernel is rounded where its
probabilities enter the second product and where it is written: 2 U. Its gradients are also rounded where the gradient of the
scores enters a product, and through the result they start from: 4 U. A kernel that hands on the scores in bf16, as the
products on a CPU do, adds the rounding of scores of about one: 1 U more, and 2 U in gradients. Two kernels may differ by the
sum of both. All are root mean squares over root mean squares.
"""

from collections.abc import Callable, Iterator

import torch
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from benchmarks.gpu.rows import Row, Setup, at_most
from humpback_exp.modeling.kernels import varlen
from humpback_exp.modeling.kernels.padding_free_attention import attend, concatenated

U = 2.0**-9
ROUNDED = {"cuda": (2, 4), "cpu": (3, 6)}
"""Roundings of a result and of its gradients, by our kernel."""
SHAPES = {
    "cuda": {"heads of LLaMA 7B": (32, 32, 128), "grouped heads of Llama 2 70B": (64, 8, 128)},
    "cpu": {"all heads alike": (4, 4, 16), "grouped heads": (4, 2, 16)},
}
"""Heads, heads of keys and values, width."""
LENGTHS = {"cuda": [2048, 1, 77, 640, 1023, 300], "cpu": [128, 1, 77, 40]}
Tensors = tuple[torch.Tensor, ...]
Attention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Query, key and value [1, heads, tokens, head_dim] -> [1, tokens, heads, head_dim]."""


def rows(setup: Setup) -> Iterator[Row]:
    lengths, (result, gradient) = LENGTHS[setup.device], ROUNDED[setup.device]
    for name, (heads, kv_heads, width) in SHAPES[setup.device].items():
        given = tensors((heads, kv_heads, kv_heads), sum(lengths), width, setup.device)
        upstream = torch.randn(1, sum(lengths), heads, width, device=setup.device).bfloat16()
        ours = with_gradients(by_length(lengths), given, upstream)
        exact = with_gradients(exactly(lengths), tuple(each.float() for each in given), upstream.float())
        padded = with_gradients(padded_sdpa(lengths), given, upstream)
        for other, found, factor in (("fp32", exact, 1), ("padded SDPA in bf16", padded, 2)):
            errors = [distance(a, b) for a, b in zip(ours, found, strict=True)]
            yield at_most("kernels", f"{name}: result against {other}", errors[0], factor * result * U)
            yield at_most("kernels", f"{name}: gradients against {other}", max(errors[1:]), factor * gradient * U)
        yield from leaks(name, given, upstream, lengths, gradient)


def leaks(name: str, given: Tensors, upstream: torch.Tensor, lengths: list[int], gradient: int) -> Iterator[Row]:
    """The longest example beside the others and alone: the same blocks in the same order, so the same bits.

    In the backward pass a GPU adds up the gradient of a query in whatever order blocks end, in fp32: it may round otherwise.
    """
    first, alone = lengths[0], (lengths[0],)
    beside = with_gradients(by_length(lengths), given, upstream)
    apart = with_gradients(by_length(alone), tuple(each[:, :, :first] for each in given), upstream[:, :first])
    cut = (beside[0][:, :first], *(each[:, :, :first] for each in beside[1:]))
    errors = [distance(a, b) for a, b in zip(cut, apart, strict=True)]
    yield at_most("kernels", f"{name}: result beside other examples and alone", errors[0], 0.0)
    yield at_most("kernels", f"{name}: gradients beside other examples and alone", max(errors[1:]), gradient * U)


def tensors(heads: tuple[int, ...], tokens: int, width: int, device: str) -> Tensors:
    torch.manual_seed(0)
    return tuple(torch.randn(1, count, tokens, width, device=device).bfloat16() for count in heads)


def with_gradients(attention: Attention, given: Tensors, upstream: torch.Tensor) -> Tensors:
    """The result and its gradients by query, key and value."""
    leaves = tuple(each.detach().requires_grad_() for each in given)
    out = attention(*leaves)
    return (out.detach(), *torch.autograd.grad(out, leaves, upstream))


def by_length(lengths: list[int] | tuple[int, ...]) -> Attention:
    """Ours, as a training calls it."""

    def attention(*given: torch.Tensor) -> torch.Tensor:
        with concatenated(lengths):
            return attend(torch.nn.Identity(), *given, None)[0]

    return attention


def exactly(lengths: list[int]) -> Attention:
    return lambda q, k, v: varlen.by_example(q, k, v, q.shape[-1] ** -0.5, lengths)


def padded_sdpa(lengths: list[int]) -> Attention:
    """torch's kernel over examples padded to one length; causal, so that no token sees the padding behind its example."""

    def attention(*given: torch.Tensor) -> torch.Tensor:
        parts = [pad_sequence([part[0].transpose(0, 1) for part in each.split(lengths, 2)], True) for each in given]
        q, k, v = (part.transpose(1, 2) for part in parts)
        out = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True).transpose(1, 2)
        return torch.cat([row[:length] for row, length in zip(out, lengths, strict=True)])[None]

    return attention


def distance(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Root mean square of the difference over that of theirs."""
    return float((ours.double() - theirs.double()).norm() / theirs.double().norm())
