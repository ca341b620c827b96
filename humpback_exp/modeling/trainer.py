"""Tokens + module -> trained weights: the Trainer, from the newest checkpoint on if there is one."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl
from torch.utils.data import DataLoader

from humpback_exp.artifacts import open_stage
from humpback_exp.config import TrainConfig
from humpback_exp.data.loader import StepBatches
from humpback_exp.data.tokenize import Tokens
from humpback_exp.distributed import Stopped
from humpback_exp.modeling.callbacks import BoundedMemory, FiniteSteps, SameAsLibrary, StopOnSignal
from humpback_exp.modeling.checkpoint.resume import whole_checkpoint
from humpback_exp.modeling.checkpoint.save import Checkpoints
from humpback_exp.modeling.memory import FreedMemory
from humpback_exp.modeling.metrics import History
from humpback_exp.modeling.module import CausalLMModule
from humpback_exp.modeling.process_group import meet_under_torchrun
from humpback_exp.modeling.strategies import build_strategy, environment
from humpback_exp.progress import log
from humpback_exp.tracking import Tracker

PRECISION = {"fp32": "32-true", "bf16": "bf16-mixed"}


def fit(
    config: TrainConfig, tokens: Sequence[Tokens], pad_id: int, batch_size: int, max_steps: int, tracker: Tracker
) -> tuple[CausalLMModule, History]:
    """Train, or go on training, until `max_steps`; raises KeyboardInterrupt where Lightning would exit."""
    warnings.filterwarnings("ignore", module="pytorch_lightning|torch.distributed")
    for library in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(library).setLevel(logging.ERROR)
    meet_under_torchrun(config)
    module = CausalLMModule(config.model, config.adapter, config.optim, config.trainer, max_steps, config.seed)
    history = History(module, tracker, max_steps, config.name)
    manifest = open_stage(config.folder)[1].manifest
    checkpoints = Checkpoints(config.folder, manifest, config.trainer.checkpoint_every or max_steps, max_steps)
    guards = [FiniteSteps(config.folder), checkpoints, StopOnSignal(checkpoints, max_steps, config.name)]
    trainer = build_trainer(config, batch_size, max_steps, [history, *guards])
    batches = StepBatches(
        tokens,
        seed=config.seed,
        batch_size=batch_size,
        micro_batch=config.trainer.pass_size(batch_size, config.data.max_length),
        pad_id=None if config.trainer.padding_free else pad_id,
        first_step=lambda: trainer.global_step,
        rank=trainer.global_rank,
        ranks=trainer.world_size,
    )
    if config.trainer.accelerator == "cpu":
        trainer.callbacks.append(BoundedMemory(FreedMemory()))
    trainer.callbacks.insert(0, SameAsLibrary(batches, config.model.path))  # first, so that no step's clock runs yet
    trainer.strategy.setup_environment()
    checkpoint = whole_checkpoint(checkpoints.folder, manifest, trainer.global_rank, trainer.world_size)
    if checkpoint:
        log.info("train %s: goes on from %s", config.name, checkpoint.name)
    try:
        trainer.fit(module, DataLoader(batches, batch_size=None), ckpt_path=checkpoint, weights_only=True)
    except Stopped:
        raise
    except SystemExit:
        raise KeyboardInterrupt from None
    return module, history


def build_trainer(config: TrainConfig, batch_size: int, max_steps: int, callbacks: list[pl.Callback]) -> pl.Trainer:
    """A Trainer that keeps no folders of its own: order, checkpoints and logs are ours."""
    return pl.Trainer(
        accelerator=config.trainer.accelerator,
        devices=config.trainer.devices,
        num_nodes=config.trainer.nodes,
        strategy=build_strategy(config.trainer),
        plugins=[environment()],
        precision=PRECISION[config.trainer.precision],
        max_steps=max_steps,
        accumulate_grad_batches=config.trainer.passes(batch_size, config.data.max_length),
        gradient_clip_val=config.optim.clip or None,
        callbacks=callbacks,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=Path(config.folder),
    )
