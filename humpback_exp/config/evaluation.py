"""Which measurements an evaluation takes, and which settings concern which of them."""

import re
from dataclasses import dataclass

from humpback_exp.config.bounds import one_of, require
from humpback_exp.config.identity import artifact_input, operational
from humpback_exp.config.stage_base import StageConfig

PAIRS = ("heldout", "heldout_dataset")
CONCERNS: dict[str, tuple[str, ...]] = {
    "heldout": PAIRS,
    "heldout_change": (*PAIRS, "reference"),
    "judge": (*PAIRS, "reference", "judge"),
    "heldout_sets": ("heldout_sets", "reference"),
    "question_selection": (*PAIRS, "heldout_sets", "reference"),
}
"""Measurement -> keys, or beginnings of keys, of the settings that identify it. All other settings identify every
measurement: the model, its tags, how it samples."""
IMPLIED = ("heldout_change", "heldout_sets")
"""Measurements that are taken without being named: where there is a reference, and where there are further sets."""
SET_NAME = re.compile(r"[a-z0-9_-]+")


def concerns(measurement: str) -> tuple[str, ...]:
    """The keys of `CONCERNS`."""
    return CONCERNS[measurement]


@dataclass(kw_only=True)  # without slots, so that subclasses with more fields may have them
class MeasuringConfig(StageConfig):
    """What evaluate.py and the loop share: the measurements of a model, by name, and the settings of each."""

    evaluations: list[str] | None = operational(None)
    """Measurements to take, such as [heldout,judge]; those that the folder holds already are not taken again. None takes the
    held-out loss, and the judge's verdicts where judge.path is set. docs/evaluation.md lists all."""

    heldout_sets: dict[str, str] = artifact_input(dict, gained=True)
    """Further held-out pairs by name, as heldout_sets.general=FILE: a file or folder in any format of data.seed_path, with
    outputs. Each set has its own loss and change, and what else is measured on pairs."""

    def check_evaluations(self) -> None:
        """Raise the ValueError of a measurement that does not exist, or of a set whose name cannot be a file's."""
        for name in self.heldout_sets:
            fits = SET_NAME.fullmatch(name) is not None and name != "heldout"
            require(fits, "heldout_sets", name, "name a set by a-z, 0-9, _ and -, and none `heldout`")
        for name in self.evaluations or []:
            one_of("evaluations", name, tuple(each for each in CONCERNS if each not in IMPLIED))
