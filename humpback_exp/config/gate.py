"""What a scorer must prove on known pairs before it scores all candidates."""

from dataclasses import dataclass, field
from typing import ClassVar

from humpback_exp.config.bounds import PROBABILITY, check_bounds, one_of, require
from humpback_exp.config.dataset import DatasetConfig
from humpback_exp.config.identity import artifact_input, operational
from humpback_exp.config.inference import RubricConfig
from humpback_exp.config.rating import SCORERS, RatingConfig


@dataclass(kw_only=True, slots=True)
class BoundsConfig:
    """The gate: human pairs, which are assumed to be good, and how well a scorer must tell them from corrupted ones before it
    scores all candidates."""

    path: str = artifact_input("examples/heldout.jsonl")
    """The pairs, in any format of data.seed_path. Held-out ones are the honest choice: a model knows its own seed by heart."""
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    """Which part of gate.path is read."""
    pairs: int = 32
    """How many pairs are rated, drawn by the seeded order of their ids. Each pair is rated as it is and corrupted in two ways.
    0 switches the gate off."""
    min_readable: float = operational(0.5, PROBABILITY)
    """The smallest share of readable ratings that passes."""
    min_auc: float = operational(0.6, PROBABILITY)
    """The smallest probability that passes, of a pair being rated above one with another pair's output; 0.5 is chance."""
    min_auc_truncated: float = operational(0.0, PROBABILITY)
    """The same against pairs whose output ends in its middle. There is no bound by default, since a likelihood cannot see what
    is missing."""

    def __post_init__(self) -> None:
        require(
            self.pairs == 0 or self.pairs > 1, "gate.pairs", self.pairs, "must be 0, or 2 and more to mismatch pairs"
        )
        check_bounds(self, "gate.")


@dataclass(kw_only=True, slots=True)
class GateConfig(RatingConfig):
    """known-good pairs + rating model -> gates: may this scorer be trusted with the candidates?"""

    stage: ClassVar[str] = "gate"
    kind: ClassVar[str] = "gates"

    gate: BoundsConfig = field(default_factory=BoundsConfig)
    rubrics: dict[str, RubricConfig] = field(default_factory=dict)
    """Rubrics measured beside the chosen one: +rubric@rubrics.additive=additive. Only the chosen one can stop anything."""
    scorers: list[str] = field(default_factory=list)
    """Scorers measured beside the chosen one."""

    def __post_init__(self) -> None:
        RatingConfig.__post_init__(self)
        require(self.gate.pairs > 0, "gate.pairs", self.gate.pairs, "leaves nothing to measure; give 2 or more")
        for scorer in self.scorers:
            one_of("scorers", scorer, SCORERS)

    @property
    def scorers_used(self) -> set[str]:
        return {self.scorer, *self.scorers}
