"""LLaMA 7B whole: full fine-tuning under ZeRO-3 on one rank, beside a plain transformers loop, in turn.

Random weights in LLaMA 7B's exact shape, examples of 64 to 2,048 tokens, the paper's batch of 32. Where the GPU is smaller,
the largest shape that the planner says fits. Both sides update weights in fp32, compute products in bf16, clip, and step a
fused AdamW on the same rows. Each runs at each of its settings that fit, in a process of its own, and the best of either
counts. A rate is the median of the steps after the first.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from benchmarks.gpu.fits import tiny_model, train, trainer
from benchmarks.gpu.machine import hardware_here, synchronize
from benchmarks.gpu.random_llama import LLAMA, TINY, Size, make
from benchmarks.gpu.rows import GIB, Row, Setup, at_least, missing
from humpback_exp.config import DataConfig, OptimConfig, TrainConfig
from humpback_exp.data.sampler import step_indices
from humpback_exp.data.tokenize import IGNORED, Tokens
from humpback_exp.modeling.load import load_model
from humpback_exp.modeling.memory import peak_memory
from humpback_exp.planning.machine import USABLE
from humpback_exp.planning.memory import training_memory
from humpback_exp.planning.training import Training

BATCH = 32
"""Examples a step: the paper's from 3,000 examples on (section 8)."""
STEPS = 3
SHORTEST = 64
SHARE, RATIO, OFF = 0.45, 1.5, 0.1
"""The goals: share of the matmul peak, our speed over the rival's, and how far the planner's memory may be off."""
OURS: dict[str, dict[str, Any]] = {
    "trainer=zero3": {"gradient_checkpointing": True},
    "nothing recomputed, layers gathered whole": {"micro_tokens": 4096, "leaf_modules": ["LlamaDecoderLayer"]},
}
RIVALS = {
    "plain loop, 4 examples a pass": 4,
    "plain loop, 2 examples a pass": 2,
}
"""Examples a pass; activations are recomputed, or they do not fit beside 16 bytes a parameter and autocast's copies."""
IN_TURN = [name for pair in zip(OURS, RIVALS, strict=True) for name in pair]
Result = dict[str, Any]


def rows(setup: Setup) -> Iterator[Row]:
    size = largest(setup)
    if size is None:
        yield missing(
            "whole", "full fine-tuning", f"{free(setup):.1f} GiB are free, too few for any shape", passed=False
        )
        return
    path = make(size, setup.folder, tiny_model(setup.folder), setup.device)
    found: dict[str, Result] = {}
    for name in IN_TURN:
        plan = training_memory(config(setup, size, path, name)).peak / GIB if name in OURS else None
        if plan and plan > USABLE * free(setup):
            yield missing("whole", f"{size.name}, {name}", f"the planner says {plan:.1f} GiB, which do not fit")
            continue
        result = in_a_process(setup, size, path, name)
        if "error" in result:
            yield missing("whole", f"{size.name}, {name}", result["error"], False if name in OURS else None)
            continue
        found[name] = result
        planned = planned_rate(setup, size, path, name) if plan else None
        yield from figures(setup, f"{size.name}, {name}", result, plan, planned)
    yield from goals(setup, size, found)


def largest(setup: Setup) -> Size | None:
    """The largest shape of which the planner says that its plainest run fits into what is free."""
    for size in TINY if setup.tiny else LLAMA:
        if training_memory(config(setup, size, "", "trainer=zero3")).peak / GIB <= USABLE * free(setup):
            return size
    return None


def free(setup: Setup) -> float:
    """GiB of free memory on the GPU, of which a share counts as usable; without bound where shapes are tiny."""
    return float("inf") if setup.tiny else torch.cuda.mem_get_info()[0] / GIB


def figures(setup: Setup, name: str, result: Result, plan: float | None, planned: float | None) -> Iterator[Row]:
    """Speed and memory of one contestant."""
    note = f"losses {result['losses'][0]:.3f} to {result['losses'][-1]:.3f}"
    if plan:
        note = f"{result['share']:.0%} of the matmul peak; {note}"
    yield Row("whole", f"{name}: tokens/s", result["rate"], plan=planned, note=note)
    peak = Row("whole", f"{name}: peak memory, GiB", result["gib"], plan=plan)
    if plan and not setup.tiny:  # on a CPU the peak is that of the process, libraries and all
        peak.bound, peak.passed = f"within {OFF:.0%} of the plan", abs(result["gib"] / plan - 1) <= OFF
    yield peak


def planned_rate(setup: Setup, size: Size, path: str, name: str) -> float | None:
    """The planner's tokens a second, None for a GPU it does not know."""
    hardware, rows = hardware_here(setup), examples(size)
    mean = statistics.mean(len(row.ids) for row in rows)
    work = Training(config(setup, size, path, name), len(rows), mean, BATCH, STEPS)
    return work.tokens / work.seconds(hardware) if hardware else None


def goals(setup: Setup, size: Size, found: dict[str, Result]) -> Iterator[Row]:
    """The best of ours against the peak and against the best of the rival; tiny shapes have no goal."""
    ours = [result for name, result in found.items() if name in OURS]
    theirs = [result["rate"] for name, result in found.items() if name in RIVALS]
    share, ratio = max((each["share"] for each in ours), default=0.0), 0.0
    if ours and theirs:
        ratio = max(each["rate"] for each in ours) / max(theirs)
    for what, figure, goal in (
        ("our best, share of the matmul peak", share, SHARE),
        ("our best over the plain loop's best", ratio, RATIO),
    ):
        row = at_least("whole", f"{size.name}: {what}", figure, goal)
        yield Row(row.check, row.what, figure) if setup.tiny else row


def config(setup: Setup, size: Size, path: str, name: str) -> TrainConfig:
    options = {"strategy": "zero3", "micro_tokens": 8192} | OURS[name]
    if setup.tiny:
        options["micro_tokens"] //= 32
    return TrainConfig(
        model=size.config(path),
        data=DataConfig(max_length=size.longest),
        optim=OptimConfig(batch_size=BATCH),
        trainer=trainer(setup.device, **options),
    )


def examples(size: Size) -> list[Tokens]:
    """Rows of random ids, of all lengths alike; the first quarter is the prompt."""
    rng, made = random.Random(0), []
    for number in range(BATCH * STEPS):
        ids = [
            rng.randrange(2, size.vocabulary)
            for _ in range(rng.randint(min(SHORTEST, size.longest // 4), size.longest))
        ]
        made.append(Tokens(str(number), ids, [IGNORED] * (len(ids) // 4) + ids[len(ids) // 4 :]))
    return made


def ours(setup: Setup, size: Size, path: str, name: str) -> Result:
    steps = train(config(setup, size, path, name), examples(size), STEPS, BATCH)
    return {
        "rate": statistics.median(step["tokens_per_second"] for step in steps[1:]),
        "share": statistics.median(step["flop_utilisation"] for step in steps[1:]),
        "gib": max(step["peak_memory_gib"] for step in steps),
        "losses": [step["loss"] for step in steps],
    }


def plain_loop(setup: Setup, size: Size, path: str, name: str) -> Result:
    """transformers' model with its own loss and SDPA: rows of like length padded together, fp32 weights under autocast."""
    device, size_of_pass = torch.device(setup.device), RIVALS[name]
    model = load_model(path, "float32", attn_implementation="sdpa").to(device).train()
    model.gradient_checkpointing_enable({"use_reentrant": False})
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    all_rows, rates, losses = examples(size), [], []
    for step in range(STEPS):
        batch = sorted((all_rows[i] for i in step_indices(0, step, len(all_rows), BATCH)), key=lambda row: len(row.ids))
        labels, loss = sum(row.label_count for row in batch), torch.zeros((), device=device)
        synchronize(device)
        started = time.perf_counter()
        for start in range(0, BATCH, size_of_pass):
            part = batch[start : start + size_of_pass]
            with torch.autocast(device.type, torch.bfloat16):
                share = model(**padded(part, device)).loss * sum(row.label_count for row in part) / labels
            share.backward()
            loss += share.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        synchronize(device)
        rates.append(sum(len(row.ids) for row in batch) / (time.perf_counter() - started))
        losses.append(float(loss))
    return {"rate": statistics.median(rates[1:]), "gib": peak_memory(device) / GIB, "losses": losses}


def padded(part: list[Tokens], device: torch.device) -> dict[str, torch.Tensor]:
    """Right-padded ids, labels and mask, as the library takes them."""
    ids, labels = (
        pad_sequence([torch.tensor(row) for row in rows], True, fill)
        for rows, fill in (([row.ids for row in part], 1), ([row.labels for row in part], IGNORED))
    )
    lengths = torch.tensor([len(row.ids) for row in part])
    mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
    return {"input_ids": ids.to(device), "labels": labels.to(device), "attention_mask": mask.to(device)}


def in_a_process(setup: Setup, size: Size, path: str, name: str) -> Result:
    """What one contestant measured, or the last thing it said as `error`."""
    command = [sys.executable, "-m", "benchmarks.gpu.whole", *setup.arguments(), size.name, path, name]
    done = subprocess.run(command, capture_output=True, text=True)
    print(done.stderr, file=sys.stderr)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1][:300]}
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    """One contestant."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device")
    parser.add_argument("--to", type=Path)
    for name in ("size", "path", "contestant"):
        parser.add_argument(name)
    asked = parser.parse_args()
    (size,) = (size for size in (*LLAMA, *TINY) if size.name == asked.size)
    contest = ours if asked.contestant in OURS else plain_loop
    print(json.dumps(contest(Setup(asked.device, asked.to), size, asked.path, asked.contestant)))


if __name__ == "__main__":
    main()
