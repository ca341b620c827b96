"""Hydra's grid of points, composed and checked before the first starts; `humpback_exp.sweep.runner` runs the unfinished ones.

Hydra's own sweeper starts each point as it composes it, with BasicLauncher all in one process. Here the task function of
a root script returns a point's stages. BasicLauncher stands for this machine, submitit's launchers for a cluster.
"""

import copy
import shutil
from collections.abc import Sequence
from functools import cache

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from humpback_exp.config import HardwareConfig, load
from humpback_exp.sweep import runner
from humpback_exp.sweep.point import Point
from humpback_exp.sweep.slurm import Cluster
from humpback_exp.sweep.validate import varied


class PointSweeper(BasicSweeper):
    """Hydra's grid, whose launcher gets the points as stages."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.launcher = PointLauncher(self.launcher)
        self.launcher.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Nothing: all points are composed before one is started."""


class PointLauncher(Launcher):
    """Composes points, then runs them: here, or as jobs with the parameters of a submitit launcher."""

    def __init__(self, chosen: Launcher) -> None:
        self.cluster = cluster_of(chosen)
        self.groups: dict[tuple[str, ...], DictConfig] = {}
        self.hardware: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.options = cache(hydra_context.config_loader.get_group_options)
        self.parse = cache(OverridesParser.create(hydra_context.config_loader).parse_override)
        self.loader, self.config, self.task_function = hydra_context.config_loader, config, task_function

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        points = [self.point_of(*each) for each in zip(varied(job_overrides), job_overrides, strict=True)]
        runner.run(points, self.hardware and load(self.hardware, HardwareConfig), self.cluster)
        return []

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """The config of a point. Points that choose the same groups are composed once; Hydra applies their values after that."""
        parsed = [self.parse(word) for word in overrides]
        chosen = [each for each in parsed if self.options(each.key_or_group)]
        words = tuple(each.input_line or "" for each in chosen)
        if words not in self.groups:
            whole = self.loader.load_sweep_config(self.config, list(words))
            HydraConfig.instance().set_config(whole)
            with read_write(whole), open_dict(whole):
                del whole["hydra"]
            self.groups[words] = whole
        cfg = copy.deepcopy(self.groups[words])
        ConfigLoaderImpl._apply_overrides_to_config([each for each in parsed if each not in chosen], cfg)
        return cfg

    def point_of(self, varies: dict[str, str], overrides: Sequence[str]) -> Point:
        """The stages that the root script returns for a point's config, or what that or composing it raises."""
        try:
            cfg = self.compose(overrides)
            self.hardware = self.hardware or cfg.get("hardware")
            return Point(varies, self.task_function(cfg))
        except Exception as error:
            return Point(varies, [], error)


def cluster_of(launcher: Launcher) -> Cluster | None:
    """Where points run: None for this machine.

    Raises:
        ValueError: neither here nor through submitit.
    """
    if isinstance(launcher, BasicLauncher):
        return None
    name, parameters = getattr(launcher, "_EXECUTOR", None), getattr(launcher, "params", {})
    if "submitit_folder" not in parameters:
        raise ValueError(
            f"hydra/launcher={type(launcher).__name__}: points run on this machine, or through submitit_slurm or submitit_local"
        )
    if name == "slurm" and not (shutil.which("sbatch") and shutil.which("srun")):
        raise ValueError(
            "hydra/launcher=submitit_slurm: no sbatch and srun on the PATH; run this on a login node of the cluster"
        )
    return Cluster(str(name), dict(parameters))
