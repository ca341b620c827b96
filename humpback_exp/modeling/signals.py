"""A signal of `STOPS` ends a training after the optimiser step that is running, with a checkpoint, on all ranks at once."""

import signal
from types import FrameType
from typing import Any

import pytorch_lightning as pl
import torch

from humpback_exp.distributed import STOPS, Stopped
from humpback_exp.modeling.checkpoint.save import Checkpoints
from humpback_exp.progress import log


class StopOnSignal(pl.Callback):
    """Save and leave once any rank has caught a signal; ranks agree after every step, for it may reach one only."""

    def __init__(self, checkpoints: Checkpoints, max_steps: int, name: str) -> None:
        self.checkpoints, self.max_steps, self.name = checkpoints, max_steps, name
        self.caught = 0

    def note(self, signum: int, _: FrameType | None) -> None:
        self.caught = signum

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        for each in STOPS:
            signal.signal(each, self.note)
        # Lightning would ask the first rank for SIGTERM before every micro-batch, and wait for the answer
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.fit_loop.epoch_loop._should_accumulate():
            return
        own = torch.tensor(self.caught, device=trainer.strategy.root_device)
        caught = int(trainer.strategy.reduce(own, reduce_op="max"))
        if caught:
            self.checkpoints.save(trainer)
            stop = Stopped(caught)
            log.info(
                "train %s: %s, saved after step %d of %d", self.name, stop.name, trainer.global_step, self.max_steps
            )
            raise stop
