"""Commands of a few stages: curate.py scores and selects; train.py may score before it trains and evaluate afterwards."""

from dataclasses import dataclass, replace

from humpback_exp.config.bounds import require
from humpback_exp.config.curation import ScoreConfig
from humpback_exp.config.evaluation import EvaluateConfig
from humpback_exp.config.gate import BoundsConfig
from humpback_exp.config.hardware import HardwareConfig
from humpback_exp.config.identity import operational
from humpback_exp.config.training import TrainConfig, check_engine_device
from humpback_exp.config.training_data import check_selection


@dataclass(kw_only=True, slots=True)
class CurateConfig(ScoreConfig):
    """candidates -> gates, scored, curated: the steps of self-curation in one command."""

    gate: BoundsConfig = operational(BoundsConfig)
    min_score: float | None = operational(4.5)
    """The paper's A_5."""
    top_fraction: float | None = operational(None)

    def __post_init__(self) -> None:
        ScoreConfig.__post_init__(self)
        check_selection("", self.min_score, self.top_fraction, None)


@dataclass(kw_only=True, slots=True)
class PointConfig(TrainConfig):
    """A model, and so a point of a sweep. `conf/curation/` and `conf/evaluation/` wire what comes before and after to it."""

    curation: ScoreConfig | None = None
    """Scores to be made first, for the model to select by (curation=scores). Points with equal scores share them,
    whatever their seed: curation.seed is its own."""
    evaluation: EvaluateConfig | None = None
    """How the model is measured (evaluation=heldout). Points may share a model and differ in this."""
    heldout: str = operational("examples/heldout.jsonl")
    """Human pairs that evaluation=heldout measures on."""
    hardware: HardwareConfig | None = operational(None)
    """The hardware for which the hours of a sweep are estimated (hardware=a100_80gb). None estimates floating-point operations
    only."""

    def __post_init__(self) -> None:
        TrainConfig.__post_init__(self)
        scored = self.curation and str(replace(self.curation, output_root=self.output_root).folder)
        bound = f"curation= makes {scored}; leave data.scored to it"
        require(scored in (None, self.data.scored), "data.scored", self.data.scored, bound)
        for key in ("curation", "evaluation"):
            stage = getattr(self, key)
            if stage is not None:
                check_engine_device(f"{key}.engine", stage.engine, self.trainer)
