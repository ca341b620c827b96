"""Hydra's grid of points, composed and checked before the first starts; `humpback_exp.sweep` runs those that are not finished.

Hydra's own sweeper starts each point as it composes it, with BasicLauncher all in one process. Here the task function of
a root script returns a point's stages. BasicLauncher stands for this machine; any other launcher (hydra/launcher=
submitit_slurm) is handed the unfinished points and calls back into a process of its own for each.
"""

import copy
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

from humpback_exp import sweep
from humpback_exp.config import HardwareConfig, load
from humpback_exp.grid import varied
from humpback_exp.point import Point
from humpback_exp.progress import log


class PointSweeper(BasicSweeper):
    """Hydra's grid, whose launcher gets the points as stages."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.launcher = PointLauncher(self.launcher)
        self.launcher.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        """Nothing: all points are composed before one is started."""


class PointLauncher(Launcher):
    """Composes points, then runs them: here, or where the launcher `elsewhere` puts them."""

    def __init__(self, chosen: Launcher) -> None:
        self.elsewhere = None if isinstance(chosen, BasicLauncher) else chosen
        self.groups: dict[tuple[str, ...], DictConfig] = {}

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.known = {"hydra_context": hydra_context, "config": config}
        self.options = cache(hydra_context.config_loader.get_group_options)
        self.parse = cache(OverridesParser.create(hydra_context.config_loader).parse_override)
        self.loader, self.config, self.task_function = hydra_context.config_loader, config, task_function

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        composed = [self.compose(overrides) for overrides in job_overrides]
        each = zip(varied(job_overrides), composed, strict=True)
        self.points = [self.point_of(varies, cfg) for varies, cfg in each]
        self.overrides = job_overrides
        hardware = composed[0].get("hardware")
        sweep.run(self.points, hardware and load(hardware, HardwareConfig), self.submit if self.elsewhere else None)
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

    def point_of(self, varies: dict[str, str], cfg: DictConfig) -> Point:
        """The stages that the root script returns for a config, or what it raises."""
        try:
            return Point(varies, self.task_function(cfg))
        except Exception as error:
            return Point(varies, [], error)

    def submit(self, points: Sequence[Point]) -> None:
        """Run points elsewhere, each from the config composed here; returns when the last has ended or one was lost.

        Raises:
            ValueError: the launcher could not start them.
        """
        assert self.elsewhere is not None
        overrides = [words for words, point in zip(self.overrides, self.points, strict=True) if point in points]
        self.elsewhere.setup(task_function=Attempts(points), **self.known)
        try:
            self.elsewhere.launch(overrides, 0)
        except Exception as error:
            last = str(error).strip().rpartition("\n")[2]
            why = f"hydra/launcher: {last}; points that were started go on by themselves, the same command shows them"
            if not _lost(error):
                raise ValueError(why) from None
            log.warning(why)


def _lost(error: Exception) -> bool:
    """Whether a job was submitted and did not come back; other launchers than submitit's do without its package.

    What submitit derives from the error of a lost job says that sbatch or the job itself failed.
    """
    try:
        from submitit.core.utils import UncompletedJobError
    except ImportError:
        return False
    return type(error) is UncompletedJobError


class Attempts:
    """The task function of points elsewhere: Hydra composes them again there, but what was composed here is what is run."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = points

    def __call__(self, _: DictConfig) -> int:
        return sweep.attempt(self.points[HydraConfig.get().job.num])
