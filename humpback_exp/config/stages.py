"""One config a stage: what it reads, what it writes, and where."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from humpback_exp.config.base import artifact_input, one_of, operational, require
from humpback_exp.config.corpus import CorpusConfig
from humpback_exp.config.executor import ExecutorConfig
from humpback_exp.config.inference import EngineConfig, GenerationConfig, JudgeConfig, RubricConfig
from humpback_exp.config.tracking import TrackingConfig
from humpback_exp.config.training import (
    AdapterConfig,
    DataConfig,
    ModelConfig,
    OptimConfig,
    TrainerConfig,
    check_selection,
)

SCORERS = ("generated", "likelihood")
SOURCES = ("seed", "web")


@dataclass(kw_only=True, slots=True)
class StageConfig:
    """What every stage has. Its folder is `output_root/kind/name`."""

    stage: ClassVar[str] = ""
    kind: ClassVar[str] = ""

    output_root: str = operational("outputs")
    name: str = operational("scratch")
    seed: int = 0
    tracking: TrackingConfig = operational(TrackingConfig)
    n_jobs: int = operational(1)
    """Points of a sweep that run at a time on this machine; on a cluster the launcher says how many."""

    @property
    def folder(self) -> Path:
        parts = Path(self.name).parts
        inside = bool(parts) and ".." not in parts and not Path(self.name).is_absolute()
        require(inside, "name", repr(self.name), "must name a folder below output_root")
        return Path(self.output_root) / self.kind / self.name


@dataclass(kw_only=True, slots=True)
class BulkConfig(StageConfig):
    """What a stage has whose rows are done chunk by chunk, by any number of workers."""

    executor: ExecutorConfig = operational(ExecutorConfig)
    chunk_size: int = 1024
    """Rows a committed chunk: what a kill can cost a worker at most, and the share of work given out at a time."""


@dataclass(kw_only=True, slots=True)
class SegmentConfig(StageConfig):
    """pages -> segments"""

    stage: ClassVar[str] = "segment"
    kind: ClassVar[str] = "segments"

    seed: int = operational(0)
    """Nothing here is drawn at random, so loops with other seeds share their segments."""
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    workers: int = operational(2)
    """Processes that parse pages."""
    chunk_size: int = 256
    """HTML pages (or 1 WARC file) a committed chunk."""

    def __post_init__(self) -> None:
        for key in ("workers", "chunk_size"):
            require(getattr(self, key) > 0, key, getattr(self, key), "must be positive")


@dataclass(kw_only=True, slots=True)
class TrainConfig(StageConfig):
    """seed (+ scored) -> model"""

    stage: ClassVar[str] = "train"
    kind: ClassVar[str] = "models"

    model: ModelConfig = field(default_factory=ModelConfig)
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    data: DataConfig = field(default_factory=DataConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)

    def __post_init__(self) -> None:
        require(
            self.data.max_length <= self.model.context,
            "data.max_length",
            self.data.max_length,
            f"exceeds the model's context of {self.model.context} tokens (model.context)",
        )
        require(
            self.model.dtype == "float32" or self.adapter.kind == "lora" or self.trainer.strategy.startswith("zero3"),
            "model.dtype",
            self.model.dtype,
            "full fine-tuning of bfloat16 weights loses small updates; set model.dtype=float32 or adapter=lora",
        )


@dataclass(kw_only=True, slots=True)
class AugmentConfig(BulkConfig):
    """segments + backward model -> candidates"""

    stage: ClassVar[str] = "augment"
    kind: ClassVar[str] = "candidates"

    segments: str = artifact_input("outputs/segments/web")
    model_path: str = artifact_input("outputs/models/backward")
    """The backward model."""
    limit: int | None = None
    """Segments used, drawn by a seeded order of their ids; None uses all. A smaller draw is a subset of a larger."""
    tagged: bool = True
    """Whether the prompt carries the tag the backward model was trained with (data.tagged)."""
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)

    def __post_init__(self) -> None:
        require(self.limit is None or self.limit > 0, "limit", self.limit, "must be positive or null")
        require(self.chunk_size > 0, "chunk_size", self.chunk_size, "must be positive")


@dataclass(kw_only=True, slots=True)
class ScoreConfig(BulkConfig):
    """candidates + rating model -> scored"""

    stage: ClassVar[str] = "score"
    kind: ClassVar[str] = "scored"

    candidates: str = artifact_input("outputs/candidates/web")
    model_path: str = artifact_input("outputs/models/m0")
    """The rating model, M_(t-1)."""
    scorer: str = "generated"
    """generated asks for a written rating (the paper); likelihood measures how much the instruction helps the output."""
    tagged: bool = True
    """Whether prompts carry the tags the rating model was trained with (data.tagged)."""
    rubric: RubricConfig = field(default_factory=RubricConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    attempts: int = 3
    """How often an unreadable rating is asked for before the candidate is abandoned."""
    engine: EngineConfig = field(default_factory=EngineConfig)

    def __post_init__(self) -> None:
        require(
            self.scorer in SCORERS,
            "scorer",
            self.scorer,
            f"must be one of {', '.join(SCORERS)}; the rating model is named by model_path=",
        )
        for key in ("attempts", "chunk_size"):
            require(getattr(self, key) > 0, key, getattr(self, key), "must be positive")


@dataclass(kw_only=True, slots=True)
class SelectConfig(StageConfig):
    """scored -> curated: cheap, and apart from scoring so that a threshold costs no second scoring."""

    stage: ClassVar[str] = "select"
    kind: ClassVar[str] = "curated"

    scored: str = artifact_input("outputs/scored/m0")
    min_score: float | None = 4.5
    top_fraction: float | None = None

    def __post_init__(self) -> None:
        check_selection("", self.min_score, self.top_fraction, None)


@dataclass(kw_only=True, slots=True)
class EvaluateConfig(StageConfig):
    """model + held-out human pairs -> losses, answers, verdicts, ratings"""

    stage: ClassVar[str] = "evaluate"
    kind: ClassVar[str] = "evals"

    model_path: str = artifact_input("outputs/models/m1")
    heldout: str = artifact_input("examples/heldout.jsonl")
    """Human pairs no model was trained on, in any format of data.seed_path."""
    reference: str | None = artifact_input()
    """An evals folder whose answers are the opponents in the win rate."""
    template: str | None = None
    """Chat template of the model; None takes the one in its folder, which a plain base model lacks."""
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    ratings: int = 8
    """Held-out pairs rated with each scorer, each also with another pair's output; 0 skips."""
    tags: list[str] = field(default_factory=lambda: ["seed", "web"])
    """Sources whose sentences prompts carry at inference; both joined is the paper's best."""
    rubric: RubricConfig = field(default_factory=RubricConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    rating: GenerationConfig = field(default_factory=GenerationConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)

    def __post_init__(self) -> None:
        for tag in self.tags:
            one_of("tags", tag, SOURCES)
        require(
            self.ratings == 0 or self.ratings > 1, "ratings", self.ratings, "must be 0, or 2 and more to mismatch pairs"
        )


STAGES: dict[str, type[StageConfig]] = {
    cls.stage: cls for cls in (SegmentConfig, TrainConfig, AugmentConfig, ScoreConfig, SelectConfig, EvaluateConfig)
}
