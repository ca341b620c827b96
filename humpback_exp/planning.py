"""What a training run needs and what this machine has, known before anything is loaded. Torch-free, so it answers at once."""

import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from humpback_exp.config import ModelConfig, TrainConfig

GIB = 1 << 30
GPU_GIB = 80
"""The GPU that suggestions are made for."""
USABLE = 0.92
"""Share of a GPU left after the CUDA context, communication buffers and fragmentation (ours)."""
MOST_NODES = 64
LLAMA_KEYS = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "vocab_size")


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama-shaped model."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    tied: bool

    @property
    def parameters(self) -> int:
        """Exact count: embeddings, and per layer the attention, gated MLP and norm weights (arXiv 2302.13971)."""
        kv = self.hidden * self.kv_heads // self.heads
        layer = 2 * self.hidden**2 + 2 * self.hidden * kv + 3 * self.hidden * self.intermediate + 2 * self.hidden
        return self.vocabulary * self.hidden * (1 if self.tied else 2) + self.layers * layer + self.hidden


def shape_of(model: ModelConfig) -> Shape:
    """The shape in the model folder, or the config's where the path is a Hub id."""
    path = Path(model.path) / "config.json"
    if not path.exists():
        fields = (model.layers, model.hidden, model.intermediate, model.heads, model.kv_heads, model.vocabulary)
        return Shape(*fields, tied=model.tied)
    held = json.loads(path.read_text())
    missing = [name for name in LLAMA_KEYS if name not in held]
    if missing:
        raise ValueError(f"model.path={model.path}: no Llama-shaped model, its config.json lacks {', '.join(missing)}")
    return Shape(
        held["num_hidden_layers"],
        held["hidden_size"],
        held["intermediate_size"],
        held["num_attention_heads"],
        held.get("num_key_value_heads") or held["num_attention_heads"],
        held["vocab_size"],
        tied=bool(held.get("tie_word_embeddings", False)),
    )


def training_bytes(config: TrainConfig) -> dict[str, int]:
    """Memory of one rank by part, in bytes.

    Full fine-tuning holds 16 bytes a parameter: weights, gradients and Adam's two moments in fp32, or under ZeRO-3
    bf16 weights and gradients with an fp32 master copy, split over the ranks. LoRA's own parameters are few enough to
    be left out. Activations are those of one micro-batch at full length; with checkpointing one layer's and the inputs
    of the others.
    """
    shape, trainer = shape_of(config.model), config.trainer
    count = shape.parameters
    ranks = trainer.devices * trainer.nodes if trainer.strategy.startswith("zero3") else 1
    frozen = config.adapter.kind == "lora"
    weight = 2 if config.model.dtype == "bfloat16" or ranks > 1 else 4
    states = 0 if frozen else 16 - weight
    tokens = trainer.pass_size(config.optim.batch_size or 32, config.data.max_length) * config.data.max_length
    width = 2 if trainer.precision == "bf16" else 4
    layer = tokens * width * (16 * shape.hidden + 4 * shape.intermediate)
    saved = (
        shape.layers * tokens * shape.hidden * width + layer if trainer.gradient_checkpointing else shape.layers * layer
    )
    gathered = 2 * weight * (count // max(shape.layers, 1)) if ranks > 1 else 0
    return {
        "weights": weight * count // ranks,
        "gradients and optimiser": 0 if trainer.strategy == "zero3_offload" else states * count // ranks,
        "gathered layers": gathered,
        "activations": saved,
        "logits": tokens * shape.vocabulary * 8,
    }


def gpu_memories() -> list[int]:
    """Memory of each GPU of this machine in bytes, as the driver's own tool tells it; empty without one."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    result = subprocess.run(query, capture_output=True, text=True)
    return [int(line) << 20 for line in result.stdout.split()] if result.returncode == 0 else []


def host_memory() -> int:
    """Bytes of main memory that are free or can be freed."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no MemAvailable in /proc/meminfo")


def check(config: TrainConfig) -> None:
    """Raise the ValueError that says what a run needs, what is there and what to do, if this machine cannot carry it."""
    shape, trainer = shape_of(config.model), config.trainer
    if shape.layers == 0:
        return
    need = sum(training_bytes(config).values())
    run = f"{config.model.path} ({shape.parameters / 1e9:.2f} billion parameters, {_trainer(config)})"
    if trainer.accelerator == "cpu":
        there = host_memory()
        if need * trainer.devices > there:
            raise ValueError(
                f"model.path={run}: needs {_gib(need * trainer.devices)} of main memory, {_gib(there)} are free; "
                f"use {suggestion(config)}, a smaller model= or adapter=lora"
            )
        return
    gpus = gpu_memories()
    if len(gpus) < trainer.devices or need > USABLE * min(gpus):
        here = "trainer=cpu" if need < host_memory() / 2 else "model=smollm2 adapter=lora trainer=cpu"
        has = f"{len(gpus)} x {_gib(min(gpus))}" if gpus else "no GPU"
        raise ValueError(
            f"model.path={run}: needs {trainer.devices} GPUs of {_gib(need / USABLE)} on each of {trainer.nodes} node(s), "
            f"this machine has {has}; use {suggestion(config)}, or on this machine {here}"
        )


def suggestion(config: TrainConfig) -> str:
    """The smallest number of 8-GPU nodes that carries the run under ZeRO-3, in the words of the command line."""
    nodes = 1
    while nodes <= MOST_NODES:
        trainer = replace(
            config.trainer, accelerator="gpu", devices=8, nodes=nodes, strategy="zero3", gradient_checkpointing=True
        )
        if sum(training_bytes(replace(config, trainer=trainer)).values()) <= USABLE * GPU_GIB * GIB:
            return (
                f"{nodes} node(s) of 8 x {GPU_GIB} GB (trainer=zero3{f' trainer.nodes={nodes}' if nodes > 1 else ''})"
            )
        nodes *= 2
    return f"more than {MOST_NODES} nodes of 8 x {GPU_GIB} GB"


def _trainer(config: TrainConfig) -> str:
    return f"{config.adapter.kind if config.adapter.kind == 'lora' else 'full'} fine-tuning, {config.trainer.strategy}"


def _gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"
