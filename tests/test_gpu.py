"""What only a GPU can show: `pytest -m gpu`, which `make gpu-check` runs. Without a GPU they are skipped."""

import subprocess
import sys

import pytest
import torch

from humpback_exp.inference.transformers.prefill import within_memory
from humpback_exp.modeling.kernels import varlen
from humpback_exp.modeling.kernels.llama import RMSNorm, norm
from humpback_exp.modeling.kernels.loss import SummedLoss
from tests.conftest import ROOT

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]
LENGTHS = [5, 1, 30]


@pytest.mark.parametrize("kv_heads", [4, 2])
def test_a_query_that_matches_one_key_gets_its_value_exactly(kv_heads: int) -> None:
    """Every key is a direction of its own and every query asks for the key half way back in its example: all values are
    integers that bf16 holds, and every other probability is 0."""
    tokens, width = sum(LENGTHS), 64
    places = torch.cat([torch.arange(length) for length in LENGTHS])
    starts = torch.arange(tokens) - places
    wanted = starts + places // 2
    key = (64 * torch.eye(width)[:tokens]).expand(1, kv_heads, -1, -1)
    query = key[:, :1, wanted].expand(1, 4, -1, -1)
    value = (torch.arange(tokens)[:, None] + torch.arange(width)).float().expand(1, kv_heads, -1, -1)
    given = (tensor.bfloat16().cuda() for tensor in (query, key, value))
    found = varlen.by_kernel(*given, 1.0, LENGTHS)
    integers = (wanted[:, None] + torch.arange(width)).tolist()
    assert found.shape == (1, tokens, 4, width)
    assert [found[0, :, head].long().tolist() for head in range(4)] == [integers] * 4


@pytest.mark.parametrize("window", [None, 3])
def test_the_kernel_for_several_lengths_equals_torchs(window: int | None) -> None:
    torch.manual_seed(0)
    given = [torch.randn(1, heads, sum(LENGTHS), 64, device="cuda").bfloat16() for heads in (4, 2, 2)]
    found = varlen.by_kernel(*given, 0.125, LENGTHS, window)
    wanted = varlen.by_example(*(tensor.float() for tensor in given), 0.125, LENGTHS, window)
    # two roundings to bf16: of the probabilities and of the result (benchmarks/gpu/kernels.py)
    assert float((found.float() - wanted).norm() / wanted.norm()) < 2 * 2.0**-9


def test_the_norm_equals_ours_on_a_cpu() -> None:
    torch.manual_seed(0)
    module = torch.nn.Module()
    module.weight, module.variance_epsilon = torch.nn.Parameter(torch.randn(256)), 1e-5
    x, upstream = torch.randn(1, 40, 256, requires_grad=True), torch.randn(1, 40, 256)
    wanted = RMSNorm.apply(x, module.weight, 1e-5)
    gradients = torch.autograd.grad(wanted, (x, module.weight), upstream)
    module.cuda()
    there = x.detach().cuda().requires_grad_()
    found = norm(module, there)
    torch.testing.assert_close(found.cpu(), wanted, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(
        torch.autograd.grad(found, (there, module.weight), upstream.cuda()), gradients, strict=True
    ):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-4)


def test_the_chunked_loss_equals_that_of_a_cpu() -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(700, 64), torch.randn(1024, 64)
    targets = torch.randint(1024, (700,))
    totals = [SummedLoss.apply(hidden.to(device), weight.to(device), targets.to(device)) for device in ("cpu", "cuda")]
    assert float(totals[1]) == pytest.approx(float(totals[0]), rel=1e-5)


def test_out_of_memory_halves_the_batch_and_frees_what_was_taken() -> None:
    torch.cuda.empty_cache()
    tried: list[int] = []
    row = torch.cuda.mem_get_info()[0] // 6

    def work(size: int) -> None:
        tried.append(size)
        kept = [torch.empty(row, dtype=torch.uint8, device="cuda") for _ in range(size)]
        assert len(kept) == size

    assert within_memory(16, work) == 4
    assert tried == [16, 8, 4]


def test_a_lost_device_ends_in_one_line() -> None:
    """An index out of range stops the GPU for this process, as a fault of the hardware does."""
    code = (
        "import torch\nfrom humpback_exp.errors import user_errors\n"
        "def main():\n"
        "    torch.zeros(4, device='cuda')[torch.tensor([9], device='cuda')]\n"
        "    torch.cuda.synchronize()\n"
        "user_errors(main)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=300)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "the GPU failed" in line and "CUDA error" in line
