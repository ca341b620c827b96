"""Every knob of the project, as documented dataclasses; Hydra composes them, `load` validates them."""

from humpback_exp.config.base import identity, input_paths, load, operational, read, to_plain
from humpback_exp.config.corpus import CorpusConfig
from humpback_exp.config.inference import EngineConfig, GenerationConfig, JudgeConfig, RubricConfig
from humpback_exp.config.planning import HardwareConfig, PlanConfig, SizesConfig
from humpback_exp.config.points import PointConfig
from humpback_exp.config.stages import (
    STAGES,
    AugmentConfig,
    EvaluateConfig,
    ScoreConfig,
    SegmentConfig,
    SelectConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.config.tracking import TrackingConfig
from humpback_exp.config.training import AdapterConfig, DataConfig, ModelConfig, OptimConfig, TrainerConfig
from humpback_exp.config.verbs import CurateConfig, PipelineConfig, ReportConfig, selection_name

__all__ = [
    "STAGES",
    "AdapterConfig",
    "AugmentConfig",
    "CorpusConfig",
    "CurateConfig",
    "DataConfig",
    "EngineConfig",
    "EvaluateConfig",
    "GenerationConfig",
    "HardwareConfig",
    "JudgeConfig",
    "ModelConfig",
    "OptimConfig",
    "PipelineConfig",
    "PlanConfig",
    "PointConfig",
    "ReportConfig",
    "RubricConfig",
    "ScoreConfig",
    "SegmentConfig",
    "SelectConfig",
    "SizesConfig",
    "StageConfig",
    "TrackingConfig",
    "TrainConfig",
    "TrainerConfig",
    "identity",
    "input_paths",
    "load",
    "operational",
    "read",
    "selection_name",
    "to_plain",
]
