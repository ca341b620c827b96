"""What is asked of this machine before anything is started: can it run the stages, and the gate before a cluster's scoring?"""

from collections.abc import Mapping, Sequence

from humpback_exp import artifacts
from humpback_exp.config import (
    AugmentConfig,
    BulkConfig,
    DatasetConfig,
    EvaluateConfig,
    GateConfig,
    ModelConfig,
    RewriteConfig,
    ScoreConfig,
    SegmentConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.data.seed import check_pairs, check_questions, check_size
from humpback_exp.planning.benchmarks import check_benchmarks
from humpback_exp.planning.engine_check import check_engine, check_models, check_workers
from humpback_exp.planning.input_check import all_pinned, check_inputs, check_judges
from humpback_exp.planning.training_check import check_training

ASKING = (GateConfig, EvaluateConfig, AugmentConfig, ScoreConfig, RewriteConfig)
"""Stages that ask a model."""


def prepared(stages: Sequence[StageConfig]) -> list[StageConfig]:
    """The stages with their Hub datasets at a commit, once this machine can run them and all that they read is there.

    Raises:
        ValueError: names everything that is missing, the machine first.
    """
    problems = []
    for check_all in (check_stages, check_inputs, check_judges):
        try:
            check_all(stages)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("; and ".join(dict.fromkeys(problems)))
    stages = all_pinned(stages)
    for stage in stages:
        check_pairs_of(stage)
    return stages


def check_stages(stages: Sequence[StageConfig], here: bool = True) -> None:
    """Raise the ValueError of the first stage that cannot run, though it may depend on models that are still to be made.

    Args:
        here: whether they run on this machine; a cluster's GPUs are not asked for, and what divides is checked all the same.
    """
    made: dict[str, ModelConfig] = {}
    for stage in stages:
        if isinstance(stage, TrainConfig):
            made |= {str(stage.folder): stage.model, stage.model.path: stage.model}
        check_pairs_of(stage)
    for on_this_machine in (False, True) if here else (False,):  # what no machine can run comes first
        for stage in stages:
            check_machine(stage, made, on_this_machine)


def check_pairs_of(stage: StageConfig) -> None:
    """Raise the ValueError of unreadable pairs, or of fewer than a stage that is still to be run asks for.

    Pairs that another stage makes are looked at once they are there.
    """
    if artifacts.is_finished(stage.folder):
        return
    if isinstance(stage, TrainConfig):
        if stage.data.seed_path is not None:
            check_pairs(stage.data.seed_path, "data.seed_path", stage.data.dataset)
        check_size(stage.data)
    elif isinstance(stage, GateConfig):
        check_pairs(stage.gate.path, "gate.path", stage.gate.dataset)
    elif isinstance(stage, EvaluateConfig):
        if "heldout" in stage.measurements and stage.heldout is not None:
            check_pairs(stage.heldout, "heldout", stage.heldout_dataset)
        if "question_selection" in stage.measurements and stage.heldout is not None:
            check_questions(stage.heldout, "heldout", stage.heldout_dataset)
            for name, path in stage.heldout_sets.items():
                check_questions(path, f"heldout_sets.{name}", DatasetConfig())


def check_later(done: StageConfig, later: Sequence[StageConfig]) -> None:
    """Raise the ValueError of pairs that `done` held out, and that are too few for a stage after it."""
    if isinstance(done, SegmentConfig):
        for stage in later:
            check_pairs_of(stage)


def check_machine(stage: StageConfig, made: Mapping[str, ModelConfig] | None = None, here: bool = True) -> None:
    """Raise the ValueError of a model that is still to be trained or run, and cannot be; arguments as in `check_stages`."""
    if artifacts.is_done(stage):
        return
    if isinstance(stage, TrainConfig) and here:
        check_training(stage)
    if isinstance(stage, EvaluateConfig):
        check_benchmarks(stage)
    if isinstance(stage, ASKING):
        local = here and not (isinstance(stage, BulkConfig) and stage.executor.name != "local")
        if local:  # a cluster's workers check themselves: their GPUs need not be here
            check_engine(stage.engine)
        judge = stage.judge.engine if isinstance(stage, EvaluateConfig) and stage.reference else None
        if judge and "judge" in stage.measurements:
            check_engine(judge)
        if local and isinstance(stage, BulkConfig):
            check_workers(stage.engine, stage.executor)
        check_models(stage, made or {}, local)


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
