"""A loop, estimated instead of run: what its stages need of memory, disk and time, as tables to paste into a request."""

from humpback_exp.config import HardwareConfig, PlanConfig
from humpback_exp.config.bounds import require
from humpback_exp.planning.estimate import estimate_loop
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.machine import GIB, room
from humpback_exp.planning.memory import BATCH, training_memory
from humpback_exp.planning.model_shape import shape_of
from humpback_exp.planning.preflight import check_stages
from humpback_exp.planning.segmentation import Segmentation, segmentation
from humpback_exp.planning.training import Training
from humpback_exp.planning.training_check import NODES, in_words, smallest
from humpback_exp.progress import table
from humpback_exp.workflow import plan_tables
from humpback_exp.workflow.variants import whole_loop


def run(config: PlanConfig) -> None:
    """Print the plan; nothing is started, written or loaded.

    Raises:
        ValueError: nothing says the model's shape, or a stage could not run as it is set.
    """
    hardware, loop = config.hardware, whole_loop(config)
    remedy = (
        "no such folder, and no shape beside its path; make the folder, or set model.layers, model.hidden and the rest"
    )
    require(shape_of(config.model).layers > 0, "model.path", config.model.path, remedy)
    check_stages(loop, here=False)
    made = estimate_loop(config, loop)
    print(title(config))
    trainings = [stage for stage in made.stages if isinstance(stage, Training)]
    generations = [stage for stage in made.stages if isinstance(stage, Generation)]
    first = trainings[0].config
    if corpus := segmentation(config.sizes):
        show(plan_tables.segmentation_rows(corpus))
        show([{"disk of the corpus": name, "TB": size / 1e12} for name, size in corpus.disk.items()], numbers=",.2f")
    show(plan_tables.size_rows(made.sizes, config.sizes.chars_per_token))
    show(plan_tables.memory_rows(first, hardware))
    if hardware.accelerator == "gpu":
        show(plan_tables.host_rows(first))
    show(plan_tables.generation_rows(generations, hardware))
    show(plan_tables.disk_rows(made.folders))
    show(plan_tables.hour_rows(made.stages, hardware), numbers=",.2f")
    print("\n" + "\n".join([*verdict(trainings, generations, hardware), *assumptions(config, corpus)]))


def show(rows: list[plan_tables.Row], numbers: str = ",.1f") -> None:
    print("\n" + table(rows, numbers))


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
            else f"No cluster of {hardware.name} carries it, not even {NODES} nodes."
        )
    if any(made.gpus(hardware) is None for made in generations):
        spread = "use engine=vllm, which spreads a copy over GPUs"
        larger = spread if hardware.accelerator == "gpu" else "use a smaller model"
        lines.append(f"Generation does not fit: {larger}, or lower engine.batch_size to shrink the KV cache.")
    if hardware.accelerator == "gpu":
        lines.append(
            "Generation is one copy of the model; executor.workers=N runs N copies and takes an Nth of the hours."
        )
    return lines


def assumptions(config: PlanConfig, corpus: Segmentation | None) -> list[str]:
    """What the figures rest on beside the sizes above."""
    hardware = config.hardware
    rates = (
        f"{corpus.pages_per_second:,.0f} pages/s a core, {corpus.segments / corpus.pages:.2f} segments a page"
        if corpus
        else ""
    )
    lines = [f"Segmentation: {rates} ({corpus.origin})."] if corpus else []
    links = f"{hardware.link_utilisation:.0%} of {hardware.network / 1e9:g} GB/s a GPU between nodes; "
    return lines + [
        f"Assumed: {hardware.utilisation:.0%} of {hardware.flops / 1e12:g} TFLOP/s in training and reading, "
        f"{hardware.bandwidth_utilisation:.0%} of {hardware.bandwidth / 1e9:,.0f} GB/s in writing; "
        f"{links if config.trainer.nodes > 1 else ''}{config.sizes.chars_per_token:g} characters a token; "
        "a batch lasts until its longest row has written all it may."
    ]
