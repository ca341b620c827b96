"""Every family of models, in every way that we compute one, against transformers' own forward pass."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from humpback_exp.config import AdapterConfig, EngineConfig, GenerationConfig, ModelConfig, OptimConfig, TrainerConfig
from humpback_exp.data.loader import StepBatches, collate, concatenate
from humpback_exp.data.tokenize import IGNORED, Tokens, encode
from humpback_exp.inference.transformers.engine import TransformersEngine
from humpback_exp.modeling.callbacks import SameAsLibrary
from humpback_exp.modeling.kernels.loss import summed_loss
from humpback_exp.modeling.load import load_model
from humpback_exp.modeling.lora import causal_lm
from humpback_exp.modeling.module import CausalLMModule
from humpback_exp.modeling.reference import library_forward
from humpback_exp.prompts import forward
from tests.modeling.families import FAMILIES, WAYS, Family, save, table

ROOT = Path(__file__).parents[2]
GREEDY = GenerationConfig(temperature=0, top_p=1.0, max_new_tokens=4)
TEXTS = ["short", "a target that is longer than the window of those models which have one"]
DEFAULT = AdapterConfig().targets


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.name)
def saved(request, byte_tokenizer, tmp_path_factory) -> tuple[Family, str]:
    return request.param, save(request.param, byte_tokenizer, tmp_path_factory.mktemp("family"))


def build(path: str, way: str, padded: bool, targets: list[str]) -> CausalLMModule:
    trainer = TrainerConfig(precision="fp32", padding_free=not padded, gradient_checkpointing=way == "checkpointed")
    adapter = AdapterConfig(kind="lora" if way == "LoRA" else "none", targets=targets or DEFAULT)
    module = CausalLMModule(ModelConfig(path=path, dropout=0.0), adapter, OptimConfig(), trainer, 1, seed=0)
    module.configure_model()
    return module


def tokens(tokenizer) -> list[Tokens]:
    return [encode(tokenizer, forward("Say it.", []), text, text) for text in TEXTS]


def librarys_loss(model, rows: list[Tokens]) -> torch.Tensor:
    """Summed loss of every row by itself, through `model(...)`."""
    losses = [
        functional.cross_entropy(
            model(input_ids=torch.tensor([row.ids])).logits[0, :-1], torch.tensor(row.labels[1:]), reduction="sum"
        )
        for row in rows
    ]
    return torch.stack(losses).sum()


def gradients(module: CausalLMModule, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    module.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("way", WAYS[:-1])
def test_training_equals_the_library(saved: tuple[Family, str], byte_tokenizer, way: str) -> None:
    """Losses to 1e-5, every gradient to 1e-3 of its norm: rounding is about 1e-6."""
    family, path = saved
    rows = tokens(byte_tokenizer)
    padded = way == "padded" or (way == "LoRA" and "padding-free" in family.refused)
    module = build(path, way, padded, family.targets)
    if way in family.refused:
        with pytest.raises(ValueError, match=r"our layers.*transformers' own .*; set trainer.padding_free=false"):
            compare(module, rows, path)
        return
    compare(module, rows, path)
    lm = causal_lm(module.model)
    with library_forward(lm):
        reference = librarys_loss(lm, rows)
        wanted = gradients(module, reference)
    ours = summed_loss(lm, collate(rows, pad_id=1) if padded else concatenate(rows))
    assert float(ours) == pytest.approx(float(reference), rel=1e-5)
    found = gradients(module, ours)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert float((found[name] - gradient).norm()) <= 1e-3 * float(gradient.norm()) + 1e-5, name


def compare(module: CausalLMModule, rows: list[Tokens], path: str) -> None:
    """What a training does before its first step."""
    pad_id = None if module.trainer_config.padding_free else 1
    batches = StepBatches(rows, seed=0, batch_size=2, micro_batch=2, pad_id=pad_id, first_step=lambda: 0)
    trainer = SimpleNamespace(
        global_step=0,
        strategy=SimpleNamespace(batch_to_device=lambda batch: batch),
        precision_plugin=SimpleNamespace(forward_context=nullcontext),
    )
    SameAsLibrary(batches, path).on_train_start(trainer, module)


def test_the_engine_equals_the_library(saved: tuple[Family, str]) -> None:
    """Losses to 1e-4, and every greedy token is the library's best, or ties with it."""
    family, path = saved
    engine = TransformersEngine(EngineConfig(dtype="float32", batch_size=2), path, "model_path")
    prompts = [forward("Say it.", []), forward("Say something longer than that.", [])]
    if "engine" in family.refused:
        with pytest.raises(ValueError, match=r"^model_path=.*our layers.*; use engine=vllm$"):
            engine.losses(prompts, TEXTS, lambda *_: None)
        return
    plain = load_model(path, "float32")
    rows = [encode(engine.tokenizer, prompt, text, "") for prompt, text in zip(prompts, TEXTS, strict=True)]
    with torch.no_grad():
        wanted = [float(librarys_loss(plain, [row])) for row in rows]
        found = engine.losses(prompts, TEXTS, lambda *_: None)
        assert [loss for loss, _ in found] == pytest.approx(wanted, rel=1e-4)
        for row, text in zip(rows, engine.generate(prompts, GREEDY, [0, 0], lambda *_: None), strict=True):
            ids = [token for token, label in zip(row.ids, row.labels, strict=True) if label == IGNORED]
            assert text.text == greedily(engine, plain, ids)


def greedily(engine: TransformersEngine, plain, ids: list[int]) -> str:
    start = len(ids)
    while len(ids) < start + GREEDY.max_new_tokens and (len(ids) == start or ids[-1] != engine.tokenizer.eos_token_id):
        ids = [*ids, int(plain(input_ids=torch.tensor([ids])).logits[0, -1].argmax())]
    return engine.tokenizer.decode(ids[start:], skip_special_tokens=True).strip()


def test_the_docs_show_this_table() -> None:
    """`python -m tests.modeling.families > docs/models.md` brings them up to date."""
    assert (ROOT / "docs/models.md").read_text(encoding="utf-8") == "\n".join(table()) + "\n"
