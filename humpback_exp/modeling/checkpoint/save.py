"""Checkpoints that count only once they are complete, and say what they are.

checkpoints/step-000012.ckpt/     there by one atomic rename; the two newest are kept
    checkpoint.json               step, run, ranks, shapes; size and CRC-32 of every file
    state.ckpt                    of one process or DDP
    checkpoint/*zero_pp_rank_*    of ZeRO-3: each rank's own, as DeepSpeed writes them
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from humpback_exp.artifacts import Manifest, write_text
from humpback_exp.modeling.checkpoint.checksum import Checksum
from humpback_exp.modeling.full_disk import naming_a_full_disk
from humpback_exp.modeling.process_group import all_gather

KEPT = 2
"""Checkpoints kept: the newest, and the one before in case the newest is damaged."""
METADATA = "checkpoint.json"


@dataclass(slots=True)
class Metadata:
    """What a checkpoint says of itself."""

    step: int
    zero3: bool
    """Whether it is split over ranks as DeepSpeed does, or one file."""
    ranks: int
    run: dict[str, Any]
    """The manifest's fields that tell one run from another."""
    parameters: dict[str, list[int]]
    """Name and shape of what is trained, in the order of the optimiser."""
    files: dict[str, Checksum]

    @property
    def manifest(self) -> Manifest:
        return Manifest(**self.run)


def read_metadata(path: Path) -> Metadata:
    """The metadata of the checkpoint at `path`.

    Raises:
        OSError, ValueError, KeyError, TypeError: missing or unreadable.
    """
    metadata = json.loads((path / METADATA).read_text(encoding="utf-8"))
    return Metadata(
        **metadata | {"files": {name: Checksum(**checksum) for name, checksum in metadata["files"].items()}}
    )


def checkpoints(folder: Path) -> list[Path]:
    """Complete checkpoints, the newest first; names hold the step, unfinished ones begin with a dot."""
    return sorted(folder.glob("step-*.ckpt"), reverse=True)


def remove(paths: Iterable[Path]) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def trained_shapes(module: pl.LightningModule) -> dict[str, list[int]]:
    """Name and shape of every trained parameter, in the order of the optimiser; of the whole one where it is split."""
    names = {parameter: name for name, parameter in module.named_parameters()}
    groups = module.configure_optimizers()["optimizer"].param_groups
    return {names[p]: list(getattr(p, "ds_shape", p.shape)) for group in groups for p in group["params"]}


def require_shapes(path: Path, metadata: Metadata, module: pl.LightningModule) -> None:
    """Raise unless the checkpoint at `path` holds just what this model trains, naming what differs first."""
    there, here = metadata.parameters, trained_shapes(module)
    name = next((name for name in here | there if there.get(name) != here.get(name)), None)
    if name is not None:
        raise ValueError(
            f"{path}: of another model ({name} is {there.get(name, 'not')} there, {here.get(name, 'not')} here); "
            f"choose another name= or delete {path.parent}"
        )


class Checkpoints(pl.Callback):
    """Save every so many optimiser steps and after the last, and keep the two newest."""

    def __init__(self, folder: Path, manifest: Manifest, every: int, max_steps: int) -> None:
        self.folder, self.every, self.max_steps = folder / "checkpoints", every, max_steps
        self.run = {key: getattr(manifest, key) for key in ("kind", "name", "fingerprint", "config", "inputs")}
        self.saved = -1

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        step = trainer.global_step
        due = step % self.every == 0 or step == self.max_steps
        if due and not trainer.fit_loop.epoch_loop._should_accumulate():
            self.save(trainer)

    def save(self, trainer: pl.Trainer) -> None:
        """Save the step just done, unless that is done already; all ranks must call.

        Raises:
            ValueError: weights or moments are not finite; nothing is written.
            OSError: the disk is full.
        """
        step, strategy = trainer.global_step, trainer.strategy
        if step == self.saved:
            return
        self.require_finite(trainer)
        scratch = self.folder / f".step-{step:06d}.ckpt.tmp"
        if trainer.is_global_zero:
            remove([*self.folder.glob(".step-*"), *checkpoints(self.folder)[KEPT:]])
        strategy.barrier()
        with naming_a_full_disk(self.folder.parent):
            trainer.save_checkpoint(scratch)
        files = {name: checksum for checksums in all_gather(strategy.checksums) for name, checksum in checksums.items()}
        if trainer.is_global_zero:
            shapes = trained_shapes(trainer.lightning_module)
            metadata = Metadata(step, strategy.zero3, trainer.world_size, self.run, shapes, files)
            write_text(scratch / METADATA, json.dumps(asdict(metadata), indent=1))
            scratch.replace(self.folder / f"step-{step:06d}.ckpt")
            remove(checkpoints(self.folder)[KEPT:])
        strategy.barrier()
        self.saved = step

    def require_finite(self, trainer: pl.Trainer) -> None:
        """Raise on every rank if any rank's part of weights and moments holds a NaN or an infinity."""
        own = all(bool(torch.isfinite(tensor.sum())) for tensor in trainer.strategy.local_state())
        if not all(all_gather(own)):
            kept = next((path.name for path in checkpoints(self.folder)), "none")
            raise ValueError(
                f"optim.lr={trainer.lightning_module.optim.lr}: weights or moments are no longer finite after step "
                f"{trainer.global_step}, which is not saved; lower it; the newest checkpoint is {kept}"
            )
