"""The one LightningModule: forward and backward models are the same causal LM, direction is a matter of the data."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from humpback_exp.config import AdapterConfig, ModelConfig, OptimConfig, TrainerConfig
from humpback_exp.modeling.dropout import add_dropout, without_own
from humpback_exp.modeling.kernels.llama import fuse
from humpback_exp.modeling.kernels.lora import fuse as fuse_lora
from humpback_exp.modeling.kernels.loss import chunk_loss, summed_loss
from humpback_exp.modeling.kernels.padding_free_attention import NAME as BY_EXAMPLE
from humpback_exp.modeling.kernels.padding_free_attention import checkpoint_contexts
from humpback_exp.modeling.load import Model, load_model
from humpback_exp.modeling.lora import causal_lm, shape, with_lora
from humpback_exp.modeling.process_group import failing_together
from humpback_exp.modeling.wrong_weights import WrongWeights
from humpback_exp.modeling.zero3_settings import is_zero3, partition_on_load


class CausalLMModule(pl.LightningModule):
    """Loss is the mean over the labelled tokens of the whole optimiser step, over micro-batches and ranks."""

    def __init__(
        self,
        model: ModelConfig,
        adapter: AdapterConfig,
        optim: OptimConfig,
        trainer: TrainerConfig,
        max_steps: int,
        seed: int,
    ) -> None:
        super().__init__()
        self.model_config, self.adapter, self.optim, self.trainer_config = model, adapter, optim, trainer
        self.max_steps, self.seed = max_steps, seed
        self.step_loss: float | torch.Tensor = 0.0
        self.model: Model | None = None
        self.strict_loading = adapter.kind == "none"

    def configure_model(self) -> None:
        """Load the weights; here and not before, so that ZeRO-3 may partition them while they load."""
        if self.model is not None:
            return
        if is_zero3(self.trainer_config):
            self.partitioning = partition_on_load(self.trainer_config)
        with failing_together(WrongWeights):  # under ZeRO-3 the first rank alone sees shapes, at the end of loading
            path = self.model_config.path
            model = load_model(path, self.model_config.dtype, config=without_own(path))
        if self.trainer_config.padding_free:
            model.set_attn_implementation(BY_EXAMPLE)
        chunk_loss(model)
        fuse(model)
        add_dropout(model, self.model_config.dropout)
        if self.adapter.kind == "lora":
            model = with_lora(model, self.adapter)
            if not is_zero3(self.trainer_config):
                fuse_lora(model)
        if self.trainer_config.gradient_checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False, "context_fn": checkpoint_contexts})
            model.enable_input_require_grads()
        self.model = model.train()

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> torch.Tensor:
        """One micro-batch's share of the step's loss, scaled against the divisions the trainer and DDP make later."""
        self._seed_dropout(batch_idx)
        share = summed_loss(causal_lm(self.model), batch) / batch["step_labels"]
        if batch.get("repeated"):  # this rank has no example of its own in this pass, but must take part in it
            share = share * 0
        self.step_loss = self.step_loss + share.detach().double()  # read once a step: reading waits for a GPU
        divisions = 2 if self.trainer.strategy.handles_gradient_accumulation else 1  # DeepSpeed divides once more
        return share * self.trainer.accumulate_grad_batches**divisions * self.trainer.world_size

    def _seed_dropout(self, batch_idx: int) -> None:
        """Dropout masks as a function of (seed, step, micro-batch, rank): nothing to save, the same after a resume."""
        micro = batch_idx % self.trainer.accumulate_grad_batches
        key = (self.seed, self.trainer.global_step, micro, self.trainer.global_rank)
        torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1)[0]))

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW, weight decay on matrices only, and the linear decay to `end_lr` over `max_steps`."""
        trained = [p for p in self.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trained if len(shape(p)) >= 2], "weight_decay": self.optim.weight_decay},
            {"params": [p for p in trained if len(shape(p)) < 2], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=self.optim.lr,
            betas=(self.optim.beta1, self.optim.beta2),
            fused=True,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: lr_factor(step, self.max_steps, self.optim)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, gradient_clip_val: Any = None, *_: Any, **__: Any) -> None:
        """Clip by norm here: Lightning refuses it for a fused optimiser under autocast. DeepSpeed's engine does its own."""
        if not is_zero3(self.trainer_config):
            bound = gradient_clip_val or float("inf")
            self.gradient_norm = torch.nn.utils.clip_grad_norm_(self.parameters(), bound)

    def optimizer_step(self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Any = None) -> None:
        """Step, then let the gradients go: they would else live through the next forward pass. DeepSpeed sees to its own."""
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        if not is_zero3(self.trainer_config):
            optimizer.zero_grad()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Count batches as this session splits steps: a resumed run may use another micro-batch or number of ranks."""
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        done = checkpoint["global_step"] * self.trainer.accumulate_grad_batches
        for part in ("total", "current"):
            shift = done - progress[part]["ready"]
            progress[part] = {name: count + shift for name, count in progress[part].items()}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep only what is trained: a LoRA checkpoint holds no base weights."""
        if self.adapter.kind == "lora":
            trained = {name for name, p in self.named_parameters() if p.requires_grad}
            checkpoint["state_dict"] = {k: v for k, v in checkpoint["state_dict"].items() if k in trained}


def lr_factor(step: int, max_steps: int, optim: OptimConfig) -> float:
    """Learning rate of step `step` (from 0) over the first: linear, the last step runs at `end_lr` (paper section 8)."""
    progress = min(step / max(1, max_steps - 1), 1.0)
    return 1.0 + (optim.end_lr / optim.lr - 1.0) * progress
