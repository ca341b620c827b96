"""Commands that run once and take `key=a,b` for a list, where Hydra would sweep over it."""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write


class ListSweeper(Sweeper):
    """Runs the task function once, with every choice as a list."""

    def __init__(self, **_: Any) -> None:
        """Take no notice of what Hydra's own sweeper would be told."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader, self.task_function, self.config = hydra_context.config_loader, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        overrides = OverridesParser.create(self.loader).parse_overrides(arguments)
        cfg = self.loader.load_sweep_config(self.config, [as_list(each) for each in overrides])
        with read_write(cfg), open_dict(cfg):
            del cfg["hydra"]
        return self.task_function(cfg)


def as_list(override: Override) -> str:
    """`key=[a,b]` for `key=a,b`; what is no choice stays as it is."""
    if override.is_choice_sweep():
        return f"{override.get_key_element()}=[{','.join(override.sweep_string_iterator())}]"
    return override.input_line or ""
