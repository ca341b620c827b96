"""A loop, weighed instead of run: what its stages need of memory, disk and time, as tables to paste into a request."""

from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import (
    AugmentConfig,
    EvaluateConfig,
    GateConfig,
    HardwareConfig,
    PlanConfig,
    RewriteConfig,
    ScoreConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.data.seed import load_seed
from humpback_exp.planning import shape_of
from humpback_exp.planning import tables as made
from humpback_exp.planning.cluster import in_words, smallest
from humpback_exp.planning.disk import data_folder, model_folder
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.machine import GIB, room
from humpback_exp.planning.memory import BATCH, training_memory
from humpback_exp.planning.requests import (
    MARKS,
    augment_requests,
    evaluate_requests,
    gate_requests,
    rewrite_requests,
    score_requests,
)
from humpback_exp.planning.sizes import Found, Sizes, sizes_of
from humpback_exp.planning.training import Training
from humpback_exp.progress import table
from humpback_exp.prompts import BACKWARD
from humpback_exp.stages.train import schedule
from humpback_exp.stages.variants import whole_loop


def run(config: PlanConfig) -> None:
    """Print the plan; nothing is started, written or loaded."""
    hardware, loop = config.hardware, whole_loop(config)
    sizes = sizes_of(config, found(config, loop))
    stages = [weighed for stage in loop if (weighed := weigh(stage, config, sizes))]
    trainings = [stage for stage in stages if isinstance(stage, Training)]
    generations = [stage for stage in stages if isinstance(stage, Generation)]
    texts = [folder for stage in loop if (folder := data_folder(stage, config, sizes))]
    folders = [*texts, *(model_folder(training) for training in trainings)]
    print(title(config))
    show(made.size_rows(sizes, config.sizes.chars_per_token))
    show(made.memory_rows(trainings[0].config, hardware))
    if hardware.accelerator == "gpu":
        show(made.host_rows(trainings[0].config))
    show(made.generation_rows(generations, hardware))
    show(made.disk_rows(folders))
    show(made.hour_rows(stages, hardware), numbers=",.2f")
    print("\n" + "\n".join([*verdict(trainings, generations, hardware), *assumptions(config)]))


def show(rows: list[made.Row], numbers: str = ",.1f") -> None:
    print("\n" + table(rows, numbers))


def weigh(stage: StageConfig, config: PlanConfig, sizes: Sizes) -> Training | Generation | None:
    """A stage with its work; None for those that take neither a GPU nor much time."""
    shape = shape_of(config.model)
    match stage:
        case TrainConfig():
            return training(stage, config, sizes)
        case AugmentConfig():
            name = "augment" if stage.name == "web" else f"augment {stage.name}"
            return Generation(name, shape, config.engine, augment_requests(config, sizes))
        case GateConfig():
            return Generation(f"gate {stage.name}", shape, config.engine, gate_requests(config, sizes, stage))
        case ScoreConfig():
            return Generation(f"score {stage.name}", shape, config.engine, score_requests(config, sizes, stage))
        case RewriteConfig():
            return Generation(f"rewrite {stage.name}", shape, config.engine, rewrite_requests(config, sizes))
        case EvaluateConfig():
            requests = evaluate_requests(config, sizes, compares=stage.reference is not None)
            return Generation(f"evaluate {stage.name}", shape, config.engine, requests)
    return None


def training(stage: TrainConfig, config: PlanConfig, sizes: Sizes) -> Training:
    """A model with the examples it is trained on: the seed, with what was selected from M1 on."""
    parts = [sizes.seed] if stage.data.scored is None else [sizes.seed, sizes.curated]
    examples = sum(rows.count for rows in parts)
    own = len(BACKWARD) if stage.data.direction == "backward" else 0
    chars = sum(rows.count * (own + rows.instruction + rows.output) for rows in parts) / examples
    mean = min(chars / config.sizes.chars_per_token + MARKS, stage.data.max_length)
    return Training(stage, examples, mean, *schedule(stage.optim, examples))


def found(config: PlanConfig, loop: list[StageConfig]) -> dict[str, Found]:
    """What can be counted already: files of pairs, and finished folders of the loop."""
    counted: dict[str, Found] = {}
    for name, path in {"seed": config.data.seed_path, "heldout": config.heldout}.items():
        if path and Path(path).is_file():
            counted[name] = len(load_seed(path)), path
    stages = [stage for stage in loop if (stage.folder / "manifest.json").exists()]
    for stage in stages:
        rows = artifacts.load(stage.folder).rows
        if stage.kind == "segments":
            counted["segments"] = rows["segments"], str(stage.folder)
        elif stage.kind == "curated":
            counted["curated"] = rows["curated"], str(stage.folder)
    return counted


def title(config: PlanConfig) -> str:
    shape, trainer = shape_of(config.model), config.trainer
    examples = trainer.pass_size(config.optim.batch_size or BATCH, config.data.max_length)
    kind = "LoRA" if config.adapter.kind == "lora" else "full fine-tuning"
    where = f"{trainer.nodes} x {trainer.devices} {config.hardware.name}"
    return (
        f"{config.model.path}, {shape.parameters / 1e9:.2f} billion parameters, {kind}, {trainer.strategy} on {where}, "
        f"passes of {examples} x {config.data.max_length} tokens at most"
    )


def verdict(trainings: list[Training], generations: list[Generation], hardware: HardwareConfig) -> list[str]:
    """What fits, and the smallest cluster training fits on."""
    config, memory = trainings[0].config, hardware.memory * GIB
    fits = training_memory(config).peak <= room(memory, hardware.accelerator, config.trainer.devices)
    lines = [f"Training {'fits' if fits else 'does not fit'} {hardware.memory:g} GiB."]
    if hardware.accelerator == "gpu":
        nodes = smallest(config, memory, min(training.batch for training in trainings))
        lines.append(
            f"Smallest cluster that carries it under ZeRO-3: {nodes} node(s) of 8 x {hardware.name} ({in_words(nodes)})."
            if nodes
            else f"No cluster of {hardware.name} carries it: a step's examples cannot be split over more ranks."
        )
    if any(made.gpus(hardware) != 1 for made in generations):
        lines.append(
            "Generation runs on one GPU or machine in this version: what needs more is counted as one copy split over it; "
            "lower engine.batch_size to shrink the KV cache."
        )
    return lines


def assumptions(config: PlanConfig) -> list[str]:
    """What the figures rest on beside the sizes above."""
    hardware = config.hardware
    links = f"{hardware.link_utilisation:.0%} of {hardware.network / 1e9:g} GB/s a GPU between nodes; "
    return [
        f"Assumed: {hardware.utilisation:.0%} of {hardware.flops / 1e12:g} TFLOP/s in training and reading, "
        f"{hardware.bandwidth_utilisation:.0%} of {hardware.bandwidth / 1e9:,.0f} GB/s in writing; "
        f"{links if config.trainer.nodes > 1 else ''}{config.sizes.chars_per_token:g} characters a token; "
        "a batch lasts until its longest row has written all it may."
    ]
