"""Commands that are more than one stage: curation in two steps, the whole loop, the report."""

from dataclasses import dataclass, field, fields

from humpback_exp.config.base import artifact_input, one_of, operational, require
from humpback_exp.config.corpus import CorpusConfig
from humpback_exp.config.executor import ExecutorConfig
from humpback_exp.config.inference import EngineConfig, GenerationConfig, JudgeConfig, RubricConfig
from humpback_exp.config.stages import SCORERS, ScoreConfig, SelectConfig, StageConfig
from humpback_exp.config.training import (
    AdapterConfig,
    DataConfig,
    ModelConfig,
    OptimConfig,
    TrainerConfig,
    check_selection,
)


@dataclass(kw_only=True, slots=True)
class CurateConfig(ScoreConfig):
    """candidates -> scored -> curated: both steps of self-curation in one command."""

    min_score: float | None = operational(4.5)
    """The paper's A_5."""
    top_fraction: float | None = operational(None)

    def __post_init__(self) -> None:
        ScoreConfig.__post_init__(self)
        check_selection("", self.min_score, self.top_fraction, None)

    def steps(self) -> list[StageConfig]:
        """Scoring, then a selection in a folder named after its threshold."""
        score = ScoreConfig(**{f.name: getattr(self, f.name) for f in fields(ScoreConfig)})
        select = SelectConfig(
            output_root=self.output_root,
            name=f"{self.name}-{selection_name(self.min_score, self.top_fraction)}",
            seed=self.seed,
            tracking=self.tracking,
            scored=str(score.folder),
            min_score=self.min_score,
            top_fraction=self.top_fraction,
        )
        return [score, select]


def selection_name(min_score: float | None, top_fraction: float | None) -> str:
    """`a4.5`, `top0.3` or `all`."""
    if min_score is not None:
        return f"a{min_score:g}"
    return f"top{top_fraction:g}" if top_fraction is not None else "all"


@dataclass(kw_only=True, slots=True)
class PipelineConfig(StageConfig):
    """corpus + seed -> M_iterations: the settings its stages share, and the few that differ between them."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    data: DataConfig = field(default_factory=DataConfig)
    """Seed, tags and lengths; the pipeline sets direction, scored folder and selection."""
    optim: OptimConfig = field(default_factory=OptimConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    iterations: int = 2
    """Rounds of curation and training after M0 (paper section 6)."""
    limit: int | None = None
    """Segments used, None for all."""
    scorer: str = "generated"
    min_score: float | None = 4.5
    top_fraction: float | None = None
    rubric: RubricConfig = field(default_factory=RubricConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    """For instructions and answers."""
    rating: GenerationConfig = field(default_factory=GenerationConfig)
    """For written ratings and their rationale."""
    attempts: int = 3
    engine: EngineConfig = field(default_factory=EngineConfig)
    executor: ExecutorConfig = operational(ExecutorConfig)
    """Of augmentation and scoring."""
    chunk_size: int = 1024
    heldout: str = artifact_input("examples/heldout.jsonl")
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    ratings: int = 8
    tags: list[str] = field(default_factory=lambda: ["seed", "web"])
    workers: int = operational(2)

    def __post_init__(self) -> None:
        require(self.iterations >= 0, "iterations", self.iterations, "must be 0 or more")
        check_selection("", self.min_score, self.top_fraction, None)
        one_of("scorer", self.scorer, SCORERS)


@dataclass(kw_only=True, slots=True)
class ReportConfig:
    """Every finished folder below output_root -> one self-contained HTML page."""

    output_root: str = "outputs"
    output: str | None = None
    """Where the page is written; None for report.html in output_root."""
