"""Training speed against TRL's SFTTrainer: same model, pairs, batches, precision and optimiser, full fine-tuning.

    pip install -c constraints.txt trl==1.16.0
    python benchmarks/train.py --pairs examples/seed.jsonl --rounds 3

Every round runs all contestants in turn, each in a process of its own, forward and backward; a ratio is taken within its
round. TRL runs at the settings that could be its best: padded in one micro-batch, padded in small ones sorted by length,
packed, and padding-free, each with its fused AdamW, its chunked loss, and without gradient checkpointing. Tokens are real
ones. Run it with nothing else on the machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

RIVALS = ("TRL padded", "TRL padded, sorted", "TRL packed", "TRL padding-free")
CONTESTANTS = ("ours", *RIVALS)
DIRECTIONS = ("forward", "backward")
Result = dict[str, Any]


def encoded(arguments: argparse.Namespace, direction: str) -> tuple[Any, list[Any]]:
    """Tokenizer and tokens of all pairs that fit."""
    from humpback_exp.config import DataConfig
    from humpback_exp.data.seed import load_seed
    from humpback_exp.data.tokenize import encode_fitting
    from humpback_exp.modeling.load import load_tokenizer

    tokenizer = load_tokenizer(arguments.model, "chatml")
    config = DataConfig(direction=direction, max_length=arguments.max_length)
    rows = [encode_fitting(tokenizer, pair, config) for pair in load_seed(arguments.pairs)]
    return tokenizer, [tokens for tokens, outcome in rows if outcome != "too long"]


def ours(arguments: argparse.Namespace, direction: str) -> Result:
    """The project's own `fit`, as train.py calls it."""
    from humpback_exp import artifacts
    from humpback_exp.config import ModelConfig, OptimConfig, TrainConfig, TrainerConfig, settle
    from humpback_exp.modeling.trainer import fit
    from humpback_exp.tracking import Tracker

    class Steps(Tracker):
        rates: list[float] = []
        gib: list[float] = []

        def log(self, metrics: Any, step: int | None = None) -> None:
            self.rates.append(metrics["tokens_per_second"])
            self.gib.append(metrics["peak_memory_gib"])

    tokenizer, rows = encoded(arguments, direction)
    with tempfile.TemporaryDirectory() as root:
        config = settle(
            TrainConfig(
                output_root=root,
                model=ModelConfig(path=arguments.model, template="chatml", dropout=0.0),
                optim=OptimConfig(lr=1e-5),
                trainer=TrainerConfig(micro_batch=arguments.micro_batch, checkpoint_every=10**9),
            )
        )
        artifacts.begin(config)
        _, history = fit(config, rows, tokenizer.pad_token_id, arguments.batch, arguments.steps, Steps())
    return {"rates": Steps.rates[1:], "losses": [row[1] for row in history.rows], "gib": Steps.gib[-1]}


def trl(arguments: argparse.Namespace, direction: str, contestant: str) -> Result:
    """SFTTrainer on the same rows in the same steps; packing makes steps of its own from them."""
    import torch
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from humpback_exp.data.sampler import step_indices
    from humpback_exp.modeling.load import load_model
    from humpback_exp.modeling.memory import peak_memory

    tokenizer, rows = encoded(arguments, direction)
    tokens: list[int] = []
    ends: list[float] = []
    gib: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())
            gib.append(peak_memory(torch.device("cpu")) / (1 << 30))

    class Counting(SFTTrainer):
        def training_step(self, model: Any, inputs: Any, *rest: Any, **options: Any) -> torch.Tensor:
            mask = inputs.get("attention_mask")
            tokens.append(inputs["input_ids"].numel() if mask is None else int(mask.sum()))
            return super().training_step(model, inputs, *rest, **options)

    steps = [step_indices(0, step, len(rows), arguments.batch) for step in range(arguments.steps)]
    if contestant == "TRL padded, sorted":
        steps = [sorted(step, key=lambda i: len(rows[i].ids)) for step in steps]
    used = [rows[i] for step in steps for i in step]
    micro = 2 if contestant in ("TRL padded, sorted", "TRL packed") else arguments.micro_batch
    accumulate = 1 if contestant == "TRL packed" else arguments.batch // micro
    packing = contestant == "TRL packed"
    longest = max(len(row.ids) for row in used)
    mean = sum(len(row.ids) for row in used) / len(used)
    settings = SFTConfig(
        output_dir=tempfile.mkdtemp(),
        max_steps=arguments.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulate,
        packing=packing,
        max_length=max(longest, round(mean * arguments.batch / micro)) if packing else None,
        padding_free=contestant == "TRL padding-free",
        pad_to_multiple_of=None,
        bf16=True,
        use_cpu=True,
        gradient_checkpointing=False,
        optim="adamw_torch_fused",
        learning_rate=1e-5,
        weight_decay=0.1,
        adam_beta2=0.95,
        max_grad_norm=1.0,
        train_sampling_strategy="sequential",
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    data = Dataset.from_dict({"input_ids": [row.ids for row in used], "labels": [row.labels for row in used]})
    model = load_model(arguments.model, "float32")
    trainer = Counting(model=model, args=settings, train_dataset=data, processing_class=tokenizer, callbacks=[Clock()])
    trainer.train()
    done = [sum(tokens[i : i + accumulate]) for i in range(0, len(tokens), accumulate)]
    spent = [b - a for a, b in zip(ends, ends[1:], strict=False)]
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {"rates": [n / s for n, s in zip(done[1:], spent, strict=False)], "losses": losses, "gib": gib[-1]}


def child(arguments: argparse.Namespace) -> None:
    """Run one contestant in this process and print its result as the last line."""
    run = ours(arguments, arguments.direction) if arguments.run == "ours" else None
    result = run or trl(arguments, arguments.direction, arguments.run)
    print(json.dumps(result))


def measured(contestant: str, direction: str, given: Sequence[str]) -> Result:
    """One contestant in a process of its own; its rate is the median of its steps after the first, memory that before saving."""
    command = [sys.executable, __file__, *given, "--run", contestant, "--direction", direction]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{contestant}, {direction}: {done.stderr[-2000:]}")
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result | {"rate": statistics.median(result["rates"])}


def peak() -> float:
    import torch

    from humpback_exp.modeling.mfu import matmul_peak

    return matmul_peak(torch.device("cpu"), torch.bfloat16)


def table_of(direction: str, rounds: list[dict[str, Result]], parameters: int, best: float) -> str:
    """A row a contestant: tokens/s, our ratio to it with its spread, share of the matmul peak, memory, last loss."""
    from humpback_exp.progress import table

    rows = []
    for name in CONTESTANTS:
        rates = [found[name]["rate"] for found in rounds]
        ratios = [found["ours"]["rate"] / found[name]["rate"] for found in rounds]
        rate = statistics.median(rates)
        rows.append(
            {
                direction: name,
                "tokens/s": f"{rate:.0f} ({min(rates):.0f} to {max(rates):.0f})",
                "ours / it": f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
                "of matmul peak": f"{6 * parameters * rate / best:.0%}",
                "peak GiB": max(found[name]["gib"] for found in rounds),
                "losses": " ".join(f"{loss:.3f}" for loss in rounds[0][name]["losses"][:4]),
            }
        )
    return table(rows)


def main() -> None:
    """Run all contestants in turn and print a table a direction."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", default="examples/seed.jsonl")
    parser.add_argument("--model", default="models/smollm2-135m")
    parser.add_argument("--max-length", type=int, default=1024)
    parser.add_argument("--batch", type=int, default=8, help="examples an optimiser step")
    parser.add_argument("--micro-batch", type=int, default=8, help="examples a forward pass, ours and TRL's")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--run", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--direction", choices=DIRECTIONS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        return child(arguments)
    from humpback_exp.config import ModelConfig
    from humpback_exp.planning.model_shape import shape_of

    parameters = shape_of(ModelConfig(path=arguments.model)).parameters
    peaks, found = [], {direction: list[dict[str, Result]]() for direction in DIRECTIONS}
    for _ in range(arguments.rounds):
        for direction in DIRECTIONS:
            peaks.append(peak())
            found[direction].append({name: measured(name, direction, sys.argv[1:]) for name in CONTESTANTS})
    print(
        f"bf16 matmul peak {statistics.median(peaks) / 1e9:.0f} GFLOP/s ({min(peaks) / 1e9:.0f} to {max(peaks) / 1e9:.0f})"
    )
    for direction in DIRECTIONS:
        print(f"\n{table_of(direction, found[direction], parameters, statistics.median(peaks))}")


if __name__ == "__main__":
    main()
