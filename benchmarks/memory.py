"""Predicted against measured peak memory of a rank: real training steps on CPU, alone and as two ranks of ZeRO-3.

    python benchmarks/memory.py [NAME ...]

Every case trains a Llama with random weights in processes of its own, then resumes from its checkpoint in others. A peak is the
kernel's high-water mark of resident memory (VmHWM), reset when a phase begins, less that of the same run with a model of
almost nothing. Freed memory goes back to the system at once (MALLOC_MMAP_THRESHOLD_), so what is measured is what is in use.

The cases called `as trained` keep freed memory as the project does on a CPU, and their peaks are those of the whole process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from humpback_exp.config import AdapterConfig, DataConfig, ModelConfig, OptimConfig, TrainConfig, TrainerConfig
from humpback_exp.planning.memory import training_memory
from humpback_exp.planning.model_shape import Shape
from humpback_exp.progress import table

MIB = 1 << 20
STEPS = 2
ACCUMULATED = 2
"""Micro-batches a step: from the second on, gradients are there already when activations are."""


@dataclass(frozen=True)
class Case:
    """A model and a way to train it."""

    name: str
    shape: Shape
    length: int
    micro_batch: int
    precision: str
    checkpointing: bool
    ranks: int = 1
    lora: bool = False
    as_trained: bool = False

    def config(self, path: str, root: str) -> TrainConfig:
        frozen = "bfloat16" if self.lora and self.precision == "bf16" else "float32"
        return TrainConfig(
            output_root=root,
            model=ModelConfig(path=path, dtype=frozen, context=4096),
            adapter=AdapterConfig(kind="lora" if self.lora else "none"),
            data=DataConfig(max_length=self.length),
            optim=OptimConfig(batch_size=self.micro_batch * self.ranks * ACCUMULATED),
            trainer=TrainerConfig(
                devices=self.ranks,
                strategy="zero3" if self.ranks > 1 else "auto",
                precision=self.precision,
                micro_batch=self.micro_batch,
                gradient_checkpointing=self.checkpointing,
            ),
        )


CASES = [
    Case("one, fp32", Shape(8, 1024, 2816, 16, 16, 8192, tied=False), 1024, 1, "fp32", False),
    Case("one, fp32, large vocabulary", Shape(6, 768, 2048, 12, 4, 32000, tied=False), 512, 2, "fp32", True),
    Case("one, bf16", Shape(6, 1024, 2816, 16, 8, 16000, tied=False), 1024, 2, "bf16", False),
    Case("one, bf16, long", Shape(12, 768, 2048, 12, 12, 8192, tied=False), 2048, 2, "bf16", True),
    Case("one, bf16, LoRA", Shape(12, 1024, 2816, 16, 16, 32000, tied=False), 1024, 2, "bf16", False, lora=True),
    Case("two, fp32", Shape(8, 768, 2048, 12, 12, 8192, tied=False), 512, 2, "fp32", False, ranks=2),
    Case("two, fp32, large vocabulary", Shape(6, 768, 2048, 12, 4, 32000, tied=False), 512, 1, "fp32", True, ranks=2),
    Case("two, bf16", Shape(8, 1024, 2816, 16, 8, 16000, tied=False), 1024, 2, "bf16", False, ranks=2),
    Case("two, bf16, long", Shape(12, 1024, 2816, 16, 16, 8192, tied=False), 2048, 2, "bf16", True, ranks=2),
    Case(
        "two, bf16, LoRA", Shape(12, 1024, 2816, 16, 16, 16000, tied=False), 1024, 2, "bf16", True, ranks=2, lora=True
    ),
]
SMOLLM2 = Shape(30, 576, 1536, 9, 3, 49152, tied=True)
SMALL = Shape(8, 512, 1408, 8, 4, 16000, tied=False)
CASES += [
    Case(f"as trained, {name}", shape, length, examples, "bf16", False, lora=lora, as_trained=True)
    for name, shape, length, examples, lora in [
        ("SmolLM2, LoRA, 128", SMOLLM2, 128, 1, True),
        ("SmolLM2, LoRA, 1461", SMOLLM2, 1461, 1, True),
        ("SmolLM2, LoRA, 4 x 512", SMOLLM2, 512, 4, True),
        ("SmolLM2, 256", SMOLLM2, 256, 1, False),
        ("small, LoRA, 2 x 1024", SMALL, 1024, 2, True),
        ("small, 2 x 1024", SMALL, 1024, 2, False),
        ("small, 512", SMALL, 512, 1, False),
    ]
]


def memory(key: str) -> int:
    """A line of this process's status, in bytes."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[key].split()[0]) << 10


def new_phase() -> None:
    """Let the high-water mark begin again at what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def train(case: Case, path: str, root: str, resumes: bool) -> dict[str, int]:
    """Train as the project does, in this process; the peaks of its phases."""
    import logging
    import warnings

    import pytorch_lightning as pl
    import torch
    from torch.utils.data import DataLoader

    from humpback_exp.artifacts import Manifest
    from humpback_exp.data.loader import StepBatches
    from humpback_exp.data.tokenize import IGNORED, Tokens
    from humpback_exp.modeling.callbacks import BoundedMemory
    from humpback_exp.modeling.checkpoint.save import Checkpoints, checkpoints
    from humpback_exp.modeling.memory import FreedMemory
    from humpback_exp.modeling.module import CausalLMModule
    from humpback_exp.modeling.trainer import build_trainer

    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    peaks: dict[str, int] = {}
    saving = Checkpoints(
        Path(root), Manifest(kind="models", name="memory", fingerprint="", config={}, inputs={}), STEPS, STEPS
    )

    class Phases(pl.Callback):
        def on_train_start(self, *_: Any) -> None:
            peaks["resume" if resumes else "load"] = memory("VmHWM")
            new_phase()

        def on_train_batch_start(self, *_: Any) -> int | None:
            return -1 if resumes else None

    config = case.config(path, root)
    batch = config.optim.batch_size
    module = CausalLMModule(config.model, config.adapter, config.optim, config.trainer, STEPS, config.seed)
    bounded = [BoundedMemory(FreedMemory())] if case.as_trained else []
    trainer = build_trainer(config, batch, STEPS + resumes, [Phases(), *bounded])
    ids = torch.randint(
        0, case.shape.vocabulary, (batch, case.length), generator=torch.Generator().manual_seed(0)
    ).tolist()
    tokens = [Tokens(str(i), row, [IGNORED, *row[1:]]) for i, row in enumerate(ids)]
    batches = StepBatches(
        tokens,
        seed=0,
        batch_size=batch,
        micro_batch=case.micro_batch,
        pad_id=None,
        first_step=lambda: trainer.global_step,
        rank=trainer.global_rank,
        ranks=trainer.world_size,
    )
    before = checkpoints(saving.folder)[0] if resumes else None
    trainer.fit(module, DataLoader(batches, batch_size=None), ckpt_path=before, weights_only=True)
    if not resumes:
        peaks["step"] = memory("VmHWM")
        saving.save(trainer)
    return peaks


def measure(case: Case, folder: Path) -> dict[str, int]:
    """Peaks of the rank that needs most, over a session that trains and one that resumes."""
    make_model(case, folder / "model")
    peaks: dict[str, int] = {}
    freed = {} if case.as_trained else {"MALLOC_MMAP_THRESHOLD_": "262144"}
    for phase in ("train",) if case.as_trained else ("train", "resume"):
        arguments = [str(folder), phase, json.dumps(asdict(case))]
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={case.ranks}"]
        command = [sys.executable, *(launcher if case.ranks > 1 else []), __file__, "--worker", *arguments]
        subprocess.run(command, check=True, env=os.environ | freed | {"OMP_NUM_THREADS": "1"})
        for path in folder.glob(f"{phase}-*.json"):
            for name, size in json.loads(path.read_text()).items():
                peaks[name] = max(peaks.get(name, 0), size)
    return peaks


def make_model(case: Case, path: Path) -> None:
    """A folder with random weights, as the project reads it."""
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = LlamaConfig(
        num_hidden_layers=case.shape.layers,
        hidden_size=case.shape.hidden,
        intermediate_size=case.shape.intermediate,
        num_attention_heads=case.shape.heads,
        num_key_value_heads=case.shape.kv_heads,
        vocab_size=case.shape.vocabulary,
        tie_word_embeddings=case.shape.tied,
        max_position_embeddings=4096,
    )
    LlamaForCausalLM(shape).half().save_pretrained(path)  # as LLaMA is published


@cache
def program_alone(precision: str, ranks: int, lora: bool) -> dict[str, int]:
    """Peaks of the same program with a model of almost nothing."""
    with tempfile.TemporaryDirectory() as folder:
        return measure(
            Case("nothing", Shape(1, 64, 64, 1, 1, 64, tied=False), 64, 1, precision, False, ranks, lora), Path(folder)
        )


def compare(case: Case) -> dict[str, tuple[int, int]]:
    """Phase -> predicted and measured peak, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(case, Path(folder))
        memory = training_memory(case.config(f"{folder}/model", folder))
    if case.as_trained:
        return {"step": (memory.peak, measured["step"])}
    program = program_alone(case.precision, case.ranks, case.lora)
    predicted = {
        "load": memory.load - memory.program,
        "step": memory.in_use,
        "resume": memory.resume - memory.program,
    }
    return {phase: (size, measured[phase] - program[phase]) for phase, size in predicted.items()}


def rows(phase: str, compared: dict[Case, dict[str, tuple[int, int]]]) -> list[dict[str, object]]:
    """A table of one phase."""
    made: list[dict[str, object]] = []
    for case, phases in compared.items():
        if phase not in phases:
            continue
        predicted, measured = phases[phase]
        shape = f"{case.shape.layers} x {case.shape.hidden}, {case.shape.vocabulary}"
        batch = f"{case.micro_batch} x {case.length}{', checkpointed' if case.checkpointing else ''}"
        sizes = {"predicted, MiB": round(predicted / MIB), "measured, MiB": round(measured / MIB)}
        error = f"{100 * (predicted / measured - 1):+.1f} %"
        made.append(
            {"case": case.name, "layers x hidden, vocabulary": shape, "micro-batch": batch} | sizes | {"error": error}
        )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="cases, all by default")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        folder, phase, described = arguments.worker
        fields = json.loads(described)
        case = Case(**fields | {"shape": Shape(**fields["shape"])})
        peaks = train(case, f"{folder}/model", folder, phase == "resume")
        Path(folder, f"{phase}-{os.environ.get('RANK', 0)}.json").write_text(json.dumps(peaks))
        return
    compared = {}
    for case in CASES:
        if not arguments.names or case.name in arguments.names:
            compared[case] = compare(case)
            print(case.name, compared[case], file=sys.stderr, flush=True)
    for phase, title in {"step": "in a step", "load": "before the first step", "resume": "while resuming"}.items():
        print(f"\npeak {title}\n{table(rows(phase, compared))}")


if __name__ == "__main__":
    main()
