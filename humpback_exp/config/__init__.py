"""Every knob of the project, as documented dataclasses; Hydra composes them, `load` validates them."""

from humpback_exp.config.base import identity, input_paths, load, operational, read, to_plain
from humpback_exp.config.corpus import CorpusConfig
from humpback_exp.config.executor import ExecutorConfig
from humpback_exp.config.inference import EngineConfig, GenerationConfig, JudgeConfig, RubricConfig
from humpback_exp.config.planning import HardwareConfig, PlanConfig, SizesConfig
from humpback_exp.config.points import PointConfig
from humpback_exp.config.stages import (
    STAGES,
    AugmentConfig,
    BulkConfig,
    EvaluateConfig,
    ScoreConfig,
    SegmentConfig,
    SelectConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.config.tracking import DashboardConfig, LinkConfig, TrackingConfig
from humpback_exp.config.training import AdapterConfig, DataConfig, ModelConfig, OptimConfig, TrainerConfig
from humpback_exp.config.verbs import CurateConfig, PipelineConfig, ReportConfig, selection_name

__all__ = [
    "STAGES",
    "AdapterConfig",
    "AugmentConfig",
    "BulkConfig",
    "CorpusConfig",
    "CurateConfig",
    "DashboardConfig",
    "DataConfig",
    "EngineConfig",
    "EvaluateConfig",
    "ExecutorConfig",
    "GenerationConfig",
    "HardwareConfig",
    "JudgeConfig",
    "LinkConfig",
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
