"""The record of every optimiser step, which survives with the checkpoints."""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from humpback_exp.artifacts import write_text
from humpback_exp.progress import bar, log
from humpback_exp.tracking import Tracker

LINES = 20
"""Log lines of a training where there is no terminal for a bar."""


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
