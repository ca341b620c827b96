"""What writes texts in bulk: instructions for segments, and answers rewritten."""

from dataclasses import dataclass, field
from typing import ClassVar

from humpback_exp.config.bounds import POSITIVE, bounded
from humpback_exp.config.identity import artifact_input
from humpback_exp.config.inference import EngineConfig, GenerationConfig
from humpback_exp.config.stage_base import BulkConfig
from humpback_exp.config.training_data import check_selection


@dataclass(kw_only=True, slots=True)
class AugmentConfig(BulkConfig):
    """segments + backward model -> candidates"""

    stage: ClassVar[str] = "augment"
    kind: ClassVar[str] = "candidates"

    segments: str = artifact_input("outputs/segments/web")
    model_path: str = artifact_input("outputs/models/backward")
    """The backward model."""
    limit: int | None = bounded(None, POSITIVE)
    """Segments used, drawn by a seeded order of their ids; None uses all. A smaller draw is a subset of a larger."""
    tagged: bool = True
    """Whether the prompt carries the tag the backward model was trained with (data.tagged)."""
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)


@dataclass(kw_only=True, slots=True)
class RewriteConfig(BulkConfig):
    """scored, selected + the model that rated it -> rewritten"""

    stage: ClassVar[str] = "rewrite"
    kind: ClassVar[str] = "rewritten"

    scored: str = artifact_input("outputs/scored/m0")
    model_path: str = artifact_input("outputs/models/m0")
    """The rewriter: the model that rated the candidates, so that no other model's knowledge comes in."""
    min_score: float | None = 4.5
    """Rewrite the candidates scored at least this; 4.5 is the paper's A_5."""
    top_fraction: float | None = None
    """Rewrite this share of all candidates, the best scored."""
    tagged: bool = True
    """Whether prompts carry the tag the model was trained with (data.tagged)."""
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    """A rewriting that reaches max_new_tokens is unfinished, and its draft is kept."""
    engine: EngineConfig = field(default_factory=EngineConfig)

    def __post_init__(self) -> None:
        check_selection("", self.min_score, self.top_fraction, None)
        BulkConfig.__post_init__(self)
