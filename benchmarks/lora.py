"""A training step under LoRA: our adapted projections and peft's, in turn, on the same four examples.

    OMP_NUM_THREADS=1 python benchmarks/lora.py ROUNDS

Four examples of 360 to 420 random tokens through SmolLM2-135M with `experiment=laptop`: forward, backward and update. In CPU
seconds of the process, so that other work on the machine matters less; every second round runs ours first.
"""

import sys
import time
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore

from humpback_exp.config import PointConfig, load, swept
from humpback_exp.data.loader import concatenate
from humpback_exp.data.tokenize import IGNORED, Tokens
from humpback_exp.modeling import module
from humpback_exp.modeling.kernels.loss import summed_loss
from humpback_exp.modeling.lora import causal_lm
from humpback_exp.modeling.memory import FreedMemory
from humpback_exp.progress import table

LENGTHS = (420, 400, 380, 360)
PROMPT = 40
"""Tokens of each example without a label."""


def made(config: PointConfig, ours: bool) -> tuple[Any, Any]:
    """The module and its optimiser; peft's own projections where ours are not put in their place."""
    fuse = module.fuse_lora
    module.fuse_lora = fuse if ours else lambda model: None
    one = module.CausalLMModule(config.model, config.adapter, config.optim, config.trainer, 10, seed=0)
    one.configure_model()
    module.fuse_lora = fuse
    return one, one.configure_optimizers()["optimizer"]


def step(one: Any, optimizer: Any, batch: dict[str, Any]) -> tuple[float, float]:
    """CPU seconds of a step and its loss."""
    started = time.process_time()
    with torch.autocast("cpu", torch.bfloat16, enabled=one.model_config.dtype == "bfloat16"):
        loss = summed_loss(causal_lm(one.model), batch) / sum(LENGTHS)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return time.process_time() - started, float(loss)


def main() -> None:
    ConfigStore.instance().store("train_schema", swept(PointConfig))
    with initialize_config_dir(str(Path("conf").resolve()), version_base="1.3"):
        config = load(compose("train", ["experiment=laptop", "model=smollm2", "trainer=cpu"]), PointConfig)
    config.model.settle()
    memory = FreedMemory()
    drawn = torch.randint(5, 40000, (sum(LENGTHS),), generator=torch.Generator().manual_seed(0)).split(LENGTHS)
    rows = [Tokens("", ids.tolist(), [IGNORED] * PROMPT + ids[PROMPT:].tolist()) for ids in drawn]
    batch, sides = concatenate(rows), {"ours": made(config, True), "peft": made(config, False)}
    told = []
    for number in range(int(sys.argv[1]) + 1):
        order = list(sides) if number % 2 else list(reversed(sides))
        found = {name: step(*sides[name], batch) for name in order}
        memory.bound()
        seconds = {f"{name}, CPU s": found[name][0] for name in sides}
        losses = {f"{name}, loss": found[name][1] for name in sides}
        told.append({"round": number} | seconds | {"peft / ours": found["peft"][0] / found["ours"][0]} | losses)
    print(table(told[1:]))  # the first one warms up


if __name__ == "__main__":
    main()
