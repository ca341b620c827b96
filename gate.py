"""known-good pairs + rating model -> may its ratings be trusted? `python gate.py --help` lists every option."""

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from humpback_exp.config import GateConfig, StageConfig, load, swept
from humpback_exp.errors import user_errors
from humpback_exp.execution.launch import enter

ConfigStore.instance().store("gate_schema", swept(GateConfig))


@hydra.main(version_base="1.3", config_path="conf", config_name="gate")
def main(cfg: DictConfig) -> list[StageConfig] | None:
    return enter(lambda: [load(cfg, GateConfig)], sweep=HydraConfig.get().mode == RunMode.MULTIRUN)


if __name__ == "__main__":
    user_errors(main)
