"""Self-curation: who rates, what a rater must prove first, what is scored, what is kept."""

from dataclasses import dataclass, field, fields
from typing import ClassVar

from humpback_exp.config.bounds import (
    NOT_NEGATIVE,
    POSITIVE,
    PROBABILITY,
    bounded,
    check_bounds,
    choice,
    one_of,
    require,
)
from humpback_exp.config.dataset import DatasetConfig
from humpback_exp.config.identity import artifact_input, operational
from humpback_exp.config.inference import EngineConfig, GenerationConfig, RubricConfig
from humpback_exp.config.stage_base import BulkConfig, StageConfig
from humpback_exp.config.training import check_selection

SCORERS = ("generated", "expected", "likelihood")
"""What a model can do."""
GIVEN = "given"
LIKELIHOODS = {
    "forward": ("forward",),
    "backward": ("backward",),
    "both": ("forward", "backward"),
    "contrast": ("contrast",),
    "forward_contrast": ("forward", "contrast"),
}
"""Choice of `likelihood` -> the measures whose mean rank is the score; columns of a ScoredCandidate."""


@dataclass(kw_only=True, slots=True)
class RatingConfig(StageConfig):
    """Who rates pairs, and how: what scoring shares with its gate."""

    offered: ClassVar[tuple[str, ...]] = SCORERS
    """What `scorer` may be."""

    model_path: str = artifact_input("outputs/models/m0")
    """The rating model, M_(t-1)."""
    scorer: str = "generated"
    """generated: a written rating (the paper). expected: the mean of the levels, each weighed by its probability where the
    written one would stand; one reading of the prompt. likelihood: no rubric, but how well instruction and output go together."""
    likelihood: str = bounded("forward", choice(*LIKELIHOODS))
    """forward: nats a token the instruction saves on the output, under the rating model. backward: minus the loss of the
    instruction given the output, nats a token, under the backward model. contrast: loss of the output under the base model less
    its loss under the rating model, nats a token: how much the pair has of the seed's style (after Moore and Lewis 2010). both and
    forward_contrast: the mean of the quantile ranks of two."""
    backward_path: str | None = artifact_input()
    """The backward model; needed for likelihood=backward and both."""
    base_path: str | None = artifact_input()
    """The model that the rating model was trained from; needed for likelihood=contrast and forward_contrast."""
    base_template: str | None = None
    """Chat template of the base model; None takes the one in its folder, which a plain base model lacks."""
    tagged: bool = True
    """Whether prompts carry the tags the models were trained with (data.tagged)."""
    rubric: RubricConfig = field(default_factory=RubricConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    attempts: int = bounded(3, POSITIVE)
    """How often a written rating is asked for before the pair counts as unreadable."""
    samples: int = bounded(1, POSITIVE)
    """Written ratings for each pair; their mean is the score (arXiv 2401.10020 takes 3). Each is asked for again while it is
    unreadable."""
    engine: EngineConfig = field(default_factory=EngineConfig)

    def __post_init__(self) -> None:
        require(
            self.scorer in self.offered,
            "scorer",
            self.scorer,
            f"must be one of {', '.join(self.offered)}; the rating model is named by model_path=",
        )
        check_bounds(self)
        require(
            self.samples == 1 or self.generation.temperature > 0,
            "samples",
            self.samples,
            "greedy ratings are all alike; set generation.temperature",
        )
        for key, model in (("backward_path", "backward"), ("base_path", "base")):
            require(
                key in self.inactive_fields or getattr(self, key) is not None,
                key,
                None,
                f"likelihood={self.likelihood} needs the {model} model; give its folder",
            )

    @property
    def scorers_used(self) -> set[str]:
        return {self.scorer}

    @property
    def inactive_fields(self) -> set[str]:
        """Fields that have no effect given the values of the others; they do not identify a run."""
        if self.scorer == GIVEN:
            rating = {f.name for f in fields(RatingConfig)} - {f.name for f in fields(StageConfig)}
            return rating - {"scorer"} | {"compare"}
        used, inactive = self.scorers_used, {"ratings"}
        if used == {"likelihood"}:
            inactive |= {"rubric", "compare"}
        if "generated" not in used:
            inactive |= {"generation", "attempts", "samples"}
        measures = LIKELIHOODS[self.likelihood] if "likelihood" in used else ()
        if not measures:
            inactive |= {"likelihood"}
        if "backward" not in measures:
            inactive |= {"backward_path"}
        if "contrast" not in measures:
            inactive |= {"base_path", "base_template"}
        return inactive


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


@dataclass(kw_only=True, slots=True)
class ScoreConfig(BulkConfig, RatingConfig):
    """candidates + rating model -> scored"""

    stage: ClassVar[str] = "score"
    kind: ClassVar[str] = "scored"
    offered: ClassVar[tuple[str, ...]] = (*SCORERS, GIVEN)

    candidates: str = artifact_input("outputs/candidates/web")
    """The folder of candidates, or a file of labelled pairs, to measure a scorer against them (docs/evaluation.md)."""
    compare: int = bounded(256, NOT_NEGATIVE)
    """How many candidates, the first of the seeded order, are rated both in writing and by expectation, so that the manifest
    tells how far the two agree. Nothing is compared under scorer=likelihood."""
    ratings: str | None = artifact_input()
    """Under scorer=given no model is asked: JSON lines with the id of a candidate and its score from 1 to 5, as people or a
    stronger model gave it (paper section 3.6.3)."""

    def __post_init__(self) -> None:
        RatingConfig.__post_init__(self)
        BulkConfig.__post_init__(self)
        require(
            self.scorer != GIVEN or self.ratings is not None,
            "ratings",
            None,
            "scorer=given needs a file of JSON lines with id and score",
        )

    @property
    def scorers_used(self) -> set[str]:
        compared = self.compare and self.scorer in ("generated", "expected")
        return {"generated", "expected"} if compared else {self.scorer}


@dataclass(kw_only=True, slots=True)
class SelectConfig(StageConfig):
    """scored -> curated. Selection is cheap and has a stage of its own, so that another threshold needs no second scoring."""

    stage: ClassVar[str] = "select"
    kind: ClassVar[str] = "curated"

    scored: str = artifact_input("outputs/scored/m0")
    min_score: float | None = 4.5
    top_fraction: float | None = None

    def __post_init__(self) -> None:
        check_bounds(self)
        check_selection("", self.min_score, self.top_fraction, None)
