"""Our adapted projections against peft's own, with adapters that are not zero."""

import copy

import pytest
import torch

from humpback_exp.config import AdapterConfig, ModelConfig, OptimConfig, TrainerConfig
from humpback_exp.modeling.kernels.lora import fuse
from humpback_exp.modeling.kernels.padding_free_attention import checkpoint_contexts
from humpback_exp.modeling.load import load_model
from humpback_exp.modeling.lora import with_lora
from humpback_exp.modeling.module import CausalLMModule

IDS = torch.tensor([[5, 9, 7, 200, 31, 8, 77], [3, 3, 4, 90, 12, 1, 1]])


def adapted(tiny: str, dtype: str):
    """A tiny model with adapters, whose second matrices are drawn: they begin at zero, where half of all gradients are."""
    model = with_lora(load_model(tiny, dtype), AdapterConfig(kind="lora", rank=4)).train()
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def results(model, autocast: bool, ids: torch.Tensor = IDS) -> dict[str, torch.Tensor]:
    """Loss, logits and the gradient of every adapter."""
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        out = model(input_ids=ids, labels=ids)
    out.loss.backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {"loss": out.loss.detach(), "logits": out.logits.detach().float(), **gradients}


def fused(model) -> int:
    """How many adapted projections compute by our forward; seven in each of two layers are adapted."""
    return sum(
        "forward" in module.__dict__
        for module in model.modules()
        if type(module).__module__.startswith("peft.tuners.lora")
    )


def test_equals_peft_in_float32(tiny: str) -> None:
    theirs = adapted(tiny, "float32")
    ours = copy.deepcopy(theirs)
    fuse(ours)
    assert (fused(ours), fused(theirs)) == (14, 0)
    wanted, found = results(theirs, False), results(ours, False)
    assert found.keys() == wanted.keys() and len(found) == 2 + 2 * 7 * 2
    for name, tensor in wanted.items():
        assert found[name].dtype == torch.float32
        torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-6, msg=name)


def test_is_as_near_to_the_truth_as_peft_under_autocast(tiny: str) -> None:
    theirs = adapted(tiny, "bfloat16")
    ours, truth = copy.deepcopy(theirs), copy.deepcopy(theirs).float()
    fuse(ours)
    errors = []
    for draw in range(12):  # of one batch alone either may be nearer by half
        ids = torch.randint(2, 1000, (2, 24), generator=torch.Generator().manual_seed(draw))
        right, wanted, found = results(truth, False, ids), results(theirs, True, ids), results(ours, True, ids)
        assert all(found[name].dtype == wanted[name].dtype for name in right)
        errors.append([error(one, right, part) for part in ("logits", "lora_") for one in (found, wanted)])
    logits, its_logits, gradients, its_gradients = torch.tensor(errors).sum(0).tolist()
    assert logits <= 1.3 * its_logits
    assert gradients <= 1.3 * its_gradients


def error(found: dict[str, torch.Tensor], right: dict[str, torch.Tensor], part: str) -> float:
    """The norm of all differences in tensors whose name holds `part`."""
    return float(torch.stack([(found[name] - right[name]).norm() for name in right if part in name]).norm())


def test_an_adapted_bias_and_frozen_inputs() -> None:
    """The first layer's input needs no gradient; a bias is added once."""
    torch.manual_seed(0)
    base = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Linear(5, 3, bias=False))
    from peft import LoraConfig, get_peft_model

    theirs = get_peft_model(base, LoraConfig(r=2, target_modules=["0", "1"], init_lora_weights=False))
    ours = copy.deepcopy(theirs)
    fuse(ours)
    x = torch.randn(2, 4, 6)
    for model in (theirs, ours):
        model(x).square().sum().backward()
    assert torch.allclose(ours(x), theirs(x), atol=1e-6)
    pairs = list(zip(ours.named_parameters(), theirs.parameters(), strict=True))
    assert sum(p.grad is not None for (_, p), _ in pairs) == 4
    for (name, p), q in pairs:
        assert (p.grad is None) == (q.grad is None), name
        assert p.grad is None or torch.allclose(p.grad, q.grad, atol=1e-4), name


def test_checkpointing_changes_no_gradient_under_autocast(tiny: str) -> None:
    plain = adapted(tiny, "bfloat16")
    fuse(plain)
    twin = copy.deepcopy(plain)
    twin.gradient_checkpointing_enable({"use_reentrant": False, "context_fn": checkpoint_contexts})
    twin.enable_input_require_grads()
    one, other = results(plain, True), results(twin, True)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_comes_out_may_be_changed_in_place_and_may_be_empty(tiny: str) -> None:
    """OLMo clamps its queries where they are; an expert may get no token."""
    model = adapted(tiny, "float32")
    fuse(model)
    projection = model.base_model.model.model.layers[0].self_attn.q_proj
    projection(torch.randn(2, 3, 64)).clamp_(-0.1, 0.1).sum().backward()
    assert projection.lora_B["default"].weight.grad.abs().sum() > 0
    assert projection(torch.randn(0, 64)).shape == (0, 64)


@pytest.mark.parametrize(("strategy", "replaced"), [("auto", 14), ("zero3", 0)])
def test_a_training_takes_them_where_no_weights_are_gathered(
    tiny: str, strategy: str, replaced: int, monkeypatch
) -> None:
    monkeypatch.setattr("humpback_exp.modeling.module.partition_on_load", lambda trainer: None)
    trainer = TrainerConfig(precision="fp32", strategy=strategy)
    model = ModelConfig(path=tiny, dropout=0.0)
    module = CausalLMModule(model, AdapterConfig(kind="lora"), OptimConfig(), trainer, 1, seed=0)
    module.configure_model()
    assert module.model is not None
    assert fused(module.model) == replaced
