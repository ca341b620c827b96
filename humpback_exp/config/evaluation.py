"""Which measurements an evaluation takes, and which settings concern which of them."""

from dataclasses import dataclass

from humpback_exp.config.bounds import one_of
from humpback_exp.config.identity import operational
from humpback_exp.config.stage_base import StageConfig

PAIRS = ("heldout", "heldout_dataset")
CONCERNS: dict[str, tuple[str, ...]] = {
    "heldout": PAIRS,
    "heldout_change": (*PAIRS, "reference"),
    "judge": (*PAIRS, "reference", "judge"),
}
"""Measurement -> keys, or beginnings of keys, of the settings that identify it. All other settings identify every
measurement: the model, its tags, how it samples."""
IMPLIED = ("heldout_change",)
"""Measurements that are taken without being named: heldout takes this one where there is a reference."""


def concerns(measurement: str) -> tuple[str, ...]:
    """The keys of `CONCERNS`."""
    return CONCERNS[measurement]


@dataclass(kw_only=True)  # without slots, so that subclasses with more fields may have them
class MeasuringConfig(StageConfig):
    """What evaluate.py and the loop share: the measurements of a model, by name, and the settings of each."""

    evaluations: list[str] | None = operational(None)
    """Measurements to take, such as [heldout,judge]; those that the folder holds already are not taken again. None takes the
    held-out loss, and the judge's verdicts where judge.path is set. docs/evaluation.md lists all."""

    def check_evaluations(self) -> None:
        """Raise the ValueError of a measurement that does not exist."""
        for name in self.evaluations or []:
            one_of("evaluations", name, tuple(each for each in CONCERNS if each not in IMPLIED))
