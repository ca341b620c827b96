"""The record of every optimiser step, which survives with the checkpoints, and how fast steps are."""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from humpback_exp.artifacts import write_text
from humpback_exp.modeling.memory import peak_memory
from humpback_exp.modeling.mfu import matmul_peak, step_flops
from humpback_exp.planning.machine import GIB
from humpback_exp.progress import bar, log
from humpback_exp.tracking import Tracker

LINES = 20
"""Log lines of a training where there is no terminal for a bar."""


class History(pl.Callback):
    """Loss, learning rate and labelled tokens of every optimiser step: on the bar, in W&B, in `history.csv`.

    `speed` holds what this session measured: real and labelled tokens a second over all ranks, the share of padding, the
    first rank's peak memory, and the model's FLOPs as a share of what matrix products reach on its devices.
    """

    COLUMNS = ("step", "loss", "lr", "labels")

    def __init__(self, module: Any, tracker: Tracker, max_steps: int, name: str) -> None:
        self.module, self.tracker, self.max_steps, self.name = module, tracker, max_steps, name
        self.rows: list[tuple[int, float, float, int]] = []
        self.counted, self.totals = torch.zeros(2, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
        self.clock = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = [tuple(row) for row in state["rows"]]

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        self.device = trainer.strategy.root_device
        half = module.trainer_config.precision == "bf16"
        self.peak = trainer.world_size * matmul_peak(self.device, torch.bfloat16 if half else torch.float32)
        self.flops = step_flops(module)
        self.progress = bar(self.max_steps, f"train {self.name}", "step", initial=trainer.global_step, lines=False)
        self.clock = time.perf_counter()

    def on_before_optimizer_step(self, trainer: pl.Trainer, *_: Any) -> None:
        self.lr = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, _outputs: Any, batch: Any, _index: int) -> None:
        positions = batch["input_ids"].numel()
        real = int(batch["attention_mask"].sum()) if "attention_mask" in batch else positions
        self.counted += torch.tensor([real, positions])
        if trainer.fit_loop.epoch_loop._should_accumulate():
            return
        step, labels = trainer.global_step, int(batch["step_labels"])
        loss, real_tokens, all_positions = self._summed(trainer, float(module.step_loss))
        now = time.perf_counter()
        measured = torch.tensor([real_tokens, all_positions, labels, now - self.clock], dtype=torch.float64)
        self.totals += measured
        self.rows.append((step, loss, self.lr, labels))
        speed = self._speed(measured)
        self.tracker.log({"loss": loss, "lr": self.lr} | speed, step)
        self._show(step, loss, speed)
        module.step_loss, self.clock = 0.0, now
        self.counted.zero_()

    def _summed(self, trainer: pl.Trainer, share: float) -> list[float]:
        """The step's loss, tokens and positions from what each rank added to them."""
        parts = torch.cat([torch.tensor([share], dtype=torch.float64), self.counted]).to(self.device)
        return trainer.strategy.reduce(parts, reduce_op="sum").tolist()

    def _speed(self, measured: torch.Tensor) -> dict[str, float]:
        real, positions, labels, seconds = measured.tolist()
        return {
            "tokens_per_second": real / seconds,
            "labelled_tokens_per_second": labels / seconds,
            "padding_share": 1 - real / positions,
            "peak_memory_gib": peak_memory(self.device) / GIB,
            "flop_utilisation": self.flops * real / seconds / self.peak,
        }

    @property
    def speed(self) -> dict[str, float]:
        """Of all steps of this session; empty if it made none."""
        return self._speed(self.totals) if self.totals[3] else {}

    def _show(self, step: int, loss: float, speed: dict[str, float]) -> None:
        self.progress.set_postfix(loss=f"{loss:.3f}", tokens=f"{speed['tokens_per_second']:.0f}/s", refresh=False)
        self.progress.update()
        if self.progress.disable and (step % max(1, self.max_steps // LINES) == 0 or step == self.max_steps):
            log.info(
                "train %s: step %d of %d, loss %.3f, %.0f tokens/s, %.0f %% of the matmul peak",
                self.name, step, self.max_steps, loss, speed["tokens_per_second"], 100 * speed["flop_utilisation"],
            )  # fmt: skip

    def on_train_end(self, *_: Any) -> None:
        self.progress.close()

    def write(self, folder: Path) -> None:
        """`history.csv`: the same bytes whether or not the run was interrupted."""
        lines = [",".join(self.COLUMNS)] + [",".join(map(repr, row)) for row in self.rows]
        write_text(folder / "history.csv", "\n".join(lines) + "\n")
