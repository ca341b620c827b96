"""Every option of the project, as documented dataclasses. Hydra composes a config, `load` makes it one of these and checks it."""

from humpback_exp.config.annotation import AnnotateConfig
from humpback_exp.config.augmentation import AugmentConfig, RewriteConfig
from humpback_exp.config.commands import PipelineConfig, ReportConfig
from humpback_exp.config.corpus import CorpusConfig, SegmentConfig
from humpback_exp.config.cpu import settle
from humpback_exp.config.curation import ScoreConfig, SelectConfig
from humpback_exp.config.dataset import DatasetConfig
from humpback_exp.config.evaluation import EvaluateConfig
from humpback_exp.config.executor import ExecutorConfig
from humpback_exp.config.gate import BoundsConfig, GateConfig
from humpback_exp.config.hardware import HardwareConfig
from humpback_exp.config.identity import identity, input_paths
from humpback_exp.config.inference import EngineConfig, GenerationConfig, RubricConfig
from humpback_exp.config.judge import JudgeConfig
from humpback_exp.config.load import load, read, swept, to_plain
from humpback_exp.config.model import AdapterConfig, ModelConfig
from humpback_exp.config.planning import PlanConfig, SizesConfig
from humpback_exp.config.rating import RatingConfig
from humpback_exp.config.stage_base import BulkConfig, StageConfig
from humpback_exp.config.stages import STAGES
from humpback_exp.config.steps import CurateConfig, PointConfig
from humpback_exp.config.tracking import DashboardConfig, LinkConfig, TrackingConfig
from humpback_exp.config.training import OptimConfig, TrainConfig, TrainerConfig
from humpback_exp.config.training_data import DataConfig
