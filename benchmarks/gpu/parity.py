"""The same data and seed give the same losses on a GPU as on a CPU, however a step is computed there.

Ten steps of the tiny model in fp32, with a bound on the gradient's norm that every step exceeds, so that a wrongly scaled
gradient shows in the next loss. And the loss and gradient of one example alone and beside others, through the whole model.
"""

from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.gpu.fits import tiny_model, train, trainer
from benchmarks.gpu.rows import Row, Setup, at_most
from humpback_exp.config import AdapterConfig, DataConfig, ModelConfig, OptimConfig, TrainConfig
from humpback_exp.data.loader import concatenate
from humpback_exp.data.seed import load_seed
from humpback_exp.data.tokenize import IGNORED, Tokens, encode_fitting
from humpback_exp.modeling.kernels.loss import summed_loss
from humpback_exp.modeling.load import load_tokenizer
from humpback_exp.modeling.module import CausalLMModule, causal_lm

STEPS = 10
BATCH = 8
BOUND = 1e-4
"""Largest relative difference of a loss: a few hundred units of fp32's rounding, which ten steps of Adam let grow."""
ALONE = 1e-5
"""Largest relative difference between one example alone and beside others, in fp32: matrix products of other heights."""
WAYS: dict[str, dict[str, Any]] = {
    "one process": {},
    "padded": {"padding_free": False},
    "gradient checkpointing": {"gradient_checkpointing": True},
    "accumulated, one example a pass": {"micro_batch": 1},
    "ZeRO-3 on one rank": {"strategy": "zero3", "persistence_threshold": 100},
}
LORA = {"one process": {}, "ZeRO-3 on one rank": WAYS["ZeRO-3 on one rank"]}


def rows(setup: Setup) -> Iterator[Row]:
    path = tiny_model(setup.folder)
    tokens = encoded(path)
    yield from alone(config(path, AdapterConfig(), setup.device, {}), tokens, setup.device)
    # DeepSpeed brings a process group, which what runs after it in this process would find: it comes last
    groups = [("full", AdapterConfig(), WAYS), ("LoRA", AdapterConfig(kind="lora", rank=4), LORA)]
    wanted = {kind: losses(config(path, adapter, "cpu", {}), tokens) for kind, adapter, _ in groups}
    found = [(kind, adapter, way, options) for kind, adapter, ways in groups for way, options in ways.items()]
    for kind, adapter, way, options in sorted(found, key=lambda each: "strategy" in each[3]):
        measured = losses(config(path, adapter, setup.device, options), tokens)
        worst = max(abs(a - b) / b for a, b in zip(measured, wanted[kind], strict=True))
        yield at_most("parity", f"{kind}, {way}: losses of {STEPS} steps against a CPU", worst, BOUND)


def config(path: str, adapter: AdapterConfig, device: str, options: dict[str, Any]) -> TrainConfig:
    return TrainConfig(
        model=ModelConfig(path=path, dropout=0.0),
        adapter=adapter,
        data=DataConfig(max_length=1024),
        optim=OptimConfig(lr=1e-3, end_lr=1e-4, clip=0.5, batch_size=BATCH),
        trainer=trainer(device, **{"precision": "fp32", "micro_batch": 4} | options),
    )


def losses(asked: TrainConfig, tokens: list[Tokens]) -> list[float]:
    return [step["loss"] for step in train(asked, tokens, STEPS, BATCH)]


def encoded(path: str) -> list[Tokens]:
    """The seed pairs that fit."""
    tokenizer, data = load_tokenizer(path, "inst"), DataConfig(max_length=1024)
    rows = [encode_fitting(tokenizer, pair, data) for pair in load_seed("examples/seed.jsonl")]
    return [tokens for tokens, outcome in rows if outcome != "too long"]


def alone(asked: TrainConfig, tokens: list[Tokens], device: str) -> Iterator[Row]:
    """One example's loss and gradient, by itself and beside three whose labels are left out."""
    others = [Tokens(row.id, row.ids, [IGNORED] * len(row.ids)) for row in tokens[1:4]]
    (loss, gradient), (beside, gradient_beside) = (
        loss_and_gradient(asked, rows, device) for rows in ([tokens[0]], [tokens[0], *others])
    )
    off = float((gradient - gradient_beside).norm() / gradient.norm())
    yield at_most("parity", "an example's loss alone and beside others", abs(loss - beside) / loss, ALONE)
    yield at_most("parity", "an example's gradient alone and beside others", off, ALONE)


def loss_and_gradient(asked: TrainConfig, rows: list[Tokens], device: str) -> tuple[float, torch.Tensor]:
    """By the model as a training builds it."""
    module = CausalLMModule(asked.model, asked.adapter, asked.optim, asked.trainer, max_steps=1, seed=0)
    module.configure_model()
    model = causal_lm(module.model).to(device)
    batch = {
        name: value.to(device) if isinstance(value, torch.Tensor) else value
        for name, value in concatenate(rows).items()
    }
    total = summed_loss(model, batch)
    total.backward()
    return float(total.detach()), torch.cat([p.grad.flatten() for p in model.parameters()])
