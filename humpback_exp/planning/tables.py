"""What a plan prints: rows of short tables, each figure with its unit in the heading."""

from collections.abc import Sequence

from humpback_exp.config import HardwareConfig, TrainConfig
from humpback_exp.planning.disk import Folder
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.host import node_memory
from humpback_exp.planning.machine import GIB, USABLE
from humpback_exp.planning.memory import training_memory
from humpback_exp.planning.sizes import Sizes
from humpback_exp.planning.training import Training

Row = dict[str, object]
Stage = Training | Generation


def size_rows(sizes: Sizes, per_token: float) -> list[Row]:
    """The data of the loop, and who says so."""
    named = {"seed": sizes.seed, "candidates": sizes.candidates, "curated": sizes.curated, "held-out": sizes.heldout}
    return [
        {
            "pairs": name,
            "rows": f"{rows.count:,}",
            "instruction, tokens": f"{rows.instruction / per_token:.0f}",
            "output, tokens": f"{rows.output / per_token:.0f}",
            "number": rows.origin,
        }
        for name, rows in named.items()
    ]


def memory_rows(config: TrainConfig, hardware: HardwareConfig) -> list[Row]:
    """Memory of a rank by part, and its peaks beside what there is."""
    memory = training_memory(config)
    parts = {
        "weights": memory.weights,
        "gradients": memory.gradients,
        "optimiser states": memory.optimiser,
        "gradient buckets": memory.buckets,
        "gathered layers": memory.gathered,
        "activations": memory.activations,
        "logits": memory.logits,
        "end of a step": memory.update,
        "peak at load": memory.load,
        "peak in a step": memory.peak,
        "peak at resume": memory.resume,
        f"usable of {hardware.memory:g}": USABLE * hardware.memory * GIB,
    }
    return [{"training, a rank": name, "GiB": gib(size)} for name, size in parts.items()]


def host_rows(config: TrainConfig) -> list[Row]:
    """Main memory of a node with GPUs."""
    node = node_memory(config)
    parts = {"at load": node.load, "in training": node.training, "at resume": node.resume, "at export": node.export}
    return [{"main memory, a node": name, "GiB": gib(size)} for name, size in parts.items()]


def generation_rows(generations: Sequence[Generation], hardware: HardwareConfig) -> list[Row]:
    """A copy of the model that generates or scores, at the engine's batch."""
    return [
        {
            "generation": made.name,
            "rows a batch": made.engine.batch_size,
            "tokens a row": f"{made.row:,}",
            "weights, GiB": gib(made.weights),
            "KV cache, GiB": gib(made.cache),
            "working, GiB": gib(made.working),
            "GPUs a copy": made.gpus(hardware) or "no node holds it",
        }
        for made in generations
    ]


def disk_rows(folders: Sequence[Folder]) -> list[Row]:
    """What stays, and the most there is at a time: models are made one after another."""
    kept = sum(folder.kept for folder in folders)
    whole = Folder("the loop", kept, kept + max(f.most - f.kept for f in folders), sum(f.written for f in folders))
    return [
        {"disk": f.name, "stays, GiB": gib(f.kept), "at most, GiB": gib(f.most), "written, GiB": gib(f.written)}
        for f in [*folders, whole]
    ]


def hour_rows(stages: Sequence[Stage], hardware: HardwareConfig) -> list[Row]:
    """Time of every stage, one after another."""
    rows = [_hours(stage, hardware) for stage in stages]
    hours, gpu_hours = sum(row[0] for row in rows), sum(row[0] * row[1] for row in rows)
    total = {"stage": "the loop", "work": "", "tokens, million": "", "GPUs": "", "hours": _round(hours)}
    return [
        {
            "stage": stage.name,
            "work": stage.work,
            "tokens, million": f"{stage.tokens / 1e6:,.1f}",
            "GPUs": gpus,
            "hours": _round(hours),
            "GPU-hours": _round(hours * gpus),
        }
        for stage, (hours, gpus) in zip(stages, rows, strict=True)
    ] + [total | {"GPU-hours": _round(gpu_hours)}]


def _hours(stage: Stage, hardware: HardwareConfig) -> tuple[float, int]:
    gpus = stage.ranks if isinstance(stage, Training) else stage.gpus(hardware) or 8
    return stage.seconds(hardware) / 3600, gpus if hardware.accelerator == "gpu" else 1


def _round(hours: float) -> str:
    return f"{hours:,.2f}" if hours < 10 else f"{hours:,.0f}"


def gib(size: float) -> str:
    return f"{size / GIB:,.1f}"
