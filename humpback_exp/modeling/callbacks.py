"""What ends a training early: a model computed wrongly, a loss or gradient that is not finite, a signal; all ranks together.

A step that went wrong is never kept: `FiniteSteps` runs before `Checkpoints` saves. `StopOnSignal` saves before it ends.
"""

import math
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from humpback_exp.data.loader import StepBatches
from humpback_exp.data.tokenize import IGNORED, Tokens
from humpback_exp.distributed import STOPS, Stopped
from humpback_exp.modeling.checkpoint.save import Checkpoints, checkpoints
from humpback_exp.modeling.kernels.loss import labelled, output_logits
from humpback_exp.modeling.lora import causal_lm
from humpback_exp.modeling.memory import FreedMemory
from humpback_exp.modeling.process_group import all_gather, failing_together
from humpback_exp.modeling.reference import compared, probe, require_librarys_logits
from humpback_exp.progress import log


class SameAsLibrary(pl.Callback):
    """Before the first step, two of its rows go through our layers and through transformers' own forward pass."""

    def __init__(self, batches: StepBatches, path: str) -> None:
        self.batches, self.path = batches, path

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        """Raise ValueError on every rank where the two disagree; under ZeRO-3 hooks gather a layer at a time for both."""
        model = causal_lm(module.model)
        rows = probe(model, [np.asarray(row.ids).tolist() for row in self.batches.rows(trainer.global_step)])
        batch = trainer.strategy.batch_to_device(self.batches.batch([with_compared(row) for row in rows]))
        remedy = "choose another base model"
        if module.trainer_config.padding_free:
            remedy = "set trainer.padding_free=false"
        module.eval()
        with failing_together(Exception), torch.no_grad(), trainer.precision_plugin.forward_context():
            require_librarys_logits(
                model,
                rows,
                lambda: output_logits(model, labelled(model, batch)[0]),
                half="bf" in module.trainer_config.precision + module.model_config.dtype,
                what=f"model.path={self.path}",
                remedy=remedy,
            )
        module.train()


def with_compared(row: list[int]) -> Tokens:
    """A row whose labels are the tokens behind the places that are compared."""
    labels = [IGNORED] * len(row)
    for place in compared(row):
        labels[place + 1] = row[place + 1]
    return Tokens("", row, labels)


class BoundedMemory(pl.Callback):
    """After every optimiser step on a CPU, see that resident memory does not grow with the number of steps."""

    def __init__(self, memory: FreedMemory) -> None:
        self.memory = memory

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if not trainer.fit_loop.epoch_loop._should_accumulate():
            self.memory.bound()


class FiniteSteps(pl.Callback):
    """Look at the losses of a step's micro-batches and at its gradient norm, before any checkpoint of it is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkpoints"
        self.seen: list[tuple[torch.Tensor, list[str]]] = []

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, _index: int) -> None:
        self.seen.append((outputs["loss"].detach(), batch["ids"]))
        if trainer.fit_loop.epoch_loop._should_accumulate():
            return
        seen, self.seen = self.seen, []
        losses = torch.stack([loss for loss, _ in seen])
        bad = int((~torch.isfinite(losses)).any()) or 2 * (not math.isfinite(trainer.strategy.gradient_norm()))
        worst = trainer.strategy.reduce(torch.tensor(bad, device=losses.device), reduce_op="max")
        if int(worst):
            self.stop(trainer, module, seen)

    def stop(self, trainer: pl.Trainer, module: Any, seen: list[tuple[torch.Tensor, list[str]]]) -> None:
        """Raise the same ValueError on every rank: whose micro-batches were bad, or all rows where only the gradient was."""
        own = [ids for loss, ids in seen if not torch.isfinite(loss)]
        rows = [ids for bad in all_gather(own) for ids in bad]
        what = "the loss of the micro-batch of rows"
        if not rows:
            rows = [ids for every in all_gather([ids for _, ids in seen]) for ids in every]
            what = "the gradient of the step of rows"
        kept = next((f"the newest checkpoint is {path.name}" for path in checkpoints(self.folder)), "no checkpoint yet")
        raise ValueError(
            f"step {trainer.global_step}: {what} {' | '.join(', '.join(ids) for ids in rows)} is not finite, so the step "
            f"is not kept ({kept}); mend or leave out those rows, or lower optim.lr={module.optim.lr}"
        )


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
