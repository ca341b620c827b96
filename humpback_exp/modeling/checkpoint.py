"""Checkpoints that count only once they are complete."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from safetensors import SafetensorError

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
