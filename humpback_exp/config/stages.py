"""The stages by name, each with its config: what it reads, what it writes, and where."""

from humpback_exp.config.annotation import AnnotateConfig
from humpback_exp.config.augmentation import AugmentConfig, RewriteConfig
from humpback_exp.config.corpus import SegmentConfig
from humpback_exp.config.curation import ScoreConfig, SelectConfig
from humpback_exp.config.evaluation import EvaluateConfig
from humpback_exp.config.gate import GateConfig
from humpback_exp.config.stage_base import StageConfig
from humpback_exp.config.training import TrainConfig

STAGES: dict[str, type[StageConfig]] = {
    cls.stage: cls
    for cls in (
        SegmentConfig,
        TrainConfig,
        AugmentConfig,
        GateConfig,
        ScoreConfig,
        SelectConfig,
        RewriteConfig,
        EvaluateConfig,
        AnnotateConfig,
    )
}
