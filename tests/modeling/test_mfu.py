"""Operations a token, and the speeds that History makes of a step."""

import torch

from humpback_exp.modeling.memory import peak_memory
from humpback_exp.modeling.metrics import History
from humpback_exp.modeling.mfu import matmul_peak, step_flops
from humpback_exp.tracking import Tracker


def test_frozen_parameters_need_no_gradient_of_their_own() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(10, 10, bias=False), torch.nn.Linear(10, 3, bias=False))
    assert step_flops(model) == 6 * 130
    model[0].requires_grad_(False)
    assert step_flops(model) == 4 * 100 + 6 * 30


def test_speeds_of_a_step() -> None:
    history = History(None, Tracker(), max_steps=1, name="m0")
    assert history.speed == {}
    history.device, history.flops, history.peak = torch.device("cpu"), 600, 1e6
    history.totals += torch.tensor([900.0, 1200.0, 300.0, 3.0])
    speed = history.speed
    assert speed.pop("peak_memory_gib") > 0.1
    assert speed == {
        "tokens_per_second": 300.0,
        "labelled_tokens_per_second": 100.0,
        "padding_share": 0.25,
        "flop_utilisation": 0.18,
    }


def test_the_peak_is_measured_here() -> None:
    cpu = torch.device("cpu")
    assert matmul_peak(cpu, torch.float32) > 1e8
    assert peak_memory(cpu) > 1 << 27
