"""Configs composed as the root scripts compose them, and the points of a sweep as Hydra's grid makes them.

Hydra's store of schemas is one for the process, so no test stores one: the scripts do, once.
"""

from collections.abc import Sequence
from importlib import import_module

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig

from humpback_exp import config
from hydra_plugins.point_sweeper import BasicSweeper
from tests.conftest import ROOT

SCHEMAS = {
    "annotate": config.AnnotateConfig, "augment": config.AugmentConfig, "curate": config.CurateConfig,
    "evaluate": config.EvaluateConfig, "gate": config.GateConfig, "pipeline": config.PipelineConfig,
    "plan": config.PlanConfig, "report": config.ReportConfig, "rewrite": config.RewriteConfig,
    "segment": config.SegmentConfig, "train": config.PointConfig,
}  # fmt: skip
for script in SCHEMAS:
    import_module(script)  # stores its schema
BESIDE = f"hydra.searchpath=[file://{ROOT}/conf]"


def composed(folder: str, name: str, overrides: Sequence[str]) -> DictConfig:
    """The config `name` of a folder; its groups may be those of `conf/`."""
    with initialize_config_dir(str(ROOT / folder), version_base="1.3"):
        return compose(name, [BESIDE, *overrides])


def points(folder: str, name: str, words: Sequence[str]) -> list[DictConfig]:
    """The config of every point; a word stands in the place of a parameter of the same key."""
    with initialize_config_dir(str(ROOT / folder), version_base="1.3"):
        params = compose(name, [BESIDE], return_hydra_config=True).hydra.sweeper.params or {}
        grid = [f"{key}={value}" for key, value in params.items()]
        (found,) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides([*grid, *words]), None)
        return [compose(name, [BESIDE, *point]) for point in found]
