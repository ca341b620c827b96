"""The chunked loss and the attention by example against the library's own: losses, and every gradient."""

import random

import pytest
import torch
from torch.nn import functional

from humpback_exp.data.loader import collate, concatenate
from humpback_exp.data.tokenize import IGNORED, Tokens
from humpback_exp.modeling.kernels import loss
from humpback_exp.modeling.kernels.llama import fuse
from humpback_exp.modeling.kernels.loss import chunk_loss, summed_loss
from humpback_exp.modeling.kernels.matmul_attention import BLOCK, AttentionOptions
from humpback_exp.modeling.kernels.padding_free_attention import NAME, MatmulAttention
from humpback_exp.modeling.load import load_model


def rows(*lengths: int) -> list[Tokens]:
    rng = random.Random(0)
    ids = [[rng.randrange(1000) for _ in range(length)] for length in lengths]
    return [Tokens(str(len(row)), row, [IGNORED] * 3 + row[3:]) for row in ids]


ROWS = rows(5, 40, 300)


def gradients(path: str, dtype: str, batch, attention: str, library: bool = False) -> tuple[float, list[torch.Tensor]]:
    model = load_model(path, dtype, attn_implementation=attention).train()
    if library:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[:, :-1]
        total = functional.cross_entropy(
            logits.flatten(0, 1).float(), batch["labels"][:, 1:].flatten(), reduction="sum"
        )
    else:
        chunk_loss(model)
        fuse(model)
        total = summed_loss(model, batch)
    (total / 300).backward()
    return float(total.detach()), [p.grad for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize(("dtype", "bound"), [("float32", 1e-5), ("bfloat16", 0.03)])
def test_loss_and_gradients_equal_the_librarys(tiny: str, monkeypatch, padded: bool, dtype: str, bound: float) -> None:
    monkeypatch.setattr(loss, "CHUNK", 100)
    reference, wanted = gradients(tiny, dtype, collate(ROWS, pad_id=1), "sdpa", library=True)
    batch = collate(ROWS, pad_id=1) if padded else concatenate(ROWS)
    total, found = gradients(tiny, dtype, batch, "sdpa" if padded else NAME)
    assert total == pytest.approx(reference, rel=1e-5)
    assert len(found) == len(wanted)
    assert max(float((a - b).norm() / b.norm()) for a, b in zip(found, wanted, strict=True)) < bound


def test_all_logits_never_exist_at_once(tiny: str, monkeypatch) -> None:
    """Every matrix that a projection makes is no taller than a chunk."""
    monkeypatch.setattr(loss, "CHUNK", 100)
    model, heights = load_model(tiny, "float32", attn_implementation=NAME).train(), []
    chunk_loss(model)
    softmax = torch.log_softmax
    monkeypatch.setattr(torch, "log_softmax", lambda x, *a, **k: heights.append(tuple(x.shape)) or softmax(x, *a, **k))
    summed_loss(model, concatenate(ROWS))
    assert heights == [(100, 1024)] * 3 + [(36, 1024)]


def test_an_example_does_not_see_its_neighbours(tiny: str) -> None:
    model = load_model(tiny, "bfloat16", attn_implementation=NAME)
    chunk_loss(model)
    with torch.no_grad():
        apart = sum(float(summed_loss(model, concatenate([row]))) for row in ROWS)
        assert float(summed_loss(model, concatenate(ROWS))) == pytest.approx(apart, rel=1e-5)


@pytest.mark.parametrize("window", [None, 2, 100, BLOCK + 50])
def test_matmul_attention_equals_torchs_kernel(window: int | None) -> None:
    """In fp32, so that only the order of sums differs; examples shorter and longer than a block of queries and a window."""
    lengths = [3, BLOCK, 2 * BLOCK + 7]
    torch.manual_seed(0)
    tensors = [torch.randn(heads, sum(lengths), 16, requires_grad=True) for heads in (6, 2, 2)]
    ours = MatmulAttention.apply(*tensors, lengths, AttentionOptions(0.25, window))
    weights = torch.randn_like(ours)
    found = torch.autograd.grad((ours * weights).sum(), tensors)
    parts = zip(*(tensor.split(lengths, 1) for tensor in tensors), strict=True)
    reference = torch.cat([torchs_attention(*part, window) for part in parts], 1)
    wanted = torch.autograd.grad((reference * weights).sum(), tensors)
    torch.testing.assert_close(ours, reference, rtol=1e-5, atol=1e-5)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def torchs_attention(query, key, value, window: int | None) -> torch.Tensor:
    places = torch.arange(query.shape[1])
    seen = places[:, None] >= places
    if window is not None:
        seen &= places[:, None] - places < window
    return functional.scaled_dot_product_attention(
        query[None], key[None], value[None], attn_mask=seen, scale=0.25, enable_gqa=True
    )[0]
