"""Checkpoints that count only once they are complete, and the record of losses that survives with them."""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from safetensors import SafetensorError

from humpback_exp.artifacts import write_text
from humpback_exp.progress import bar, log
from humpback_exp.tracking import Tracker

LINES = 20
"""Log lines of a training where there is no terminal for a bar."""
ALMOST_NOTHING = 1 << 20
"""Bytes; a writer that fails with less than this free failed for want of space."""


@contextmanager
def naming_a_full_disk(folder: Path) -> Iterator[None]:
    """Raise the operating system's error where torch and safetensors raise their own for a disk that is full."""
    try:
        yield
    except (RuntimeError, SafetensorError) as error:
        if shutil.disk_usage(folder).free > ALMOST_NOTHING and "No space left" not in str(error):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from None


def newest_checkpoint(folder: Path) -> Path | None:
    """The latest complete checkpoint of a model folder; names hold the step, unfinished ones begin with a dot."""
    found = sorted((folder / "checkpoints").glob("step-*.ckpt"))
    return found[-1] if found else None


class Checkpoints(pl.Callback):
    """Save every so many optimiser steps and after the last, then remove the one before."""

    def __init__(self, folder: Path, every: int, max_steps: int) -> None:
        self.folder, self.every, self.max_steps = folder / "checkpoints", every, max_steps

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        step = trainer.global_step
        path = self.folder / f"step-{step:06d}.ckpt"
        due = step % self.every == 0 or step == self.max_steps
        if not due or path.exists() or trainer.fit_loop.epoch_loop._should_accumulate():
            return
        previous = newest_checkpoint(self.folder.parent)
        scratch = path.with_name(f".{path.name}.tmp")
        with naming_a_full_disk(self.folder.parent):
            trainer.save_checkpoint(scratch)
        trainer.strategy.barrier()
        if trainer.is_global_zero:
            scratch.replace(path)
            if previous is not None:
                shutil.rmtree(previous) if previous.is_dir() else previous.unlink()


class History(pl.Callback):
    """Loss, learning rate and labelled tokens of every optimiser step: on the bar, in W&B, in `history.csv`."""

    COLUMNS = ("step", "loss", "lr", "labels")

    def __init__(self, module: Any, tracker: Tracker, max_steps: int, name: str) -> None:
        self.module, self.tracker, self.max_steps, self.name = module, tracker, max_steps, name
        self.rows: list[tuple[int, float, float, int]] = []
        self.tokens, self.clock = 0, 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = [tuple(row) for row in state["rows"]]

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.progress = bar(self.max_steps, f"train {self.name}", "step", initial=trainer.global_step)
        self.clock = time.perf_counter()

    def on_before_optimizer_step(self, trainer: pl.Trainer, *_: Any) -> None:
        self.lr = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, _outputs: Any, batch: Any, _index: int) -> None:
        self.tokens += int(batch["attention_mask"].sum())
        if trainer.fit_loop.epoch_loop._should_accumulate():
            return
        step, loss = trainer.global_step, self._summed(trainer, module.step_loss)
        rate = self.tokens * trainer.world_size / (time.perf_counter() - self.clock)
        self.rows.append((step, loss, self.lr, int(batch["step_labels"])))
        self.tracker.log({"loss": loss, "lr": self.lr, "tokens_per_second": rate}, step)
        self.progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self.progress.update()
        if self.progress.disable and (step % max(1, self.max_steps // LINES) == 0 or step == self.max_steps):
            log.info("train %s: step %d of %d, loss %.3f, %.0f tokens/s", self.name, step, self.max_steps, loss, rate)
        module.step_loss, self.tokens, self.clock = 0.0, 0, time.perf_counter()

    def _summed(self, trainer: pl.Trainer, share: float) -> float:
        """The step's loss from what each rank added to it."""
        part = torch.tensor(share, dtype=torch.float64, device=trainer.strategy.root_device)
        return float(trainer.strategy.reduce(part, reduce_op="sum"))

    def on_train_end(self, *_: Any) -> None:
        self.progress.close()

    def write(self, folder: Path) -> None:
        """`history.csv`: the same bytes whether or not the run was interrupted."""
        lines = [",".join(self.COLUMNS)] + [",".join(map(repr, row)) for row in self.rows]
        write_text(folder / "history.csv", "\n".join(lines) + "\n")
