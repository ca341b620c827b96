"""What is asked of this machine before anything is started: can it run the stage, and the gate before a cluster's scoring?"""

from collections.abc import Sequence

from humpback_exp.config import (
    AugmentConfig,
    BulkConfig,
    EvaluateConfig,
    GateConfig,
    RewriteConfig,
    ScoreConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.planning.check import check
from humpback_exp.planning.engines import check_engine, check_workers


def check_machine(config: StageConfig) -> None:
    """Raise the ValueError of `planning` for a model that is still to be trained or run here, and cannot be."""
    if (config.folder / "manifest.json").exists():
        return
    if isinstance(config, TrainConfig):
        check(config)
    elif isinstance(config, GateConfig | EvaluateConfig):
        check_engine(config.engine)
    elif isinstance(config, AugmentConfig | ScoreConfig | RewriteConfig):
        if config.executor.name == "local":  # a cluster's workers check themselves: their GPUs need not be here
            check_engine(config.engine)
            check_workers(config.engine, config.executor)


def check_gate(stages: Sequence[StageConfig]) -> None:
    """Raise the ValueError of a gate that this machine cannot run, though a cluster does its scoring, and say what can be done."""
    if not any(isinstance(stage, BulkConfig) and stage.executor.name != "local" for stage in stages):
        return
    for gate in stages:
        if isinstance(gate, GateConfig) and gate.engine.name != "openai":
            try:
                check_machine(gate)
            except ValueError as error:
                raise ValueError(
                    f"{error}; or run the gate first on a node with one: python gate.py output_root={gate.output_root} "
                    f"name={gate.name} model_path={gate.model_path} scorer={gate.scorer} engine={gate.engine.name} "
                    f"engine.device={gate.engine.device}, and the other options of rating given here; "
                    "this command then only checks it"
                ) from None
