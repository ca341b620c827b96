"""Who rates pairs, and how: what scoring shares with its gate."""

from dataclasses import dataclass, field, fields
from typing import ClassVar

from humpback_exp.config.bounds import POSITIVE, bounded, check_bounds, choice, require
from humpback_exp.config.cpu import settle
from humpback_exp.config.identity import artifact_input
from humpback_exp.config.inference import EngineConfig, GenerationConfig, RubricConfig
from humpback_exp.config.stage_base import StageConfig

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
        settle(self)
        offered = f"must be one of {', '.join(self.offered)}; the rating model is named by model_path="
        require(self.scorer in self.offered, "scorer", self.scorer, offered)
        check_bounds(self)
        differ = self.samples == 1 or self.generation.temperature > 0
        require(differ, "samples", self.samples, "greedy ratings are all alike; set generation.temperature")
        for key, model in (("backward_path", "backward"), ("base_path", "base")):
            given = key in self.inactive_fields or getattr(self, key) is not None
            require(given, key, None, f"likelihood={self.likelihood} needs the {model} model; give its folder")

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
