"""Hydra's grid of points, composed and checked before the first starts; `humpback_exp.sweep.runner` runs the unfinished ones.

Hydra's own sweeper starts each point as it composes it, and its basic launcher runs all of them in one process. Here the task
function of a root script returns the stages of a point. The basic launcher stands for this machine, submitit's for a cluster.
"""

import copy
import shutil
from collections.abc import Sequence
from functools import cache
from typing import Any

# The one import from Hydra's inside: only its basic sweeper makes a grid of overrides, and its documented base class does not.
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.core.utils import JobReturn
from hydra.errors import ConfigCompositionException
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from humpback_exp.config import HardwareConfig, load
from humpback_exp.sweep import runner
from humpback_exp.sweep.point import Point
from humpback_exp.sweep.slurm import Cluster
from humpback_exp.sweep.validate import varied


class PointSweeper(BasicSweeper):
    """Hydra's grid, whose launcher gets the points as stages."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.config, self.launcher = hydra_context, config, PointLauncher()
        self.launcher.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Check nothing: all points are composed before one is started."""


class PointLauncher(Launcher):
    """Composes points, then runs them: here, or as jobs with the parameters of a submitit launcher."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader, self.config, self.task_function = hydra_context.config_loader, config, task_function
        self.options = cache(self.loader.get_group_options)
        self.parse = cache(OverridesParser.create(self.loader).parse_override)
        self.cluster = cluster_of(config)
        self.composed: dict[tuple[str, ...], DictConfig] = {}
        self.shared: dict[str, Any] = {"n_jobs": 1, "hardware": None}

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        points = [self.point_of(*each) for each in zip(varied(job_overrides), job_overrides, strict=True)]
        hardware = self.shared["hardware"] and load(self.shared["hardware"], HardwareConfig)
        runner.run(points, hardware, self.cluster, self.shared["n_jobs"])
        return []

    def point_of(self, varies: dict[str, str], overrides: Sequence[str]) -> Point:
        """The stages that the root script returns for a point's config, or what that or composing it raises."""
        try:
            cfg = self.compose([self.parse(word) for word in overrides])
            self.shared = {key: cfg.get(key) for key in self.shared}
            return Point(varies, self.task_function(cfg))
        except Exception as error:
            return Point(varies, [], error)

    def compose(self, overrides: Sequence[Override]) -> DictConfig:
        """The config of a point. Hydra composes once for all points that choose the same groups; their values are set here."""
        values = [
            each for each in overrides if each.type == OverrideType.CHANGE and not self.options(each.key_or_group)
        ]
        words = tuple(each.input_line or "" for each in overrides if each not in values)
        if words not in self.composed:
            self.composed[words] = self.loader.load_sweep_config(self.config, list(words))
        cfg = copy.deepcopy(self.composed[words])
        HydraConfig.instance().set_config(cfg)
        for each in values:
            try:
                OmegaConf.update(cfg, each.key_or_group, each.value(), merge=True)
            except OmegaConfBaseException as error:
                raise ConfigCompositionException(f"Error merging override {each.input_line}") from error
        with read_write(cfg), open_dict(cfg):
            del cfg["hydra"]
        return cfg


def cluster_of(config: DictConfig) -> Cluster | None:
    """Where points run: None for this machine.

    Raises:
        ValueError: neither here nor through submitit.
    """
    launcher = config.hydra.runtime.choices["hydra/launcher"]
    if launcher == "basic":
        return None
    if not launcher.startswith("submitit_"):
        raise ValueError(
            f"hydra/launcher={launcher}: points run on this machine, or through submitit_slurm or submitit_local"
        )
    if launcher == "submitit_slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
        raise ValueError(
            "hydra/launcher=submitit_slurm: no sbatch and srun on the PATH; run this on a login node of the cluster"
        )
    parameters = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    assert isinstance(parameters, dict)
    parameters.pop("_target_")
    return Cluster(launcher.removeprefix("submitit_"), {str(key): value for key, value in parameters.items()})
