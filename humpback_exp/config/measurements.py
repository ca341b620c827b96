"""Which measurements an evaluation takes, and which settings concern which of them."""

import re
from dataclasses import dataclass

from humpback_exp.config.bounds import POSITIVE, bounded, check_bounds, require
from humpback_exp.config.identity import artifact_input, gained, operational
from humpback_exp.config.stage_base import StageConfig

PAIRS = ("heldout", "heldout_dataset")
CONCERNS: dict[str, tuple[str, ...]] = {
    "heldout": PAIRS,
    "heldout_change": (*PAIRS, "reference"),
    "judge": (*PAIRS, "reference", "stored_answers", "judge"),
    "heldout_sets": ("heldout_sets", "reference"),
    "safety": ("sensitive",),
    "question_selection": (*PAIRS, "heldout_sets", "reference"),
}
"""Measurement -> keys, or beginnings of keys, of the settings that identify it. All other settings identify every
measurement: the model, its tags, how it samples."""
IMPLIED = ("heldout_change", "heldout_sets")
"""Measurements that are taken without being named: where there is a reference, and where there are further sets."""
FILES = {"heldout": "data", "judge": "model_outputs.json", "question_selection": "question_losses"}
"""Measurement -> what in an evaluation's folder says that it was begun; any other one has a folder of its name."""
OTHER_QUESTIONS = 4
"""Of question selection, beside the right one."""
SET_NAME = re.compile(r"[a-z0-9_-]+")
BENCHMARKS = {
    "siqa": "social_iqa",
    "piqa": "piqa",
    "arc_e": "arc_easy",
    "arc_c": "arc_challenge",
    "obqa": "openbookqa",
    "mmlu": "mmlu",
    "crows_pairs": "crows_pairs_english",
    "ifeval": "ifeval",
}
"""Measurement -> task of lm-eval. Any other task is `lm_eval/TASK`; `_5shot` behind a name asks with five examples."""
SHOTS = re.compile(r"(.+)_(\d+)shot")


def benchmark(measurement: str) -> tuple[str, int | None] | None:
    """Task of lm-eval and number of examples, None for the task's own; None for what is no benchmark."""
    found = SHOTS.fullmatch(measurement)
    name, shots = (found[1], int(found[2])) if found else (measurement, None)
    task = name.removeprefix("lm_eval/") if name.startswith("lm_eval/") else BENCHMARKS.get(name)
    return (task, shots) if task else None


def concerns(measurement: str) -> tuple[str, ...]:
    """The keys of `CONCERNS`; those of every benchmark are the same."""
    return ("benchmarks",) if benchmark(measurement) else CONCERNS[measurement]


@dataclass(kw_only=True, slots=True)
class BenchmarksConfig:
    """How benchmarks are asked, through lm-eval (docs/evaluation.md)."""

    chat_template: bool | None = None
    """Whether questions are asked in the model's chat template, under its tags, which moves scores. None: where it has one."""
    limit: int | None = bounded(None, POSITIVE)
    """Questions of each task; None asks all. For trials only."""
    data: str | None = operational(None)
    """A folder of questions, TASK/SPLIT.jsonl or .parquet in the columns of the Hub's; None takes them from the Hub."""
    tasks: str | None = operational(None)
    """A folder of task files of your own in lm-eval's format, for evaluations=[lm_eval/TASK]."""

    def __post_init__(self) -> None:
        check_bounds(self, "benchmarks.")


@dataclass(kw_only=True)  # without slots, so that subclasses with more fields may have them
class MeasuringConfig(StageConfig):
    """What evaluate.py and the loop share: the measurements of a model, by name, and the settings of each."""

    evaluations: list[str] | None = operational(None)
    """Measurements to take, such as [heldout,judge]; those that the folder holds already are not taken again. None takes the
    held-out loss, and the judge's verdicts where judge.path is set. docs/evaluation.md lists all."""

    benchmarks: BenchmarksConfig = gained(BenchmarksConfig)
    sensitive: str = artifact_input("examples/sensitive.jsonl", gained=True)
    """Prompts of the measurement safety, in any format of data.seed_path, without outputs."""
    heldout_sets: dict[str, str] = artifact_input(dict, gained=True)
    """Further held-out pairs by name, as +heldout_sets.general=FILE: a file or folder in any format of data.seed_path, with
    outputs. Each set has its own loss and change, and what else is measured on pairs."""

    def check_evaluations(self) -> None:
        """Raise the ValueError of a measurement that does not exist, or of a set whose name cannot be a file's."""
        for name in self.heldout_sets:
            fits = SET_NAME.fullmatch(name) is not None and name != "heldout"
            require(fits, "heldout_sets", name, "name a set by a-z, 0-9, _ and -, and none `heldout`")
        named = (*(each for each in CONCERNS if each not in IMPLIED), *BENCHMARKS)
        for name in self.evaluations or []:
            bound = f"must be one of {', '.join(named)}, or lm_eval/TASK"
            require(name in named or benchmark(name) is not None, "evaluations", name, bound)
