"""Loss against the library's own, masking, accumulation, schedule, adapters, dropout."""

import copy
from pathlib import Path

import pytest
import torch

from humpback_exp.config import AdapterConfig, DataConfig, ModelConfig, OptimConfig, TrainerConfig
from humpback_exp.data.loader import collate
from humpback_exp.data.seed import load_seed
from humpback_exp.data.tokenize import IGNORED, Tokens, encode_fitting
from humpback_exp.modeling.dropout import add_dropout
from humpback_exp.modeling.kernels.loss import chunk_loss, labelled, summed_loss, token_losses
from humpback_exp.modeling.load import load_model, load_tokenizer
from humpback_exp.modeling.lora import causal_lm, with_lora
from humpback_exp.modeling.module import CausalLMModule, lr_factor
from tests.conftest import ROOT
from tests.modeling.families import Family, save

ROWS = [Tokens("a", [0, 7, 8, 9, 1], [IGNORED, IGNORED, 8, 9, 1]), Tokens("b", [0, 5, 1], [IGNORED, IGNORED, 1])]


@pytest.fixture(scope="module")
def model(tiny: str):
    return load_model(tiny, "float32")


def trained(model):
    """A copy whose projection gives losses, as the module has it."""
    twin = copy.deepcopy(model)
    chunk_loss(twin)
    return twin


def test_losses_equal_the_librarys_on_real_pairs(model, tiny: str) -> None:
    tokenizer = load_tokenizer(tiny)
    pairs = load_seed(str(ROOT / "examples/heldout.jsonl"))[:3]
    rows = [encode_fitting(tokenizer, pair, DataConfig())[0] for pair in pairs]
    with torch.no_grad():
        ours = token_losses(model, *labelled(model, collate(rows, tokenizer.pad_token_id))).split(
            [row.label_count for row in rows]
        )
        for row, losses in zip(rows, ours, strict=True):
            reference = model(input_ids=torch.tensor([row.ids]), labels=torch.tensor([row.labels])).loss
            assert float(losses.mean()) == pytest.approx(float(reference), rel=1e-5)


def test_an_ignored_label_costs_nothing(model) -> None:
    with torch.no_grad():
        losses = token_losses(model, torch.ones(3, 64), torch.tensor([IGNORED, 7, IGNORED]))
    assert losses[0] == losses[2] == 0 < losses[1]


def test_a_label_is_no_input_of_its_own_prediction(model) -> None:
    twin = trained(model)
    batch = collate([Tokens("a", [0, 7, 8, 1], [IGNORED, IGNORED, IGNORED, 1])], pad_id=1)
    changed = batch | {"input_ids": batch["input_ids"].clone()}
    changed["input_ids"][0, 3] = 99
    assert torch.equal(summed_loss(twin, changed), summed_loss(twin, batch))


def test_padding_does_not_change_a_row(model) -> None:
    with torch.no_grad():
        alone = token_losses(model, *labelled(model, collate(ROWS[1:], pad_id=1)))
        padded = token_losses(model, *labelled(model, collate(ROWS, pad_id=1)))
    assert float(padded[-1]) == pytest.approx(float(alone[-1]), rel=1e-5)


def test_the_rate_falls_linearly_to_a_rate_not_a_multiplier() -> None:
    """The unofficial reimplementation's end value scaled the base rate, down to about 1e-10."""
    optim = OptimConfig(lr=1e-5, end_lr=9e-6)
    rates = [optim.lr * lr_factor(step, 5, optim) for step in range(7)]
    assert rates == pytest.approx([1e-5, 9.75e-6, 9.5e-6, 9.25e-6, 9e-6, 9e-6, 9e-6])
    assert lr_factor(0, 1, optim) == 1.0


def test_lora_trains_adapters_only_and_starts_as_the_base(model) -> None:
    adapted = with_lora(trained(model), AdapterConfig(kind="lora", rank=4))
    batch = collate(ROWS, pad_id=1)
    assert torch.equal(summed_loss(causal_lm(adapted), batch), summed_loss(trained(model), batch))
    moved = [name for name, p in adapted.named_parameters() if p.requires_grad]
    assert len(moved) == 2 * 7 * 2  # A and B of seven projections in two layers
    assert all("lora_" in name for name in moved)


def test_a_models_own_dropouts_are_none_of_a_training(byte_tokenizer, tmp_path: Path) -> None:
    family = Family("GPT-2", "gpt2", dict(resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.1))
    path = save(family, byte_tokenizer, tmp_path)
    module = CausalLMModule(
        ModelConfig(path=path, dropout=0.0), AdapterConfig(), OptimConfig(), TrainerConfig(), 1, seed=0
    )
    module.configure_model()
    batch = collate(ROWS, pad_id=1)
    with torch.no_grad():
        assert torch.equal(summed_loss(module.model.train(), batch), summed_loss(module.model.eval(), batch))
        theirs = trained(load_model(path, "float32"))
        assert not torch.equal(summed_loss(theirs.train(), batch), summed_loss(theirs.eval(), batch))


def test_dropout_acts_in_training_only(model) -> None:
    plain, twin = trained(model), trained(model)
    add_dropout(twin, 0.5)
    batch = collate(ROWS, pad_id=1)
    with torch.no_grad():
        assert torch.equal(summed_loss(twin.eval(), batch), summed_loss(plain, batch))
        torch.manual_seed(0)
        noisy = summed_loss(twin.train(), batch)
        torch.manual_seed(0)
        assert torch.equal(noisy, summed_loss(twin, batch))
        assert not torch.equal(noisy, summed_loss(plain, batch))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no/such/folder", "no such folder; train the model first, or give a Hub id"),
        ("nowhere", "no such folder; train the model first, or give a Hub id"),
        ("org/not-there", "no such folder, and not found on the Hub"),
    ],
)
def test_unknown_model_paths(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_tokenizer(path, "inst")


def test_a_folder_that_is_no_model(tmp_path) -> None:
    with pytest.raises(ValueError, match="holds no config.json"):
        load_tokenizer(str(tmp_path), "inst")
