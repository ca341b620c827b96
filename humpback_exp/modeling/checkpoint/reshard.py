"""Going on with another number of ranks, or another strategy, than a checkpoint was written with.

DeepSpeed's universal checkpoint is the way between: for every parameter a folder with its whole fp32 value and its two
moments, whoever held which part. DeepSpeed reads it (`load_universal`); its own converter (`ds_to_universal`) would
write it by one process through a second copy on disk, so the ranks that are to read it write it here, each a share of
the parameters, from the files of the others mapped into memory: one tensor in memory and one copy on disk.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.serialization import config as torch_load

from humpback_exp.modeling.checkpoint.save import Metadata, remove
from humpback_exp.progress import log

STATE = "state.ckpt"
"""The file of a checkpoint that is not split."""
TAG = "checkpoint"
"""The folder of a split one that holds DeepSpeed's files."""
MOMENTS = ("exp_avg", "exp_avg_sq")
FILE = "zero_pp_rank_{}_mp_rank_00_{}_states.pt"
"""DeepSpeed's names, by rank and kind; bf16 runs put `bf16_` before those of kind `optim`."""
_mapped = partial(torch.load, map_location="cpu", mmap=True, weights_only=False)


class ShardedCheckpoint:
    """A checkpoint of ZeRO-3: every rank holds an equal, padded piece of every parameter, all flat in one tensor."""

    def __init__(self, path: Path, metadata: Metadata) -> None:
        folder, self.ranks = path / TAG, metadata.ranks
        files = [next(folder.glob("*" + FILE.format(rank, "optim"))) for rank in range(metadata.ranks)]
        self.parts = [_mapped(file)["optimizer_state_dict"] for file in files]
        self.client = _mapped(folder / FILE.format(0, "model"))
        self.offsets: dict[str, tuple[int, int, torch.Size]] = {}
        for group, shapes in enumerate(self.client["param_shapes"]):
            start = 0
            for name, shape in shapes.items():
                self.offsets[name] = (group, start, shape)
                start += math.ceil(shape.numel() / self.ranks)

    @property
    def step(self) -> torch.Tensor:
        return self.parts[0]["optimizer_state_dict"]["state"][0]["step"]

    def tensor(self, name: str, key: str) -> torch.Tensor:
        """The whole value ("fp32") or moment of a parameter."""
        group, start, shape = self.offsets[name]
        share = math.ceil(shape.numel() / self.ranks)
        pieces = [self._flat(part, group, key).narrow(0, start, share) for part in self.parts]
        return torch.cat(pieces)[: shape.numel()].view(shape)

    def _flat(self, part: dict[str, Any], group: int, key: str) -> torch.Tensor:
        return part["fp32_flat_groups"][group] if key == "fp32" else part["optimizer_state_dict"]["state"][group][key]


class SingleFileCheckpoint:
    """A checkpoint of one process or DDP: Lightning's one file."""

    def __init__(self, path: Path, metadata: Metadata) -> None:
        state = _mapped(path / STATE)
        self.values, (optimizer,) = state.pop("state_dict"), state.pop("optimizer_states")
        self.moments = {name: optimizer["state"][i] for i, name in enumerate(metadata.parameters)}
        # what DeepSpeed expects to find beside our own
        counts = {"global_steps": metadata.step, "skipped_steps": 0, "dp_world_size": 1, "mp_world_size": 1}
        self.client = state | counts | {"global_samples": 0, "module": {}}

    @property
    def step(self) -> torch.Tensor:
        return next(iter(self.moments.values()))["step"]

    def tensor(self, name: str, key: str) -> torch.Tensor:
        return self.values[name].float() if key == "fp32" else self.moments[name][key]


def as_single_process(path: Path, metadata: Metadata, module: Any) -> dict[str, Any]:
    """A ZeRO-3 checkpoint as the one that a single process would have written; nothing goes through the disk."""
    source = ShardedCheckpoint(path, metadata)
    module.strict_loading = False  # a tied weight stands once, and `require_shapes` has seen all of them
    state = module.configure_optimizers()["optimizer"].state_dict()
    moments = [{key: source.tensor(name, key) for key in MOMENTS} for name in metadata.parameters]
    state["state"] = {i: {"step": source.step.clone()} | pair for i, pair in enumerate(moments)}
    for group, lr in zip(state["param_groups"], source.client["lr_schedulers"][0]["_last_lr"], strict=True):
        group["lr"] = lr
    log.info("checkpoint %s: written by %s, goes on without ZeRO-3", path.name, _writers(metadata))
    values = {name: source.tensor(name, "fp32") for name in metadata.parameters}
    return source.client | {"state_dict": values, "optimizer_states": [state]}


@contextmanager
def converted(path: Path, metadata: Metadata, strategy: Any) -> Iterator[Path]:
    """A universal checkpoint made of the one at `path`, for DeepSpeed to load inside the block; all ranks must call.

    It stands beside the other under a name that never counts as a checkpoint and goes when it is read: a kill at any
    time leaves the checkpoint at `path` as it was.
    """
    started, scratch = time.perf_counter(), path.with_name(f".{path.stem}.universal.tmp")
    if strategy.is_global_zero:
        remove(path.parent.glob(scratch.name))
    strategy.barrier()
    _convert(path, metadata, scratch / TAG, strategy.global_rank, strategy.world_size)
    strategy.barrier()
    log.info(
        "checkpoint %s: written by %s, goes on with %s through DeepSpeed's universal checkpoint, made in %.1f s",
        path.name, _writers(metadata), _zero3_ranks(strategy.world_size), time.perf_counter() - started,
    )  # fmt: skip
    engine = strategy.deepspeed_engine
    engine._config.load_universal_checkpoint = True
    with torch_load.patch({"load.mmap": True}):  # type: ignore[attr-defined]  # each rank reads its part only
        yield scratch
    engine._config.load_universal_checkpoint = False
    separate_step_counts(engine.optimizer.optimizer)
    strategy.barrier()
    if strategy.is_global_zero:
        remove([scratch])


def _convert(path: Path, metadata: Metadata, target: Path, rank: int, ranks: int) -> None:
    source = (ShardedCheckpoint if metadata.zero3 else SingleFileCheckpoint)(path, metadata)
    for name in list(metadata.parameters)[rank::ranks]:
        folder = target / "zero" / name
        folder.mkdir(parents=True)
        for key in ("fp32", *MOMENTS):
            torch.save(source.tensor(name, key).flatten(), folder / f"{key}.pt")
    if rank == 0:
        lr = source.client["lr_schedulers"][0]["_last_lr"][0]
        # DeepSpeed would give what stands here to all groups: of what differs between them nothing may
        common = {"state": {0: {"step": source.step}}, "param_groups": [{"lr": lr}]}
        torch.save({"optimizer_state_dict": common}, target / "zero" / "optimizer_state.pt")
        torch.save(source.client, target / FILE.format(0, "model"))


def separate_step_counts(optimizer: torch.optim.Optimizer) -> None:
    """Give every group its own count of steps, where AdamW wants it: DeepSpeed loads one for all, and AdamW counts in place."""
    for parameter, state in optimizer.state.items():
        state["step"] = state["step"].clone().to(parameter.device if optimizer.defaults["fused"] else "cpu")


def _writers(metadata: Metadata) -> str:
    return _zero3_ranks(metadata.ranks) if metadata.zero3 else "one process or DDP"


def _zero3_ranks(count: int) -> str:
    return f"{count} rank{'s' * (count > 1)} of ZeRO-3"
