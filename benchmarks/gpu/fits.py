"""Trainings as `train.py` does them, for a few steps and without a folder to keep: what several checks measure."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from humpback_exp import artifacts
from humpback_exp.config import TrainConfig, TrainerConfig, settle
from humpback_exp.data.tokenize import Tokens
from humpback_exp.modeling.trainer import fit
from humpback_exp.tracking import Tracker

ACCELERATORS = {"cuda": "gpu", "cpu": "cpu"}
NEVER = 10**9


class Enough(Exception):
    """The steps asked for are done: a training that ended by itself would write a checkpoint of 12 bytes a parameter."""


class Steps(Tracker):
    """Keeps what every step measured and stops after `count` of them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.measured: list[dict[str, float]] = []

    def log(self, metrics: Any, step: int | None = None) -> None:
        self.measured.append(dict(metrics))
        if len(self.measured) == self.count:
            raise Enough


def trainer(device: str, **options: Any) -> TrainerConfig:
    return settle(TrainerConfig(accelerator=ACCELERATORS[device], checkpoint_every=NEVER, **options))


def train(config: TrainConfig, tokens: Sequence[Tokens], steps: int, batch: int) -> list[dict[str, float]]:
    """What the first steps of a training measured: loss, tokens/s, peak memory, share of the matmul peak."""
    kept, environment = Steps(steps), dict(os.environ)
    if config.trainer.accelerator == "gpu":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as root:
        config = replace(config, output_root=root)
        artifacts.begin(config)
        try:
            fit(config, tokens, pad_id=1, batch_size=batch, max_steps=NEVER, tracker=kept)
        except Enough:
            pass
    # DeepSpeed says there who this process is among ranks, and the next training would take it for one that was started so
    os.environ.clear()
    os.environ.update(environment)
    return kept.measured


def tiny_model(folder: Path) -> str:
    """The folder of the random two-layer model, made on first use from the seed pairs; nothing is downloaded."""
    from humpback_exp.modeling import demo_models

    path = folder / "tiny"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        demo_models.tiny(path)
    return str(path)
