"""What a plan prints: rows of short tables, each figure with its unit in the heading."""

from collections.abc import Sequence

from humpback_exp.config import HardwareConfig, TrainConfig
from humpback_exp.planning.disk import Folder, whole_disk
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.machine import GIB, NODE, room
from humpback_exp.planning.memory import training_memory
from humpback_exp.planning.node_memory import node_memory
from humpback_exp.planning.segmentation import NODES, Segmentation
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
            "instruction, tokens": round(rows.instruction / per_token),
            "output, tokens": round(rows.output / per_token),
            "rows are": rows.origin,
        }
        for name, rows in named.items()
    ]


def segmentation_rows(work: Segmentation) -> list[Row]:
    """A corpus on one node and on more, each of 64 cores."""
    return [
        {
            "segmentation": f"{work.pages:,} pages",
            "nodes": nodes,
            "core-hours": work.core_hours,
            "hours": work.hours(nodes),
            "of these the search for duplicates": work.closing_hours,
        }
        for nodes in NODES
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
        "a layer going backward": memory.layer,
        "logits and their gradients": memory.loss,
        "update": memory.update,
        "program": memory.program,
        "freed blocks kept": memory.holes,
        "peak at load": memory.load,
        "peak in a step": memory.peak,
        "peak at resume": memory.resume,
        f"usable of {hardware.memory:g}": room(hardware.memory * GIB, hardware.accelerator, config.trainer.devices),
    }
    return [{"training, a rank": name, "GiB": size / GIB} for name, size in parts.items()]


def host_rows(config: TrainConfig) -> list[Row]:
    """Main memory of a node with GPUs."""
    node = node_memory(config)
    parts = {"at load": node.load, "in training": node.training, "at resume": node.resume, "at export": node.export}
    return [{"main memory, a node": name, "GiB": size / GIB} for name, size in parts.items()]


def generation_rows(generations: Sequence[Generation], hardware: HardwareConfig) -> list[Row]:
    """A copy of the model that generates or scores, at the engine's batch."""
    return [
        {
            "generation": made.name,
            "rows at a time": made.rows(hardware),
            "tokens a row": f"{made.row:,}",
            "weights, GiB": made.weights / GIB,
            "KV cache, GiB": made.rows(hardware) * made.cached_row / GIB,
            "working, GiB": made.working / GIB,
            "GPUs a copy" if hardware.accelerator == "gpu" else "fits": made.gpus(hardware) or "no",
        }
        for made in generations
    ]


def disk_rows(folders: Sequence[Folder]) -> list[Row]:
    """What stays, and the most there is at a time."""
    return [
        {"disk": f.name, "stays, GiB": f.kept / GIB, "at most, GiB": f.most / GIB, "written, GiB": f.written / GIB}
        for f in [*folders, whole_disk(folders)]
    ]


def hour_rows(stages: Sequence[Stage], hardware: HardwareConfig) -> list[Row]:
    """Time of every stage, one after another."""
    rows = [_hours(stage, hardware) for stage in stages]
    summed = [name for name in ("million tokens", "hours", "GPU-hours") if name in rows[0]]
    total: Row = {"stage": "the loop"}
    return [*rows, total | {name: sum(float(str(row[name])) for row in rows) for name in summed}]


def _hours(stage: Stage, hardware: HardwareConfig) -> Row:
    hours = stage.seconds(hardware) / 3600
    row: Row = {"stage": stage.name, "work": stage.work, "million tokens": stage.tokens / 1e6, "hours": hours}
    if hardware.accelerator == "cpu":
        return row
    gpus = stage.ranks if isinstance(stage, Training) else stage.gpus(hardware) or NODE
    return row | {"GPUs": gpus, "GPU-hours": hours * gpus}
