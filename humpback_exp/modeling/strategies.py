"""Lightning's strategies with our checkpoints: one process, DDP, and DeepSpeed ZeRO-3 on GPUs and CPUs alike.

Lightning's DeepSpeedStrategy refuses CPUs by a guard only. `CPUPartitions` replaces that guard, so that the path a 65B
run takes is the path the tests take, on two CPU processes over gloo.
"""

import contextlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.utilities.seed import reset_seed
from pytorch_lightning.strategies import DDPStrategy, DeepSpeedStrategy, SingleDeviceStrategy, Strategy

from humpback_exp.modeling.checkpoint import checksum, reshard
from humpback_exp.modeling.checkpoint.save import read_facts, require_shapes


class Whole(Strategy):
    """Checkpoints of strategies whose every rank holds the whole model: one file, written by the first rank."""

    zero3 = False

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None) -> None:
        self.marks: dict[str, checksum.Mark] = {}
        if self.is_global_zero:
            Path(filepath).mkdir(parents=True)
            self.marks[reshard.STATE] = checksum.write(checkpoint, Path(filepath) / reshard.STATE, rank=0)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        path, facts = Path(checkpoint_path), read_facts(Path(checkpoint_path))
        require_shapes(path, facts, self.lightning_module)
        if facts.zero3:
            return reshard.as_whole(path, facts, self.lightning_module)
        return torch.load(path / reshard.STATE, map_location="cpu", weights_only=True)

    def own_state(self) -> Iterator[torch.Tensor]:
        """Weights and moments that a checkpoint holds."""
        for optimizer in self.optimizers:
            yield from (p for group in optimizer.param_groups for p in group["params"])
            yield from (value for state in optimizer.state.values() for value in state.values())

    def gradient_norm(self) -> float:
        """Norm of the gradients of the step just taken, before they were clipped."""
        return float(self.lightning_module.gradient_norm)


class OneProcess(Whole, SingleDeviceStrategy):
    """One process on one device."""


class Replicas(Whole, DDPStrategy):
    """DDP: the whole model on every rank."""


class Partitions(DeepSpeedStrategy):
    """ZeRO-3 whose model partitions itself while it loads (`load_model` under HfDeepSpeedConfig), so no context is needed."""

    zero3 = True

    def __init__(self, leaf_modules: list[str], **options: Any) -> None:
        # what is frozen comes from the base model at every start
        super().__init__(exclude_frozen_parameters=True, **options)
        self.leaf_modules = leaf_modules

    def model_sharded_context(self) -> Any:
        return contextlib.nullcontext()

    def _initialize_deepspeed_train(self, model: Any) -> None:
        self._mark_leaves(model)
        super()._initialize_deepspeed_train(model)
        self.deepspeed_engine.checkpoint_engine.save = self._write

    def _mark_leaves(self, model: Any) -> None:
        from deepspeed.utils import set_z3_leaf_modules

        there = {type(module).__name__ for module in model.modules()}
        for name in self.leaf_modules:
            if name not in there:
                raise ValueError(
                    f"trainer.leaf_modules={name}: no such class in the model; it has {', '.join(sorted(there))}"
                )
        if self.leaf_modules:
            set_z3_leaf_modules(model, self.leaf_modules)

    def _write(self, state_dict: dict[str, Any], path: str) -> None:
        """What DeepSpeed calls for every file of a checkpoint."""
        self.marks[str(Path(path).relative_to(self.target))] = checksum.write(state_dict, Path(path), self.global_rank)

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None) -> None:
        self.marks: dict[str, checksum.Mark] = {}
        self.target = Path(filepath)
        super().save_checkpoint(checkpoint, filepath)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        path, facts = Path(checkpoint_path), read_facts(Path(checkpoint_path))
        require_shapes(path, facts, self.lightning_module)
        if facts.zero3 and facts.ranks == self.world_size:
            return self._load(path)
        with reshard.converted(path, facts, self) as other:
            return self._load(other)

    def _load(self, path: Path) -> dict[str, Any]:
        _, state = self.deepspeed_engine.load_checkpoint(
            str(path), tag=reshard.TAG, load_module_strict=False, load_lr_scheduler_states=False
        )
        assert state is not None, path
        return state

    def own_state(self) -> Iterator[torch.Tensor]:
        """This rank's part of weights and moments."""
        optimizer = self.deepspeed_engine.optimizer
        yield from optimizer.fp32_partitioned_groups_flat
        for state in optimizer.optimizer.state.values():
            yield from (value for value in state.values() if isinstance(value, torch.Tensor))

    def gradient_norm(self) -> float:
        """Norm of the gradients of the step just taken, over all ranks; infinite where DeepSpeed left the step out."""
        return float(self.deepspeed_engine.get_global_grad_norm())


class CPUPartitions(Partitions):
    """The same on CPU processes over gloo."""

    def setup_environment(self) -> None:
        DDPStrategy.setup_environment(self)

    def setup_distributed(self) -> None:
        # an operator for inference that DeepSpeed would compile for minutes at first use
        import_module("deepspeed.comm.torch").build_shm_op = lambda: None  # type: ignore[attr-defined]
        reset_seed()
        self.set_world_ranks()
        self._init_deepspeed_distributed()

    @property
    def root_device(self) -> torch.device:
        return torch.device("cpu", 0)
