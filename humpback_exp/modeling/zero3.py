"""DeepSpeed ZeRO-3 on GPUs and CPUs alike: weights, gradients and moments are split over the ranks.

Lightning's DeepSpeedStrategy refuses CPUs by a guard only. `ZeRO3OnCPU` replaces that guard, so that the path a 65B
run takes is the path the tests take, on two CPU processes over gloo.
"""

import contextlib
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from lightning_fabric.utilities.seed import reset_seed
from pytorch_lightning.strategies import DDPStrategy, DeepSpeedStrategy, Strategy

from humpback_exp.config import TrainerConfig
from humpback_exp.modeling.checkpoint import checksum, reshard
from humpback_exp.modeling.checkpoint.save import read_metadata, require_shapes
from humpback_exp.modeling.zero3_settings import zero3_settings


def build_zero3(config: TrainerConfig) -> DeepSpeedStrategy:
    """The strategy of a trainer config that `is_zero3`.

    Raises:
        ValueError: DeepSpeed is not installed.
    """
    if config.accelerator == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    _require_deepspeed()
    kind = ZeRO3OnCPU if config.accelerator == "cpu" else ZeRO3
    return kind(config.leaf_modules, config=zero3_settings(config))


def _require_deepspeed() -> None:
    try:
        import deepspeed  # noqa: F401
    except ModuleNotFoundError:
        raise ValueError(
            "trainer.strategy=zero3: DeepSpeed is not installed; pip install --no-build-isolation 'deepspeed>=0.19,<0.20'"
        ) from None


def forget_moments(strategy: Strategy) -> None:
    """Let the optimiser's moments go at the end: Lightning would move them to main memory, 8 bytes a parameter."""
    for optimizer in strategy.optimizers:
        optimizer.state.clear()


class ZeRO3(DeepSpeedStrategy):
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
        self.checksums[str(Path(path).relative_to(self.target))] = checksum.write(
            state_dict, Path(path), self.global_rank
        )

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: Any, storage_options: Any = None) -> None:
        self.checksums: dict[str, checksum.Checksum] = {}
        self.target = Path(filepath)
        super().save_checkpoint(checkpoint, filepath)

    def load_checkpoint(self, checkpoint_path: Any, weights_only: bool | None = None) -> dict[str, Any]:
        path, metadata = Path(checkpoint_path), read_metadata(Path(checkpoint_path))
        require_shapes(path, metadata, self.lightning_module)
        if metadata.zero3 and metadata.ranks == self.world_size:
            return self._load(path)
        with reshard.converted(path, metadata, self) as other:
            return self._load(other)

    def _load(self, path: Path) -> dict[str, Any]:
        _, state = self.deepspeed_engine.load_checkpoint(
            str(path), tag=reshard.TAG, load_module_strict=False, load_lr_scheduler_states=False
        )
        assert state is not None, path
        return state

    def local_state(self) -> Iterator[torch.Tensor]:
        """This rank's part of weights and moments."""
        optimizer = self.deepspeed_engine.optimizer
        yield from optimizer.fp32_partitioned_groups_flat
        for state in optimizer.optimizer.state.values():
            yield from (value for value in state.values() if isinstance(value, torch.Tensor))

    def teardown(self) -> None:
        forget_moments(self)
        super().teardown()

    def gradient_norm(self) -> float:
        """Norm of the gradients of the step just taken, over all ranks; infinite where DeepSpeed left the step out."""
        return float(self.deepspeed_engine.get_global_grad_norm())


class ZeRO3OnCPU(ZeRO3):
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
