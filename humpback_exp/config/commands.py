"""Commands about many stages: the whole loop, the report."""

from dataclasses import dataclass, field, replace
from typing import Any

from humpback_exp.config.bounds import NOT_NEGATIVE, POSITIVE, bounded, check_bounds, choice, one_of, require
from humpback_exp.config.corpus import CorpusConfig
from humpback_exp.config.cpu import settle
from humpback_exp.config.dataset import DatasetConfig
from humpback_exp.config.executor import ExecutorConfig
from humpback_exp.config.gate import BoundsConfig
from humpback_exp.config.hardware import HardwareConfig
from humpback_exp.config.identity import artifact_input, operational
from humpback_exp.config.inference import EngineConfig, GenerationConfig, RubricConfig
from humpback_exp.config.judge import JudgeConfig
from humpback_exp.config.measurements import MeasuringConfig
from humpback_exp.config.model import AdapterConfig, ModelConfig
from humpback_exp.config.rating import LIKELIHOODS, SCORERS
from humpback_exp.config.training import OptimConfig, TrainerConfig, check_engine_device
from humpback_exp.config.training_data import DataConfig, check_selection

VARIANTS = ("rewrite", "instruction_only", "backward_likelihood", "retrain")


@dataclass(kw_only=True, slots=True)
class PipelineConfig(MeasuringConfig):
    """corpus + seed -> M_iterations: the settings its stages share, and the few that differ between them."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    adapter: AdapterConfig = field(default_factory=AdapterConfig)
    data: DataConfig = field(default_factory=DataConfig)
    """Seed pairs, tags and lengths. The pipeline itself sets direction, scored folder and selection."""
    optim: OptimConfig = field(default_factory=OptimConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    iterations: int = bounded(2, NOT_NEGATIVE)
    """Rounds of curation and training after M0 (paper section 6)."""
    limit: int | None = bounded(None, POSITIVE)
    """How many segments are used; None uses all."""
    scorer: str = bounded("generated", choice(*SCORERS))
    likelihood: str = bounded("forward", choice(*LIKELIHOODS))
    """Which likelihood scores under scorer=likelihood. The backward model is the loop's own."""
    compare: int = bounded(256, NOT_NEGATIVE)
    gate: BoundsConfig = field(default_factory=BoundsConfig)
    min_score: float | None = 4.5
    top_fraction: float | None = None
    rubric: RubricConfig = field(default_factory=RubricConfig)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    """How instructions are sampled, and answers where `answers` is null."""
    answers: GenerationConfig | None = None
    """How answers are sampled at evaluation; None as `generation`."""
    rating: GenerationConfig = field(default_factory=GenerationConfig)
    """How written ratings and their rationale are sampled."""
    attempts: int = bounded(3, POSITIVE)
    samples: int = bounded(1, POSITIVE)
    rewriting: GenerationConfig = field(default_factory=GenerationConfig)
    """How rewritten answers are sampled."""
    variants: list[str] = field(default_factory=list)
    """Ways beyond the paper to be tried beside M1 (docs/beyond.md), of rewrite, instruction_only, backward_likelihood and
    retrain. None by default: each costs a training, and most a scoring of all candidates."""
    instruction_rubric: RubricConfig = field(default_factory=RubricConfig)
    """The rubric of the variant instruction_only."""
    engine: EngineConfig = field(default_factory=EngineConfig)
    executor: ExecutorConfig = operational(ExecutorConfig)
    """Who does the chunks of augmentation, scoring and rewriting."""
    chunk_size: int = bounded(1024, POSITIVE)
    heldout: str = artifact_input("examples/heldout.jsonl")
    heldout_dataset: DatasetConfig = field(default_factory=DatasetConfig)
    """Which part of heldout is read, by the gate, too, unless it has pairs or options of its own."""
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    tags: list[str] = field(default_factory=lambda: ["seed", "web"])
    workers: int = operational(2, POSITIVE)
    hardware: HardwareConfig | None = operational(None)
    """The hardware for which the hours of a sweep of loops are estimated."""

    def __post_init__(self) -> None:
        settle(self)
        remedy = "an endpoint serves one model, the loop asks all of its own; use engine=transformers or engine=vllm"
        require(self.engine.name != "openai", "engine.name", self.engine.name, remedy)
        check_engine_device("engine", self.engine, self.trainer)
        check_bounds(self)
        self.check_evaluations()
        if self.gate.path == self.heldout and self.gate.dataset == DatasetConfig():
            self.gate = replace(self.gate, dataset=self.heldout_dataset)
        check_selection("", self.min_score, self.top_fraction, None)
        for name in self.variants:
            one_of("variants", name, VARIANTS)
        has_m1 = not self.variants or self.iterations > 0
        require(has_m1, "variants", self.variants, "vary M1; set iterations=1 or more")


@dataclass(kw_only=True, slots=True)
class LengthControlConfig:
    """AlpacaEval's own files, without which no length-controlled win rate is given (docs/report.md)."""

    difficulty: str = "instruction_difficulty.csv"
    instructions: str = "model_outputs.json"
    """The answers whose order the indices of `difficulty` count."""
    gamed: str | None = None
    """`df_gamed.csv`; None gives the raw win rate alone."""


@dataclass(kw_only=True, slots=True)
class ReportConfig:
    """Finished folders below output_root -> a self-contained HTML page: of everything, of a sweep, or of some models.

    With `table`, one table of all runs instead.
    """

    output_root: str = "outputs"
    sweep: str | None = None
    """The `tracking.group` of the runs to show as the paper's figure; None shows everything below output_root."""
    runs: Any = field(default_factory=list)
    """Two or more evaluations to compare, by name or folder, as a list or with commas; a model's folder stands for its
    evaluation."""
    page: str | None = None
    """A web page, a file or an http(s) address, to show beside its segments and the rules that dropped the others."""
    output: str | None = None
    """Where the page is written; None for report.html in output_root, reports/ in it for a sweep or a comparison."""
    table: str | None = None
    """A file, .parquet or .csv, for a row of settings, figures and lineage for every finished folder (docs/report.md)."""
    leaderboard: str | None = None
    """A CSV file for the win rates of all evaluated models beside the paper's, each with its judge and prompts; printed, too."""
    annotations: Any = field(default_factory=list)
    """AlpacaEval's annotations.json, whose win rates are printed instead of any page; of several files, as a list or with commas,
    the first is compared with each of the others."""
    labelled: str | None = None
    """Pairs that people labelled, against which every scored folder is measured as a selector (docs/evaluation.md); printed, and
    drawn into `output`, by default reports/selectors.svg."""
    good: float = 4.0
    """The label from which on such a pair is good: in the rubric, the first level that finds nothing missing or irrelevant."""
    length_control: LengthControlConfig = field(default_factory=LengthControlConfig)

    def __post_init__(self) -> None:
        self.runs = self.runs.split(",") if isinstance(self.runs, str) else self.runs
        given = self.annotations or []
        self.annotations = given.split(",") if isinstance(given, str) else given
        require(len(self.runs) != 1, "runs", ",".join(self.runs), "a comparison needs two or more, as in runs=m0,m1")
        require(self.sweep is None or not self.runs, "runs", ",".join(self.runs), f"excludes sweep={self.sweep}")
        if self.page is not None:
            require(not (self.sweep or self.runs), "page", self.page, "excludes sweep and runs; run them one by one")
        if self.table is not None:
            require(self.table.endswith((".parquet", ".csv")), "table", self.table, "must end in .parquet or .csv")
            page = {"sweep": self.sweep, "runs": ",".join(self.runs), "output": self.output, "page": self.page}
            other = next((f"{key}={value}" for key, value in page.items() if value), None)
            require(other is None, "table", self.table, f"excludes {other}, which is about a page; run them one by one")
